#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise_policy.h"
#include "policy/verify_sim.h"

/* As rows_listed, for the owner's lists of this file. */
static void
listed(struct appraise_result *result, const char *claim,
    const struct appraise_list *list, const char *came)
{
	struct rows_list rows = {.given = list->given, .n = list->n};
	unsigned i;

	for (i = 0; i < list->n; i++)
		rows.value[i] = list->value[i];
	(void)rows_listed(result, claim, &rows, came);
}

static bool
check_claims(const struct evidence *e, struct evidence_claims *claims,
    struct appraise_result *result)
{
	char came[160];
	int r = evidence_claims_parse(e->claims, e->claims_n, claims);

	if (r != 0)
		(void)snprintf(
		    came, sizeof(came), "%s (%s)", err_text(r), json_why());
	if (!rows_say(result, "claims", r == 0, "claims of version 1",
		r ? came : "claims of version 1"))
		return false;
	return rows_say(result, "claims.tee", strcmp(claims->tee, e->tee) == 0,
	    e->tee, claims->tee);
}

static bool
check_signature(const struct appraise_policy *policy, const struct evidence *e,
    struct sim_report *report, struct appraise_result *result)
{
	static const char expected[] = "a signature of the policy's sim_root";
	int r;

	if (!policy->sim_root)
		return rows_say(result, "signature", false, expected,
		    "a policy without sim_root");
	r = sim_verify(policy->sim_root, e->raw, e->raw_n, report);
	return rows_say(result, "signature", r == 0, expected,
	    r ? err_text(r) : "it verifies");
}

static bool
check_binding(const struct evidence *e, const uint8_t nonce[EVIDENCE_NONCE],
    const struct sim_report *report, struct appraise_result *result)
{
	uint8_t want[EVIDENCE_REPORT_DATA];

	if (evidence_report_data(nonce, e->claims, e->claims_n, want) != 0)
		return rows_say(result, "report_data", false, "a digest",
		    "the cryptographic library failed");
	return rows_same(
	    result, "report_data", want, report->report_data, sizeof(want));
}

static void
check_times(const struct appraise_policy *policy, int64_t now,
    const struct evidence_claims *claims, const struct sim_report *report,
    struct appraise_result *result)
{
	char expected[160], came[160];
	int64_t age;

	(void)snprintf(expected, sizeof(expected), "after %" PRId64, now);
	(void)snprintf(came, sizeof(came), "%" PRId64, claims->expires);
	(void)rows_say(
	    result, "expires", claims->expires > now, expected, came);
	if (!policy->max_age)
		return;
	/* In the past or in the future: clocks differ both ways. */
	if (__builtin_sub_overflow(now, report->time, &age) || age == INT64_MIN)
		age = INT64_MAX;
	if (age < 0)
		age = -age;
	(void)snprintf(expected, sizeof(expected),
	    "at most %" PRId64 " s away from now", policy->max_age);
	(void)snprintf(came, sizeof(came), "%" PRId64 " s", age);
	(void)rows_say(result, "age", age <= policy->max_age, expected, came);
}

static void
check_policy(const struct appraise_policy *policy, int64_t now,
    const struct evidence_claims *claims, const struct sim_report *report,
    struct appraise_result *result)
{
	char measurement[65];

	rows_hex(report->measurement, sizeof(report->measurement), measurement);
	listed(result, "measurement", &policy->measurement, measurement);
	listed(result, "binary", &policy->binary, claims->binary);
	listed(result, "config", &policy->config, claims->config);
	listed(result, "memory", &policy->memory, claims->memory);
	check_times(policy, now, claims, report, result);
}

int
appraise(const struct appraise_policy *policy, const struct evidence *e,
    const uint8_t nonce[EVIDENCE_NONCE], int64_t now,
    struct evidence_claims *claims, struct appraise_result *result)
{
	bool sim = strcmp(e->tee, "sim") == 0;
	struct sim_report report;

	memset(result, 0, sizeof(*result));
	memset(claims, 0, sizeof(*claims));
	(void)rows_say(result, "tee", sim && policy->accept_sim,
	    policy->accept_sim ? "sim" : "a real TEE (accept_sim is not set)",
	    e->tee);
	if (!sim)
		return CL_ERR_EVIDENCE;
	if (!rows_same(result, "nonce", nonce, e->nonce, EVIDENCE_NONCE) ||
	    !check_claims(e, claims, result) ||
	    !check_signature(policy, e, &report, result) ||
	    !check_binding(e, nonce, &report, result))
		return CL_ERR_EVIDENCE;
	result->authentic = true;
	check_policy(policy, now, claims, &report, result);
	result->accepted = rows_all_ok(result);
	return result->accepted ? CL_OK : CL_ERR_APPRAISAL;
}

void
appraise_first_refusal(
    const struct appraise_result *result, char *out, size_t cap)
{
	unsigned i;

	if (cap)
		out[0] = '\0';
	for (i = 0; i < result->nrows; i++) {
		if (result->rows[i].ok)
			continue;
		(void)snprintf(out, cap, "%s: expected %s, came %s",
		    result->rows[i].claim, result->rows[i].expected,
		    result->rows[i].came);
		return;
	}
}
