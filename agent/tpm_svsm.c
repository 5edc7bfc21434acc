#include "agent/tpm_svsm.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_mu.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/verify_snp.h"

#define PROVIDER       "sev_guest"
#define PAUSE_MS       2000
#define VMPL_AT	       0x30u
#define REPORT_DATA_AT 0x50u

/* ---- the SVSM's report ---- */

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* One request, not too soon after the one before. */
static int
ask(const struct tsm_request *q, int64_t last, struct tsm_report *out,
    char *reason)
{
	int64_t ms = last + PAUSE_MS - clock_ms();
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	if (last && ms > 0)
		nanosleep(&t, NULL);
	return tsm_report(q, out, reason);
}

static int
check_size(const uint8_t *p, size_t n, char *reason)
{
	(void)p;
	if (n == SNP_REPORT)
		return CL_OK;
	snprintf(reason, TSM_REASON,
	    "expected an SNP report of %u bytes, got %zu", SNP_REPORT, n);
	return CL_ERR_FORMAT;
}

/* What it is about is known with the manifest only. */
static int
check_svsm(
    const uint8_t *p, size_t n, const uint8_t data[TSM_DATA], char *reason)
{
	int r = check_size(p, n, reason);

	(void)data;
	if (r != 0 || le32_get(p + VMPL_AT) == 0)
		return r;
	snprintf(reason, TSM_REASON,
	    "expected a report of the SVSM at VMPL 0, got one of VMPL %u",
	    (unsigned)le32_get(p + VMPL_AT));
	return CL_ERR_EVIDENCE;
}

static int
check_own(
    const uint8_t *p, size_t n, const uint8_t data[TSM_DATA], char *reason)
{
	int r = check_size(p, n, reason);

	if (r != 0 || secmem_equal(p + REPORT_DATA_AT, data, TSM_DATA))
		return r;
	snprintf(
	    reason, TSM_REASON, "the SNP report answers other report data");
	return CL_ERR_EVIDENCE;
}

static int
check_digest(const struct tsm_report *got, const uint8_t *data, char *reason)
{
	const struct crypto_part part[2] = {
	    {data, TSM_DATA}, {got->manifest, got->manifest_n}};
	uint8_t digest[64];
	int r = crypto_sha512(part, 2, digest);

	if (r != 0 ||
	    secmem_equal(got->out + REPORT_DATA_AT, digest, sizeof(digest)))
		return r;
	snprintf(reason, TSM_REASON,
	    "the SVSM's report is about other data or another manifest");
	return CL_ERR_EVIDENCE;
}

/* Most SVSMs pass on none; the guest's own report has them. */
static int
get_certs(const struct tsm_request *like, struct tsm_report *out, char *reason)
{
	struct tsm_request q = *like;
	struct tsm_report own;
	int r;

	if (out->aux_n)
		return CL_OK;
	q.service = NULL;
	q.check = check_own;
	if ((r = ask(&q, clock_ms(), &own, reason)) != 0)
		return r;
	secmem_free(out->aux);
	out->aux = own.aux;
	out->aux_n = own.aux_n;
	own.aux = NULL; /* transferred */
	tsm_clear(&own);
	return CL_OK;
}

int
tpm_svsm_attest(const char *tsm_root, int64_t asked_ms,
    const uint8_t data[EVIDENCE_REPORT_DATA], struct tsm_report *out,
    char reason[TSM_REASON])
{
	const struct tsm_request q = {
	    tsm_root, PROVIDER, data, check_svsm, TSM_SVSM_VTPM};
	int r;

	if ((r = ask(&q, asked_ms, out, reason)) != 0)
		return r;
	if ((r = check_digest(out, data, reason)) == 0)
		r = get_certs(&q, out, reason);
	/* The SVSM is there: it must not look absent. */
	if (r == CL_ERR_NOT_FOUND || r == CL_ERR_UNSUPPORTED)
		r = CL_ERR_IO;
	if (r != 0)
		tsm_clear(out);
	return r;
}

/* ---- its TPM's endorsement key ---- */

static int
failed(struct tpm *t, const char *what, TSS2_RC rc)
{
	(void)snprintf(
	    t->reason, SEAL_REASON, "%s: TPM error 0x%x", what, (unsigned)rc);
	return CL_ERR_TPM;
}

/* Its policy: whoever has the endorsement hierarchy's authorisation. */
static TPM2B_PUBLIC
ek_template(void)
{
	static const uint8_t policy[32] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84,
	    0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd,
	    0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b,
	    0x33, 0x14, 0x69, 0xaa};
	TPM2B_PUBLIC t = {0};
	TPMS_RSA_PARMS *rsa = &t.publicArea.parameters.rsaDetail;

	t.publicArea.type = TPM2_ALG_RSA;
	t.publicArea.nameAlg = TPM2_ALG_SHA256;
	t.publicArea.objectAttributes =
	    TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED |
	    TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
	    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
	t.publicArea.authPolicy.size = sizeof(policy);
	memcpy(t.publicArea.authPolicy.buffer, policy, sizeof(policy));
	rsa->symmetric.algorithm = TPM2_ALG_AES;
	rsa->symmetric.keyBits.aes = 128;
	rsa->symmetric.mode.aes = TPM2_ALG_CFB;
	rsa->scheme.scheme = TPM2_ALG_NULL;
	rsa->keyBits = 2048;
	t.publicArea.unique.rsa.size = 256;
	return t;
}

static int
make_ek(struct tpm *t, ESYS_TR *ek)
{
	const TPM2B_SENSITIVE_CREATE no_secret = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	const TPM2B_PUBLIC template = ek_template();
	TSS2_RC rc;

	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_ENDORSEMENT,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &template,
	    &no_data, &no_pcrs, ek, NULL, NULL, NULL, NULL);
	return rc ? failed(t, "no endorsement key", rc) : CL_OK;
}

/* A session that may use it. */
static int
allow(struct tpm *t, ESYS_TR *session)
{
	const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
	TSS2_RC rc;

	rc = Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY,
	    &none, TPM2_ALG_SHA256, session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicySecret(t->esys, ESYS_TR_RH_ENDORSEMENT,
		    *session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
		    NULL, NULL, NULL, 0, NULL, NULL);
	return rc ? failed(t, "the endorsement key may not be used", rc)
		  : CL_OK;
}

static int
unpack(const uint8_t *p, size_t n, TPM2B_ID_OBJECT *object,
    TPM2B_ENCRYPTED_SECRET *secret)
{
	size_t at = 0;

	return Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(p, n, &at, object) == 0 &&
		       Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(
			   p, n, &at, secret) == 0 &&
		       at == n
		   ? CL_OK
		   : CL_ERR_FORMAT;
}

static int
activate(struct tpm *t, const struct tpm_signer *key, ESYS_TR ek,
    ESYS_TR session, const TPM2B_ID_OBJECT *object,
    const TPM2B_ENCRYPTED_SECRET *sealed, uint8_t secret[32])
{
	TPM2B_DIGEST *out = NULL;
	TSS2_RC rc;
	int r = CL_OK;

	rc = Esys_ActivateCredential(t->esys, key->object, ek, ESYS_TR_PASSWORD,
	    session, ESYS_TR_NONE, object, sealed, &out);
	if (rc != TSS2_RC_SUCCESS)
		return failed(
		    t, "the credential is not for the keys of this TPM", rc);
	if (out->size == 32)
		memcpy(secret, out->buffer, 32);
	else
		r = CL_ERR_FORMAT;
	secmem_wipe(out, sizeof(*out));
	Esys_Free(out);
	return r;
}

int
tpm_svsm_activate(struct tpm *t, const struct tpm_signer *key,
    const uint8_t *credential, size_t n, uint8_t secret[32])
{
	ESYS_TR ek = ESYS_TR_NONE, session = ESYS_TR_NONE;
	TPM2B_ENCRYPTED_SECRET sealed = {0};
	TPM2B_ID_OBJECT object = {0};
	int r;

	if ((r = unpack(credential, n, &object, &sealed)) != 0) {
		(void)snprintf(t->reason, SEAL_REASON,
		    "expected a credential as TPM2_MakeCredential gives it");
		return r;
	}
	if ((r = make_ek(t, &ek)) == 0 && (r = allow(t, &session)) == 0)
		r = activate(t, key, ek, session, &object, &sealed, secret);
	if (session != ESYS_TR_NONE)
		(void)Esys_FlushContext(t->esys, session);
	if (ek != ESYS_TR_NONE)
		(void)Esys_FlushContext(t->esys, ek);
	return r;
}
