/*
 * The file "root.tpm": what was sealed, by which TPM, in which state.
 *
 *	"CLTPM1\0\0" | u32 PCR mask | a digest[32] for each bit, low ones first
 *| primary[32] | blob public | blob private | SHA-256 of all before
 *
 * primary is the SHA-256 of the storage key's public area. Nothing in it is
 * secret, and nothing is believed: the TPM checks the object, the PCRs and the
 * policy. The record of the PCRs is there to say which one changed.
 */
#ifndef CLOISTER_SEALING_TPM_BLOB_H
#define CLOISTER_SEALING_TPM_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define TPM_BLOB_PCRS 24u
#define TPM_BLOB_PART 1024u /* bound of each marshalled area */
#define TPM_BLOB_MAX  4096u

/* SHA-256 bank; pcr[i] counts when bit i of mask is set. */
struct tpm_pcrs {
	uint32_t mask;
	uint8_t pcr[TPM_BLOB_PCRS][32];
};

struct tpm_blob {
	struct tpm_pcrs pcrs;
	uint8_t primary[32];
	uint8_t public[TPM_BLOB_PART]; /* TPM2B_PUBLIC, marshalled */
	size_t public_n;
	uint8_t private[TPM_BLOB_PART]; /* TPM2B_PRIVATE, marshalled */
	size_t private_n;
};

/* out: TPM_BLOB_MAX bytes. */
CL_MUST_CHECK int tpm_blob_write(
    const struct tpm_blob *b, uint8_t *out, size_t *n);
/* CL_ERR_SEALED when damaged. */
CL_MUST_CHECK int tpm_blob_read(const uint8_t *p, size_t n, struct tpm_blob *b);

#endif
