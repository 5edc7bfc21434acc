/* lib/crypto: every flipped byte, then FIPS 180-4, RFC 5869 and GCM vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"
#include "lib/crypto.h"

static const uint8_t key[CRYPTO_KEY] = "thirty-two bytes of a test key!";

static void
every_flipped_bit_of_a_wrap_is_refused(void **state)
{
	uint8_t wrapped[CRYPTO_WRAP(32)], out[32], zero[32] = {0};
	unsigned i, bit;

	(void)state;
	assert_int_equal(crypto_wrap(key, "aad", 3, key, 32, wrapped), CL_OK);
	for (i = 0; i < sizeof(wrapped); i++)
		for (bit = 0; bit < 8; bit++) {
			wrapped[i] ^= (uint8_t)(1 << bit);
			memset(out, 0xaa, sizeof(out));
			assert_int_equal(crypto_unwrap(key, "aad", 3, wrapped,
					     sizeof(wrapped), out),
			    CL_ERR_KEY_UNWRAP);
			assert_memory_equal(out, zero, sizeof(out));
			wrapped[i] ^= (uint8_t)(1 << bit);
		}
	assert_int_equal(
	    crypto_unwrap(key, "aad", 3, wrapped, sizeof(wrapped), out), CL_OK);
	assert_memory_equal(out, key, 32);
}

static void
every_truncation_of_a_wrap_is_refused(void **state)
{
	uint8_t wrapped[CRYPTO_WRAP(32)], out[32], *exact;
	size_t n;

	(void)state;
	assert_int_equal(crypto_wrap(key, NULL, 0, key, 32, wrapped), CL_OK);
	for (n = 0; n < sizeof(wrapped); n++) {
		exact = malloc(n ? n : 1);
		assert_non_null(exact);
		memcpy(exact, wrapped, n);
		assert_int_equal(crypto_unwrap(key, NULL, 0, exact, n, out),
		    CL_ERR_KEY_UNWRAP);
		free(exact);
	}
}

static void
wrap_binds_key_and_associated_data(void **state)
{
	uint8_t wrapped[CRYPTO_WRAP(32)], again[CRYPTO_WRAP(32)], out[32];
	uint8_t other[CRYPTO_KEY];

	(void)state;
	memcpy(other, key, sizeof(other));
	other[31] ^= 1;
	assert_int_equal(crypto_wrap(key, "aad", 3, key, 32, wrapped), CL_OK);
	assert_int_equal(
	    crypto_unwrap(other, "aad", 3, wrapped, sizeof(wrapped), out),
	    CL_ERR_KEY_UNWRAP);
	assert_int_equal(
	    crypto_unwrap(key, "aae", 3, wrapped, sizeof(wrapped), out),
	    CL_ERR_KEY_UNWRAP);
	assert_int_equal(
	    crypto_unwrap(key, "aad", 2, wrapped, sizeof(wrapped), out),
	    CL_ERR_KEY_UNWRAP);
	/* Randomised: the same key is not wrapped to the same bytes. */
	assert_int_equal(crypto_wrap(key, "aad", 3, key, 32, again), CL_OK);
	assert_memory_not_equal(wrapped, again, sizeof(wrapped));
}

static void
nothing_may_be_wrapped(void **state)
{
	uint8_t wrapped[CRYPTO_WRAP(0)], out[1] = {7};

	(void)state;
	assert_int_equal(crypto_wrap(key, "a", 1, NULL, 0, wrapped), CL_OK);
	assert_int_equal(
	    crypto_unwrap(key, "a", 1, wrapped, sizeof(wrapped), out), CL_OK);
	wrapped[5] ^= 1;
	assert_int_equal(
	    crypto_unwrap(key, "a", 1, wrapped, sizeof(wrapped), out),
	    CL_ERR_KEY_UNWRAP);
	assert_int_equal(out[0], 7);
}

static void
hkdf_limits(void **state)
{
	static uint8_t out[255 * 32 + 1];
	uint8_t info[CRYPTO_HKDF_INFO + 1] = {0};

	(void)state;
	assert_int_equal(
	    crypto_hkdf(key, 32, NULL, 0, NULL, 0, out, 255 * 32), CL_OK);
	assert_int_equal(
	    crypto_hkdf(key, 32, NULL, 0, NULL, 0, out, 255 * 32 + 1),
	    CL_ERR_ARGUMENT);
	assert_int_equal(
	    crypto_hkdf(key, 32, NULL, 0, NULL, 0, out, 0), CL_ERR_ARGUMENT);
	assert_int_equal(
	    crypto_hkdf(key, 0, NULL, 0, NULL, 0, out, 32), CL_ERR_ARGUMENT);
	assert_int_equal(
	    crypto_hkdf(key, 32, NULL, 0, info, CRYPTO_HKDF_INFO, out, 32),
	    CL_OK);
	assert_int_equal(
	    crypto_hkdf(key, 32, NULL, 0, info, CRYPTO_HKDF_INFO + 1, out, 32),
	    CL_ERR_TOO_LARGE);
}

/* RFC 5869, appendix A.1 to A.3. */
static const struct {
	const char *ikm, *salt, *info, *okm;
} rfc5869[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	"000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
	"34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
     "404142434445464748494a4b4c4d4e4f",
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
	"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
	"d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
	"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
	"59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
	"cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
	"9d201395faa4b61a96c8"},
};

static void
hkdf_vectors(void **state)
{
	uint8_t ikm[80], salt[80], info[80], okm[96], out[96];
	size_t i, nikm, nsalt, ninfo, n;

	(void)state;
	for (i = 0; i < sizeof(rfc5869) / sizeof(rfc5869[0]); i++) {
		nikm = unhex(rfc5869[i].ikm, ikm, sizeof(ikm));
		nsalt = unhex(rfc5869[i].salt, salt, sizeof(salt));
		ninfo = unhex(rfc5869[i].info, info, sizeof(info));
		n = unhex(rfc5869[i].okm, okm, sizeof(okm));
		assert_int_equal(
		    crypto_hkdf(ikm, nikm, salt, nsalt, info, ninfo, out, n),
		    CL_OK);
		assert_memory_equal(out, okm, n);
	}
}

/* "abc", FIPS 180-4; whole and in parts, some of them empty. */
static void
hash_vectors(void **state)
{
	static const char sha256[] =
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const char sha512[] =
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
	struct crypto_part whole = {"abc", 3};
	struct crypto_part parts[] = {{"a", 1}, {NULL, 0}, {"bc", 2}, {"", 0}};
	uint8_t want[64], out[64];

	(void)state;
	unhex(sha256, want, sizeof(want));
	assert_int_equal(crypto_sha256(&whole, 1, out), CL_OK);
	assert_memory_equal(out, want, 32);
	assert_int_equal(crypto_sha256(parts, 4, out), CL_OK);
	assert_memory_equal(out, want, 32);
	unhex(sha512, want, sizeof(want));
	assert_int_equal(crypto_sha512(parts, 4, out), CL_OK);
	assert_memory_equal(out, want, 64);
}

/* The GCM specification (McGrew, Viega), test cases 4 and 16. */
static const struct {
	enum crypto_aead alg;
	const char *key, *out;
} gcm[] = {
    {CRYPTO_AES_128_GCM, "feffe9928665731c6d6a8f9467308308",
	"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
	"5bc94fbc3221a5db94fae95ae7121a47"},
    {CRYPTO_AES_256_GCM,
	"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	"76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void
gcm_vectors(void **state)
{
	static const char text[] =
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
	uint8_t k[32], nonce[12], aad[20], pt[60], want[76], out[76], back[60];
	struct crypto_part bound = {aad, sizeof(aad)};
	size_t i, n;

	(void)state;
	unhex("cafebabefacedbaddecaf888", nonce, sizeof(nonce));
	unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad, sizeof(aad));
	n = unhex(text, pt, sizeof(pt));
	for (i = 0; i < sizeof(gcm) / sizeof(gcm[0]); i++) {
		unhex(gcm[i].key, k, sizeof(k));
		unhex(gcm[i].out, want, sizeof(want));
		assert_int_equal(
		    crypto_aead_seal(gcm[i].alg, k, nonce, &bound, pt, n, out),
		    CL_OK);
		assert_memory_equal(out, want, n + CRYPTO_TAG);
		assert_int_equal(crypto_aead_open(gcm[i].alg, k, nonce, &bound,
				     out, n + CRYPTO_TAG, back),
		    CL_OK);
		assert_memory_equal(back, pt, n);
	}
}

static void
random_is_random_and_warm_up_works(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	assert_int_equal(crypto_warmup(), CL_OK);
	assert_int_equal(crypto_random(a, sizeof(a)), CL_OK);
	assert_int_equal(crypto_random(b, sizeof(b)), CL_OK);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(crypto_random(a, 0), CL_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_flipped_bit_of_a_wrap_is_refused),
	    cmocka_unit_test(every_truncation_of_a_wrap_is_refused),
	    cmocka_unit_test(wrap_binds_key_and_associated_data),
	    cmocka_unit_test(nothing_may_be_wrapped),
	    cmocka_unit_test(hkdf_limits),
	    cmocka_unit_test(hkdf_vectors),
	    cmocka_unit_test(hash_vectors),
	    cmocka_unit_test(gcm_vectors),
	    cmocka_unit_test(random_is_random_and_warm_up_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
