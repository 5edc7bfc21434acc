/* tde/keytree_hash: NIST's vectors, OpenSSL's CMAC, threads; and the whole key
 * tree under a filter that kills on any system call but read and write. */
#include <linux/seccomp.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "tde/keytree.h"
#include "tests/unit/child.h"
#include "tests/unit/vectors.h"

static int64_t
hash(const uint8_t key[32], const uint8_t *p, size_t n)
{
	struct hashkey *h;
	int64_t v = 0;

	assert_int_equal(hashkey_new(&h, key), CL_OK);
	assert_int_equal(hashkey_hash(h, p, n, &v), CL_OK);
	hashkey_free(h);
	return v;
}

static void
published_vectors(void **state)
{
	FILE *f = vector_open("tests/vectors/aes256-cmac.txt");
	size_t kn, mn, tn;
	const uint8_t *key, *msg, *tag;
	struct vector v;
	unsigned seen;

	(void)state;
	for (seen = 0; vector_next(f, &v); seen++) {
		key = vector_get(&v, "key", &kn);
		msg = vector_get(&v, "msg", &mn);
		tag = vector_get(&v, "tag", &tn);
		assert_int_equal(kn, 32);
		assert_int_equal(tn, 16);
		assert_true((uint64_t)hash(key, msg, mn) == le64_get(tag));
	}
	assert_int_equal(seen, 4);
	fclose(f);
}

static int64_t
openssl_hash(const uint8_t key[32], const uint8_t *p, size_t n)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_MAC_PARAM_CIPHER, (char *)(uintptr_t) "AES-256-CBC", 0),
	    OSSL_PARAM_construct_end()};
	uint8_t out[16];
	int64_t v;
	size_t len;

	assert_int_equal(EVP_MAC_init(c, key, 32, params), 1);
	assert_int_equal(EVP_MAC_update(c, p, n), 1);
	assert_int_equal(EVP_MAC_final(c, out, &len, 16), 1);
	EVP_MAC_CTX_free(c);
	EVP_MAC_free(mac);
	v = (int64_t)le64_get(out);
	return v;
}

static void
agrees_with_openssl(void **state)
{
	uint8_t key[32], msg[600], other[32];
	struct hashkey *h;
	int64_t v;
	size_t n;

	(void)state;
	assert_int_equal(RAND_bytes(key, sizeof(key)), 1);
	assert_int_equal(RAND_bytes(other, sizeof(other)), 1);
	assert_int_equal(hashkey_new(&h, key), CL_OK);
	for (n = 0; n < sizeof(msg); n++) {
		assert_int_equal(RAND_bytes(msg, sizeof(msg)), 1);
		assert_int_equal(hashkey_hash(h, msg, n, &v), CL_OK);
		assert_true(v == openssl_hash(key, msg, n));
		assert_true(v != hash(other, msg, n));
	}
	hashkey_free(h);
}

static void
large_inputs(void **state)
{
	size_t n = (size_t)7 << 20;
	uint8_t *p = calloc(1, n), key[32] = {1};
	int64_t v;

	(void)state;
	assert_non_null(p);
	v = hash(key, p, n);
	assert_true(v == openssl_hash(key, p, n));
	p[n - 1] = 1;
	assert_true(v != hash(key, p, n));
	assert_true(v != hash(key, p, n - 1));
	free(p);
}

struct job {
	struct hashkey *h;
	const int64_t *want;
	unsigned failed;
};

static void *
worker(void *arg)
{
	struct job *j = arg;
	uint8_t msg[4];
	uint32_t i;
	int64_t v;

	for (i = 0; i < 20000; i++) {
		le32_put(msg, i % 1000);
		if (hashkey_hash(j->h, msg, 4, &v) || v != j->want[i % 1000])
			j->failed++;
	}
	hashkey_free(j->h);
	return NULL;
}

/* More threads than lanes. */
static void
threads_share_a_key(void **state)
{
	static int64_t want[1000];
	uint8_t key[32] = {9}, msg[4];
	struct job jobs[12];
	struct hashkey *h;
	pthread_t t[12];
	uint32_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		le32_put(msg, i);
		want[i] = openssl_hash(key, msg, 4);
	}
	assert_int_equal(hashkey_new(&h, key), CL_OK);
	for (i = 0; i < 12; i++) {
		jobs[i] = (struct job){hashkey_ref(h), want, 0};
		assert_int_equal(
		    pthread_create(&t[i], NULL, worker, &jobs[i]), 0);
	}
	hashkey_free(h);
	hashkey_free(NULL);
	for (i = 0; i < 12; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(jobs[i].failed, 0);
	}
}

/* ---- after the filter ---- */

static struct groupkey *groups[2];
static struct hashkey *hashes;

static void
seal_and_open(unsigned rounds)
{
	uint8_t cell[100], pt[64];
	struct wr out;
	unsigned i, k;
	int64_t v;
	size_t n;

	for (i = 0; i < rounds; i++)
		for (k = 0; k < 2; k++) {
			out = wr_make(cell, sizeof(cell));
			CHECK(groupkey_seal(groups[k], TYPE_TEXT,
				  (const uint8_t *)"hello", 5, &out) == CL_OK);
			CHECK(groupkey_open(groups[k], TYPE_TEXT, cell, out.len,
				  pt, sizeof(pt), &n) == CL_OK);
			cell[3] ^= (uint8_t)(1 + i); /* other DEKs */
			CHECK(groupkey_open(groups[k], TYPE_TEXT, cell, out.len,
				  pt, sizeof(pt), &n) == CL_ERR_BAD_CELL);
			CHECK(hashkey_hash(hashes, pt, n, &v) == CL_OK);
		}
}

static void
under_strict_seccomp(void)
{
	uint8_t zero[32] = {0};

	CHECK(secmem_init(ARENA, true) == CL_OK);
	CHECK(secmem_hook_libraries() == CL_OK);
	CHECK(suite_start() == CL_OK);
	CHECK(groupkey_new(&groups[0], zero, 1, 1, 1, 16, zero) == CL_OK);
	CHECK(groupkey_new(&groups[1], zero, 2, 2, 1, 16, zero) == CL_OK);
	CHECK(hashkey_new(&hashes, zero) == CL_OK);
	seal_and_open(1); /* this thread's nonces, lane and handles */
	groupkey_free(groups[1]);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	CHECK(groupkey_new(&groups[1], zero, 2, 2, 1, 16, zero) == CL_OK);
	seal_and_open(200); /* fewer than a buffer of nonces holds */
	syscall(SYS_exit, 0);
}

static void
no_system_call_is_made(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its run time makes calls of its own */
#endif
	must_pass(under_strict_seccomp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    /* First: it hooks OpenSSL in a child. */
	    cmocka_unit_test(no_system_call_is_made),
	    cmocka_unit_test(large_inputs),
	    cmocka_unit_test(published_vectors),
	    cmocka_unit_test(agrees_with_openssl),
	    cmocka_unit_test(threads_share_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
