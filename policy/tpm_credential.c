#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/tpm_credential.h"

#define LABEL	   "IDENTITY" /* with its NUL */
#define SEED	   32u
#define HMAC_BYTES 32u
#define NAME	   34u
#define RSA_MAX	   512u
/* TPM2B of the secret. */
#define IDENTITY (2u + TPM_CREDENTIAL_SECRET)

/* To the EK: RSAES-OAEP with the hash of its name. */
static int
seal_seed(EVP_PKEY *ek, const uint8_t seed[SEED], uint8_t *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ek, NULL);
	char *label = OPENSSL_strdup(LABEL);
	int r = CL_ERR_CRYPTO;

	if (!ctx || !label) {
		r = CL_ERR_MEMORY;
		goto out;
	}
	if (EVP_PKEY_encrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof(LABEL)) != 1)
		goto out;
	label = NULL; /* transferred */
	if (EVP_PKEY_encrypt(ctx, out, n, seed, SEED) == 1)
		r = CL_OK;
out:
	OPENSSL_free(label);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

/* KDFa (part 1, 11.4.10.2): SP 800-108 in counter mode, HMAC with SHA-256. */
static int
derive(const uint8_t seed[SEED], const char *label, const uint8_t *context,
    size_t context_n, uint8_t *out, size_t n)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM p[6], *at = p;
	int r = CL_ERR_CRYPTO;

	*at++ = OSSL_PARAM_construct_utf8_string(
	    OSSL_KDF_PARAM_MAC, (char *)(uintptr_t) "HMAC", 0);
	*at++ = OSSL_PARAM_construct_utf8_string(
	    OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0);
	*at++ = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)seed, SEED);
	*at++ = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)label, strlen(label));
	if (context_n)
		*at++ = OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)context, context_n);
	*at = OSSL_PARAM_construct_end();
	if (ctx && EVP_KDF_derive(ctx, out, n, p) == 1)
		r = CL_OK;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return r;
}

/* AES-128-CFB from zero, as the EK's public area says. */
static int
encrypt(
    const uint8_t key[16], const uint8_t in[IDENTITY], uint8_t out[IDENTITY])
{
	static const uint8_t iv[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, r = CL_ERR_CRYPTO;

	if (ctx &&
	    EVP_EncryptInit_ex2(ctx, EVP_aes_128_cfb128(), key, iv, NULL) ==
		1 &&
	    EVP_EncryptUpdate(ctx, out, &n, in, (int)IDENTITY) == 1 &&
	    n == (int)IDENTITY)
		r = CL_OK;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

/* Over what is encrypted and the name that it is for. */
static int
protect(const uint8_t key[HMAC_BYTES], const uint8_t identity[IDENTITY],
    const uint8_t name[NAME], uint8_t out[HMAC_BYTES])
{
	uint8_t both[IDENTITY + NAME];
	unsigned n = 0;

	memcpy(both, identity, IDENTITY);
	memcpy(both + IDENTITY, name, NAME);
	return HMAC(EVP_sha256(), key, (int)HMAC_BYTES, both, sizeof(both), out,
		   &n) &&
		       n == HMAC_BYTES
		   ? CL_OK
		   : CL_ERR_CRYPTO;
}

static int
put_size(struct wr *out, size_t n)
{
	const uint8_t size[2] = {(uint8_t)(n >> 8), (uint8_t)n};

	return wr_bytes(out, size, sizeof(size));
}

static int
write_out(const uint8_t mac[HMAC_BYTES], const uint8_t identity[IDENTITY],
    const uint8_t *sealed, size_t sealed_n, struct tpm_credential *out)
{
	struct wr w = wr_make(out->p, sizeof(out->p));
	int r;

	if ((r = put_size(&w, 2 + HMAC_BYTES + IDENTITY)) != 0 ||
	    (r = put_size(&w, HMAC_BYTES)) != 0 ||
	    (r = wr_bytes(&w, mac, HMAC_BYTES)) != 0 ||
	    (r = wr_bytes(&w, identity, IDENTITY)) != 0 ||
	    (r = put_size(&w, sealed_n)) != 0 ||
	    (r = wr_bytes(&w, sealed, sealed_n)) != 0)
		return r;
	out->n = w.len;
	return CL_OK;
}

/* TPM2_MakeCredential. ek: RSA with AES-128 and SHA-256, as in TCG's default
 * template; CL_ERR_UNSUPPORTED: another one. */
static int
make_credential(const struct tpm_ak *ek, const uint8_t ak_name[34],
    const uint8_t secret[TPM_CREDENTIAL_SECRET], struct tpm_credential *out)
{
	uint8_t seed[SEED], aes[16], hmac[HMAC_BYTES],
	    plain[IDENTITY] = {0}, identity[IDENTITY], mac[HMAC_BYTES],
	    sealed[RSA_MAX];
	size_t n = sizeof(sealed);
	int r;

	memset(out, 0, sizeof(*out));
	if (!EVP_PKEY_is_a(ek->key, "RSA"))
		return CL_ERR_UNSUPPORTED;
	plain[1] = TPM_CREDENTIAL_SECRET;
	memcpy(plain + 2, secret, TPM_CREDENTIAL_SECRET);
	if ((r = crypto_random(seed, sizeof(seed))) == 0 &&
	    (r = seal_seed(ek->key, seed, sealed, &n)) == 0 &&
	    (r = derive(seed, "STORAGE", ak_name, NAME, aes, sizeof(aes))) ==
		0 &&
	    (r = derive(seed, "INTEGRITY", NULL, 0, hmac, sizeof(hmac))) == 0 &&
	    (r = encrypt(aes, plain, identity)) == 0 &&
	    (r = protect(hmac, identity, ak_name, mac)) == 0)
		r = write_out(mac, identity, sealed, n, out);
	secmem_wipe(seed, sizeof(seed));
	secmem_wipe(aes, sizeof(aes));
	secmem_wipe(hmac, sizeof(hmac));
	secmem_wipe(plain, sizeof(plain));
	return r;
}

int
tpm_credential_nonce(const uint8_t nonce[32],
    const uint8_t secret[TPM_CREDENTIAL_SECRET], uint8_t out[32])
{
	static const char domain[] = "cloister credential v1";
	const struct crypto_part part[3] = {{domain, sizeof(domain)},
	    {nonce, 32}, {secret, TPM_CREDENTIAL_SECRET}};

	return crypto_sha256(part, 3, out);
}

static int
challenge_for(const struct tpm_ak *ek, const struct tpm_ak *ak,
    const uint8_t nonce[32], struct tpm_credential *out,
    struct tpm_challenge *challenge)
{
	uint8_t secret[TPM_CREDENTIAL_SECRET];
	int r;

	memcpy(challenge->ek_name, ek->name, sizeof(ek->name));
	memcpy(challenge->ak_name, ak->name, sizeof(ak->name));
	if ((r = crypto_random(secret, sizeof(secret))) == 0 &&
	    (r = tpm_credential_nonce(nonce, secret, challenge->nonce)) == 0)
		r = make_credential(ek, ak->name, secret, out);
	secmem_wipe(secret, sizeof(secret));
	return r;
}

int
tpm_credential_challenge(const uint8_t *raw, size_t raw_n,
    const uint8_t nonce[32], struct tpm_credential *out,
    struct tpm_challenge *challenge)
{
	struct tpm_blob_view public;
	struct tpm_ak ek = {0}, ak = {0};
	struct tpm_doc doc;
	int r;

	memset(challenge, 0, sizeof(*challenge));
	memset(out, 0, sizeof(*out));
	if ((r = crypto_ready()) != 0)
		return r;
	if ((r = tpm_doc_parse(raw, raw_n, &doc)) == 0 &&
	    !(doc.svsm_manifest.n && doc.ak_public.n))
		r = CL_ERR_NOT_FOUND;
	if (r == 0 &&
	    (r = tpm_svsm_manifest(
		 doc.svsm_manifest.p, doc.svsm_manifest.n, &public)) == 0 &&
	    (r = tpm_ek_public(public.p, public.n, &ek)) == 0 &&
	    (r = tpm_ak_public(doc.ak_public.p, doc.ak_public.n, &ak)) == 0)
		r = challenge_for(&ek, &ak, nonce, out, challenge);
	tpm_ak_clear(&ek);
	tpm_ak_clear(&ak);
	tpm_doc_clear(&doc);
	return r;
}
