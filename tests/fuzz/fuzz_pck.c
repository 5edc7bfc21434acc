/* pck_parse: a certificate in DER, or the value of its extension alone */
#include "fuzz.h"
#include "policy/pck.h"

static X509 *
with_extension(const uint8_t *p, size_t n)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113741.1.13.1", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	X509 *cert = X509_new();

	fuzz_holds(oid && value && cert);
	fuzz_holds(ASN1_OCTET_STRING_set(value, p, (int)n) == 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	fuzz_holds(ext && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return cert;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *at = p;
	struct pck pck;
	X509 *cert = d2i_X509(NULL, &at, (long)n);

	if (!cert)
		cert = with_extension(p, n);
	if (pck_parse(cert, &pck) == 0)
		fuzz_holds(pck.sgx_type <= 2);
	X509_free(cert);
	return 0;
}
