/*
 * X.509 chains to a pinned root at an explicit time, and CRLs. No default
 * paths, no system store, no purpose; not X509_V_FLAG_X509_STRICT, because
 * AMD's VCEK has no authority key identifier.
 */
#ifndef CLOISTER_POLICY_CHAIN_H
#define CLOISTER_POLICY_CHAIN_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "policy/endorse.h"
#include "policy/roots.h"

struct chain {
	X509 *leaf, *intermediate, *root; /* borrowed */
	bool test_root;
};

/*
 * Finds, among the certificates of bags a and b (NULL: empty), the
 * intermediate and the root of leaf; the root's key must be pinned for vendor;
 * verifies signatures, validity at time, CA flags and path lengths. why: one
 * line on failure (which certificate, what was expected). CL_ERR_EVIDENCE.
 */
CL_MUST_CHECK int chain_build(X509 *leaf, const struct endorse *a,
    const struct endorse *b, enum root_vendor vendor, const struct roots *roots,
    int64_t time, struct chain *out, char why[160]);
/* Two-certificate chain: signer directly under the root (Intel's TCB
 * signing certificate); intermediate is then NULL. */
CL_MUST_CHECK int chain_build_short(X509 *signer, const struct endorse *a,
    const struct endorse *b, enum root_vendor vendor, const struct roots *roots,
    int64_t time, struct chain *out, char why[160]);

enum chain_crl {
	CHAIN_CRL_GOOD,
	CHAIN_CRL_NONE,
	CHAIN_CRL_STALE,
	CHAIN_CRL_REVOKED,
	CHAIN_CRL_BAD,	/* its signature or form is wrong */
	CHAIN_CRL_EARLY /* only one whose time has not come */
};
/* Looks for a CRL by issuer that its key signed as vendor signs and that is
 * current at time; says whether cert is on it. A listed certificate is
 * revoked, however old the list. Of several lists the best one counts. */
enum chain_crl chain_revoked(X509 *cert, X509 *issuer, enum root_vendor vendor,
    const struct endorse *a, const struct endorse *b, int64_t time);
/* CN of the subject, "" when there is none. */
void chain_cn(X509 *cert, char *out, size_t cap);
CL_MUST_CHECK int chain_spki_sha256(X509 *cert, uint8_t out[32]);

#endif
