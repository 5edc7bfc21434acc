/*
 * Intel TDX quotes, versions 4 and 5 (Intel, "TDX DCAP Quote Generation
 * Library"): layout, parse, print, verify. Integers are little endian.
 *
 * header, 48 bytes
 *	  0	 2	version: 4 or 5
 *	  2	 2	attestation key type: 2, ECDSA P-256
 *	  4	 4	TEE type: 0x81
 *	  8	 4	reserved, or SVNs of QE and PCE
 *	 12	16	QE vendor id
 *	 28	20	user data
 * version 5 only: u16 body type (2: TD 1.0, 3: TD 1.5), u32 body size
 * body, 584 bytes (TD 1.0) or 648 (TD 1.5)
 *	  0	16	tee_tcb_svn
 *	 16	48	mr_seam
 *	 64	48	mrsigner_seam
 *	112	 8	seam_attributes
 *	120	 8	td_attributes
 *	128	 8	xfam
 *	136	48	mr_td
 *	184	48	mr_config_id
 *	232	48	mr_owner
 *	280	48	mr_owner_config
 *	328	4×48	rtmr0 … rtmr3
 *	520	64	report_data
 *	584	16	tee_tcb_svn2		TD 1.5
 *	600	48	mr_servicetd		TD 1.5
 * u32 size of the authentication data; the signature covers what precedes
 * authentication data
 *	  0	64	signature r‖s
 *	 64	64	attestation key x‖y
 *	128	 6	u16 type 6, u32 size of
 *		384	QE report (an SGX report body)
 *		 64	its signature by the PCK
 *		  2+n	QE authentication data
 *		  6	u16 type 5, u32 size of
 *			PEM: PCK certificate, its CA, the root
 * then anything: padding, not covered by the signature, ignored
 *
 * QE report
 *	  0	16	cpusvn
 *	 16	 4	miscselect
 *	 48	16	attributes
 *	 64	32	mrenclave
 *	128	32	mrsigner
 *	256	 2	isvprodid
 *	258	 2	isvsvn
 *	320	64	SHA-256(attestation key ‖ QE authentication data) ‖ 32
 *zeros
 */
#ifndef CLOISTER_POLICY_VERIFY_TDX_H
#define CLOISTER_POLICY_VERIFY_TDX_H

#include <jansson.h>

#include "policy/chain.h"
#include "policy/eventlog_want.h"
#include "policy/pck.h"
#include "policy/pcs.h"
#include "policy/rows.h"

#define TDX_QUOTE_MAX  (128u << 10)
#define TDX_BODY_10    584u
#define TDX_BODY_15    648u
#define TDX_RTMRS      4u
#define TDX_MR	       48u
#define TDX_QE_REPORT  384u
#define TDX_ADVISORIES 512u

#define TDX_ATTR_TUD		 UINT64_C(0xff)
#define TDX_ATTR_DEBUG		 UINT64_C(1)
#define TDX_ATTR_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TDX_ATTR_MIGRATABLE	 (UINT64_C(1) << 29)

struct tdx_qe {
	uint8_t cpusvn[16], miscselect[4], attributes[16], mrenclave[32],
	    mrsigner[32], report_data[64];
	uint16_t isvprodid, isvsvn;
};

struct tdx_quote {
	uint16_t version, body_type; /* body_type: 0 in version 4 */
	uint32_t tee_type;
	uint8_t vendor_id[16], user_data[20];
	bool td15; /* tee_tcb_svn2 and mr_servicetd are there */
	uint8_t tee_tcb_svn[16], tee_tcb_svn2[16];
	uint8_t mr_seam[TDX_MR], mrsigner_seam[TDX_MR], seam_attributes[8],
	    td_attributes[8], xfam[8], mr_td[TDX_MR], mr_config_id[TDX_MR],
	    mr_owner[TDX_MR], mr_owner_config[TDX_MR], rtmr[TDX_RTMRS][TDX_MR],
	    report_data[64], mr_servicetd[TDX_MR];
	struct tdx_qe qe;
	uint16_t cert_type; /* of the inner certification data */
	struct pck pck;	    /* tdx_verify: of a PCK certificate that holds */
	/* Lent: they point into the quote that was parsed. */
	const uint8_t *raw, *signature, *key, *qe_report, *qe_signature,
	    *qe_auth, *certs;
	size_t signed_n, auth_n, trailing_n, qe_auth_n, certs_n;
};

/* What the collateral says of a quote. */
struct tdx_tcb {
	bool known; /* else the collateral is missing or not to be believed */
	enum pcs_status status, platform, module, qe;
	bool has_module;     /* tee_tcb_svn[1] > 0 */
	uint32_t evaluation; /* the lower of the two tcbEvaluationDataNumbers */
	char advisories[TDX_ADVISORIES]; /* with commas; "" when none */
};

/* What an owner wants; from the policy's "tdx" object, whose strings it
 * borrows. Digests are lower-case hex in the order of the quote's bytes. */
struct tdx_policy {
	struct rows_list mr_td, rtmr[TDX_RTMRS], mr_config_id, mr_owner,
	    mr_owner_config, mr_seam, mr_servicetd, xfam, fmspc, ppid, instance;
	bool accept[PCS_STATUSES]; /* TCB statuses */
	uint32_t min_evaluation;
	bool allow_debug, require_sept_ve_disable, no_crl;
	struct eventlog_want eventlog;
};

CL_MUST_CHECK int tdx_parse(const uint8_t *p, size_t n, struct tdx_quote *q);
/* Fields in the names of the layout above, byte strings as lower-case hex;
 * what the PCK certificate says with it. NULL when memory is out. */
json_t *tdx_print(const struct tdx_quote *q);
/* {"status","platform","module","qe","evaluation","advisories"}. */
json_t *tdx_print_tcb(const struct tdx_tcb *tcb);

/* Defaults: what a policy without "tdx" means. */
void tdx_policy_init(struct tdx_policy *policy);
/* Strict; NULL gives the defaults. o must outlive the policy. json_why() names
 * what was wrong. */
CL_MUST_CHECK int tdx_policy_parse(const json_t *o, struct tdx_policy *policy);

/*
 * Chain, QE report, attestation key, signature, revocation, QE identity: is
 * this a genuine quote? Then what the collateral in the bags says: rows->tcb
 * is the status word, or "unknown" when it says nothing that can be believed
 * (tcb->known is false). Appends rows. CL_ERR_EVIDENCE when it is not genuine;
 * rows->authentic is the caller's to set.
 */
CL_MUST_CHECK int tdx_verify(const uint8_t *p, size_t n,
    const struct endorse *own, const struct endorse *given,
    const struct roots *roots, int64_t time, const struct tdx_policy *policy,
    struct tdx_quote *q, struct tdx_tcb *tcb, struct appraise_result *rows);
/* TCB status, attributes, reference values. The caller compared report_data.
 * CL_ERR_APPRAISAL. */
CL_MUST_CHECK int tdx_appraise(const struct tdx_quote *q,
    const struct tdx_tcb *tcb, const struct tdx_policy *policy,
    struct appraise_result *rows);

#endif
