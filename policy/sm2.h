/* SM2 with SM3 (GB/T 32918, 32905) in raw form: a signature is r‖s, a key
 * x‖y, numbers big endian, 32 bytes each. OpenSSL does it; a build of it
 * without them gives CL_ERR_UNSUPPORTED. */
#ifndef CLOISTER_POLICY_SM2_H
#define CLOISTER_POLICY_SM2_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* CL_ERR_FORMAT when the point is not on the curve. EVP_PKEY_free() it. */
CL_MUST_CHECK int sm2_key(const uint8_t xy[64], EVP_PKEY **out);
/* id: of the one who signed, it is part of what is signed; at most 254 bytes.
 * CL_ERR_SIGNATURE when it does not hold. */
CL_MUST_CHECK int sm2_verify(EVP_PKEY *key, const uint8_t *id, size_t id_n,
    const void *p, size_t n, const uint8_t sig[64]);
CL_MUST_CHECK int sm2_hmac(
    const uint8_t *key, size_t key_n, const void *p, size_t n, uint8_t out[32]);

#endif
