#include <openssl/evp.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/hpke_suite.h"
#include "lib/secmem.h"

#define KEM_X25519_SHA256 0x0020u
#define KDF_SHA256	  0x0001u
#define MODE_BASE	  0x00u

/* RFC 9180 writes its numbers in network order, unlike our own formats. */
static void
be16_put(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* suite_id of 4.1 (KEM) and 5.1 (HPKE). */
struct suite_id {
	uint8_t p[10];
	size_t n;
};

static const struct suite_id kem_id = {
    {'K', 'E', 'M', KEM_X25519_SHA256 >> 8, KEM_X25519_SHA256 & 0xff}, 5};

static struct suite_id
hpke_id(const struct hpke_aead *aead)
{
	struct suite_id id = {{'H', 'P', 'K', 'E'}, 10};

	be16_put(id.p + 4, KEM_X25519_SHA256);
	be16_put(id.p + 6, KDF_SHA256);
	be16_put(id.p + 8, aead->id);
	return id;
}

const struct hpke_aead *
hpke_aes128(void)
{
	static const struct hpke_aead a = {0x0001, 16, CRYPTO_AES_128_GCM};

	return &a;
}

const struct hpke_aead *
hpke_aes256(void)
{
	static const struct hpke_aead a = {0x0002, 32, CRYPTO_AES_256_GCM};

	return &a;
}

static int
labeled_extract(const struct suite_id *id, const uint8_t *salt, size_t salt_len,
    const char *label, const void *ikm, size_t n, uint8_t prk[32])
{
	struct crypto_part parts[] = {
	    {"HPKE-v1", 7}, {id->p, id->n}, {label, strlen(label)}, {ikm, n}};

	return crypto_hkdf_extract(salt, salt_len, parts, 4, prk);
}

static int
labeled_expand(const struct suite_id *id, const uint8_t prk[32],
    const char *label, const void *info, size_t info_len, uint8_t *out,
    size_t n)
{
	uint8_t length[2];
	struct crypto_part parts[] = {{length, 2}, {"HPKE-v1", 7},
	    {id->p, id->n}, {label, strlen(label)}, {info, info_len}};

	if (n > 0xffff)
		return CL_ERR_ARGUMENT;
	be16_put(length, (unsigned)n);
	return crypto_hkdf_expand(prk, parts, 5, out, n);
}

static int
public_of(const uint8_t sk[32], uint8_t pk[32])
{
	EVP_PKEY *key;
	size_t n = 32;
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	r = CL_ERR_CRYPTO;
	key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, sk, 32);
	if (key && EVP_PKEY_get_raw_public_key(key, pk, &n) == 1 && n == 32)
		r = CL_OK;
	EVP_PKEY_free(key);
	return r;
}

/* X25519; OpenSSL refuses the all-zero result that 7.1.4 forbids. */
static int
diffie_hellman(const uint8_t sk[32], const uint8_t pk[32], uint8_t out[32])
{
	EVP_PKEY *mine, *theirs;
	EVP_PKEY_CTX *ctx = NULL;
	size_t n = 32;
	int r = CL_ERR_CRYPTO;

	mine = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, sk, 32);
	theirs = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, pk, 32);
	if (!mine || !theirs ||
	    !(ctx = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL)) ||
	    EVP_PKEY_derive_init(ctx) != 1)
		goto out;
	r = CL_ERR_KEY_UNWRAP;
	if (EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	    EVP_PKEY_derive(ctx, out, &n) == 1 && n == 32)
		r = CL_OK;
out:
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
	return r;
}

int
hpke_derive(const uint8_t *ikm, size_t n, uint8_t sk[32], uint8_t pk[32])
{
	uint8_t prk[32];
	int r;

	r = labeled_extract(&kem_id, NULL, 0, "dkp_prk", ikm, n, prk);
	if (r == 0)
		r = labeled_expand(&kem_id, prk, "sk", NULL, 0, sk, 32);
	if (r == 0)
		r = public_of(sk, pk);
	secmem_wipe(prk, sizeof(prk));
	return r;
}

int
hpke_keypair(uint8_t sk[32], uint8_t pk[32])
{
	uint8_t ikm[32];
	int r;

	if ((r = crypto_random(ikm, sizeof(ikm))) == 0)
		r = hpke_derive(ikm, sizeof(ikm), sk, pk);
	secmem_wipe(ikm, sizeof(ikm));
	return r;
}

/* ExtractAndExpand of 4.1. */
static int
shared_secret(const uint8_t dh[32], const uint8_t enc[32], const uint8_t pk[32],
    uint8_t out[32])
{
	uint8_t prk[32], kem_context[64];
	int r;

	memcpy(kem_context, enc, 32);
	memcpy(kem_context + 32, pk, 32);
	r = labeled_extract(&kem_id, NULL, 0, "eae_prk", dh, 32, prk);
	if (r == 0)
		r = labeled_expand(&kem_id, prk, "shared_secret", kem_context,
		    sizeof(kem_context), out, 32);
	secmem_wipe(prk, sizeof(prk));
	return r;
}

/* KeySchedule of 5.1 in base mode: psk and psk_id are empty. */
static int
key_schedule(const struct hpke_aead *aead, const uint8_t shared[32],
    const void *info, size_t info_len, struct hpke_context *c)
{
	struct suite_id id = hpke_id(aead);
	uint8_t context[1 + 32 + 32] = {MODE_BASE}, secret[32];
	size_t n = sizeof(context);
	int r;

	if ((r = labeled_extract(
		 &id, NULL, 0, "psk_id_hash", NULL, 0, context + 1)) != 0 ||
	    (r = labeled_extract(&id, NULL, 0, "info_hash", info, info_len,
		 context + 33)) != 0 ||
	    (r = labeled_extract(&id, shared, 32, "secret", NULL, 0, secret)) !=
		0)
		return r;
	if ((r = labeled_expand(
		 &id, secret, "key", context, n, c->key, aead->nk)) == 0 &&
	    (r = labeled_expand(&id, secret, "base_nonce", context, n, c->nonce,
		 CRYPTO_NONCE)) == 0)
		r = labeled_expand(
		    &id, secret, "exp", context, n, c->ex.secret, 32);
	secmem_wipe(secret, sizeof(secret));
	return r;
}

int
hpke_setup_sender(const struct hpke_aead *aead, const uint8_t pk[32],
    const uint8_t ephemeral[32], const void *info, size_t info_len,
    uint8_t enc[32], struct hpke_context *c)
{
	uint8_t dh[32], shared[32];
	int r;

	if ((r = public_of(ephemeral, enc)) == 0 &&
	    (r = diffie_hellman(ephemeral, pk, dh)) == 0 &&
	    (r = shared_secret(dh, enc, pk, shared)) == 0)
		r = key_schedule(aead, shared, info, info_len, c);
	secmem_wipe(dh, sizeof(dh));
	secmem_wipe(shared, sizeof(shared));
	return r;
}

int
hpke_setup_receiver(const struct hpke_aead *aead, const uint8_t sk[32],
    const uint8_t enc[32], const void *info, size_t info_len,
    struct hpke_context *c)
{
	uint8_t dh[32], shared[32], pk[32];
	int r;

	if ((r = public_of(sk, pk)) == 0 &&
	    (r = diffie_hellman(sk, enc, dh)) == 0 &&
	    (r = shared_secret(dh, enc, pk, shared)) == 0)
		r = key_schedule(aead, shared, info, info_len, c);
	secmem_wipe(dh, sizeof(dh));
	secmem_wipe(shared, sizeof(shared));
	return r;
}

int
hpke_seal(const uint8_t pk[32], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *pt, size_t n, uint8_t enc[32],
    uint8_t *ct, struct hpke_exporter *ex)
{
	struct crypto_part bound = {aad, aad_len};
	uint8_t sk[32], unused[32];
	struct hpke_context c;
	int r;

	if ((r = hpke_keypair(sk, unused)) == 0 &&
	    (r = hpke_setup_sender(
		 hpke_aes256(), pk, sk, info, info_len, enc, &c)) == 0)
		r = crypto_aead_seal(
		    hpke_aes256()->alg, c.key, c.nonce, &bound, pt, n, ct);
	if (r == 0 && ex)
		*ex = c.ex;
	secmem_wipe(sk, sizeof(sk));
	secmem_wipe(&c, sizeof(c));
	return r;
}

int
hpke_open(const uint8_t sk[32], const uint8_t enc[32], const void *info,
    size_t info_len, const void *aad, size_t aad_len, const uint8_t *ct,
    size_t n, uint8_t *out, struct hpke_exporter *ex)
{
	struct crypto_part bound = {aad, aad_len};
	struct hpke_context c;
	int r;

	r = hpke_setup_receiver(hpke_aes256(), sk, enc, info, info_len, &c);
	if (r == 0)
		r = crypto_aead_open(
		    hpke_aes256()->alg, c.key, c.nonce, &bound, ct, n, out);
	if (r == 0 && ex)
		*ex = c.ex;
	secmem_wipe(&c, sizeof(c));
	return r;
}

int
hpke_export(const struct hpke_exporter *ex, const void *context,
    size_t context_len, uint8_t *out, size_t n)
{
	struct suite_id id = hpke_id(hpke_aes256());

	return labeled_expand(
	    &id, ex->secret, "sec", context, context_len, out, n);
}
