/*
 * A bag of endorsements, found by content and not by name: DER or PEM
 * certificates and chains, CRLs (DER, PEM), Intel PCS documents, Hygon's
 * HSK‖CEK and HRK, AMD's certificate table. Untrusted until a verifier builds
 * a chain to a pinned root; every count and size is bounded.
 */
#ifndef CLOISTER_POLICY_ENDORSE_H
#define CLOISTER_POLICY_ENDORSE_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define ENDORSE_BLOB_MAX  (1u << 20)
#define ENDORSE_CERTS_MAX 64u
#define ENDORSE_CRLS_MAX  16u
#define ENDORSE_DOCS_MAX  8u

enum endorse_kind {
	ENDORSE_TCB_INFO = 1, /* {"tcbInfo":{…},"signature":"…"} */
	ENDORSE_QE_IDENTITY,  /* {"enclaveIdentity":{…},"signature":"…"} */
	ENDORSE_HSK_CEK,      /* 2916 bytes */
	ENDORSE_HRK,	      /* 832 bytes */
	ENDORSE_HSK,	      /* 832 bytes */
	ENDORSE_CEK,	      /* 2084 bytes */
};

struct endorse_doc {
	enum endorse_kind kind;
	uint8_t *p;
	size_t n;
};

struct endorse {
	unsigned ncerts, ncrls, ndocs;
	X509 *certs[ENDORSE_CERTS_MAX];
	X509_CRL *crls[ENDORSE_CRLS_MAX];
	struct endorse_doc docs[ENDORSE_DOCS_MAX];
};

CL_MUST_CHECK int endorse_new(struct endorse **out);
void endorse_free(struct endorse *e);
/* One blob or file's content. Unknown content is CL_ERR_FORMAT and changes
 * nothing; more than the bag holds is CL_ERR_LIMIT. */
CL_MUST_CHECK int endorse_add(struct endorse *e, const uint8_t *p, size_t n);
/* Every regular file in a folder; files of unknown content are counted in
 * *skipped, not refused. */
CL_MUST_CHECK int endorse_add_dir(
    struct endorse *e, const char *path, unsigned *skipped);
/* First document of a kind; NULL when there is none. */
const struct endorse_doc *endorse_find(
    const struct endorse *e, enum endorse_kind kind);

#endif
