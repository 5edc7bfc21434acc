#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

#include "lib/crypto.h"
#include "policy/p256.h"

#define CURVE "prime256v1"
/* Two INTEGERs of at most 33 bytes. */
#define DER_MAX 80

static int
key_of_point(uint8_t point[65], EVP_PKEY **out)
{
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)CURVE, 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, point, 65),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY_CTX *check = NULL;
	EVP_PKEY *key = NULL;
	int r = CL_ERR_FORMAT;

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
p256_key(const uint8_t xy[64], EVP_PKEY **out)
{
	uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	memcpy(point + 1, xy, 64);
	return key_of_point(point, out);
}

/* OpenSSL takes signatures as DER only. */
static int
sig_der(const uint8_t sig[64], uint8_t der[DER_MAX], size_t *n)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *a = BN_bin2bn(sig, 32, NULL),
	       *b = BN_bin2bn(sig + 32, 32, NULL);
	int r = CL_ERR_MEMORY, len;

	if (!s || !a || !b || ECDSA_SIG_set0(s, a, b) != 1)
		goto out;
	a = b = NULL; /* transferred */
	if ((len = i2d_ECDSA_SIG(s, NULL)) > 0 && len <= DER_MAX) {
		*n = (size_t)i2d_ECDSA_SIG(s, &der);
		r = CL_OK;
	}
out:
	BN_free(a);
	BN_free(b);
	ECDSA_SIG_free(s);
	return r;
}

static bool
is_p256(const EVP_PKEY *key)
{
	char name[32];

	return EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
	       strcmp(name, CURVE) == 0;
}

int
p256_verify(EVP_PKEY *key, const void *p, size_t n, const uint8_t sig[64])
{
	EVP_MD_CTX *ctx = NULL;
	uint8_t der[DER_MAX];
	size_t len = 0;
	int r;

	if (!key || !is_p256(key)) {
		r = CL_ERR_SIGNATURE;
		goto out;
	}
	if ((r = sig_der(sig, der, &len)) != 0)
		goto out;
	r = CL_ERR_MEMORY;
	if (!(ctx = EVP_MD_CTX_new()))
		goto out;
	r = CL_ERR_SIGNATURE;
	if (EVP_DigestVerifyInit_ex(
		ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestVerify(ctx, der, len, p, n) == 1)
		r = CL_OK;
out:
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}
