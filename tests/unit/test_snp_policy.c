/* policy/verify_snp_policy: each rule that an owner can set, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "hex.h"
#include "snp_verdict.h"

/* Bytes that the next report has, besides the usual ones. */
static struct {
	unsigned at;
	uint8_t value;
} changes[4];

static void
change(uint8_t *p)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		if (changes[i].at)
			p[changes[i].at] = changes[i].value;
}

#define SET(i, offset, byte)                                                   \
	(changes[i].at = (offset), changes[i].value = (uint8_t)(byte))

static int
clear(void **state)
{
	(void)state;
	memset(changes, 0, sizeof(changes));
	return 0;
}

/* The claim that is refused under the policy, of a Milan report. */
static const char *
milan(const char *policy)
{
	return verdict(MILAN(.version = 3, .edit = change), policy);
}

#define says(claim, policy) assert_string_equal(claim, milan(policy))

static void
policy_bits_are_permissions(void **state)
{
	(void)state;
	SET(0, 0x0a, 0x0b); /* debug */
	says("policy.debug", NULL);
	says("", "{\"allow_debug\":true}");
	says("policy.debug", "{\"allow_debug\":false}");
	SET(0, 0x0a, 0x01); /* bit 17 is missing */
	says("policy.reserved", NULL);
	SET(0, 0x0a, 0x03);
	SET(1, 0x0b, 0x04); /* bit 26 */
	says("policy.reserved", NULL);
	SET(1, 0x0b, 0x03); /* bits 24 and 25 are known */
	says("", NULL);
	SET(1, 0x0f, 0x80); /* bit 63 */
	says("policy.reserved", NULL);
}

static void
migration_is_refused_unless_allowed(void **state)
{
	char policy[256], ones[65];

	(void)state;
	SET(0, 0x0a, 0x07);
	says("policy.migration", NULL);
	says("", "{\"allow_migration\":true}");
	memset(ones, 'f', 64);
	ones[64] = '\0';
	snprintf(policy, sizeof(policy),
	    "{\"allow_migration\":true,\"report_id_ma\":[\"%s\"]}", ones);
	says("", policy);
	SET(1, 0x160, 0xfe);
	says("report_id_ma", policy);
	/* An agent without permission for one. */
	SET(0, 0x0a, 0x03);
	says("report_id_ma", NULL);
	SET(1, 0x160, 0xff);
	says("", NULL);
}

static void
smt_abi_and_wanted_bits(void **state)
{
	(void)state;
	says("policy.smt", "{\"require_smt_off\":true}");
	says("policy.abi", "{\"min_abi\":\"0.32\"}");
	says("policy.abi", "{\"min_abi\":\"1.0\"}");
	says("", "{\"min_abi\":\"0.31\"}");
	says("policy.bits", "{\"required_policy\":\"0x400000\"}");
	says("", "{\"required_policy\":\"0x30000\"}");
	says("platform_info", "{\"required_platform_info\":\"0x8\"}");
	says("", "{\"required_platform_info\":\"0x25\"}");
	SET(0, 0x0a, 0x42); /* no SMT, XTS wanted by the guest */
	says("", "{\"required_policy\":\"0x400000\",\"require_smt_off\":true}");
	/* Turin shows bits that nobody knows yet. */
	SET(1, 0x47, 0xff);
	says("", NULL);
}

static void
vmpl_svn_and_version_have_bounds(void **state)
{
	unsigned i;

	(void)state;
	says("guest_svn", "{\"min_guest_svn\":8}");
	says("", "{\"min_guest_svn\":7}");
	says("version", "{\"min_version\":4}");
	says("", "{\"min_version\":3}");
	SET(0, 0x30, 1);
	says("vmpl", NULL);
	says("", "{\"max_vmpl\":1}");
	SET(0, 0x30, 3);
	says("vmpl", "{\"max_vmpl\":2}");
	for (i = 0; i < 4; i++)
		SET(i, 0x30 + i, 0xff); /* the host asked */
	says("vmpl", "{\"max_vmpl\":3}");
}

/* Each component alone decides; a higher one elsewhere does not make up. */
static void
tcb_minimums_hold_component_by_component(void **state)
{
	static const char *const low[] = {
	    "{\"bl\":5}", "{\"tee\":2}", "{\"snp\":25}", "{\"ucode\":220}"};
	char policy[128];
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		snprintf(policy, sizeof(policy), "{\"min_tcb\":{\"milan\":%s}}",
		    low[i]);
		says("tcb.reported", policy);
		snprintf(policy, sizeof(policy), "{\"min_tcb\":{\"genoa\":%s}}",
		    low[i]);
		says("", policy);
	}
	says("", "{\"min_tcb\":{\"milan\":{\"bl\":4,\"tee\":1,\"snp\":24,"
		 "\"ucode\":219}}}");
	assert_string_equal(
	    "tcb.reported", verdict(TURIN(.vlek = false),
				"{\"min_tcb\":{\"turin\":{\"fmc\":3}}}"));
	assert_string_equal(
	    "", verdict(TURIN(.vlek = false),
		    "{\"min_tcb\":{\"turin\":{\"fmc\":2,\"ucode\":219}}}"));
}

static void
the_launch_may_be_held_to_the_minimum(void **state)
{
	const char *check =
	    "{\"min_tcb\":{\"milan\":{\"snp\":24}},\"check_launch_tcb\":true}";

	(void)state;
	says("", check);
	SET(0, 0x1f6, 23);
	says("tcb.launch", check);
	says("", "{\"min_tcb\":{\"milan\":{\"snp\":24}}}");
}

static void
tcbs_must_be_in_order(void **state)
{
	const char *any = "{\"allow_provisional\":true}";

	(void)state;
	/* Committed above current, reported above committed. */
	SET(0, 0x1e7, 220);
	says("tcb.order", any);
	SET(0, 0x1e7, 218);
	says("tcb.order", any);
	/* A reserved byte is no component, and never more than zero. */
	SET(0, 0x3a, 1);
	says("tcb.order", any);
	SET(0, 0x1f2, 1);
	says("tcb.order", any);
	SET(0, 0x3f, 220);
	says("", any);
	says("tcb.committed", NULL);
}

static void
provisional_firmware_is_refused(void **state)
{
	const char *any = "{\"allow_provisional\":true}";

	(void)state;
	SET(0, 0x1e8, 0x1e); /* a newer build runs */
	says("tcb.committed", NULL);
	says("", any);
	SET(0, 0x1ea, 2);
	says("tcb.committed", NULL);
}

/* Lists: anything when absent, nothing when empty, else their values. */
static void
reference_values_are_compared_whole(void **state)
{
	static const struct {
		const char *claim;
		char byte[3];
		unsigned n;
	} lists[] = {{"measurement", "4d", 48}, {"host_data", "48", 32},
	    {"id_key_digest", "49", 48}, {"family_id", "00", 16},
	    {"image_id", "00", 16}};
	char value[129], policy[512];
	unsigned i, k;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (k = 0; k < lists[i].n; k++)
			memcpy(value + 2 * k, lists[i].byte, 3);
		snprintf(policy, sizeof(policy), "{\"%s\":[\"%s\"]}",
		    lists[i].claim, value);
		says("", policy);
		value[2 * lists[i].n - 1] ^= 1;
		snprintf(policy, sizeof(policy), "{\"%s\":[\"%s\"]}",
		    lists[i].claim, value);
		says(lists[i].claim, policy);
		snprintf(policy, sizeof(policy), "{\"%s\":[]}", lists[i].claim);
		says(lists[i].claim, policy);
	}
}

static void
chips_and_clouds_can_be_listed(void **state)
{
	char chip[129], policy[256];
	uint8_t id[64];
	struct fake_amd f = {.product = ROOT_AMD_MILAN};

	(void)state;
	(void)fake_amd_chip(&f, id);
	rows_hex(id, 64, chip);
	snprintf(policy, sizeof(policy), "{\"chip_id\":[\"%s\"]}", chip);
	says("", policy);
	chip[1] ^= 1;
	snprintf(policy, sizeof(policy), "{\"chip_id\":[\"%s\"]}", chip);
	says("chip_id", policy);
	assert_string_equal("",
	    verdict(MILAN(.vlek = true), "{\"csp_id\":[\"CN=cc.example\"]}"));
	assert_string_equal("csp_id",
	    verdict(MILAN(.vlek = true), "{\"csp_id\":[\"CN=other\"]}"));
	/* A VCEK is no cloud's. */
	says("csp_id", "{\"csp_id\":[\"CN=cc.example\"]}");
}

static void
authors_count_only_where_there_is_one(void **state)
{
	char zeros[97], policy[256];

	(void)state;
	memset(zeros, '0', 96);
	zeros[96] = '\0';
	snprintf(
	    policy, sizeof(policy), "{\"author_key_digest\":[\"%s\"]}", zeros);
	says("author_key_digest", policy);
	SET(0, 0x48, 1);
	says("", policy);
	SET(1, 0x110, 1);
	says("author_key_digest", policy);
}

static void
mitigations_can_be_demanded(void **state)
{
	(void)state;
	assert_string_equal("", verdict(TURIN(.vlek = false),
				    "{\"required_mitigations\":\"0x0b\"}"));
	assert_string_equal(
	    "mitigations", verdict(TURIN(.vlek = false),
			       "{\"required_mitigations\":\"0x0f\"}"));
	/* Reports before version 5 say nothing of them. */
	says("mitigations", "{\"required_mitigations\":\"0x1\"}");
}

/* The digest of a key, against one computed by hand: u32 2, X and Y of the
 * base point of P-384 little endian in 72 bytes each, zeros to 0x404. */
static void
id_keys_are_digested_as_amd_does(void **state)
{
	static const char pem[] =
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uY\n"
	    "WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR8\n"
	    "6doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f\n"
	    "-----END PUBLIC KEY-----\n";
	uint8_t amd[0x404] = {2}, want[48], got[48], x[48], y[48];
	unsigned i;

	(void)state;
	(void)unhex("aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b98"
		    "59f741e082542a385502f25dbf55296c3a545e3872760ab7",
	    x, 48);
	(void)unhex("3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147c"
		    "e9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
	    y, 48);
	for (i = 0; i < 48; i++) {
		amd[4 + i] = x[47 - i];
		amd[4 + 72 + i] = y[47 - i];
	}
	assert_int_equal(
	    EVP_Digest(amd, sizeof(amd), want, NULL, EVP_sha384(), NULL), 1);
	assert_int_equal(snp_key_digest(pem, strlen(pem), got), CL_OK);
	assert_memory_equal(got, want, 48);
	assert_int_equal(snp_key_digest(pem, 40, got), CL_ERR_FORMAT);
	assert_int_equal(snp_key_digest("", 0, got), CL_ERR_FORMAT);
}

/* PEM of the VEK's own key, or of the P-256 one, as a JSON string. */
static char *
key_json(unsigned which)
{
	BIO *bio = BIO_new(BIO_s_mem());
	json_t *text;
	char *pem, *out;
	long n;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, fake_amd_key(which)), 1);
	n = BIO_get_mem_data(bio, &pem);
	text = json_stringn(pem, (size_t)n);
	out = json_dumps(text, JSON_ENCODE_ANY);
	json_decref(text);
	BIO_free(bio);
	return out;
}

static uint8_t id_digest[48];

static void
put_id_digest(uint8_t *p)
{
	memcpy(p + 0xe0, id_digest, 48);
}

static void
id_keys_are_accepted_as_pem(void **state)
{
	char *key = key_json(FAKE_VEK), *small = key_json(FAKE_VEK_256);
	char policy[1024];
	json_t *o, *pem = json_loads(key, JSON_DECODE_ANY, NULL);
	struct snp_policy p;

	(void)state;
	assert_int_equal(snp_key_digest(json_string_value(pem),
			     json_string_length(pem), id_digest),
	    CL_OK);
	snprintf(policy, sizeof(policy), "{\"id_key\":[%s]}", key);
	assert_string_equal("", verdict(MILAN(.edit = put_id_digest), policy));
	says("id_key_digest", policy);
	snprintf(policy, sizeof(policy), "{\"author_key\":[%s]}", key);
	says("author_key_digest", policy);
	/* Id keys are on P-384. */
	snprintf(policy, sizeof(policy), "{\"id_key\":[%s]}", small);
	o = json_loads(policy, 0, NULL);
	assert_int_equal(snp_policy_parse(o, &p), CL_ERR_FORMAT);
	json_decref(o);
	json_decref(pem);
	free(key);
	free(small);
}

static void
bad_members_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {{"{\"measurment\":[]}", "measurment"},
	    {"{\"measurement\":\"aa\"}", "measurement"},
	    {"{\"measurement\":[\"aa\"]}", "measurement"},
	    {"{\"measurement\":[3]}", "measurement"},
	    {"{\"host_data\":[\"\"]}", "host_data"},
	    {"{\"chip_id\":[\"0011\"]}", "chip_id"},
	    {"{\"csp_id\":[\"\"]}", "csp_id"},
	    {"{\"id_key\":[\"no key\"]}", "id_key"},
	    {"{\"id_key\":{}}", "id_key"},
	    {"{\"allow_debug\":1}", "allow_debug"},
	    {"{\"require_crl\":\"yes\"}", "require_crl"},
	    {"{\"max_vmpl\":4}", "max_vmpl"}, {"{\"max_vmpl\":-1}", "max_vmpl"},
	    {"{\"max_vmpl\":\"0\"}", "max_vmpl"},
	    {"{\"min_version\":6}", "min_version"},
	    {"{\"min_guest_svn\":4294967296}", "min_guest_svn"},
	    {"{\"min_abi\":1}", "min_abi"}, {"{\"min_abi\":\"1\"}", "min_abi"},
	    {"{\"min_abi\":\"1.256\"}", "min_abi"},
	    {"{\"min_abi\":\"1.5.1\"}", "min_abi"},
	    {"{\"min_abi\":\" 1.5\"}", "min_abi"},
	    {"{\"required_mitigations\":11}", "required_mitigations"},
	    {"{\"required_mitigations\":\"11\"}", "required_mitigations"},
	    {"{\"required_mitigations\":\"0x\"}", "required_mitigations"},
	    {"{\"required_policy\":\"0x11112222333344445\"}",
		"required_policy"},
	    {"{\"required_platform_info\":\"0xg\"}", "required_platform_info"},
	    {"{\"min_tcb\":[]}", "min_tcb"},
	    {"{\"min_tcb\":{\"rome\":{}}}", "rome"},
	    {"{\"min_tcb\":{\"milan\":4}}", "milan"},
	    {"{\"min_tcb\":{\"milan\":{\"fmc\":1}}}", "fmc"},
	    {"{\"min_tcb\":{\"genoa\":{\"fmc\":1}}}", "fmc"},
	    {"{\"min_tcb\":{\"turin\":{\"bl\":256}}}", "bl"},
	    {"{\"min_tcb\":{\"turin\":{\"spl\":1}}}", "spl"}};
	struct snp_policy p;
	json_t *o;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(o = json_loads(bad[i].text, 0, NULL));
		assert_int_equal(snp_policy_parse(o, &p), CL_ERR_FORMAT);
		assert_string_equal(json_why(), bad[i].why);
		json_decref(o);
	}
	o = json_array();
	assert_int_equal(snp_policy_parse(o, &p), CL_ERR_FORMAT);
	json_decref(o);
}

static void
lists_that_are_too_long_are_refused(void **state)
{
	json_t *o = json_object(), *list = json_array();
	struct snp_policy p;
	unsigned i;

	(void)state;
	json_object_set_new(o, "csp_id", list);
	for (i = 0; i < ROWS_LIST_MAX; i++)
		json_array_append_new(list, json_string("x"));
	assert_int_equal(snp_policy_parse(o, &p), CL_OK);
	json_array_append_new(list, json_string("x"));
	assert_int_equal(snp_policy_parse(o, &p), CL_ERR_FORMAT);
	json_decref(o);
}

#define rule(f) cmocka_unit_test_setup(f, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    rule(policy_bits_are_permissions),
	    rule(migration_is_refused_unless_allowed),
	    rule(smt_abi_and_wanted_bits),
	    rule(vmpl_svn_and_version_have_bounds),
	    rule(tcb_minimums_hold_component_by_component),
	    rule(the_launch_may_be_held_to_the_minimum),
	    rule(tcbs_must_be_in_order),
	    rule(provisional_firmware_is_refused),
	    rule(reference_values_are_compared_whole),
	    rule(chips_and_clouds_can_be_listed),
	    rule(authors_count_only_where_there_is_one),
	    rule(mitigations_can_be_demanded),
	    rule(id_keys_are_digested_as_amd_does),
	    rule(id_keys_are_accepted_as_pem),
	    rule(bad_members_are_refused_by_name),
	    rule(lists_that_are_too_long_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
