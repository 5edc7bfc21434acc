/* policy/appraise on SNP evidence: envelopes and raw reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_amd.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"

/* Genuine evidence, its claims and the owner's side. */
struct fixture {
	struct fake_amd amd;
	struct evidence e;
	uint8_t nonce[EVIDENCE_NONCE];
	struct endorse *given;
	struct appraise_result result;
	json_t *fields;
};

static uint8_t report_data[EVIDENCE_REPORT_DATA];

static void
bind(uint8_t *report)
{
	memcpy(report + 0x50, report_data, 64);
}

static void
make_claims(struct fixture *f)
{
	struct evidence_claims c = {
	    .tee = "snp", .version = "0.1.0", .memory = "memfd_secret"};

	memset(c.binary, 'b', 64);
	memset(c.config, 'c', 64);
	c.expires = FAKE_NOW + 300;
	assert_int_equal(
	    evidence_claims_print(&c, &f->e.claims, &f->e.claims_n), CL_OK);
	assert_int_equal(evidence_report_data(
			     f->nonce, f->e.claims, f->e.claims_n, report_data),
	    CL_OK);
}

static void
carry(struct fixture *f)
{
	unsigned char *der;
	unsigned i;
	int n;

	for (i = 0; i < f->amd.bag->ncerts; i++) {
		der = NULL;
		n = i2d_X509(f->amd.bag->certs[i], &der);
		assert_int_equal(
		    evidence_add_blob(&f->e, der, (size_t)n), CL_OK);
		OPENSSL_free(der);
	}
}

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	memset(f->nonce, 'n', sizeof(f->nonce));
	memset(f->e.nonce, 'n', sizeof(f->nonce));
	strcpy(f->e.tee, "snp");
	make_claims(f);
	f->amd.product = ROOT_AMD_GENOA;
	f->amd.edit = bind;
	fake_amd_make(&f->amd);
	f->e.raw = secmem_alloc(SNP_REPORT);
	f->e.raw_n = SNP_REPORT;
	memcpy(f->e.raw, f->amd.report, SNP_REPORT);
	*state = f;
	return 0;
}

static int
drop(void **state)
{
	struct fixture *f = *state;

	json_decref(f->fields);
	evidence_clear(&f->e);
	fake_amd_free(&f->amd);
	free(f);
	return 0;
}

/* The policy: the fake's root, the measurement of its reports, and more. */
static struct appraise_policy *
policy_of(const struct fixture *f, const char *snp, const char *more)
{
	struct appraise_policy *p;
	char root[65], text[2048];

	rows_hex(f->amd.roots.extra[0].spki, 32, root);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"test_roots\":{\"amd-genoa\":[\"%s\"]},\"snp\":{%s}%s}",
	    root, snp, more);
	if (appraise_policy_parse(text, strlen(text), &p) != 0)
		fail_msg("%s: %s", text, json_why());
	return p;
}

#define M48	 "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"
#define MEASURED "\"measurement\":[\"" M48 M48 M48 "\"]"

/* "": accepted, else the first refused claim. */
static const char *
judge(struct fixture *f, struct appraise_input *in, const char *snp,
    const char *more)
{
	struct appraise_policy *p = policy_of(f, snp, more);
	unsigned i;
	int r;

	in->policy = p;
	in->nonce = f->nonce;
	in->given = f->given;
	in->time = FAKE_NOW;
	json_decref(f->fields);
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
envelope(struct fixture *f, const char *snp, const char *more)
{
	struct appraise_input in = {.evidence = &f->e};

	return judge(f, &in, snp, more);
}

static const char *
raw(struct fixture *f, const uint8_t *data, const char *more)
{
	struct appraise_input in = {.tee = "snp",
	    .raw = f->e.raw,
	    .raw_n = f->e.raw_n,
	    .report_data = data};

	return judge(f, &in, "", more);
}

static void
endorsements_travel_in_the_envelope(void **state)
{
	struct fixture *f = *state;
	struct evidence back;
	char *text;
	size_t n;

	assert_string_equal(envelope(f, MEASURED, ""), "vek");
	carry(f);
	assert_string_equal(envelope(f, MEASURED, ""), "");
	assert_string_equal(f->result.tcb, "ok");
	/* Written and read again, they are the same. */
	assert_int_equal(evidence_print(&f->e, &text, &n), CL_OK);
	assert_int_equal(evidence_parse(text, n, &back), CL_OK);
	assert_int_equal(back.nblobs, 3);
	assert_int_equal(back.blobs[2].n, f->e.blobs[2].n);
	assert_memory_equal(back.blobs[2].p, f->e.blobs[2].p, f->e.blobs[2].n);
	evidence_clear(&f->e);
	f->e = back;
	assert_string_equal(envelope(f, MEASURED, ""), "");
	secmem_free(text);
}

static void
the_owner_may_have_them_instead(void **state)
{
	struct fixture *f = *state;

	f->given = f->amd.bag;
	assert_string_equal(envelope(f, MEASURED, ""), "");
}

/* What came with a bare report counts, and is no envelope's. */
static void
a_wrapper_may_have_them(void **state)
{
	struct fixture *f = *state;
	struct appraise_input in = {.tee = "snp",
	    .raw = f->e.raw,
	    .raw_n = f->e.raw_n,
	    .own = f->amd.bag};
	json_t *fields;

	assert_string_equal(judge(f, &in, "", ""), "");
	fields = f->fields;
	assert_string_equal(
	    json_string_value(json_object_get(fields, "product")), "genoa");
	assert_string_equal(
	    json_string_value(json_object_get(fields, "kind")), "vcek");
	assert_true(json_is_true(json_object_get(fields, "chain_valid")));
	assert_true(json_is_true(json_object_get(fields, "signature_valid")));
	assert_true(json_is_object(json_object_get(fields, "vek_cert")));
	f->e.raw[0x90] ^= 1;
	assert_string_equal(judge(f, &in, "", ""), "report.signature");
	f->e.raw[0x90] ^= 1;
	fields = f->fields;
	assert_true(json_is_true(json_object_get(fields, "chain_valid")));
	assert_true(json_is_false(json_object_get(fields, "signature_valid")));
	in.own = NULL;
	assert_string_equal(judge(f, &in, "", ""), "vek");
	assert_true(json_is_null(json_object_get(f->fields, "vek_cert")));
}

static void
something_else_among_them_is_refused(void **state)
{
	struct fixture *f = *state;

	carry(f);
	assert_int_equal(evidence_add_blob(&f->e, "junk", 4), CL_OK);
	assert_string_equal(envelope(f, MEASURED, ""), "endorsements");
}

static void
an_envelope_holds_so_many(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < EVIDENCE_BLOBS_MAX; i++)
		assert_int_equal(evidence_add_blob(&f->e, "x", 1), CL_OK);
	assert_int_equal(evidence_add_blob(&f->e, "x", 1), CL_ERR_LIMIT);
}

/* Genuine hardware with software that nobody measured is not enough. */
static void
unknown_software_is_refused(void **state)
{
	struct fixture *f = *state;

	carry(f);
	assert_string_equal(envelope(f, "", ""), "software");
	assert_true(f->result.authentic);
	assert_string_equal(
	    envelope(f, "", ",\"allow_unknown_software\":true"), "");
	assert_string_equal(
	    envelope(f, "\"measurement\":[]", ""), "measurement");
}

static void
evidence_speaks_of_its_nonce_and_claims(void **state)
{
	struct fixture *f = *state;

	carry(f);
	f->nonce[0] ^= 1;
	assert_string_equal(envelope(f, MEASURED, ""), "nonce");
	f->e.nonce[0] ^= 1;
	assert_string_equal(envelope(f, MEASURED, ""), "report_data");
	assert_false(f->result.authentic);
	f->nonce[0] ^= 1;
	f->e.nonce[0] ^= 1;
	f->e.claims[f->e.claims_n - 2] ^= 1;
	assert_string_not_equal(envelope(f, MEASURED, ""), "");
	assert_false(f->result.authentic);
}

static void
claims_are_held_to_the_policy(void **state)
{
	struct fixture *f = *state;

	carry(f);
	assert_string_equal(envelope(f, MEASURED, ",\"binary\":[]"), "binary");
	assert_string_equal(
	    envelope(f, MEASURED, ",\"memory\":[\"mlock\"]"), "memory");
}

static void
raw_reports_are_judged_too(void **state)
{
	struct fixture *f = *state;
	uint8_t other[EVIDENCE_REPORT_DATA];
	const json_t *report;

	f->given = f->amd.bag;
	assert_string_equal(raw(f, NULL, ""), "");
	assert_string_equal(raw(f, report_data, ""), "");
	memcpy(other, report_data, sizeof(other));
	other[63] ^= 1;
	assert_string_equal(raw(f, other, ""), "report_data");
	assert_false(f->result.authentic);
	report = json_object_get(f->fields, "report");
	assert_int_equal(
	    json_integer_value(json_object_get(report, "guest_svn")), 7);
	/* There is no claim that could be in the list. */
	assert_string_equal(raw(f, NULL, ",\"binary\":[]"), "binary");
}

static void
a_devices_whole_response_will_do(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = secmem_alloc(SNP_RESPONSE);

	f->given = f->amd.bag;
	le32_put(p + 4, SNP_REPORT);
	memcpy(p + 32, f->amd.report, SNP_REPORT);
	secmem_free(f->e.raw);
	f->e.raw = p;
	f->e.raw_n = SNP_RESPONSE;
	assert_string_equal(raw(f, report_data, ""), "");
	f->e.raw_n--;
	assert_string_equal(raw(f, report_data, ""), "report.form");
	assert_string_equal(f->result.tcb, "unknown");
}

static void
what_is_asked_for_must_come(void **state)
{
	struct fixture *f = *state;
	struct appraise_input in = {.evidence = &f->e, .tee = "sim"};

	carry(f);
	assert_string_equal(judge(f, &in, MEASURED, ""), "tee.asked");
	in = (struct appraise_input){
	    .tee = "sim", .raw = f->e.raw, .raw_n = f->e.raw_n};
	assert_string_equal(judge(f, &in, MEASURED, ""), "tee");
	in.tee = "enigma";
	assert_string_equal(judge(f, &in, MEASURED, ""), "tee");
	assert_true(appraise_knows("snp") && appraise_knows("sim"));
	assert_false(appraise_knows("enigma"));
}

static void
bad_policies_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {{"{\"v\":1,\"snp\":[]}", "snp"},
	    {"{\"v\":1,\"snp\":{\"x\":1}}", "x"},
	    {"{\"v\":1,\"test_roots\":[]}", "test_roots"},
	    {"{\"v\":1,\"test_roots\":{\"amd\":[]}}", "amd"},
	    {"{\"v\":1,\"test_roots\":{\"intel\":\"\"}}", "intel"},
	    {"{\"v\":1,\"test_roots\":{\"hygon\":[\"00\"]}}", "hygon"},
	    {"{\"v\":1,\"allow_unknown_software\":0}",
		"allow_unknown_software"}};
	struct appraise_policy *p = NULL;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    appraise_policy_parse(bad[i].text, strlen(bad[i].text), &p),
		    CL_ERR_FORMAT);
		assert_string_equal(json_why(), bad[i].why);
	}
}

#define snp_test(f) cmocka_unit_test_setup_teardown(f, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    snp_test(endorsements_travel_in_the_envelope),
	    snp_test(the_owner_may_have_them_instead),
	    snp_test(a_wrapper_may_have_them),
	    snp_test(something_else_among_them_is_refused),
	    snp_test(an_envelope_holds_so_many),
	    snp_test(unknown_software_is_refused),
	    snp_test(evidence_speaks_of_its_nonce_and_claims),
	    snp_test(claims_are_held_to_the_policy),
	    snp_test(raw_reports_are_judged_too),
	    snp_test(a_devices_whole_response_will_do),
	    snp_test(what_is_asked_for_must_come),
	    cmocka_unit_test(bad_policies_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
