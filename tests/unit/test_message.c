/* policy/message: truncated, flipped, swapped, re-signed; then what passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/secmem.h"
#include "policy/message.h"

static const char payload[] = "{\"op\":\"provision\"}";
#define PAYLOAD_N (sizeof(payload) - 1)

static const uint8_t hash[32] = "the hash of the claims in a test";

struct fixture {
	struct identity *who;
	uint8_t sk[32], pk[32];
	uint8_t *sealed, *signed_;
	size_t sealed_n, signed_n;
	struct hpke_exporter ex;
};

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &f->who), CL_OK);
	assert_int_equal(hpke_keypair(f->sk, f->pk), CL_OK);
	assert_int_equal(message_seal(f->who, f->pk, hash, payload, PAYLOAD_N,
			     &f->sealed, &f->sealed_n, &f->ex),
	    CL_OK);
	assert_int_equal(
	    message_sign(f->who, payload, PAYLOAD_N, &f->signed_, &f->signed_n),
	    CL_OK);
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;

	identity_free(f->who);
	secmem_free(f->sealed);
	secmem_free(f->signed_);
	free(f);
	return 0;
}

/* Opens out of an exact allocation; nothing may be left in m on failure. */
static int
open_copy(const uint8_t *p, size_t n, const uint8_t *sk)
{
	static const struct message none;
	uint8_t *exact = malloc(n ? n : 1);
	struct message m;
	int r;

	assert_non_null(exact);
	memcpy(exact, p, n);
	r = message_open(exact, n, sk, &m);
	if (r != 0)
		assert_memory_equal(&m, &none, sizeof(m));
	message_clear(&m);
	free(exact);
	return r;
}

static void
every_truncation_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t n;

	for (n = 0; n < f->sealed_n; n++)
		assert_int_equal(
		    open_copy(f->sealed, n, f->sk), CL_ERR_TRUNCATED);
	for (n = 0; n < f->signed_n; n++)
		assert_int_equal(
		    open_copy(f->signed_, n, NULL), CL_ERR_TRUNCATED);
}

static void
bytes_behind_the_end_are_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = calloc(1, f->sealed_n + 1);

	assert_non_null(p);
	memcpy(p, f->sealed, f->sealed_n);
	assert_int_equal(open_copy(p, f->sealed_n + 1, f->sk), CL_ERR_TRAILING);
	memcpy(p, f->signed_, f->signed_n);
	assert_int_equal(open_copy(p, f->signed_n + 1, NULL), CL_ERR_TRAILING);
	free(p);
}

static void
every_flipped_byte_is_refused(void **state)
{
	struct fixture *f = *state;
	unsigned bit;
	size_t i;

	for (i = 0; i < f->sealed_n; i++)
		for (bit = 0; bit < 8; bit += 3) {
			f->sealed[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(
			    open_copy(f->sealed, f->sealed_n, f->sk), CL_OK);
			f->sealed[i] ^= (uint8_t)(1 << bit);
		}
	for (i = 0; i < f->signed_n; i++)
		for (bit = 0; bit < 8; bit++) {
			f->signed_[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(
			    open_copy(f->signed_, f->signed_n, NULL), CL_OK);
			f->signed_[i] ^= (uint8_t)(1 << bit);
		}
}

static void
another_channel_key_opens_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t sk[32], pk[32];

	assert_int_equal(hpke_keypair(sk, pk), CL_OK);
	assert_int_equal(
	    open_copy(f->sealed, f->sealed_n, sk), CL_ERR_KEY_UNWRAP);
}

static void
kinds_are_not_exchanged(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    open_copy(f->sealed, f->sealed_n, NULL), CL_ERR_ARGUMENT);
	assert_int_equal(
	    open_copy(f->signed_, f->signed_n, f->sk), CL_ERR_ARGUMENT);
	f->signed_[4] = 3;
	assert_int_equal(
	    open_copy(f->signed_, f->signed_n, NULL), CL_ERR_VERSION);
}

/* A signature for a signed message, moved into a sealed one by somebody who
 * has evidence and so the channel key: the domain differs. */
static void
a_signature_does_not_move(void **state)
{
	static const char info[] = "cloister message v1";
	struct fixture *f = *state;
	uint8_t full_info[sizeof(info) + 32], message[4096], *ct;
	struct wr w = wr_make(message, sizeof(message));
	uint8_t enc[32];
	size_t n = f->signed_n - 5; /* its three blobs */

	memcpy(full_info, info, sizeof(info));
	memcpy(full_info + sizeof(info), hash, 32);
	assert_int_equal(wr_bytes(&w, "CLM1\1", 5), CL_OK);
	assert_int_equal(wr_bytes(&w, hash, 32), CL_OK);
	assert_int_equal(wr_reserve(&w, &ct, 32), CL_OK);
	assert_int_equal(wr_u32(&w, (uint32_t)(n + 16)), CL_OK);
	assert_int_equal(wr_reserve(&w, &ct, n + 16), CL_OK);
	assert_int_equal(hpke_seal(f->pk, full_info, sizeof(full_info), NULL, 0,
			     f->signed_ + 5, n, enc, ct, NULL),
	    CL_OK);
	memcpy(message + 37, enc, 32);
	assert_int_equal(open_copy(message, w.len, f->sk), CL_ERR_SIGNATURE);
}

static void
claims_hash_is_bound(void **state)
{
	struct fixture *f = *state;
	enum message_kind kind;
	uint8_t got[32];

	f->sealed[5] ^= 1;
	assert_int_equal(
	    message_peek(f->sealed, f->sealed_n, &kind, got), CL_OK);
	assert_memory_not_equal(got, hash, 32);
	assert_int_equal(
	    open_copy(f->sealed, f->sealed_n, f->sk), CL_ERR_KEY_UNWRAP);
}

static void
one_past_the_limits(void **state)
{
	struct fixture *f = *state;
	char *big = calloc(1, MESSAGE_MAX + 1);
	uint8_t *p = NULL;
	size_t n;

	assert_non_null(big);
	assert_int_equal(
	    message_sign(f->who, big, MESSAGE_MAX, &p, &n), CL_ERR_TOO_LARGE);
	assert_int_equal(
	    message_seal(f->who, f->pk, hash, big, MESSAGE_MAX, &p, &n, &f->ex),
	    CL_ERR_TOO_LARGE);
	assert_int_equal(message_reply_seal(&f->ex, big, MESSAGE_MAX, &p, &n),
	    CL_ERR_TOO_LARGE);
	assert_int_equal(
	    open_copy((uint8_t *)big, MESSAGE_MAX + 1, NULL), CL_ERR_TOO_LARGE);
	assert_null(p);
	free(big);
}

static void
peek_says_what_it_is(void **state)
{
	struct fixture *f = *state;
	enum message_kind kind;
	uint8_t got[32], zero[32] = {0};
	size_t n;

	assert_int_equal(
	    message_peek(f->sealed, f->sealed_n, &kind, got), CL_OK);
	assert_int_equal(kind, MESSAGE_SEALED);
	assert_memory_equal(got, hash, 32);
	assert_int_equal(
	    message_peek(f->signed_, f->signed_n, &kind, got), CL_OK);
	assert_int_equal(kind, MESSAGE_SIGNED);
	assert_memory_equal(got, zero, 32);
	for (n = 0; n < 37; n++)
		assert_int_equal(
		    message_peek(f->sealed, n, &kind, got), CL_ERR_TRUNCATED);
	f->sealed[0] = 'X';
	assert_int_equal(
	    message_peek(f->sealed, f->sealed_n, &kind, got), CL_ERR_FORMAT);
}

static void
every_kind_of_signer_passes(void **state)
{
	static const enum identity_kind kinds[] = {
	    IDENTITY_ED25519, IDENTITY_P256, IDENTITY_RSA3072, IDENTITY_SM2};
	struct fixture *f = *state;
	struct identity *who;
	struct message m;
	char want[IDENTITY_PUKID_LEN], got[IDENTITY_PUKID_LEN];
	uint8_t *p;
	size_t i, n;

	for (i = 0; i < 4; i++) {
		assert_int_equal(identity_generate(kinds[i], &who), CL_OK);
		assert_int_equal(message_seal(who, f->pk, hash, payload,
				     PAYLOAD_N, &p, &n, &f->ex),
		    CL_OK);
		assert_int_equal(message_open(p, n, f->sk, &m), CL_OK);
		assert_int_equal(m.payload_n, PAYLOAD_N);
		assert_string_equal(m.payload, payload);
		assert_memory_equal(&m.ex, &f->ex, sizeof(m.ex));
		assert_int_equal(identity_pukid(who, want), CL_OK);
		assert_int_equal(identity_pukid(m.signer, got), CL_OK);
		assert_string_equal(want, got);
		message_clear(&m);
		secmem_free(p);
		identity_free(who);
	}
	assert_int_equal(
	    message_open(f->signed_, f->signed_n, NULL, &m), CL_OK);
	assert_string_equal(m.payload, payload);
	message_clear(&m);
}

static void
sealed_payloads_are_not_in_the_bytes(void **state)
{
	struct fixture *f = *state;

	assert_null(memmem(f->sealed, f->sealed_n, "provision", 9));
	assert_non_null(memmem(f->signed_, f->signed_n, "provision", 9));
}

static int
open_reply(
    const struct hpke_exporter *ex, const uint8_t *p, size_t n, char **text)
{
	size_t text_n;
	int r;

	*text = NULL;
	r = message_reply_open(ex, p, n, text, &text_n);
	if (r == 0)
		assert_int_equal(text_n, strlen(*text));
	else
		assert_null(*text);
	return r;
}

static void
replies_are_checked_too(void **state)
{
	struct fixture *f = *state;
	struct hpke_exporter other = f->ex;
	uint8_t *p, *clear;
	size_t n, clear_n, i;
	char *text;

	other.secret[0] ^= 1;
	assert_int_equal(
	    message_reply_seal(&f->ex, payload, PAYLOAD_N, &p, &n), CL_OK);
	assert_int_equal(
	    message_reply_seal(NULL, payload, PAYLOAD_N, &clear, &clear_n),
	    CL_OK);
	for (i = 0; i < n; i++)
		assert_int_equal(
		    open_reply(&f->ex, p, i, &text), CL_ERR_TRUNCATED);
	for (i = 0; i < clear_n; i++)
		assert_int_equal(
		    open_reply(NULL, clear, i, &text), CL_ERR_TRUNCATED);
	for (i = 0; i < n; i++) {
		p[i] ^= 1;
		assert_int_not_equal(open_reply(&f->ex, p, n, &text), CL_OK);
		p[i] ^= 1;
	}
	assert_int_equal(open_reply(&other, p, n, &text), CL_ERR_KEY_UNWRAP);
	/* Who waits for a sealed reply takes none in clear. */
	assert_int_equal(
	    open_reply(&f->ex, clear, clear_n, &text), CL_ERR_FORMAT);
	assert_int_equal(open_reply(NULL, p, n, &text), CL_ERR_FORMAT);
	assert_int_equal(open_reply(&f->ex, p, n, &text), CL_OK);
	assert_string_equal(text, payload);
	secmem_free(text);
	assert_int_equal(open_reply(NULL, clear, clear_n, &text), CL_OK);
	assert_string_equal(text, payload);
	secmem_free(text);
	secmem_free(p);
	secmem_free(clear);
}

static void
warm_up_works_twice(void **state)
{
	(void)state;
	assert_int_equal(message_warmup(), CL_OK);
	assert_int_equal(message_warmup(), CL_OK);
}

#define message_test(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    message_test(every_truncation_is_refused),
	    message_test(bytes_behind_the_end_are_refused),
	    message_test(every_flipped_byte_is_refused),
	    message_test(another_channel_key_opens_nothing),
	    message_test(kinds_are_not_exchanged),
	    message_test(a_signature_does_not_move),
	    message_test(claims_hash_is_bound),
	    message_test(one_past_the_limits),
	    message_test(peek_says_what_it_is),
	    message_test(every_kind_of_signer_passes),
	    message_test(sealed_payloads_are_not_in_the_bytes),
	    message_test(replies_are_checked_too),
	    cmocka_unit_test(warm_up_works_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
