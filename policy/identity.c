#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/secmem.h"
#include "policy/identity.h"
#include "policy/identity_key.h"

struct identity {
	const struct identity_row *row;
	EVP_PKEY *key;
	bool is_private;
};

static const struct identity_row rows[] = {
    {IDENTITY_ED25519, "ed25519", "ED25519", NULL, NULL},
    {IDENTITY_P256, "p256", "EC", "prime256v1", "SHA256"},
    {IDENTITY_RSA3072, "rsa3072", "RSA", NULL, "SHA256"},
    {IDENTITY_SM2, "sm2", "SM2", "SM2", "SM3"},
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

static const struct identity_row *
row_of(enum identity_kind kind)
{
	size_t i;

	for (i = 0; i < NROWS; i++)
		if (rows[i].kind == kind)
			return &rows[i];
	return NULL;
}

const char *
identity_kind_name(enum identity_kind kind)
{
	const struct identity_row *row = row_of(kind);

	return row ? row->name : NULL;
}

int
identity_kind_by_name(const char *name, enum identity_kind *kind)
{
	size_t i;

	for (i = 0; i < NROWS; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		*kind = rows[i].kind;
		return CL_OK;
	}
	return CL_ERR_NOT_FOUND;
}

enum identity_kind
identity_kind_of(const struct identity *id)
{
	return id->row->kind;
}

void
identity_free(struct identity *id)
{
	if (!id)
		return;
	EVP_PKEY_free(id->key);
	secmem_free(id);
}

/*
 * Elliptic keys may be written with explicit curve parameters or a compressed
 * point. One key must have one PEM, or it would have several pukids.
 */
static int
canonical_form(EVP_PKEY *key)
{
	if (EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
		OSSL_PKEY_EC_ENCODING_GROUP) != 1 ||
	    EVP_PKEY_set_utf8_string_param(key,
		OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
		OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
		return CL_ERR_UNSUPPORTED;
	return CL_OK;
}

static bool
row_matches(const struct identity_row *row, const EVP_PKEY *key)
{
	char group[32];

	if (EVP_PKEY_is_a(key, row->algorithm) != 1)
		return false;
	if (row->kind == IDENTITY_RSA3072)
		return EVP_PKEY_get_bits(key) == 3072;
	if (!row->group)
		return true;
	return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, row->group) == 0;
}

/* Takes the key over, whatever it returns. */
static int
adopt(EVP_PKEY *key, bool is_private, struct identity **out)
{
	const struct identity_row *row = NULL;
	struct identity *id;
	int r = CL_ERR_UNSUPPORTED;
	size_t i;

	for (i = 0; i < NROWS && !row; i++)
		if (row_matches(&rows[i], key))
			row = &rows[i];
	if (!row || (row->group && (r = canonical_form(key)) != 0))
		goto out;
	r = CL_ERR_MEMORY;
	if (!(id = secmem_alloc(sizeof(*id))))
		goto out;
	id->row = row;
	id->key = key;
	id->is_private = is_private;
	*out = id;
	return CL_OK;
out:
	EVP_PKEY_free(key);
	return r;
}

int
identity_generate(enum identity_kind kind, struct identity **out)
{
	const struct identity_row *row = row_of(kind);
	EVP_PKEY *key;
	int r;

	if (!row)
		return CL_ERR_ARGUMENT;
	if ((r = crypto_ready()) != 0)
		return r;
	if (kind == IDENTITY_RSA3072)
		key = EVP_RSA_gen(3072);
	else if (kind == IDENTITY_P256)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", row->group);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, row->algorithm);
	return key ? adopt(key, true, out) : CL_ERR_CRYPTO;
}

/* Answers OpenSSL's question for a passphrase; without one it must fail
 * instead of asking a terminal. */
static int
give_passphrase(char *buf, int size, int writing, void *arg)
{
	const char *passphrase = arg;
	size_t n;

	(void)writing;
	if (!passphrase || size < 0 || (n = strlen(passphrase)) > (size_t)size)
		return -1;
	memcpy(buf, passphrase, n);
	return (int)n;
}

/* Only white space may follow the PEM block that was read. */
static bool
only_space_left(BIO *bio)
{
	char c;

	while (BIO_read(bio, &c, 1) == 1)
		if (!strchr(" \t\r\n", c) || !c)
			return false;
	return true;
}

static int
load(const char *pem, size_t n, bool is_private, const char *passphrase,
    struct identity **out)
{
	EVP_PKEY *key;
	BIO *bio;
	bool alone;
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	if (n > 2 * IDENTITY_PEM_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(bio = BIO_new_mem_buf(pem, (int)n)))
		return CL_ERR_MEMORY;
	if (is_private)
		key = PEM_read_bio_PrivateKey_ex(bio, NULL, give_passphrase,
		    (void *)(uintptr_t)passphrase, NULL, NULL);
	else
		key = PEM_read_bio_PUBKEY_ex(
		    bio, NULL, give_passphrase, NULL, NULL, NULL);
	alone = key && only_space_left(bio);
	BIO_free(bio);
	ERR_clear_error();
	if (key && !alone) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key ? adopt(key, is_private, out) : CL_ERR_FORMAT;
}

int
identity_load_private(
    const char *pem, size_t n, const char *passphrase, struct identity **out)
{
	static const char marker[] = "ENCRYPTED";
	bool encrypted = memmem(pem, n, marker, sizeof(marker) - 1) != NULL;
	int r = load(pem, n, true, passphrase, out);

	/* OpenSSL does not tell a wrong passphrase from a broken file. */
	return r == CL_ERR_FORMAT && encrypted ? CL_ERR_KEY_UNWRAP : r;
}

int
identity_load_public(const char *pem, size_t n, struct identity **out)
{
	return load(pem, n, false, NULL, out);
}

/* Moves what a memory BIO holds into secmem, with a NUL. */
static int
bio_to_secmem(BIO *bio, char **out)
{
	char *data, *text;
	long n = BIO_get_mem_data(bio, &data);

	if (n < 0 || !(text = secmem_alloc((size_t)n + 1)))
		return CL_ERR_MEMORY;
	memcpy(text, data, (size_t)n);
	*out = text;
	return CL_OK;
}

/* scrypt with the numbers of RFC 7914's interactive use, which are also what
 * OpenSSL accepts without raised memory limits. */
static X509_SIG *
encrypt_pkcs8(PKCS8_PRIV_KEY_INFO *plain, const char *passphrase)
{
	uint8_t salt[16];
	X509_ALGOR *pbe;
	X509_SIG *sealed;

	if (crypto_random(salt, sizeof(salt)) != 0 ||
	    !(pbe = PKCS5_pbe2_set_scrypt(
		  EVP_aes_256_cbc(), salt, sizeof(salt), NULL, 16384, 8, 1)))
		return NULL;
	sealed = PKCS8_set0_pbe_ex(
	    passphrase, (int)strlen(passphrase), plain, pbe, NULL, NULL);
	if (!sealed)
		X509_ALGOR_free(pbe);
	return sealed;
}

static int
write_private(BIO *bio, EVP_PKEY *key, const char *passphrase)
{
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
	X509_SIG *sealed = NULL;
	int r = CL_ERR_CRYPTO;

	if (!plain)
		return r;
	if (!passphrase) {
		if (PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, plain) == 1)
			r = CL_OK;
	} else if ((sealed = encrypt_pkcs8(plain, passphrase)) &&
		   PEM_write_bio_PKCS8(bio, sealed) == 1) {
		r = CL_OK;
	}
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(plain);
	return r;
}

int
identity_private_pem(
    const struct identity *id, const char *passphrase, char **pem)
{
	BIO *bio;
	int r;

	if (!id->is_private)
		return CL_ERR_ARGUMENT;
	if (!(bio = BIO_new(BIO_s_mem())))
		return CL_ERR_MEMORY;
	if ((r = write_private(bio, id->key, passphrase)) == 0)
		r = bio_to_secmem(bio, pem);
	BIO_free(bio);
	return r;
}

int
identity_public_pem(const struct identity *id, char **pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int r = CL_ERR_CRYPTO;

	if (!bio)
		return CL_ERR_MEMORY;
	if (PEM_write_bio_PUBKEY(bio, id->key) == 1)
		r = bio_to_secmem(bio, pem);
	BIO_free(bio);
	return r;
}

int
identity_pukid(const struct identity *id, char out[IDENTITY_PUKID_LEN])
{
	const char *name = id->row->kind == IDENTITY_SM2 ? "SM3" : "SHA256";
	uint8_t hash[EVP_MAX_MD_SIZE];
	char *pem = NULL;
	size_t n = 0;
	int r;

	if ((r = identity_public_pem(id, &pem)) != 0)
		return r;
	if (EVP_Q_digest(NULL, name, NULL, pem, strlen(pem), hash, &n) == 1 &&
	    b64_len(n) == IDENTITY_PUKID_LEN - 1)
		b64_encode(hash, n, out);
	else
		r = CL_ERR_CRYPTO;
	secmem_free(pem);
	return r;
}

/* Ed25519 wants its message whole: domain ‖ NUL ‖ parts in one buffer. */
static int
compose(const char *domain, const struct crypto_part *parts, size_t nparts,
    uint8_t **out, size_t *n)
{
	size_t total = strlen(domain) + 1, i, at;

	for (i = 0; i < nparts; i++) {
		if (parts[i].n > INT_MAX - total)
			return CL_ERR_TOO_LARGE;
		total += parts[i].n;
	}
	if (!(*out = secmem_alloc(total)))
		return CL_ERR_MEMORY;
	at = strlen(domain) + 1;
	memcpy(*out, domain, at);
	for (i = 0; i < nparts; i++) {
		if (parts[i].n)
			memcpy(*out + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	*n = total;
	return CL_OK;
}

int
identity_sign(const struct identity *id, const char *domain,
    const struct crypto_part *parts, size_t nparts, uint8_t *sig, size_t *n)
{
	uint8_t *text = NULL;
	size_t text_n = 0;
	int r;

	if (!id->is_private)
		return CL_ERR_ARGUMENT;
	if ((r = compose(domain, parts, nparts, &text, &text_n)) == 0)
		r = identity_key_sign(id->row, id->key, text, text_n, sig, n);
	secmem_free(text);
	return r;
}

int
identity_verify(const struct identity *id, const char *domain,
    const struct crypto_part *parts, size_t nparts, const uint8_t *sig,
    size_t n)
{
	uint8_t *text = NULL;
	size_t text_n = 0;
	int r;

	if ((r = compose(domain, parts, nparts, &text, &text_n)) == 0)
		r = identity_key_verify(id->row, id->key, text, text_n, sig, n);
	secmem_free(text);
	return r;
}
