/* ECDSA over P-256 with SHA-256 in the raw form that Intel uses: a signature
 * is r‖s, a key x‖y, numbers big endian, 32 bytes each. */
#ifndef CLOISTER_POLICY_P256_H
#define CLOISTER_POLICY_P256_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* Is it a key of this curve? NULL is none. */
bool p256_is(const EVP_PKEY *key);
/* CL_ERR_FORMAT when the point is not on the curve. EVP_PKEY_free() it. */
CL_MUST_CHECK int p256_key(const uint8_t xy[64], EVP_PKEY **out);
/* CL_ERR_SIGNATURE when it does not hold, or the key is of another kind. */
CL_MUST_CHECK int p256_verify(
    EVP_PKEY *key, const void *p, size_t n, const uint8_t sig[64]);

#endif
