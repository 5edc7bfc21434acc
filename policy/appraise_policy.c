#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise_policy.h"

#define POLICY_MAX  (64u << 10)
#define MAX_AGE_MAX (10 * 365 * 86400ll)

static bool
is_sha256(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int
get_list(
    const json_t *o, const char *key, bool digests, struct appraise_list *list)
{
	const json_t *a = json_object_get(o, key), *item;
	const char *s;
	size_t i;

	if (!a)
		return CL_OK;
	if (!json_is_array(a) || json_array_size(a) > APPRAISE_LIST_MAX)
		return json_blame(key);
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		s = json_string_value(item);
		if (!s || !*s || strlen(s) >= sizeof(list->value[0]) ||
		    (digests && !is_sha256(s)))
			return json_blame(key);
		memcpy(list->value[list->n++], s, strlen(s) + 1);
	}
	list->given = true;
	return CL_OK;
}

static int
get_root(const json_t *o, struct appraise_policy *p)
{
	const char *pem;
	int r;

	if (!json_object_get(o, "sim_root"))
		return CL_OK;
	if ((r = json_get_str(o, "sim_root", &pem)) != 0)
		return r;
	if (identity_load_public(pem, strlen(pem), &p->sim_root) != 0 ||
	    identity_kind_of(p->sim_root) != IDENTITY_ED25519)
		return json_blame("sim_root");
	return CL_OK;
}

static int
parse_object(const json_t *o, struct appraise_policy *p)
{
	static const char *const known[] = {"v", "accept_sim", "sim_root",
	    "measurement", "binary", "config", "memory", "max_age", NULL};
	int64_t v;
	int r;

	if ((r = json_get_int(o, "v", INT64_MIN, INT64_MAX, &v)) != 0)
		return r;
	if (v != 1)
		return CL_ERR_VERSION;
	if ((r = json_only(o, known)) != 0 || (r = get_root(o, p)) != 0)
		return r;
	if (json_object_get(o, "accept_sim") &&
	    (r = json_get_bool(o, "accept_sim", &p->accept_sim)) != 0)
		return r;
	if (json_object_get(o, "max_age") &&
	    (r = json_get_int(o, "max_age", 1, MAX_AGE_MAX, &p->max_age)) != 0)
		return r;
	if ((r = get_list(o, "measurement", true, &p->measurement)) != 0 ||
	    (r = get_list(o, "binary", true, &p->binary)) != 0 ||
	    (r = get_list(o, "config", true, &p->config)) != 0)
		return r;
	return get_list(o, "memory", false, &p->memory);
}

int
appraise_policy_parse(const char *text, size_t n, struct appraise_policy **out)
{
	struct appraise_policy *p = NULL;
	json_t *o;
	int r;

	if (n > POLICY_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(o = json_parse(text, n, &r)))
		return r;
	if (!(p = secmem_alloc(sizeof(*p))))
		r = CL_ERR_MEMORY;
	else
		r = parse_object(o, p);
	json_decref(o);
	if (r != 0) {
		appraise_policy_free(p);
		return r;
	}
	*out = p;
	return CL_OK;
}

void
appraise_policy_free(struct appraise_policy *p)
{
	if (!p)
		return;
	identity_free(p->sim_root);
	secmem_free(p);
}
