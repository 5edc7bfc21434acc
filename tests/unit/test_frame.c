/* lib/frame: the three outcomes, one past every limit, every truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/frame.h"

#define MAX 100u

static enum frame_next
next(const struct frame *f, size_t have, struct frame *got, int *err)
{
	uint8_t *p = calloc(1, have ? have : 1), head[FRAME_HEADER];
	enum frame_next r;

	assert_non_null(p);
	frame_put(head, f);
	memcpy(p, head, have < sizeof(head) ? have : sizeof(head));
	r = frame_next(p, have, MAX, got, err);
	free(p);
	return r;
}

static void
bytes_are_as_documented(void **state)
{
	static const uint8_t wanted[FRAME_HEADER] = {
	    0x04, 0x03, 0x02, 0x01, 17, 1, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde};
	struct frame f = {OP_EVAL, FRAME_REPLY, 0x1234, 0xdeadbeef, 0x01020304};
	uint8_t head[FRAME_HEADER];

	(void)state;
	frame_put(head, &f);
	assert_memory_equal(head, wanted, sizeof(wanted));
}

static void
every_truncation_waits(void **state)
{
	struct frame f = {OP_HELLO, 0, 0, 7, 10}, got;
	size_t n;
	int err = 99;

	(void)state;
	for (n = 0; n < FRAME_HEADER + 10; n++) {
		assert_int_equal(next(&f, n, &got, &err), FRAME_MORE);
		assert_int_equal(err, CL_OK);
	}
	assert_int_equal(next(&f, n, &got, &err), FRAME_ONE);
	assert_int_equal(got.op, OP_HELLO);
	assert_int_equal(got.flags, 0);
	assert_int_equal(got.status, 0);
	assert_int_equal(got.id, 7);
	assert_int_equal(got.body_len, 10);
	/* Bytes of a next frame do not disturb. */
	assert_int_equal(next(&f, n + 50, &got, &err), FRAME_ONE);
	assert_int_equal(got.body_len, 10);
}

/* The cap bites as soon as the header is there, before any of the body. */
static void
one_past_the_cap_is_bad_at_once(void **state)
{
	struct frame f = {OP_EVAL, 0, 0, 1, MAX}, got;
	int err;

	(void)state;
	assert_int_equal(next(&f, FRAME_HEADER, &got, &err), FRAME_MORE);
	assert_int_equal(next(&f, FRAME_HEADER + MAX, &got, &err), FRAME_ONE);
	f.body_len = MAX + 1;
	assert_int_equal(next(&f, FRAME_HEADER - 1, &got, &err), FRAME_MORE);
	assert_int_equal(next(&f, FRAME_HEADER, &got, &err), FRAME_BAD);
	assert_int_equal(err, CL_ERR_TOO_LARGE);
	f.body_len = UINT32_MAX;
	assert_int_equal(next(&f, FRAME_HEADER, &got, &err), FRAME_BAD);
	assert_int_equal(err, CL_ERR_TOO_LARGE);
}

static void
an_empty_body_is_a_frame(void **state)
{
	struct frame f = {OP_STATUS, 0, 0, 1, 0}, got;
	int err;

	(void)state;
	assert_int_equal(next(&f, FRAME_HEADER, &got, &err), FRAME_ONE);
}

static void
unknown_flags_are_bad(void **state)
{
	struct frame f = {OP_STATUS, 0, 0, 1, 0}, got;
	unsigned flags;
	int err;

	(void)state;
	for (flags = 2; flags < 256; flags++) {
		f.flags = (uint8_t)flags;
		assert_int_equal(next(&f, FRAME_HEADER, &got, &err), FRAME_BAD);
		assert_int_equal(err, CL_ERR_FORMAT);
	}
}

static void
a_request_has_no_status(void **state)
{
	struct frame f = {OP_STATUS, 0, 1, 1, 0}, got;
	int err;

	(void)state;
	assert_int_equal(next(&f, FRAME_HEADER, &got, &err), FRAME_BAD);
	assert_int_equal(err, CL_ERR_FORMAT);
	f.flags = FRAME_REPLY;
	f.status = 0xffff;
	assert_int_equal(next(&f, FRAME_HEADER, &got, &err), FRAME_ONE);
	assert_int_equal(got.status, 0xffff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_truncation_waits),
	    cmocka_unit_test(one_past_the_cap_is_bad_at_once),
	    cmocka_unit_test(unknown_flags_are_bad),
	    cmocka_unit_test(a_request_has_no_status),
	    cmocka_unit_test(an_empty_body_is_a_frame),
	    cmocka_unit_test(bytes_are_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
