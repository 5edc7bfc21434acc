#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise_policy.h"
#include "policy/member.h"

#define POLICY_MAX  (256u << 10)
#define MAX_AGE_MAX (10 * 365 * 86400ll)

#define POSTURE_NAME_MAX 30u
#define POSTURE_WORD_MAX 64u

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
hex_bytes(const char *s, uint8_t out[32])
{
	unsigned i, byte;

	if (!s || !is_sha256(s))
		return CL_ERR_FORMAT;
	for (i = 0; i < 32; i++) {
		if (sscanf(s + 2 * i, "%2x", &byte) != 1)
			return CL_ERR_FORMAT;
		out[i] = (uint8_t)byte;
	}
	return CL_OK;
}

static int
add_roots(const json_t *list, const char *key, enum root_vendor vendor,
    struct roots *roots)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list))
		return json_blame(key);
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		if (roots->nextra == ROOTS_EXTRA_MAX ||
		    hex_bytes(json_string_value(item),
			roots->extra[roots->nextra].spki) != 0)
			return json_blame(key);
		roots->extra[roots->nextra++].vendor = vendor;
	}
	return CL_OK;
}

/* SHA-256 of test roots' public keys, by vendor. */
static int
get_roots(const json_t *o, struct roots *roots)
{
	static const char *const known[] = {
	    "amd-milan", "amd-genoa", "amd-turin", "intel", "hygon", NULL};
	const json_t *all = json_object_get(o, "test_roots"), *list;
	unsigned i;
	int r;

	if (!all)
		return CL_OK;
	if (!json_is_object(all))
		return json_blame("test_roots");
	if ((r = json_only(all, known)) != 0)
		return r;
	for (i = 0; r == 0 && known[i]; i++)
		if ((list = json_object_get(all, known[i])))
			r = add_roots(
			    list, known[i], ROOT_AMD_MILAN + i, roots);
	return r;
}

/* {"name":["word",…],…}. A name that no agent knows is in no claims, so it
 * refuses rather than nothing being checked. */
static int
get_posture(const json_t *o, struct appraise_policy *p)
{
	const json_t *all = json_object_get(o, "posture"), *item;
	const char *name;
	int r;

	if (!all)
		return CL_OK;
	if (!json_is_object(all) ||
	    json_object_size(all) > APPRAISE_POSTURE_MAX)
		return json_blame("posture");
	json_object_foreach((json_t *)(uintptr_t)all, name, item)
	{
		if (!*name || strlen(name) > POSTURE_NAME_MAX)
			return json_blame("posture");
		if ((r = member_list(all, name, 0, POSTURE_WORD_MAX,
			 &p->posture[p->nposture].words)) != 0)
			return r;
		p->posture[p->nposture++].name = name;
	}
	return CL_OK;
}

static int
parse_object(const json_t *o, struct appraise_policy *p)
{
	static const char *const known[] = {"v", "accept_sim", "sim_root",
	    "measurement", "binary", "config", "memory", "max_age", "posture",
	    "allow_unknown_software", "test_roots", "snp", "tdx", "csv", "tpm",
	    NULL};
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
	if ((r = get_list(o, "memory", false, &p->memory)) != 0 ||
	    (r = get_posture(o, p)) != 0 || (r = get_roots(o, &p->roots)) != 0)
		return r;
	if (json_object_get(o, "allow_unknown_software") &&
	    (r = json_get_bool(
		 o, "allow_unknown_software", &p->allow_unknown_software)) != 0)
		return r;
	if ((r = snp_policy_parse(json_object_get(o, "snp"), &p->snp)) != 0)
		return r;
	if ((r = tdx_policy_parse(json_object_get(o, "tdx"), &p->tdx)) != 0)
		return r;
	if ((r = csv_policy_parse(json_object_get(o, "csv"), &p->csv)) != 0)
		return r;
	return tpm_policy_parse(json_object_get(o, "tpm"), &p->tpm);
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
	if (!(p = secmem_alloc(sizeof(*p)))) {
		json_decref(o);
		return CL_ERR_MEMORY;
	}
	p->text = o;
	if ((r = parse_object(o, p)) != 0) {
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
	json_decref(p->text);
	secmem_free(p);
}
