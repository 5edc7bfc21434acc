#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/group_def.h"
#include "tde/cell_layout.h"
#include "tde/eval.h"
#include "tde/suite.h"

#define SIGN_DOMAIN "cloister group v1"

static const struct {
	const char *name;
	uint32_t bit;
} ops[] = {
    {"eq", GROUP_EQ},
    {"cmp", GROUP_CMP},
    {"arith", GROUP_ARITH},
    {"agg", GROUP_AGG},
    {"like", GROUP_LIKE},
    {"text", GROUP_TEXT},
    {"extract", GROUP_EXTRACT},
    {"cast", GROUP_CAST},
};

#define NOPS (sizeof(ops) / sizeof(ops[0]))

static uint32_t
op_bit(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < NOPS; i++)
		if (strlen(ops[i].name) == n &&
		    secmem_equal(ops[i].name, name, n))
			return ops[i].bit;
	return 0;
}

int
group_ops_parse(const char *text, uint32_t *out)
{
	uint32_t bits = 0, bit;
	size_t n;

	if (strcmp(text, "all") == 0)
		bits = GROUP_ALL;
	else if (strcmp(text, "default") == 0)
		bits = GROUP_EQ | GROUP_CMP;
	else
		for (;; text += n + 1) {
			n = strcspn(text, ",");
			if (!(bit = op_bit(text, n)) || (bits & bit))
				return CL_ERR_FORMAT;
			bits |= bit;
			if (!text[n])
				break;
		}
	*out = bits;
	return CL_OK;
}

void
group_ops_print(uint32_t bits, char out[64])
{
	size_t i, n, at = 0;

	for (i = 0; i < NOPS; i++) {
		if (!(bits & ops[i].bit))
			continue;
		if (at)
			out[at++] = ',';
		n = strlen(ops[i].name);
		memcpy(out + at, ops[i].name, n);
		at += n;
	}
	out[at] = '\0';
}

int
group_def_tag(const uint8_t uuid[16], uint32_t *tag)
{
	static const char label[] = "cloister group tag v1"; /* with its NUL */
	struct crypto_part parts[] = {{label, sizeof(label)}, {uuid, 16}};
	uint8_t h[CRYPTO_SHA256];
	int r;

	if ((r = crypto_sha256(parts, 2, h)) != 0)
		return r;
	*tag = ((uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 |
		   (uint32_t)h[2] << 8 | h[3]) >>
	       1;
	if (!*tag)
		*tag = 1;
	return CL_OK;
}

/* Letters, digits, _ and -, and not a number: a type modifier that is a number
 * means a tag. */
static bool
name_is_good(const char *s)
{
	static const char digits[] = "0123456789";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
	size_t n = strlen(s);

	if (n == 0 || n > GROUP_NAME_MAX || s[0] == '-')
		return false;
	if (strspn(s, digits) == n)
		return false;
	while (*s && (strchr(digits, *s) || strchr(others, *s)))
		s++;
	return !*s;
}

static int
parse_ops(const json_t *o, struct group_def *def)
{
	const json_t *list = json_object_get(o, "ops"), *item;
	uint32_t bit;
	size_t i;

	if (!json_is_array(list))
		return CL_ERR_FORMAT;
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		if (!json_is_string(item))
			return CL_ERR_FORMAT;
		bit = op_bit(json_string_value(item), json_string_length(item));
		if (!bit || (def->ops & bit))
			return CL_ERR_FORMAT;
		def->ops |= bit;
	}
	return CL_OK;
}

static bool
flow_known(const struct group_def *def, const uint8_t uuid[16])
{
	uint32_t i;

	for (i = 0; i < def->nflows; i++)
		if (secmem_equal(def->flows[i], uuid, 16))
			return true;
	return false;
}

static int
parse_flows(const json_t *o, struct group_def *def)
{
	const json_t *list = json_object_get(o, "flows_to"), *item;
	uint8_t uuid[16];
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > GROUP_FLOWS_MAX)
		return CL_ERR_FORMAT;
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		if (!json_is_string(item) ||
		    uuid_parse(json_string_value(item), uuid) != 0 ||
		    flow_known(def, uuid))
			return CL_ERR_FORMAT;
		memcpy(def->flows[def->nflows++], uuid, 16);
	}
	return CL_OK;
}

static int
parse_name_and_suite(const json_t *o, struct group_def *def)
{
	const struct suite *suite;
	const char *s;
	int r;

	if ((r = json_get_str(o, "name", &s)) != 0)
		return r;
	if (!name_is_good(s))
		return json_blame("name");
	memcpy(def->name, s, strlen(s) + 1);
	if ((r = json_get_str(o, "suite", &s)) != 0)
		return r;
	if (!(suite = suite_by_name(s, NULL))) {
		(void)json_blame("suite");
		return CL_ERR_UNSUPPORTED;
	}
	def->suite = suite->id;
	return CL_OK;
}

static int
parse_numbers(const json_t *o, struct group_def *def)
{
	int64_t epoch, version, pad;
	int r;

	if ((r = json_get_int(o, "epoch", 1, UINT16_MAX, &epoch)) != 0 ||
	    (r = json_get_int(o, "version", 1, UINT32_MAX, &version)) != 0 ||
	    (r = json_get_int(o, "pad", 0, GROUP_PAD_MAX, &pad)) != 0)
		return r;
	def->epoch = (uint16_t)epoch;
	def->version = (uint32_t)version;
	def->pad = (uint32_t)pad;
	return CL_OK;
}

static int
parse_object(const json_t *o, struct group_def *def)
{
	static const char *const known[] = {"epoch", "flows_to", "group",
	    "name", "ops", "pad", "suite", "tenant", "v", "version", NULL};
	int64_t v;
	int r;

	if ((r = json_get_int(o, "v", INT64_MIN, INT64_MAX, &v)) != 0)
		return r;
	if (v != 1)
		return CL_ERR_VERSION;
	if ((r = json_only(o, known)) != 0 ||
	    (r = json_get_uuid(o, "group", def->uuid)) != 0 ||
	    (r = json_get_uuid(o, "tenant", def->tenant)) != 0 ||
	    (r = parse_name_and_suite(o, def)) != 0 ||
	    (r = parse_numbers(o, def)) != 0)
		return r;
	if (parse_ops(o, def) != 0)
		return json_blame("ops");
	if (parse_flows(o, def) != 0)
		return json_blame("flows_to");
	return CL_OK;
}

int
group_def_parse(const char *text, size_t n, struct group_def *def)
{
	struct group_def got;
	json_t *o;
	int r;

	if (n > GROUP_TEXT_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(o = json_parse(text, n, &r)))
		return r;
	memset(&got, 0, sizeof(got));
	if ((r = parse_object(o, &got)) == 0)
		*def = got;
	json_decref(o);
	return r;
}

/* NULL when memory is out. */
static json_t *
ops_list(uint32_t bits)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < NOPS; i++)
		if ((bits & ops[i].bit) &&
		    json_array_append_new(list, json_string(ops[i].name))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *
flows_list(const struct group_def *def)
{
	json_t *list = json_array();
	char text[UUID_TEXT];
	uint32_t i;

	for (i = 0; list && i < def->nflows; i++) {
		uuid_text(def->flows[i], text);
		if (json_array_append_new(list, json_string(text))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static int
fill_object(json_t *o, const struct group_def *def, const char *suite)
{
	int r;

	if (json_object_set_new(o, "v", json_integer(1)) ||
	    json_object_set_new(o, "epoch", json_integer(def->epoch)) ||
	    json_object_set_new(o, "version", json_integer(def->version)) ||
	    json_object_set_new(o, "pad", json_integer(def->pad)) ||
	    json_object_set_new(o, "name", json_string(def->name)) ||
	    json_object_set_new(o, "suite", json_string(suite)) ||
	    json_object_set_new(o, "ops", ops_list(def->ops)) ||
	    json_object_set_new(o, "flows_to", flows_list(def)))
		return CL_ERR_MEMORY;
	if ((r = json_set_uuid(o, "group", def->uuid)) != 0)
		return r;
	return json_set_uuid(o, "tenant", def->tenant);
}

int
group_def_print(const struct group_def *def, char **text, size_t *n)
{
	const struct suite *suite = suite_by_id(def->suite);
	json_t *o;
	int r;

	if (!suite || !name_is_good(def->name) ||
	    def->nflows > GROUP_FLOWS_MAX || !def->epoch || !def->version ||
	    def->pad > GROUP_PAD_MAX || (def->ops & ~GROUP_ALL))
		return CL_ERR_ARGUMENT;
	if ((r = json_warmup()) != 0)
		return r;
	if (!(o = json_object()))
		return CL_ERR_MEMORY;
	if ((r = fill_object(o, def, suite->name)) == 0 &&
	    !(*text = json_text(o, n)))
		r = CL_ERR_MEMORY;
	json_decref(o);
	return r;
}

int
group_def_sign(const struct identity *owner, const char *text, size_t n,
    uint8_t *sig, size_t *sig_n)
{
	struct crypto_part part = {text, n};

	return identity_sign(owner, SIGN_DOMAIN, &part, 1, sig, sig_n);
}

int
group_def_wrap(const uint8_t tenant_key[32], const char *text, size_t n,
    const uint8_t root[32], uint8_t wrapped[CRYPTO_WRAP(32)])
{
	struct crypto_part part = {text, n};
	uint8_t aad[CRYPTO_SHA256];
	int r;

	if ((r = crypto_sha256(&part, 1, aad)) != 0)
		return r;
	return crypto_wrap(tenant_key, aad, sizeof(aad), root, 32, wrapped);
}

int
group_def_open(const struct identity *owner, const uint8_t tenant_key[32],
    const char *text, size_t n, const uint8_t *sig, size_t sig_n,
    const uint8_t *wrapped, size_t wrapped_n, struct group_def *def,
    uint8_t root[32])
{
	struct crypto_part part = {text, n};
	uint8_t aad[CRYPTO_SHA256];
	struct group_def got;
	int r;

	if (n > GROUP_TEXT_MAX)
		return CL_ERR_TOO_LARGE;
	if (wrapped_n != CRYPTO_WRAP(32))
		return CL_ERR_KEY_UNWRAP;
	if ((r = identity_verify(owner, SIGN_DOMAIN, &part, 1, sig, sig_n)) !=
		0 ||
	    (r = group_def_parse(text, n, &got)) != 0 ||
	    (r = crypto_sha256(&part, 1, aad)) != 0 ||
	    (r = crypto_unwrap(
		 tenant_key, aad, sizeof(aad), wrapped, wrapped_n, root)) != 0)
		return r;
	*def = got;
	return CL_OK;
}
