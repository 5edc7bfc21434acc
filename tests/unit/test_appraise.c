/* policy/appraise: each way to be refused has its own row and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/verify_sim.h"

#define NOW 1700000000

/* Genuine evidence and a policy that accepts it. */
struct fixture {
	struct identity *root;
	char *pem;
	struct evidence_claims claims;
	struct sim_report report;
	uint8_t nonce[EVIDENCE_NONCE];
	struct evidence e;
	char policy[4096];
};

static void
put_hex(const uint8_t *p, char *out)
{
	for (unsigned i = 0; i < 32; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
}

/* Claims text and signed report from what the fixture holds now. */
static void
sign(struct fixture *f)
{
	evidence_clear(&f->e);
	strcpy(f->e.tee, "sim");
	memcpy(f->e.nonce, f->nonce, sizeof(f->nonce));
	assert_int_equal(
	    evidence_claims_print(&f->claims, &f->e.claims, &f->e.claims_n),
	    CL_OK);
	assert_int_equal(evidence_report_data(f->nonce, f->e.claims,
			     f->e.claims_n, f->report.report_data),
	    CL_OK);
	f->e.raw = secmem_alloc(SIM_EVIDENCE);
	f->e.raw_n = SIM_EVIDENCE;
	assert_int_equal(sim_make(f->root, &f->report, f->e.raw), CL_OK);
}

/* policy.json with the given further members. */
static void
set_policy(struct fixture *f, const char *more)
{
	json_t *pem = json_string(f->pem);
	char *quoted = json_text(pem, NULL);

	snprintf(f->policy, sizeof(f->policy), "{\"v\":1,\"sim_root\":%s%s}",
	    quoted, more);
	secmem_free(quoted);
	json_decref(pem);
}

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &f->root), CL_OK);
	assert_int_equal(identity_public_pem(f->root, &f->pem), CL_OK);
	strcpy(f->claims.tee, "sim");
	strcpy(f->claims.version, "0.1.0");
	strcpy(f->claims.memory, "memfd_secret");
	memset(f->claims.binary, 'b', 64);
	memset(f->claims.config, 'c', 64);
	f->claims.expires = NOW + 300;
	memset(f->nonce, 0x77, sizeof(f->nonce));
	memset(f->report.measurement, 0x66, 32);
	f->report.time = NOW;
	sign(f);
	set_policy(f, ",\"accept_sim\":true");
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;

	evidence_clear(&f->e);
	secmem_free(f->pem);
	identity_free(f->root);
	free(f);
	return 0;
}

static int
judge(struct fixture *f, struct appraise_result *result)
{
	struct appraise_policy *policy;
	struct evidence_claims claims;
	int r;

	assert_int_equal(
	    appraise_policy_parse(f->policy, strlen(f->policy), &policy),
	    CL_OK);
	r = appraise(policy, &f->e, f->nonce, NOW, &claims, result);
	appraise_policy_free(policy);
	assert_int_equal(r == CL_OK, result->accepted);
	assert_int_equal(r != CL_ERR_EVIDENCE, result->authentic);
	if (r == 0)
		assert_memory_equal(&claims, &f->claims, sizeof(claims));
	return r;
}

/* Refused with err, and the first refused row is claim. */
static void
refuses(struct fixture *f, int err, const char *claim)
{
	struct appraise_result result;
	char why[400];

	assert_int_equal(judge(f, &result), err);
	appraise_first_refusal(&result, why, sizeof(why));
	if (strncmp(why, claim, strlen(claim)) != 0 ||
	    why[strlen(claim)] != ':')
		fail_msg("expected %s, came %s", claim, why);
	assert_non_null(strstr(why, ": expected "));
	assert_non_null(strstr(why, ", came "));
}

static void
accepts(struct fixture *f)
{
	struct appraise_result result;
	char why[400];

	if (judge(f, &result) != 0) {
		appraise_first_refusal(&result, why, sizeof(why));
		fail_msg("%s", why);
	}
	assert_true(result.nrows >= 9);
	appraise_first_refusal(&result, why, sizeof(why));
	assert_string_equal(why, "");
}

static void
sim_is_refused_unless_told_otherwise(void **state)
{
	struct fixture *f = *state;

	set_policy(f, "");
	refuses(f, CL_ERR_APPRAISAL, "tee");
	set_policy(f, ",\"accept_sim\":false");
	refuses(f, CL_ERR_APPRAISAL, "tee");
	set_policy(f, ",\"accept_sim\":true");
	accepts(f);
}

static void
unknown_tees_are_refused(void **state)
{
	struct fixture *f = *state;

	strcpy(f->e.tee, "abc");
	refuses(f, CL_ERR_EVIDENCE, "tee");
	strcpy(f->e.tee, "");
	refuses(f, CL_ERR_EVIDENCE, "tee");
}

static void
evidence_without_a_root_is_refused(void **state)
{
	struct fixture *f = *state;

	strcpy(f->policy, "{\"v\":1,\"accept_sim\":true}");
	refuses(f, CL_ERR_EVIDENCE, "signature");
}

static void
evidence_of_another_root_is_refused(void **state)
{
	struct fixture *f = *state;
	struct identity *mine = f->root;

	assert_int_equal(identity_generate(IDENTITY_ED25519, &f->root), CL_OK);
	sign(f);
	refuses(f, CL_ERR_EVIDENCE, "signature");
	identity_free(f->root);
	f->root = mine;
}

static void
replayed_evidence_is_refused(void **state)
{
	struct fixture *f = *state;

	/* An answer to an older nonce, as it came ... */
	f->nonce[0] ^= 1;
	refuses(f, CL_ERR_EVIDENCE, "nonce");
	/* ... and with the nonce replaced in the envelope. */
	memcpy(f->e.nonce, f->nonce, sizeof(f->nonce));
	refuses(f, CL_ERR_EVIDENCE, "report_data");
}

static void
every_changed_byte_is_refused(void **state)
{
	struct fixture *f = *state;
	struct appraise_result result;
	size_t i;

	for (i = 0; i < f->e.raw_n; i++) {
		f->e.raw[i] ^= 1;
		assert_int_equal(judge(f, &result), CL_ERR_EVIDENCE);
		f->e.raw[i] ^= 1;
	}
	for (i = 0; i < f->e.claims_n; i++) {
		f->e.claims[i] ^= 1;
		assert_int_equal(judge(f, &result), CL_ERR_EVIDENCE);
		f->e.claims[i] ^= 1;
	}
	/* Truncated. */
	f->e.raw_n--;
	assert_int_equal(judge(f, &result), CL_ERR_EVIDENCE);
	f->e.raw_n++;
	f->e.claims_n--;
	assert_int_equal(judge(f, &result), CL_ERR_EVIDENCE);
	f->e.claims_n++;
	accepts(f);
}

/* Another channel key in claims that are well-formed. */
static void
claims_are_bound_to_the_report(void **state)
{
	struct fixture *f = *state;
	uint8_t old[EVIDENCE_REPORT_DATA];
	uint8_t *raw = f->e.raw;

	memcpy(old, f->report.report_data, sizeof(old));
	f->e.raw = NULL;
	f->claims.channel_key[0] ^= 1;
	sign(f);
	secmem_free(f->e.raw);
	f->e.raw = raw; /* the report of the other claims */
	refuses(f, CL_ERR_EVIDENCE, "report_data");
}

static void
claims_of_another_tee_are_refused(void **state)
{
	struct fixture *f = *state;

	strcpy(f->claims.tee, "tdx");
	sign(f);
	refuses(f, CL_ERR_EVIDENCE, "claims.tee");
}

static void
lists_accept_what_they_name(void **state)
{
	static const char *const names[] = {
	    "measurement", "binary", "config", "memory"};
	struct fixture *f = *state;
	char good[80], more[1024], other[65];
	size_t i;

	memset(other, 'd', 64);
	other[64] = '\0';
	for (i = 0; i < 4; i++) {
		if (i == 0)
			put_hex(f->report.measurement, good);
		else
			strcpy(good, i == 1   ? f->claims.binary
				     : i == 2 ? f->claims.config
					      : f->claims.memory);
		snprintf(more, sizeof(more),
		    ",\"accept_sim\":true,\"%s\":[\"%s\",\"%s\"]", names[i],
		    other, good);
		set_policy(f, more);
		accepts(f);
		snprintf(more, sizeof(more),
		    ",\"accept_sim\":true,\"%s\":[\"%s\"]", names[i], other);
		set_policy(f, more);
		refuses(f, CL_ERR_APPRAISAL, names[i]);
		/* A list of nothing accepts nothing. */
		snprintf(more, sizeof(more), ",\"accept_sim\":true,\"%s\":[]",
		    names[i]);
		set_policy(f, more);
		refuses(f, CL_ERR_APPRAISAL, names[i]);
	}
}

static void
times_are_checked(void **state)
{
	struct fixture *f = *state;

	f->claims.expires = NOW;
	sign(f);
	refuses(f, CL_ERR_APPRAISAL, "expires");
	f->claims.expires = NOW + 1;
	sign(f);
	accepts(f);
	set_policy(f, ",\"accept_sim\":true,\"max_age\":300");
	f->report.time = NOW - 300;
	sign(f);
	accepts(f);
	f->report.time = NOW - 301;
	sign(f);
	refuses(f, CL_ERR_APPRAISAL, "age");
	f->report.time = NOW + 301;
	sign(f);
	refuses(f, CL_ERR_APPRAISAL, "age");
	f->report.time = INT64_MIN;
	sign(f);
	refuses(f, CL_ERR_APPRAISAL, "age");
	f->report.time = INT64_MAX;
	sign(f);
	refuses(f, CL_ERR_APPRAISAL, "age");
}

static void
bad_policies_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *why;
		int err;
	} bad[] = {
	    {"{}", "v", CL_ERR_FORMAT},
	    {"{\"v\":2}", NULL, CL_ERR_VERSION},
	    {"{\"v\":1,\"accept-sim\":true}", "accept-sim", CL_ERR_FORMAT},
	    {"{\"v\":1,\"accept_sim\":1}", "accept_sim", CL_ERR_FORMAT},
	    {"{\"v\":1,\"sim_root\":\"x\"}", "sim_root", CL_ERR_FORMAT},
	    {"{\"v\":1,\"sim_root\":null}", "sim_root", CL_ERR_FORMAT},
	    {"{\"v\":1,\"measurement\":\"00\"}", "measurement", CL_ERR_FORMAT},
	    {"{\"v\":1,\"measurement\":[\"00\"]}", "measurement",
		CL_ERR_FORMAT},
	    {"{\"v\":1,\"binary\":[1]}", "binary", CL_ERR_FORMAT},
	    {"{\"v\":1,\"memory\":[\"\"]}", "memory", CL_ERR_FORMAT},
	    {"{\"v\":1,\"max_age\":0}", "max_age", CL_ERR_FORMAT},
	    {"{\"v\":1,\"max_age\":\"300\"}", "max_age", CL_ERR_FORMAT},
	    {"{\"v\":1,\"v\":1}", NULL, CL_ERR_FORMAT},
	    {"[]", "v", CL_ERR_FORMAT},
	};
	struct appraise_policy *p = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    appraise_policy_parse(bad[i].text, strlen(bad[i].text), &p),
		    bad[i].err);
		assert_null(p);
		if (bad[i].why)
			assert_string_equal(json_why(), bad[i].why);
	}
	appraise_policy_free(NULL);
}

/* One value more than a list holds. */
static void
a_list_too_long_is_refused(void **state)
{
	struct appraise_policy *p;
	char text[1024];
	unsigned n, i;

	(void)state;
	for (n = 32; n <= 33; n++) {
		strcpy(text, "{\"v\":1,\"memory\":[");
		for (i = 0; i < n; i++)
			strcat(text, i ? ",\"m\"" : "\"m\"");
		strcat(text, "]}");
		assert_int_equal(appraise_policy_parse(text, strlen(text), &p),
		    n == 32 ? CL_OK : CL_ERR_FORMAT);
		if (n == 32)
			appraise_policy_free(p);
	}
}

#define appraise_test(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    appraise_test(sim_is_refused_unless_told_otherwise),
	    appraise_test(unknown_tees_are_refused),
	    appraise_test(evidence_without_a_root_is_refused),
	    appraise_test(evidence_of_another_root_is_refused),
	    appraise_test(replayed_evidence_is_refused),
	    appraise_test(every_changed_byte_is_refused),
	    appraise_test(claims_are_bound_to_the_report),
	    appraise_test(claims_of_another_tee_are_refused),
	    appraise_test(lists_accept_what_they_name),
	    appraise_test(times_are_checked),
	    cmocka_unit_test(bad_policies_are_refused_by_name),
	    cmocka_unit_test(a_list_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
