/* What is believed of a CSV report, and what an owner may want of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv_case.h"
#include "policy/appraise.h"

/* ---- the anonce trap ---------------------------------------------------- */

/* Without the masks on PEK and serial, and with the unsigned words put right,
 * a report with another anonce verifies. Only user_data tells. */
static void
another_anonce_is_caught_by_user_data(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct csv_policy policy;
	struct appraise_result rows;
	struct csv_evidence e;
	struct csv_report r, none;
	uint8_t report[HYGON_BUFFER], forged[64];
	unsigned i, k;

	(void)state;
	memset(&none, 0, sizeof(none));
	assert_int_equal(csv_policy_parse(NULL, &policy), 0);
	for (i = 0; i < 4; i++) {
		fake_csv_report(h, &plain_v1, report);
		report[0xbc + i] ^= 0x20;
		report[0xb4 + i] ^= 0x20;
		report[0xb8 + i] ^= 0x20;
		assert_string_equal(
		    verdict(report, REPORT, bag, &h->roots, &e), "");
		assert_int_equal(
		    csv_open(&e, asked, NULL, &r), CL_ERR_EVIDENCE);
		assert_memory_equal(&r, &none, sizeof(r));
		memset(&rows, 0, sizeof(rows));
		assert_int_equal(csv_appraise(&e, asked, &policy, &r, &rows),
		    CL_ERR_APPRAISAL);
		assert_string_equal(refused(&rows), "user_data");
		/* The padding is compared too: its zeros are 0x20 now. */
		memcpy(forged, e.user_data, 64);
		for (k = 0; k < 8; k++)
			forged[k] = asked[k];
		assert_int_equal(
		    csv_open(&e, forged, NULL, &r), CL_ERR_EVIDENCE);
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
nothing_is_believed_without_user_data(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct csv_policy policy;
	struct appraise_result rows = {0};
	struct csv_evidence e;
	struct csv_report r;
	uint8_t report[HYGON_BUFFER], mnonce[16];

	(void)state;
	assert_int_equal(csv_policy_parse(NULL, &policy), 0);
	fake_csv_report(h, &plain_v1, report);
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e), "");
	assert_int_equal(
	    csv_appraise(&e, NULL, &policy, &r, &rows), CL_ERR_APPRAISAL);
	assert_string_equal(refused(&rows), "user_data");
	assert_int_equal(r.policy, 0);
	/* The challenger's mnonce, if it has one. */
	memset(mnonce, 0x44, sizeof(mnonce));
	assert_int_equal(csv_open(&e, asked, mnonce, &r), 0);
	mnonce[15]++;
	assert_int_equal(csv_open(&e, asked, mnonce, &r), CL_ERR_EVIDENCE);
	/* Nor from a report that is not genuine. */
	assert_string_equal(
	    verdict(report, REPORT, bag, NULL, &e), "chain.root");
	assert_int_equal(csv_open(&e, asked, NULL, &r), CL_ERR_EVIDENCE);
	endorse_free(bag);
	fake_hygon_free(h);
}

/* ---- policy ------------------------------------------------------------- */

#define HEX16(x) x x x x x x x x x x x x x x x x
#define HEX32(x) HEX16(x) HEX16(x)

/* What a policy makes of the machine: the first refusal, "" for none. */
static const struct wish {
	unsigned version;
	const char *policy, *refused, *tcb;
} wishes[] = {
    {1, "{}", "", "unpublished"},
    {1, "{\"measure\":[\"" HEX32("55") "\"]}", "", "unpublished"},
    {1, "{\"measure\":[\"" HEX32("56") "\"]}", "measure", "unpublished"},
    {1, "{\"measure\":[]}", "measure", "unpublished"},
    {1, "{\"vm_id\":[\"" HEX16("22") "\"]}", "", "unpublished"},
    {1, "{\"vm_id\":[\"" HEX16("23") "\"]}", "vm_id", "unpublished"},
    {1, "{\"vm_version\":[\"" HEX16("33") "\"]}", "", "unpublished"},
    {1, "{\"vm_version\":[\"" HEX16("34") "\"]}", "vm_version", "unpublished"},
    {1, "{\"user_pubkey_digest\":[\"" HEX32("11") "\"]}", "", "unpublished"},
    {1, "{\"user_pubkey_digest\":[\"" HEX32("12") "\"]}", "user_pubkey_digest",
	"unpublished"},
    {1, "{\"serial\":[\"OTHER\",\"TEST0001\"]}", "", "unpublished"},
    {1, "{\"serial\":[\"OTHER\"]}", "serial", "unpublished"},
    {1, "{\"serial\":[\"TEST00010\"]}", "serial", "unpublished"},
    {1, "{\"cek\":[\"" HEX32("00") "\"]}", "cek", "unpublished"},
    {1, "{\"min_api\":\"1.3\"}", "", "ok"},
    {1, "{\"min_api\":\"1.4\"}", "pek.api", "out of date"},
    {1, "{\"min_api\":\"2.0\"}", "pek.api", "out of date"},
    {2, "{\"min_build\":2337}", "", "ok"},
    {2, "{\"min_build\":2338}", "build", "out of date"},
    {2, "{\"min_api\":\"1.3\",\"min_build\":2338}", "build", "out of date"},
    {2, "{\"min_api\":\"1.4\",\"min_build\":1}", "pek.api", "out of date"},
    {1, "{\"min_build\":1}", "build", "out of date"},
    {1, "{\"min_version\":2}", "version", "unpublished"},
    {2, "{\"min_version\":2}", "", "unpublished"},
    {2, "{\"rtmr4\":[\"" HEX32("64") "\"]}", "", "unpublished"},
    {2, "{\"rtmr4\":[\"" HEX32("63") "\"]}", "rtmr4", "unpublished"},
    {1, "{\"rtmr0\":[\"" HEX32("00") "\"]}", "rtmr0", "unpublished"},
    {3, "{\"host_data\":[\"" HEX32("77") HEX32("77") "\"]}", "", "unpublished"},
    {2, "{\"host_data\":[\"" HEX32("77") HEX32("77") "\"]}", "host_data",
	"unpublished"},
    {1, "{\"host_data\":[\"" HEX32("00") HEX32("00") "\"]}", "host_data",
	"unpublished"},
    {1, "{\"required_policy\":\"0x41\"}", "", "unpublished"},
    {1, "{\"required_policy\":\"0x43\"}", "policy.bits", "unpublished"},
    {1, "{\"min_generation\":1}", "", "unpublished"},
    {1, "{\"min_generation\":2}", "policy.csv2", "unpublished"},
    {2, "{\"min_generation\":3}", "policy.csv3", "unpublished"},
    {1, "{\"require_no_sealing_key\":true}", "sealing_key", "unpublished"},
    {1, "{\"require_no_sealing_key\":false}", "", "unpublished"},
};

static json_t *
policy_of(const char *text, struct csv_policy *p)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	assert_int_equal(csv_policy_parse(o, p), 0);
	return o;
}

static void
the_policy_is_kept(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct fake_csv f = plain_v1;
	uint8_t report[HYGON_BUFFER];
	struct appraise_result rows;
	struct csv_evidence e;
	struct csv_report r;
	struct csv_policy p;
	unsigned i;
	json_t *o;
	int got;

	(void)state;
	f.sealing_key = true;
	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		f.version = wishes[i].version;
		fake_csv_report(h, &f, report);
		o = policy_of(wishes[i].policy, &p);
		memset(&rows, 0, sizeof(rows));
		assert_int_equal(csv_verify(report, HYGON_BUFFER, bag, NULL,
				     &h->roots, &e, &rows),
		    0);
		got = csv_appraise(&e, asked, &p, &r, &rows);
		if (strcmp(refused(&rows), wishes[i].refused) != 0 ||
		    strcmp(rows.tcb, wishes[i].tcb) != 0)
			fail_msg("%s: refused by '%s', tcb %s",
			    wishes[i].policy, refused(&rows), rows.tcb);
		assert_int_equal(
		    got, wishes[i].refused[0] ? CL_ERR_APPRAISAL : CL_OK);
		json_decref(o);
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
debugging_is_refused(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct fake_csv f = plain_v1;
	uint8_t report[HYGON_BUFFER];
	struct appraise_result rows = {0};
	struct csv_evidence e;
	struct csv_report r;
	struct csv_policy p;
	json_t *o;

	(void)state;
	f.policy = 0x40000000;
	fake_csv_report(h, &f, report);
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e), "");
	assert_int_equal(csv_policy_parse(NULL, &p), 0);
	assert_int_equal(
	    csv_appraise(&e, asked, &p, &r, &rows), CL_ERR_APPRAISAL);
	assert_string_equal(refused(&rows), "policy.debug");
	o = policy_of("{\"allow_debug\":true}", &p);
	memset(&rows, 0, sizeof(rows));
	assert_int_equal(csv_appraise(&e, asked, &p, &r, &rows), CL_OK);
	json_decref(o);
	endorse_free(bag);
	fake_hygon_free(h);
}

/* The chip itself, by its key. */
static void
a_chip_is_pinned_by_its_key(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	uint8_t report[HYGON_BUFFER], xy[64], digest[32];
	struct crypto_part part = {xy, sizeof(xy)};
	struct appraise_result rows = {0};
	char hex[65], text[128];
	struct csv_evidence e;
	struct csv_report r;
	struct csv_policy p;
	json_t *o;

	(void)state;
	hygon_point(h->cek_key, xy);
	assert_int_equal(crypto_sha256(&part, 1, digest), 0);
	rows_hex(digest, 32, hex);
	snprintf(text, sizeof(text), "{\"cek\":[\"%s\"]}", hex);
	o = policy_of(text, &p);
	fake_csv_report(h, &plain_v1, report);
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e), "");
	assert_int_equal(csv_appraise(&e, asked, &p, &r, &rows), CL_OK);
	json_decref(o);
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
policies_are_read_strictly(void **state)
{
	static const char *const bad[] = {"[]", "7", "{\"what\":1}",
	    "{\"measure\":\"" HEX32("55") "\"}", "{\"measure\":[\"55\"]}",
	    "{\"measure\":[\"" HEX32("5A") "\"]}", "{\"measure\":[7]}",
	    "{\"vm_id\":[\"" HEX32("22") "\"]}", "{\"serial\":[\"\"]}",
	    "{\"serial\":[\"" HEX32("22") "2\"]}",
	    "{\"host_data\":[\"" HEX32("22") "\"]}", "{\"min_api\":1.3}",
	    "{\"min_api\":\"1\"}", "{\"min_api\":\"1.256\"}",
	    "{\"min_api\":\"1.3.\"}", "{\"min_api\":\"-1.3\"}",
	    "{\"min_build\":-1}", "{\"min_build\":4294967296}",
	    "{\"min_version\":0}", "{\"min_version\":4}",
	    "{\"min_generation\":4}", "{\"required_policy\":65}",
	    "{\"required_policy\":\"41\"}", "{\"required_policy\":\"0x\"}",
	    "{\"required_policy\":\"0x100000000\"}",
	    "{\"required_policy\":\"0xg\"}", "{\"allow_debug\":1}",
	    "{\"require_no_sealing_key\":\"yes\"}", "{\"rtmr5\":[]}"};
	struct csv_policy p;
	unsigned i;
	json_t *o;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o = json_loads(bad[i], JSON_DECODE_ANY, NULL);
		assert_non_null(o);
		if (csv_policy_parse(o, &p) != CL_ERR_FORMAT)
			fail_msg("%s is taken", bad[i]);
		json_decref(o);
	}
}

/* ---- through the appraisal ---------------------------------------------- */

static int
appraise_text(const char *text, const struct endorse *bag,
    const uint8_t *report, const uint8_t *report_data,
    struct appraise_result *rows, json_t **fields)
{
	struct appraise_input in = {.tee = "csv",
	    .raw = report,
	    .raw_n = REPORT,
	    .given = bag,
	    .report_data = report_data,
	    .time = 1};
	struct appraise_policy *p;
	int r;

	assert_int_equal(appraise_policy_parse(text, strlen(text), &p), 0);
	in.policy = p;
	r = appraise_input(&in, NULL, rows, fields);
	appraise_policy_free(p);
	return r;
}

static void
appraisal_wants_user_data(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	uint8_t report[HYGON_BUFFER], other[64] = "a nonce\0x";
	struct appraise_result rows;
	char text[160], root[65];
	json_t *fields, *measure;

	(void)state;
	rows_hex(h->roots.extra[0].spki, 32, root);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"csv\":{},\"test_roots\":{\"hygon\":[\"%s\"]}}", root);
	fake_csv_report(h, &plain_v1, report);
	assert_int_equal(
	    appraise_text(text, bag, report, asked, &rows, &fields), CL_OK);
	assert_true(rows.authentic && rows.accepted);
	assert_string_equal(rows.tcb, "unpublished");
	measure = json_object_get(fields, "measure");
	assert_string_equal(json_string_value(measure), HEX32("55"));
	json_decref(fields);

	assert_int_equal(appraise_text(text, bag, report, NULL, &rows, &fields),
	    CL_ERR_APPRAISAL);
	assert_true(rows.authentic && !rows.accepted);
	assert_string_equal(refused(&rows), "user_data");
	assert_null(json_object_get(fields, "measure"));
	json_decref(fields);

	assert_int_equal(
	    appraise_text(text, bag, report, other, &rows, &fields),
	    CL_ERR_EVIDENCE);
	assert_false(rows.authentic || rows.accepted);
	assert_null(json_object_get(fields, "measure"));
	json_decref(fields);
	/* The test root is trusted only by name. */
	assert_int_equal(
	    appraise_text("{\"v\":1}", bag, report, asked, &rows, &fields),
	    CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "chain.root");
	json_decref(fields);
	endorse_free(bag);
	fake_hygon_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(another_anonce_is_caught_by_user_data),
	    cmocka_unit_test(nothing_is_believed_without_user_data),
	    cmocka_unit_test(the_policy_is_kept),
	    cmocka_unit_test(debugging_is_refused),
	    cmocka_unit_test(a_chip_is_pinned_by_its_key),
	    cmocka_unit_test(policies_are_read_strictly),
	    cmocka_unit_test(appraisal_wants_user_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
