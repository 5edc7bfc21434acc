/*
 * The evidence envelope and the claims, as both sides see them.
 *
 * Claims: one JSON text, made by the engine:
 *   {"v":1,"tee":"sim","channel_key":b64url(32),"issued":unix seconds,
 *    "expires":unix seconds,"audit_key":b64url(32),"boot":b64url(16),
 *    "version":"0.1.0",
 *    "binary":hex sha256,"config":hex sha256,"posture":{"memory":…,…}}
 * REPORT_DATA = SHA-512("cloister evidence v1\0" ‖ nonce[32] ‖
 *               SHA-256(claims text)).
 * Envelope (application/vnd.cloister.evidence+json):
 *   {"v":1,"tee":"sim","nonce":b64url,"claims":"the text",
 *    "evidence":[type, b64url(raw bytes), 4],
 *    "eventlog":[type, b64url(log), 4],
 *    "endorsements":[[type, b64url(blob), 2],…]}
 * with records as policy/evidence_record.h has them; eventlog may be missing.
 * The TEE decides the type of the evidence, the content that of an endorsement
 * (policy/endorse.h), of which the simulated TEE has none.
 * The relying party hashes the claims text that it got, never a re-encoding.
 */
#ifndef CLOISTER_POLICY_EVIDENCE_H
#define CLOISTER_POLICY_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define EVIDENCE_NONCE	     32u
#define EVIDENCE_REPORT_DATA 64u
#define EVIDENCE_CLAIMS_MAX  16384u
#define EVIDENCE_RAW_MAX     (128u << 10)
#define EVIDENCE_LOG_MAX     (1u << 20)
#define EVIDENCE_TEXT_MAX    (2u << 20)
#define EVIDENCE_BLOBS_MAX   32u
#define EVIDENCE_BLOB_MAX    (1u << 20)
#define EVIDENCE_LOG_TYPE    "application/vnd.cloister.tcg-eventlog"

struct evidence_claims {
	char tee[16];
	uint8_t channel_key[32];
	int64_t issued; /* by the guest's clock; 0: not said */
	int64_t expires;
	uint8_t audit_key[32];
	uint8_t boot[16];
	char version[32];
	char binary[65];
	char config[65];
	char memory[32]; /* posture.memory: "memfd_secret" or "mlock" */
};

struct evidence_blob {
	uint8_t *p; /* secmem */
	size_t n;
};

struct evidence {
	char tee[16];
	uint8_t nonce[EVIDENCE_NONCE];
	char *claims; /* exact text; secmem */
	size_t claims_n;
	uint8_t *raw; /* secmem */
	size_t raw_n;
	/* CC event log of TDX and CSV, runtime records at its end; secmem,
	 * NULL: none. A TPM's log is a member of its document, which is raw. */
	uint8_t *log;
	size_t log_n;
	unsigned nblobs; /* endorsements */
	struct evidence_blob blobs[EVIDENCE_BLOBS_MAX];
};

CL_MUST_CHECK int evidence_report_data(const uint8_t nonce[EVIDENCE_NONCE],
    const char *claims, size_t claims_n, uint8_t out[EVIDENCE_REPORT_DATA]);
CL_MUST_CHECK int evidence_claims_hash(
    const char *claims, size_t claims_n, uint8_t out[32]);
CL_MUST_CHECK int evidence_claims_print(
    const struct evidence_claims *c, char **text, size_t *n);
CL_MUST_CHECK int evidence_claims_parse(
    const char *text, size_t n, struct evidence_claims *c);
/* The media type of a kind of TEE's evidence; NULL: no such kind. */
const char *evidence_type(const char *tee);
/* Keeps a copy of an endorsement. CL_ERR_LIMIT. */
CL_MUST_CHECK int evidence_add_blob(
    struct evidence *e, const void *p, size_t n);
/* CL_ERR_UNSUPPORTED: a kind of TEE, CL_ERR_FORMAT: an endorsement that has
 * no media type. CL_ERR_TOO_LARGE: more than EVIDENCE_TEXT_MAX. *text is
 * secmem, the caller frees. */
CL_MUST_CHECK int evidence_print(
    const struct evidence *e, char **text, size_t *n);
/* json_why() names the member of a CL_ERR_FORMAT or CL_ERR_TOO_LARGE and what
 * was expected. CL_ERR_UNSUPPORTED: a kind of TEE. */
CL_MUST_CHECK int evidence_parse(
    const char *text, size_t n, struct evidence *e);
void evidence_clear(struct evidence *e);

#endif
