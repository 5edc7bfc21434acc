#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "agent/evidence_log.h"
#include "agent/evidence_provider.h"
#include "agent/tpm_signer.h"
#include "agent/tpm_speaker.h"
#include "agent/tpm_svsm.h"
#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/rows.h"
#include "policy/verify_tpm.h"

/* A PCR may be extended between reading and quoting. */
#define TRIES 3u
/* Of the log's member, beside its text. */
#define MEMBER 32u

/* A quote and what it takes to check it. */
struct quote {
	const struct evidence_config *c;
	const uint8_t *data; /* what it is about */
	struct tpm tpm;
	struct tpm_pcrs pcrs;
	struct tpm_signer key;
	uint8_t attest[TPM_ATTEST_MAX], signature[TPM_SIG_MAX];
	size_t attest_n, signature_n;
	struct tpm_speaker speaker;
	char why[SEAL_REASON];
};

static int
failed(struct quote *q, const char *what, TSS2_RC rc)
{
	(void)snprintf(
	    q->why, sizeof(q->why), "%s: TPM error 0x%x", what, (unsigned)rc);
	return CL_ERR_TPM;
}

static int
make_quote(struct quote *q, const uint8_t nonce[32])
{
	const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
	TPML_PCR_SELECTION pcrs = {.count = 1};
	TPM2B_DATA extra = {.size = 32};
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	TSS2_RC rc;
	unsigned i;

	memcpy(extra.buffer, nonce, 32);
	pcrs.pcrSelections[0].hash = TPM2_ALG_SHA256;
	pcrs.pcrSelections[0].sizeofSelect = 3;
	for (i = 0; i < 3; i++)
		pcrs.pcrSelections[0].pcrSelect[i] =
		    (BYTE)(q->pcrs.mask >> (8 * i));
	rc = Esys_Quote(q->tpm.esys, q->key.object, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &extra, &scheme, &pcrs, &attest,
	    &signature);
	if (rc != TSS2_RC_SUCCESS)
		return failed(q, "TPM2_Quote", rc);
	q->signature_n = 0;
	rc = Tss2_MU_TPMT_SIGNATURE_Marshal(
	    signature, q->signature, sizeof(q->signature), &q->signature_n);
	q->attest_n = attest->size;
	if (!rc && attest->size <= sizeof(q->attest))
		memcpy(q->attest, attest->attestationData, attest->size);
	else
		rc = rc ? rc : TSS2_BASE_RC_INSUFFICIENT_BUFFER;
	Esys_Free(attest);
	Esys_Free(signature);
	return rc ? failed(q, "quote", rc) : CL_OK;
}

/* Is the quote of the values that were read? */
static bool
agrees(const struct quote *q)
{
	struct crypto_part part[TPM_PCRS];
	struct tpm_attest a;
	uint8_t digest[32];
	size_t i, n = 0;

	for (i = 0; i < TPM_PCRS; i++)
		if (q->pcrs.mask >> i & 1)
			part[n++] = (struct crypto_part){q->pcrs.pcr[i], 32};
	return tpm_attest_parse(q->attest, q->attest_n, &a) == 0 &&
	       a.selected == q->pcrs.mask &&
	       crypto_sha256(part, n, digest) == 0 &&
	       secmem_equal(digest, a.digest, sizeof(digest));
}

static int
take_quote(struct quote *q, const uint8_t nonce[32])
{
	unsigned i;
	int r;

	q->key.object = ESYS_TR_NONE;
	if ((r = tpm_open(&q->tpm, q->c->tpm_tcti, q->why)) != 0 ||
	    (r = tpm_signer_load(&q->tpm, q->c->tpm_ak, &q->key)) != 0 ||
	    (r = tpm_speaker_find(
		 &q->tpm, q->c, &q->key, q->data, &q->speaker)) != 0)
		goto out;
	for (i = 0; r == 0 && i < TRIES; i++) {
		if ((r = tpm_read_pcrs(&q->tpm, &q->pcrs)) != 0 ||
		    (r = make_quote(q, nonce)) != 0 || agrees(q))
			goto out;
	}
	(void)snprintf(q->why, sizeof(q->why),
	    "PCRs change faster than they can be quoted");
	r = CL_ERR_TPM;
out:
	tpm_signer_flush(&q->tpm, &q->key);
	tpm_close(&q->tpm);
	return r;
}

static int
add_pcrs(json_t *o, const struct tpm_pcrs *pcrs)
{
	json_t *all = json_object();
	char key[4], text[65];
	unsigned i;
	int r = json_object_set_new(o, "pcrs", all);

	for (i = 0; r == 0 && i < TPM_PCRS; i++) {
		if (!(pcrs->mask >> i & 1))
			continue;
		(void)snprintf(key, sizeof(key), "%u", i);
		rows_hex(pcrs->pcr[i], 32, text);
		r = json_object_set_new(all, key, json_string(text));
	}
	return r ? CL_ERR_MEMORY : CL_OK;
}

/* Bytes of a log that still fit into evidence, as base64 beside the rest. */
static size_t
room_for_log(const json_t *o)
{
	size_t n = 0;
	char *text = json_text(o, &n);

	secmem_free(text);
	return !text || n + MEMBER > EVIDENCE_RAW_MAX
		   ? 0
		   : (EVIDENCE_RAW_MAX - n - MEMBER) / 4 * 3;
}

/* The firmware's log and ours, where they give the quoted values; other PCRs
 * are extended without a record. */
static int
add_log(json_t *o, const struct quote *q)
{
	struct eventlog_quoted quoted = {
	    .kind = EVENTLOG_TPM, .excused = UINT32_MAX};
	uint8_t *log = NULL;
	size_t n = 0;
	unsigned i;
	int r;

	for (i = 0; i < TPM_PCRS; i++)
		if (q->pcrs.mask >> i & 1)
			quoted.value[i] = q->pcrs.pcr[i];
	r = evidence_log_make(q->c, &quoted, room_for_log(o), &log, &n);
	if (!r && log)
		r = json_set_blob(o, "eventlog", log, n);
	secmem_free(log);
	return r;
}

static int
give(const struct quote *q, struct evidence *out)
{
	json_t *o = json_object();
	char *text;
	size_t n;
	int r;

	if ((r = json_set_blob(o, "attest", q->attest, q->attest_n)) == 0 &&
	    (r = json_set_blob(o, "signature", q->signature, q->signature_n)) ==
		0 &&
	    (r = json_set_blob(
		 o, "ak_public", q->key.public, q->key.public_n)) == 0 &&
	    (r = tpm_speaker_add(&q->speaker, o, out)) == 0 &&
	    (r = add_pcrs(o, &q->pcrs)) == 0 && (r = add_log(o, q)) == 0) {
		text = json_text(o, &n);
		r = text ? evidence_provider_give(out, text, n) : CL_ERR_MEMORY;
		secmem_free(text);
	}
	json_decref(o);
	return r;
}

static int
tpm_produce(const struct evidence_config *c,
    const uint8_t report_data[EVIDENCE_REPORT_DATA], struct evidence *out,
    char *reason)
{
	const struct crypto_part part = {report_data, EVIDENCE_REPORT_DATA};
	struct quote *q = secmem_alloc(sizeof(*q));
	uint8_t nonce[32];
	int r;

	if (!q)
		return CL_ERR_MEMORY;
	q->c = c;
	q->data = report_data;
	q->pcrs.mask = c->tpm_pcrs;
	if ((r = crypto_sha256(&part, 1, nonce)) == 0 &&
	    (r = take_quote(q, nonce)) == 0)
		r = give(q, out);
	tpm_speaker_clear(&q->speaker);
	if (r)
		(void)snprintf(reason, EVIDENCE_REASON, "tpm: %s",
		    q->why[0] ? q->why : err_text(r));
	secmem_free(q);
	return r;
}

int
evidence_tpm_activate(const struct evidence_config *c,
    const uint8_t *credential, size_t n, uint8_t secret[32],
    char reason[EVIDENCE_REASON])
{
	char why[SEAL_REASON] = "";
	struct tpm_signer key;
	struct tpm tpm;
	int r;

	key.object = ESYS_TR_NONE;
	if ((r = tpm_open(&tpm, c->tpm_tcti, why)) == 0 &&
	    (r = tpm_signer_load(&tpm, c->tpm_ak, &key)) == 0)
		r = tpm_svsm_activate(&tpm, &key, credential, n, secret);
	tpm_signer_flush(&tpm, &key);
	tpm_close(&tpm);
	if (r)
		(void)snprintf(reason, EVIDENCE_REASON, "tpm: %s",
		    why[0] ? why : err_text(r));
	return r;
}

static int
tpm_probe(const struct evidence_config *c, char *reason)
{
	char why[SEAL_REASON] = "";
	struct tpm_signer key;
	struct tpm tpm;
	int r;

	if (!c->tpm_tcti || !*c->tpm_tcti || !c->tpm_pcrs) {
		(void)snprintf(reason, EVIDENCE_REASON,
		    "tee tpm needs [tpm] tcti and pcrs");
		return CL_ERR_CONFIG;
	}
	key.object = ESYS_TR_NONE;
	if ((r = tpm_open(&tpm, c->tpm_tcti, why)) == 0)
		r = tpm_signer_load(&tpm, c->tpm_ak, &key);
	tpm_signer_flush(&tpm, &key);
	tpm_close(&tpm);
	(void)snprintf(reason, EVIDENCE_REASON, "%s",
	    r	      ? why
	    : key.hcl ? "the TPM answers; Azure's paravisor speaks for its key"
		      : "the TPM answers");
	return r;
}

const struct evidence_provider *
evidence_tpm(void)
{
	static const struct evidence_provider tpm = {.tee = "tpm",
	    .interval_ms = 100,
	    .probe = tpm_probe,
	    .produce = tpm_produce};

	return &tpm;
}
