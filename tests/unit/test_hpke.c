/* lib/hpke: tampering, then the published vectors of RFC 9180. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>

#include "hex.h"
#include "lib/file.h"
#include "lib/hpke_suite.h"
#include "lib/secmem.h"

#define PT "a payload"

struct sealed {
	uint8_t sk[32], pk[32], enc[32];
	uint8_t ct[sizeof(PT) + HPKE_OVERHEAD];
	struct hpke_exporter ex;
};

static void
seal(struct sealed *s)
{
	assert_int_equal(hpke_keypair(s->sk, s->pk), CL_OK);
	assert_int_equal(hpke_seal(s->pk, "info", 4, "aad", 3, PT, sizeof(PT),
			     s->enc, s->ct, &s->ex),
	    CL_OK);
}

static int
open_it(const struct sealed *s, uint8_t *out, struct hpke_exporter *ex)
{
	return hpke_open(
	    s->sk, s->enc, "info", 4, "aad", 3, s->ct, sizeof(s->ct), out, ex);
}

static void
every_flipped_byte_is_refused(void **state)
{
	struct hpke_exporter ex = {{0}}, none = {{0}};
	uint8_t out[sizeof(PT)];
	struct sealed s;
	size_t i;

	(void)state;
	seal(&s);
	for (i = 0; i < sizeof(s.ct); i++) {
		s.ct[i] ^= 0x10;
		assert_int_equal(open_it(&s, out, &ex), CL_ERR_KEY_UNWRAP);
		s.ct[i] ^= 0x10;
	}
	for (i = 0; i < sizeof(s.enc); i++) {
		s.enc[i] ^= 0x10;
		assert_int_equal(open_it(&s, out, &ex), CL_ERR_KEY_UNWRAP);
		s.enc[i] ^= 0x10;
	}
	/* Nothing is exported from what does not open. */
	assert_memory_equal(&ex, &none, sizeof(ex));
	assert_int_equal(open_it(&s, out, &ex), CL_OK);
	assert_string_equal((char *)out, PT);
	assert_memory_equal(&ex, &s.ex, sizeof(ex));
}

static void
context_is_bound(void **state)
{
	uint8_t out[sizeof(PT)], sk[32], pk[32];
	struct sealed s;

	(void)state;
	seal(&s);
	assert_int_equal(hpke_open(s.sk, s.enc, "inf0", 4, "aad", 3, s.ct,
			     sizeof(s.ct), out, NULL),
	    CL_ERR_KEY_UNWRAP);
	assert_int_equal(hpke_open(s.sk, s.enc, "info", 4, "aa", 2, s.ct,
			     sizeof(s.ct), out, NULL),
	    CL_ERR_KEY_UNWRAP);
	assert_int_equal(hpke_keypair(sk, pk), CL_OK);
	assert_int_equal(hpke_open(sk, s.enc, "info", 4, "aad", 3, s.ct,
			     sizeof(s.ct), out, NULL),
	    CL_ERR_KEY_UNWRAP);
}

static void
every_truncation_is_refused(void **state)
{
	uint8_t out[sizeof(PT)];
	struct sealed s;
	size_t n;

	(void)state;
	seal(&s);
	for (n = 0; n < sizeof(s.ct); n++)
		assert_int_equal(hpke_open(s.sk, s.enc, "info", 4, "aad", 3,
				     s.ct, n, out, NULL),
		    CL_ERR_KEY_UNWRAP);
}

/* Points of small order give a shared secret of zeros (RFC 7748, 6.1). */
static void
points_of_small_order_are_refused(void **state)
{
	uint8_t zero[32] = {0}, one[32] = {1}, enc[32], ct[32], out[32];
	struct sealed s;

	(void)state;
	seal(&s);
	assert_int_not_equal(
	    hpke_seal(zero, "", 0, "", 0, PT, 4, enc, ct, NULL), CL_OK);
	assert_int_not_equal(
	    hpke_seal(one, "", 0, "", 0, PT, 4, enc, ct, NULL), CL_OK);
	assert_int_equal(hpke_open(s.sk, zero, "info", 4, "aad", 3, s.ct,
			     sizeof(s.ct), out, NULL),
	    CL_ERR_KEY_UNWRAP);
}

static void
two_messages_share_nothing(void **state)
{
	struct sealed a, b;

	(void)state;
	seal(&a);
	b = a;
	assert_int_equal(hpke_seal(b.pk, "info", 4, "aad", 3, PT, sizeof(PT),
			     b.enc, b.ct, &b.ex),
	    CL_OK);
	assert_memory_not_equal(a.enc, b.enc, 32);
	assert_memory_not_equal(a.ct, b.ct, sizeof(a.ct));
	assert_memory_not_equal(&a.ex, &b.ex, sizeof(a.ex));
}

static json_t *
vectors(const char *name)
{
	char path[128];
	uint8_t *text;
	size_t n;
	json_t *v;

	snprintf(path, sizeof(path), "tests/vectors/%s.json", name);
	assert_int_equal(file_read(AT_FDCWD, path, 65536, &text, &n), CL_OK);
	v = json_loadb((char *)text, n, 0, NULL);
	assert_non_null(v);
	secmem_free(text);
	return v;
}

static size_t
get(const json_t *v, const char *key, uint8_t *out, size_t cap)
{
	const char *text = json_string_value(json_object_get(v, key));

	assert_non_null(text);
	return unhex(text, out, cap);
}

/* Where the vector has the member, it must equal p. */
static void
check(const json_t *v, const char *key, const uint8_t *p, size_t n)
{
	uint8_t want[64];

	if (!json_object_get(v, key))
		return;
	assert_int_equal(get(v, key, want, sizeof(want)), n);
	assert_memory_equal(p, want, n);
}

static void
check_key_pair(const json_t *v, const char *ikm, const char *sk)
{
	uint8_t seed[32], got_sk[32], got_pk[32];
	size_t n;

	if (!json_object_get(v, ikm))
		return;
	n = get(v, ikm, seed, sizeof(seed));
	assert_int_equal(hpke_derive(seed, n, got_sk, got_pk), CL_OK);
	check(v, sk, got_sk, 32);
	check(v, sk[2] == 'E' ? "enc" : "pkRm", got_pk, 32);
}

static void
check_contexts(
    const json_t *v, const struct hpke_aead *aead, const struct hpke_context *c)
{
	uint8_t pt[64], aad[16], ct[96], out[96];
	struct crypto_part bound = {aad, get(v, "aad", aad, sizeof(aad))};
	size_t n = get(v, "pt", pt, sizeof(pt));

	check(v, "key", c->key, aead->nk);
	check(v, "base_nonce", c->nonce, sizeof(c->nonce));
	check(v, "exporter_secret", c->ex.secret, 32);
	assert_int_equal(get(v, "ct", ct, sizeof(ct)), n + HPKE_OVERHEAD);
	assert_int_equal(
	    crypto_aead_seal(aead->alg, c->key, c->nonce, &bound, pt, n, out),
	    CL_OK);
	assert_memory_equal(out, ct, n + HPKE_OVERHEAD);
	assert_int_equal(crypto_aead_open(aead->alg, c->key, c->nonce, &bound,
			     ct, n + HPKE_OVERHEAD, out),
	    CL_OK);
	assert_memory_equal(out, pt, n);
}

static void
check_vector(const json_t *v, const struct hpke_aead *aead)
{
	uint8_t sk[32], pk[32], ephemeral[32], info[64], enc[32];
	struct hpke_context sender, receiver;
	size_t n = get(v, "info", info, sizeof(info));

	assert_int_equal(
	    json_integer_value(json_object_get(v, "aead_id")), aead->id);
	get(v, "skRm", sk, sizeof(sk));
	get(v, "pkRm", pk, sizeof(pk));
	get(v, "skEm", ephemeral, sizeof(ephemeral));
	assert_int_equal(
	    hpke_setup_sender(aead, pk, ephemeral, info, n, enc, &sender),
	    CL_OK);
	check(v, "enc", enc, 32);
	assert_int_equal(
	    hpke_setup_receiver(aead, sk, enc, info, n, &receiver), CL_OK);
	check_contexts(v, aead, &sender);
	check_contexts(v, aead, &receiver);
}

static void
rfc9180_a_1_aes_128_gcm(void **state)
{
	json_t *v = vectors("rfc9180_x25519_sha256_aes128gcm");

	(void)state;
	check_key_pair(v, "ikmE", "skEm");
	check_key_pair(v, "ikmR", "skRm");
	check_vector(v, hpke_aes128());
	json_decref(v);
}

/* The suite that is in use: through the public calls, with the exports. */
static void
check_public(const json_t *v)
{
	uint8_t sk[32], enc[32], info[64], aad[16], ct[96], pt[64], out[64];
	size_t ninfo = get(v, "info", info, sizeof(info)), i;
	size_t naad = get(v, "aad", aad, sizeof(aad));
	size_t n = get(v, "ct", ct, sizeof(ct));
	const json_t *exports = json_object_get(v, "exports");
	struct hpke_exporter ex;

	get(v, "skRm", sk, sizeof(sk));
	get(v, "enc", enc, sizeof(enc));
	assert_int_equal(
	    hpke_open(sk, enc, info, ninfo, aad, naad, ct, n, out, &ex), CL_OK);
	assert_int_equal(get(v, "pt", pt, sizeof(pt)), n - HPKE_OVERHEAD);
	assert_memory_equal(out, pt, n - HPKE_OVERHEAD);
	assert_int_equal(json_array_size(exports), 3);
	for (i = 0; i < 3; i++) {
		v = json_array_get(exports, i);
		n = get(v, "context", ct, sizeof(ct));
		assert_int_equal(hpke_export(&ex, ct, n, out, 32), CL_OK);
		check(v, "value", out, 32);
	}
}

static void
rfc9180_published_aes_256_gcm(void **state)
{
	json_t *v = vectors("rfc9180_x25519_sha256_aes256gcm");

	(void)state;
	check_vector(v, hpke_aes256());
	check_public(v);
	json_decref(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_flipped_byte_is_refused),
	    cmocka_unit_test(context_is_bound),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(points_of_small_order_are_refused),
	    cmocka_unit_test(two_messages_share_nothing),
	    cmocka_unit_test(rfc9180_a_1_aes_128_gcm),
	    cmocka_unit_test(rfc9180_published_aes_256_gcm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
