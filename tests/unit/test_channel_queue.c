/* agent/channel_queue: in which order callers get the device, and who is
 * turned away when too many want it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/channel_queue.h"

#define MAX 4u

static struct queue
make(void)
{
	return (struct queue){.max = MAX};
}

static struct place
of(uint32_t uid, bool again)
{
	return (struct place){.uid = uid, .again = again};
}

/* The next one is served and leaves. */
static struct place *
serve(struct queue *q)
{
	struct place *p = queue_next(q);

	assert_non_null(p);
	queue_serve(q, p);
	assert_int_equal(p->state, PLACE_SERVED);
	queue_leave(q, p, PLACE_DONE);
	return p;
}

static void
one_user_waits_in_order(void **state)
{
	struct place p[MAX + 1];
	struct queue q = make();
	unsigned i;

	(void)state;
	assert_null(queue_next(&q));
	for (i = 0; i < MAX; i++) {
		p[i] = of(1, false);
		assert_true(queue_join(&q, &p[i]));
	}
	p[MAX] = of(1, false);
	assert_false(queue_join(&q, &p[MAX]));
	for (i = 0; i < MAX; i++)
		assert_ptr_equal(serve(&q), &p[i]);
	assert_null(queue_next(&q));
	assert_int_equal(q.n, 0);
}

/* One who fills the queue has one place of it when another comes. */
static void
users_take_turns(void **state)
{
	struct place flood[MAX], other[2] = {of(2, false), of(2, false)};
	struct queue q = make();
	unsigned i;

	(void)state;
	for (i = 0; i < MAX; i++) {
		flood[i] = of(1, false);
		assert_true(queue_join(&q, &flood[i]));
	}
	assert_true(queue_join(&q, &other[0]));
	assert_int_equal(flood[3].state, PLACE_REFUSED);
	assert_true(queue_join(&q, &other[1]));
	assert_int_equal(flood[2].state, PLACE_REFUSED);
	assert_int_equal(q.n, MAX);
	assert_ptr_equal(serve(&q), &flood[0]);
	assert_ptr_equal(serve(&q), &other[0]);
	assert_ptr_equal(serve(&q), &flood[1]);
	assert_ptr_equal(serve(&q), &other[1]);
}

/* A user that comes late does not get the turns that it did not take. */
static void
turns_are_not_saved_up(void **state)
{
	struct place early[3], late[2] = {of(2, false), of(2, false)};
	struct queue q = make();
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		early[0] = of(1, false);
		assert_true(queue_join(&q, &early[0]));
		assert_ptr_equal(serve(&q), &early[0]);
	}
	early[0] = of(1, false);
	early[1] = of(1, false);
	assert_true(queue_join(&q, &early[0]));
	assert_true(queue_join(&q, &late[0]));
	assert_true(queue_join(&q, &late[1]));
	assert_true(queue_join(&q, &early[1]));
	assert_ptr_equal(serve(&q), &early[0]);
	assert_ptr_equal(serve(&q), &late[0]);
	assert_ptr_equal(serve(&q), &late[1]);
	assert_ptr_equal(serve(&q), &early[1]);
}

static void
who_just_had_some_goes_to_the_back(void **state)
{
	struct place again[MAX], fresh = of(1, false), other = of(2, false);
	struct queue q = make();
	unsigned i;

	(void)state;
	for (i = 0; i < MAX; i++) {
		again[i] = of(1, true);
		assert_true(queue_join(&q, &again[i]));
	}
	/* Same user, but it had none yet. */
	assert_true(queue_join(&q, &fresh));
	assert_int_equal(again[3].state, PLACE_REFUSED);
	assert_true(queue_join(&q, &other));
	assert_int_equal(again[2].state, PLACE_REFUSED);
	assert_ptr_equal(serve(&q), &fresh);
	assert_ptr_equal(serve(&q), &other);
	assert_ptr_equal(serve(&q), &again[0]);
	assert_ptr_equal(serve(&q), &again[1]);
}

/* Those at the back get there, however many fresh ones come. */
static void
nobody_starves(void **state)
{
	struct place again = of(1, true), fresh[2];
	struct queue q = make();
	unsigned i;

	(void)state;
	fresh[0] = of(1, false);
	assert_true(queue_join(&q, &fresh[0]));
	assert_true(queue_join(&q, &again));
	for (i = 0; i < 10 && again.state == PLACE_WAITS; i++) {
		fresh[~i & 1] = of(1, false);
		assert_true(queue_join(&q, &fresh[~i & 1]));
		(void)serve(&q);
	}
	assert_in_range(i, 2, 4);
}

/* One that is being served keeps its place in a full queue. */
static void
service_is_not_taken_back(void **state)
{
	struct queue q = {.max = 1};
	struct place a = of(1, true), b = of(2, false);

	(void)state;
	assert_true(queue_join(&q, &a));
	queue_serve(&q, &a);
	assert_null(queue_next(&q));
	assert_false(queue_join(&q, &b));
	assert_int_equal(a.state, PLACE_SERVED);
	queue_leave(&q, &a, PLACE_DONE);
	assert_true(queue_join(&q, &b));
	queue_leave(&q, &a, PLACE_DONE); /* twice is fine */
	assert_int_equal(q.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_user_waits_in_order),
	    cmocka_unit_test(users_take_turns),
	    cmocka_unit_test(turns_are_not_saved_up),
	    cmocka_unit_test(who_just_had_some_goes_to_the_back),
	    cmocka_unit_test(nobody_starves),
	    cmocka_unit_test(service_is_not_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
