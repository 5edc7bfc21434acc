/* policy/appraise on TDX quotes with event logs: hostile logs first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log_case.h"

/* ---- the log's form --------------------------------------------------------
 */

static void
no_part_of_a_log_is_the_log(void **state)
{
	struct fixture *f = *state;
	size_t n;

	quote(f);
	for (n = 0; n < f->log.w.len; n++) {
		if (raw_with(f, f->log.p, n, "")[0] == '\0')
			fail_msg("%zu of %zu bytes are taken", n, f->log.w.len);
		assert_false(f->result.authentic);
	}
	assert_string_equal(raw(f, ""), "");
}

static void
every_flipped_digest_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t i, at;

	quote(f);
	at = f->log.digest_at; /* the agent's, in RTMR3 */
	for (i = 0; i < 48; i++) {
		f->log.p[at + i] ^= 0x10;
		assert_string_equal(raw(f, ""), "eventlog.rtmr3");
		assert_false(f->result.authentic || f->result.accepted);
		f->log.p[at + i] ^= 0x10;
	}
	assert_string_equal(raw(f, ""), "");
}

static void
giants_are_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = calloc(1, EVIDENCE_LOG_MAX + 1);

	assert_non_null(p);
	quote(f);
	/* Zeros behind are padding, to the limit. */
	memcpy(p, f->log.p, f->log.w.len);
	assert_string_equal(raw_with(f, p, EVIDENCE_LOG_MAX, ""), "");
	assert_string_equal(
	    raw_with(f, p, EVIDENCE_LOG_MAX + 1, ""), "eventlog");
	assert_false(f->result.authentic);
	free(p);
}

static void
other_algorithms_are_refused(void **state)
{
	static const uint16_t algs[] = {FAKE_LOG_SHA256, FAKE_LOG_SM3};
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < 2; i++) {
		fake_log_new(&f->log, algs[i]);
		fake_log_text(&f->log, 1, 4, "x");
		memset(f->log.value, 0, sizeof(f->log.value));
		quote(f);
		assert_string_equal(raw(f, ""), "eventlog");
		assert_false(f->result.authentic);
	}
}

static void
registers_that_do_not_exist_are_refused(void **state)
{
	struct fixture *f = *state;

	fake_log_text(&f->log, 5, 4, "beyond RTMR3");
	quote(f);
	assert_string_equal(raw(f, ""), "eventlog");
	assert_false(f->result.authentic);
}

/* A reader stops at the marker; what hides behind it is not in the log. */
static void
records_behind_the_end_do_not_count(void **state)
{
	struct fixture *f = *state;

	fake_log_end(&f->log);
	quote(f);
	assert_string_equal(raw(f, ""), "");
	fake_log_text(&f->log, 4, 6, "behind the end");
	assert_string_equal(raw(f, ""), "");
	quote(f);
	assert_string_equal(raw(f, ""), "eventlog.rtmr3");
	assert_false(f->result.authentic);
}

/* ---- registers -------------------------------------------------------------
 */

static void
a_log_explains_all_registers(void **state)
{
	static const char *const claims[] = {"eventlog", "eventlog.rtmr0",
	    "eventlog.rtmr1", "eventlog.rtmr2", "eventlog.rtmr3"};
	struct fixture *f = *state;
	const json_t *log, *events;
	unsigned i;

	quote(f);
	assert_string_equal(raw(f, ""), "");
	for (i = 0; i < 5; i++)
		assert_true(row(f, claims[i]) && row(f, claims[i])->ok);
	log = json_object_get(f->fields, "eventlog");
	events = json_object_get(log, "events");
	assert_int_equal(json_array_size(events), 7);
	/* Expected what was quoted, came what the log gives. */
	f->e.raw[RTMR(1)] ^= 1;
	memcpy(f->log.value[2], f->e.raw + RTMR(1), 48);
	quote(f);
	assert_string_equal(raw(f, ""), "eventlog.rtmr1");
	assert_string_not_equal(
	    row(f, "eventlog.rtmr1")->expected, row(f, "eventlog.rtmr1")->came);
}

/* The boot loader's two records are gone; RTMR2 has a value all the same. */
static void
unexplained_registers_need_the_owner(void **state)
{
	struct fixture *f = *state;
	char hex[97], pin[160];
	uint8_t kept[48];

	memcpy(kept, f->log.value[3], 48);
	fake_log_new(&f->log, FAKE_LOG_SHA384);
	fake_log_text(&f->log, 1, 0x80000001, "a variable of the firmware");
	memcpy(f->log.value[3], kept, 48);
	quote(f);
	assert_string_equal(raw(f, ""), "eventlog.rtmr2");
	assert_false(f->result.authentic);
	rows_hex(kept, 48, hex);
	snprintf(pin, sizeof(pin), "\"rtmr2\":[\"%s\"]", hex);
	assert_string_equal(raw(f, pin), "");
	hex[0] ^= 1;
	snprintf(pin, sizeof(pin), "\"rtmr2\":[\"%s\"]", hex);
	assert_string_equal(raw(f, pin), "tdx.rtmr2");
	/* Who does not ask what runs there has nothing to be told. */
	assert_string_equal(envelope(f, "", ANY), "");
	assert_string_equal(envelope(f, "", ""), "eventlog.rtmr2");
	/* A pin excuses silence, not another story. */
	memset(kept, 0x5a, sizeof(kept));
	rows_hex(kept, 48, hex);
	snprintf(pin, sizeof(pin), "\"rtmr0\":[\"%s\"]", hex);
	memcpy(f->log.value[1], kept, 48);
	memset(f->log.value[3], 0, 48);
	quote(f);
	assert_string_equal(raw(f, pin), "eventlog.rtmr0");
	assert_false(f->result.authentic);
	assert_string_equal(envelope(f, "", ANY), "eventlog.rtmr0");
}

static void
a_log_can_be_required(void **state)
{
	static const char must[] = "\"eventlog\":{\"require\":true}";
	struct fixture *f = *state;
	struct appraise_input in = {.evidence = &f->e};

	quote(f);
	assert_string_equal(judge(f, &in, must, ANY), "eventlog");
	assert_true(f->result.authentic);
	assert_string_equal(
	    judge(f, &in, "\"eventlog\":{\"require\":false}", ANY), "");
	assert_null(row(f, "eventlog"));
	assert_null(json_object_get(f->fields, "eventlog"));
	assert_string_equal(envelope(f, must, ANY), "");
	assert_string_equal(
	    judge(f, &in, "\"eventlog\":{\"agent\":true}", ANY), "eventlog");
	assert_string_equal(
	    judge(f, &in, "\"eventlog\":{\"only\":[\"rtmr1\"]}", ANY),
	    "eventlog");
}

/* ---- the agent's records ---------------------------------------------------
 */

static void
the_last_start_is_the_one_that_speaks(void **state)
{
	struct fixture *f = *state;

	quote(f);
	assert_string_equal(envelope(f, "", ANY), "");
	assert_true(row(f, "eventlog.agent")->ok);
	assert_true(row(f, "eventlog.starts")->ok);
	fake_log_start(&f->log, 4, 'd', 'c');
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "eventlog.agent");
	assert_true(f->result.authentic);
	assert_string_equal(
	    envelope(f, "\"eventlog\":{\"agent\":false}", ANY), "");
	fake_log_start(&f->log, 4, 'b', 'c');
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "");
	fake_log_start(&f->log, 4, 'b', 'e');
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "eventlog.agent");
}

static void
every_start_is_one_that_the_owner_allows(void **state)
{
	static const char b[] =
	    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	    "bbbbbbbbbbbbbbbbb";
	static const char c[] = "cccccccccccccccccccccccccccccccccccccccccccccc"
				"cccccccccccccccccc";
	struct fixture *f = *state;
	char lists[512];

	snprintf(lists, sizeof(lists),
	    ",\"binary\":[\"%s\"],\"config\":[\"%s\"]" ANY, b, c);
	quote(f);
	assert_string_equal(envelope(f, "", lists), "");
	/* Something else ran before it. */
	make_log(f);
	fake_log_start(&f->log, 4, 'd', 'c');
	fake_log_start(&f->log, 4, 'b', 'c');
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "");
	assert_string_equal(envelope(f, "", lists), "eventlog.starts");
	assert_true(f->result.authentic);
	/* Its type is only the log's word. */
	make_log(f);
	f->log.p[f->log.digest_at - 10] = 5;
	quote(f);
	snprintf(lists, sizeof(lists), ",\"binary\":[\"%.63sd\"]" ANY, b);
	assert_string_equal(envelope(f, "", lists), "eventlog.starts");
}

/* In RTMR3, records that hide what they measured could be starts. */
static void
no_start_can_hide(void **state)
{
	struct fixture *f = *state;

	fake_log_image(&f->log, 4, 6, 0x77);
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "eventlog.starts");
	/* A text that is not what was measured. */
	make_log(f);
	f->log.p[f->log.w.len - 3] = 'd';
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "");
	assert_null(row(f, "eventlog.agent"));
	assert_string_equal(envelope(f, "\"eventlog\":{\"agent\":true}", ANY),
	    "eventlog.agent");
}

static void
malformed_starts_are_refused(void **state)
{
	static const char *const bad[] = {"cloister start", "cloister start ",
	    "cloister start {}", "cloister start []",
	    "cloister start {\"binary\":\"00\",\"config\":\"00\"}"};
	struct fixture *f = *state;
	char text[256];
	uint8_t event[512];
	size_t i, n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_log(f);
		fake_log_tag(&f->log, 4, bad[i]);
		quote(f);
		assert_string_equal(envelope(f, "", ANY), "eventlog.starts");
	}
	/* A byte behind the text; a member more. */
	make_log(f);
	n = fake_log_aael(fake_log_start_text('b', 'c', text), event, 511);
	event[n] = ' ';
	fake_log_add(&f->log, 4, 6, NULL, event, n + 1);
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "eventlog.starts");
	make_log(f);
	strcpy(strrchr(text, '}'), ",\"x\":1}");
	fake_log_tag(&f->log, 4, text);
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "eventlog.starts");
	/* Others' records are others' business. */
	make_log(f);
	fake_log_tag(&f->log, 4, "github.com/confidential-containers x y");
	fake_log_tag(&f->log, 4, "cloisters start {}");
	fake_log_tag(&f->log, 4, "cloister");
	quote(f);
	assert_string_equal(envelope(f, "", ANY), "");
}

/* Records that extend no register prove nothing. */
static void
unmeasured_starts_are_none(void **state)
{
	static const char agent[] = "\"eventlog\":{\"agent\":true}";
	struct fixture *f = *state;
	uint8_t event[512];
	char text[256];
	size_t n;

	fake_log_start_text('b', 'c', text);
	n = fake_log_aael(text, event, sizeof(event));
	fake_log_new(&f->log, FAKE_LOG_SHA384);
	fake_log_add(&f->log, 0, 6, NULL, event, n);
	fake_log_add(&f->log, 4, 3, NULL, event, n);
	quote(f);
	assert_string_equal(envelope(f, agent, ANY), "eventlog.agent");
	assert_string_equal(
	    row(f, "eventlog.agent")->came, "no start of the agent");
	assert_string_equal(raw(f, agent), "eventlog.agent");
	/* In any register that is measured, it counts. */
	fake_log_add(&f->log, 3, 6, NULL, event, n);
	quote(f);
	assert_string_equal(envelope(f, agent, ANY), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(no_part_of_a_log_is_the_log),
	    T(every_flipped_digest_is_refused),
	    T(giants_are_refused),
	    T(other_algorithms_are_refused),
	    T(registers_that_do_not_exist_are_refused),
	    T(records_behind_the_end_do_not_count),
	    T(a_log_explains_all_registers),
	    T(unexplained_registers_need_the_owner),
	    T(a_log_can_be_required),
	    T(the_last_start_is_the_one_that_speaks),
	    T(every_start_is_one_that_the_owner_allows),
	    T(no_start_can_hide),
	    T(malformed_starts_are_refused),
	    T(unmeasured_starts_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
