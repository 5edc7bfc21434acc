/*
 * Appraisal: evidence against reference values. The result is a list of
 * claims, each with what was expected, what came and a verdict; the first
 * refusal is the reason.
 */
#ifndef CLOISTER_POLICY_APPRAISE_H
#define CLOISTER_POLICY_APPRAISE_H

#include <jansson.h>
#include <stdbool.h>

#include "policy/endorse.h"
#include "policy/evidence.h"
#include "policy/rows.h"

/* The owner's policy, from JSON (policy.json in the owner's directory):
 * {"v":1,"accept_sim":true,"sim_root":"PEM","measurement":["hex",…],
 *  "binary":["hex"],"config":["hex"],"memory":["memfd_secret"],
 *  "max_age":300,"snp":{…},"test_roots":{…},"allow_unknown_software":false}.
 * policy/EVIDENCE.md describes every member. Absent lists accept anything;
 * absent switches are false. */
struct appraise_policy;
struct tpm_challenge;
CL_MUST_CHECK int appraise_policy_parse(
    const char *text, size_t n, struct appraise_policy **out);
void appraise_policy_free(struct appraise_policy *p);

/* What a verdict is wanted on, and the verifier's side of it. */
struct appraise_input {
	const struct appraise_policy *policy;
	const struct evidence *evidence; /* an envelope; or NULL, and: */
	const char *tee;		 /* a vendor's blob of this kind */
	const uint8_t *raw;
	size_t raw_n;
	const uint8_t *log; /* event log beside a blob, or an envelope that
			       has none; or NULL */
	size_t log_n;
	const struct endorse *own;   /* endorsements that came with raw, or
					NULL; an envelope has its own */
	const struct endorse *given; /* the owner's endorsements, or NULL */
	const uint8_t *nonce;	     /* EVIDENCE_NONCE; with an envelope */
	const uint8_t *report_data;  /* EVIDENCE_REPORT_DATA, or NULL: unknown;
					an envelope's own is checked anyway */
	int64_t time;		     /* the verifier's clock, unix seconds */
	/* What the TPM was challenged with that gave nonce
	 * (policy/tpm_credential.h), or NULL. */
	const struct tpm_challenge *challenge;
};

/*
 * CL_OK: accepted. CL_ERR_EVIDENCE: not authentic. CL_ERR_APPRAISAL:
 * authentic, refused. The list is filled in every case. claims: of an
 * envelope; may be NULL. fields: the parsed evidence as JSON, named as its
 * vendor does, NULL when it cannot be read; may itself be NULL. It is to be
 * believed only when the result says authentic.
 */
CL_MUST_CHECK int appraise_input(const struct appraise_input *in,
    struct evidence_claims *claims, struct appraise_result *result,
    json_t **fields);
/* An envelope with what came in it. nonce: the one that the relying party
 * sent. now: its own clock. */
CL_MUST_CHECK int appraise(const struct appraise_policy *policy,
    const struct evidence *e, const uint8_t nonce[EVIDENCE_NONCE], int64_t now,
    struct evidence_claims *claims, struct appraise_result *result);
/* Is there a verifier for evidence of this name? */
bool appraise_knows(const char *tee);

/* Writes "claim: expected …, came …" of the first refused row. */
void appraise_first_refusal(
    const struct appraise_result *result, char *out, size_t cap);

#endif
