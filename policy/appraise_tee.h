/*
 * The inside of policy/appraise: what each kind of TEE adds to it. A new kind
 * is a file appraise_NAME.c with one struct appraise_tee, a member of the
 * union below, and a row in appraise.c.
 */
#ifndef CLOISTER_POLICY_APPRAISE_TEE_H
#define CLOISTER_POLICY_APPRAISE_TEE_H

#include "policy/appraise_policy.h"
#include "policy/eventlog_join.h"
#include "policy/verify_csv.h"
#include "policy/verify_sim.h"
#include "policy/verify_snp.h"
#include "policy/verify_tdx.h"
#include "policy/verify_tpm.h"

struct tdx_evidence {
	struct tdx_quote quote;
	struct tdx_tcb tcb;
};

/* Whose report speaks for a TPM's AK. The evidence may hold others, too. */
enum appraise_endorser { BY_NOBODY, BY_SNP, BY_TDX };

struct appraise_tpm_state {
	struct tpm_evidence tpm;
	enum appraise_endorser by;
	struct snp_evidence snp;
	struct tdx_evidence tdx;
	struct endorse *inner; /* what the evidence holds itself */
};

struct appraise_csv_state {
	struct csv_evidence csv;
	struct csv_report opened; /* once it may be read */
};

/* One piece of evidence on its way. */
struct appraise_case {
	const struct appraise_policy *policy;
	const uint8_t *raw;
	size_t raw_n;
	const struct endorse *own;   /* from the envelope, or NULL */
	const struct endorse *given; /* the owner's, or NULL */
	const uint8_t *log;	     /* event log that came with it, or NULL */
	size_t log_n;
	int64_t time;
	bool enveloped;	      /* with claims that it must be about */
	const uint8_t *nonce; /* of the envelope, or NULL */
	const struct tpm_challenge *challenge; /* or NULL */
	struct appraise_result *result;
	/* verify fills: */
	const uint8_t *report_data; /* 64 bytes of state, or of raw */
	uint8_t asked[EVIDENCE_REPORT_DATA];
	const uint8_t *expected; /* report_data as asked for, once equal;
				    NULL: nothing to compare with */
	bool measured; /* the policy names measurements for this kind */
	bool dated;    /* it says itself when it was made */
	const struct eventlog_want *want; /* of a log; NULL: has no registers */
	json_t *fields;
	/* appraise_log_verify fills, or a kind that keeps its log inside: */
	bool joined;	    /* the log was replayed */
	uint32_t explained; /* registers whose records are believed */
	union {
		struct sim_report sim;
		struct snp_evidence snp;
		struct tdx_evidence tdx;
		struct appraise_csv_state csv;
		struct appraise_tpm_state tpm;
	} state;
};

struct appraise_tee {
	const char *name;
	/* Signatures, chains, bindings: is it genuine? Appends rows; sets
	 * report_data, which the caller compares next. CL_ERR_EVIDENCE. */
	CL_MUST_CHECK int (*verify)(struct appraise_case *c);
	/* Rows of the policy; called only when all of that held. */
	void (*judge)(struct appraise_case *c);
	/* Is the evidence about these 64 bytes? A row. NULL: they are the
	 * report_data. */
	bool (*bound)(const struct appraise_case *c, const uint8_t *want);
	/* The registers that a log may explain; called when all of that held.
	 * Gives NULL, or why there are none. NULL: never any. */
	const char *(*registers)(
	    struct appraise_case *c, struct eventlog_quoted *out);
	/* Frees what state holds; called in every case. May be NULL. */
	void (*done)(struct appraise_case *c);
};

/* As rows_listed, for the policy's own lists. */
void appraise_listed(struct appraise_result *result, const char *claim,
    const struct appraise_list *list, const char *came);

/* Rows on what an envelope's claims say, and on what the policy wants of them
 * where there are none. */
void appraise_claims(const struct appraise_case *c, const struct evidence *e,
    const struct evidence_claims *claims);
void appraise_no_claims(const struct appraise_case *c);
/* A row when the policy has max_age: evidence is as old as made says. */
void appraise_age(const struct appraise_case *c, int64_t made);

/* Do the registers and the log agree? A log that does not is no part of
 * genuine evidence. CL_ERR_EVIDENCE. */
CL_MUST_CHECK int appraise_log_verify(
    struct appraise_case *c, const struct appraise_tee *tee);
/* Rows of what the policy wants of the log. claims: of an envelope, or NULL. */
void appraise_log_judge(
    struct appraise_case *c, const struct evidence_claims *claims);
/* Adds the member "eventlog" to c->fields. */
void appraise_log_print(struct appraise_case *c);

const struct appraise_tee *appraise_sim(void);
const struct appraise_tee *appraise_snp(void);
const struct appraise_tee *appraise_tdx(void);
const struct appraise_tee *appraise_csv(void);
const struct appraise_tee *appraise_tpm(void);

#endif
