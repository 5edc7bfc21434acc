#include "agent/tpm_signer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "agent/tpm_nv.h"
#include "lib/secmem.h"

#define AZURE_KEY	  0x81000003u
#define AZURE_CERTIFICATE 0x01c101d0u
/* Google's: template at an index, certificate at the one before. */
#define GOOGLE_RSA 0x01c10001u
#define GOOGLE_ECC 0x01c10003u

enum { NONE, PRIMARY, AUTO, HANDLE, TEMPLATE };

/* *at: the handle or index. */
static int
kind_of(const char *ak, uint32_t *at)
{
	unsigned long v;
	char *end;

	*at = 0;
	if (strcmp(ak, "auto") == 0)
		return AUTO;
	if (strcmp(ak, "primary") == 0)
		return PRIMARY;
	if (strncmp(ak, "0x", 2) != 0 || strlen(ak) != 10 ||
	    strspn(ak + 2, "0123456789abcdefABCDEF") != 8)
		return NONE;
	errno = 0;
	v = strtoul(ak, &end, 16);
	if (errno || *end)
		return NONE;
	*at = (uint32_t)v;
	if (*at >> TPM2_HR_SHIFT == TPM2_HT_PERSISTENT)
		return HANDLE;
	return *at >> TPM2_HR_SHIFT == TPM2_HT_NV_INDEX ? TEMPLATE : NONE;
}

bool
tpm_signer_is_known(const char *ak)
{
	uint32_t at;

	return kind_of(ak, &at) != NONE;
}

static int
failed(struct tpm *t, const char *what, uint32_t at, TSS2_RC rc)
{
	(void)snprintf(t->reason, SEAL_REASON, "%s 0x%08x: TPM error 0x%x",
	    what, (unsigned)at, (unsigned)rc);
	return CL_ERR_TPM;
}

/* The same key at every start: a primary key is derived from the endorsement
 * seed and this template. Restricted, so that it signs nothing but what the
 * TPM itself says. */
static TPM2B_PUBLIC
own_template(void)
{
	TPM2B_PUBLIC t = {0};
	TPMS_ECC_PARMS *ecc = &t.publicArea.parameters.eccDetail;

	t.publicArea.type = TPM2_ALG_ECC;
	t.publicArea.nameAlg = TPM2_ALG_SHA256;
	t.publicArea.objectAttributes =
	    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
	    TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
	    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
	    TPMA_OBJECT_NODA;
	ecc->symmetric.algorithm = TPM2_ALG_NULL;
	ecc->scheme.scheme = TPM2_ALG_ECDSA;
	ecc->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	ecc->curveID = TPM2_ECC_NIST_P256;
	ecc->kdf.scheme = TPM2_ALG_NULL;
	return t;
}

static int
keep_public(struct tpm *t, struct tpm_signer *s, const TPM2B_PUBLIC *public)
{
	TSS2_RC rc;

	s->public_n = 0;
	rc = Tss2_MU_TPMT_PUBLIC_Marshal(
	    &public->publicArea, s->public, sizeof(s->public), &s->public_n);
	return rc ? failed(t, "attestation key", 0, rc) : CL_OK;
}

static int
make_primary(struct tpm *t, const TPM2B_PUBLIC *template, struct tpm_signer *s)
{
	const TPM2B_SENSITIVE_CREATE no_secret = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	TPM2B_PUBLIC *public = NULL;
	TSS2_RC rc;
	int r;

	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_ENDORSEMENT,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, template,
	    &no_data, &no_pcrs, &s->object, &public, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return failed(t, "no attestation key", 0, rc);
	s->transient = true;
	r = keep_public(t, s, public);
	Esys_Free(public);
	return r;
}

static int
make_own(struct tpm *t, struct tpm_signer *s)
{
	const TPM2B_PUBLIC template = own_template();

	return make_primary(t, &template, s);
}

static int
make_from_template(struct tpm *t, uint32_t index, struct tpm_signer *s)
{
	TPM2B_PUBLIC template = {0};
	char why[TPM_NV_REASON] = "";
	uint8_t *p = NULL;
	size_t n = 0, at = 0;
	int r;

	r = tpm_nv_read(t->esys, index, TPM_KEY_MAX, &p, &n, why);
	if (r == CL_ERR_NOT_FOUND)
		(void)snprintf(why, sizeof(why),
		    "there is no template at NV index 0x%08x", (unsigned)index);
	if (r == 0 && (Tss2_MU_TPMT_PUBLIC_Unmarshal(p, n, &at,
			   &template.publicArea) != TSS2_RC_SUCCESS ||
			  at != n)) {
		(void)snprintf(why, sizeof(why),
		    "NV index 0x%08x: expected the template of a key",
		    (unsigned)index);
		r = CL_ERR_FORMAT;
	}
	secmem_free(p);
	if (r != 0) {
		(void)snprintf(t->reason, SEAL_REASON, "%s", why);
		return r;
	}
	s->certificate = index - 1;
	return make_primary(t, &template, s);
}

static int
find_handle(struct tpm *t, uint32_t handle, struct tpm_signer *s)
{
	TPM2B_PUBLIC *public = NULL;
	TSS2_RC rc;
	int r;

	rc = Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &s->object);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ReadPublic(t->esys, s->object, ESYS_TR_NONE,
		    ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		(void)failed(t, "no attestation key at handle", handle, rc);
		return CL_ERR_NOT_FOUND;
	}
	r = keep_public(t, s, public);
	Esys_Free(public);
	return r;
}

static int
find_any(struct tpm *t, struct tpm_signer *s)
{
	static const uint32_t google[] = {GOOGLE_ECC, GOOGLE_RSA};
	unsigned i;

	if (s->hcl)
		return find_handle(t, AZURE_KEY, s);
	for (i = 0; i < 2; i++)
		if (tpm_nv_is_there(t->esys, google[i]))
			return make_from_template(t, google[i], s);
	return make_own(t, s);
}

int
tpm_signer_load(struct tpm *t, const char *ak, struct tpm_signer *s)
{
	uint32_t at;
	int r, kind = kind_of(ak, &at);

	memset(s, 0, sizeof(*s));
	s->object = ESYS_TR_NONE;
	if (kind == NONE) {
		(void)snprintf(t->reason, SEAL_REASON,
		    "ak: expected auto, primary, a handle 0x81...... or an NV "
		    "index 0x01......, got '%.32s'",
		    ak);
		return CL_ERR_CONFIG;
	}
	s->hcl = (kind == AUTO || (kind == HANDLE && at == AZURE_KEY)) &&
		 tpm_nv_is_there(t->esys, TPM_SIGNER_HCL_REPORT);
	if (kind == AUTO)
		r = find_any(t, s);
	else if (kind == PRIMARY)
		r = make_own(t, s);
	else
		r = kind == HANDLE ? find_handle(t, at, s)
				   : make_from_template(t, at, s);
	if (r == 0 && s->hcl)
		s->certificate = AZURE_CERTIFICATE;
	return r;
}

void
tpm_signer_flush(struct tpm *t, struct tpm_signer *s)
{
	if (s->object == ESYS_TR_NONE)
		return;
	if (s->transient)
		(void)Esys_FlushContext(t->esys, s->object);
	else
		(void)Esys_TR_Close(t->esys, &s->object);
	s->object = ESYS_TR_NONE;
}
