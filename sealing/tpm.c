#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "lib/crypto.h"
#include "lib/secmem.h"
#include "sealing/tpm.h"

/* The error number without the parameter, handle or session it points at
 * (TPM 2.0 Part 2, 6.6.2). Other layers' codes come back as they are. */
static TSS2_RC
base_of(TSS2_RC rc)
{
	if (rc & ~(TSS2_RC)0xffff)
		return rc;
	return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

/* What an operator can do about the codes that have an own story. */
static const char *
advice(TSS2_RC base)
{
	switch (base) {
	case TPM2_RC_BAD_AUTH:
	case TPM2_RC_AUTH_FAIL:
		return "the owner hierarchy has an authorisation value; "
		       "Cloister needs it empty (tpm2_changeauth -c owner)";
	case TPM2_RC_LOCKOUT:
		return "the TPM is locked out after failed authorisations";
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_SIZE:
	case TPM2_RC_BINDING:
		return "the TPM refuses the sealed object: it is damaged or of "
		       "another TPM";
	case TPM2_RC_POLICY_FAIL:
		return "the policy does not hold";
	case TPM2_RC_OBJECT_MEMORY:
	case TPM2_RC_SESSION_MEMORY:
	case TPM2_RC_OBJECT_HANDLES:
	case TPM2_RC_SESSION_HANDLES:
		return "the TPM is out of memory; use a resource manager "
		       "(device:/dev/tpmrm0) or flush what was left behind";
	case TPM2_RC_HIERARCHY:
		return "the owner hierarchy is disabled";
	default:
		return "see tpm2_rc_decode";
	}
}

static int
code_of(TSS2_RC base)
{
	switch (base) {
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_SIZE:
	case TPM2_RC_BINDING:
		return CL_ERR_SEALED;
	case TPM2_RC_POLICY_FAIL:
		return CL_ERR_TPM_POLICY;
	default:
		return CL_ERR_TPM;
	}
}

static int
fail(const struct tpm *t, TSS2_RC rc, const char *what)
{
	TSS2_RC base = base_of(rc);

	(void)snprintf(t->reason, SEAL_REASON, "%s: TPM error 0x%x: %s", what,
	    (unsigned)rc, advice(base));
	return code_of(base);
}

static int
connect_tpm(struct tpm *t, const char *tcti)
{
	TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &t->tcti);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Initialize(&t->esys, t->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		(void)snprintf(t->reason, SEAL_REASON,
		    "no TPM at \"%s\" (error 0x%x): is it there, and may this "
		    "user open it?",
		    tcti ? tcti : "", (unsigned)rc);
		return CL_ERR_TPM;
	}
	/* Firmware has done it where there is firmware. */
	rc = Esys_Startup(t->esys, TPM2_SU_CLEAR);
	if (rc != TSS2_RC_SUCCESS && rc != TPM2_RC_INITIALIZE)
		return fail(t, rc, "TPM2_Startup");
	return CL_OK;
}

static void
flush_handle(struct tpm *t, TPM2_HANDLE handle)
{
	ESYS_TR object = ESYS_TR_NONE;

	if (Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, &object) == TSS2_RC_SUCCESS)
		(void)Esys_FlushContext(t->esys, object);
}

/*
 * A simulator has no resource manager: what a killed process left in it would
 * fill its three places for ever. It serves one client at a time, so nothing
 * in it is in use. A TPM of the kernel is left alone; there /dev/tpmrm0 does
 * this and knows whose is what.
 */
static void
flush_left_behind(struct tpm *t, const char *tcti)
{
	static const TPM2_HANDLE firsts[] = {
	    TPM2_TRANSIENT_FIRST, TPM2_LOADED_SESSION_FIRST};
	TPMS_CAPABILITY_DATA *data;
	TPMI_YES_NO more;
	uint32_t i, k;

	if (strncmp(tcti, "swtpm:", 6) != 0)
		return;
	for (k = 0; k < 2; k++) {
		if (Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
			ESYS_TR_NONE, TPM2_CAP_HANDLES, firsts[k],
			TPM2_MAX_CAP_HANDLES, &more, &data) != TSS2_RC_SUCCESS)
			return;
		for (i = 0; i < data->data.handles.count; i++)
			flush_handle(t, data->data.handles.handle[i]);
		Esys_Free(data);
	}
}

/* The storage key template of TCG's EK Credential Profile and Provisioning
 * Guidance: ECC P-256, AES-128-CFB, as systemd and others use it. */
static TPM2B_PUBLIC
storage_template(void)
{
	TPM2B_PUBLIC t = {0};
	TPMS_ECC_PARMS *ecc = &t.publicArea.parameters.eccDetail;

	t.publicArea.type = TPM2_ALG_ECC;
	t.publicArea.nameAlg = TPM2_ALG_SHA256;
	t.publicArea.objectAttributes =
	    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
	    TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
	    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA |
	    TPMA_OBJECT_SENSITIVEDATAORIGIN;
	ecc->symmetric.algorithm = TPM2_ALG_AES;
	ecc->symmetric.keyBits.aes = 128;
	ecc->symmetric.mode.aes = TPM2_ALG_CFB;
	ecc->scheme.scheme = TPM2_ALG_NULL;
	ecc->curveID = TPM2_ECC_NIST_P256;
	ecc->kdf.scheme = TPM2_ALG_NULL;
	t.publicArea.unique.ecc.x.size = 32;
	t.publicArea.unique.ecc.y.size = 32;
	return t;
}

static int
hash_public(const TPM2B_PUBLIC *public, uint8_t out[32])
{
	uint8_t buf[TPM_BLOB_PART];
	struct crypto_part part = {buf, 0};

	if (Tss2_MU_TPM2B_PUBLIC_Marshal(public, buf, sizeof(buf), &part.n) !=
	    TSS2_RC_SUCCESS)
		return CL_ERR_TPM;
	return crypto_sha256(&part, 1, out);
}

static int
make_primary(struct tpm *t)
{
	const TPM2B_SENSITIVE_CREATE no_secret = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	TPM2B_PUBLIC template = storage_template(), *public = NULL;
	TSS2_RC rc;
	int r;

	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &template, &no_data,
	    &no_pcrs, &t->primary, &public, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return fail(t, rc, "TPM2_CreatePrimary");
	r = hash_public(public, t->primary_hash);
	Esys_Free(public);
	return r;
}

/* Salted to the storage key, so that whoever listens on the bus does not learn
 * the session key; parameters travel encrypted both ways. */
static int
start_session(struct tpm *t)
{
	const TPMT_SYM_DEF aes = {.algorithm = TPM2_ALG_AES,
	    .keyBits.aes = 128,
	    .mode.aes = TPM2_ALG_CFB};
	const TPMA_SESSION flags = TPMA_SESSION_CONTINUESESSION |
				   TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT;
	TSS2_RC rc;

	rc = Esys_StartAuthSession(t->esys, t->primary, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &aes,
	    TPM2_ALG_SHA256, &t->session);
	if (rc == TSS2_RC_SUCCESS)
		rc =
		    Esys_TRSess_SetAttributes(t->esys, t->session, flags, 0xff);
	return rc == TSS2_RC_SUCCESS ? CL_OK
				     : fail(t, rc, "TPM2_StartAuthSession");
}

int
tpm_open(struct tpm *t, const char *tcti, char *reason)
{
	int r;

	memset(t, 0, sizeof(*t));
	t->primary = t->session = ESYS_TR_NONE;
	t->reason = reason;
	/* Our reason is the one line that the log gets. */
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	if ((r = crypto_ready()) != 0 || (r = connect_tpm(t, tcti)) != 0)
		return r;
	flush_left_behind(t, tcti);
	if ((r = make_primary(t)) != 0)
		return r;
	return start_session(t);
}

static void
flush(struct tpm *t, ESYS_TR *handle)
{
	if (*handle != ESYS_TR_NONE)
		(void)Esys_FlushContext(t->esys, *handle);
	*handle = ESYS_TR_NONE;
}

void
tpm_close(struct tpm *t)
{
	if (t->esys) {
		flush(t, &t->session);
		flush(t, &t->primary);
	}
	Esys_Finalize(&t->esys);
	Tss2_TctiLdr_Finalize(&t->tcti);
}

static TPML_PCR_SELECTION
selection_of(uint32_t mask)
{
	TPML_PCR_SELECTION s = {.count = 1};

	s.pcrSelections[0].hash = TPM2_ALG_SHA256;
	s.pcrSelections[0].sizeofSelect = 3;
	s.pcrSelections[0].pcrSelect[0] = (BYTE)mask;
	s.pcrSelections[0].pcrSelect[1] = (BYTE)(mask >> 8);
	s.pcrSelections[0].pcrSelect[2] = (BYTE)(mask >> 16);
	return s;
}

/* Takes what one TPM2_PCR_Read gave; clears the bits that came from *left. */
static int
take_pcrs(const TPML_PCR_SELECTION *got, const TPML_DIGEST *values,
    struct tpm_pcrs *pcrs, uint32_t *left)
{
	const BYTE *bits = got->pcrSelections[0].pcrSelect;
	uint32_t mask, i, at = 0;

	if (got->count != 1 || got->pcrSelections[0].sizeofSelect < 3)
		return CL_ERR_TPM;
	mask = bits[0] | (uint32_t)bits[1] << 8 | (uint32_t)bits[2] << 16;
	for (i = 0; i < TPM_BLOB_PCRS; i++) {
		if (!(mask >> i & 1))
			continue;
		if (!(*left >> i & 1) || at == values->count ||
		    values->digests[at].size != 32)
			return CL_ERR_TPM;
		memcpy(pcrs->pcr[i], values->digests[at++].buffer, 32);
		*left &= ~(UINT32_C(1) << i);
	}
	return at ? CL_OK : CL_ERR_TPM;
}

int
tpm_read_pcrs(struct tpm *t, struct tpm_pcrs *pcrs)
{
	uint32_t left = pcrs->mask;
	TPML_PCR_SELECTION want, *got;
	TPML_DIGEST *values;
	TSS2_RC rc;
	int r = CL_OK;

	/* A TPM gives at most eight values in one answer. */
	while (left && r == 0) {
		want = selection_of(left);
		rc = Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, &want, NULL, &got, &values);
		if (rc != TSS2_RC_SUCCESS)
			return fail(t, rc, "TPM2_PCR_Read");
		r = take_pcrs(got, values, pcrs, &left);
		Esys_Free(got);
		Esys_Free(values);
	}
	if (r != 0)
		(void)snprintf(t->reason, SEAL_REASON,
		    "the TPM has no SHA-256 bank with the configured PCRs");
	return r;
}

static int
digest_of(const struct tpm_pcrs *pcrs, TPM2B_DIGEST *out)
{
	struct crypto_part parts[TPM_BLOB_PCRS];
	size_t n = 0;
	unsigned i;

	for (i = 0; i < TPM_BLOB_PCRS; i++)
		if (pcrs->mask >> i & 1) {
			parts[n].p = pcrs->pcr[i];
			parts[n++].n = 32;
		}
	out->size = 32;
	return crypto_sha256(parts, n, out->buffer);
}

/* A session in which PCRs have the recorded values: a trial one gives the
 * policy's digest, a real one unseals. */
static int
start_policy(
    struct tpm *t, TPM2_SE kind, const struct tpm_pcrs *pcrs, ESYS_TR *session)
{
	const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
	TPML_PCR_SELECTION selection = selection_of(pcrs->mask);
	TPM2B_DIGEST digest = {0};
	TSS2_RC rc;
	int r;

	*session = ESYS_TR_NONE;
	if ((r = digest_of(pcrs, &digest)) != 0)
		return r;
	rc = Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, kind, &none,
	    TPM2_ALG_SHA256, session);
	if (rc != TSS2_RC_SUCCESS)
		return fail(t, rc, "TPM2_StartAuthSession");
	rc = Esys_PolicyPCR(t->esys, *session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &digest, &selection);
	if (rc == TSS2_RC_SUCCESS)
		return CL_OK;
	/* The values are compared here already: one has just changed. */
	r = fail(t, rc, "TPM2_PolicyPCR");
	flush(t, session);
	return base_of(rc) == TPM2_RC_VALUE ? CL_ERR_TPM_POLICY : r;
}

static int
policy_digest(struct tpm *t, const struct tpm_pcrs *pcrs, TPM2B_DIGEST *out)
{
	TPM2B_DIGEST *digest = NULL;
	ESYS_TR session;
	TSS2_RC rc;
	int r;

	if ((r = start_policy(t, TPM2_SE_TRIAL, pcrs, &session)) != 0)
		return r;
	rc = Esys_PolicyGetDigest(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &digest);
	if (rc == TSS2_RC_SUCCESS)
		*out = *digest;
	else
		r = fail(t, rc, "TPM2_PolicyGetDigest");
	Esys_Free(digest);
	flush(t, &session);
	return r;
}

static int
marshal(const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
    struct tpm_blob *b)
{
	b->public_n = b->private_n = 0;
	if (Tss2_MU_TPM2B_PUBLIC_Marshal(public, b->public, sizeof(b->public),
		&b->public_n) != TSS2_RC_SUCCESS ||
	    Tss2_MU_TPM2B_PRIVATE_Marshal(private, b->private,
		sizeof(b->private), &b->private_n) != TSS2_RC_SUCCESS)
		return CL_ERR_TPM;
	return CL_OK;
}

int
tpm_seal(struct tpm *t, const uint8_t key[SEAL_KEY], struct tpm_blob *b)
{
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	TPM2B_SENSITIVE_CREATE secret = {0};
	TPM2B_PUBLIC template = {0}, *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	TSS2_RC rc;
	int r;

	/* No authorisation value: the policy is the only way in. */
	template.publicArea.type = TPM2_ALG_KEYEDHASH;
	template.publicArea.nameAlg = TPM2_ALG_SHA256;
	template.publicArea.objectAttributes =
	    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	    TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA;
	template.publicArea.parameters.keyedHashDetail.scheme.scheme =
	    TPM2_ALG_NULL;
	if ((r = policy_digest(t, &b->pcrs, &template.publicArea.authPolicy)) !=
	    0)
		return r;
	secret.sensitive.data.size = SEAL_KEY;
	memcpy(secret.sensitive.data.buffer, key, SEAL_KEY);
	rc = Esys_Create(t->esys, t->primary, t->session, ESYS_TR_NONE,
	    ESYS_TR_NONE, &secret, &template, &no_data, &no_pcrs, &private,
	    &public, NULL, NULL, NULL);
	secmem_wipe(&secret, sizeof(secret));
	r = rc == TSS2_RC_SUCCESS ? marshal(public, private, b)
				  : fail(t, rc, "TPM2_Create");
	memcpy(b->primary, t->primary_hash, sizeof(b->primary));
	Esys_Free(public);
	Esys_Free(private);
	return r;
}

static int
load(struct tpm *t, const struct tpm_blob *b, ESYS_TR *object)
{
	TPM2B_PUBLIC public = {0};
	TPM2B_PRIVATE private = {0};
	size_t public_at = 0, private_at = 0;
	TSS2_RC rc;

	*object = ESYS_TR_NONE;
	if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(b->public, b->public_n, &public_at,
		&public) != TSS2_RC_SUCCESS ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(b->private, b->private_n,
		&private_at, &private) != TSS2_RC_SUCCESS ||
	    public_at != b->public_n || private_at != b->private_n) {
		(void)snprintf(t->reason, SEAL_REASON,
		    "the sealed object is not one of TPM 2.0");
		return CL_ERR_SEALED;
	}
	rc = Esys_Load(t->esys, t->primary, t->session, ESYS_TR_NONE,
	    ESYS_TR_NONE, &private, &public, object);
	return rc == TSS2_RC_SUCCESS ? CL_OK : fail(t, rc, "TPM2_Load");
}

int
tpm_unseal(struct tpm *t, const struct tpm_blob *b, uint8_t key[SEAL_KEY])
{
	ESYS_TR object, policy = ESYS_TR_NONE;
	TPM2B_SENSITIVE_DATA *secret = NULL;
	TSS2_RC rc;
	int r;

	if ((r = load(t, b, &object)) != 0 ||
	    (r = start_policy(t, TPM2_SE_POLICY, &b->pcrs, &policy)) != 0)
		goto out;
	/* The second session has no authority; it encrypts the answer. Its
	 * decrypt bit would ask for a parameter that TPM2_Unseal lacks. */
	rc = Esys_TRSess_SetAttributes(t->esys, t->session,
	    TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_ENCRYPT, 0xff);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Unseal(
		    t->esys, object, policy, t->session, ESYS_TR_NONE, &secret);
	r = rc == TSS2_RC_SUCCESS ? CL_OK : fail(t, rc, "TPM2_Unseal");
	if (r == 0 && secret->size != SEAL_KEY)
		r = CL_ERR_SEALED;
	if (r == 0)
		memcpy(key, secret->buffer, SEAL_KEY);
	/* ESAPI frees without wiping. */
	if (secret)
		secmem_wipe(secret, sizeof(*secret));
	Esys_Free(secret);
out:
	flush(t, &policy);
	flush(t, &object);
	return r;
}
