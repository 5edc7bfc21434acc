#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>

#include "lib/crypto.h"
#include "policy/sm2.h"

/* Two INTEGERs of at most 33 bytes. */
#define DER_MAX 80
#define ID_MAX	254u

/* Distributions leave it out of some builds. */
static bool
is_there(void)
{
	EVP_MD *md = EVP_MD_fetch(NULL, "SM3", NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
	bool there = md && ctx;

	EVP_PKEY_CTX_free(ctx);
	EVP_MD_free(md);
	ERR_clear_error();
	return there;
}

static int
key_of_point(uint8_t point[65], EVP_PKEY **out)
{
	char group[] = "SM2";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, point, 65),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
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
sm2_key(const uint8_t xy[64], EVP_PKEY **out)
{
	uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
	int r;

	*out = NULL;
	if ((r = crypto_ready()) != 0)
		return r;
	if (!is_there())
		return CL_ERR_UNSUPPORTED;
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

int
sm2_verify(EVP_PKEY *key, const uint8_t *id, size_t id_n, const void *p,
    size_t n, const uint8_t sig[64])
{
	EVP_MD_CTX *ctx = NULL;
	EVP_PKEY_CTX *inner;
	uint8_t der[DER_MAX];
	size_t len = 0;
	int r;

	if (!key || !EVP_PKEY_is_a(key, "SM2") || !id_n || id_n > ID_MAX)
		return CL_ERR_SIGNATURE;
	if ((r = sig_der(sig, der, &len)) != 0)
		return r;
	if (!(ctx = EVP_MD_CTX_new()))
		return CL_ERR_MEMORY;
	r = CL_ERR_SIGNATURE;
	/* The id goes in before the first byte is hashed. */
	if (EVP_DigestVerifyInit_ex(
		ctx, &inner, "SM3", NULL, NULL, key, NULL) == 1 &&
	    EVP_PKEY_CTX_set1_id(inner, id, (int)id_n) == 1 &&
	    EVP_DigestVerify(ctx, der, len, p, n) == 1)
		r = CL_OK;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

int
sm2_hmac(
    const uint8_t *key, size_t key_n, const void *p, size_t n, uint8_t out[32])
{
	size_t len;
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	if (!is_there())
		return CL_ERR_UNSUPPORTED;
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SM3", NULL, key, key_n, p, n, out,
		32, &len) ||
	    len != 32)
		r = CL_ERR_CRYPTO;
	ERR_clear_error();
	return r;
}
