/*
 * A bag of endorsements, found by content and not by name: DER or PEM
 * certificates and chains, CRLs (DER, PEM), Intel PCS documents, Hygon's
 * HSK‖CEK and HRK, AMD's certificate table; in files, these in the text that
 * services and tools put around them, too. Untrusted until a verifier builds a
 * chain to a pinned root; every count and size is bounded.
 */
#ifndef CLOISTER_POLICY_ENDORSE_H
#define CLOISTER_POLICY_ENDORSE_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define ENDORSE_BLOB_MAX  (1u << 20)
#define ENDORSE_CERTS_MAX 256u
#define ENDORSE_CRLS_MAX  32u
#define ENDORSE_DOCS_MAX  256u
#define ENDORSE_DEPTH_MAX 8u /* of folders */

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
/* As endorse_add, and further forms that files have: DER objects one after
 * another; hex or base64 of them; PEM as a URL's text in the headers of an
 * answer of Intel's service; JSON with any of these as members, as text or as
 * arrays of bytes (collateral of verification libraries, Trustee's evidence).
 */
CL_MUST_CHECK int endorse_add_text(
    struct endorse *e, const uint8_t *p, size_t n);
/* A file, or every regular file in a folder and the folders in it (not those
 * behind symbolic links). A single file must be an endorsement. Files in a
 * folder that are none, or cannot be read, are counted in *skipped, not
 * refused. CL_ERR_NOT_FOUND, CL_ERR_LIMIT, CL_ERR_FORMAT. */
CL_MUST_CHECK int endorse_add_path(
    struct endorse *e, const char *path, unsigned *skipped);
/*
 * The media type of a blob by what it seems to be, NULL when it seems to be
 * nothing of the above. Only enough is looked at to tell them apart, no
 * library parses anything, so the engine may ask; endorse_add() takes nothing
 * that has no type, and decides.
 */
const char *endorse_type(const uint8_t *p, size_t n);
/* First document of a kind; NULL when there is none. */
const struct endorse_doc *endorse_find(
    const struct endorse *e, enum endorse_kind kind);

#endif
