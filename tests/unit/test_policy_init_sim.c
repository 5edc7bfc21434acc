/* client/policy_init on an envelope of the simulated TEE: claims, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/policy_init.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/verify_sim.h"
#include "scratch.h"

#define NOW INT64_C(1800000000)

/* An envelope; the measurement is all m, the binary's digest all b. */
static char *
envelope(const struct identity *root, uint8_t m, char b, size_t *n)
{
	struct evidence_claims c = {.tee = "sim",
	    .version = "0.1.0",
	    .memory = "mlock",
	    .expires = NOW + 300};
	struct evidence e = {.tee = "sim"};
	struct sim_report report = {.time = NOW};
	char *text;

	memset(c.binary, b, 64);
	memset(c.config, 'c', 64);
	memset(e.nonce, 'n', sizeof(e.nonce));
	memset(report.measurement, m, sizeof(report.measurement));
	assert_int_equal(evidence_claims_print(&c, &e.claims, &e.claims_n), 0);
	assert_int_equal(evidence_report_data(
			     e.nonce, e.claims, e.claims_n, report.report_data),
	    0);
	e.raw = secmem_alloc(SIM_EVIDENCE);
	e.raw_n = SIM_EVIDENCE;
	assert_int_equal(sim_make(root, &report, e.raw), 0);
	assert_int_equal(evidence_print(&e, &text, n), 0);
	evidence_clear(&e);
	return text;
}

static void
write_base(const struct identity *root, const char *path, bool accept)
{
	json_t *o;
	char *pem;

	assert_int_equal(identity_public_pem(root, &pem), 0);
	o = json_pack(
	    "{s:i, s:b, s:s}", "v", 1, "accept_sim", accept, "sim_root", pem);
	assert_int_equal(json_dump_file(o, path, 0), 0);
	json_decref(o);
	secmem_free(pem);
}

static int
judge(const struct text *policy, const struct identity *root, uint8_t m, char b)
{
	const struct appraisal_ask ask = {.time = NOW};
	static struct appraisal a;
	struct appraise_policy *p;
	size_t n;
	char *text = envelope(root, m, b, &n);
	int r;

	assert_int_equal(appraise_policy_parse(policy->p, policy->n, &p), 0);
	r = appraisal_under(p, &ask, text, n, &a, NULL);
	appraise_policy_free(p);
	secmem_free(text);
	return r;
}

static void
claims_become_reference_values(void **state)
{
	struct appraisal_ask ask = {.time = NOW};
	struct text policy = {0};
	struct identity *root;
	char base[256], *text;
	size_t n;

	snprintf(base, sizeof(base), "%s/base.json",
	    ((struct scratch *)*state)->path);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &root), 0);
	text = envelope(root, 'm', 'b', &n);
	ask.policy = base;
	/* It is never accepted by a policy that did not say so before. */
	write_base(root, base, false);
	assert_int_equal(
	    policy_init_make(&ask, text, n, &policy), CL_ERR_APPRAISAL);
	text_clear(&policy);
	write_base(root, base, true);
	if (policy_init_make(&ask, text, n, &policy) != 0)
		fail_msg("%s", why_text());
	assert_int_equal(judge(&policy, root, 'm', 'b'), CL_OK);
	assert_int_equal(judge(&policy, root, 'x', 'b'), CL_ERR_APPRAISAL);
	assert_int_equal(judge(&policy, root, 'm', 'a'), CL_ERR_APPRAISAL);
	text_clear(&policy);
	secmem_free(text);
	identity_free(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(claims_become_reference_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
