/*
 * A PCR of the TPM that quotes. TPM2_PCR_Event takes the event itself and
 * extends each active bank with its own digest of it.
 */
#include <stdio.h>
#include <string.h>

#include "agent/measure.h"
#include "lib/secmem.h"
#include "sealing/tpm.h"

static int
tpm_read(const struct measure_register *r, uint8_t *value, char *reason)
{
	struct tpm_pcrs pcrs = {.mask = 1u << r->reg};
	char why[SEAL_REASON] = "";
	struct tpm tpm;
	int err;

	if ((err = tpm_open(&tpm, r->config->tpm_tcti, why)) == 0)
		err = tpm_read_pcrs(&tpm, &pcrs);
	tpm_close(&tpm);
	memcpy(value, pcrs.pcr[r->reg], 32);
	if (err)
		(void)snprintf(
		    reason, EVIDENCE_REASON, "cannot be extended: %s", why);
	return err;
}

/* Did the TPM compute the digest that the log will give? */
static bool
has_digest(const TPML_DIGEST_VALUES *all, const uint8_t *digest)
{
	uint32_t i;

	for (i = 0; i < all->count; i++)
		if (all->digests[i].hashAlg == TPM2_ALG_SHA256)
			return secmem_equal(
			    all->digests[i].digest.sha256, digest, 32);
	return false;
}

static int
tpm_extend(const struct measure_register *r, const uint8_t *event, size_t n,
    const uint8_t *digest, char *reason)
{
	TPML_DIGEST_VALUES *digests = NULL;
	TPM2B_EVENT data = {.size = (UINT16)n};
	char why[SEAL_REASON] = "";
	struct tpm tpm;
	TSS2_RC rc;
	int err;

	memcpy(data.buffer, event, n);
	if ((err = tpm_open(&tpm, r->config->tpm_tcti, why)) == 0) {
		rc = Esys_PCR_Event(tpm.esys, ESYS_TR_PCR0 + r->reg,
		    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
		    &digests);
		if (rc != TSS2_RC_SUCCESS) {
			(void)snprintf(why, sizeof(why),
			    "TPM2_PCR_Event: TPM error 0x%x", (unsigned)rc);
			err = CL_ERR_TPM;
		} else if (!has_digest(digests, digest)) {
			(void)snprintf(why, sizeof(why),
			    "TPM2_PCR_Event gives another SHA-256 digest");
			err = CL_ERR_TPM;
		}
		Esys_Free(digests);
	}
	tpm_close(&tpm);
	if (err)
		(void)snprintf(reason, EVIDENCE_REASON, "%s", why);
	return err;
}

static int
tpm_probe(const struct measure_register *r, char *reason)
{
	uint8_t value[EVENTLOG_DIGEST_MAX];
	int err = tpm_read(r, value, reason);

	if (!err)
		(void)snprintf(reason, EVIDENCE_REASON, "of the TPM at %.200s",
		    r->config->tpm_tcti);
	return err;
}

struct measure_register
measure_tpm(const struct evidence_config *c)
{
	static const char *const names[] = {"PCR 8", "PCR 9", "PCR 10",
	    "PCR 11", "PCR 12", "PCR 13", "PCR 14", "PCR 15"};

	return (struct measure_register){.name = names[c->measure_pcr % 8],
	    .kind = EVENTLOG_TPM,
	    .reg = c->measure_pcr,
	    .config = c,
	    .probe = tpm_probe,
	    .read = tpm_read,
	    .extend = tpm_extend};
}
