#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/tpm_nv.h"
#include "lib/secmem.h"

/* Every TPM takes this much at once (TCG PC Client profile). */
#define PIECE_MIN 512u
#define WRITE_MAX 64u

static int
failed(char *reason, uint32_t index, const char *what, TSS2_RC rc)
{
	(void)snprintf(reason, TPM_NV_REASON,
	    "NV index 0x%08x: %s: TPM error "
	    "0x%x",
	    (unsigned)index, what, (unsigned)rc);
	return CL_ERR_TPM;
}

/* The TPM knows no such handle (part 2, 6.6: a format-one code). */
static bool
is_missing(TSS2_RC rc)
{
	return !(rc & ~(TSS2_RC)0xffff) && (rc & TPM2_RC_FMT1) &&
	       (rc & (TPM2_RC_FMT1 | 0x3f)) == TPM2_RC_HANDLE;
}

/* Closes what it opened when it fails. */
static int
open_index(ESYS_CONTEXT *esys, uint32_t index, ESYS_TR *nv, TPMS_NV_PUBLIC *is,
    char *reason)
{
	TPM2B_NV_PUBLIC *public = NULL;
	TSS2_RC rc;

	*nv = ESYS_TR_NONE;
	rc = Esys_TR_FromTPMPublic(
	    esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nv);
	if (is_missing(rc))
		return CL_ERR_NOT_FOUND;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(esys, *nv, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, &public, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		if (*nv != ESYS_TR_NONE)
			(void)Esys_TR_Close(esys, nv);
		return failed(reason, index, "cannot be looked at", rc);
	}
	*is = public->nvPublic;
	Esys_Free(public);
	return CL_OK;
}

bool
tpm_nv_is_there(ESYS_CONTEXT *esys, uint32_t index)
{
	char reason[TPM_NV_REASON];
	TPMS_NV_PUBLIC is;
	ESYS_TR nv;

	if (open_index(esys, index, &nv, &is, reason) != 0)
		return false;
	(void)Esys_TR_Close(esys, &nv);
	return (is.attributes & TPMA_NV_WRITTEN) != 0;
}

/* How much one command moves. */
static uint16_t
piece_of(ESYS_CONTEXT *esys)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	uint32_t v = PIECE_MIN;
	TPMI_YES_NO more;

	if (Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_BUFFER_MAX, 1, &more,
		&data) == TSS2_RC_SUCCESS &&
	    data->data.tpmProperties.count == 1 &&
	    data->data.tpmProperties.tpmProperty[0].property ==
		TPM2_PT_NV_BUFFER_MAX)
		v = data->data.tpmProperties.tpmProperty[0].value;
	Esys_Free(data);
	if (v < 1)
		v = PIECE_MIN;
	return (uint16_t)(v > TPM2_MAX_NV_BUFFER_SIZE ? TPM2_MAX_NV_BUFFER_SIZE
						      : v);
}

/* Who may read it: the owner hierarchy, or whoever has its empty password. */
static ESYS_TR
reader_of(ESYS_TR nv, const TPMS_NV_PUBLIC *is)
{
	return is->attributes & TPMA_NV_OWNERREAD ? ESYS_TR_RH_OWNER : nv;
}

static int
read_pieces(ESYS_CONTEXT *esys, ESYS_TR nv, const TPMS_NV_PUBLIC *is,
    uint8_t *out, char *reason)
{
	uint16_t at = 0, size, piece = piece_of(esys);
	TPM2B_MAX_NV_BUFFER *got;
	TSS2_RC rc;
	bool whole;

	while (at < is->dataSize) {
		size = is->dataSize - at;
		size = size > piece ? piece : size;
		got = NULL;
		rc = Esys_NV_Read(esys, reader_of(nv, is), nv, ESYS_TR_PASSWORD,
		    ESYS_TR_NONE, ESYS_TR_NONE, size, at, &got);
		if (rc != TSS2_RC_SUCCESS)
			return failed(
			    reason, is->nvIndex, "cannot be read", rc);
		whole = got->size == size;
		if (whole)
			memcpy(out + at, got->buffer, size);
		Esys_Free(got);
		if (!whole)
			return failed(
			    reason, is->nvIndex, "gave less than asked for", 0);
		at = (uint16_t)(at + size);
	}
	return CL_OK;
}

int
tpm_nv_read(ESYS_CONTEXT *esys, uint32_t index, size_t max, uint8_t **out,
    size_t *n, char reason[TPM_NV_REASON])
{
	TPMS_NV_PUBLIC is;
	ESYS_TR nv;
	int r;

	*out = NULL;
	*n = 0;
	if ((r = open_index(esys, index, &nv, &is, reason)) != 0)
		return r;
	if (is.dataSize > max) {
		(void)snprintf(reason, TPM_NV_REASON,
		    "NV index 0x%08x: %u bytes, expected at most %zu",
		    (unsigned)index, (unsigned)is.dataSize, max);
		r = CL_ERR_TOO_LARGE;
	} else if (!(*out = secmem_alloc(is.dataSize ? is.dataSize : 1u))) {
		r = CL_ERR_MEMORY;
	} else if ((r = read_pieces(esys, nv, &is, *out, reason)) == 0) {
		*n = is.dataSize;
	}
	(void)Esys_TR_Close(esys, &nv);
	if (r) {
		secmem_free(*out);
		*out = NULL;
	}
	return r;
}

static int
define(ESYS_CONTEXT *esys, uint32_t index, size_t n, ESYS_TR *nv, char *reason)
{
	TPM2B_NV_PUBLIC public = {
	    .nvPublic = {.nvIndex = index,
		.nameAlg = TPM2_ALG_SHA256,
		.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD |
			      TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE |
			      TPMA_NV_NO_DA,
		.dataSize = (UINT16)n}};
	const TPM2B_AUTH none = {0};
	TSS2_RC rc;

	rc = Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &none, &public, nv);
	return rc == TSS2_RC_SUCCESS
		   ? CL_OK
		   : failed(reason, index, "cannot be defined", rc);
}

int
tpm_nv_write(ESYS_CONTEXT *esys, uint32_t index, const uint8_t *p, size_t n,
    char reason[TPM_NV_REASON])
{
	TPM2B_MAX_NV_BUFFER data = {.size = (UINT16)n};
	TPMS_NV_PUBLIC is = {.attributes = TPMA_NV_OWNERWRITE};
	ESYS_TR nv;
	TSS2_RC rc;
	int r;

	if (n > WRITE_MAX)
		return CL_ERR_ARGUMENT;
	memcpy(data.buffer, p, n);
	r = open_index(esys, index, &nv, &is, reason);
	if (r == CL_ERR_NOT_FOUND)
		r = define(esys, index, n, &nv, reason);
	if (r != 0)
		return r;
	rc = Esys_NV_Write(esys,
	    is.attributes & TPMA_NV_OWNERWRITE ? ESYS_TR_RH_OWNER : nv, nv,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
	if (rc != TSS2_RC_SUCCESS)
		r = failed(reason, index, "cannot be written", rc);
	(void)Esys_TR_Close(esys, &nv);
	return r;
}
