/*
 * The inside of policy/appraise: what each kind of TEE adds to it. A new kind
 * is a file appraise_NAME.c with one struct appraise_tee, a member of the
 * union below, and a row in appraise.c.
 */
#ifndef CLOISTER_POLICY_APPRAISE_TEE_H
#define CLOISTER_POLICY_APPRAISE_TEE_H

#include "policy/appraise_policy.h"
#include "policy/verify_sim.h"
#include "policy/verify_snp.h"
#include "policy/verify_tdx.h"

struct tdx_evidence {
	struct tdx_quote quote;
	struct tdx_tcb tcb;
};

/* One piece of evidence on its way. */
struct appraise_case {
	const struct appraise_policy *policy;
	const uint8_t *raw;
	size_t raw_n;
	const struct endorse *own;   /* from the envelope, or NULL */
	const struct endorse *given; /* the owner's, or NULL */
	int64_t time;
	struct appraise_result *result;
	/* verify fills: */
	const uint8_t *report_data; /* 64 bytes of state, or of raw */
	bool measured; /* the policy names measurements for this kind */
	json_t *fields;
	union {
		struct sim_report sim;
		struct snp_evidence snp;
		struct tdx_evidence tdx;
	} state;
};

struct appraise_tee {
	const char *name;
	/* Signatures, chains, bindings: is it genuine? Appends rows; sets
	 * report_data, which the caller compares next. CL_ERR_EVIDENCE. */
	CL_MUST_CHECK int (*verify)(struct appraise_case *c);
	/* Rows of the policy; called only when all of that held. */
	void (*judge)(struct appraise_case *c);
};

/* As rows_listed, for the policy's own lists. */
void appraise_listed(struct appraise_result *result, const char *claim,
    const struct appraise_list *list, const char *came);

const struct appraise_tee *appraise_sim(void);
const struct appraise_tee *appraise_snp(void);
const struct appraise_tee *appraise_tdx(void);

#endif
