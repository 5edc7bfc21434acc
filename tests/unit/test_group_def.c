/* policy/group_def: each changed member breaks signature and wrap; strict
 * parsing; the tag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/group_def.h"
#include "tde/cell_layout.h"
#include "tde/eval.h"

static const uint8_t tenant_key[32] = "the key of a tenant in this test";
static const uint8_t group_root[32] = "and the root of one of its group";

static struct group_def
sample(void)
{
	struct group_def def = {
	    .name = "payroll",
	    .suite = SUITE_AES256_GCM,
	    .epoch = 3,
	    .version = 7,
	    .pad = 16,
	    .ops = GROUP_EQ | GROUP_CMP | GROUP_LIKE,
	    .nflows = 2,
	};

	memset(def.uuid, 0x11, 16);
	memset(def.tenant, 0x22, 16);
	memset(def.flows[0], 0x33, 16);
	memset(def.flows[1], 0x44, 16);
	return def;
}

struct signed_def {
	struct identity *owner;
	char *text;
	size_t n;
	uint8_t sig[IDENTITY_SIG_MAX];
	size_t sig_n;
	uint8_t wrapped[CRYPTO_WRAP(32)];
};

static void
make(struct signed_def *d, const struct group_def *def)
{
	d->sig_n = sizeof(d->sig);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &d->owner), CL_OK);
	assert_int_equal(group_def_print(def, &d->text, &d->n), CL_OK);
	assert_int_equal(
	    group_def_sign(d->owner, d->text, d->n, d->sig, &d->sig_n), CL_OK);
	assert_int_equal(
	    group_def_wrap(tenant_key, d->text, d->n, group_root, d->wrapped),
	    CL_OK);
}

static void
clear(struct signed_def *d)
{
	identity_free(d->owner);
	secmem_free(d->text);
}

static int
open_def(const struct signed_def *d, const char *text, size_t n,
    struct group_def *def)
{
	uint8_t root[32];
	int r = group_def_open(d->owner, tenant_key, text, n, d->sig, d->sig_n,
	    d->wrapped, sizeof(d->wrapped), def, root);

	if (r == 0)
		assert_memory_equal(root, group_root, 32);
	return r;
}

/* A database that changes the definition, signed by nobody or by another. */
static void
each_changed_member_breaks_signature_and_wrap(void **state)
{
	struct group_def def = sample(), changed[10], got;
	struct signed_def d, other;
	uint8_t root[32];
	size_t i;

	(void)state;
	make(&d, &def);
	for (i = 0; i < 10; i++)
		changed[i] = def;
	changed[0].uuid[0] ^= 1;
	changed[1].tenant[15] ^= 1;
	changed[2].name[0] = 'P';
	changed[3].suite = SUITE_AES256_SIV;
	changed[4].epoch++;
	changed[5].version++;
	changed[6].pad = 0;
	changed[7].ops = GROUP_ALL;
	changed[8].nflows = 1;
	changed[9].flows[0][0] ^= 1;
	for (i = 0; i < 10; i++) {
		make(&other, &changed[i]);
		assert_int_equal(
		    open_def(&d, other.text, other.n, &got), CL_ERR_SIGNATURE);
		/* Even with the owner's signature the root stays bound to the
		 * text that it was wrapped under. */
		assert_int_equal(
		    group_def_open(other.owner, tenant_key, other.text, other.n,
			other.sig, other.sig_n, d.wrapped, sizeof(d.wrapped),
			&got, root),
		    CL_ERR_KEY_UNWRAP);
		clear(&other);
	}
	assert_int_equal(open_def(&d, d.text, d.n, &got), CL_OK);
	assert_memory_equal(&got, &def, sizeof(def));
	clear(&d);
}

static void
every_flipped_byte_is_refused(void **state)
{
	struct group_def def = sample(), got;
	struct signed_def d;
	uint8_t root[32];
	size_t i;

	(void)state;
	make(&d, &def);
	for (i = 0; i < d.n; i++) {
		d.text[i] ^= 1;
		assert_int_equal(
		    open_def(&d, d.text, d.n, &got), CL_ERR_SIGNATURE);
		d.text[i] ^= 1;
	}
	for (i = 0; i < d.sig_n; i++) {
		d.sig[i] ^= 1;
		assert_int_equal(
		    open_def(&d, d.text, d.n, &got), CL_ERR_SIGNATURE);
		d.sig[i] ^= 1;
	}
	for (i = 0; i < sizeof(d.wrapped); i++) {
		d.wrapped[i] ^= 1;
		assert_int_equal(
		    open_def(&d, d.text, d.n, &got), CL_ERR_KEY_UNWRAP);
		d.wrapped[i] ^= 1;
	}
	for (i = 0; i < sizeof(d.wrapped); i++)
		assert_int_equal(
		    group_def_open(d.owner, tenant_key, d.text, d.n, d.sig,
			d.sig_n, d.wrapped, i, &got, root),
		    CL_ERR_KEY_UNWRAP);
	clear(&d);
}

static void
another_tenant_key_opens_nothing(void **state)
{
	struct group_def def = sample(), got;
	uint8_t key[32], root[32];
	struct signed_def d;

	(void)state;
	make(&d, &def);
	memcpy(key, tenant_key, 32);
	key[0] ^= 1;
	assert_int_equal(group_def_open(d.owner, key, d.text, d.n, d.sig,
			     d.sig_n, d.wrapped, sizeof(d.wrapped), &got, root),
	    CL_ERR_KEY_UNWRAP);
	clear(&d);
}

#define U1 "11111111-1111-1111-1111-111111111111"
#define U2 "22222222-2222-2222-2222-222222222222"

/* The members in order; one of them is replaced in each case. */
static const char *const members[] = {"\"epoch\":3", "\"flows_to\":[]",
    "\"group\":\"" U1 "\"", "\"name\":\"payroll\"", "\"ops\":[\"eq\"]",
    "\"pad\":0", "\"suite\":\"aes-256-gcm\"", "\"tenant\":\"" U2 "\"",
    "\"v\":1", "\"version\":1"};

#define NMEMBERS (sizeof(members) / sizeof(members[0]))

static int
parse_with(size_t at, const char *instead, struct group_def *def)
{
	char text[9000] = "{";
	size_t i;

	for (i = 0; i < NMEMBERS; i++) {
		const char *m = i == at ? instead : members[i];

		if (!*m)
			continue;
		if (text[1])
			strcat(text, ",");
		strcat(text, m);
	}
	strcat(text, "}");
	return group_def_parse(text, strlen(text), def);
}

static void
a_missing_member_is_named(void **state)
{
	static const char *const names[NMEMBERS] = {"epoch", "flows_to",
	    "group", "name", "ops", "pad", "suite", "tenant", "v", "version"};
	struct group_def def;
	size_t i;

	(void)state;
	assert_int_equal(parse_with(NMEMBERS, "", &def), CL_OK);
	for (i = 0; i < NMEMBERS; i++) {
		assert_int_equal(parse_with(i, "", &def), CL_ERR_FORMAT);
		assert_string_equal(json_why(), names[i]);
	}
}

static void
bad_members_are_refused(void **state)
{
	static const struct {
		size_t at;
		const char *text;
		int err;
	} bad[] = {
	    {0, "\"epoch\":0", CL_ERR_FORMAT},
	    {0, "\"epoch\":65536", CL_ERR_FORMAT},
	    {0, "\"epoch\":\"3\"", CL_ERR_FORMAT},
	    {0, "\"epoch\":3.0", CL_ERR_FORMAT},
	    {0, "\"epoch\":3,\"epoch\":3", CL_ERR_FORMAT},
	    {0, "\"epoch\":3,\"more\":1", CL_ERR_FORMAT},
	    {1, "\"flows_to\":{}", CL_ERR_FORMAT},
	    {1, "\"flows_to\":[1]", CL_ERR_FORMAT},
	    {1, "\"flows_to\":[\"payroll\"]", CL_ERR_FORMAT},
	    {1, "\"flows_to\":[\"" U2 "\",\"" U2 "\"]", CL_ERR_FORMAT},
	    {2, "\"group\":\"11111111111111111111111111111111\"",
		CL_ERR_FORMAT},
	    {3, "\"name\":\"\"", CL_ERR_FORMAT},
	    {3, "\"name\":\"12345\"", CL_ERR_FORMAT},
	    {3, "\"name\":\"pay roll\"", CL_ERR_FORMAT},
	    {3, "\"name\":\"pay'roll\"", CL_ERR_FORMAT},
	    {3, "\"name\":\"-rf\"", CL_ERR_FORMAT},
	    {3, "\"name\":\"l\xc3\xb6hne\"", CL_ERR_FORMAT},
	    {3,
		"\"name\":\"a234567890123456789012345678901234567890123456789"
		"012345678901234\"",
		CL_ERR_FORMAT},
	    {4, "\"ops\":\"eq\"", CL_ERR_FORMAT},
	    {4, "\"ops\":[\"eq\",\"eq\"]", CL_ERR_FORMAT},
	    {4, "\"ops\":[\"all\"]", CL_ERR_FORMAT},
	    {4, "\"ops\":[\"decrypt\"]", CL_ERR_FORMAT},
	    {4, "\"ops\":[null]", CL_ERR_FORMAT},
	    {5, "\"pad\":-1", CL_ERR_FORMAT},
	    {5, "\"pad\":4097", CL_ERR_FORMAT},
	    {6, "\"suite\":\"des\"", CL_ERR_UNSUPPORTED},
	    {6, "\"suite\":\"aes-256-ecb\"", CL_ERR_UNSUPPORTED},
	    {6, "\"suite\":\"\"", CL_ERR_UNSUPPORTED},
	    {6, "\"suite\":1", CL_ERR_FORMAT},
	    {8, "\"v\":2", CL_ERR_VERSION},
	    {8, "\"v\":\"1\"", CL_ERR_FORMAT},
	    {9, "\"version\":0", CL_ERR_FORMAT},
	    {9, "\"version\":4294967296", CL_ERR_FORMAT},
	};
	struct group_def def;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = parse_with(bad[i].at, bad[i].text, &def);
		if (r != bad[i].err)
			fail_msg("%s: %s", bad[i].text, err_name(r));
	}
}

static void
limits_of_lists_and_text(void **state)
{
	char flows[4096], text[GROUP_TEXT_MAX + 1];
	struct group_def def;
	unsigned n, i;

	(void)state;
	for (n = GROUP_FLOWS_MAX; n <= GROUP_FLOWS_MAX + 1; n++) {
		strcpy(flows, "\"flows_to\":[");
		for (i = 0; i < n; i++)
			sprintf(flows + strlen(flows),
			    "%s\"%08x-0000-0000-0000-000000000000\"",
			    i ? "," : "", i);
		strcat(flows, "]");
		assert_int_equal(parse_with(1, flows, &def),
		    n <= GROUP_FLOWS_MAX ? CL_OK : CL_ERR_FORMAT);
	}
	memset(text, ' ', sizeof(text));
	assert_int_equal(
	    group_def_parse(text, sizeof(text), &def), CL_ERR_TOO_LARGE);
}

static void
print_refuses_what_parse_would(void **state)
{
	struct group_def def;
	size_t n;
	char *text;

	(void)state;
	def = sample();
	def.epoch = 0;
	assert_int_equal(group_def_print(&def, &text, &n), CL_ERR_ARGUMENT);
	def = sample();
	def.suite = 99;
	assert_int_equal(group_def_print(&def, &text, &n), CL_ERR_ARGUMENT);
	def = sample();
	def.name[0] = '\'';
	assert_int_equal(group_def_print(&def, &text, &n), CL_ERR_ARGUMENT);
	def = sample();
	def.nflows = GROUP_FLOWS_MAX + 1;
	assert_int_equal(group_def_print(&def, &text, &n), CL_ERR_ARGUMENT);
	def = sample();
	def.ops = 0x100;
	assert_int_equal(group_def_print(&def, &text, &n), CL_ERR_ARGUMENT);
}

static void
text_is_as_documented(void **state)
{
	struct group_def def = sample(), back;
	size_t n;
	char *text;

	(void)state;
	assert_int_equal(group_def_print(&def, &text, &n), CL_OK);
	assert_string_equal(text,
	    "{\"epoch\":3,\"flows_to\":[\"33333333-3333-3333-3333-"
	    "333333333333\",\"44444444-4444-4444-4444-444444444444\"],"
	    "\"group\":\"11111111-1111-1111-1111-111111111111\","
	    "\"name\":\"payroll\",\"ops\":[\"eq\",\"cmp\",\"like\"],"
	    "\"pad\":16,\"suite\":\"aes-256-gcm\","
	    "\"tenant\":\"22222222-2222-2222-2222-222222222222\","
	    "\"v\":1,\"version\":7}");
	assert_int_equal(group_def_parse(text, n, &back), CL_OK);
	assert_memory_equal(&def, &back, sizeof(def));
	secmem_free(text);
}

static void
operation_lists(void **state)
{
	static const char *const bad[] = {"", ",", "eq,", ",eq", "eq,,cmp",
	    "eq,eq", "EQ", "eq cmp", "eq, cmp", "all,eq", "none"};
	char text[64];
	uint32_t ops;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(group_ops_parse(bad[i], &ops), CL_ERR_FORMAT);
	assert_int_equal(group_ops_parse("default", &ops), CL_OK);
	assert_int_equal(ops, GROUP_EQ | GROUP_CMP);
	assert_int_equal(group_ops_parse("all", &ops), CL_OK);
	assert_int_equal(ops, GROUP_ALL);
	group_ops_print(ops, text);
	assert_string_equal(text, "eq,cmp,arith,agg,like,text,extract,cast");
	for (i = 0; i <= GROUP_ALL; i++) {
		group_ops_print((uint32_t)i, text);
		if (!i) {
			assert_string_equal(text, "");
			continue;
		}
		assert_int_equal(group_ops_parse(text, &ops), CL_OK);
		assert_int_equal(ops, i);
	}
}

/* Computed apart, with Python's hashlib; 0x00.. and 0x11.. as UUIDs. */
static void
tags_are_31_bits_of_the_hash(void **state)
{
	uint8_t uuid[16] = {0};
	uint32_t tag;

	(void)state;
	assert_int_equal(group_def_tag(uuid, &tag), CL_OK);
	assert_int_equal(tag, 0x6e373f2d);
	memset(uuid, 0x11, 16);
	assert_int_equal(group_def_tag(uuid, &tag), CL_OK);
	assert_int_equal(tag, 0x10f95307);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_changed_member_breaks_signature_and_wrap),
	    cmocka_unit_test(every_flipped_byte_is_refused),
	    cmocka_unit_test(another_tenant_key_opens_nothing),
	    cmocka_unit_test(a_missing_member_is_named),
	    cmocka_unit_test(bad_members_are_refused),
	    cmocka_unit_test(limits_of_lists_and_text),
	    cmocka_unit_test(print_refuses_what_parse_would),
	    cmocka_unit_test(text_is_as_documented),
	    cmocka_unit_test(operation_lists),
	    cmocka_unit_test(tags_are_31_bits_of_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
