/*
 * AES-256-SIV (RFC 5297, 512-bit key) through libgcrypt: deterministic, one
 * associated data string. libgcrypt keeps the key in a handle, which comes out
 * of its allocator (the arena once secmem_hook_libraries was called).
 */
#include <gcrypt.h>
#include <pthread.h>

#include "tde/cell_layout.h"
#include "tde/suite_impl.h"

#define KEY_LEN 64u

struct siv_context {
	gcry_cipher_hd_t handle;
};

static pthread_once_t gcrypt_once = PTHREAD_ONCE_INIT;
static int gcrypt_state = CL_ERR_CRYPTO;

/* libgcrypt's own locked pool is not wanted: its memory is ours. */
static void
gcrypt_start(void)
{
	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		if (!gcry_check_version("1.10.0"))
			return;
		gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	gcrypt_state = CL_OK;
}

int
suite_gcrypt_start(void)
{
	pthread_once(&gcrypt_once, gcrypt_start);
	return gcrypt_state;
}

static void
siv_clear(void *context)
{
	struct siv_context *c = context;

	gcry_cipher_close(c->handle);
	secmem_wipe(c, sizeof(*c));
}

static int
siv_init(void *context, const uint8_t *key)
{
	struct siv_context *c = context;

	c->handle = NULL;
	if (gcry_cipher_open(
		&c->handle, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_SIV, 0) != 0)
		return CL_ERR_CRYPTO;
	if (gcry_cipher_setkey(c->handle, key, KEY_LEN) != 0) {
		siv_clear(context);
		return CL_ERR_CRYPTO;
	}
	return CL_OK;
}

static int
siv_seal(void *context, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *pt, size_t n, uint8_t *out, uint8_t *tag)
{
	gcry_cipher_hd_t h = ((struct siv_context *)context)->handle;

	(void)nonce;
	if (gcry_cipher_reset(h) != 0 ||
	    gcry_cipher_authenticate(h, aad, aad_len) != 0 ||
	    gcry_cipher_encrypt(h, out, n, pt, n) != 0 ||
	    gcry_cipher_gettag(h, tag, CELL_TAG) != 0)
		return CL_ERR_CRYPTO;
	return CL_OK;
}

static int
siv_open(void *context, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *ct, size_t n, const uint8_t *tag,
    uint8_t *out)
{
	gcry_cipher_hd_t h = ((struct siv_context *)context)->handle;
	gcry_error_t e;
	int r = CL_ERR_CRYPTO;

	(void)nonce;
	if (gcry_cipher_reset(h) != 0 ||
	    gcry_cipher_authenticate(h, aad, aad_len) != 0 ||
	    gcry_cipher_set_decryption_tag(h, tag, CELL_TAG) != 0)
		goto out;
	e = gcry_cipher_decrypt(h, out, n, ct, n);
	if (e == 0)
		r = CL_OK;
	else if (gcry_err_code(e) == GPG_ERR_CHECKSUM)
		r = CL_ERR_BAD_CELL;
out:
	if (r != CL_OK)
		secmem_wipe(out, n);
	return r;
}

static const struct suite siv = {
    .id = SUITE_AES256_SIV,
    .name = "aes-256-siv",
    .deterministic = true,
    .key_len = KEY_LEN,
    .nonce_len = 0,
    .context_size = sizeof(struct siv_context),
    .init = siv_init,
    .clear = siv_clear,
    .seal = siv_seal,
    .open = siv_open,
    .shared = false,
};

const struct suite *
suite_siv(void)
{
	return suite_gcrypt_start() == CL_OK ? &siv : NULL;
}
