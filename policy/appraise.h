/*
 * Appraisal: evidence against reference values. The result is a list of
 * claims, each with what was expected, what came and a verdict; the first
 * refusal is the reason.
 */
#ifndef CLOISTER_POLICY_APPRAISE_H
#define CLOISTER_POLICY_APPRAISE_H

#include <stdbool.h>

#include "policy/evidence.h"
#include "policy/rows.h"

/* The owner's policy, from JSON (policy.json in the owner's directory):
 * {"v":1,"accept_sim":true,"sim_root":"PEM","measurement":["hex",…],
 *  "binary":["hex"],"config":["hex"],"memory":["memfd_secret"],
 *  "max_age":300}. Absent lists accept anything; absent accept_sim is false. */
struct appraise_policy;
CL_MUST_CHECK int appraise_policy_parse(
    const char *text, size_t n, struct appraise_policy **out);
void appraise_policy_free(struct appraise_policy *p);

/* nonce: the one that the relying party sent. now: its own clock, unix
 * seconds. CL_OK: accepted. CL_ERR_EVIDENCE: not authentic. CL_ERR_APPRAISAL:
 * authentic, refused. The list is filled in every case. */
CL_MUST_CHECK int appraise(const struct appraise_policy *policy,
    const struct evidence *e, const uint8_t nonce[EVIDENCE_NONCE], int64_t now,
    struct evidence_claims *claims, struct appraise_result *result);

/* Writes "claim: expected …, came …" of the first refused row. */
void appraise_first_refusal(
    const struct appraise_result *result, char *out, size_t cap);

#endif
