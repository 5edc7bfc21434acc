/*
 * Genuine TDX evidence with an event log, and an owner who judges it. Include
 * after cmocka.h.
 */
#ifndef CLOISTER_TESTS_LOG_CASE_H
#define CLOISTER_TESTS_LOG_CASE_H

#include "fake_log.h"
#include "fake_pcs.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"

#define BODY	 (48u + 6u)
#define RTMR(n)	 (BODY + 328u + 48u * (n))
#define SIGNED_N (BODY + TDX_BODY_15)

/* Genuine evidence with a log, and the owner's side. */
struct fixture {
	struct fake_platform p;
	struct fake_intel *intel;
	struct evidence e;
	uint8_t nonce[EVIDENCE_NONCE], report_data[EVIDENCE_REPORT_DATA];
	struct endorse *bag;
	struct fake_log log;
	struct appraise_result result;
	json_t *fields;
};

static inline void
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

/* Firmware, boot loader, kernel: digests of things elsewhere; then a start of
 * the agent. */
static inline void
make_log(struct fixture *f)
{
	fake_log_new(&f->log, FAKE_LOG_SHA384);
	fake_log_text(&f->log, 1, 0x80000001, "a variable of the firmware");
	fake_log_text(
	    &f->log, 2, 0x80000007, "Calling EFI Application from Boot Option");
	fake_log_add(&f->log, 2, 4, NULL, "\0\0\0", 4);
	fake_log_image(&f->log, 2, 0x80000003, 0xaa);
	fake_log_image(&f->log, 3, 0xd, 0xbb);
	fake_log_image(&f->log, 3, 0xd, 0xcc);
	fake_log_start(&f->log, 4, 'b', 'c');
}

static inline int
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
	make_log(f);
	*state = f;
	return 0;
}

static inline int
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

/* A quote whose registers are those of the log. */
static inline void
quote(struct fixture *f)
{
	uint8_t sig[64];
	unsigned i;

	for (i = 0; i < 4; i++)
		memcpy(f->e.raw + RTMR(i), f->log.value[i + 1], 48);
	fake_sign(f->intel->ak, f->e.raw, SIGNED_N, sig);
	memcpy(f->e.raw + SIGNED_N + 4, sig, 64);
}

/* "": accepted, else the first refused claim. tdx: members of the policy's
 * object; more: further members beside it. */
static inline const char *
judge(struct fixture *f, struct appraise_input *in, const char *tdx,
    const char *more)
{
	char root[65], text[8192];
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
	in->given = f->bag;
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

/* The raw quote with n bytes of a log, in memory of just that size. */
static inline const char *
raw_with(struct fixture *f, const uint8_t *log, size_t n, const char *tdx)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct appraise_input in = {.tee = "tdx",
	    .raw = f->e.raw,
	    .raw_n = f->e.raw_n,
	    .log = copy,
	    .log_n = n,
	    .report_data = f->report_data};
	const char *claim;

	assert_non_null(copy);
	memcpy(copy, log, n);
	claim = judge(f, &in, tdx, "");
	free(copy);
	return claim;
}

static inline const char *
raw(struct fixture *f, const char *tdx)
{
	return raw_with(f, f->log.p, f->log.w.len, tdx);
}

/* The envelope and its log; software is not what these tests are about. */
static inline const char *
envelope(struct fixture *f, const char *tdx, const char *more)
{
	struct appraise_input in = {
	    .evidence = &f->e, .log = f->log.p, .log_n = f->log.w.len};

	return judge(f, &in, tdx, more);
}

#define ANY ",\"allow_unknown_software\":true"

static inline const struct appraise_row *
row(const struct fixture *f, const char *claim)
{
	unsigned i;

	for (i = 0; i < f->result.nrows; i++)
		if (strcmp(f->result.rows[i].claim, claim) == 0)
			return &f->result.rows[i];
	return NULL;
}

#define HEX8(x)	 x x x x x x x x
#define HEX48(x) HEX8(x) HEX8(x) HEX8(x) HEX8(x) HEX8(x) HEX8(x)
#define T(test)	 cmocka_unit_test_setup_teardown(test, make, drop)

#endif
