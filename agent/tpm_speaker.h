/*
 * What speaks for the key of a TPM's quotes: Azure's paravisor (its report in
 * NV index 0x01400001), an SVSM, a certificate that the cloud wrote into the
 * TPM. It goes with the quote as it is; whoever verifies judges it.
 */
#ifndef CLOISTER_AGENT_TPM_SPEAKER_H
#define CLOISTER_AGENT_TPM_SPEAKER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/evidence_provider.h"
#include "agent/tpm_signer.h"
#include "agent/tsm.h"

struct tpm_speaker {
	uint8_t *hcl, *td_quote, *certificate; /* secmem or NULL */
	size_t hcl_n, td_quote_n, certificate_n;
	struct tsm_report svsm; /* out NULL: none */
	uint8_t data[EVIDENCE_REPORT_DATA];
};

/* Is this a value of [tpm] ak_certificate=? */
bool tpm_speaker_is_index(const char *text);
/* data: what the quote will be about. t's reason says why it failed;
 * tpm_speaker_clear() in every case. */
CL_MUST_CHECK int tpm_speaker_find(struct tpm *t,
    const struct evidence_config *c, const struct tpm_signer *key,
    const uint8_t data[EVIDENCE_REPORT_DATA], struct tpm_speaker *s);
/* Members of the TPM document, and endorsements. */
CL_MUST_CHECK int tpm_speaker_add(
    const struct tpm_speaker *s, json_t *document, struct evidence *out);
void tpm_speaker_clear(struct tpm_speaker *s);

#endif
