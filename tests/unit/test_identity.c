/* policy/identity: flipped bytes, foreign keys, and the openssl command as the
 * independent judge of keys, signatures and pukids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"
#include "lib/secmem.h"
#include "policy/identity.h"
#include "scratch.h"

static const enum identity_kind kinds[] = {
    IDENTITY_ED25519, IDENTITY_P256, IDENTITY_RSA3072, IDENTITY_SM2};

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))
#define DOMAIN "a test"

/* One of each kind for the whole program: RSA takes its time. */
static struct identity *ids[NKINDS];

static int
make_ids(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NKINDS; i++)
		if (identity_generate(kinds[i], &ids[i]) != 0)
			return -1;
	return 0;
}

static int
free_ids(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NKINDS; i++)
		identity_free(ids[i]);
	return 0;
}

struct signature {
	uint8_t p[IDENTITY_SIG_MAX];
	size_t n;
};

static struct signature
sign(const struct identity *id, const void *p, size_t n)
{
	struct crypto_part part = {p, n};
	struct signature s = {.n = IDENTITY_SIG_MAX};

	assert_int_equal(identity_sign(id, DOMAIN, &part, 1, s.p, &s.n), CL_OK);
	return s;
}

static int
verify(const struct identity *id, const char *domain, const void *p, size_t n,
    const uint8_t *sig, size_t sig_n)
{
	struct crypto_part part = {p, n};

	return identity_verify(id, domain, &part, 1, sig, sig_n);
}

static void
every_flipped_byte_is_refused(void **state)
{
	uint8_t text[] = "what is signed";
	struct signature s;
	size_t k, i;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		s = sign(ids[k], text, sizeof(text));
		for (i = 0; i < s.n; i++) {
			s.p[i] ^= 1;
			assert_int_equal(verify(ids[k], DOMAIN, text,
					     sizeof(text), s.p, s.n),
			    CL_ERR_SIGNATURE);
			s.p[i] ^= 1;
		}
		for (i = 0; i < sizeof(text); i++) {
			text[i] ^= 0x80;
			assert_int_equal(verify(ids[k], DOMAIN, text,
					     sizeof(text), s.p, s.n),
			    CL_ERR_SIGNATURE);
			text[i] ^= 0x80;
		}
		assert_int_equal(
		    verify(ids[k], DOMAIN, text, sizeof(text), s.p, s.n),
		    CL_OK);
	}
}

static void
every_other_length_is_refused(void **state)
{
	uint8_t *exact;
	struct signature s;
	size_t k, n;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		s = sign(ids[k], "x", 1);
		for (n = 0; n <= s.n + 1 && n <= sizeof(s.p); n++) {
			if (n == s.n)
				continue;
			exact = calloc(1, n ? n : 1);
			assert_non_null(exact);
			memcpy(exact, s.p, n < s.n ? n : s.n);
			assert_int_equal(
			    verify(ids[k], DOMAIN, "x", 1, exact, n),
			    CL_ERR_SIGNATURE);
			free(exact);
		}
	}
}

static void
domain_and_key_are_bound(void **state)
{
	struct signature s;
	size_t k, other;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		s = sign(ids[k], "x", 1);
		assert_int_equal(verify(ids[k], "another", "x", 1, s.p, s.n),
		    CL_ERR_SIGNATURE);
		/* The NUL keeps the domain apart from the text. */
		assert_int_equal(verify(ids[k], "a tes", "t\0x", 3, s.p, s.n),
		    CL_ERR_SIGNATURE);
		for (other = 0; other < NKINDS; other++)
			assert_int_equal(
			    verify(ids[other], DOMAIN, "x", 1, s.p, s.n),
			    other == k ? CL_OK : CL_ERR_SIGNATURE);
	}
}

static void
parts_are_one_text(void **state)
{
	struct crypto_part parts[] = {{"ab", 2}, {NULL, 0}, {"c", 1}};
	struct signature s = sign(ids[0], "abc", 3);

	(void)state;
	assert_int_equal(
	    identity_verify(ids[0], DOMAIN, parts, 3, s.p, s.n), CL_OK);
}

static void
a_small_buffer_is_refused(void **state)
{
	struct crypto_part part = {"x", 1};
	uint8_t sig[IDENTITY_SIG_MAX];
	size_t k, n;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		n = 16;
		assert_int_equal(
		    identity_sign(ids[k], DOMAIN, &part, 1, sig, &n),
		    CL_ERR_TOO_LARGE);
	}
}

static void
a_public_key_signs_nothing(void **state)
{
	struct crypto_part part = {"x", 1};
	struct identity *public;
	uint8_t sig[IDENTITY_SIG_MAX];
	size_t k, n = sizeof(sig);
	char *pem, *unused;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		assert_int_equal(identity_public_pem(ids[k], &pem), CL_OK);
		assert_int_equal(
		    identity_load_public(pem, strlen(pem), &public), CL_OK);
		assert_int_equal(identity_kind_of(public), kinds[k]);
		assert_int_equal(
		    identity_sign(public, DOMAIN, &part, 1, sig, &n),
		    CL_ERR_ARGUMENT);
		assert_int_equal(identity_private_pem(public, NULL, &unused),
		    CL_ERR_ARGUMENT);
		/* Nor is a public key a private one, or the other way. */
		assert_int_equal(
		    identity_load_private(pem, strlen(pem), NULL, &public),
		    CL_ERR_FORMAT);
		identity_free(public);
		secmem_free(pem);
	}
}

static void
a_passphrase_is_needed(void **state)
{
	struct identity *id = NULL;
	struct signature s = sign(ids[1], "x", 1);
	char *pem;

	(void)state;
	assert_int_equal(
	    identity_private_pem(ids[1], "correct horse", &pem), CL_OK);
	assert_int_equal(identity_load_private(pem, strlen(pem), NULL, &id),
	    CL_ERR_KEY_UNWRAP);
	assert_int_equal(identity_load_private(pem, strlen(pem), "", &id),
	    CL_ERR_KEY_UNWRAP);
	assert_int_equal(
	    identity_load_private(pem, strlen(pem), "Correct horse", &id),
	    CL_ERR_KEY_UNWRAP);
	assert_null(id);
	assert_int_equal(
	    identity_load_private(pem, strlen(pem), "correct horse", &id),
	    CL_OK);
	assert_int_equal(verify(id, DOMAIN, "x", 1, s.p, s.n), CL_OK);
	identity_free(id);
	secmem_free(pem);
}

static void
damaged_pem_is_refused(void **state)
{
	struct identity *id;
	char *pem, *bad;
	size_t n, i;
	int r;

	(void)state;
	assert_int_equal(identity_public_pem(ids[1], &pem), CL_OK);
	n = strlen(pem);
	for (i = 0; i < n - 1; i++) {
		bad = malloc(i + 1);
		assert_non_null(bad);
		memcpy(bad, pem, i);
		/* The last line may lack its newline. */
		r = identity_load_public(bad, i, &id);
		assert_int_not_equal(r, CL_OK);
		free(bad);
	}
	bad = malloc(2 * n);
	assert_non_null(bad);
	memcpy(bad, pem, n);
	memcpy(bad + n, pem, n);
	assert_int_equal(identity_load_public(bad, 2 * n, &id), CL_ERR_FORMAT);
	memcpy(bad + n, "x", 1);
	assert_int_equal(identity_load_public(bad, n + 1, &id), CL_ERR_FORMAT);
	memcpy(bad + n, "\n", 1);
	assert_int_equal(identity_load_public(bad, n + 1, &id), CL_OK);
	identity_free(id);
	free(bad);
	secmem_free(pem);
}

/* ---- against the openssl command ---- */

static int
shell(const struct scratch *s, const char *format, ...)
{
	char command[1024], inner[800];
	va_list ap;

	va_start(ap, format);
	vsnprintf(inner, sizeof(inner), format, ap);
	va_end(ap);
	snprintf(command, sizeof(command), "cd %s && { %s; } 2>/dev/null",
	    s->path, inner);
	return system(command);
}

static char *
slurp(const struct scratch *s, const char *name, size_t *n)
{
	uint8_t *p;

	assert_int_equal(file_read(s->fd, name, 1 << 20, &p, n), CL_OK);
	return (char *)p;
}

static void
put(const struct scratch *s, const char *name, const void *p, size_t n)
{
	assert_int_equal(file_write_atomic(s->fd, name, p, n, 0600), CL_OK);
}

static void
pukid_is_what_openssl_prints(void **state)
{
	struct scratch *s = *state;
	char pukid[IDENTITY_PUKID_LEN], *pem, *line;
	size_t k, n;

	for (k = 0; k < NKINDS; k++) {
		assert_int_equal(identity_public_pem(ids[k], &pem), CL_OK);
		put(s, "pub.pem", pem, strlen(pem));
		secmem_free(pem);
		assert_int_equal(
		    shell(s, "openssl %s -binary pub.pem | openssl base64 >id",
			kinds[k] == IDENTITY_SM2 ? "sm3" : "sha256"),
		    0);
		line = slurp(s, "id", &n);
		line[strcspn(line, "\n")] = '\0';
		assert_int_equal(identity_pukid(ids[k], pukid), CL_OK);
		assert_string_equal(pukid, line);
		secmem_free(line);
	}
}

/* Options of openssl dgst (pkeyutl for Ed25519) that name our parameters. */
static const char *const openssl_options[NKINDS] = {
    NULL,
    "-sha256",
    "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 "
    "-sigopt rsa_mgf1_md:sha256",
    "-sm3 -sigopt distid:1234567812345678",
};

static void
openssl_verifies_what_we_sign(void **state)
{
	static const char text[] = DOMAIN "\0signed";
	struct scratch *s = *state;
	struct signature sig;
	char *pem;
	size_t k;
	int r;

	put(s, "text", text, sizeof(text) - 1);
	for (k = 0; k < NKINDS; k++) {
		assert_int_equal(identity_public_pem(ids[k], &pem), CL_OK);
		put(s, "pub.pem", pem, strlen(pem));
		secmem_free(pem);
		sig = sign(ids[k], "signed", 6);
		put(s, "sig", sig.p, sig.n);
		if (openssl_options[k])
			r = shell(s,
			    "openssl dgst %s -verify pub.pem -signature sig "
			    "text >out",
			    openssl_options[k]);
		else
			r = shell(s,
			    "openssl pkeyutl -verify -pubin -inkey pub.pem "
			    "-rawin -in text -sigfile sig >out");
		assert_int_equal(r, 0);
	}
}

static void
we_verify_what_openssl_signs(void **state)
{
	static const char text[] = DOMAIN "\0signed";
	static const char *const make[NKINDS] = {
	    "openssl genpkey -algorithm ed25519 -out key",
	    "openssl genpkey -algorithm EC "
	    "-pkeyopt ec_paramgen_curve:P-256 -out key",
	    "openssl genpkey -algorithm RSA "
	    "-pkeyopt rsa_keygen_bits:3072 -out key",
	    "openssl genpkey -algorithm SM2 -out key",
	};
	struct scratch *s = *state;
	struct identity *id;
	char *pem, *sig;
	size_t k, n, pem_n;

	put(s, "text", text, sizeof(text) - 1);
	for (k = 0; k < NKINDS; k++) {
		assert_int_equal(shell(s, make[k]), 0);
		if (openssl_options[k])
			assert_int_equal(
			    shell(s, "openssl dgst %s -sign key -out sig text",
				openssl_options[k]),
			    0);
		else
			assert_int_equal(
			    shell(s, "openssl pkeyutl -sign -inkey key "
				     "-rawin -in text -out sig"),
			    0);
		pem = slurp(s, "key", &pem_n);
		assert_int_equal(
		    identity_load_private(pem, pem_n, NULL, &id), CL_OK);
		assert_int_equal(identity_kind_of(id), kinds[k]);
		sig = slurp(s, "sig", &n);
		assert_int_equal(
		    verify(id, DOMAIN, "signed", 6, (uint8_t *)sig, n), CL_OK);
		secmem_free(sig);
		secmem_free(pem);
		identity_free(id);
	}
}

static void
openssl_opens_our_encrypted_keys(void **state)
{
	struct scratch *s = *state;
	char *pem, *a, *b;
	size_t k, na, nb;

	for (k = 0; k < NKINDS; k++) {
		assert_int_equal(
		    identity_private_pem(ids[k], "secret", &pem), CL_OK);
		put(s, "key", pem, strlen(pem));
		secmem_free(pem);
		assert_int_equal(identity_public_pem(ids[k], &pem), CL_OK);
		put(s, "pub.pem", pem, strlen(pem));
		secmem_free(pem);
		assert_int_equal(
		    shell(s, "openssl pkey -passin pass:secret -in key "
			     "-pubout -out pub2.pem"),
		    0);
		a = slurp(s, "pub.pem", &na);
		b = slurp(s, "pub2.pem", &nb);
		assert_string_equal(a, b);
		secmem_free(a);
		secmem_free(b);
	}
}

static void
other_kinds_of_keys_are_unsupported(void **state)
{
	static const char *const make[] = {
	    "openssl genpkey -algorithm X25519",
	    "openssl genpkey -algorithm ed448",
	    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
	    "openssl genpkey -algorithm EC "
	    "-pkeyopt ec_paramgen_curve:secp256k1",
	    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
	    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3080",
	};
	struct scratch *s = *state;
	struct identity *id;
	size_t i, n;
	char *pem;

	for (i = 0; i < sizeof(make) / sizeof(make[0]); i++) {
		assert_int_equal(shell(s, "%s -out key", make[i]), 0);
		assert_int_equal(
		    shell(s, "openssl pkey -in key -pubout -out pub"), 0);
		pem = slurp(s, "key", &n);
		assert_int_equal(identity_load_private(pem, n, NULL, &id),
		    CL_ERR_UNSUPPORTED);
		secmem_free(pem);
		pem = slurp(s, "pub", &n);
		assert_int_equal(
		    identity_load_public(pem, n, &id), CL_ERR_UNSUPPORTED);
		secmem_free(pem);
	}
}

/* Compressed points and explicit parameters are the same key. */
static void
one_key_has_one_pukid(void **state)
{
	static const char *const spell[] = {"-conv_form compressed",
	    "-conv_form hybrid", "-param_enc explicit"};
	struct scratch *s = *state;
	char want[IDENTITY_PUKID_LEN], got[IDENTITY_PUKID_LEN], *pem;
	struct identity *id;
	size_t i, n;
	int r;

	assert_int_equal(identity_pukid(ids[1], want), CL_OK);
	assert_int_equal(identity_public_pem(ids[1], &pem), CL_OK);
	put(s, "pub.pem", pem, strlen(pem));
	secmem_free(pem);
	for (i = 0; i < sizeof(spell) / sizeof(spell[0]); i++) {
		assert_int_equal(shell(s,
				     "openssl ec -pubin -in pub.pem %s -out "
				     "other.pem",
				     spell[i]),
		    0);
		pem = slurp(s, "other.pem", &n);
		r = identity_load_public(pem, n, &id);
		if (r == 0) {
			assert_int_equal(identity_pukid(id, got), CL_OK);
			assert_string_equal(got, want);
			identity_free(id);
		} else {
			assert_int_equal(r, CL_ERR_UNSUPPORTED);
		}
		secmem_free(pem);
	}
}

static void
kinds_have_names(void **state)
{
	enum identity_kind kind;
	size_t k;

	(void)state;
	for (k = 0; k < NKINDS; k++) {
		assert_int_equal(
		    identity_kind_by_name(identity_kind_name(kinds[k]), &kind),
		    CL_OK);
		assert_int_equal(kind, kinds[k]);
	}
	assert_int_equal(identity_kind_by_name("dsa", &kind), CL_ERR_NOT_FOUND);
	assert_null(identity_kind_name((enum identity_kind)9));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_flipped_byte_is_refused),
	    cmocka_unit_test(every_other_length_is_refused),
	    cmocka_unit_test(domain_and_key_are_bound),
	    cmocka_unit_test(parts_are_one_text),
	    cmocka_unit_test(a_small_buffer_is_refused),
	    cmocka_unit_test(a_public_key_signs_nothing),
	    cmocka_unit_test(a_passphrase_is_needed),
	    cmocka_unit_test(damaged_pem_is_refused),
	    scratch_test(pukid_is_what_openssl_prints),
	    scratch_test(openssl_verifies_what_we_sign),
	    scratch_test(we_verify_what_openssl_signs),
	    scratch_test(openssl_opens_our_encrypted_keys),
	    scratch_test(other_kinds_of_keys_are_unsupported),
	    scratch_test(one_key_has_one_pukid),
	    cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, make_ids, free_ids);
}
