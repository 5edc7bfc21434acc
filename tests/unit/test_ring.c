/* lib/ring: the layout is shared by two programs that may be built apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/frame.h"
#include "lib/ring.h"

static void
fields_stay_where_they_are(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct ring_header, magic), 0);
	assert_int_equal(offsetof(struct ring_header, slot_size), 4);
	assert_int_equal(offsetof(struct ring_header, request_seq), 64);
	assert_int_equal(offsetof(struct ring_header, client_sleeping), 68);
	assert_int_equal(offsetof(struct ring_header, reply_seq), 128);
	assert_int_equal(offsetof(struct ring_header, engine_sleeping), 132);
	assert_int_equal(offsetof(struct ring_header, spin_us), 136);
	assert_int_equal(sizeof(struct ring_header), 192);
	assert_true(sizeof(struct ring_header) <= RING_PAGE);
}

static void
slots_do_not_overlap(void **state)
{
	static const uint32_t sizes[] = {
	    RING_SLOT_MIN, RING_SLOT, RING_SLOT_MAX};
	struct ring_header *h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		h = malloc(ring_bytes(sizes[i]));
		assert_non_null(h);
		assert_ptr_equal(ring_request(h), (uint8_t *)h + RING_PAGE);
		assert_ptr_equal(
		    ring_reply(h, sizes[i]), ring_request(h) + sizes[i]);
		assert_ptr_equal(ring_reply(h, sizes[i]) + sizes[i],
		    (uint8_t *)h + ring_bytes(sizes[i]));
		assert_int_equal(sizes[i] % RING_PAGE, 0);
		free(h);
	}
}

/* 2 × the largest slot must not wrap in 32 bits. */
static void
sizes_do_not_wrap(void **state)
{
	(void)state;
	assert_true(ring_bytes(UINT32_MAX) == 4096 + 2 * (uint64_t)UINT32_MAX);
	assert_true(RING_SLOT_MIN > FRAME_HEADER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_stay_where_they_are),
	    cmocka_unit_test(slots_do_not_overlap),
	    cmocka_unit_test(sizes_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
