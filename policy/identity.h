/*
 * Signing identities: Ed25519, ECDSA P-256 (SHA-256), RSA-3072 (PSS, SHA-256,
 * salt 32), SM2 (SM3). A signature is made over domain ‖ NUL ‖ the parts.
 */
#ifndef CLOISTER_POLICY_IDENTITY_H
#define CLOISTER_POLICY_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/crypto.h"
#include "lib/err.h"

#define IDENTITY_SIG_MAX   512u
#define IDENTITY_PEM_MAX   2048u
#define IDENTITY_PUKID_LEN 45u /* base64 of 32 bytes, with NUL */

enum identity_kind {
	IDENTITY_ED25519 = 1,
	IDENTITY_P256 = 2,
	IDENTITY_RSA3072 = 3,
	IDENTITY_SM2 = 4,
};

struct identity; /* a private or a public key */

/* "ed25519", "p256", "rsa3072", "sm2"; NULL when unknown. */
const char *identity_kind_name(enum identity_kind kind);
/* CL_ERR_NOT_FOUND. */
CL_MUST_CHECK int identity_kind_by_name(
    const char *name, enum identity_kind *kind);
enum identity_kind identity_kind_of(const struct identity *id);

CL_MUST_CHECK int identity_generate(
    enum identity_kind kind, struct identity **out);
/* PKCS#8 PEM, optionally encrypted (passphrase NULL: not). CL_ERR_KEY_UNWRAP:
 * it is encrypted and the passphrase is missing or wrong. CL_ERR_FORMAT: not
 * one PEM private key. */
CL_MUST_CHECK int identity_load_private(
    const char *pem, size_t n, const char *passphrase, struct identity **out);
/* SubjectPublicKeyInfo PEM. Other key kinds are CL_ERR_UNSUPPORTED. */
CL_MUST_CHECK int identity_load_public(
    const char *pem, size_t n, struct identity **out);
void identity_free(struct identity *id);

/* PEM text in secmem, NUL-terminated; free with secmem_free. Private keys are
 * PKCS#8, with a passphrase scrypt (RFC 7914) and AES-256-CBC, as
 * openssl pkcs8 -scrypt writes them. CL_ERR_ARGUMENT: a public key only. */
CL_MUST_CHECK int identity_private_pem(
    const struct identity *id, const char *passphrase, char **pem);
CL_MUST_CHECK int identity_public_pem(const struct identity *id, char **pem);
/* base64(SHA-256(PEM file bytes)), SM3 for SM2: as
 * openssl sha256 -binary pub.pem | openssl base64 prints it for the file that
 * openssl pkey -pubout writes; other spellings of the key give the same. */
CL_MUST_CHECK int identity_pukid(
    const struct identity *id, char out[IDENTITY_PUKID_LEN]);

/* *n: in capacity, out length. */
CL_MUST_CHECK int identity_sign(const struct identity *id, const char *domain,
    const struct crypto_part *parts, size_t nparts, uint8_t *sig, size_t *n);
/* CL_ERR_SIGNATURE when it does not hold. */
CL_MUST_CHECK int identity_verify(const struct identity *id, const char *domain,
    const struct crypto_part *parts, size_t nparts, const uint8_t *sig,
    size_t n);

#endif
