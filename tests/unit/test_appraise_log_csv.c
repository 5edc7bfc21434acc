/* policy/appraise on CSV reports with event logs, and on evidence that a log
 * says nothing about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv_case.h"
#include "fake_log.h"
#include "lib/json.h"
#include "policy/appraise.h"

#define RTMR(n) (0xd0 + 32 * (n))

struct fixture {
	struct fake_hygon *h;
	struct endorse *bag;
	struct fake_log log;
	uint8_t report[HYGON_BUFFER];
	struct appraise_result result;
	json_t *fields;
};

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->h = fake_hygon_new();
	f->bag = fake_hygon_bag(f->h);
	fake_log_new(&f->log, FAKE_LOG_SM3);
	fake_log_image(&f->log, 1, 0x80000001, 0x11);
	fake_log_image(&f->log, 2, 0x80000003, 0x22);
	fake_log_image(&f->log, 3, 0xd, 0x33);
	fake_log_start(&f->log, 4, 'b', 'c');
	*state = f;
	return 0;
}

static int
drop(void **state)
{
	struct fixture *f = *state;

	json_decref(f->fields);
	endorse_free(f->bag);
	fake_hygon_free(f->h);
	free(f);
	return 0;
}

/* A report whose registers are those of the log. */
static void
report(struct fixture *f, unsigned version)
{
	struct fake_csv c = plain_v1;
	unsigned i;

	c.version = version;
	fake_csv_report(f->h, &c, f->report);
	if (version == 1)
		return;
	for (i = 0; i < 5; i++)
		memcpy(f->report + RTMR(i), f->log.value[i], 32);
	hygon_sign(f->h->pek_key, "HYGON-SSD-PEK", f->report, 0x400,
	    f->report + 0x400);
}

/* "": accepted, else the first refused claim. */
static const char *
judge(struct fixture *f, const uint8_t *data, const char *csv)
{
	struct appraise_input in = {.tee = "csv",
	    .raw = f->report,
	    .raw_n = HYGON_BUFFER,
	    .log = f->log.p,
	    .log_n = f->log.w.len,
	    .given = f->bag,
	    .report_data = data,
	    .time = 1};
	struct appraise_policy *p;
	char root[65], text[1024];
	int r;

	rows_hex(f->h->roots.extra[0].spki, 32, root);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"test_roots\":{\"hygon\":[\"%s\"]},\"csv\":{%s}}", root,
	    csv);
	if (appraise_policy_parse(text, strlen(text), &p) != 0)
		fail_msg("%s: %s", text, json_why());
	in.policy = p;
	json_decref(f->fields);
	f->fields = NULL;
	r = appraise_input(&in, NULL, &f->result, &f->fields);
	appraise_policy_free(p);
	assert_int_equal(r, f->result.accepted	  ? CL_OK
			    : f->result.authentic ? CL_ERR_APPRAISAL
						  : CL_ERR_EVIDENCE);
	return refused(&f->result);
}

static const char agent[] = "\"eventlog\":{\"agent\":true}";

static void
every_flipped_digest_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t i;

	report(f, 2);
	for (i = 0; i < 32; i++) {
		f->log.p[f->log.digest_at + i] ^= 1;
		assert_string_equal(judge(f, asked, ""), "eventlog.rtmr4");
		assert_false(f->result.authentic);
		f->log.p[f->log.digest_at + i] ^= 1;
	}
	assert_string_equal(judge(f, asked, agent), "");
}

static void
a_log_explains_registers_of_new_reports(void **state)
{
	struct fixture *f = *state;
	unsigned version;

	for (version = 2; version <= 3; version++) {
		report(f, version);
		assert_string_equal(judge(f, asked, agent), "");
		assert_string_equal(
		    came(&f->result, "eventlog.starts"), "1 of them");
		assert_non_null(json_object_get(f->fields, "eventlog"));
	}
	f->report[RTMR(3)] ^= 1;
	hygon_sign(f->h->pek_key, "HYGON-SSD-PEK", f->report, 0x400,
	    f->report + 0x400);
	assert_string_equal(judge(f, asked, ""), "eventlog.rtmr3");
	assert_false(f->result.authentic);
}

/* Version 1 has no registers: its log is not used, and cannot be asked for. */
static void
old_reports_have_nothing_to_explain(void **state)
{
	struct fixture *f = *state;

	report(f, 1);
	assert_string_equal(judge(f, asked, ""), "");
	assert_non_null(strstr(came(&f->result, "eventlog"), "not used"));
	assert_null(json_object_get(f->fields, "eventlog"));
	assert_string_equal(
	    judge(f, asked, "\"eventlog\":{\"require\":true}"), "eventlog");
	assert_string_equal(judge(f, asked, agent), "eventlog");
	assert_true(f->result.authentic);
	/* Not even whether it is a log. */
	f->log.w.len = 3;
	assert_string_equal(judge(f, asked, ""), "");
}

static void
nothing_is_compared_without_user_data(void **state)
{
	struct fixture *f = *state;

	report(f, 2);
	assert_string_equal(judge(f, NULL, ""), "user_data");
	assert_non_null(strstr(came(&f->result, "eventlog"), "not used"));
	assert_string_equal(judge(f, NULL, agent), "user_data");
	assert_null(json_object_get(f->fields, "eventlog"));
}

/* Register 0 is the launch measurement, or begins with it. */
static void
the_first_register_may_be_the_launch(void **state)
{
	struct fixture *f = *state;
	uint8_t both[96], launch[32], event[512];
	char text[256];
	size_t n;

	memset(launch, 0x55, sizeof(launch));
	memcpy(f->log.value[0], launch, 32);
	report(f, 2);
	assert_string_equal(judge(f, asked, ""), "");
	f->log.value[0][31] ^= 1;
	report(f, 2);
	assert_string_equal(judge(f, asked, ""), "eventlog.rtmr0");
	assert_false(f->result.authentic);
	/* From zeros. */
	memset(f->log.value[0], 0, 32);
	n = fake_log_aael(fake_log_start_text('d', 'e', text), event, 512);
	fake_log_add(&f->log, 0, 6, NULL, event, n);
	report(f, 2);
	assert_string_equal(judge(f, asked, agent), "");
	assert_string_equal(came(&f->result, "eventlog.starts"), "2 of them");
	/* From the launch. */
	memcpy(both, launch, 32);
	fake_log_hash(&f->log, event, n, both + 32);
	fake_log_hash(&f->log, both, 64, f->log.value[0]);
	report(f, 2);
	assert_string_equal(judge(f, asked, agent), "");
	assert_string_equal(came(&f->result, "eventlog.starts"), "2 of them");
	/* Records that did not extend it are not believed. */
	memcpy(f->log.value[0], launch, 32);
	report(f, 2);
	assert_string_equal(judge(f, asked, agent), "");
	assert_string_equal(came(&f->result, "eventlog.starts"), "1 of them");
}

static void
unexplained_registers_need_a_pin(void **state)
{
	struct fixture *f = *state;
	uint8_t kept[2][32];
	char pin[128], a[65], b[65];

	memcpy(kept[0], f->log.value[1], 32);
	memcpy(kept[1], f->log.value[2], 32);
	fake_log_new(&f->log, FAKE_LOG_SM3);
	fake_log_start(&f->log, 4, 'b', 'c');
	memcpy(f->log.value[1], kept[0], 32);
	memcpy(f->log.value[2], kept[1], 32);
	report(f, 2);
	assert_string_equal(judge(f, asked, ""), "eventlog.rtmr1");
	rows_hex(kept[0], 32, a);
	rows_hex(kept[1], 32, b);
	snprintf(pin, sizeof(pin), "\"rtmr1\":[\"%s\"]", a);
	assert_string_equal(judge(f, asked, pin), "eventlog.rtmr2");
	assert_false(f->result.authentic);
	snprintf(pin, sizeof(pin), "\"rtmr1\":[\"%s\"],\"rtmr2\":[]", a);
	assert_string_equal(judge(f, asked, pin), "rtmr2");
	assert_true(f->result.authentic);
}

static void
wrong_logs_are_refused(void **state)
{
	struct fixture *f = *state;
	size_t n = f->log.w.len;

	report(f, 2);
	f->log.w.len = 0;
	assert_string_equal(judge(f, asked, ""), "eventlog");
	f->log.w.len = n;
	fake_log_image(&f->log, 5, 4, 1);
	assert_string_equal(judge(f, asked, ""), "eventlog");
	fake_log_new(&f->log, FAKE_LOG_SHA384);
	fake_log_image(&f->log, 1, 4, 1);
	assert_string_equal(judge(f, asked, ""), "eventlog");
	assert_false(f->result.authentic);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(wrong_logs_are_refused),
	    T(every_flipped_digest_is_refused),
	    T(old_reports_have_nothing_to_explain),
	    T(nothing_is_compared_without_user_data),
	    T(unexplained_registers_need_a_pin),
	    T(the_first_register_may_be_the_launch),
	    T(a_log_explains_registers_of_new_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
