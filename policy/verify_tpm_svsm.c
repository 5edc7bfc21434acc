#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/verify_snp.h"
#include "policy/verify_tpm.h"

/*
 * What an SVSM (a paravisor at VMPL 0 of an SEV-SNP guest) says of the TPM
 * that it is: AMD, "Secure VM Service Module for SEV-SNP Guests" (58019), 7
 * and 8.3. The guest gives 64 bytes of data and gets
 *	report		of SEV-SNP, VMPL 0; its report data is
 *			SHA-512(data ‖ manifest)
 *	manifest	version 0 of the TPM's service: TPMT_PUBLIC of its EK
 * or, asked for all services, a manifest of little endian
 *	16	GUID 63849ebb-3d92-4670-a1ff-58f9c94b87bb
 *	 4	size of all
 *	 4	number of services, for each:
 *	16	GUID; of the TPM c476f1eb-0123-45a5-9641-b4e7dde5bfe3
 *	 4	offset from the beginning
 *	 4	length
 * with the first three parts of a GUID little endian, too.
 *
 * An EK only decrypts: it says nothing of an AK. That both are in one TPM is
 * shown by TPM2_ActivateCredential alone, which needs a dialogue
 * (policy/tpm_credential.h). The data is chosen by the guest below the SVSM, so
 * it proves when the SVSM spoke, and nothing about any key.
 */
#define GUID	     16u
#define SERVICES_MAX 64u
#define ENTRY	     24u
#define EK_DATA	     64u

static const uint8_t all_services[GUID] = {0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d,
    0x70, 0x46, 0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb};
static const uint8_t vtpm[GUID] = {0xeb, 0xf1, 0x76, 0xc4, 0x23, 0x01, 0xa5,
    0x45, 0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3};

/* Outside the manifest, or into its own table? */
static bool
is_inside(uint32_t at, uint32_t len, size_t table, size_t n)
{
	return at >= table && at <= n && len <= n - at;
}

static int
find_service(const uint8_t *p, size_t n, struct tpm_blob_view *public)
{
	struct rd in = rd_make(p, n);
	const uint8_t *guid;
	uint32_t size, count, i, at, len;
	bool found = false;
	int r;

	if ((r = rd_view(&in, &guid, GUID)) != 0 ||
	    (r = rd_u32(&in, &size)) != 0 || (r = rd_u32(&in, &count)) != 0)
		return r;
	if (size != n || count > SERVICES_MAX)
		return CL_ERR_FORMAT;
	for (i = 0; i < count; i++) {
		if ((r = rd_view(&in, &guid, GUID)) != 0 ||
		    (r = rd_u32(&in, &at)) != 0 || (r = rd_u32(&in, &len)) != 0)
			return r;
		if (!is_inside(at, len, ENTRY + (size_t)count * ENTRY, n))
			return CL_ERR_FORMAT;
		if (!secmem_equal(guid, vtpm, GUID))
			continue;
		if (found)
			return CL_ERR_FORMAT;
		found = true;
		*public = (struct tpm_blob_view){p + at, len};
	}
	return found ? CL_OK : CL_ERR_NOT_FOUND;
}

int
tpm_svsm_manifest(const uint8_t *p, size_t n, struct tpm_blob_view *public)
{
	if (n >= GUID && secmem_equal(p, all_services, GUID))
		return find_service(p, n, public);
	*public = (struct tpm_blob_view){p, n};
	return n && n <= TPM_KEY_MAX ? CL_OK : CL_ERR_FORMAT;
}

/* As every TPM makes it from TCG's templates, and no other key. */
static bool
check_ek(const struct tpm_ak *ek, struct appraise_result *rows)
{
	const uint32_t must = TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN |
			      TPM_RESTRICTED | TPM_DECRYPT;

	return rows_sayf(rows, "svsm.ek",
	    (ek->attributes & (must | TPM_SIGN)) == must,
	    "restricted, decrypt, fixedTPM, fixedParent, sensitiveDataOrigin",
	    "0x%08" PRIx32, ek->attributes);
}

bool
tpm_svsm_read(struct tpm_evidence *e, struct appraise_result *rows)
{
	static const char want[] = "the public area of an EK";
	const struct tpm_doc *d = &e->doc;
	const struct crypto_part part[2] = {{d->svsm_data.p, d->svsm_data.n},
	    {d->svsm_manifest.p, d->svsm_manifest.n}};
	struct tpm_blob_view public = {0};
	int r;

	if (!rows_sayf(rows, "svsm.data", d->svsm_data.n == EK_DATA, "64 bytes",
		"%zu bytes", d->svsm_data.n))
		return false;
	r = tpm_svsm_manifest(d->svsm_manifest.p, d->svsm_manifest.n, &public);
	if (r == 0)
		r = tpm_ek_public(public.p, public.n, &e->svsm.ek);
	if (r == 0)
		r = crypto_sha512(part, 2, e->svsm.hash);
	if (!rows_say(
		rows, "svsm.manifest", r == 0, want, r ? err_text(r) : want))
		return false;
	e->has_svsm = true;
	return check_ek(&e->svsm.ek, rows);
}

bool
tpm_svsm_bound(const struct tpm_evidence *e, uint32_t vmpl,
    const uint8_t report_data[64], struct appraise_result *rows)
{
	/* Whatever level a policy allows the guest: only the SVSM is at 0. */
	return rows_sayf(rows, "svsm.vmpl", vmpl == 0, "0, where the SVSM runs",
		   "%" PRIu32, vmpl) &&
	       rows_same(
		   rows, "svsm.report_data", e->svsm.hash, report_data, 64);
}

bool
tpm_svsm_fresh(const struct tpm_evidence *e, const uint8_t want[64],
    struct appraise_result *rows)
{
	return rows_same(rows, "svsm.request", want, e->doc.svsm_data.p, 64);
}

static bool
is_proven(const struct tpm_evidence *e, const struct tpm_challenge *c,
    const uint8_t *nonce, const char **why)
{
	*why = "an EK, which alone proves no AK: its TPM was not challenged";
	if (!c)
		return false;
	*why = "evidence without an envelope";
	if (!nonce)
		return false;
	*why = "no attributes of the AK (ak_public)";
	if (!e->ak.has_public)
		return false;
	*why = "the challenge was for another EK";
	if (!secmem_equal(c->ek_name, e->svsm.ek.name, sizeof(c->ek_name)))
		return false;
	*why = "the challenge was for another AK";
	if (!secmem_equal(c->ak_name, e->ak.name, sizeof(c->ak_name)))
		return false;
	*why = "another nonce than the one that was sealed to the EK";
	return secmem_equal(c->nonce, nonce, sizeof(c->nonce));
}

bool
tpm_svsm_activated(const struct tpm_evidence *e,
    const struct tpm_challenge *challenge, const uint8_t *nonce,
    struct appraise_result *rows)
{
	static const char want[] = "the nonce that only the TPM with EK and AK "
				   "could open";
	const char *why;
	bool ok = is_proven(e, challenge, nonce, &why);

	return rows_say(rows, "svsm.ak", ok, want, ok ? want : why);
}
