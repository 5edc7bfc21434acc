#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "policy/identity_key.h"

#define SALT_RSA 32

/* The identifier that GM/T 0009 gives to signers that have none. */
static const char sm2_id[] = "1234567812345678";

/* Sets what the kind asks for on a context that is about to be used; the
 * SM2 identifier must be there before the first byte is hashed. */
static OSSL_PARAM *
params_of(const struct identity_row *row, OSSL_PARAM params[4], int *salt)
{
	OSSL_PARAM *p = params;

	if (row->kind == IDENTITY_RSA3072) {
		*p++ = OSSL_PARAM_construct_utf8_string(
		    OSSL_SIGNATURE_PARAM_PAD_MODE,
		    (char *)(uintptr_t)OSSL_PKEY_RSA_PAD_MODE_PSS, 0);
		*p++ = OSSL_PARAM_construct_int(
		    OSSL_SIGNATURE_PARAM_PSS_SALTLEN, salt);
		*p++ = OSSL_PARAM_construct_utf8_string(
		    OSSL_SIGNATURE_PARAM_MGF1_DIGEST,
		    (char *)(uintptr_t)row->digest, 0);
	} else if (row->kind == IDENTITY_SM2) {
		*p++ =
		    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_DIST_ID,
			(char *)(uintptr_t)sm2_id, sizeof(sm2_id) - 1);
	}
	*p = OSSL_PARAM_construct_end();
	return params;
}

int
identity_key_sign(const struct identity_row *row, EVP_PKEY *key,
    const uint8_t *p, size_t len, uint8_t *sig, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	OSSL_PARAM params[4];
	int salt = SALT_RSA, r = CL_ERR_CRYPTO;

	if (!ctx)
		return CL_ERR_MEMORY;
	if (*n < IDENTITY_SIG_MAX)
		r = CL_ERR_TOO_LARGE;
	else if (EVP_DigestSignInit_ex(ctx, NULL, row->digest, NULL, NULL, key,
		     params_of(row, params, &salt)) == 1 &&
		 EVP_DigestSign(ctx, sig, n, p, len) == 1)
		r = CL_OK;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

int
identity_key_verify(const struct identity_row *row, EVP_PKEY *key,
    const uint8_t *p, size_t len, const uint8_t *sig, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	OSSL_PARAM params[4];
	int salt = SALT_RSA, r = CL_ERR_CRYPTO;

	if (!ctx)
		return CL_ERR_MEMORY;
	if (EVP_DigestVerifyInit_ex(ctx, NULL, row->digest, NULL, NULL, key,
		params_of(row, params, &salt)) == 1)
		r = EVP_DigestVerify(ctx, sig, n, p, len) == 1
			? CL_OK
			: CL_ERR_SIGNATURE;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}
