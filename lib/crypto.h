/* One-shot wrappers of OpenSSL for what is not a cell: hashes, HKDF, wrapping,
 * random bytes. Nothing here allocates for the caller. */
#ifndef CLOISTER_LIB_CRYPTO_H
#define CLOISTER_LIB_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define CRYPTO_KEY     32u /* AES-256 keys, roots, wrapped secrets */
#define CRYPTO_SHA256  32u
#define CRYPTO_SHA512  64u
#define CRYPTO_WRAP(n) ((n) + 1u + 12u + 16u) /* size of a wrapped n bytes */

struct crypto_part {
	const void *p;
	size_t n;
};

CL_MUST_CHECK int crypto_random(void *out, size_t n);
/* Hash over the concatenation of the parts. */
CL_MUST_CHECK int crypto_sha256(
    const struct crypto_part *parts, size_t nparts, uint8_t out[32]);
CL_MUST_CHECK int crypto_sha512(
    const struct crypto_part *parts, size_t nparts, uint8_t out[64]);
/* RFC 5869 with SHA-256; salt may be NULL/0. */
CL_MUST_CHECK int crypto_hkdf(const uint8_t *ikm, size_t ikm_len,
    const uint8_t *salt, size_t salt_len, const uint8_t *info, size_t info_len,
    uint8_t *out, size_t n);
/*
 * Wrapping under a 256-bit key: u8 format (1) | nonce[12] | ciphertext | tag[16],
 * AES-256-GCM, random nonce; aad is bound. out has CRYPTO_WRAP(n) bytes.
 * Unwrap: out has wrapped_len - 29 bytes; CL_ERR_KEY_UNWRAP when it does not
 * verify, and then out is wiped.
 */
CL_MUST_CHECK int crypto_wrap(const uint8_t key[32], const void *aad,
    size_t aad_len, const void *p, size_t n, uint8_t *out);
CL_MUST_CHECK int crypto_unwrap(const uint8_t key[32], const void *aad,
    size_t aad_len, const uint8_t *wrapped, size_t wrapped_len, uint8_t *out);

#endif
