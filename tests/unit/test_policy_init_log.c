/* client/policy_init on TDX evidence with an event log: what the agent extends
 * at each start is not pinned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/policy_init.h"
#include "client/why.h"
#include "log_case.h"
#include "scratch.h"

/* An envelope with the fixture's quote and log, as text. */
static char *
envelope_text(struct fixture *f, size_t *n)
{
	char *text;

	secmem_free(f->e.log);
	f->e.log_n = f->log.w.len;
	f->e.log = secmem_alloc(f->e.log_n);
	assert_non_null(f->e.log);
	memcpy(f->e.log, f->log.p, f->e.log_n);
	assert_int_equal(evidence_print(&f->e, &text, n), 0);
	return text;
}

/* The claim by which a made policy refuses; "": none. */
static const char *
refusal(struct fixture *f, const struct text *made)
{
	static struct appraisal a;
	const struct appraisal_ask ask = {
	    .nonce = f->nonce, .given = f->bag, .time = FAKE_NOW};
	struct appraise_policy *policy;
	unsigned i;
	size_t n;
	char *text = envelope_text(f, &n);

	assert_int_equal(
	    appraise_policy_parse(made->p, made->n, &policy), CL_OK);
	(void)!appraisal_under(policy, &ask, text, n, &a, NULL);
	appraise_policy_free(policy);
	secmem_free(text);
	for (i = 0; i < a.result.nrows; i++)
		if (!a.result.rows[i].ok)
			return a.result.rows[i].claim;
	assert_true(a.result.accepted);
	return "";
}

static int
make_policy(
    struct fixture *f, const char *dir, const char *tdx, struct text *out)
{
	struct appraisal_ask ask = {
	    .nonce = f->nonce, .given = f->bag, .time = FAKE_NOW};
	char base[256], root[65], *text;
	size_t n;
	FILE *file;
	int r;

	snprintf(base, sizeof(base), "%s/base.json", dir);
	assert_non_null(file = fopen(base, "w"));
	rows_hex(f->intel->roots.extra[0].spki, 32, root);
	fprintf(file,
	    "{\"v\":1,\"test_roots\":{\"intel\":[\"%s\"]},\"tdx\":{%s}}", root,
	    tdx);
	assert_int_equal(fclose(file), 0);
	ask.policy = base;
	text = envelope_text(f, &n);
	memset(out, 0, sizeof(*out));
	r = policy_init_make(&ask, text, n, out);
	secmem_free(text);
	return r;
}

static void
starts_are_not_pinned(void **state)
{
	const char *dir = ((struct scratch *)*state)->path;
	struct text policy;
	struct fixture *f;
	void *made;

	make(&made);
	f = made;
	fake_log_tag(&f->log, 4, "another application");
	quote(f);
	if (make_policy(f, dir, "", &policy) != CL_OK)
		fail_msg("%s", why_text());
	assert_non_null(strstr(policy.p, "\"rtmr2\": ["));
	assert_null(strstr(policy.p, "\"rtmr3\": ["));
	assert_string_equal(refusal(f, &policy), "");
	/* Started once more. */
	fake_log_start(&f->log, 4, 'b', 'c');
	quote(f);
	assert_string_equal(refusal(f, &policy), "");
	/* Another program; something else again in RTMR3, or in RTMR2. */
	fake_log_start(&f->log, 4, 'd', 'c');
	fake_log_start(&f->log, 4, 'b', 'c');
	quote(f);
	assert_string_equal(refusal(f, &policy), "eventlog.starts");
	make_log(f);
	quote(f);
	assert_string_equal(refusal(f, &policy), "eventlog.events");
	fake_log_tag(&f->log, 4, "another application");
	fake_log_tag(&f->log, 4, "a third application");
	quote(f);
	assert_string_equal(refusal(f, &policy), "eventlog.only.rtmr3");
	make_log(f);
	fake_log_tag(&f->log, 4, "another application");
	fake_log_tag(&f->log, 3, "another application");
	quote(f);
	assert_string_equal(refusal(f, &policy), "tdx.rtmr2");
	/* Without the log nobody knows what is in RTMR3. */
	make_log(f);
	fake_log_tag(&f->log, 4, "another application");
	quote(f);
	assert_string_equal(refusal(f, &policy), "");
	f->log.w.len = 0;
	assert_string_equal(refusal(f, &policy), "eventlog");
	text_clear(&policy);
	drop(&made);
}

static void
without_starts_all_is_pinned(void **state)
{
	const char *dir = ((struct scratch *)*state)->path;
	struct text policy;
	struct fixture *f;
	void *made;

	make(&made);
	f = made;
	fake_log_new(&f->log, FAKE_LOG_SHA384);
	fake_log_image(&f->log, 1, 4, 1);
	fake_log_tag(&f->log, 4, "another application");
	/* One that extends nothing. */
	fake_log_start(&f->log, 0, 'b', 'c');
	quote(f);
	if (make_policy(f, dir, "", &policy) != CL_OK)
		fail_msg("%s", why_text());
	assert_non_null(strstr(policy.p, "\"rtmr3\": ["));
	assert_null(strstr(policy.p, "eventlog"));
	assert_string_equal(refusal(f, &policy), "");
	text_clear(&policy);
	drop(&made);
}

/* What the owner wants of other registers stays. */
static void
owners_events_stay(void **state)
{
	static const char own[] =
	    "\"eventlog\":{\"only\":[\"rtmr3\",\"rtmr1\"],\"events\":["
	    "{\"register\":\"rtmr1\",\"digest\":\"" HEX48(
		"aa") "\"},"
		      "{\"register\":\"rtmr3\",\"digest\":\"" HEX48(
			  "ee") "\"}]}";
	const char *dir = ((struct scratch *)*state)->path;
	struct text policy;
	struct fixture *f;
	void *made;

	make(&made);
	f = made;
	quote(f);
	if (make_policy(f, dir, own, &policy) != CL_OK)
		fail_msg("%s", why_text());
	assert_string_equal(refusal(f, &policy), "");
	assert_non_null(strstr(policy.p, HEX48("aa")));
	assert_null(strstr(policy.p, HEX48("ee")));
	text_clear(&policy);
	drop(&made);
}

/* A log beside an envelope is for one that has none. */
static void
two_logs_are_too_many(void **state)
{
	static struct appraisal a;
	static const char text[] = "{\"v\":1}";
	struct appraise_policy *policy;
	struct appraisal_ask ask = {.time = FAKE_NOW};
	struct fixture *f;
	void *made;
	char *p;
	size_t n, kept;

	(void)state;
	make(&made);
	f = made;
	quote(f);
	ask.nonce = f->nonce;
	ask.log = f->log.p;
	ask.log_n = f->log.w.len;
	assert_int_equal(
	    appraise_policy_parse(text, strlen(text), &policy), CL_OK);
	p = envelope_text(f, &n);
	assert_int_equal(
	    appraisal_under(policy, &ask, p, n, &a, NULL), CL_ERR_ARGUMENT);
	assert_non_null(strstr(why_text(), "--eventlog"));
	secmem_free(p);
	kept = f->log.w.len;
	f->log.w.len = 0;
	p = envelope_text(f, &n);
	f->log.w.len = kept;
	/* The root is a stranger's, but the log was no obstacle. */
	assert_int_equal(
	    appraisal_under(policy, &ask, p, n, &a, NULL), CL_ERR_EVIDENCE);
	assert_non_null(strstr(why_text(), "tdx.pck.chain"));
	secmem_free(p);
	appraise_policy_free(policy);
	drop(&made);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(starts_are_not_pinned),
	    scratch_test(without_starts_all_is_pinned),
	    scratch_test(owners_events_stay),
	    cmocka_unit_test(two_logs_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
