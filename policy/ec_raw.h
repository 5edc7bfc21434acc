/* Points and signatures as plain numbers (x‖y, r‖s: big endian, 32 bytes each)
 * in the forms that OpenSSL takes. */
#ifndef CLOISTER_POLICY_EC_RAW_H
#define CLOISTER_POLICY_EC_RAW_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define EC_RAW_DER 80 /* two INTEGERs of at most 33 bytes */

/* type: of the key in OpenSSL's words ("EC", "SM2"). CL_ERR_FORMAT when the
 * point is not on the curve. EVP_PKEY_free() it. */
CL_MUST_CHECK int ec_raw_key(
    const char *type, const char *curve, const uint8_t xy[64], EVP_PKEY **out);
/* OpenSSL takes signatures as DER only. */
CL_MUST_CHECK int ec_raw_der(
    const uint8_t sig[64], uint8_t der[EC_RAW_DER], size_t *n);

#endif
