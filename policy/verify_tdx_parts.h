/* Phases of the verification of TDX quotes, for verify_tdx*.c only. */
#ifndef CLOISTER_POLICY_VERIFY_TDX_PARTS_H
#define CLOISTER_POLICY_VERIFY_TDX_PARTS_H

#include "policy/verify_tdx.h"

/* What one verification works on. */
struct tdx_case {
	const struct tdx_quote *q;
	const struct tdx_policy *policy;
	const struct endorse *own, *given; /* either may be NULL */
	const struct roots *roots;
	int64_t time;
	struct endorse *certs; /* of the quote */
	struct chain chain;    /* of the PCK certificate */
	struct pck pck;
	struct appraise_result *rows;
};

/* The quote's PEM list, strictly: blocks of base64 and nothing between them;
 * one NUL or line end may follow. CL_ERR_FORMAT, CL_ERR_UNSUPPORTED for
 * certification data of another type. */
CL_MUST_CHECK int tdx_certs(const struct tdx_quote *q, struct endorse **out);
/* Chain, SGX extension, QE report and its binding, signature. Fills certs,
 * chain and pck. */
CL_MUST_CHECK int tdx_verify_chain(struct tdx_case *c);
CL_MUST_CHECK int tdx_verify_signatures(struct tdx_case *c);
/* CRLs: CL_ERR_EVIDENCE when a certificate is revoked. */
CL_MUST_CHECK int tdx_verify_crls(struct tdx_case *c);

/* TCB info and QE identity that hold; NULL where none does. */
struct tdx_collateral {
	struct pcs_tcb_info *tcb;
	struct pcs_qe_identity *qe;
};
/* Finds them in the bags and says in rows what is wrong with them. */
void tdx_collateral(struct tdx_case *c, struct tdx_collateral *out);
void tdx_collateral_clear(struct tdx_collateral *x);
/* CL_ERR_EVIDENCE when the QE or the TDX module is another than Intel's. */
CL_MUST_CHECK int tdx_match_qe(
    struct tdx_case *c, const struct pcs_qe_identity *qe);
/* Also CL_ERR_NOT_FOUND for a module that the TCB info does not know. */
CL_MUST_CHECK int tdx_match_module(
    struct tdx_case *c, const struct pcs_tcb_info *info);

/* What the levels are compared with. */
struct tdx_svns {
	const uint8_t *comp; /* 16, of the PCK certificate */
	uint16_t pcesvn;
	const uint8_t *svn;  /* tee_tcb_svn */
	const uint8_t *svn2; /* tee_tcb_svn2; NULL for TD 1.0 */
	uint16_t qe_isvsvn;
};
/* Steps 8 to 11: levels, convergence, relaunch. CL_ERR_EVIDENCE when svn2
 * names a module that the TCB info does not know. */
CL_MUST_CHECK int tdx_evaluate(const struct tdx_svns *svns,
    const struct pcs_tcb_info *info, const struct pcs_qe_identity *qe,
    struct tdx_tcb *out);

#endif
