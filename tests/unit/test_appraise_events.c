/* policy/appraise: what an owner wants of the records of a log; and a real
 * machine's log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log_case.h"
#include "shared_evidence.h"

/* ---- reference events ------------------------------------------------------
 */

#define EVENT(r, x) "{\"register\":\"" r "\",\"digest\":\"" HEX48(x) "\"}"
#define TYPED(r, t, x)                                                         \
	"{\"register\":\"" r "\",\"type\":\"" t                                \
	"\",\"digest\":\"" HEX48(x) "\"}"

static void
events_must_be_there(void **state)
{
	struct fixture *f = *state;

	quote(f);
	assert_string_equal(
	    envelope(f,
		"\"eventlog\":{\"events\":[" EVENT("rtmr1", "aa") "," TYPED(
		    "rtmr2", "EV_IPL", "bb") "," TYPED("rtmr2", "0x0000000d",
		    "cc") "]}",
		ANY),
	    "");
	assert_string_equal(row(f, "eventlog.events")->came, "all of them");
	assert_string_equal(
	    envelope(
		f, "\"eventlog\":{\"events\":[" EVENT("rtmr1", "bb") "]}", ANY),
	    "eventlog.events");
	assert_string_equal(envelope(f,
				"\"eventlog\":{\"events\":[" EVENT("rtmr1",
				    "aa") "," EVENT("rtmr2", "aa") "]}",
				ANY),
	    "eventlog.events");
	assert_string_equal(envelope(f,
				"\"eventlog\":{\"events\":[" TYPED(
				    "rtmr1", "EV_IPL", "aa") "]}",
				ANY),
	    "eventlog.events");
	assert_string_equal(
	    envelope(f,
		"\"eventlog\":{\"events\":[{\"register\":\"rtmr1\","
		"\"digest\":[\"" HEX48("00") "\",\"" HEX48("aa") "\"]}]}",
		ANY),
	    "");
}

#define MEASURED                                                               \
	"\"eventlog\":{\"events\":[" EVENT("rtmr1", "aa") "," EVENT("rtmr2",   \
	    "bb") "," EVENT("rtmr2", "cc") "],\"only\":[\"rtmr1\",\"rtmr2\"]}"

/* Firmware and all that it started: then the software is known, although no
 * register's value is. */
static void
named_events_measure_the_software(void **state)
{
	struct fixture *f = *state;
	char hex[97], text[2048];

	quote(f);
	rows_hex(f->e.raw + BODY + 136, 48, hex);
	snprintf(text, sizeof(text), "\"mr_td\":[\"%s\"]," MEASURED, hex);
	assert_string_equal(envelope(f, text, ""), "");
	/* Not without the firmware, nor with one of the two only. */
	assert_string_equal(envelope(f, MEASURED, ""), "software");
	snprintf(text, sizeof(text),
	    "\"mr_td\":[\"%s\"],\"eventlog\":{\"events\":[" EVENT(
		"rtmr1", "aa") "],\"only\":[\"rtmr1\"]}",
	    hex);
	assert_string_equal(envelope(f, text, ""), "software");
	/* Presence alone is no measurement: who was started before could have
	 * extended the register with a good digest. */
	snprintf(text, sizeof(text),
	    "\"mr_td\":[\"%s\"],\"eventlog\":{\"events\":[" EVENT("rtmr1",
		"aa") "," EVENT("rtmr2", "bb") "," EVENT("rtmr2", "cc") "]}",
	    hex);
	assert_string_equal(envelope(f, text, ""), "software");
}

static void
strangers_are_refused(void **state)
{
	static const char evil[] = "MZ an image, as a file, under another name";
	static const char table[] = "EFI PART\0\0\1\0 a partition table";
	struct fixture *f = *state;

	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "");
	/* An application more, whatever the log calls it. */
	fake_log_image(&f->log, 2, 0x80000003, 0xdd);
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "eventlog.only.rtmr1");
	make_log(f);
	fake_log_image(&f->log, 2, 0x80000007, 0xdd);
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "eventlog.only.rtmr1");
	make_log(f);
	fake_log_add(&f->log, 2, 0x80000006, NULL, evil, sizeof(evil));
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "eventlog.only.rtmr1");
	/* Where the digest is not of the harmless text. */
	make_log(f);
	fake_log_add(&f->log, 2, 4, (const uint8_t *)HEX48("x"), "\0\0\0", 4);
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "eventlog.only.rtmr1");
	/* An error's separator. */
	make_log(f);
	fake_log_add(&f->log, 2, 4, NULL, "\1\0\0", 4);
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "eventlog.only.rtmr1");
	/* A partition table is none; but only where it belongs. */
	make_log(f);
	fake_log_add(&f->log, 2, 0x80000006, NULL, table, sizeof(table));
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "");
	fake_log_add(&f->log, 3, 0x80000006, NULL, table, sizeof(table));
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "eventlog.only.rtmr2");
	/* Nor a separator, where boot loaders measure files. */
	make_log(f);
	fake_log_add(&f->log, 3, 4, NULL, "\0\0\0", 4);
	quote(f);
	assert_string_equal(envelope(f, MEASURED, ANY), "eventlog.only.rtmr2");
}

/* RTMR3 changes with each start: its records are what is to be named. */
static void
starts_need_no_name(void **state)
{
	static const char only[] = "\"eventlog\":{\"only\":[\"rtmr3\"]}";
	struct fixture *f = *state;

	fake_log_start(&f->log, 4, 'b', 'c');
	quote(f);
	assert_string_equal(envelope(f, only, ANY), "");
	assert_string_equal(
	    envelope(
		f, "\"eventlog\":{\"only\":[\"rtmr3\"],\"agent\":false}", ANY),
	    "eventlog.only.rtmr3");
	fake_log_tag(&f->log, 4, "another application");
	quote(f);
	assert_string_equal(envelope(f, only, ANY), "eventlog.only.rtmr3");
}

static void
bad_policies_are_refused_by_name(void **state)
{
	static const char *const bad[][2] = {{"[]", "eventlog"},
	    {"{\"x\":1}", "x"}, {"{\"require\":1}", "require"},
	    {"{\"agent\":\"yes\"}", "agent"}, {"{\"events\":{}}", "events"},
	    {"{\"events\":[1]}", "events"},
	    {"{\"events\":[{\"register\":\"rtmr1\"}]}", "digest"},
	    {"{\"events\":[{\"digest\":\"" HEX48("aa") "\"}]}", "register"},
	    {"{\"events\":[" EVENT("rtmr4", "aa") "]}", "register"},
	    {"{\"events\":[" EVENT("pcr4", "aa") "]}", "register"},
	    {"{\"events\":[" TYPED("rtmr1", "EV_WHAT", "aa") "]}", "type"},
	    {"{\"events\":[" TYPED("rtmr1", "0xd", "aa") "]}", "type"},
	    {"{\"events\":[{\"register\":\"rtmr1\",\"digest\":[]}]}", "digest"},
	    {"{\"events\":[{\"register\":\"rtmr1\",\"digest\":\"aa\"}]}",
		"digest"},
	    {"{\"events\":[" EVENT("rtmr1", "AA") "]}", "digest"},
	    {"{\"events\":[{\"register\":\"rtmr1\",\"digests\":1}]}",
		"digests"},
	    {"{\"only\":\"rtmr1\"}", "only"}, {"{\"only\":[1]}", "only"},
	    {"{\"only\":[\"rtmr9\"]}", "only"}};
	struct appraise_policy *p;
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
		    "{\"v\":1,\"tdx\":{\"eventlog\":%s}}", bad[i][0]);
		if (appraise_policy_parse(text, strlen(text), &p) !=
		    CL_ERR_FORMAT)
			fail_msg("%s is taken", text);
		assert_string_equal(json_why(), bad[i][1]);
	}
}

/* ---- a real machine's ------------------------------------------------------
 */

struct real {
	uint8_t *quote, *log, *nonce;
	size_t quote_n, log_n, nonce_n;
};

static void
read_real(struct real *r)
{
	r->quote = shared_read("tdx/ccel/cos-113-tdx-quote.dat", &r->quote_n);
	r->log = shared_read("tdx/ccel/ccel_data.dat", &r->log_n);
	r->nonce = shared_read("tdx/ccel/nonce.dat", &r->nonce_n);
	assert_int_equal(r->nonce_n, EVIDENCE_REPORT_DATA);
}

static const char *
real_verdict(struct fixture *f, const struct real *r, const char *policy)
{
	struct appraise_input in = {.tee = "tdx",
	    .raw = r->quote,
	    .raw_n = r->quote_n,
	    .log = r->log,
	    .log_n = r->log_n,
	    .report_data = r->nonce,
	    .time = 1782864000};
	struct appraise_policy *p;
	unsigned i;

	assert_int_equal(appraise_policy_parse(policy, strlen(policy), &p), 0);
	in.policy = p;
	json_decref(f->fields);
	f->fields = NULL;
	assert_int_not_equal(
	    appraise_input(&in, NULL, &f->result, &f->fields), 0);
	appraise_policy_free(p);
	for (i = 0; i < f->result.nrows && f->result.rows[i].ok; i++)
		;
	return f->result.rows[i].claim;
}

static void
a_real_log_explains_its_quote(void **state)
{
	static const char *const names[] = {"eventlog.rtmr0", "eventlog.rtmr1",
	    "eventlog.rtmr2", "eventlog.rtmr3"};
	static const char *const published[] = {
	    "rtmr0", "rtmr1", "rtmr2", "rtmr3"};
	struct fixture *f = *state;
	json_t *expected, *quote, *log;
	struct real r;
	unsigned i;
	char name[8];

	shared_need();
	read_real(&r);
	expected = shared_json("tdx/expected.json");
	/* Nothing says how old its TCB is: genuine, and never accepted. */
	(void)real_verdict(f, &r, "{\"v\":1}");
	assert_true(f->result.authentic);
	assert_false(f->result.accepted);
	quote = json_object_get(expected, "ccel/cos-113-tdx-quote.dat");
	log = json_object_get(
	    json_object_get(f->fields, "eventlog"), "registers");
	for (i = 0; i < 4; i++) {
		assert_true(row(f, names[i]) && row(f, names[i])->ok);
		snprintf(name, sizeof(name), "RTMR%u", i);
		assert_non_null(json_object_get(quote, published[i]));
		assert_string_equal(
		    json_string_value(json_object_get(log, name)),
		    json_string_value(json_object_get(quote, published[i])));
	}
	json_decref(expected);
	free(r.quote);
	free(r.log);
	free(r.nonce);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(events_must_be_there),
	    T(named_events_measure_the_software),
	    T(strangers_are_refused),
	    T(starts_need_no_name),
	    cmocka_unit_test(bad_policies_are_refused_by_name),
	    T(a_real_log_explains_its_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
