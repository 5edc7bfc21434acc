/*
 * The inside of policy/identity: what differs between the kinds, and raw
 * signatures over a message with OpenSSL.
 */
#ifndef CLOISTER_POLICY_IDENTITY_KEY_H
#define CLOISTER_POLICY_IDENTITY_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "policy/identity.h"

struct identity_row {
	enum identity_kind kind;
	const char *name;      /* ours */
	const char *algorithm; /* OpenSSL's key type */
	const char *group;     /* OpenSSL's curve; NULL: none */
	const char *digest;    /* NULL: the algorithm has its own */
};

/* *n: in capacity, out length. */
CL_MUST_CHECK int identity_key_sign(const struct identity_row *row,
    EVP_PKEY *key, const uint8_t *p, size_t len, uint8_t *sig, size_t *n);
/* CL_ERR_SIGNATURE. */
CL_MUST_CHECK int identity_key_verify(const struct identity_row *row,
    EVP_PKEY *key, const uint8_t *p, size_t len, const uint8_t *sig, size_t n);

#endif
