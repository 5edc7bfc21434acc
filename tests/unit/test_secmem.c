/*
 * lib/secmem. The arena is made once per process and is not inherited, so
 * each scenario runs in a child of its own that makes it; the child's exit
 * status says how far it came.
 */
#include <gcrypt.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "lib/secmem_heap.h"
#include "tests/unit/child.h"

static int
all_are(const uint8_t *p, size_t n, uint8_t c)
{
	while (n--)
		if (*p++ != c)
			return 0;
	return 1;
}

/* ---- without an arena ---- */

static void
ordinary_memory_works(void **state)
{
	size_t total = 1, used = 1;
	uint8_t *p, *q;

	(void)state;
	assert_string_equal(secmem_kind(), "none");
	secmem_usage(&total, &used);
	assert_int_equal(total, 0);
	assert_int_equal(used, 0);
	assert_int_equal(secmem_seal(), CL_ERR_STATE);
	assert_null(secmem_alloc(SIZE_MAX));
	assert_null(secmem_alloc(SIZE_MAX - 15));
	secmem_free(NULL);
	p = secmem_alloc(0);
	assert_non_null(p);
	secmem_free(p);
	p = secmem_alloc(100);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_true(all_are(p, 100, 0));
	memset(p, 7, 100);
	q = secmem_realloc(p, 1000);
	assert_non_null(q);
	assert_true(all_are(q, 100, 7));
	p = secmem_realloc(q, 10);
	assert_true(all_are(p, 10, 7));
	assert_null(secmem_realloc(p, SIZE_MAX - 3));
	assert_null(secmem_realloc(p, 0));
	p = secmem_realloc(NULL, 5);
	assert_non_null(p);
	secmem_free(p);
}

static void
free_a_foreign_pointer(void)
{
	uint64_t *p = calloc(8, sizeof(*p));

	secmem_free(p + 4);
}

static void
foreign_pointers_abort(void **state)
{
	(void)state;
	must_be_caught(free_a_foreign_pointer);
}

static void
equal_and_wipe_see_every_byte(void **state)
{
	uint8_t a[67], b[67];
	size_t i;

	(void)state;
	memset(a, 3, sizeof(a));
	memset(b, 3, sizeof(b));
	assert_true(secmem_equal(a, b, 0));
	assert_true(secmem_equal(a, b, sizeof(a)));
	for (i = 0; i < sizeof(a); i++) {
		b[i] ^= 0x80;
		assert_false(secmem_equal(a, b, sizeof(a)));
		assert_true(secmem_equal(a, b, i));
		b[i] ^= 0x80;
	}
	secmem_wipe(a + 1, sizeof(a) - 2);
	assert_int_equal(a[0], 3);
	assert_int_equal(a[66], 3);
	assert_true(all_are(a + 1, 65, 0));
	secmem_wipe(NULL, 0);
}

/* ---- with an arena ---- */

static void
bad_arguments(void)
{
	CHECK(secmem_init(0, true) == CL_ERR_ARGUMENT);
	CHECK(secmem_init(SIZE_MAX, true) == CL_ERR_ARGUMENT);
	CHECK(secmem_init(HEAP_MAX + 1, true) == CL_ERR_ARGUMENT);
	CHECK(strcmp(secmem_kind(), "none") == 0);
	make_arena();
	CHECK(secmem_init(ARENA, true) == CL_ERR_STATE);
}

static void
init_checks_its_arguments(void **state)
{
	(void)state;
	must_pass(bad_arguments);
}

static void
fill_it(void)
{
	size_t total, used, n = 0;
	uint8_t *p, *list[300];

	make_arena();
	secmem_usage(&total, &used);
	CHECK(total == ARENA && used == 0);
	CHECK(!secmem_alloc(ARENA));
	CHECK(!secmem_alloc(SIZE_MAX));
	p = secmem_alloc(ARENA - 16);
	CHECK(p && !secmem_alloc(1));
	secmem_free(p);
	while (n < 300 && (p = secmem_alloc(50000)) != NULL) {
		memset(p, 1, 50000);
		list[n++] = p;
	}
	CHECK(n > 80 && n < 90);
	secmem_usage(&total, &used);
	CHECK(used >= n * 50000 && used <= total);
	CHECK(!secmem_realloc(list[0], 60000)); /* and list[0] is intact */
	CHECK(all_are(list[0], 50000, 1));
	while (n)
		secmem_free(list[--n]);
	secmem_usage(&total, &used);
	CHECK(used == 0);
}

static void
a_full_arena_gives_null(void **state)
{
	(void)state;
	must_pass(fill_it);
}

static void
reallocate(void)
{
	uint8_t *p, *q;

	make_arena();
	p = secmem_alloc(1000);
	memset(p, 9, 1000);
	q = secmem_realloc(p, 600);
	CHECK(q == p && all_are(p, 600, 9));
	CHECK(all_are(p + 600, 400, 0));
	q = secmem_realloc(p, 100000);
	CHECK(q && all_are(q, 600, 9) && all_are(q + 1008, 98000, 0));
	p = secmem_realloc(q, 10);
	CHECK(p && p != q && all_are(p, 10, 9));
	CHECK(secmem_realloc(p, 0) == NULL);
	CHECK((p = secmem_realloc(NULL, 3)) != NULL);
	secmem_free(p);
}

static void
realloc_keeps_and_wipes(void **state)
{
	(void)state;
	must_pass(reallocate);
}

static void
ask_too_much(void)
{
	struct rlimit r = {1 << 20, 1 << 20};

	/* CAP_IPC_LOCK goes with the uid. */
	CHECK(setrlimit(RLIMIT_MEMLOCK, &r) == 0);
	if (geteuid() == 0)
		CHECK(setresuid(65534, 65534, 65534) == 0);
	CHECK(secmem_init(ARENA, true) == CL_ERR_LIMIT);
	CHECK(strcmp(secmem_kind(), "none") == 0);
	CHECK(secmem_init((size_t)512 << 10, true) == CL_OK);
}

static void
the_lock_limit_is_reported(void **state)
{
	(void)state;
	must_pass(ask_too_much);
}

static void *
use_stack(void *arg)
{
	volatile uint8_t deep[50000];

	deep[0] = deep[sizeof(deep) - 1] = 1;
	*(uintptr_t *)arg = (uintptr_t)&deep[0];
	return NULL;
}

static void
run_on_stack(void)
{
	size_t bytes = 256u << 10;
	uintptr_t where = 0;
	pthread_attr_t attr;
	pthread_t t;
	uint8_t *s;

	make_arena();
	s = secmem_stack(bytes);
	CHECK(s && (uintptr_t)s % 4096 == 0);
	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstack(&attr, s, bytes) == 0);
	CHECK(pthread_create(&t, &attr, use_stack, &where) == 0);
	/* Joining waits on a shared futex, which secret memory refuses. */
	while (!*(volatile uintptr_t *)&where)
		usleep(1000);
	if (!ASAN) /* it may put locals on a fake stack */
		CHECK(where > (uintptr_t)s && where < (uintptr_t)s + bytes);
	CHECK(!secmem_stack(0));
	CHECK(!secmem_stack(ARENA));
	CHECK(!secmem_stack(SIZE_MAX));
}

static void
below_stack(void)
{
	volatile uint8_t *s;

	make_arena();
	s = secmem_stack(10000);
	CHECK(s);
	s[0] = s[12287] = 1;
	s[-1] = 1;
}

static void
stacks_have_a_guard(void **state)
{
	(void)state;
	must_pass(run_on_stack);
	must_die_by(below_stack, SIGSEGV);
}

/* In strict mode the kernel kills on anything but read, write and exit. */
static void
under_strict_seccomp(void)
{
	void *p[64] = {0};
	unsigned i, seed = 3;

	make_arena();
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	for (i = 0; i < 20000; i++) {
		void **at = &p[(unsigned)rand_r(&seed) % 64];

		if (i % 3)
			*at = secmem_realloc(
			    *at, 1 + (size_t)rand_r(&seed) % 90000);
		else {
			secmem_free(*at);
			*at = NULL;
		}
	}
	syscall(SYS_exit, 0);
}

static void
no_system_call_is_made(void **state)
{
	(void)state;
	if (ASAN)
		skip(); /* its run time makes calls of its own */
	must_pass(under_strict_seccomp);
}

static void *
churn(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, i;
	uint8_t *p[32] = {0};
	size_t n[32] = {0};

	for (i = 0; i < 20000; i++) {
		unsigned k = (unsigned)rand_r(&seed) % 32;

		if (p[k]) {
			CHECK(all_are(p[k], n[k], (uint8_t)(k + 1)));
			secmem_free(p[k]);
			p[k] = NULL;
			continue;
		}
		n[k] = 1 + (unsigned)rand_r(&seed) % (i % 50 ? 500 : 40000);
		p[k] = secmem_alloc(n[k]);
		if (!p[k])
			continue;
		CHECK(all_are(p[k], n[k], 0));
		memset(p[k], (int)(k + 1), n[k]);
	}
	for (i = 0; i < 32; i++)
		secmem_free(p[i]);
	return NULL;
}

static void
four_threads(void)
{
	size_t total, used;
	pthread_t t[4];
	uintptr_t i;

	make_arena();
	for (i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, churn, (void *)(i + 1)) == 0);
	for (i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	secmem_usage(&total, &used);
	CHECK(used == 0);
}

static void
threads_share_the_arena(void **state)
{
	(void)state;
	must_pass(four_threads);
}

/* ---- the libraries ---- */

static void
hook(void)
{
	size_t total, before, after;
	gcry_cipher_hd_t h;
	EVP_CIPHER_CTX *c;
	json_t *j;

	make_arena();
	CHECK(secmem_hook_libraries() == CL_OK);
	secmem_usage(&total, &before);
	j = json_pack("{s:s}", "key", "value");
	CHECK(j);
	secmem_usage(&total, &after);
	CHECK(after > before);
	json_decref(j);
	secmem_usage(&total, &after);
	CHECK(after == before);

	CHECK(gcry_check_version(NULL));
	CHECK(gcry_control(GCRYCTL_DISABLE_SECMEM, 0) == 0);
	CHECK(gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) == 0);
	secmem_usage(&total, &before);
	CHECK(gcry_cipher_open(
		  &h, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_SIV, 0) == 0);
	secmem_usage(&total, &after);
	CHECK(after > before + 500);
	gcry_cipher_close(h);
	secmem_usage(&total, &after);
	CHECK(after == before);

	c = EVP_CIPHER_CTX_new();
	CHECK(c);
	CHECK(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL,
		  (const uint8_t *)"0123456789abcdef0123456789abcdef",
		  (const uint8_t *)"0123456789ab") == 1);
	secmem_usage(&total, &after);
	CHECK(after > before + 500);
	EVP_CIPHER_CTX_free(c);
}

static void
hook_too_late(void)
{
	uint8_t b[4];

	CHECK(RAND_bytes(b, sizeof(b)) == 1);
	CHECK(secmem_hook_libraries() == CL_ERR_STATE);
}

static void
libraries_allocate_in_the_arena(void **state)
{
	(void)state;
	must_pass(hook);
	must_pass(hook_too_late);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_memory_works),
	    cmocka_unit_test(foreign_pointers_abort),
	    cmocka_unit_test(equal_and_wipe_see_every_byte),
	    cmocka_unit_test(init_checks_its_arguments),
	    cmocka_unit_test(a_full_arena_gives_null),
	    cmocka_unit_test(realloc_keeps_and_wipes),
	    cmocka_unit_test(the_lock_limit_is_reported),
	    cmocka_unit_test(stacks_have_a_guard),
	    cmocka_unit_test(no_system_call_is_made),
	    cmocka_unit_test(threads_share_the_arena),
	    cmocka_unit_test(libraries_allocate_in_the_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
