/* lib/secmem_heap on plain memory, against a model that knows what every
 * allocation must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/secmem_heap.h"

/* Free memory is poisoned, and is looked at nevertheless. */
#ifdef __SANITIZE_ADDRESS__
#define NO_ASAN __attribute__((no_sanitize("address")))
#else
#define NO_ASAN
#endif

#define HEAP_BYTES (256u << 10)
#define ITEMS	   200u

NO_ASAN static int
all_are(const uint8_t *p, size_t n, uint8_t c)
{
	while (n--)
		if (*p++ != c)
			return 0;
	return 1;
}

struct item {
	uint8_t *p;
	size_t n;
	uint8_t fill;
};

static void
heap_free(struct heap *h, void *p)
{
	size_t n = heap_free_begin(h, p);

	memset(p, 0, n);
	heap_free_end(h, p);
}

static void
item_renew(struct heap *h, struct item *it, unsigned *seed)
{
	static const size_t odd[] = {0, 1, 15, 16, 17, 31, 32, 33, 255, 256,
	    257, 4095, 4096, 4097, 20000};
	unsigned k = (unsigned)rand_r(seed);

	it->n =
	    k % 4 == 0 ? odd[k / 4 % 15] : k / 4 % (k % 4 == 1 ? 9000 : 300);
	it->fill = (uint8_t)(1 + k % 255);
	it->p = heap_alloc(h, it->n);
	if (!it->p)
		return;
	assert_int_equal((uintptr_t)it->p % 16, 0);
	assert_true(heap_size(h, it->p) >= it->n);
	assert_true(all_are(it->p, heap_size(h, it->p), 0));
	memset(it->p, it->fill, it->n);
}

static void
heap_agrees_with_a_model(void **state)
{
	struct item items[ITEMS] = {{0}};
	uint8_t *plain = aligned_alloc(4096, HEAP_BYTES);
	unsigned seed = 7, round, refused = 0;
	struct heap h;
	size_t i;

	(void)state;
	assert_non_null(plain);
	memset(plain, 0, HEAP_BYTES);
	heap_start(&h, plain, HEAP_BYTES, 0x1234567890abcdef);
	for (round = 0; round < 40000; round++) {
		struct item *it = &items[(unsigned)rand_r(&seed) % ITEMS];

		if (it->p) {
			assert_true(all_are(it->p, it->n, it->fill));
			heap_free(&h, it->p);
			it->p = NULL;
		} else {
			item_renew(&h, it, &seed);
			refused += !it->p;
		}
		if (round % 256 == 0)
			heap_check(&h);
	}
	assert_true(refused > 100); /* the arena was full again and again */
	for (i = 0; i < ITEMS; i++)
		if (items[i].p) {
			assert_true(
			    all_are(items[i].p, items[i].n, items[i].fill));
			heap_free(&h, items[i].p);
		}
	heap_check(&h);
	assert_int_equal(h.used, 0);
	/* One block again, and nothing left but its header and links. Taking
	 * it whole also unpoisons it for free(). */
	assert_true(all_are(plain + 32, HEAP_BYTES - 32, 0));
	assert_non_null(heap_alloc(&h, HEAP_BYTES - 16));
	assert_null(heap_alloc(&h, 0));
	free(plain);
}

static void
heap_serves_exactly_what_fits(void **state)
{
	size_t bytes, n;
	struct heap h;

	(void)state;
	for (bytes = 64; bytes <= 8192; bytes += 16) {
		uint8_t *plain = aligned_alloc(16, bytes);

		assert_non_null(plain);
		memset(plain, 0, bytes);
		heap_start(&h, plain, bytes, 1);
		assert_null(heap_alloc(&h, SIZE_MAX));
		assert_null(heap_alloc(&h, SIZE_MAX - 15));
		assert_null(heap_alloc(&h, bytes));
		assert_null(heap_alloc(&h, bytes - 15));
		n = bytes - 16;
		assert_non_null(heap_alloc(&h, n));
		assert_int_equal(h.used, bytes);
		heap_check(&h);
		free(plain);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(heap_serves_exactly_what_fits),
	    cmocka_unit_test(heap_agrees_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
