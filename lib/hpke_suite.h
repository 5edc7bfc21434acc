/*
 * The inside of lib/hpke: the AEAD as a parameter and an ephemeral key that
 * the caller gives. For lib/hpke itself, for messages that sign enc before
 * they are sealed, and for the published vectors. The ephemeral key must be
 * fresh from hpke_keypair() for each message and is wiped after it.
 */
#ifndef CLOISTER_LIB_HPKE_SUITE_H
#define CLOISTER_LIB_HPKE_SUITE_H

#include "lib/crypto.h"
#include "lib/hpke.h"

/* RFC 9180, 7.3, table 5. */
struct hpke_aead {
	uint16_t id;
	uint8_t nk;
	enum crypto_aead alg;
};

const struct hpke_aead *hpke_aes128(void);
const struct hpke_aead *hpke_aes256(void);

/* DeriveKeyPair (RFC 9180, 7.1.3), and pk(sk). */
CL_MUST_CHECK int hpke_derive(
    const uint8_t *ikm, size_t n, uint8_t sk[32], uint8_t pk[32]);
/* What KeySchedule gives in base mode (RFC 9180, 5.1). Secret. */
struct hpke_context {
	uint8_t key[32]; /* nk bytes */
	uint8_t nonce[CRYPTO_NONCE];
	struct hpke_exporter ex;
};
CL_MUST_CHECK int hpke_setup_sender(const struct hpke_aead *aead,
    const uint8_t pk[32], const uint8_t ephemeral[32], const void *info,
    size_t info_len, uint8_t enc[32], struct hpke_context *c);
CL_MUST_CHECK int hpke_setup_receiver(const struct hpke_aead *aead,
    const uint8_t sk[32], const uint8_t enc[32], const void *info,
    size_t info_len, struct hpke_context *c);

#endif
