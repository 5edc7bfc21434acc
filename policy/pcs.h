/*
 * Collateral of Intel's Provisioning Certification Service (version 4):
 *
 *	{"tcbInfo":{…},"signature":"hex"}		TCB info, version 3
 *	{"enclaveIdentity":{…},"signature":"hex"}	identity of the TD QE
 *
 * The signature is ECDSA P-256/SHA-256, r‖s, over the exact bytes of the
 * object. They are taken as they came: nothing may stand between the tokens
 * outside of the object, and no member may occur twice in it.
 *
 * tcbInfo: id "TDX", version 3, issueDate, nextUpdate, fmspc, pceId, tcbType 0,
 *   tcbEvaluationDataNumber, tdxModule {mrsigner, attributes, attributesMask},
 *   tdxModuleIdentities [{id "TDX_01", mrsigner, attributes, attributesMask,
 *     tcbLevels [{tcb {isvsvn}, tcbDate, tcbStatus, advisoryIDs}]}],
 *   tcbLevels [{tcb {sgxtcbcomponents [16 × {svn}], pcesvn,
 *     tdxtcbcomponents [16 × {svn}]}, tcbDate, tcbStatus, advisoryIDs}]
 * enclaveIdentity: id "TD_QE", version 2, issueDate, nextUpdate,
 *   tcbEvaluationDataNumber, miscselect, miscselectMask, attributes,
 *   attributesMask, mrsigner, isvprodid, tcbLevels as of a module
 */
#ifndef CLOISTER_POLICY_PCS_H
#define CLOISTER_POLICY_PCS_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define PCS_DOC_MAX	(1u << 20)
#define PCS_LEVELS_MAX	64u
#define PCS_MODULES_MAX 16u
#define PCS_SVNS	16u

enum pcs_status {
	PCS_NOT_SUPPORTED, /* no level matches */
	PCS_UP_TO_DATE,
	PCS_SW_HARDENING_NEEDED,
	PCS_CONFIGURATION_NEEDED,
	PCS_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	PCS_OUT_OF_DATE,
	PCS_OUT_OF_DATE_CONFIGURATION_NEEDED,
	PCS_REVOKED,
	/* Verdicts only, never in a document. */
	PCS_RELAUNCH_ADVISED,
	PCS_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
};
#define PCS_STATUSES 10u

/* "UpToDate", …; "NotSupported" for the first. */
const char *pcs_status_text(enum pcs_status status);
/* CL_ERR_FORMAT for a word that is none of them. */
CL_MUST_CHECK int pcs_status_parse(const char *text, enum pcs_status *out);

/* What both documents begin with. Times are unix seconds. */
struct pcs_head {
	int64_t issued, next_update;
	uint32_t evaluation; /* tcbEvaluationDataNumber */
};

struct pcs_svn_level {
	uint32_t isvsvn;
	enum pcs_status status;
	const json_t *advisories; /* array of strings, or NULL */
};

/* Highest isvsvn first. */
struct pcs_svn_levels {
	unsigned n;
	struct pcs_svn_level level[PCS_LEVELS_MAX];
};

struct pcs_module {
	uint8_t version; /* of "TDX_%02X"; 0: tdxModule */
	uint8_t mrsigner[48], attributes[8], mask[8];
	struct pcs_svn_levels levels; /* tdxModule has none */
};

struct pcs_level {
	uint16_t sgx[PCS_SVNS], tdx[PCS_SVNS], pcesvn;
	enum pcs_status status;
	const json_t *advisories;
};

struct pcs_tcb_info {
	json_t *doc; /* owned; the advisories point into it */
	struct pcs_head head;
	uint8_t fmspc[6], pceid[2];
	struct pcs_module module;
	unsigned nmodules, nlevels;
	struct pcs_module modules[PCS_MODULES_MAX];
	/* Highest first by SGX components, PCESVN, TDX components. */
	struct pcs_level levels[PCS_LEVELS_MAX];
};

struct pcs_qe_identity {
	json_t *doc;
	struct pcs_head head;
	uint8_t miscselect[4], misc_mask[4], attributes[16], mask[16],
	    mrsigner[32];
	uint16_t isvprodid;
	struct pcs_svn_levels levels;
};

/* The signed bytes of a document whose member is name, and its signature.
 * CL_ERR_FORMAT; json_why() says what was wanted. */
CL_MUST_CHECK int pcs_split(const uint8_t *p, size_t n, const char *name,
    const uint8_t **body, size_t *body_n, uint8_t sig[64]);
/* Whole documents; the signature is another matter. json_why() names the
 * member that was wrong. */
CL_MUST_CHECK int pcs_tcb_info_parse(
    const uint8_t *p, size_t n, struct pcs_tcb_info **out);
void pcs_tcb_info_free(struct pcs_tcb_info *t);
CL_MUST_CHECK int pcs_qe_identity_parse(
    const uint8_t *p, size_t n, struct pcs_qe_identity **out);
void pcs_qe_identity_free(struct pcs_qe_identity *q);
/* CL_ERR_SIGNATURE when the signer's key did not sign the document. */
CL_MUST_CHECK int pcs_signed_by(
    const uint8_t *p, size_t n, const char *name, EVP_PKEY *key);

/* First level with isvsvn <= svn; NULL when there is none. */
const struct pcs_svn_level *pcs_svn_level(
    const struct pcs_svn_levels *levels, uint32_t svn);
/* Module identity "TDX_%02X"; NULL when it is missing. */
const struct pcs_module *pcs_module(
    const struct pcs_tcb_info *t, uint8_t version);
/* "2026-02-18T10:58:51Z" and nothing else. */
CL_MUST_CHECK int pcs_time_parse(const char *text, int64_t *out);

#endif
