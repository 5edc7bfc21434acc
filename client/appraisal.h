/* Evidence against the owner's policy.json, and the list a person reads. */
#ifndef CLOISTER_CLIENT_APPRAISAL_H
#define CLOISTER_CLIENT_APPRAISAL_H

#include <stdio.h>

#include "client/fetch_settings.h"
#include "policy/appraise.h"

struct appraisal {
	struct evidence_claims claims;
	uint8_t claims_hash[32];
	struct appraise_result result;
};

/* What is asked of evidence; all but the first may be absent (NULL). */
struct appraisal_ask {
	const struct home *home; /* NULL: no directory, the default policy */
	const char *policy;	 /* path of a policy file */
	const char *tee;	 /* what a vendor's raw blob is */
	const uint8_t *nonce, *report_data;
	const uint8_t *log; /* event log of evidence that holds none */
	size_t log_n;
	/* What gave the nonce, if a TPM was challenged. */
	const struct tpm_challenge *challenge;
	const struct endorse *given;
	const struct home *cache; /* whose cache serves without given */
	const struct fetch_settings *fetch; /* its vendors may be asked */
	int64_t time;
};

/*
 * An envelope, or a vendor's raw blob of ask->tee, as it is or as
 * policy/coco.h unwraps it. Results as those of
 * appraisal_run. fields (may be NULL): as appraise_input gives them.
 */
CL_MUST_CHECK int appraisal_ask(const struct appraisal_ask *ask, const char *p,
    size_t n, struct appraisal *out, json_t **fields);
/* The same under a policy at hand: home and policy of ask are not used. */
CL_MUST_CHECK int appraisal_under(const struct appraise_policy *policy,
    const struct appraisal_ask *ask, const char *p, size_t n,
    struct appraisal *out, json_t **fields);
/* Text that is none at all: a list with the one row "evidence".
 * CL_ERR_EVIDENCE. */
CL_MUST_CHECK int appraisal_no_evidence(
    struct appraisal *out, const char *expected, const char *came);
/* Text of a policy file; path NULL: of home's; both NULL: of the default
 * policy. secmem_free() it. */
CL_MUST_CHECK int appraisal_policy(
    const struct home *home, const char *path, uint8_t **p, size_t *n);
/* What is in it; appraise_policy_free(). why_text() names file and member. */
CL_MUST_CHECK int appraisal_policy_parse(const struct home *home,
    const char *path, const char *text, size_t n, struct appraise_policy **out);

/*
 * Now, with the endorsements that home's cache has. policy: path of a policy
 * file; NULL: policy.json of home. nonce NULL: the one in the envelope, so
 * freshness is not proved. CL_ERR_EVIDENCE and CL_ERR_APPRAISAL with the list
 * filled: why_text() is the first refused row.
 */
CL_MUST_CHECK int appraisal_run(const struct home *home, const char *policy,
    const char *text, size_t n, const uint8_t *nonce, struct appraisal *out);
/* The list: claim, expected, came, verdict; nothing
 * when it is empty. */
void appraisal_print(FILE *f, const struct appraise_result *r);
/* {"authentic":…,"tcb":…,"accepted":…,"claims":[…],"fields":{…}} in this
 * order; fields may be NULL. */
CL_MUST_CHECK int appraisal_print_json(
    FILE *f, const struct appraise_result *r, json_t *fields);

#endif
