/*
 * AES-256-GCM (NIST SP 800-38D), 96-bit nonce, 128-bit tag. libipsec-mb serves
 * small cells several times faster than OpenSSL, because its direct calls take
 * an expanded key and no context has to be re-initialised.
 */
#include <intel-ipsec-mb.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "tde/cell_layout.h"
#include "tde/suite_impl.h"

#define KEY_LEN	  32u
#define KEY_ALIGN 64u

/* ---- libipsec-mb ---- */

static pthread_once_t manager_once = PTHREAD_ONCE_INIT;
/* Holds function pointers only: keys live in the contexts. */
static IMB_MGR *manager;

static void
manager_start(void)
{
	const uint64_t wanted =
	    IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX;
	IMB_ARCH arch;
	IMB_MGR *m;

	m = alloc_mb_mgr(0);
	if (!m)
		return;
	init_mb_mgr_auto(m, &arch);
	if (imb_get_errno(m) != 0 || (m->features & wanted) != wanted ||
	    (m->features & IMB_FEATURE_AESNI_EMU)) {
		free_mb_mgr(m);
		return;
	}
	manager = m;
}

/* The caller's memory is 16-byte aligned, the library wants 64. */
static struct gcm_key_data *
key_of(void *context)
{
	uintptr_t at = (uintptr_t)context + KEY_ALIGN - 1;

	return (struct gcm_key_data *)(at / KEY_ALIGN * KEY_ALIGN);
}

static int
ipsec_init(void *context, const uint8_t *key)
{
	IMB_AES256_GCM_PRE(manager, key, key_of(context));
	return CL_OK;
}

static void
ipsec_clear(void *context)
{
	secmem_wipe(context, sizeof(struct gcm_key_data) + KEY_ALIGN);
}

/* The library takes a NULL pointer for an error even when the length is 0. */
static const uint8_t *
not_null(const uint8_t *p)
{
	static const uint8_t nothing;

	return p ? p : &nothing;
}

static int
ipsec_seal(void *context, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *pt, size_t n, uint8_t *out, uint8_t *tag)
{
	struct gcm_context_data state;
	uint8_t none;

	IMB_AES256_GCM_ENC(manager, key_of(context), &state, out ? out : &none,
	    not_null(pt), n, nonce, not_null(aad), aad_len, tag, CELL_TAG);
	secmem_wipe(&state, sizeof(state));
	return CL_OK;
}

static int
ipsec_open(void *context, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *ct, size_t n, const uint8_t *tag,
    uint8_t *out)
{
	struct gcm_context_data state;
	uint8_t wanted[CELL_TAG] = {0}, none;
	int r = CL_OK;

	IMB_AES256_GCM_DEC(manager, key_of(context), &state, out ? out : &none,
	    not_null(ct), n, nonce, not_null(aad), aad_len, wanted, CELL_TAG);
	if (!secmem_equal(wanted, tag, CELL_TAG)) {
		secmem_wipe(out, n);
		r = CL_ERR_BAD_CELL;
	}
	/* The right tag of a forged cell is a secret. */
	secmem_wipe(wanted, sizeof(wanted));
	secmem_wipe(&state, sizeof(state));
	return r;
}

static const struct suite ipsec_suite = {
    .id = SUITE_AES256_GCM,
    .name = "aes-256-gcm",
    .deterministic = false,
    .key_len = KEY_LEN,
    .nonce_len = CELL_NONCE,
    .context_size = sizeof(struct gcm_key_data) + KEY_ALIGN,
    .init = ipsec_init,
    .clear = ipsec_clear,
    .seal = ipsec_seal,
    .open = ipsec_open,
    .shared = true,
};

const struct suite *
suite_gcm_ipsec(void)
{
	pthread_once(&manager_once, manager_start);
	return manager ? &ipsec_suite : NULL;
}

/* ---- OpenSSL ---- */

struct openssl_context {
	EVP_CIPHER_CTX *enc;
	EVP_CIPHER_CTX *dec;
};

static void
openssl_clear(void *context)
{
	struct openssl_context *c = context;

	EVP_CIPHER_CTX_free(c->enc);
	EVP_CIPHER_CTX_free(c->dec);
	secmem_wipe(c, sizeof(*c));
}

static int
openssl_init(void *context, const uint8_t *key)
{
	struct openssl_context *c = context;
	const EVP_CIPHER *cipher = EVP_aes_256_gcm();

	c->enc = EVP_CIPHER_CTX_new();
	c->dec = EVP_CIPHER_CTX_new();
	if (!c->enc || !c->dec ||
	    EVP_EncryptInit_ex(c->enc, cipher, NULL, key, NULL) != 1 ||
	    EVP_DecryptInit_ex(c->dec, cipher, NULL, key, NULL) != 1) {
		openssl_clear(context);
		return CL_ERR_CRYPTO;
	}
	return CL_OK;
}

/* Sizes fit int: a cell is at most CELL_MAX. */
static int
openssl_seal(void *context, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *pt, size_t n, uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER_CTX *c = ((struct openssl_context *)context)->enc;
	uint8_t rest[CELL_TAG];
	int len;

	if (n > CELL_MAX || aad_len > CELL_MAX)
		return CL_ERR_TOO_LARGE;
	if (EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce) != 1 ||
	    (aad_len &&
		EVP_EncryptUpdate(c, NULL, &len, aad, (int)aad_len) != 1) ||
	    (n && EVP_EncryptUpdate(c, out, &len, pt, (int)n) != 1) ||
	    EVP_EncryptFinal_ex(c, rest, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, CELL_TAG, tag) != 1)
		return CL_ERR_CRYPTO;
	return CL_OK;
}

static int
openssl_open(void *context, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *ct, size_t n, const uint8_t *tag,
    uint8_t *out)
{
	EVP_CIPHER_CTX *c = ((struct openssl_context *)context)->dec;
	uint8_t copy[CELL_TAG], rest[CELL_TAG];
	int len, i, r = CL_ERR_CRYPTO;

	if (n > CELL_MAX || aad_len > CELL_MAX)
		return CL_ERR_TOO_LARGE;
	for (i = 0; i < (int)CELL_TAG; i++) /* the call wants it writable */
		copy[i] = tag[i];
	if (EVP_DecryptInit_ex(c, NULL, NULL, NULL, nonce) != 1 ||
	    (aad_len &&
		EVP_DecryptUpdate(c, NULL, &len, aad, (int)aad_len) != 1) ||
	    (n && EVP_DecryptUpdate(c, out, &len, ct, (int)n) != 1) ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, CELL_TAG, copy) != 1)
		goto out;
	r = EVP_DecryptFinal_ex(c, rest, &len) == 1 ? CL_OK : CL_ERR_BAD_CELL;
out:
	if (r != CL_OK)
		secmem_wipe(out, n);
	return r;
}

static const struct suite openssl_suite = {
    .id = SUITE_AES256_GCM,
    .name = "aes-256-gcm",
    .deterministic = false,
    .key_len = KEY_LEN,
    .nonce_len = CELL_NONCE,
    .context_size = sizeof(struct openssl_context),
    .init = openssl_init,
    .clear = openssl_clear,
    .seal = openssl_seal,
    .open = openssl_open,
    .shared = false,
};

const struct suite *
suite_gcm_openssl(void)
{
	return &openssl_suite;
}

const struct suite *
suite_gcm(void)
{
	const struct suite *s = suite_gcm_ipsec();

	return s ? s : suite_gcm_openssl();
}
