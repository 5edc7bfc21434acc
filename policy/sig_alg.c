#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "policy/sig_alg.h"

static bool
is_nid(const X509_ALGOR *alg, int nid)
{
	const ASN1_OBJECT *obj;

	if (!alg)
		return false;
	X509_ALGOR_get0(&obj, NULL, NULL, alg);
	return OBJ_obj2nid(obj) == nid;
}

static bool
is_number(const ASN1_INTEGER *number, int64_t want)
{
	int64_t v;

	return number && ASN1_INTEGER_get_int64(&v, number) == 1 && v == want;
}

static bool
is_mgf1_sha384(const X509_ALGOR *alg)
{
	X509_ALGOR *hash;
	bool ok;

	if (!is_nid(alg, NID_mgf1) || !alg->parameter)
		return false;
	hash = ASN1_TYPE_unpack_sequence(
	    ASN1_ITEM_rptr(X509_ALGOR), alg->parameter);
	ok = is_nid(hash, NID_sha384);
	X509_ALGOR_free(hash);
	return ok;
}

static bool
is_amds(const X509_ALGOR *alg)
{
	RSA_PSS_PARAMS *pss;
	bool ok;

	if (!is_nid(alg, NID_rsassaPss) || !alg->parameter)
		return false;
	pss = ASN1_TYPE_unpack_sequence(
	    ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter);
	ok = pss && is_nid(pss->hashAlgorithm, NID_sha384) &&
	     is_mgf1_sha384(pss->maskGenAlgorithm) &&
	     is_number(pss->saltLength, 48) &&
	     (!pss->trailerField || is_number(pss->trailerField, 1));
	RSA_PSS_PARAMS_free(pss);
	ERR_clear_error();
	return ok;
}

/* RFC 5758: without parameters. */
static bool
is_intels(const X509_ALGOR *alg)
{
	int type = V_ASN1_UNDEF;

	if (!is_nid(alg, NID_ecdsa_with_SHA256))
		return false;
	X509_ALGOR_get0(NULL, &type, NULL, alg);
	return type == V_ASN1_UNDEF;
}

static bool
is_vendors(const X509_ALGOR *alg, enum root_vendor vendor)
{
	if (vendor == ROOT_AK)
		return true;
	return vendor == ROOT_INTEL ? is_intels(alg) : is_amds(alg);
}

bool
sig_alg_cert(X509 *cert, enum root_vendor vendor)
{
	const X509_ALGOR *alg;

	X509_get0_signature(NULL, &alg, cert);
	return is_vendors(alg, vendor) &&
	       X509_ALGOR_cmp(alg, X509_get0_tbs_sigalg(cert)) == 0;
}

/* Steps into a SEQUENCE; the bytes behind its head. */
static bool
enter(const unsigned char **p, const unsigned char *end)
{
	int tag, class, flags;
	long n;

	flags = ASN1_get_object(p, &n, &tag, &class, end - *p);
	return flags == V_ASN1_CONSTRUCTED && tag == V_ASN1_SEQUENCE;
}

/* The algorithm inside of the signed part of a list: SEQUENCE {SEQUENCE
 * {INTEGER version, AlgorithmIdentifier, …. NULL: it cannot be read. */
static X509_ALGOR *
inner(X509_CRL *crl)
{
	const unsigned char *p, *end;
	unsigned char *der = NULL;
	ASN1_INTEGER *version = NULL;
	X509_ALGOR *alg = NULL;
	int n = i2d_X509_CRL(crl, &der);

	if (n <= 0)
		return NULL;
	p = der;
	end = der + n;
	if (enter(&p, end) && enter(&p, end) &&
	    (version = d2i_ASN1_INTEGER(NULL, &p, end - p)))
		alg = d2i_X509_ALGOR(NULL, &p, end - p);
	ASN1_INTEGER_free(version);
	OPENSSL_free(der);
	return alg;
}

bool
sig_alg_crl(X509_CRL *crl, enum root_vendor vendor)
{
	X509_ALGOR *signed_one = inner(crl);
	const X509_ALGOR *alg;
	bool ok;

	X509_CRL_get0_signature(crl, NULL, &alg);
	ok = signed_one && is_vendors(alg, vendor) &&
	     X509_ALGOR_cmp(alg, signed_one) == 0;
	X509_ALGOR_free(signed_one);
	ERR_clear_error();
	return ok;
}
