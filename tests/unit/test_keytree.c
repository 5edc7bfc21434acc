/*
 * tde/keytree: cells. Every byte flipped, every length, every other group is
 * refused; and what a group seals is decrypted by OpenSSL alone, from the
 * formulas in the headers.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/secmem.h"
#include "tde/keytree.h"

#define TAG 0x12345678u

static const uint8_t uuid[16] = "0123456789abcde";
static const uint8_t root[KEYTREE_ROOT] = "a group root of thirty-two bytes";

static struct groupkey *
group(uint8_t suite, uint16_t epoch, uint32_t pad)
{
	struct groupkey *g;

	assert_int_equal(
	    groupkey_new(&g, uuid, TAG, suite, epoch, pad, root), CL_OK);
	return g;
}

/* A fresh block of exactly the cell's size. */
static uint8_t *
seal(struct groupkey *g, uint8_t type, const void *pt, size_t n, size_t *cell_n)
{
	uint8_t *cell;
	struct wr out;

	*cell_n = groupkey_cell_size(g, type, n);
	cell = malloc(*cell_n);
	assert_non_null(cell);
	out = wr_make(cell, *cell_n);
	assert_int_equal(groupkey_seal(g, type, pt, n, &out), CL_OK);
	assert_int_equal(out.len, *cell_n);
	assert_int_equal(cell_check_shape(cell, *cell_n), CL_OK);
	return cell;
}

/* Into a block of exactly the size that the header promises is enough. */
static int
open(struct groupkey *g, uint8_t type, const uint8_t *cell, size_t cell_n,
    uint8_t **pt, size_t *n)
{
	size_t cap = cell_n > CELL_MIN ? cell_n - CELL_MIN : 0;
	int r;

	*pt = malloc(cap + 1);
	assert_non_null(*pt);
	*n = 4711;
	r = groupkey_open(g, type, cell, cell_n, *pt, cap, n);
	if (r != CL_OK)
		assert_int_equal(*n, 4711);
	return r;
}

static void
must_open(struct groupkey *g, uint8_t type, const uint8_t *cell, size_t cell_n,
    const void *want, size_t want_n)
{
	uint8_t *pt;
	size_t n;

	assert_int_equal(open(g, type, cell, cell_n, &pt, &n), CL_OK);
	assert_int_equal(n, want_n);
	assert_memory_equal(pt, want, want_n);
	free(pt);
}

static int
refusal(struct groupkey *g, uint8_t type, const uint8_t *cell, size_t cell_n)
{
	uint8_t *pt;
	size_t n;
	int r = open(g, type, cell, cell_n, &pt, &n);

	assert_int_not_equal(r, CL_OK);
	free(pt);
	return r;
}

/* The four kinds of group that there are. */
struct kind {
	uint8_t suite;
	uint32_t pad;
};
static const struct kind kinds[] = {
    {SUITE_AES256_GCM, 0},
    {SUITE_AES256_GCM, 16},
    {SUITE_AES256_SIV, 0},
    {SUITE_AES256_SIV, 16},
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
	uint8_t type;
	size_t n;
} samples[] = {
    {TYPE_BOOL, 1},
    {TYPE_INT4, 4},
    {TYPE_FLOAT8, 8},
    {TYPE_UUID, 16},
    {TYPE_TEXT, 0},
    {TYPE_TEXT, 1},
    {TYPE_TEXT, 15},
    {TYPE_BYTEA, 16},
    {TYPE_BYTEA, 47},
};
#define NSAMPLES (sizeof(samples) / sizeof(samples[0]))

static const uint8_t plain[64] =
    "abcdefghijklmnopqrstuvwxyz\x80\0\0ABCDEFGHIJKLMNOPQRSTUVWXYZ\x80\0\0";

static void
every_flipped_bit_is_refused(void **state)
{
	size_t k, s, i, cell_n;
	struct groupkey *g;
	uint8_t *cell;
	int r;

	(void)state;
	for (k = 0; k < NKINDS; k++)
		for (s = 0; s < NSAMPLES; s++) {
			g = group(kinds[k].suite, 3, kinds[k].pad);
			cell = seal(
			    g, samples[s].type, plain, samples[s].n, &cell_n);
			for (i = 0; i < cell_n * 8; i++) {
				cell[i / 8] ^= (uint8_t)(1 << i % 8);
				r = refusal(g, 0, cell, cell_n);
				assert_true(r == CL_ERR_BAD_CELL ||
					    (i / 8 >= 4 && i / 8 < 8 &&
						r == CL_ERR_BAD_CELL_GROUP));
				cell[i / 8] ^= (uint8_t)(1 << i % 8);
			}
			must_open(g, samples[s].type, cell, cell_n, plain,
			    samples[s].n);
			free(cell);
			groupkey_free(g);
		}
}

static void
every_length_but_its_own_is_refused(void **state)
{
	size_t k, s, n, cell_n;
	struct groupkey *g;
	uint8_t *cell, *cut;

	(void)state;
	for (k = 0; k < NKINDS; k++)
		for (s = 0; s < NSAMPLES; s++) {
			g = group(kinds[k].suite, 3, kinds[k].pad);
			cell = seal(
			    g, samples[s].type, plain, samples[s].n, &cell_n);
			for (n = 0; n <= cell_n + 20; n++) {
				if (n == cell_n)
					continue;
				cut = calloc(1, n ? n : 1);
				assert_non_null(cut);
				memcpy(cut, cell, n < cell_n ? n : cell_n);
				assert_int_equal(
				    refusal(g, 0, cut, n), CL_ERR_BAD_CELL);
				free(cut);
			}
			free(cell);
			groupkey_free(g);
		}
}

static void
another_group_is_refused(void **state)
{
	uint8_t other_uuid[16], other_root[KEYTREE_ROOT], *cell;
	struct groupkey *g, *o;
	size_t k, cell_n;

	(void)state;
	memcpy(other_uuid, uuid, 16);
	memcpy(other_root, root, sizeof(root));
	other_uuid[15] ^= 1;
	other_root[31] ^= 1;
	for (k = 0; k < NKINDS; k++) {
		g = group(kinds[k].suite, 3, kinds[k].pad);
		cell = seal(g, TYPE_TEXT, plain, 20, &cell_n);
		/* The tag differs: said as such. */
		assert_int_equal(groupkey_new(&o, uuid, TAG + 1, kinds[k].suite,
				     3, kinds[k].pad, root),
		    CL_OK);
		assert_int_equal(
		    refusal(o, 0, cell, cell_n), CL_ERR_BAD_CELL_GROUP);
		groupkey_free(o);
		/* The tag collides, the UUID differs. */
		assert_int_equal(groupkey_new(&o, other_uuid, TAG,
				     kinds[k].suite, 3, kinds[k].pad, root),
		    CL_OK);
		assert_int_equal(refusal(o, 0, cell, cell_n), CL_ERR_BAD_CELL);
		groupkey_free(o);
		/* The root differs. */
		assert_int_equal(groupkey_new(&o, uuid, TAG, kinds[k].suite, 3,
				     kinds[k].pad, other_root),
		    CL_OK);
		assert_int_equal(refusal(o, 0, cell, cell_n), CL_ERR_BAD_CELL);
		groupkey_free(o);
		free(cell);
		groupkey_free(g);
	}
}

/* The group's suite counts, whatever a header claims. */
static void
another_suite_is_refused(void **state)
{
	struct groupkey *gcm = group(SUITE_AES256_GCM, 0, 0);
	struct groupkey *siv = group(SUITE_AES256_SIV, 0, 0);
	size_t n;
	uint8_t *cell;

	(void)state;
	cell = seal(gcm, TYPE_TEXT, plain, 40, &n);
	assert_int_equal(refusal(siv, 0, cell, n), CL_ERR_BAD_CELL);
	cell[0] = CELL_FORMAT << 4 | SUITE_AES256_SIV;
	assert_int_equal(refusal(siv, 0, cell, n), CL_ERR_BAD_CELL);
	assert_int_equal(refusal(gcm, 0, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	cell = seal(siv, TYPE_TEXT, plain, 40, &n);
	assert_int_equal(refusal(gcm, 0, cell, n), CL_ERR_BAD_CELL);
	cell[0] = CELL_FORMAT << 4 | SUITE_AES256_GCM;
	assert_int_equal(refusal(gcm, 0, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	groupkey_free(gcm);
	groupkey_free(siv);
}

static void
another_type_is_named(void **state)
{
	struct groupkey *g = group(SUITE_AES256_GCM, 0, 0);
	unsigned type;
	size_t n;
	uint8_t *cell;

	(void)state;
	cell = seal(g, TYPE_INT4, plain, 4, &n);
	for (type = 1; type < 256; type++)
		if (type != TYPE_INT4)
			assert_int_equal(refusal(g, (uint8_t)type, cell, n),
			    CL_ERR_BAD_CELL_TYPE);
	/* float4 is as long: only the authenticated type byte tells. */
	cell[1] = TYPE_FLOAT4;
	assert_int_equal(refusal(g, TYPE_FLOAT4, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	groupkey_free(g);
}

static void
bad_arguments_are_refused(void **state)
{
	struct groupkey *g = (struct groupkey *)(uintptr_t)1;
	uint8_t buf[100];
	struct wr out = wr_make(buf, sizeof(buf));
	unsigned type;

	(void)state;
	assert_int_equal(
	    groupkey_new(&g, uuid, TAG, 0, 0, 0, root), CL_ERR_ARGUMENT);
	assert_null(g);
	assert_int_equal(
	    groupkey_new(&g, uuid, TAG, 3, 0, 0, root), CL_ERR_ARGUMENT);
	assert_int_equal(
	    groupkey_new(&g, uuid, 0, 1, 0, 0, root), CL_ERR_ARGUMENT);
	assert_int_equal(groupkey_new(&g, uuid, 0x80000000u, 1, 0, 0, root),
	    CL_ERR_ARGUMENT);
	assert_int_equal(
	    groupkey_new(&g, uuid, TAG, 1, 0, CELL_MAX_PLAIN + 1, root),
	    CL_ERR_ARGUMENT);
	groupkey_free(NULL);
	g = group(SUITE_AES256_GCM, 0, 0);
	assert_int_equal(groupkey_tag(g), TAG);
	for (type = 0; type < 256; type++)
		if (!cell_type_known((uint8_t)type))
			assert_int_equal(
			    groupkey_seal(g, (uint8_t)type, plain, 4, &out),
			    CL_ERR_ARGUMENT);
	assert_int_equal(
	    groupkey_seal(g, TYPE_INT4, plain, 3, &out), CL_ERR_ARGUMENT);
	assert_int_equal(
	    groupkey_seal(g, TYPE_INT4, plain, 5, &out), CL_ERR_ARGUMENT);
	assert_int_equal(
	    groupkey_seal(g, TYPE_UUID, plain, 0, &out), CL_ERR_ARGUMENT);
	assert_int_equal(out.len, 0);
	groupkey_free(g);
}

static void
room_is_checked_to_the_byte(void **state)
{
	uint8_t cell[128], pt[64];
	size_t k, need, n;
	struct groupkey *g;
	struct wr out;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		g = group(kinds[k].suite, 1, kinds[k].pad);
		need = groupkey_cell_size(g, TYPE_TEXT, 20);
		out = wr_make(cell, need - 1);
		assert_int_equal(groupkey_seal(g, TYPE_TEXT, plain, 20, &out),
		    CL_ERR_TOO_LARGE);
		assert_int_equal(out.len, 0);
		out.cap = need;
		assert_int_equal(
		    groupkey_seal(g, TYPE_TEXT, plain, 20, &out), CL_OK);
		assert_int_equal(out.len, need);
		n = kinds[k].pad ? 32 : 20;
		assert_int_equal(
		    groupkey_open(g, TYPE_TEXT, cell, need, pt, n - 1, &n),
		    CL_ERR_TOO_LARGE);
		assert_int_equal(groupkey_open(g, TYPE_TEXT, cell, need, pt,
				     kinds[k].pad ? 32 : 20, &n),
		    CL_OK);
		assert_int_equal(n, 20);
		groupkey_free(g);
	}
}

static void
padding_hides_the_length_and_nothing_else(void **state)
{
	static const uint32_t pads[] = {1, 2, 7, 16, 64, 300, 1000};
	uint8_t text[700], *cell;
	size_t p, n, cell_n, body;
	struct groupkey *g;
	unsigned suite;

	(void)state;
	memset(text, 0, sizeof(text)); /* the plaintext closest to padding */
	text[100] = text[101] = 0x80;
	for (suite = SUITE_AES256_GCM; suite <= SUITE_AES256_SIV; suite++)
		for (p = 0; p < sizeof(pads) / sizeof(pads[0]); p++) {
			g = group((uint8_t)suite, 0, pads[p]);
			for (n = 0; n < sizeof(text); n += 1 + n / 37) {
				cell = seal(g, TYPE_BYTEA, text, n, &cell_n);
				body = cell_n -
				       groupkey_cell_size(g, TYPE_BOOL, 1) + 1;
				assert_int_equal(body % pads[p], 0);
				assert_true(body > n && body <= n + pads[p]);
				must_open(g, TYPE_BYTEA, cell, cell_n, text, n);
				free(cell);
			}
			/* Fixed-width types have no length to hide. */
			cell = seal(g, TYPE_INT8, text, 8, &cell_n);
			must_open(g, TYPE_INT8, cell, cell_n, text, 8);
			free(cell);
			groupkey_free(g);
		}
}

/* Sealed under another padding rule: authentic, but not a legal plaintext. */
static void
missing_padding_is_refused(void **state)
{
	static const uint8_t none[32] = {0x80}, early[32] = {1, 0x80};
	struct groupkey *bare = group(SUITE_AES256_GCM, 0, 0);
	struct groupkey *padded = group(SUITE_AES256_GCM, 0, 16);
	size_t n;
	uint8_t *cell;

	(void)state;
	cell = seal(bare, TYPE_TEXT, "", 0, &n);
	assert_int_equal(refusal(padded, 0, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	cell = seal(bare, TYPE_TEXT, "0123456789abcde\x80", 15, &n);
	assert_int_equal(refusal(padded, 0, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	cell = seal(bare, TYPE_TEXT, "0123456789abcdef", 16, &n);
	assert_int_equal(refusal(padded, 0, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	cell = seal(bare, TYPE_TEXT, none + 1, 16, &n); /* zeros only */
	assert_int_equal(refusal(padded, 0, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	cell = seal(bare, TYPE_TEXT, early, 32, &n); /* a block too much */
	assert_int_equal(refusal(padded, 0, cell, n), CL_ERR_BAD_CELL);
	free(cell);
	cell = seal(bare, TYPE_TEXT, none, 16, &n);
	must_open(padded, TYPE_TEXT, cell, n, "", 0);
	free(cell);
	groupkey_free(bare);
	groupkey_free(padded);
}

static void
large_values_have_a_limit(void **state)
{
	uint8_t *big = calloc(1, CELL_MAX_PLAIN + 1), *cell;
	size_t k, n, most, cell_n;
	struct groupkey *g;
	struct wr none;

	(void)state;
	assert_non_null(big);
	for (k = 0; k < NKINDS; k++) {
		g = group(kinds[k].suite, 0, kinds[k].pad);
		for (n = (1u << 20) - 1; n <= (1u << 20) + 1; n++) {
			assert_int_equal(RAND_bytes(big, (int)n), 1);
			cell = seal(g, TYPE_TEXT, big, n, &cell_n);
			must_open(g, TYPE_TEXT, cell, cell_n, big, n);
			cell[cell_n / 2] ^= 1;
			assert_int_equal(
			    refusal(g, 0, cell, cell_n), CL_ERR_BAD_CELL);
			free(cell);
		}
		most = CELL_MAX_PLAIN - (kinds[k].pad ? 1 : 0);
		cell = seal(g, TYPE_BYTEA, big, most, &cell_n);
		must_open(g, TYPE_BYTEA, cell, cell_n, big, most);
		none = wr_make(cell, cell_n);
		assert_int_equal(
		    groupkey_seal(g, TYPE_BYTEA, big, most + 1, &none),
		    CL_ERR_TOO_LARGE);
		assert_int_equal(
		    groupkey_seal(g, TYPE_BYTEA, big, SIZE_MAX, &none),
		    CL_ERR_TOO_LARGE);
		assert_int_equal(none.len, 0);
		free(cell);
		groupkey_free(g);
	}
	free(big);
}

static void
any_epoch_opens_and_each_has_its_own_key(void **state)
{
	static const uint16_t epochs[] = {0, 1, 255, 256, 32767, 65535};
	struct groupkey *reader, *g;
	size_t k, e, n;
	uint8_t *cell;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		reader = group(kinds[k].suite, 7, kinds[k].pad);
		for (e = 0; e < sizeof(epochs) / sizeof(epochs[0]); e++) {
			g = group(kinds[k].suite, epochs[e], kinds[k].pad);
			cell = seal(g, TYPE_TEXT, plain, 9, &n);
			assert_int_equal(cell_epoch_of(cell), epochs[e]);
			must_open(reader, TYPE_TEXT, cell, n, plain, 9);
			le16_put(cell + 2, (uint16_t)(epochs[e] + 1));
			assert_int_equal(
			    refusal(reader, 0, cell, n), CL_ERR_BAD_CELL);
			free(cell);
			groupkey_free(g);
		}
		groupkey_free(reader);
	}
}

static void
only_deterministic_cells_repeat(void **state)
{
	struct groupkey *g;
	size_t k, an, bn;
	uint8_t *a, *b;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		g = group(kinds[k].suite, 0, kinds[k].pad);
		a = seal(g, TYPE_TEXT, plain, 9, &an);
		b = seal(g, TYPE_TEXT, plain, 9, &bn);
		assert_int_equal(an, bn);
		if (kinds[k].suite == SUITE_AES256_SIV) {
			assert_memory_equal(a, b, an);
			assert_int_equal(le32_get(a + 8), 0);
		} else {
			assert_memory_not_equal(a + 12, b + 12, 12);
			assert_memory_not_equal(a + 24, b + 24, an - 24);
			assert_int_not_equal(le32_get(a + 8), 0);
		}
		free(a);
		free(b);
		groupkey_free(g);
	}
}

/* ---- the same by OpenSSL alone ---- */

static void
hkdf(const uint8_t *info, size_t info_len, uint8_t *key, size_t key_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)root, sizeof(root)),
	    OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_len),
	    OSSL_PARAM_construct_end()};

	assert_int_equal(EVP_KDF_derive(c, key, key_len, params), 1);
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
}

/* tag is where the cipher wants it: GCM and SIV alike before the final. */
static void
decrypt(const char *cipher, const uint8_t *key, const uint8_t *nonce,
    const uint8_t *cell, const uint8_t *body, size_t n, uint8_t *pt)
{
	EVP_CIPHER *alg = EVP_CIPHER_fetch(NULL, cipher, NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t aad[28], tag[16];
	int len;

	memcpy(aad, cell, 12);
	memcpy(aad + 12, uuid, 16);
	memcpy(tag, body + n, 16);
	assert_int_equal(EVP_DecryptInit_ex(c, alg, NULL, key, nonce), 1);
	assert_int_equal(
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, tag), 1);
	assert_int_equal(EVP_DecryptUpdate(c, NULL, &len, aad, 28), 1);
	assert_int_equal(EVP_DecryptUpdate(c, pt, &len, body, (int)n), 1);
	assert_int_equal(EVP_DecryptFinal_ex(c, pt + len, &len), 1);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(alg);
}

static void
openssl_alone_opens_our_cells(void **state)
{
	uint8_t info[24] = "cloister dek v1", key[64], pt[64], *cell;
	struct groupkey *g;
	size_t k, n, front, body;
	bool siv;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		siv = kinds[k].suite == SUITE_AES256_SIV;
		g = group(kinds[k].suite, 0xabcd, kinds[k].pad);
		cell = seal(g, TYPE_TEXT, plain, 19, &n);
		assert_int_equal(cell[0], siv ? 0x12 : 0x11);
		assert_int_equal(cell[1], TYPE_TEXT);
		assert_memory_equal(cell + 2, "\xcd\xab\x78\x56\x34\x12", 6);
		front = siv ? 12 : 24;
		body = n - front - 16;
		info[16] = siv ? 2 : 1;
		info[17] = kinds[k].suite;
		memcpy(info + 18, cell + 2, 2);
		memcpy(info + 20, cell + 8, 4);
		hkdf(info, sizeof(info), key, siv ? 64 : 32);
		decrypt(siv ? "AES-256-SIV" : "AES-256-GCM", key,
		    siv ? NULL : cell + 12, cell, cell + front, body, pt);
		assert_memory_equal(pt, plain, 19);
		assert_int_equal(body, kinds[k].pad ? 32 : 19);
		if (kinds[k].pad) {
			assert_int_equal(pt[19], 0x80);
			for (front = 20; front < 32; front++)
				assert_int_equal(pt[front], 0);
		}
		free(cell);
		groupkey_free(g);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_flipped_bit_is_refused),
	    cmocka_unit_test(every_length_but_its_own_is_refused),
	    cmocka_unit_test(another_group_is_refused),
	    cmocka_unit_test(another_suite_is_refused),
	    cmocka_unit_test(another_type_is_named),
	    cmocka_unit_test(bad_arguments_are_refused),
	    cmocka_unit_test(room_is_checked_to_the_byte),
	    cmocka_unit_test(missing_padding_is_refused),
	    cmocka_unit_test(padding_hides_the_length_and_nothing_else),
	    cmocka_unit_test(large_values_have_a_limit),
	    cmocka_unit_test(any_epoch_opens_and_each_has_its_own_key),
	    cmocka_unit_test(only_deterministic_cells_repeat),
	    cmocka_unit_test(openssl_alone_opens_our_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
