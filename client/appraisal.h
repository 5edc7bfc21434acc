/* Evidence against the owner's policy.json, and the list a person reads. */
#ifndef CLOISTER_CLIENT_APPRAISAL_H
#define CLOISTER_CLIENT_APPRAISAL_H

#include <stdio.h>

#include "client/home.h"
#include "policy/appraise.h"

struct appraisal {
	struct evidence_claims claims;
	uint8_t claims_hash[32];
	struct appraise_result result;
};

/*
 * policy: path of a policy file; NULL: policy.json of home. nonce NULL: the
 * one in the envelope, so freshness is not proved. CL_ERR_EVIDENCE and
 * CL_ERR_APPRAISAL with the list filled: why_text() is the first refused row.
 */
CL_MUST_CHECK int appraisal_run(const struct home *home, const char *policy,
    const char *text, size_t n, const uint8_t *nonce, struct appraisal *out);
/* The list: claim, expected, came, verdict; nothing
 * when it is empty. */
void appraisal_print(FILE *f, const struct appraise_result *r);
/* {"authentic":…,"accepted":…,"rows":[…]}. */
CL_MUST_CHECK int appraisal_print_json(
    FILE *f, const struct appraise_result *r);

#endif
