/*
 * TPM2_MakeCredential without a TPM (TPM 2.0 Library, part 1, 24): seals a
 * secret to an endorsement key and the name of another key, so that only the
 * TPM that has both gives it out (TPM2_ActivateCredential). Here the secret
 * makes a nonce: evidence over that nonce proves that its AK, with just these
 * attributes, is in the TPM of that EK. An attestation key's name covers its
 * attributes, and a TPM loads no fixedTPM key that it did not make.
 */
#ifndef CLOISTER_POLICY_TPM_CREDENTIAL_H
#define CLOISTER_POLICY_TPM_CREDENTIAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "policy/verify_tpm.h"

#define TPM_CREDENTIAL_SECRET 32u
#define TPM_CREDENTIAL_MAX    512u

/* TPM2B_ID_OBJECT, then TPM2B_ENCRYPTED_SECRET. */
struct tpm_credential {
	uint8_t p[TPM_CREDENTIAL_MAX];
	size_t n;
};

/* SHA-256("cloister credential v1\0" ‖ nonce ‖ secret): what the evidence is
 * over. Not the secret itself, so that nobody learns from an agent what
 * somebody else has sealed to its TPM. */
CL_MUST_CHECK int tpm_credential_nonce(const uint8_t nonce[32],
    const uint8_t secret[TPM_CREDENTIAL_SECRET], uint8_t out[32]);

/*
 * For evidence whose SVSM speaks for an EK: what to send along with nonce, and
 * what to expect. CL_ERR_NOT_FOUND: no such evidence, nothing is needed;
 * CL_ERR_UNSUPPORTED: an EK that is not RSA.
 * raw: of evidence of kind "tpm", which nobody has judged.
 */
CL_MUST_CHECK int tpm_credential_challenge(const uint8_t *raw, size_t raw_n,
    const uint8_t nonce[32], struct tpm_credential *out,
    struct tpm_challenge *challenge);

#endif
