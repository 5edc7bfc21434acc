/* lib/buf: nothing is read or written past an end, and a failure changes
 * nothing. Buffers are exact heap blocks, so that a sanitizer or valgrind sees
 * the first byte too many. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

static uint8_t *
exact(const void *p, size_t n)
{
	uint8_t *q = malloc(n ? n : 1);

	assert_non_null(q);
	if (n)
		memcpy(q, p, n);
	return q;
}

/* One read of each kind that wants more than is there. */
static void
reads_past_the_end_change_nothing(void **state)
{
	static const uint8_t seven[7] = {1, 2, 3, 4, 5, 6, 7};
	const uint8_t *v = seven;
	uint8_t out[16], u8 = 9;
	uint16_t u16 = 9;
	uint32_t u32 = 9;
	uint64_t u64 = 9;
	int64_t i64 = 9;
	size_t n;

	(void)state;
	for (n = 0; n <= 7; n++) {
		uint8_t *p = exact(seven, n);
		struct rd in = rd_make(p, n), was = in;

		if (n < 1)
			assert_int_equal(rd_u8(&in, &u8), CL_ERR_TRUNCATED);
		if (n < 2)
			assert_int_equal(rd_u16(&in, &u16), CL_ERR_TRUNCATED);
		if (n < 4)
			assert_int_equal(rd_u32(&in, &u32), CL_ERR_TRUNCATED);
		assert_int_equal(rd_u64(&in, &u64), CL_ERR_TRUNCATED);
		assert_int_equal(rd_i64(&in, &i64), CL_ERR_TRUNCATED);
		assert_int_equal(rd_bytes(&in, out, n + 1), CL_ERR_TRUNCATED);
		assert_int_equal(rd_view(&in, &v, n + 1), CL_ERR_TRUNCATED);
		assert_int_equal(rd_view(&in, &v, SIZE_MAX), CL_ERR_TRUNCATED);
		assert_ptr_equal(in.p, was.p);
		assert_int_equal(in.left, n);
		assert_int_equal(rd_end(&in), n ? CL_ERR_TRAILING : CL_OK);
		free(p);
	}
	assert_int_equal(u8 + u16 + u32 + u64 + (uint64_t)i64, 45);
	assert_ptr_equal(v, seven);
}

static void
integers_are_little_endian(void **state)
{
	static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
	    0x07, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80,
	    0x34, 0x12, 0xef, 0xbe, 0xad, 0xde};
	struct rd in = rd_make(bytes, sizeof(bytes));
	uint64_t u64;
	int64_t i64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;

	(void)state;
	assert_int_equal(rd_u64(&in, &u64), CL_OK);
	assert_true(u64 == 0xf807060504030201u);
	assert_int_equal(rd_i64(&in, &i64), CL_OK);
	assert_true(i64 == -1);
	assert_int_equal(rd_u8(&in, &u8), CL_OK);
	assert_int_equal(u8, 0x80);
	assert_int_equal(rd_u16(&in, &u16), CL_OK);
	assert_int_equal(u16, 0x1234);
	assert_int_equal(rd_u32(&in, &u32), CL_OK);
	assert_true(u32 == 0xdeadbeefu);
	assert_int_equal(rd_end(&in), CL_OK);
}

/* A blob of 5 bytes behind a length, cut everywhere. */
static void
other_integers_are_big_endian(void **state)
{
	static const uint8_t p[14] = {0x80, 0x18, 0xff, 0x54, 0x43, 0x47, 0x01,
	    0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	struct rd in = rd_make(p, sizeof(p)), at;
	uint16_t u16 = 7;
	uint32_t u32 = 7;
	uint64_t u64 = 7;

	(void)state;
	assert_int_equal(rd_be16(&in, &u16), 0);
	assert_int_equal(u16, 0x8018);
	assert_int_equal(rd_be32(&in, &u32), 0);
	assert_int_equal(u32, 0xff544347);
	at = in;
	assert_int_equal(rd_be64(&in, &u64), 0);
	assert_true(u64 == UINT64_C(0x0123456789abcdef));
	assert_int_equal(rd_end(&in), 0);
	at.left--;
	u16 = 7, u32 = 7, u64 = 7;
	assert_int_equal(rd_be64(&at, &u64), CL_ERR_TRUNCATED);
	at.left = 3;
	assert_int_equal(rd_be32(&at, &u32), CL_ERR_TRUNCATED);
	at.left = 1;
	assert_int_equal(rd_be16(&at, &u16), CL_ERR_TRUNCATED);
	assert_true(u16 == 7 && u32 == 7 && u64 == 7);
	assert_int_equal(at.left, 1);
	assert_ptr_equal(at.p, p + 6);
}

static void
blobs_refuse_every_truncation(void **state)
{
	static const uint8_t blob[] = {5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
	const uint8_t *v = blob;
	size_t cut, n = 77;

	(void)state;
	for (cut = 0; cut < sizeof(blob); cut++) {
		uint8_t *p = exact(blob, cut);
		struct rd in = rd_make(p, cut);

		assert_int_equal(rd_blob(&in, &v, &n, 5), CL_ERR_TRUNCATED);
		assert_int_equal(rd_cell(&in, &v, &n, 5), CL_ERR_TRUNCATED);
		assert_ptr_equal(in.p, p);
		assert_int_equal(in.left, cut);
		free(p);
	}
	assert_ptr_equal(v, blob);
	assert_int_equal(n, 77);
}

static void
blobs_have_limits(void **state)
{
	static const uint8_t blob[] = {
	    5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o', '!'};
	static const uint8_t huge[] = {0xfe, 0xff, 0xff, 0xff, 1, 2};
	struct rd in = rd_make(blob, sizeof(blob));
	const uint8_t *v;
	size_t n;

	(void)state;
	assert_int_equal(rd_blob(&in, &v, &n, 4), CL_ERR_TOO_LARGE);
	assert_int_equal(in.left, sizeof(blob));
	assert_int_equal(rd_blob(&in, &v, &n, 5), CL_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(v, "hello", 5);
	assert_int_equal(rd_end(&in), CL_ERR_TRAILING);
	in = rd_make(huge, sizeof(huge));
	assert_int_equal(rd_blob(&in, &v, &n, SIZE_MAX), CL_ERR_TRUNCATED);
	assert_int_equal(rd_blob(&in, &v, &n, 1 << 20), CL_ERR_TOO_LARGE);
	assert_int_equal(rd_cell(&in, &v, &n, SIZE_MAX), CL_ERR_TRUNCATED);
	assert_int_equal(in.left, sizeof(huge));
}

/* BUF_NULL is a value in a cell list and only a length in a blob. */
static void
null_is_for_cells_only(void **state)
{
	static const uint8_t null[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
	const uint8_t *v = null;
	struct rd in = rd_make(null, sizeof(null));
	size_t n = 1;

	(void)state;
	assert_int_equal(rd_blob(&in, &v, &n, 100), CL_ERR_TOO_LARGE);
	assert_int_equal(rd_cell(&in, &v, &n, 0), CL_OK);
	assert_null(v);
	assert_int_equal(n, 0);
	/* An empty cell is not NULL. */
	assert_int_equal(rd_cell(&in, &v, &n, 0), CL_OK);
	assert_non_null(v);
	assert_int_equal(n, 0);
	assert_int_equal(rd_end(&in), CL_OK);
}

static void
writes_past_the_end_change_nothing(void **state)
{
	uint8_t *lent = NULL;
	size_t cap;

	(void)state;
	for (cap = 0; cap <= 7; cap++) {
		uint8_t *p = exact("\x55\x55\x55\x55\x55\x55\x55", cap);
		struct wr out = wr_make(p, cap);
		size_t i;

		if (cap < 1)
			assert_int_equal(wr_u8(&out, 1), CL_ERR_TOO_LARGE);
		if (cap < 2)
			assert_int_equal(wr_u16(&out, 1), CL_ERR_TOO_LARGE);
		if (cap < 4) {
			assert_int_equal(wr_u32(&out, 1), CL_ERR_TOO_LARGE);
			assert_int_equal(
			    wr_cell(&out, NULL, 0), CL_ERR_TOO_LARGE);
			assert_int_equal(
			    wr_blob(&out, "", 0), CL_ERR_TOO_LARGE);
		}
		assert_int_equal(wr_u64(&out, 1), CL_ERR_TOO_LARGE);
		assert_int_equal(wr_i64(&out, 1), CL_ERR_TOO_LARGE);
		assert_int_equal(
		    wr_bytes(&out, "12345678", cap + 1), CL_ERR_TOO_LARGE);
		if (cap >= 4)
			assert_int_equal(wr_blob(&out, "12345678", cap - 3),
			    CL_ERR_TOO_LARGE);
		assert_int_equal(
		    wr_reserve(&out, &lent, cap + 1), CL_ERR_TOO_LARGE);
		assert_int_equal(
		    wr_reserve(&out, &lent, SIZE_MAX), CL_ERR_TOO_LARGE);
		assert_int_equal(out.len, 0);
		for (i = 0; i < cap; i++)
			assert_int_equal(p[i], 0x55);
		free(p);
	}
	assert_null(lent);
}

/* Lengths that a u32 or a size_t cannot carry are refused before any copy. */
static void
blob_lengths_do_not_wrap(void **state)
{
	uint8_t p[16];
	struct wr out = wr_make(p, sizeof(p));

	(void)state;
	assert_int_equal(wr_blob(&out, p, SIZE_MAX), CL_ERR_TOO_LARGE);
	assert_int_equal(wr_blob(&out, p, SIZE_MAX - 3), CL_ERR_TOO_LARGE);
	assert_int_equal(wr_blob(&out, p, BUF_NULL), CL_ERR_TOO_LARGE);
	assert_int_equal(wr_cell(&out, p, BUF_NULL), CL_ERR_TOO_LARGE);
	assert_int_equal(wr_blob(&out, p, BUF_NULL - 1u), CL_ERR_TOO_LARGE);
	assert_int_equal(wr_blob(&out, p, (size_t)1 << 32), CL_ERR_TOO_LARGE);
	assert_int_equal(out.len, 0);
}

static void
what_is_written_reads_back(void **state)
{
	uint8_t *p = exact("", 0), *lent;
	const uint8_t *v;
	struct wr out;
	struct rd in;
	uint64_t u64;
	int64_t i64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;
	size_t n;

	(void)state;
	free(p);
	p = malloc(48);
	assert_non_null(p);
	out = wr_make(p, 48);
	assert_int_equal(wr_u8(&out, 0xfe), CL_OK);
	assert_int_equal(wr_u16(&out, 0xfedc), CL_OK);
	assert_int_equal(wr_u32(&out, 0xfedcba98u), CL_OK);
	assert_int_equal(wr_u64(&out, 0xfedcba9876543210u), CL_OK);
	assert_int_equal(wr_i64(&out, INT64_MIN), CL_OK);
	assert_int_equal(wr_blob(&out, "hello", 5), CL_OK);
	assert_int_equal(wr_cell(&out, NULL, 0), CL_OK);
	assert_int_equal(wr_cell(&out, "", 0), CL_OK);
	assert_int_equal(wr_bytes(&out, NULL, 0), CL_OK);
	assert_int_equal(wr_reserve(&out, &lent, 8), CL_OK);
	memset(lent, 'x', 8);
	assert_int_equal(out.len, 48);
	assert_int_equal(wr_u8(&out, 0), CL_ERR_TOO_LARGE);
	in = rd_make(p, out.len);
	assert_int_equal(rd_u8(&in, &u8), CL_OK);
	assert_int_equal(rd_u16(&in, &u16), CL_OK);
	assert_int_equal(rd_u32(&in, &u32), CL_OK);
	assert_int_equal(rd_u64(&in, &u64), CL_OK);
	assert_int_equal(rd_i64(&in, &i64), CL_OK);
	assert_int_equal(u8, 0xfe);
	assert_int_equal(u16, 0xfedc);
	assert_true(u32 == 0xfedcba98u);
	assert_true(u64 == 0xfedcba9876543210u);
	assert_true(i64 == INT64_MIN);
	assert_int_equal(rd_blob(&in, &v, &n, 5), CL_OK);
	assert_int_equal(n, 5);
	assert_int_equal(rd_cell(&in, &v, &n, 5), CL_OK);
	assert_null(v);
	assert_int_equal(rd_cell(&in, &v, &n, 5), CL_OK);
	assert_non_null(v);
	assert_int_equal(rd_view(&in, &v, 8), CL_OK);
	assert_memory_equal(v, "xxxxxxxx", 8);
	assert_int_equal(rd_bytes(&in, NULL, 0), CL_OK);
	assert_int_equal(rd_end(&in), CL_OK);
	free(p);
}

/* Random bytes through random reads: the cursor must never leave its block. */
static void
random_reads_stay_inside(void **state)
{
	unsigned seed = 20, round, step;
	const uint8_t *v;
	uint8_t b[64];
	uint64_t u64;
	uint32_t u32;
	size_t i, n;

	(void)state;
	for (round = 0; round < 2000; round++) {
		size_t len = (size_t)rand_r(&seed) % 64;
		uint8_t *p;
		struct rd in;

		for (i = 0; i < len; i++)
			b[i] = (uint8_t)(rand_r(&seed) % 7 ? 0 : rand_r(&seed));
		p = exact(b, len);
		in = rd_make(p, len);
		for (step = 0; step < 20; step++) {
			int r = 0;

			switch (rand_r(&seed) % 5) {
			case 0:
				r = rd_blob(&in, &v, &n, 40);
				break;
			case 1:
				r = rd_cell(&in, &v, &n, SIZE_MAX);
				break;
			case 2:
				r = rd_u32(&in, &u32);
				break;
			case 3:
				r = rd_u64(&in, &u64);
				break;
			default:
				r = rd_bytes(&in, b, (size_t)rand_r(&seed) % 9);
			}
			assert_true(r == CL_OK || r == CL_ERR_TRUNCATED ||
				    r == CL_ERR_TOO_LARGE);
			assert_ptr_equal(in.p + in.left, p + len);
		}
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_past_the_end_change_nothing),
	    cmocka_unit_test(integers_are_little_endian),
	    cmocka_unit_test(other_integers_are_big_endian),
	    cmocka_unit_test(blobs_refuse_every_truncation),
	    cmocka_unit_test(blobs_have_limits),
	    cmocka_unit_test(null_is_for_cells_only),
	    cmocka_unit_test(writes_past_the_end_change_nothing),
	    cmocka_unit_test(blob_lengths_do_not_wrap),
	    cmocka_unit_test(what_is_written_reads_back),
	    cmocka_unit_test(random_reads_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
