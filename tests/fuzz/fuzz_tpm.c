/* tpm_attest_parse, tpm_signature_parse, tpm_ak_public, tpm_ak_spki,
 * tpm_hcl_parse, tpm_hcl_ak, tpm_svsm_manifest, tpm_ek_public */
#include "fuzz.h"
#include "policy/verify_tpm.h"

static void
keys(const uint8_t *p, size_t n)
{
	struct tpm_hcl hcl;
	struct tpm_ak ak;

	memset(&ak, 0, sizeof(ak));
	if (tpm_ak_public(p, n, &ak) == 0)
		fuzz_holds(ak.key && ak.has_public);
	tpm_ak_clear(&ak);
	memset(&ak, 0, sizeof(ak));
	if (tpm_ak_spki(p, n, &ak) == 0)
		fuzz_holds(ak.key);
	tpm_ak_clear(&ak);
	memset(&ak, 0, sizeof(ak));
	if (tpm_hcl_parse(p, n, &hcl) == 0) {
		if (tpm_hcl_ak(&hcl, &ak) == 0)
			fuzz_holds(ak.key);
		tpm_ak_clear(&ak);
	}
}

/* As the verifier goes: the manifest, then the key in it. */
static void
svsm(const uint8_t *p, size_t n)
{
	struct tpm_blob_view public = {0};
	struct tpm_ak ek;

	if (tpm_svsm_manifest(p, n, &public) != 0)
		return;
	fuzz_holds(
	    public.p >= p && public.n <= n && public.p + public.n <= p + n);
	memset(&ek, 0, sizeof(ek));
	if (tpm_ek_public(public.p, public.n, &ek) == 0)
		fuzz_holds(ek.key && ek.has_public);
	tpm_ak_clear(&ek);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tpm_attest a;
	struct tpm_signature s;

	if (tpm_attest_parse(p, n, &a) == 0)
		fuzz_holds(
		    a.signer_n <= TPM_NAME_MAX && a.extra_n <= TPM_EXTRA_MAX);
	if (tpm_signature_parse(p, n, &s) == 0 && s.rsa.p)
		fuzz_holds(s.rsa.p > p && s.rsa.p + s.rsa.n <= p + n);
	keys(p, n);
	svsm(p, n);
	return 0;
}
