#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "sealing/tpm_blob.h"

static const char magic[8] = "CLTPM1";

static int
checksum(const uint8_t *p, size_t n, uint8_t out[CRYPTO_SHA256])
{
	struct crypto_part part = {p, n};

	return crypto_sha256(&part, 1, out);
}

static int
write_pcrs(const struct tpm_pcrs *pcrs, struct wr *out)
{
	unsigned i;
	int r;

	if ((r = wr_u32(out, pcrs->mask)) != 0)
		return r;
	for (i = 0; i < TPM_BLOB_PCRS; i++)
		if ((pcrs->mask >> i & 1) &&
		    (r = wr_bytes(out, pcrs->pcr[i], 32)) != 0)
			return r;
	return CL_OK;
}

int
tpm_blob_write(const struct tpm_blob *b, uint8_t *out, size_t *n)
{
	struct wr w = wr_make(out, TPM_BLOB_MAX);
	uint8_t sum[CRYPTO_SHA256];
	int r;

	if ((r = wr_bytes(&w, magic, sizeof(magic))) != 0 ||
	    (r = write_pcrs(&b->pcrs, &w)) != 0 ||
	    (r = wr_bytes(&w, b->primary, sizeof(b->primary))) != 0 ||
	    (r = wr_blob(&w, b->public, b->public_n)) != 0 ||
	    (r = wr_blob(&w, b->private, b->private_n)) != 0 ||
	    (r = checksum(out, w.len, sum)) != 0 ||
	    (r = wr_bytes(&w, sum, sizeof(sum))) != 0)
		return r;
	*n = w.len;
	return CL_OK;
}

static int
read_pcrs(struct rd *in, struct tpm_pcrs *pcrs)
{
	unsigned i;
	int r;

	if ((r = rd_u32(in, &pcrs->mask)) != 0)
		return r;
	if (!pcrs->mask || pcrs->mask >> TPM_BLOB_PCRS)
		return CL_ERR_SEALED;
	for (i = 0; i < TPM_BLOB_PCRS; i++)
		if ((pcrs->mask >> i & 1) &&
		    (r = rd_bytes(in, pcrs->pcr[i], 32)) != 0)
			return r;
	return CL_OK;
}

static int
read_part(struct rd *in, uint8_t out[TPM_BLOB_PART], size_t *n)
{
	const uint8_t *p;
	int r;

	if ((r = rd_blob(in, &p, n, TPM_BLOB_PART)) != 0)
		return r;
	if (*n)
		memcpy(out, p, *n);
	return CL_OK;
}

int
tpm_blob_read(const uint8_t *p, size_t n, struct tpm_blob *b)
{
	uint8_t sum[CRYPTO_SHA256];
	const uint8_t *start;
	struct rd in;
	int r;

	memset(b, 0, sizeof(*b));
	if (n < sizeof(sum))
		return CL_ERR_SEALED;
	n -= sizeof(sum);
	if ((r = checksum(p, n, sum)) != 0)
		return r;
	if (!secmem_equal(sum, p + n, sizeof(sum)))
		return CL_ERR_SEALED;
	in = rd_make(p, n);
	if (rd_view(&in, &start, sizeof(magic)) != 0 ||
	    !secmem_equal(start, magic, sizeof(magic)) ||
	    read_pcrs(&in, &b->pcrs) != 0 ||
	    rd_bytes(&in, b->primary, sizeof(b->primary)) != 0 ||
	    read_part(&in, b->public, &b->public_n) != 0 ||
	    read_part(&in, b->private, &b->private_n) != 0 || rd_end(&in) != 0)
		return CL_ERR_SEALED;
	return CL_OK;
}
