/* One-shot wrappers of OpenSSL for what is not a cell: hashes, HKDF, wrapping,
 * random bytes. Nothing here allocates for the caller. */
#ifndef CLOISTER_LIB_CRYPTO_H
#define CLOISTER_LIB_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define CRYPTO_KEY    32u /* AES-256 keys, roots, wrapped secrets */
#define CRYPTO_SHA256 32u
#define CRYPTO_SHA512 64u
/* Size of n bytes when wrapped. */
#define CRYPTO_WRAP(n) ((n) + 1u + 12u + 16u)

struct crypto_part {
	const void *p;
	size_t n;
};

/*
 * Fetches the algorithms of this header and runs each once, so that later
 * calls open no file and load nothing. Every function does the fetching by
 * itself on first use; a process that confines itself warms up before its
 * filter and after secmem_hook_libraries(). message_warmup() in
 * policy/message.h includes this and all else in lib and policy.
 */
CL_MUST_CHECK int crypto_warmup(void);
/* OpenSSL is set up, once, without a configuration file: before any direct
 * use of it. */
CL_MUST_CHECK int crypto_ready(void);

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
 * Wrapping under a 256-bit key: u8 format (1) | nonce[12] | ciphertext |
 * tag[16], AES-256-GCM, random nonce; aad is bound. out has CRYPTO_WRAP(n)
 * bytes. Unwrap: out has wrapped_len - 29 bytes; CL_ERR_KEY_UNWRAP when it does
 * not verify, and then out is wiped.
 */
CL_MUST_CHECK int crypto_wrap(const uint8_t key[32], const void *aad,
    size_t aad_len, const void *p, size_t n, uint8_t *out);
CL_MUST_CHECK int crypto_unwrap(const uint8_t key[32], const void *aad,
    size_t aad_len, const uint8_t *wrapped, size_t wrapped_len, uint8_t *out);

enum crypto_aead { CRYPTO_AES_128_GCM, CRYPTO_AES_256_GCM };
#define CRYPTO_NONCE 12u
#define CRYPTO_TAG   16u

/* One-shot AEAD: out has n + 16 bytes, the tag last. The caller answers for
 * the nonce: never twice under one key. */
CL_MUST_CHECK int crypto_aead_seal(enum crypto_aead alg, const uint8_t *key,
    const uint8_t nonce[CRYPTO_NONCE], const struct crypto_part *aad,
    const void *pt, size_t n, uint8_t *out);
/* out has n - 16 bytes; CL_ERR_KEY_UNWRAP when it does not verify, and then
 * out is wiped. */
CL_MUST_CHECK int crypto_aead_open(enum crypto_aead alg, const uint8_t *key,
    const uint8_t nonce[CRYPTO_NONCE], const struct crypto_part *aad,
    const uint8_t *ct, size_t n, uint8_t *out);

/* The two halves of HKDF, for schedules that use them apart (HPKE). extract
 * takes its input key material in parts. */
CL_MUST_CHECK int crypto_hkdf_extract(const uint8_t *salt, size_t salt_len,
    const struct crypto_part *ikm, size_t nikm, uint8_t prk[CRYPTO_SHA256]);
/* info together at most CRYPTO_HKDF_INFO bytes, n at most 255 * 32. */
#define CRYPTO_HKDF_INFO 1024u
CL_MUST_CHECK int crypto_hkdf_expand(const uint8_t prk[CRYPTO_SHA256],
    const struct crypto_part *info, size_t ninfo, uint8_t *out, size_t n);

#endif
