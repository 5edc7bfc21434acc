/*
 * The few TPM 2.0 operations that sealing needs, over ESAPI: a storage key, a
 * salted session that encrypts parameters, PCRs, a sealed object under a PCR
 * policy. One connection, one thread, short-lived.
 */
#ifndef CLOISTER_SEALING_TPM_H
#define CLOISTER_SEALING_TPM_H

#include <tss2/tss2_esys.h>

#include "sealing/seal.h"
#include "sealing/tpm_blob.h"

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR primary;
	ESYS_TR session; /* HMAC, salted to primary, AES-128-CFB */
	uint8_t primary_hash[32];
	char *reason; /* SEAL_REASON bytes */
};

/* Connects, makes the storage key and the session. On failure reason says
 * why, and tpm_close() is still to be called. */
CL_MUST_CHECK int tpm_open(struct tpm *t, const char *tcti, char *reason);
void tpm_close(struct tpm *t);
/* Fills pcrs->pcr for the bits of pcrs->mask. */
CL_MUST_CHECK int tpm_read_pcrs(struct tpm *t, struct tpm_pcrs *pcrs);
/* Seals key to b->pcrs: fills public, private, primary. */
CL_MUST_CHECK int tpm_seal(
    struct tpm *t, const uint8_t key[SEAL_KEY], struct tpm_blob *b);
CL_MUST_CHECK int tpm_unseal(
    struct tpm *t, const struct tpm_blob *b, uint8_t key[SEAL_KEY]);

#endif
