#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/eventlog.h"
#include "policy/verify_tpm.h"

#define SELECTIONS_MAX 16u

/* TPM2B: u16 size, bytes. */
static int
get_2b(struct rd *in, uint8_t *out, size_t max, size_t *n)
{
	uint16_t size;
	int r;

	if ((r = rd_be16(in, &size)) != 0)
		return r;
	if (size > max)
		return CL_ERR_TOO_LARGE;
	*n = size;
	return rd_bytes(in, out, size);
}

/* One bank: its hash and a map of PCRs, lowest first. */
static int
get_selection(struct rd *in, struct tpm_attest *a, bool *seen)
{
	uint32_t map = 0;
	uint16_t hash;
	uint8_t size, byte, i;
	int r;

	if ((r = rd_be16(in, &hash)) != 0 || (r = rd_u8(in, &size)) != 0)
		return r;
	if (size > 4)
		return CL_ERR_FORMAT;
	for (i = 0; i < size; i++) {
		if ((r = rd_u8(in, &byte)) != 0)
			return r;
		map |= (uint32_t)byte << (8 * i);
	}
	if (hash != TPM_SHA256) {
		a->other_banks = a->other_banks || map != 0;
		return CL_OK;
	}
	if (*seen || map >> TPM_PCRS)
		return CL_ERR_FORMAT;
	*seen = true;
	a->selected = map;
	return CL_OK;
}

static int
get_quote(struct rd *in, struct tpm_attest *a)
{
	uint32_t count, i;
	bool seen = false;
	int r;

	if ((r = rd_be32(in, &count)) != 0)
		return r;
	if (count > SELECTIONS_MAX)
		return CL_ERR_TOO_LARGE;
	for (i = 0; i < count; i++)
		if ((r = get_selection(in, a, &seen)) != 0)
			return r;
	return get_2b(in, a->digest, sizeof(a->digest), &a->digest_n);
}

static int
get_clock(struct rd *in, struct tpm_attest *a)
{
	int r;

	if ((r = rd_be64(in, &a->clock)) != 0 ||
	    (r = rd_be32(in, &a->resets)) != 0 ||
	    (r = rd_be32(in, &a->restarts)) != 0 ||
	    (r = rd_u8(in, &a->safe)) != 0)
		return r;
	return a->safe > 1 ? CL_ERR_FORMAT : rd_be64(in, &a->firmware);
}

int
tpm_attest_parse(const uint8_t *p, size_t n, struct tpm_attest *a)
{
	struct rd in = rd_make(p, n);
	int r;

	memset(a, 0, sizeof(*a));
	if ((r = rd_be32(&in, &a->magic)) != 0 ||
	    (r = rd_be16(&in, &a->type)) != 0)
		return r;
	/* Another structure has another layout from here on. */
	if (a->magic != TPM_MAGIC || a->type != TPM_QUOTE)
		return CL_OK;
	if ((r = get_2b(&in, a->signer, sizeof(a->signer), &a->signer_n)) !=
		0 ||
	    (r = get_2b(&in, a->extra, sizeof(a->extra), &a->extra_n)) != 0 ||
	    (r = get_clock(&in, a)) != 0 || (r = get_quote(&in, a)) != 0)
		return r;
	return rd_end(&in);
}

/* A number of at most 32 bytes, to the right. */
static int
get_scalar(struct rd *in, uint8_t out[32])
{
	const uint8_t *p;
	uint16_t size;
	int r;

	if ((r = rd_be16(in, &size)) != 0)
		return r;
	if (size > 32)
		return CL_ERR_TOO_LARGE;
	if ((r = rd_view(in, &p, size)) != 0)
		return r;
	memcpy(out + 32 - size, p, size);
	return CL_OK;
}

int
tpm_signature_parse(const uint8_t *p, size_t n, struct tpm_signature *s)
{
	struct rd in = rd_make(p, n);
	uint16_t size;
	int r;

	memset(s, 0, sizeof(*s));
	if ((r = rd_be16(&in, &s->scheme)) != 0 ||
	    (r = rd_be16(&in, &s->hash)) != 0)
		return r;
	if (s->scheme == TPM_ECDSA) {
		if ((r = get_scalar(&in, s->rs)) != 0 ||
		    (r = get_scalar(&in, s->rs + 32)) != 0)
			return r;
		return rd_end(&in);
	}
	if (s->scheme != TPM_RSASSA && s->scheme != TPM_RSAPSS)
		return CL_ERR_UNSUPPORTED;
	if ((r = rd_be16(&in, &size)) != 0)
		return r;
	s->rsa.n = size;
	if ((r = rd_view(&in, &s->rsa.p, size)) != 0)
		return r;
	return rd_end(&in);
}

static bool
check_values(const struct tpm_evidence *e, struct appraise_result *rows)
{
	const struct tpm_attest *a = &e->attest;
	struct crypto_part part[TPM_PCRS];
	uint8_t digest[32];
	size_t i, n = 0;

	if (!rows_say(rows, "tpm.bank", a->selected && !a->other_banks,
		"PCRs of the SHA-256 bank only",
		a->other_banks ? "PCRs of another bank"
		: a->selected  ? "PCRs of the SHA-256 bank only"
			       : "no PCR of it"))
		return false;
	if (!rows_sayf(rows, "tpm.selection", e->doc.given == a->selected,
		"the PCRs whose values came",
		"0x%06" PRIx32 " selected, 0x%06" PRIx32 " came", a->selected,
		e->doc.given))
		return false;
	for (i = 0; i < TPM_PCRS; i++)
		if (a->selected >> i & 1)
			part[n++] = (struct crypto_part){e->doc.pcr[i], 32};
	if (a->digest_n != sizeof(digest) || crypto_sha256(part, n, digest))
		return rows_sayf(rows, "tpm.pcr_digest", false, "32 bytes",
		    "%zu bytes", a->digest_n);
	return rows_same(rows, "tpm.pcr_digest", digest, a->digest, 32);
}

/* What the log says of the PCRs that are in the quote; the policy judges. */
static void
replay(struct tpm_evidence *e)
{
	struct eventlog_registers *got;
	unsigned i;

	e->log = e->doc.eventlog.n ? TPM_LOG_BAD : TPM_LOG_NONE;
	if (!e->doc.eventlog.n || !(got = secmem_alloc(sizeof(*got))))
		return;
	if (eventlog_replay(e->doc.eventlog.p, e->doc.eventlog.n, EVENTLOG_TPM,
		EVENTLOG_SHA256, got) == 0) {
		e->log = TPM_LOG_MATCHES;
		for (i = 0; i < TPM_PCRS && i < got->n; i++) {
			if (!got->extended[i])
				continue;
			e->logged |= 1u << i;
			if ((e->doc.given >> i & 1) &&
			    !secmem_equal(got->value[i], e->doc.pcr[i], 32))
				e->differs |= 1u << i;
		}
		if (e->differs)
			e->log = TPM_LOG_DIFFERS;
	}
	secmem_free(got);
}

static bool
check_layout(struct tpm_evidence *e, struct appraise_result *rows)
{
	const struct tpm_blob_view *p = &e->doc.attest;
	int r = tpm_attest_parse(p->p, p->n, &e->attest);

	if (!rows_say(rows, "tpm.attest", r == 0, "one TPMS_ATTEST",
		r ? err_text(r) : "one TPMS_ATTEST") ||
	    !rows_sayf(rows, "tpm.magic", e->attest.magic == TPM_MAGIC,
		"0xff544347, made by a TPM", "0x%08" PRIx32, e->attest.magic) ||
	    !rows_sayf(rows, "tpm.type", e->attest.type == TPM_QUOTE,
		"0x8018, a quote", "0x%04x", (unsigned)e->attest.type))
		return false;
	p = &e->doc.signature;
	r = tpm_signature_parse(p->p, p->n, &e->signature);
	return rows_say(rows, "tpm.signature.format", r == 0,
	    "one TPMT_SIGNATURE", r ? err_text(r) : "one TPMT_SIGNATURE");
}

/* Of all the forms in which an AK may come, every one must be the same. */
static int
add_ak(struct tpm_ak *ak, struct tpm_ak *more)
{
	int r = CL_OK;

	if (!ak->key) {
		*ak = *more;
		return CL_OK;
	}
	if (!secmem_equal(ak->spki, more->spki, sizeof(ak->spki)))
		r = CL_ERR_EVIDENCE;
	if (more->has_public) {
		ak->has_public = true;
		ak->attributes = more->attributes;
		memcpy(ak->name, more->name, sizeof(ak->name));
	}
	tpm_ak_clear(more);
	return r;
}

static int
find_ak(struct tpm_evidence *e)
{
	const struct tpm_doc *d = &e->doc;
	struct tpm_ak more;
	int r = CL_OK;

	if (d->ak.n && (r = tpm_ak_spki(d->ak.p, d->ak.n, &e->ak)) != 0)
		return r;
	if (d->ak_public.n) {
		r = tpm_ak_public(d->ak_public.p, d->ak_public.n, &more);
		if (r != 0 || (r = add_ak(&e->ak, &more)) != 0)
			return r;
	}
	if (d->hcl.n) {
		if ((r = tpm_hcl_parse(d->hcl.p, d->hcl.n, &e->hcl)) != 0)
			return r;
		e->has_hcl = true;
		if ((r = tpm_hcl_ak(&e->hcl, &more)) == 0)
			r = add_ak(&e->ak, &more);
	}
	return r ? r : e->ak.key ? CL_OK : CL_ERR_NOT_FOUND;
}

/* An AK that also signs what it is given would sign forged quotes. */
static bool
check_attributes(const struct tpm_ak *ak, struct appraise_result *rows)
{
	const uint32_t must = TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN |
			      TPM_RESTRICTED | TPM_SIGN;

	if (!ak->has_public)
		return true;
	return rows_sayf(rows, "ak.attributes",
	    (ak->attributes & (must | TPM_DECRYPT)) == must,
	    "restricted, sign, fixedTPM, fixedParent, sensitiveDataOrigin",
	    "0x%08" PRIx32, ak->attributes);
}

static bool
check_signature(struct tpm_evidence *e, struct appraise_result *rows)
{
	int r = find_ak(e);

	if (!rows_say(rows, "ak.key", r == 0, "one signing key, RSA or P-256",
		r == CL_ERR_EVIDENCE ? "several that differ"
		: r		     ? err_text(r)
				     : "one signing key"))
		return false;
	if (!check_attributes(&e->ak, rows))
		return false;
	r = tpm_signature_check(
	    &e->signature, e->ak.key, e->doc.attest.p, e->doc.attest.n);
	return rows_say(rows, "tpm.signature", r == 0, "holds under the AK",
	    r ? err_text(r) : "holds under the AK");
}

int
tpm_verify(const uint8_t *p, size_t n, struct tpm_evidence *e,
    struct appraise_result *rows)
{
	int r;

	memset(e, 0, sizeof(*e));
	if ((r = crypto_ready()) != 0)
		return r;
	r = tpm_doc_parse(p, n, &e->doc);
	if (!rows_say(rows, "tpm.evidence", r == 0,
		"JSON with attest, signature and pcrs",
		r ? err_text(r) : "JSON with attest, signature and pcrs"))
		return CL_ERR_EVIDENCE;
	if (!check_layout(e, rows) || !check_signature(e, rows) ||
	    !check_values(e, rows))
		return CL_ERR_EVIDENCE;
	replay(e);
	return CL_OK;
}

bool
tpm_bound(const struct tpm_evidence *e, const uint8_t want[64], bool only_hash,
    struct appraise_result *rows)
{
	const struct tpm_attest *a = &e->attest;
	const struct crypto_part part = {want, 64};
	uint8_t hash[32], came[TPM_EXTRA_MAX] = {0};

	if (crypto_sha256(&part, 1, hash) != 0)
		return rows_say(rows, "report_data", false, "a digest",
		    "the cryptographic library failed");
	memcpy(came, a->extra, a->extra_n);
	if (!only_hash && a->extra_n <= 64 && a->extra_n &&
	    secmem_equal(want, came, 64))
		return rows_same(rows, "report_data", want, came, 64);
	if (a->extra_n != sizeof(hash))
		return rows_sayf(rows, "report_data", false,
		    only_hash ? "its SHA-256" : "the same, or its SHA-256",
		    "%zu other bytes", a->extra_n);
	return rows_same(rows, "report_data", hash, came, sizeof(hash));
}

void
tpm_evidence_clear(struct tpm_evidence *e)
{
	tpm_ak_clear(&e->ak);
	tpm_ak_clear(&e->svsm.ek);
	tpm_doc_clear(&e->doc);
}
