/* The inside of policy/endorse: containers of certificates and CRLs. Whoever
 * calls these takes back what a failure leaves half added. */
#ifndef CLOISTER_POLICY_ENDORSE_BLOB_H
#define CLOISTER_POLICY_ENDORSE_BLOB_H

#include <stdbool.h>

#include "policy/endorse.h"

/* One DER object to its last byte; one that is there already is not added
 * again. CL_ERR_FORMAT, CL_ERR_LIMIT. */
CL_MUST_CHECK int endorse_add_cert(
    struct endorse *e, const uint8_t *p, size_t n);
CL_MUST_CHECK int endorse_add_crl(
    struct endorse *e, const uint8_t *p, size_t n);
/* DER or PEM of certificates or CRLs. */
CL_MUST_CHECK int endorse_add_atom(
    struct endorse *e, const uint8_t *p, size_t n);

/* All of another bag. */
CL_MUST_CHECK int endorse_add_bag(
    struct endorse *e, const struct endorse *more);

/* PEM (RFC 7468): CERTIFICATE and X509 CRL blocks, strict base64; other text
 * may stand on lines of its own, printable ASCII, without five dashes. One
 * NUL may end it all. */
bool endorse_is_pem(const uint8_t *p, size_t n);
CL_MUST_CHECK int endorse_add_pem(
    struct endorse *e, const uint8_t *p, size_t n);

/*
 * AMD's certificate table (GHCB specification, SNP extended guest request):
 * entries of GUID[16] in network order, u32 offset from the table's start,
 * u32 length, until an entry of zeros. Only VCEK, VLEK, ASK, ARK and CRL are
 * taken, each with what its GUID promises (an ARK signs itself, an ASK is a CA
 * that does not, …); other GUIDs and empty payloads are passed over.
 */
bool endorse_is_table(const uint8_t *p, size_t n);
/* The same by name: VCEK, VLEK, ASK, ARK or CRL. CL_ERR_FORMAT for what is not
 * what it is called; another name is passed over. */
CL_MUST_CHECK int endorse_add_named(
    struct endorse *e, const char *name, const uint8_t *p, size_t n);
CL_MUST_CHECK int endorse_add_table(
    struct endorse *e, const uint8_t *p, size_t n);

/* An object after white space. */
bool endorse_is_json(const uint8_t *p, size_t n);
/* Hygon's have no magic: length and the word for their usage tell them. An
 * enum endorse_kind, or 0. */
int endorse_hygon_kind(const uint8_t *p, size_t n);

#endif
