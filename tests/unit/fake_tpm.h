/*
 * A TPM of our own: quotes, keys and the document around them, made when the
 * test runs, and everything that may be wrong with them. Include after
 * cmocka.h.
 */
#ifndef CLOISTER_TESTS_FAKE_TPM_H
#define CLOISTER_TESTS_FAKE_TPM_H

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/json.h"
#include "policy/verify_tpm.h"

#define FAKE_TPM_GOOD                                                          \
	(TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN | TPM_RESTRICTED |      \
	    TPM_SIGN)

/* A TPM, and what it is to do wrong. */
struct fake_tpm {
	EVP_PKEY *key;
	uint16_t scheme, hash, type, bank;
	uint32_t magic, mask, attributes;
	uint8_t extra[64], pcr[24][32], safe, extra_n;
	bool twice, more_banks, tail, no_public, no_value;
	int salt;
	const char *log; /* hex of an event log's event digest */
	char policy[512];
};

static EVP_PKEY *rsa, *ec; /* fake_tpm_keys() */

static inline void
fake_tpm_be(struct wr *out, uint64_t v, unsigned n)
{
	while (n--)
		assert_int_equal(wr_u8(out, (uint8_t)(v >> (8 * n))), 0);
}

static inline void
fake_tpm_sized(struct wr *out, const void *p, size_t n)
{
	fake_tpm_be(out, n, 2);
	assert_int_equal(wr_bytes(out, p, n), 0);
}

static inline void
fake_tpm_put_bank(struct wr *out, uint16_t bank, uint32_t mask)
{
	fake_tpm_be(out, bank, 2);
	fake_tpm_be(out, 3, 1);
	fake_tpm_be(out, mask & 0xff, 1);
	fake_tpm_be(out, mask >> 8 & 0xff, 1);
	fake_tpm_be(out, mask >> 16 & 0xff, 1);
}

static inline size_t
fake_tpm_attest(const struct fake_tpm *f, uint8_t *p, size_t cap)
{
	struct crypto_part part[24];
	struct wr out = wr_make(p, cap);
	uint8_t digest[32], name[34] = {0, 11};
	unsigned i, n = 0;

	fake_tpm_be(&out, f->magic, 4);
	fake_tpm_be(&out, f->type, 2);
	fake_tpm_sized(&out, name, sizeof(name));
	fake_tpm_sized(&out, f->extra, f->extra_n);
	fake_tpm_be(&out, 1000, 8);
	fake_tpm_be(&out, 3, 4);
	fake_tpm_be(&out, 1, 4);
	fake_tpm_be(&out, f->safe, 1);
	fake_tpm_be(&out, 0x0102030405060708, 8);
	fake_tpm_be(&out, 1u + f->twice + f->more_banks, 4);
	fake_tpm_put_bank(&out, f->bank, f->mask);
	if (f->twice)
		fake_tpm_put_bank(&out, f->bank, f->mask);
	if (f->more_banks)
		fake_tpm_put_bank(&out, 4, 1);
	for (i = 0; i < 24; i++)
		if (f->mask >> i & 1)
			part[n++] = (struct crypto_part){f->pcr[i], 32};
	assert_int_equal(crypto_sha256(part, n, digest), 0);
	fake_tpm_sized(&out, digest, 32);
	if (f->tail)
		fake_tpm_be(&out, 0, 1);
	return out.len;
}

static inline void
fake_tpm_put_ecdsa(struct wr *out, const uint8_t *der, size_t n)
{
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)n);
	uint8_t b[32];

	assert_non_null(s);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), b, 32), 32);
	fake_tpm_sized(out, b, 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), b, 32), 32);
	fake_tpm_sized(out, b, 32);
	ECDSA_SIG_free(s);
}

static inline size_t
fake_tpm_signature(const struct fake_tpm *f, const uint8_t *p, size_t n,
    uint8_t *to, size_t cap)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	struct wr out = wr_make(to, cap);
	uint8_t sig[512];
	size_t len = sizeof(sig);

	assert_int_equal(EVP_DigestSignInit_ex(
			     ctx, &how, "SHA256", NULL, NULL, f->key, NULL),
	    1);
	if (f->scheme == TPM_RSAPSS) {
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, f->salt);
	}
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, p, n), 1);
	EVP_MD_CTX_free(ctx);
	fake_tpm_be(&out, f->scheme, 2);
	fake_tpm_be(&out, f->hash, 2);
	if (f->key == ec)
		fake_tpm_put_ecdsa(&out, sig, len);
	else
		fake_tpm_sized(&out, sig, len);
	return out.len;
}

static inline size_t
fake_tpm_public(const struct fake_tpm *f, uint8_t *p, size_t cap)
{
	struct wr out = wr_make(p, cap);
	uint8_t b[256], point[65];
	BIGNUM *n = NULL;
	size_t len;

	fake_tpm_be(&out, f->key == ec ? 0x23 : 1, 2);
	fake_tpm_be(&out, 11, 2);
	fake_tpm_be(&out, f->attributes, 4);
	fake_tpm_be(&out, 0, 2);
	fake_tpm_be(&out, 0x10, 2);
	fake_tpm_be(&out, f->scheme, 2);
	fake_tpm_be(&out, 11, 2);
	if (f->key == ec) {
		assert_int_equal(EVP_PKEY_get_octet_string_param(f->key,
				     "encoded-pub-key", point, 65, &len),
		    1);
		fake_tpm_be(&out, 3, 2);
		fake_tpm_be(&out, 0x10, 2);
		fake_tpm_sized(&out, point + 1, 32);
		fake_tpm_sized(&out, point + 33, 32);
		return out.len;
	}
	assert_int_equal(EVP_PKEY_get_bn_param(f->key, "n", &n), 1);
	assert_int_equal(BN_bn2binpad(n, b, 256), 256);
	BN_free(n);
	fake_tpm_be(&out, 2048, 2);
	fake_tpm_be(&out, 0, 4);
	fake_tpm_sized(&out, b, 256);
	return out.len;
}

/* A log that extends PCR 4 once. */
static inline void
fake_tpm_add_log(json_t *o, const char *digest)
{
	uint8_t log[256], d[32];
	struct wr out = wr_make(log, sizeof(log));
	static const uint8_t zero[20];
	unsigned i, v;

	for (i = 0; i < 32; i++) {
		assert_int_equal(sscanf(digest + 2 * i, "%2x", &v), 1);
		d[i] = (uint8_t)v;
	}
	assert_int_equal(wr_u32(&out, 0) | wr_u32(&out, 3) |
			     wr_bytes(&out, zero, 20) | wr_u32(&out, 33) |
			     wr_bytes(&out, "Spec ID Event03", 16) |
			     wr_u32(&out, 0) | wr_bytes(&out, "\0\2\0\2", 4) |
			     wr_u32(&out, 1) | wr_u16(&out, 11) |
			     wr_u16(&out, 32) | wr_u8(&out, 0),
	    0);
	assert_int_equal(wr_u32(&out, 4) | wr_u32(&out, 0x80000003) |
			     wr_u32(&out, 1) | wr_u16(&out, 11) |
			     wr_bytes(&out, d, 32) | wr_u32(&out, 0),
	    0);
	assert_int_equal(json_set_blob(o, "eventlog", log, out.len), 0);
}

static inline json_t *
fake_tpm_pcrs(const struct fake_tpm *f)
{
	json_t *o = json_object();
	char key[4], text[65];
	unsigned i;

	for (i = 0; i < 24; i++) {
		if (!(f->mask >> i & 1) || (f->no_value && i == 4))
			continue;
		snprintf(key, sizeof(key), "%u", i);
		rows_hex(f->pcr[i], 32, text);
		json_object_set_new(o, key, json_string(text));
	}
	return o;
}

static inline json_t *
fake_tpm_doc(const struct fake_tpm *f)
{
	uint8_t attest[512], other[1024], *spki = NULL;
	size_t n = fake_tpm_attest(f, attest, sizeof(attest));
	json_t *o = json_object();
	int len;

	assert_int_equal(json_set_blob(o, "attest", attest, n), 0);
	n = fake_tpm_signature(f, attest, n, other, sizeof(other));
	assert_int_equal(json_set_blob(o, "signature", other, n), 0);
	if (!f->no_public) {
		n = fake_tpm_public(f, other, sizeof(other));
		assert_int_equal(json_set_blob(o, "ak_public", other, n), 0);
	}
	len = i2d_PUBKEY(f->key, &spki);
	assert_int_equal(json_set_blob(o, "ak", spki, (size_t)len), 0);
	OPENSSL_free(spki);
	if (f->log)
		fake_tpm_add_log(o, f->log);
	json_object_set_new(o, "pcrs", fake_tpm_pcrs(f));
	return o;
}

static inline struct fake_tpm
fake_tpm_good(void)
{
	struct fake_tpm f = {.key = ec,
	    .scheme = TPM_ECDSA,
	    .hash = TPM_SHA256,
	    .type = TPM_QUOTE,
	    .bank = TPM_SHA256,
	    .magic = TPM_MAGIC,
	    .mask = 0x0fff,
	    .attributes = FAKE_TPM_GOOD,
	    .safe = 1,
	    .extra_n = 32};
	unsigned i;

	for (i = 0; i < 24; i++)
		memset(f.pcr[i], (int)i + 1, 32);
	memset(f.extra, 'x', sizeof(f.extra));
	return f;
}

/* Once, before all else. */
static inline int
fake_tpm_keys(void **state)
{
	(void)state;
	if (crypto_ready() != 0)
		return -1;
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	return rsa && ec ? 0 : -1;
}

static inline int
fake_tpm_free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	return 0;
}

#endif
