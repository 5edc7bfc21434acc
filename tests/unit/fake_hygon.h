/*
 * A Hygon of the tests' own: HRK, HSK, CEK and PEK made at run time in
 * Hygon's formats, and reports of every version that its PEK signs. Layouts
 * are written here once more, by offset, and not taken from policy/. Include
 * after cmocka.h.
 */
#ifndef CLOISTER_TESTS_FAKE_HYGON_H
#define CLOISTER_TESTS_FAKE_HYGON_H

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "policy/endorse.h"
#include "policy/roots.h"

#define HYGON_ROOT   832u
#define HYGON_CERT   2084u
#define HYGON_BUFFER 4096u

struct fake_hygon {
	EVP_PKEY *hrk_key, *hsk_key, *cek_key, *pek_key;
	uint8_t hrk[HYGON_ROOT], hsk[HYGON_ROOT], cek[HYGON_CERT],
	    pek[HYGON_CERT];
	struct roots roots;
};

/* A report to make. */
struct fake_csv {
	unsigned version;
	const char *user_data, *serial;
	uint32_t policy;
	uint8_t anonce[4]; /* version 1 */
	bool sealing_key;  /* left in it */
	bool plain;	   /* PEK and serial were unmasked afterwards */
	void (*edit)(uint8_t *head); /* before it is masked and signed */
};

static inline void
hygon_numbers(uint8_t *out, const uint8_t be[64])
{
	unsigned i;

	memset(out, 0, 144);
	for (i = 0; i < 32; i++) {
		out[i] = be[31 - i];
		out[72 + i] = be[63 - i];
	}
}

static inline void
hygon_point(EVP_PKEY *key, uint8_t xy[64])
{
	uint8_t point[65];
	size_t n;

	assert_int_equal(EVP_PKEY_get_octet_string_param(
			     key, "pub", point, sizeof(point), &n),
	    1);
	assert_int_equal(n, 65);
	memcpy(xy, point + 1, 64);
}

/* R and S of 72 bytes each. */
static inline void
hygon_sign(
    EVP_PKEY *key, const char *uid, const void *p, size_t n, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;
	uint8_t der[80], be[64];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	ECDSA_SIG *s;

	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, &inner, "SM3", NULL, NULL, key, NULL),
	    1);
	assert_int_equal(EVP_PKEY_CTX_set1_id(inner, uid, (int)strlen(uid)), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &len, p, n), 1);
	assert_non_null(s = d2i_ECDSA_SIG(NULL, &at, (long)len));
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), be, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), be + 32, 32), 32);
	hygon_numbers(out, be);
	ECDSA_SIG_free(s);
	EVP_MD_CTX_free(ctx);
}

static inline EVP_PKEY *
hygon_key(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");

	assert_non_null(key);
	return key;
}

/* Signs again what a test changed in it. */
static inline void
hygon_sign_root(uint8_t *c, EVP_PKEY *signer)
{
	hygon_sign(signer, "HYGON-SSD-HRK", c, 0x240, c + 0x240);
}

static inline void
hygon_sign_cert(uint8_t *c, EVP_PKEY *signer, const char *uid)
{
	hygon_sign(signer, uid, c, 0x414, c + 0x41c);
}

static inline void
hygon_root(
    uint8_t *c, EVP_PKEY *key, uint8_t id, uint32_t usage, const char *uid)
{
	uint8_t xy[64];

	memset(c, 0, HYGON_ROOT);
	le32_put(c, 1);
	memset(c + 4, id, 16);
	memset(c + 20, 0xaa, 16); /* the root's key id */
	le32_put(c + 36, usage);
	le32_put(c + 64, 3);
	hygon_point(key, xy);
	hygon_numbers(c + 68, xy);
	le16_put(c + 212, (uint16_t)strlen(uid));
	memcpy(c + 214, uid, strlen(uid));
}

static inline void
hygon_cert(uint8_t *c, EVP_PKEY *key, uint32_t usage, const char *uid,
    uint32_t sig_usage, uint32_t sig2_usage)
{
	uint8_t xy[64];

	memset(c, 0, HYGON_CERT);
	le32_put(c, 1);
	c[4] = 1;
	c[5] = 3;
	le32_put(c + 8, usage);
	le32_put(c + 12, 4);
	le32_put(c + 16, 3);
	hygon_point(key, xy);
	hygon_numbers(c + 20, xy);
	le16_put(c + 164, (uint16_t)strlen(uid));
	memcpy(c + 166, uid, strlen(uid));
	le32_put(c + 0x414, sig_usage);
	le32_put(c + 0x418, 4);
	le32_put(c + 0x61c, sig2_usage);
}

static inline void
hygon_trust(struct fake_hygon *h)
{
	struct crypto_part part;
	uint8_t xy[64];

	hygon_point(h->hrk_key, xy);
	part = (struct crypto_part){xy, sizeof(xy)};
	h->roots.nextra = 1;
	h->roots.extra[0].vendor = ROOT_HYGON;
	assert_int_equal(crypto_sha256(&part, 1, h->roots.extra[0].spki), 0);
}

static inline struct fake_hygon *
fake_hygon_new(void)
{
	struct fake_hygon *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	assert_int_equal(crypto_ready(), 0);
	h->hrk_key = hygon_key();
	h->hsk_key = hygon_key();
	h->cek_key = hygon_key();
	h->pek_key = hygon_key();
	hygon_root(h->hrk, h->hrk_key, 0xaa, 0, "HYGON-SSD-HRK");
	hygon_sign_root(h->hrk, h->hrk_key);
	hygon_root(h->hsk, h->hsk_key, 0xbb, 0x13, "HYGON-SSD-HSK");
	hygon_sign_root(h->hsk, h->hrk_key);
	hygon_cert(h->cek, h->cek_key, 0x1004, "HYGON-SSD-CEK", 0x13, 0x1000);
	memset(h->cek + 420, 0xbb, 16);
	hygon_sign_cert(h->cek, h->hsk_key, "HYGON-SSD-HSK");
	hygon_cert(h->pek, h->pek_key, 0x1002, "HYGON-SSD-PEK", 0x1004, 0x1001);
	hygon_sign_cert(h->pek, h->cek_key, "HYGON-SSD-CEK");
	hygon_trust(h);
	return h;
}

static inline void
fake_hygon_free(struct fake_hygon *h)
{
	EVP_PKEY_free(h->hrk_key);
	EVP_PKEY_free(h->hsk_key);
	EVP_PKEY_free(h->cek_key);
	EVP_PKEY_free(h->pek_key);
	free(h);
}

static inline struct endorse *
fake_hygon_bag(const struct fake_hygon *h)
{
	uint8_t both[HYGON_ROOT + HYGON_CERT];
	struct endorse *bag;

	memcpy(both, h->hsk, HYGON_ROOT);
	memcpy(both + HYGON_ROOT, h->cek, HYGON_CERT);
	assert_int_equal(endorse_new(&bag), 0);
	assert_int_equal(endorse_add(bag, h->hrk, HYGON_ROOT), 0);
	assert_int_equal(endorse_add(bag, both, sizeof(both)), 0);
	return bag;
}

static inline void
hygon_mask(uint8_t *p, size_t n, const uint8_t anonce[4])
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] ^= anonce[i % 4];
}

/* The fields that all versions begin with. */
static inline void
hygon_head(uint8_t *p, const struct fake_csv *f)
{
	memset(p, 0x11, 32);	    /* user public key digest */
	memset(p + 0x20, 0x22, 16); /* vm id */
	memset(p + 0x30, 0x33, 16); /* vm version */
	memset(p + 0x40, 0, 64);
	memcpy(p + 0x40, f->user_data, strlen(f->user_data));
	memset(p + 0x80, 0x44, 16); /* mnonce */
	memset(p + 0x90, 0x55, 32); /* measure */
	le32_put(p + 0xb0, f->policy);
	le32_put(p + 0xb4, 0x1002);
	le32_put(p + 0xb8, 4);
}

/* PEK, serial, sealing key and MAC at p. */
static inline void
hygon_signer(const struct fake_hygon *h, const struct fake_csv *f,
    const uint8_t mnonce[16], uint8_t *p)
{
	size_t n;

	memcpy(p, h->pek, HYGON_CERT);
	memset(p + HYGON_CERT, 0, 96);
	memcpy(p + HYGON_CERT, f->serial, strlen(f->serial));
	if (f->version == 1)
		hygon_mask(p, HYGON_CERT + 64, f->anonce);
	memset(p + HYGON_CERT + 64, 0x5e, 32);
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SM3", NULL, mnonce, 16,
	    p, HYGON_CERT + 96, p + HYGON_CERT + 96, 32, &n));
	if (!f->sealing_key)
		memset(p + HYGON_CERT + 64, 0, 32);
	if (f->plain && f->version == 1)
		hygon_mask(p, HYGON_CERT + 64, f->anonce);
}

/* As the guest's device gives it: 4096 bytes. */
static inline void
fake_csv_report(
    const struct fake_hygon *h, const struct fake_csv *f, uint8_t *out)
{
	uint8_t mnonce[16];

	memset(out, 0, HYGON_BUFFER);
	hygon_head(out, f);
	if (f->version > 1) {
		le32_put(out + 0xbc, 2337);
		le16_put(out + 0xc0, 1);
		memset(out + 0xd0, 0x60, 32);
		memset(out + 0xf0, 0x61, 32);
		memset(out + 0x110, 0x62, 32);
		memset(out + 0x130, 0x63, 32);
		memset(out + 0x150, 0x64, 32);
	}
	if (f->version == 3)
		memset(out + 0x3c0, 0x77, 64);
	if (f->edit)
		f->edit(out);
	memcpy(mnonce, out + 0x80, 16);
	if (f->version == 1) {
		memcpy(out + 0xbc, f->anonce, 4);
		hygon_mask(out, 0xbc, f->anonce);
		hygon_sign(h->pek_key, "HYGON-SSD-PEK", out, 0xb4, out + 0xc0);
		hygon_signer(h, f, mnonce, out + 0x150);
		return;
	}
	hygon_sign(h->pek_key, "HYGON-SSD-PEK", out, 0x400, out + 0x400);
	hygon_signer(h, f, mnonce, out + 0x490);
}

#endif
