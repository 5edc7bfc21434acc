/* client/policy_init on TDX quotes, and on vendors' real evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/policy_init.h"
#include "client/why.h"
#include "fake_pcs.h"
#include "lib/json.h"
#include "scratch.h"
#include "shared_evidence.h"

static const char *
refusal(const struct appraisal_ask *ask, const struct text *policy,
    const void *p, size_t n)
{
	static struct appraisal a;
	struct appraise_policy *parsed;
	unsigned i;
	int r;

	assert_int_equal(
	    appraise_policy_parse(policy->p, policy->n, &parsed), CL_OK);
	r = appraisal_under(parsed, ask, p, n, &a, NULL);
	appraise_policy_free(parsed);
	for (i = 0; i < a.result.nrows; i++)
		if (!a.result.rows[i].ok)
			return a.result.rows[i].claim;
	assert_int_equal(r, CL_OK);
	return "";
}

/* A policy that trusts the fake's root. */
static void
write_base(const struct fake_intel *intel, const char *path)
{
	FILE *out = fopen(path, "w");
	char root[65];

	assert_non_null(out);
	rows_hex(intel->roots.extra[0].spki, 32, root);
	fprintf(out, "{\"v\":1,\"test_roots\":{\"intel\":[\"%s\"]}}", root);
	assert_int_equal(fclose(out), 0);
}

/* Byte of the signed part, counted from the body's first. */
static size_t
other_quote(const struct fake_intel *intel, const struct fake_platform *p,
    size_t at, uint8_t *quote, size_t cap)
{
	uint8_t sig[64];
	size_t n = fake_quote(intel, p, quote, cap);
	size_t signed_n = 48 + 6 + TDX_BODY_15;

	quote[48 + 6 + at] ^= 1;
	fake_sign(intel->ak, quote, signed_n, sig);
	memcpy(quote + signed_n + 4, sig, 64);
	return n;
}

static void
policy_is_for_this_td_only(void **state)
{
	static const struct {
		size_t at;
		const char *claim;
	} changes[] = {{520, ""}, {136, "tdx.mr_td"}, {184, "tdx.mr_config_id"},
	    {328, "tdx.rtmr0"}, {328 + 48, "tdx.rtmr1"},
	    {328 + 96, "tdx.rtmr2"}, {328 + 191, "tdx.rtmr3"}};
	const struct fake_platform p = fake_good_platform();
	const struct fake_collateral c = {0};
	struct fake_intel *intel = fake_intel_new(&p);
	struct endorse *bag = fake_bag(intel, &c);
	struct appraisal_ask ask = {
	    .tee = "tdx", .given = bag, .time = FAKE_NOW};
	struct text policy = {0};
	uint8_t quote[16384];
	char base[256];
	size_t n, i;

	snprintf(base, sizeof(base), "%s/base.json",
	    ((struct scratch *)*state)->path);
	write_base(intel, base);
	ask.policy = base;
	n = fake_quote(intel, &p, quote, sizeof(quote));
	if (policy_init_make(&ask, (char *)quote, n, &policy) != CL_OK)
		fail_msg("%s", why_text());
	/* Up to date, so nothing is said of it. */
	assert_null(strstr(policy.p, "tcb_status"));
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		n = other_quote(intel, &p, changes[i].at, quote, sizeof(quote));
		assert_string_equal(
		    refusal(&ask, &policy, quote, n), changes[i].claim);
	}
	text_clear(&policy);
	endorse_free(bag);
	fake_intel_free(intel);
}

/* Genuine, but nothing says how old its TCB is: no policy accepts that. */
static void
unknown_tcb_makes_no_policy(void **state)
{
	const struct fake_platform p = fake_good_platform();
	const struct fake_collateral c = {.no_tcb = true};
	struct fake_intel *intel = fake_intel_new(&p);
	struct endorse *bag = fake_bag(intel, &c);
	struct appraisal_ask ask = {
	    .tee = "tdx", .given = bag, .time = FAKE_NOW};
	struct text policy = {0};
	uint8_t quote[16384];
	char base[256];
	size_t n;

	snprintf(base, sizeof(base), "%s/base.json",
	    ((struct scratch *)*state)->path);
	write_base(intel, base);
	ask.policy = base;
	n = fake_quote(intel, &p, quote, sizeof(quote));
	assert_int_equal(policy_init_make(&ask, (char *)quote, n, &policy),
	    CL_ERR_APPRAISAL);
	text_clear(&policy);
	endorse_free(bag);
	fake_intel_free(intel);
}

static void
add_files(struct endorse *bag, const char *const *names)
{
	uint8_t *p;
	size_t n;

	for (; *names; names++) {
		p = shared_read(*names, &n);
		assert_int_equal(endorse_add(bag, p, n), CL_OK);
		free(p);
	}
}

struct real {
	const char *file, *tee;
	int64_t time;
	const char *endorsements[8];
	const char *report_data;
	const char *member, *other; /* a digest in the policy; its claim */
};

static const struct real reals[] = {
    {"snp/virtee-report-milan.bin", "snp", 1782864000,
	{"snp/virtee-vcek-milan.der", "snp/roots/ask_ark_milan.pem"}, NULL,
	"measurement", "measurement"},
    {"tdx/gotdx/quote_v5_sample.dat", "tdx", 1772323200,
	{"tdx/uptodate/tcbInfo.json", "tdx/uptodate/enclaveIdentity.json",
	    "tdx/uptodate/tcbInfo_issuer_chain.pem", "tdx/uptodate/pck_crl.der",
	    "tdx/uptodate/root_ca_crl.der"},
	NULL, "mr_td", "tdx.mr_td"},
    {"csv/report.cert", "csv", 1782864000, {"csv/hrk.cert", "csv/hsk_cek.cert"},
	"user data", "measure", "measure"},
    {"vtpm/az-snp-vtpm/evidence-v1.json", "tpm", 1782864000,
	{"snp/roots/ask_ark_milan.pem", "snp/roots/ask_ark_genoa.pem"}, NULL,
	"4", "pcr4"},
};

/* Flips a digit of the first value of a list in the policy's text. */
static void
spoil(struct text *policy, const char *member)
{
	char key[64], *at;

	snprintf(key, sizeof(key), "\"%s\": [", member);
	at = strstr(policy->p, key);
	assert_non_null(at);
	at = strchr(at + strlen(key), '"') + 1;
	*at = *at == '0' ? '1' : '0';
}

static void
real_evidence_gives_its_policy(void **state)
{
	uint8_t report_data[EVIDENCE_REPORT_DATA] = {0}, *p;
	struct appraisal_ask ask;
	struct text policy = {0};
	const struct real *r;
	struct endorse *bag;
	size_t i, n;

	(void)state;
	shared_need();
	for (i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		r = &reals[i];
		assert_int_equal(endorse_new(&bag), CL_OK);
		add_files(bag, r->endorsements);
		ask = (struct appraisal_ask){
		    .tee = r->tee, .given = bag, .time = r->time};
		if (r->report_data) {
			memcpy(report_data, r->report_data,
			    strlen(r->report_data));
			ask.report_data = report_data;
		}
		p = shared_read(r->file, &n);
		if (policy_init_make(&ask, (char *)p, n, &policy) != CL_OK)
			fail_msg("%s: %s", r->file, why_text());
		assert_string_equal(refusal(&ask, &policy, p, n), "");
		spoil(&policy, r->member);
		assert_string_equal(refusal(&ask, &policy, p, n), r->other);
		free(p);
		text_clear(&policy);
		endorse_free(bag);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(policy_is_for_this_td_only),
	    scratch_test(unknown_tcb_makes_no_policy),
	    cmocka_unit_test(real_evidence_gives_its_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
