#include <openssl/err.h>
#include <string.h>

#include "lib/crypto.h"
#include "policy/ec_raw.h"
#include "policy/p256.h"

#define CURVE "prime256v1"

int
p256_key(const uint8_t xy[64], EVP_PKEY **out)
{
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	return ec_raw_key("EC", CURVE, xy, out);
}

bool
p256_is(const EVP_PKEY *key)
{
	char name[32];

	return key &&
	       EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
	       strcmp(name, CURVE) == 0;
}

int
p256_verify(EVP_PKEY *key, const void *p, size_t n, const uint8_t sig[64])
{
	EVP_MD_CTX *ctx = NULL;
	uint8_t der[EC_RAW_DER];
	size_t len = 0;
	int r;

	if (!p256_is(key)) {
		r = CL_ERR_SIGNATURE;
		goto out;
	}
	if ((r = ec_raw_der(sig, der, &len)) != 0)
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
