#include <openssl/err.h>
#include <stdbool.h>

#include "lib/crypto.h"
#include "policy/ec_raw.h"
#include "policy/sm2.h"

#define ID_MAX 254u

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

int
sm2_key(const uint8_t xy[64], EVP_PKEY **out)
{
	int r;

	*out = NULL;
	if ((r = crypto_ready()) != 0)
		return r;
	if (!is_there())
		return CL_ERR_UNSUPPORTED;
	return ec_raw_key("SM2", "SM2", xy, out);
}

int
sm2_verify(EVP_PKEY *key, const uint8_t *id, size_t id_n, const void *p,
    size_t n, const uint8_t sig[64])
{
	EVP_MD_CTX *ctx = NULL;
	EVP_PKEY_CTX *inner;
	uint8_t der[EC_RAW_DER];
	size_t len = 0;
	int r;

	if (!key || !EVP_PKEY_is_a(key, "SM2") || !id_n || id_n > ID_MAX)
		return CL_ERR_SIGNATURE;
	if ((r = ec_raw_der(sig, der, &len)) != 0)
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
