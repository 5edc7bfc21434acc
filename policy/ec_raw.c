#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "policy/ec_raw.h"

int
ec_raw_key(
    const char *type, const char *curve, const uint8_t xy[64], EVP_PKEY **out)
{
	uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)curve, 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY_CTX *check = NULL;
	EVP_PKEY *key = NULL;
	int r = CL_ERR_FORMAT;

	memcpy(point + 1, xy, 64);
	if (!make) {
		r = CL_ERR_MEMORY;
		goto out;
	}
	if (EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) != 1 ||
	    !(check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) ||
	    EVP_PKEY_public_check(check) != 1)
		goto out;
	*out = key;
	key = NULL;
	r = CL_OK;
out:
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(make);
	ERR_clear_error();
	return r;
}

int
ec_raw_der(const uint8_t sig[64], uint8_t der[EC_RAW_DER], size_t *n)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *a = BN_bin2bn(sig, 32, NULL),
	       *b = BN_bin2bn(sig + 32, 32, NULL);
	int r = CL_ERR_MEMORY, len;

	if (!s || !a || !b || ECDSA_SIG_set0(s, a, b) != 1)
		goto out;
	a = b = NULL; /* transferred */
	if ((len = i2d_ECDSA_SIG(s, NULL)) > 0 && len <= EC_RAW_DER) {
		*n = (size_t)i2d_ECDSA_SIG(s, &der);
		r = CL_OK;
	}
out:
	BN_free(a);
	BN_free(b);
	ECDSA_SIG_free(s);
	return r;
}
