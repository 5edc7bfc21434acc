/*
 * An SVSM's word on the TPM that it is: a report of VMPL 0 and a manifest with
 * the TPM's endorsement key (policy/verify_tpm_svsm.c has the layout), and the
 * use of that key.
 */
#ifndef CLOISTER_AGENT_TPM_SVSM_H
#define CLOISTER_AGENT_TPM_SVSM_H

#include <stddef.h>
#include <stdint.h>

#include "agent/evidence_provider.h"
#include "agent/tpm_signer.h"
#include "agent/tsm.h"

/* About 64 bytes of the caller's; with the host's certificates in aux, which
 * take an ordinary request of their own. Waits two seconds between requests:
 * some SVSMs do not survive a host that throttles them; asked_ms: when another
 * process last asked (CLOCK_MONOTONIC), 0: never. tsm_clear() out.
 * CL_ERR_UNSUPPORTED, CL_ERR_NOT_FOUND: there is no SVSM here; others as
 * tsm_report. */
CL_MUST_CHECK int tpm_svsm_attest(const char *tsm_root, int64_t asked_ms,
    const uint8_t data[EVIDENCE_REPORT_DATA], struct tsm_report *out,
    char reason[TSM_REASON]);
/* TPM2_ActivateCredential with the endorsement key of TCG's default template
 * (EK Credential Profile, L-1: RSA 2048) and the key that signs: the secret
 * that somebody sealed to both with TPM2_MakeCredential. credential:
 * TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET. CL_ERR_FORMAT; CL_ERR_TPM: this TPM
 * does not have both keys, or another failure; t's reason says more. */
CL_MUST_CHECK int tpm_svsm_activate(struct tpm *t, const struct tpm_signer *key,
    const uint8_t *credential, size_t n, uint8_t secret[32]);

#endif
