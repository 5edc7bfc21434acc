/*
 * The key that signs a TPM's quotes (AK), and what speaks for it in the TPM's
 * own storage. By [tpm] ak=:
 *	primary		a primary key of the endorsement hierarchy, made
 *			from our template at every start; the same each time
 *	0x81......	a key that is there; Azure's is 0x81000003
 *	0x01......	a primary key of the endorsement hierarchy after the
 *			template (TPMT_PUBLIC) at this NV index; Google's are
 *			0x01c10001 (RSA) and 0x01c10003 (P-256)
 *	auto		Azure's where the paravisor's report is (NV index
 *			0x01400001), Google's where its template is, else
 *			primary
 */
#ifndef CLOISTER_AGENT_TPM_SIGNER_H
#define CLOISTER_AGENT_TPM_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/verify_tpm.h"
#include "sealing/tpm.h"

#define TPM_SIGNER_HCL_REPORT 0x01400001u /* NV index */
#define TPM_SIGNER_HCL_DATA   0x01400002u /* NV index, 64 bytes for it */

struct tpm_signer {
	ESYS_TR object;
	bool transient;	      /* it has to be flushed */
	bool hcl;	      /* the paravisor's report is there */
	uint32_t certificate; /* NV index where its certificate would be; 0 */
	uint8_t public[TPM_KEY_MAX]; /* TPMT_PUBLIC */
	size_t public_n;
};

/* Is this a value of [tpm] ak=? */
bool tpm_signer_is_known(const char *ak);
/* t is open; its reason says why it failed. tpm_signer_flush() it in every
 * case. CL_ERR_CONFIG, CL_ERR_NOT_FOUND: no key or template there,
 * CL_ERR_TPM. */
CL_MUST_CHECK int tpm_signer_load(
    struct tpm *t, const char *ak, struct tpm_signer *s);
void tpm_signer_flush(struct tpm *t, struct tpm_signer *s);

#endif
