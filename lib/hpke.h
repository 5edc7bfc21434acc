/*
 * HPKE (RFC 9180), base mode, single shot: DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM, with the secret export interface (5.3).
 */
#ifndef CLOISTER_LIB_HPKE_H
#define CLOISTER_LIB_HPKE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define HPKE_PUBLIC   32u
#define HPKE_PRIVATE  32u
#define HPKE_ENC      32u
#define HPKE_OVERHEAD 16u /* ciphertext is this much longer than plaintext */

/* Secret: wipe after use. */
struct hpke_exporter {
	uint8_t secret[32];
};

CL_MUST_CHECK int hpke_keypair(uint8_t sk[32], uint8_t pk[32]);
/* Encapsulates to pk: fills enc, ct (n + 16 bytes) and, if not NULL, ex. */
CL_MUST_CHECK int hpke_seal(const uint8_t pk[32], const void *info,
    size_t info_len, const void *aad, size_t aad_len, const void *pt, size_t n,
    uint8_t enc[32], uint8_t *ct, struct hpke_exporter *ex);
/* out has n - 16 bytes. CL_ERR_KEY_UNWRAP when it does not verify. */
CL_MUST_CHECK int hpke_open(const uint8_t sk[32], const uint8_t enc[32],
    const void *info, size_t info_len, const void *aad, size_t aad_len,
    const uint8_t *ct, size_t n, uint8_t *out, struct hpke_exporter *ex);
CL_MUST_CHECK int hpke_export(const struct hpke_exporter *ex,
    const void *context, size_t context_len, uint8_t *out, size_t n);

#endif
