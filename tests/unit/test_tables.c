/* The agent's small tables: nonces that were used, programs, sorts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/programs.h"
#include "agent/replay.h"
#include "agent/sorts.h"
#include "lib/buf.h"

static void
a_nonce_once(void **state)
{
	uint8_t nonce[REPLAY_NONCE] = {1}, other[REPLAY_NONCE] = {1, 2};
	static struct replay *all;

	(void)state;
	assert_int_equal(replay_new(&all), CL_OK);
	assert_int_equal(replay_use(all, nonce, 100, 160), CL_OK);
	assert_int_equal(replay_use(all, nonce, 100, 160), CL_ERR_REPLAYED);
	assert_int_equal(replay_use(all, nonce, 159, 219), CL_ERR_REPLAYED);
	assert_int_equal(replay_use(all, other, 100, 160), CL_OK);
	/* Once the message has expired by itself, it need not be remembered. */
	assert_int_equal(replay_use(all, nonce, 160, 220), CL_OK);
	assert_int_equal(replay_use(all, nonce, 161, 220), CL_ERR_REPLAYED);
}

static void
nonces_have_a_limit(void **state)
{
	uint8_t nonce[REPLAY_NONCE] = {0};
	static struct replay *all;
	uint32_t i;
	int r = CL_OK;

	(void)state;
	assert_int_equal(replay_new(&all), CL_OK);
	/* All of one bucket: the worst that chance can do. */
	for (i = 0; i < 1000 && r == CL_OK; i++) {
		le32_put(nonce + 8, i);
		r = replay_use(all, nonce, 100, 160);
	}
	assert_int_equal(r, CL_ERR_LIMIT);
	assert_int_equal(i, 33);
	/* None that was used is forgotten for it. */
	le32_put(nonce + 8, 0);
	assert_int_equal(replay_use(all, nonce, 159, 219), CL_ERR_REPLAYED);
	le32_put(nonce + 8, 999);
	assert_int_equal(replay_use(all, nonce, 160, 219), CL_OK);
	/* Spread, there is room for many. */
	for (i = 0; i < 100000; i++) {
		le32_put(nonce, i);
		le32_put(nonce + 8, ~i);
		assert_int_equal(replay_use(all, nonce, 200, 260), CL_OK);
	}
}

static void
programs_go_in_order(void **state)
{
	static struct programs *all;
	uint32_t ids[5];
	int i;

	(void)state;
	assert_int_equal(programs_new(&all, 4), CL_OK);
	assert_null(programs_find(all, 0));
	assert_null(programs_find(all, 1));
	for (i = 0; i < 4; i++)
		ids[i] = programs_add(all)->id;
	assert_non_null(programs_find(all, ids[0]));
	ids[4] = programs_add(all)->id;
	assert_non_null(programs_find(all, ids[0]));
	assert_null(programs_find(all, ids[1]));
	assert_non_null(programs_find(all, ids[4]));
	for (i = 0; i < 5; i++)
		assert_true(ids[i] != 0);
	assert_int_not_equal(ids[1], ids[4]);
	program_remove(programs_find(all, ids[2]));
	assert_null(programs_find(all, ids[2]));
	programs_clear(all);
	assert_null(programs_find(all, ids[0]));
}

/* Ids that went are not given again soon. */
static void
program_ids_are_fresh(void **state)
{
	static struct programs *all;
	uint32_t first, id = 0, i;

	(void)state;
	assert_int_equal(programs_new(&all, 1), CL_OK);
	first = programs_add(all)->id;
	for (i = 0; i < 60000; i++) {
		id = programs_add(all)->id;
		assert_int_not_equal(id, first);
		assert_int_not_equal(id, 0);
	}
	assert_null(programs_find(all, first));
	assert_non_null(programs_find(all, id));
}

static void
sorts_have_a_range(void **state)
{
	static struct sorts *all;

	(void)state;
	assert_int_equal(sorts_new(&all, 3), CL_OK);
	assert_non_null(sorts_at(all, 0));
	assert_non_null(sorts_at(all, 2));
	assert_null(sorts_at(all, 3));
	assert_null(sorts_at(all, UINT32_MAX));
	sort_end(sorts_at(all, 1));
	sorts_clear(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_nonce_once),
	    cmocka_unit_test(nonces_have_a_limit),
	    cmocka_unit_test(programs_go_in_order),
	    cmocka_unit_test(program_ids_are_fresh),
	    cmocka_unit_test(sorts_have_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
