/* agent/evidence_tpm: quotes of a real swtpm that is started here, judged as
 * an owner judges them. Skipped where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/evidence_provider.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "scratch.h"
#include "swtpm.h"

#define NOW  1800000000
#define PCRS ((1u << 0) | (1u << 7) | (1u << 16))

struct fixture {
	void *scratch;
	pid_t swtpm;
	char tcti[128];
	struct evidence_config config;
	struct evidence e;
	uint8_t nonce[EVIDENCE_NONCE], about[EVIDENCE_REPORT_DATA];
};

static void
make_claims(struct fixture *f)
{
	struct evidence_claims c = {
	    .tee = "tpm", .version = "0.1.0", .memory = "memfd_secret"};

	memset(c.binary, 'b', 64);
	memset(c.config, 'c', 64);
	c.expires = NOW + 300;
	memset(f->nonce, 'n', sizeof(f->nonce));
	memset(f->e.nonce, 'n', sizeof(f->nonce));
	strcpy(f->e.tee, "tpm");
	assert_int_equal(
	    evidence_claims_print(&c, &f->e.claims, &f->e.claims_n), 0);
	assert_int_equal(evidence_report_data(
			     f->nonce, f->e.claims, f->e.claims_n, f->about),
	    0);
}

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct scratch *s;

	assert_non_null(f);
	scratch_make(&f->scratch);
	s = f->scratch;
	snprintf(f->tcti, sizeof(f->tcti), "swtpm:path=%s/t", s->path);
	if (swtpm_have("swtpm"))
		f->swtpm = swtpm_start(s->path);
	make_claims(f);
	f->config.tpm_tcti = f->tcti;
	f->config.tpm_pcrs = PCRS;
	f->config.tpm_ak = "primary";
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;

	swtpm_stop(f->swtpm);
	evidence_clear(&f->e);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static void
produce(struct fixture *f)
{
	char reason[EVIDENCE_REASON] = "";

	if (!f->swtpm)
		skip();
	if (evidence_tpm()->produce(&f->config, f->about, &f->e, reason) != 0)
		fail_msg("%s", reason);
}

static int
judge(const struct fixture *f, const char *policy, json_t **fields,
    struct appraise_result *result)
{
	struct appraise_policy *p;
	struct appraise_input in = {
	    .evidence = &f->e, .nonce = f->nonce, .time = NOW};
	int r;

	assert_int_equal(appraise_policy_parse(policy, strlen(policy), &p), 0);
	in.policy = p;
	r = appraise_input(&in, NULL, result, fields);
	appraise_policy_free(p);
	return r;
}

/* A member of what the verifier read. */
static void
read_quote(const struct fixture *f, const char *key, char out[80])
{
	struct appraise_result result;
	json_t *fields;
	const char *s;

	assert_int_equal(
	    judge(f, "{\"v\":1}", &fields, &result), CL_ERR_EVIDENCE);
	s = json_string_value(
	    json_object_get(json_object_get(fields, "quote"), key));
	assert_non_null(s);
	snprintf(out, 80, "%s", s);
	json_decref(fields);
}

static void
an_owner_takes_an_enrolled_tpm(void **state)
{
	struct fixture *f = *state;
	struct appraise_result result;
	char name[80], policy[512];

	produce(f);
	/* Unknown to the owner, it is refused. */
	read_quote(f, "ak_name", name);
	snprintf(policy, sizeof(policy),
	    "{\"v\":1,\"allow_unknown_software\":true,\"tpm\":{\"ak_name\":"
	    "[\"%s\"],\"required_pcrs\":[0,7],\"pcrs\":{\"16\":[\"%064d\"]}}}",
	    name, 0);
	assert_int_equal(judge(f, policy, NULL, &result), CL_OK);
	assert_true(result.authentic && result.accepted);
	/* Other claims, other nonce. */
	f->nonce[0] ^= 1;
	f->e.nonce[0] ^= 1;
	assert_int_equal(judge(f, policy, NULL, &result), CL_ERR_EVIDENCE);
	f->nonce[0] ^= 1;
	f->e.nonce[0] ^= 1;
	f->e.raw[f->e.raw_n / 2] ^= 1;
	assert_int_equal(judge(f, policy, NULL, &result), CL_ERR_EVIDENCE);
	f->e.raw[f->e.raw_n / 2] ^= 1;
	/* Without a word on the software, its claims are only words. */
	snprintf(policy, sizeof(policy),
	    "{\"v\":1,\"tpm\":{\"ak_name\":[\"%s\"]}}", name);
	assert_int_equal(judge(f, policy, NULL, &result), CL_ERR_APPRAISAL);
}

static void
the_key_is_the_same_at_every_start(void **state)
{
	struct fixture *f = *state;
	char first[80], second[80];

	produce(f);
	read_quote(f, "ak_name", first);
	secmem_free(f->e.raw);
	f->e.raw = NULL;
	produce(f);
	read_quote(f, "ak_name", second);
	assert_string_equal(first, second);
}

static void
an_extended_pcr_shows(void **state)
{
	struct fixture *f = *state;
	struct appraise_result result;
	char name[80], policy[512], command[320];

	produce(f);
	if (!swtpm_have("tpm2_pcrextend"))
		skip();
	snprintf(command, sizeof(command),
	    "tpm2_pcrextend -T '%s' 16:sha256=%064d", f->tcti, 7);
	assert_int_equal(system(command), 0);
	secmem_free(f->e.raw);
	f->e.raw = NULL;
	produce(f);
	read_quote(f, "ak_name", name);
	snprintf(policy, sizeof(policy),
	    "{\"v\":1,\"allow_unknown_software\":true,\"tpm\":{\"ak_name\":"
	    "[\"%s\"],\"pcrs\":{\"16\":[\"%064d\"]}}}",
	    name, 0);
	assert_int_equal(judge(f, policy, NULL, &result), CL_ERR_APPRAISAL);
}

/* What is no log, or too long, is left out: the quote says as much without. */
static void
a_bad_log_is_left_out(void **state)
{
	static const char *const logs[] = {"/dev/zero", "/dev/null", "", "log"};
	struct fixture *f = *state;
	struct appraise_result result;
	char name[80], policy[256], path[96];
	FILE *file;
	size_t i;

	snprintf(
	    path, sizeof(path), "%s/log", ((struct scratch *)f->scratch)->path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("no log", file);
	fclose(file);
	for (i = 0; i < 4; i++) {
		f->config.tpm_eventlog = i == 3 ? path : logs[i];
		secmem_free(f->e.raw);
		f->e.raw = NULL;
		produce(f);
		read_quote(f, "ak_name", name);
		snprintf(policy, sizeof(policy),
		    "{\"v\":1,\"allow_unknown_software\":true,\"tpm\":"
		    "{\"ak_name\":[\"%s\"]}}",
		    name);
		assert_int_equal(judge(f, policy, NULL, &result), CL_OK);
		f->e.raw[f->e.raw_n - 1] = '\0';
		assert_null(strstr((char *)f->e.raw, "eventlog"));
	}
}

static void
failures_have_reasons(void **state)
{
	struct fixture *f = *state;
	char reason[EVIDENCE_REASON] = "";

	f->config.tpm_tcti = "swtpm:path=/nonexistent/t";
	assert_int_equal(evidence_tpm()->probe(&f->config, reason), CL_ERR_TPM);
	assert_non_null(strstr(reason, "/nonexistent/t"));
	reason[0] = '\0';
	assert_int_equal(
	    evidence_tpm()->produce(&f->config, f->about, &f->e, reason),
	    CL_ERR_TPM);
	assert_non_null(strstr(reason, "/nonexistent/t"));
	assert_null(f->e.raw);
	f->config.tpm_pcrs = 0;
	assert_int_equal(
	    evidence_tpm()->probe(&f->config, reason), CL_ERR_CONFIG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_owner_takes_an_enrolled_tpm),
	    TEST(the_key_is_the_same_at_every_start),
	    TEST(an_extended_pcr_shows),
	    TEST(a_bad_log_is_left_out),
	    TEST(failures_have_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
