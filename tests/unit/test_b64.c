/* lib/b64: RFC 4648 vectors, and that only one text means a string of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/b64.h"

typedef int (*decoder)(const char *, size_t, uint8_t *, size_t *);

/* Decodes out of an exact allocation, so that a sanitizer sees an overrun. */
static int
decode(decoder f, const char *text, uint8_t *out, size_t *n)
{
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, text, len);
	r = f(exact, len, out, n);
	free(exact);
	return r;
}

static void
refuses(decoder f, const char *text)
{
	uint8_t out[64];
	size_t n = sizeof(out);

	assert_int_equal(decode(f, text, out, &n), CL_ERR_FORMAT);
}

static void
other_spellings_are_refused(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "=",
	    "==", "====", "Z===", "Zm9=", "Zh==", "Zm9vYg= =", "Zm9v\n",
	    " Zm9v", "Zm 9", "Zm9vYmF-", "Zm9vYmF_", "Zm9*", "Zm=v",
	    "Zg==Zg==", "Zm9v\x80mFy", "Zm9vYmF\xc1"};
	static const char *const bad_url[] = {"Z", "Zg==", "Zh", "Zm9",
	    "Zm8=", "Zm9vYmF+", "Zm9vYmF/", "Zm9v Zg", "Zm9v\n", "Zm9vZ"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(b64_decode, bad[i]);
	for (i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		refuses(b64url_decode, bad_url[i]);
}

/* Every byte in every place of a quantum against the alphabet's definition. */
static void
only_the_alphabet_counts(void **state)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[4];
	uint8_t out[3];
	const char *at;
	unsigned c, i;
	uint32_t value;
	size_t n;

	(void)state;
	for (i = 0; i < 4; i++)
		for (c = 0; c < 256; c++) {
			memcpy(text, "AAAA", 4);
			text[i] = (char)c;
			n = sizeof(out);
			at = c ? strchr(alphabet, (int)c) : NULL;
			if (!at) {
				/* A last '=' is padding: AAA= is fine. */
				assert_int_equal(b64_decode(text, 4, out, &n),
				    c == '=' && i == 3 ? CL_OK : CL_ERR_FORMAT);
				continue;
			}
			assert_int_equal(b64_decode(text, 4, out, &n), CL_OK);
			value = (uint32_t)(at - alphabet) << (18 - 6 * i);
			assert_int_equal(n, 3);
			assert_int_equal(out[0], value >> 16);
			assert_int_equal(out[1], value >> 8 & 255);
			assert_int_equal(out[2], value & 255);
		}
}

static void
capacity_is_kept(void **state)
{
	uint8_t out[6];
	size_t n = 5;

	(void)state;
	assert_int_equal(
	    decode(b64_decode, "Zm9vYmFy", out, &n), CL_ERR_TOO_LARGE);
	n = 6;
	assert_int_equal(decode(b64_decode, "Zm9vYmFy", out, &n), CL_OK);
	assert_int_equal(n, 6);
	n = 0;
	assert_int_equal(decode(b64_decode, "", out, &n), CL_OK);
	assert_int_equal(n, 0);
	assert_int_equal(
	    decode(b64url_decode, "Zg", out, &n), CL_ERR_TOO_LARGE);
}

static const struct {
	const char *plain;
	const char *b64;
	const char *b64url;
} rfc4648[] = {
    {"", "", ""}, {"f", "Zg==", "Zg"}, {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"}, {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"}, {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"}, /* ours: the two last letters */
};

static void
rfc4648_section_10(void **state)
{
	char text[16];
	uint8_t out[16];
	size_t i, n, len;

	(void)state;
	for (i = 0; i < sizeof(rfc4648) / sizeof(rfc4648[0]); i++) {
		len = strlen(rfc4648[i].plain);
		b64_encode(rfc4648[i].plain, len, text);
		assert_string_equal(text, rfc4648[i].b64);
		assert_int_equal(b64_len(len), strlen(text));
		b64url_encode(rfc4648[i].plain, len, text);
		assert_string_equal(text, rfc4648[i].b64url);
		assert_int_equal(b64url_len(len), strlen(text));
		n = sizeof(out);
		assert_int_equal(
		    decode(b64_decode, rfc4648[i].b64, out, &n), CL_OK);
		assert_int_equal(n, len);
		assert_memory_equal(out, rfc4648[i].plain, len);
		n = sizeof(out);
		assert_int_equal(
		    decode(b64url_decode, rfc4648[i].b64url, out, &n), CL_OK);
		assert_int_equal(n, len);
		assert_memory_equal(out, rfc4648[i].plain, len);
	}
}

static void
every_length_comes_back(void **state)
{
	uint8_t in[100], out[100];
	char text[160];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 37 + 11);
	for (i = 0; i <= sizeof(in); i++) {
		b64url_encode(in, i, text);
		n = i;
		assert_int_equal(decode(b64url_decode, text, out, &n), CL_OK);
		assert_int_equal(n, i);
		assert_memory_equal(in, out, i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_spellings_are_refused),
	    cmocka_unit_test(only_the_alphabet_counts),
	    cmocka_unit_test(capacity_is_kept),
	    cmocka_unit_test(rfc4648_section_10),
	    cmocka_unit_test(every_length_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
