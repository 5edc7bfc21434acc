#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "sealing/seal_provider.h"
#include "sealing/tpm.h"

#define BLOB_FILE "root.tpm"

static int
check_config(const struct seal_config *c, char *reason)
{
	if (c->tcti && c->pcrs && !(c->pcrs >> TPM_BLOB_PCRS))
		return CL_OK;
	(void)snprintf(reason, SEAL_REASON,
	    "sealing by TPM needs a TCTI and at least one of the PCRs 0 to %u",
	    TPM_BLOB_PCRS - 1);
	return CL_ERR_CONFIG;
}

/* Appends to the reason what fits. */
static void
add(char *reason, const char *text)
{
	size_t n = strlen(reason);

	(void)snprintf(reason + n, SEAL_REASON - n, "%s", text);
}

static void
name_pcr(unsigned i, const uint8_t expected[32], const uint8_t came[32],
    char *reason)
{
	char text[80];

	(void)snprintf(text, sizeof(text),
	    "%sPCR %u: sealed to %02x%02x%02x%02x..., now %02x%02x%02x%02x...",
	    reason[0] ? "; " : "", i, expected[0], expected[1], expected[2],
	    expected[3], came[0], came[1], came[2], came[3]);
	add(reason, text);
}

/* Names every PCR that differs from the record. */
static int
compare_pcrs(struct tpm *t, const struct tpm_pcrs *sealed, char *reason)
{
	struct tpm_pcrs now = {.mask = sealed->mask};
	unsigned i;
	int r;

	if ((r = tpm_read_pcrs(t, &now)) != 0)
		return r;
	for (i = 0; i < TPM_BLOB_PCRS; i++)
		if ((now.mask >> i & 1) &&
		    !secmem_equal(sealed->pcr[i], now.pcr[i], 32)) {
			name_pcr(i, sealed->pcr[i], now.pcr[i], reason);
			r = CL_ERR_TPM_POLICY;
		}
	return r;
}

static int
unseal(struct tpm *t, const struct tpm_blob *b, uint8_t key[SEAL_KEY],
    char *reason)
{
	int r;

	if (!secmem_equal(b->primary, t->primary_hash, sizeof(b->primary))) {
		(void)snprintf(reason, SEAL_REASON,
		    "%s was sealed by another TPM, or this one was cleared",
		    BLOB_FILE);
		return CL_ERR_SEALED;
	}
	if ((r = compare_pcrs(t, &b->pcrs, reason)) != 0)
		return r;
	return tpm_unseal(t, b, key);
}

static int
store(const struct seal_config *c, const struct tpm_blob *b, char *reason)
{
	uint8_t file[TPM_BLOB_MAX];
	size_t n;
	int r;

	if ((r = tpm_blob_write(b, file, &n)) != 0)
		return r;
	/* Never over another: it may hold the only copy of a key. */
	r = file_write_new(c->state_dirfd, BLOB_FILE, file, n, 0600);
	if (r != 0)
		(void)snprintf(reason, SEAL_REASON, "cannot write %s: %s",
		    BLOB_FILE, err_text(r));
	return r;
}

/* First use. What is stored has been unsealed once. */
static int
make(const struct seal_config *c, struct tpm *t, struct tpm_blob *b,
    uint8_t key[SEAL_KEY], char *reason)
{
	uint8_t fresh[SEAL_KEY];
	int r;

	memset(b, 0, sizeof(*b));
	b->pcrs.mask = c->pcrs;
	if ((r = seal_first_use(c, BLOB_FILE, reason)) != 0 ||
	    (r = crypto_random(fresh, sizeof(fresh))) != 0 ||
	    (r = tpm_read_pcrs(t, &b->pcrs)) != 0 ||
	    (r = tpm_seal(t, fresh, b)) != 0 ||
	    (r = unseal(t, b, key, reason)) != 0)
		goto out;
	r = secmem_equal(fresh, key, sizeof(fresh)) ? store(c, b, reason)
						    : CL_ERR_TPM;
out:
	secmem_wipe(fresh, sizeof(fresh));
	return r;
}

/* CL_ERR_NOT_FOUND: first use. */
static int
load(const struct seal_config *c, struct tpm_blob *b, char *reason)
{
	uint8_t *file = NULL;
	size_t n;
	int r;

	r = file_read(c->state_dirfd, BLOB_FILE, TPM_BLOB_MAX, &file, &n);
	if (r == CL_ERR_NOT_FOUND)
		return r;
	if (r == 0)
		r = tpm_blob_read(file, n, b);
	secmem_free(file);
	if (r == CL_ERR_SEALED || r == CL_ERR_TOO_LARGE) {
		(void)snprintf(reason, SEAL_REASON,
		    "%s is damaged: restore it, or remove it and have the "
		    "owners provision again",
		    BLOB_FILE);
		return CL_ERR_SEALED;
	}
	if (r != 0) {
		(void)snprintf(reason, SEAL_REASON, "cannot read %s: %s",
		    BLOB_FILE, err_text(r));
		return r;
	}
	if (b->pcrs.mask == c->pcrs)
		return CL_OK;
	(void)snprintf(reason, SEAL_REASON,
	    "%s is sealed to the PCR mask 0x%06x, the configuration says "
	    "0x%06x",
	    BLOB_FILE, (unsigned)b->pcrs.mask, (unsigned)c->pcrs);
	return CL_ERR_CONFIG;
}

int
seal_tpm(const struct seal_config *c, uint8_t key[SEAL_KEY],
    char reason[SEAL_REASON])
{
	struct tpm_blob blob;
	struct tpm t;
	bool first;
	int r;

	if ((r = check_config(c, reason)) != 0)
		return r;
	r = load(c, &blob, reason);
	first = r == CL_ERR_NOT_FOUND;
	if (r != 0 && !first)
		return r;
	if ((r = tpm_open(&t, c->tcti, reason)) == 0)
		r = first ? make(c, &t, &blob, key, reason)
			  : unseal(&t, &blob, key, reason);
	tpm_close(&t);
	return r;
}
