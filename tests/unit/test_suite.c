/* tde/suite: published vectors, independent implementations, and every way in
 * which a ciphertext can be wrong. Each test of a suite runs over all rows. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/secmem.h"
#include "tde/cell_layout.h"
#include "tde/suite_impl.h"
#include "tests/unit/vectors.h"

#define BIG (300u << 10)

static const struct suite *
suite_n(unsigned i)
{
	switch (i) {
	case 0:
		return suite_gcm_openssl();
	case 1:
		return suite_siv();
	default:
		return suite_gcm_ipsec(); /* NULL on a processor without AES */
	}
}

/* For each suite that runs here. */
#define EACH(s, i)                                                             \
	for (i = 0; i < 3; i++)                                                \
		if ((s = suite_n(i)) != NULL)

static void *
context_new(const struct suite *s, const uint8_t *key)
{
	void *c = secmem_alloc(s->context_size);

	assert_non_null(c);
	assert_int_equal(s->init(c, key), CL_OK);
	return c;
}

static void
context_free(const struct suite *s, void *c)
{
	s->clear(c);
	secmem_free(c);
}

static void
randomize(void *p, size_t n)
{
	assert_int_equal(RAND_bytes(p, (int)n), 1);
}

/* ---- names ---- */

static void
known_bad_names_are_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {"des", "DES", "des3", "3des",
	    "des-ede3-cbc", "DES_EDE3", "rc2", "rc4", "RC4-40", "arcfour",
	    "blowfish", "bf-cbc", "idea", "cast5", "aes-256-ecb", "AES_256_ECB",
	    "ecb", "sm4-ecb", "aes-256-cbc", "aes-256-ctr", "sm4-ctr",
	    "aes-128-cfb", "aes-256-cfb8", "aes-256-ofb", "aes-256-xts", "none",
	    "null", "plain"};
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		assert_null(suite_by_name(bad[i], &why));
		assert_non_null(why);
		assert_true(strlen(why) > 20);
		assert_null(suite_by_name(bad[i], NULL));
	}
}

static void
unknown_names_and_ids_are_null(void **state)
{
	char huge[1000];
	const char *why = "stale";
	unsigned id;

	(void)state;
	assert_null(suite_by_name("", &why));
	assert_null(why);
	assert_null(suite_by_name("aes-256-gcm ", &why));
	assert_null(why);
	assert_null(suite_by_name("destiny", &why));
	assert_null(why);
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	assert_null(suite_by_name(huge, &why));
	assert_null(why);
	for (id = 0; id < 256; id++)
		if (id != SUITE_AES256_GCM && id != SUITE_AES256_SIV)
			assert_null(suite_by_id((uint8_t)id));
}

static void
the_table_says_what_the_layout_says(void **state)
{
	const struct suite *gcm = suite_by_id(SUITE_AES256_GCM);
	const struct suite *siv = suite_by_id(SUITE_AES256_SIV);
	const char *why;

	(void)state;
	assert_int_equal(suite_start(), CL_OK);
	assert_non_null(gcm);
	assert_non_null(siv);
	assert_ptr_equal(suite_by_name("aes-256-gcm", &why), gcm);
	assert_null(why);
	assert_ptr_equal(suite_by_name("AES-256-SIV", NULL), siv);
	assert_int_equal(gcm->id, SUITE_AES256_GCM);
	assert_int_equal(gcm->nonce_len, CELL_NONCE);
	assert_int_equal(gcm->key_len, 32);
	assert_false(gcm->deterministic);
	assert_int_equal(siv->id, SUITE_AES256_SIV);
	assert_int_equal(siv->nonce_len, 0);
	assert_int_equal(siv->key_len, 64);
	assert_true(siv->deterministic);
}

/* ---- published vectors ---- */

static void
check_vector(const struct suite *s, const struct vector *v)
{
	size_t kn, nn, an, pn, cn, tn;
	const uint8_t *key = vector_get(v, "key", &kn);
	const uint8_t *nonce = vector_get(v, "nonce", &nn);
	const uint8_t *aad = vector_get(v, "aad", &an);
	const uint8_t *pt = vector_get(v, "pt", &pn);
	const uint8_t *ct = vector_get(v, "ct", &cn);
	const uint8_t *tag = vector_get(v, "tag", &tn);
	uint8_t out[VECTOR_BYTES], got[CELL_TAG];
	void *c;

	assert_int_equal(kn, s->key_len);
	assert_int_equal(nn, s->nonce_len);
	assert_int_equal(cn, pn);
	assert_int_equal(tn, CELL_TAG);
	c = context_new(s, key);
	assert_int_equal(s->seal(c, nonce, aad, an, pt, pn, out, got), CL_OK);
	assert_memory_equal(out, ct, cn);
	assert_memory_equal(got, tag, CELL_TAG);
	assert_int_equal(s->open(c, nonce, aad, an, ct, cn, tag, out), CL_OK);
	assert_memory_equal(out, pt, pn);
	context_free(s, c);
}

static void
gcm_gives_the_published_vectors(void **state)
{
	const struct suite *s;
	struct vector v;
	unsigned i, seen;
	FILE *f;

	(void)state;
	EACH(s, i)
	{
		if (s->deterministic)
			continue;
		f = vector_open("tests/vectors/aes256-gcm.txt");
		for (seen = 0; vector_next(f, &v); seen++)
			check_vector(s, &v);
		assert_int_equal(seen, 6);
		fclose(f);
	}
}

/* ---- SIV against CMAC and CTR, put together as RFC 5297 says ---- */

static void
cmac(const uint8_t *key, size_t key_len, const uint8_t *p, size_t n,
    uint8_t out[16])
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
	OSSL_PARAM params[2] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER,
		key_len == 16 ? (char *)(uintptr_t) "AES-128-CBC"
			      : (char *)(uintptr_t) "AES-256-CBC",
		0),
	    OSSL_PARAM_construct_end()};
	size_t len;

	assert_int_equal(EVP_MAC_init(c, key, key_len, params), 1);
	assert_int_equal(EVP_MAC_update(c, p, n), 1);
	assert_int_equal(EVP_MAC_final(c, out, &len, 16), 1);
	EVP_MAC_CTX_free(c);
	EVP_MAC_free(mac);
}

/* RFC 5297, 2.3. */
static void
dbl(uint8_t b[16])
{
	uint8_t carry = b[0] >> 7;
	unsigned i;

	for (i = 0; i < 15; i++)
		b[i] = (uint8_t)(b[i] << 1 | b[i + 1] >> 7);
	b[15] = (uint8_t)(b[15] << 1) ^ (carry ? 0x87 : 0);
}

/* RFC 5297, 2.4, with one associated data string. */
static void
s2v(const uint8_t *key, size_t key_len, const uint8_t *aad, size_t aad_len,
    const uint8_t *pt, size_t n, uint8_t v[16])
{
	static const uint8_t zero[16];
	uint8_t d[16], m[16], *t = calloc(1, n + 16);
	size_t i;

	assert_non_null(t);
	cmac(key, key_len, zero, 16, d);
	dbl(d);
	cmac(key, key_len, aad, aad_len, m);
	for (i = 0; i < 16; i++)
		d[i] ^= m[i];
	if (n >= 16) {
		memcpy(t, pt, n);
		for (i = 0; i < 16; i++)
			t[n - 16 + i] ^= d[i];
		cmac(key, key_len, t, n, v);
	} else {
		dbl(d);
		if (n)
			memcpy(t, pt, n);
		t[n] = 0x80;
		for (i = 0; i < 16; i++)
			t[i] ^= d[i];
		cmac(key, key_len, t, 16, v);
	}
	free(t);
}

/* RFC 5297, 2.6; key is both halves. */
static void
siv_reference(const uint8_t *key, size_t key_len, const uint8_t *aad,
    size_t aad_len, const uint8_t *pt, size_t n, uint8_t *ct, uint8_t tag[16])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t q[16];
	int len;

	s2v(key, key_len / 2, aad, aad_len, pt, n, tag);
	memcpy(q, tag, 16);
	q[8] &= 0x7f;
	q[12] &= 0x7f;
	assert_int_equal(
	    EVP_EncryptInit_ex(c,
		key_len == 32 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(), NULL,
		key + key_len / 2, q),
	    1);
	if (n)
		assert_int_equal(EVP_EncryptUpdate(c, ct, &len, pt, (int)n), 1);
	EVP_CIPHER_CTX_free(c);
}

static void
the_siv_reference_gives_rfc_5297(void **state)
{
	FILE *f = vector_open("tests/vectors/rfc5297.txt");
	uint8_t out[VECTOR_BYTES], got[16];
	size_t kn, an, pn, cn, tn;
	const uint8_t *key, *aad, *pt, *ct, *tag;
	struct vector v;

	(void)state;
	assert_int_equal(vector_next(f, &v), 1);
	fclose(f);
	key = vector_get(&v, "key", &kn);
	aad = vector_get(&v, "aad", &an);
	pt = vector_get(&v, "pt", &pn);
	ct = vector_get(&v, "ct", &cn);
	tag = vector_get(&v, "tag", &tn);
	siv_reference(key, kn, aad, an, pt, pn, out, got);
	assert_memory_equal(got, tag, 16);
	assert_memory_equal(out, ct, cn);
}

static void
siv_agrees_with_the_reference(void **state)
{
	const struct suite *s = suite_siv();
	uint8_t key[64], aad[40], pt[400], ct[400], want[400], tag[16],
	    wtag[16];
	unsigned round;
	size_t n, an;
	void *c;

	(void)state;
	for (round = 0; round < 400; round++) {
		randomize(key, sizeof(key));
		randomize(aad, sizeof(aad));
		randomize(pt, sizeof(pt));
		n = round < 100 ? round : key[0] + (size_t)key[1] % 144;
		an = 1 + key[2] % sizeof(aad);
		c = context_new(s, key);
		assert_int_equal(
		    s->seal(c, NULL, aad, an, pt, n, ct, tag), CL_OK);
		siv_reference(key, 64, aad, an, pt, n, want, wtag);
		assert_memory_equal(tag, wtag, 16);
		assert_memory_equal(ct, want, n);
		assert_int_equal(
		    s->open(c, NULL, aad, an, ct, n, tag, want), CL_OK);
		assert_memory_equal(want, pt, n);
		context_free(s, c);
	}
}

/* ---- GCM: two libraries ---- */

static void
gcm_libraries_agree(void **state)
{
	const struct suite *a = suite_gcm_ipsec(), *b = suite_gcm_openssl();
	uint8_t key[32], nonce[12], aad[64], *pt, *x, *y, tx[16], ty[16];
	unsigned round;
	size_t n, an;
	void *ca, *cb;

	(void)state;
	if (!a)
		skip(); /* no AES instructions: there is only one library */
	pt = malloc(BIG);
	x = malloc(BIG);
	y = malloc(BIG);
	assert_true(pt && x && y);
	randomize(pt, BIG);
	for (round = 0; round < 600; round++) {
		randomize(key, sizeof(key));
		randomize(nonce, sizeof(nonce));
		randomize(aad, sizeof(aad));
		n = round < 300 ? round
				: ((size_t)key[0] << 8 | key[1]) >> key[2] % 8;
		n = round % 100 == 99 ? BIG - round : n;
		an = key[3] % (sizeof(aad) + 1);
		ca = context_new(a, key);
		cb = context_new(b, key);
		assert_int_equal(
		    a->seal(ca, nonce, aad, an, pt, n, x, tx), CL_OK);
		assert_int_equal(
		    b->seal(cb, nonce, aad, an, pt, n, y, ty), CL_OK);
		assert_memory_equal(tx, ty, 16);
		assert_memory_equal(x, y, n);
		assert_int_equal(
		    a->open(ca, nonce, aad, an, y, n, ty, y), CL_OK);
		assert_memory_equal(y, pt, n);
		assert_int_equal(
		    b->open(cb, nonce, aad, an, x, n, tx, x), CL_OK);
		assert_memory_equal(x, pt, n);
		context_free(a, ca);
		context_free(b, cb);
	}
	free(pt);
	free(x);
	free(y);
}

/* ---- forgeries ---- */

struct sample {
	uint8_t key[64], nonce[12], aad[28], pt[50], ct[50], tag[16];
	size_t n;
	void *c;
};

static void
sample_make(const struct suite *s, struct sample *x, size_t n)
{
	randomize(x, sizeof(*x));
	x->n = n;
	x->c = context_new(s, x->key);
	assert_int_equal(s->seal(x->c, x->nonce, x->aad, sizeof(x->aad), x->pt,
			     n, x->ct, x->tag),
	    CL_OK);
}

/* The refusal must leave nothing of the plaintext in the output. */
static void
must_refuse(const struct suite *s, struct sample *x)
{
	uint8_t out[50];
	size_t i;

	memset(out, 0xaa, sizeof(out));
	assert_int_equal(s->open(x->c, x->nonce, x->aad, sizeof(x->aad), x->ct,
			     x->n, x->tag, out),
	    CL_ERR_BAD_CELL);
	for (i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], i < x->n ? 0 : 0xaa);
}

static void
must_accept(const struct suite *s, struct sample *x)
{
	uint8_t out[50];

	assert_int_equal(s->open(x->c, x->nonce, x->aad, sizeof(x->aad), x->ct,
			     x->n, x->tag, out),
	    CL_OK);
	assert_memory_equal(out, x->pt, x->n);
}

static void
flip_each_bit(const struct suite *s, struct sample *x, uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n * 8; i++) {
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		must_refuse(s, x);
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void
every_flipped_bit_is_refused(void **state)
{
	static const size_t sizes[] = {0, 1, 4, 15, 16, 17, 50};
	const struct suite *s;
	struct sample x;
	unsigned i;
	size_t k;

	(void)state;
	EACH(s, i)
	for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		sample_make(s, &x, sizes[k]);
		flip_each_bit(s, &x, x.ct, x.n);
		flip_each_bit(s, &x, x.tag, sizeof(x.tag));
		flip_each_bit(s, &x, x.aad, sizeof(x.aad));
		flip_each_bit(s, &x, x.nonce, s->nonce_len);
		must_accept(s, &x);
		context_free(s, x.c);
	}
}

static void
another_key_is_refused(void **state)
{
	const struct suite *s;
	struct sample x;
	unsigned i;
	size_t bit;

	(void)state;
	EACH(s, i)
	{
		sample_make(s, &x, 20);
		context_free(s, x.c);
		for (bit = 0; bit < s->key_len * 8; bit += 5) {
			x.key[bit / 8] ^= (uint8_t)(1 << bit % 8);
			x.c = context_new(s, x.key);
			must_refuse(s, &x);
			context_free(s, x.c);
			x.key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		x.c = context_new(s, x.key);
		must_accept(s, &x);
		context_free(s, x.c);
	}
}

static void
cut_and_stretched_text_is_refused(void **state)
{
	const struct suite *s;
	struct sample x;
	unsigned i;
	size_t n;

	(void)state;
	EACH(s, i)
	{
		sample_make(s, &x, 40);
		for (n = 0; n <= 50; n++) {
			x.n = n;
			if (n == 40)
				must_accept(s, &x);
			else
				must_refuse(s, &x);
		}
		context_free(s, x.c);
	}
}

/* A failed call must not disturb the next one, in either direction. */
static void
a_context_serves_again_after_a_refusal(void **state)
{
	const struct suite *s;
	uint8_t ct[50], tag[16];
	struct sample x;
	unsigned i, round;

	(void)state;
	EACH(s, i)
	{
		sample_make(s, &x, 33);
		for (round = 0; round < 50; round++) {
			x.tag[round % 16] ^= 1;
			must_refuse(s, &x);
			x.tag[round % 16] ^= 1;
			assert_int_equal(
			    s->seal(x.c, x.nonce, x.aad, 28, x.pt, 33, ct, tag),
			    CL_OK);
			assert_memory_equal(ct, x.ct, 33);
			assert_memory_equal(tag, x.tag, 16);
			must_accept(s, &x);
		}
		context_free(s, x.c);
	}
}

static void
clear_leaves_no_key_behind(void **state)
{
	const struct suite *s;
	struct sample x;
	uint8_t *raw;
	unsigned i;
	size_t k;

	(void)state;
	EACH(s, i)
	{
		sample_make(s, &x, 20);
		s->clear(x.c);
		raw = x.c;
		for (k = 0; k < s->context_size; k++)
			assert_int_equal(raw[k], 0);
		secmem_free(x.c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_bad_names_are_refused_with_a_reason),
	    cmocka_unit_test(unknown_names_and_ids_are_null),
	    cmocka_unit_test(every_flipped_bit_is_refused),
	    cmocka_unit_test(another_key_is_refused),
	    cmocka_unit_test(cut_and_stretched_text_is_refused),
	    cmocka_unit_test(a_context_serves_again_after_a_refusal),
	    cmocka_unit_test(clear_leaves_no_key_behind),
	    cmocka_unit_test(the_table_says_what_the_layout_says),
	    cmocka_unit_test(gcm_gives_the_published_vectors),
	    cmocka_unit_test(gcm_libraries_agree),
	    cmocka_unit_test(the_siv_reference_gives_rfc_5297),
	    cmocka_unit_test(siv_agrees_with_the_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
