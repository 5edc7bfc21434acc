#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/secmem.h"

#define WRAP_FORMAT 1u

/* Fetched once: a fetch by name takes locks and, the first time, loads. */
static struct {
	EVP_MD *sha256;
	EVP_MD *sha512;
	EVP_CIPHER *gcm[2]; /* by enum crypto_aead */
	EVP_KDF *hkdf;
	int status;
} alg = {.status = CL_ERR_INTERNAL};

static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch_all(void)
{
	/* No configuration file: nothing on the machine may swap providers. */
	if (OPENSSL_init_crypto(
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) !=
	    1) {
		alg.status = CL_ERR_CRYPTO;
		return;
	}
	alg.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	alg.sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
	alg.gcm[CRYPTO_AES_128_GCM] =
	    EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	alg.gcm[CRYPTO_AES_256_GCM] =
	    EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	alg.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	alg.status =
	    alg.sha256 && alg.sha512 && alg.gcm[0] && alg.gcm[1] && alg.hkdf
		? CL_OK
		: CL_ERR_CRYPTO;
}

int
crypto_ready(void)
{
	if (pthread_once(&fetched, fetch_all) != 0)
		return CL_ERR_INTERNAL;
	return alg.status;
}

int
crypto_random(void *out, size_t n)
{
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	if (n > INT_MAX)
		return CL_ERR_ARGUMENT;
	return RAND_priv_bytes(out, (int)n) == 1 ? CL_OK : CL_ERR_CRYPTO;
}

static int
hash_parts(const EVP_MD *md, const struct crypto_part *parts, size_t nparts,
    uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = CL_ERR_CRYPTO;
	size_t i;

	if (!ctx)
		return CL_ERR_MEMORY;
	if (EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		goto out;
	for (i = 0; i < nparts; i++)
		if (EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) != 1)
			goto out;
	if (EVP_DigestFinal_ex(ctx, out, NULL) == 1)
		r = CL_OK;
out:
	EVP_MD_CTX_free(ctx);
	return r;
}

int
crypto_sha256(const struct crypto_part *parts, size_t nparts, uint8_t out[32])
{
	int r = crypto_ready();

	return r ? r : hash_parts(alg.sha256, parts, nparts, out);
}

int
crypto_sha512(const struct crypto_part *parts, size_t nparts, uint8_t out[64])
{
	int r = crypto_ready();

	return r ? r : hash_parts(alg.sha512, parts, nparts, out);
}

/* Joins parts into buf; gives the length. */
static int
join(const struct crypto_part *parts, size_t nparts, uint8_t *buf, size_t cap,
    size_t *n)
{
	size_t at = 0, i;

	for (i = 0; i < nparts; i++) {
		if (parts[i].n > cap - at)
			return CL_ERR_TOO_LARGE;
		if (parts[i].n)
			memcpy(buf + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	*n = at;
	return CL_OK;
}

/* One call of OpenSSL's HKDF: extra is the salt or the info. */
static int
hkdf_run(int mode, const uint8_t *key, size_t key_len, const char *extra_name,
    const uint8_t *extra, size_t extra_len, uint8_t *out, size_t n)
{
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(alg.hkdf);
	OSSL_PARAM params[5], *p = params;
	char digest[] = "SHA256";
	int r = CL_ERR_CRYPTO;

	if (!ctx)
		return CL_ERR_MEMORY;
	*p++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	*p++ =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*p++ = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_len);
	if (extra_len)
		*p++ = OSSL_PARAM_construct_octet_string(
		    extra_name, (void *)(uintptr_t)extra, extra_len);
	*p = OSSL_PARAM_construct_end();
	if (EVP_KDF_derive(ctx, out, n, params) == 1)
		r = CL_OK;
	EVP_KDF_CTX_free(ctx);
	return r;
}

int
crypto_hkdf_extract(const uint8_t *salt, size_t salt_len,
    const struct crypto_part *ikm, size_t nikm, uint8_t prk[CRYPTO_SHA256])
{
	uint8_t *all = NULL;
	size_t total = 0, i;
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	for (i = 0; i < nikm; i++) {
		if (ikm[i].n > INT_MAX - total)
			return CL_ERR_ARGUMENT;
		total += ikm[i].n;
	}
	if (!total)
		return CL_ERR_ARGUMENT;
	if (!(all = secmem_alloc(total)))
		return CL_ERR_MEMORY;
	if ((r = join(ikm, nikm, all, total, &total)) == 0)
		r = hkdf_run(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, all, total,
		    OSSL_KDF_PARAM_SALT, salt, salt_len, prk, CRYPTO_SHA256);
	secmem_free(all);
	return r;
}

int
crypto_hkdf_expand(const uint8_t prk[CRYPTO_SHA256],
    const struct crypto_part *info, size_t ninfo, uint8_t *out, size_t n)
{
	uint8_t joined[CRYPTO_HKDF_INFO];
	size_t joined_len = 0;
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	if (!n || n > 255 * CRYPTO_SHA256)
		return CL_ERR_ARGUMENT;
	if ((r = join(info, ninfo, joined, sizeof(joined), &joined_len)) == 0)
		r = hkdf_run(EVP_KDF_HKDF_MODE_EXPAND_ONLY, prk, CRYPTO_SHA256,
		    OSSL_KDF_PARAM_INFO, joined, joined_len, out, n);
	secmem_wipe(joined, sizeof(joined));
	return r;
}

int
crypto_hkdf(const uint8_t *ikm, size_t ikm_len, const uint8_t *salt,
    size_t salt_len, const uint8_t *info, size_t info_len, uint8_t *out,
    size_t n)
{
	struct crypto_part in = {ikm, ikm_len}, what = {info, info_len};
	uint8_t prk[CRYPTO_SHA256];
	int r;

	r = crypto_hkdf_extract(salt, salt_len, &in, 1, prk);
	if (r == 0)
		r = crypto_hkdf_expand(prk, &what, 1, out, n);
	secmem_wipe(prk, sizeof(prk));
	return r;
}

int
crypto_aead_seal(enum crypto_aead which, const uint8_t *key,
    const uint8_t nonce[CRYPTO_NONCE], const struct crypto_part *aad,
    const void *pt, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = NULL;
	int r, len;

	if ((r = crypto_ready()) != 0)
		return r;
	if (n > INT_MAX - CRYPTO_TAG || aad->n > INT_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(ctx = EVP_CIPHER_CTX_new()))
		return CL_ERR_MEMORY;
	r = CL_ERR_CRYPTO;
	if (EVP_EncryptInit_ex2(ctx, alg.gcm[which], key, nonce, NULL) != 1)
		goto out;
	if (aad->n &&
	    EVP_EncryptUpdate(ctx, NULL, &len, aad->p, (int)aad->n) != 1)
		goto out;
	if (n && EVP_EncryptUpdate(ctx, out, &len, pt, (int)n) != 1)
		goto out;
	if (EVP_EncryptFinal_ex(ctx, out + n, &len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(
		ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG, out + n) == 1)
		r = CL_OK;
out:
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

int
crypto_aead_open(enum crypto_aead which, const uint8_t *key,
    const uint8_t nonce[CRYPTO_NONCE], const struct crypto_part *aad,
    const uint8_t *ct, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = NULL;
	uint8_t tag[CRYPTO_TAG], rest[16];
	int r, len;

	if ((r = crypto_ready()) != 0)
		return r;
	if (n < CRYPTO_TAG)
		return CL_ERR_KEY_UNWRAP;
	n -= CRYPTO_TAG;
	if (n > INT_MAX || aad->n > INT_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(ctx = EVP_CIPHER_CTX_new()))
		return CL_ERR_MEMORY;
	memcpy(tag, ct + n, sizeof(tag));
	r = CL_ERR_CRYPTO;
	if (EVP_DecryptInit_ex2(ctx, alg.gcm[which], key, nonce, NULL) != 1)
		goto out;
	if (aad->n &&
	    EVP_DecryptUpdate(ctx, NULL, &len, aad->p, (int)aad->n) != 1)
		goto out;
	if (n && EVP_DecryptUpdate(ctx, out, &len, ct, (int)n) != 1)
		goto out;
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) !=
	    1)
		goto out;
	r = EVP_DecryptFinal_ex(ctx, rest, &len) == 1 ? CL_OK
						      : CL_ERR_KEY_UNWRAP;
out:
	if (r != 0)
		secmem_wipe(out, n);
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

int
crypto_wrap(const uint8_t key[32], const void *aad, size_t aad_len,
    const void *p, size_t n, uint8_t *out)
{
	struct crypto_part bound = {aad, aad_len};
	int r;

	out[0] = WRAP_FORMAT;
	if ((r = crypto_random(out + 1, CRYPTO_NONCE)) != 0)
		return r;
	return crypto_aead_seal(CRYPTO_AES_256_GCM, key, out + 1, &bound, p, n,
	    out + 1 + CRYPTO_NONCE);
}

int
crypto_unwrap(const uint8_t key[32], const void *aad, size_t aad_len,
    const uint8_t *wrapped, size_t wrapped_len, uint8_t *out)
{
	struct crypto_part bound = {aad, aad_len};

	if (wrapped_len < CRYPTO_WRAP(0))
		return CL_ERR_KEY_UNWRAP;
	if (wrapped[0] != WRAP_FORMAT) {
		secmem_wipe(out, wrapped_len - CRYPTO_WRAP(0));
		return CL_ERR_KEY_UNWRAP;
	}
	return crypto_aead_open(CRYPTO_AES_256_GCM, key, wrapped + 1, &bound,
	    wrapped + 1 + CRYPTO_NONCE, wrapped_len - 1 - CRYPTO_NONCE, out);
}

/* What the first use of each kind of object sets up lies behind this. */
int
crypto_warmup(void)
{
	uint8_t key[CRYPTO_KEY], hash[CRYPTO_SHA512], out[CRYPTO_KEY];
	uint8_t wrapped[CRYPTO_WRAP(CRYPTO_KEY)];
	struct crypto_part part = {key, sizeof(key)};
	int r;

	if ((r = crypto_random(key, sizeof(key))) != 0 ||
	    (r = crypto_sha256(&part, 1, hash)) != 0 ||
	    (r = crypto_sha512(&part, 1, hash)) != 0 ||
	    (r = crypto_hkdf(key, sizeof(key), hash, 16, hash, 16, key,
		 sizeof(key))) != 0 ||
	    (r = crypto_wrap(key, hash, 8, key, sizeof(key), wrapped)) != 0)
		return r;
	wrapped[sizeof(wrapped) - 1] ^= 1;
	r = crypto_unwrap(key, hash, 8, wrapped, sizeof(wrapped), out);
	if (r != CL_ERR_KEY_UNWRAP)
		return CL_ERR_CRYPTO;
	wrapped[sizeof(wrapped) - 1] ^= 1;
	return crypto_unwrap(key, hash, 8, wrapped, sizeof(wrapped), out);
}
