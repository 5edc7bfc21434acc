/* policy/appraise on TDX evidence: envelopes and raw quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_intel.h"
#include "fake_pcs.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"

/* Genuine evidence, and the owner's side. */
struct fixture {
	struct fake_platform p;
	struct fake_intel *intel;
	struct evidence e;
	uint8_t nonce[EVIDENCE_NONCE], report_data[EVIDENCE_REPORT_DATA];
	struct endorse *bag;
	struct appraise_result result;
	json_t *fields;
};

static void
make_claims(struct fixture *f)
{
	struct evidence_claims c = {
	    .tee = "tdx", .version = "0.1.0", .memory = "memfd_secret"};

	memset(c.binary, 'b', 64);
	memset(c.config, 'c', 64);
	c.expires = FAKE_NOW + 300;
	assert_int_equal(
	    evidence_claims_print(&c, &f->e.claims, &f->e.claims_n), 0);
	assert_int_equal(evidence_report_data(f->nonce, f->e.claims,
			     f->e.claims_n, f->report_data),
	    0);
}

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct fake_collateral good = {0};

	assert_non_null(f);
	memset(f->nonce, 'n', sizeof(f->nonce));
	memset(f->e.nonce, 'n', sizeof(f->nonce));
	strcpy(f->e.tee, "tdx");
	make_claims(f);
	f->p = fake_good_platform();
	f->p.report_data = f->report_data;
	f->intel = fake_intel_new(&f->p);
	f->bag = fake_bag(f->intel, &good);
	f->e.raw = secmem_alloc(16384);
	f->e.raw_n = fake_quote(f->intel, &f->p, f->e.raw, 16384);
	*state = f;
	return 0;
}

static int
drop(void **state)
{
	struct fixture *f = *state;

	json_decref(f->fields);
	endorse_free(f->bag);
	evidence_clear(&f->e);
	fake_intel_free(f->intel);
	free(f);
	return 0;
}

/* "": accepted, else the first refused claim. tdx: members of the policy's
 * object; more: further members beside it. */
static const char *
judge(struct fixture *f, struct appraise_input *in, const char *tdx,
    const char *more)
{
	char root[65], text[4096];
	struct appraise_policy *p;
	unsigned i;
	int r;

	rows_hex(f->intel->roots.extra[0].spki, 32, root);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"test_roots\":{\"intel\":[\"%s\"]},\"tdx\":{%s}%s}",
	    root, tdx, more);
	if (appraise_policy_parse(text, strlen(text), &p) != 0)
		fail_msg("%s: %s", text, json_why());
	in->policy = p;
	in->nonce = f->nonce;
	in->time = FAKE_NOW;
	json_decref(f->fields);
	f->fields = NULL;
	r = appraise_input(in, NULL, &f->result, &f->fields);
	appraise_policy_free(p);
	for (i = 0; i < f->result.nrows && f->result.rows[i].ok; i++)
		;
	assert_int_equal(f->result.accepted, i == f->result.nrows);
	assert_int_equal(r, f->result.accepted	  ? CL_OK
			    : f->result.authentic ? CL_ERR_APPRAISAL
						  : CL_ERR_EVIDENCE);
	return i < f->result.nrows ? f->result.rows[i].claim : "";
}

static const char *
envelope(struct fixture *f, const char *tdx, const char *more)
{
	struct appraise_input in = {.evidence = &f->e, .given = f->bag};

	return judge(f, &in, tdx, more);
}

static const char *
raw(struct fixture *f, const uint8_t *data, const struct endorse *given)
{
	struct appraise_input in = {.tee = "tdx",
	    .raw = f->e.raw,
	    .raw_n = f->e.raw_n,
	    .report_data = data,
	    .given = given};

	return judge(f, &in, "", "");
}

/* The digests that fake_body() writes. */
static const char *
digest_at(size_t at, char out[97])
{
	uint8_t value[48];
	size_t i;

	for (i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)((at + i) * 7 + 1);
	rows_hex(value, sizeof(value), out);
	return out;
}

static void
measured_to_the_kernel_is_accepted(void **state)
{
	struct fixture *f = *state;
	char a[97], b[97], c[97], text[512];

	snprintf(text, sizeof(text),
	    "\"mr_td\":[\"%s\"],\"rtmr1\":[\"%s\"],\"rtmr2\":[\"%s\"]",
	    digest_at(136, a), digest_at(376, b), digest_at(424, c));
	assert_string_equal(envelope(f, text, ""), "");
	assert_string_equal(f->result.tcb, "UpToDate");
	/* The firmware alone says nothing of what it starts. */
	snprintf(text, sizeof(text), "\"mr_td\":[\"%s\"]", a);
	assert_string_equal(envelope(f, text, ""), "software");
	assert_true(f->result.authentic);
	assert_string_equal(
	    envelope(f, text, ",\"allow_unknown_software\":true"), "");
	snprintf(text, sizeof(text), "\"mr_td\":[\"%s\"]", b);
	assert_string_equal(envelope(f, text, ""), "tdx.mr_td");
}

static void
evidence_speaks_of_its_nonce_and_claims(void **state)
{
	struct fixture *f = *state;

	f->nonce[0] ^= 1;
	assert_string_equal(envelope(f, "", ""), "nonce");
	f->e.nonce[0] ^= 1;
	assert_string_equal(envelope(f, "", ""), "report_data");
	assert_false(f->result.authentic);
}

static void
raw_quotes_are_judged_too(void **state)
{
	struct fixture *f = *state;
	const json_t *quote;

	assert_string_equal(raw(f, f->report_data, f->bag), "");
	quote = json_object_get(f->fields, "quote");
	assert_int_equal(
	    json_integer_value(json_object_get(quote, "version")), 5);
	assert_string_equal(json_string_value(json_object_get(
				json_object_get(f->fields, "tcb"), "status")),
	    "UpToDate");
	assert_true(json_is_true(json_object_get(quote, "quote_sig_valid")));
	assert_true(json_is_true(json_object_get(quote, "chain_valid")));
	f->report_data[63] ^= 1;
	assert_string_equal(raw(f, f->report_data, f->bag), "report_data");
	assert_false(f->result.authentic);
	assert_string_equal(raw(f, NULL, f->bag), "");
}

static void
without_collateral_it_is_genuine_and_refused(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(raw(f, f->report_data, NULL), "tdx.crl.pck");
	assert_true(f->result.authentic);
	assert_false(f->result.accepted);
	assert_string_equal(f->result.tcb, "unknown");
	assert_true(json_is_null(json_object_get(f->fields, "tcb")));
}

static void
broken_quotes_give_no_fields(void **state)
{
	struct fixture *f = *state;

	f->e.raw[0] = 3;
	assert_string_equal(raw(f, f->report_data, f->bag), "tdx.quote");
	assert_null(f->fields);
	f->e.raw[0] = 5;
	f->e.raw[100] ^= 1;
	assert_string_equal(raw(f, f->report_data, f->bag), "tdx.signature");
	assert_false(f->result.authentic);
	assert_string_equal(f->result.tcb, "unknown");
}

static void
bad_policies_are_refused_by_name(void **state)
{
	static const char *const bad[][2] = {
	    {"{\"v\":1,\"tdx\":[]}", "tdx"},
	    {"{\"v\":1,\"tdx\":{\"x\":1}}", "x"},
	    {"{\"v\":1,\"tdx\":{\"rtmr2\":[\"00\"]}}", "rtmr2"},
	};
	struct appraise_policy *p;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(
		    appraise_policy_parse(bad[i][0], strlen(bad[i][0]), &p),
		    CL_ERR_FORMAT);
		assert_string_equal(json_why(), bad[i][1]);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(broken_quotes_give_no_fields),
	    T(without_collateral_it_is_genuine_and_refused),
	    T(evidence_speaks_of_its_nonce_and_claims),
	    T(raw_quotes_are_judged_too),
	    T(measured_to_the_kernel_is_accepted),
	    cmocka_unit_test(bad_policies_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
