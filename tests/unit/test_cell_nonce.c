/* tde/cell_nonce: nothing repeats, not in threads, not in forked children, and
 * an encryptor's budget is never exceeded. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tde/cell_nonce.h"
#include "tests/unit/child.h"

#define EACH	20000u
#define THREADS 4u

struct seen {
	uint8_t nonce[CELL_NONCE];
};

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, CELL_NONCE);
}

static void *
draw(void *arg)
{
	struct seen *s = arg;
	uint32_t first, e;
	unsigned i;

	for (i = 0; i < EACH; i++) {
		if (cell_nonce(s[i].nonce, &e) != CL_OK || e == 0)
			return NULL;
		if (i == 0)
			first = e;
		if (e != first)
			return NULL;
	}
	return arg;
}

static void
nonces_do_not_repeat_in_threads(void **state)
{
	struct seen *all = calloc(EACH * THREADS, sizeof(*all));
	pthread_t t[THREADS];
	void *ok;
	unsigned i;

	(void)state;
	assert_non_null(all);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, draw, all + i * EACH), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &ok), 0);
		assert_non_null(ok);
	}
	qsort(all, EACH * THREADS, sizeof(*all), by_bytes);
	for (i = 1; i < EACH * THREADS; i++)
		assert_true(by_bytes(&all[i - 1], &all[i]) < 0);
	free(all);
}

/* Parent and child both hold the same buffer at the time of the fork. */
static void
a_forked_child_draws_anew(void **state)
{
	struct {
		uint32_t encryptor;
		struct seen nonces[500];
	} mine, theirs;
	int pipe_fd[2], status;
	uint32_t before, e;
	uint8_t nonce[CELL_NONCE];
	pid_t pid;
	unsigned i, j;

	(void)state;
	assert_int_equal(cell_nonce(nonce, &before), CL_OK);
	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	memset(&mine, 0, sizeof(mine));
	for (i = 0; i < 500; i++)
		if (cell_nonce(mine.nonces[i].nonce, &mine.encryptor) != CL_OK)
			_exit(1);
	if (pid == 0)
		_exit(write(pipe_fd[1], &mine, sizeof(mine)) != sizeof(mine));
	close(pipe_fd[1]);
	for (i = 0; i < sizeof(theirs); i += (unsigned)status) {
		status = (int)read(
		    pipe_fd[0], (uint8_t *)&theirs + i, sizeof(theirs) - i);
		assert_true(status > 0);
	}
	close(pipe_fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(mine.encryptor, before);
	assert_int_not_equal(theirs.encryptor, before);
	assert_int_not_equal(theirs.encryptor, 0);
	for (i = 0; i < 500; i++)
		for (j = 0; j < 500; j++)
			assert_int_not_equal(
			    by_bytes(&mine.nonces[i], &theirs.nonces[j]), 0);
	assert_int_equal(cell_nonce(nonce, &e), CL_OK);
	assert_int_equal(e, before);
}

static void
an_encryptor_has_a_budget(void **state)
{
	struct cell_encryptor e = {0, 0};
	uint32_t first, id;

	(void)state;
	assert_int_equal(cell_encryptor_take(&e, CELL_NONCE_BUDGET + 1, &id),
	    CL_ERR_ARGUMENT);
	assert_int_equal(e.id, 0);
	assert_int_equal(
	    cell_encryptor_take(&e, CELL_NONCE_BUDGET - 1, &first), CL_OK);
	assert_int_not_equal(first, 0);
	assert_int_equal(cell_encryptor_take(&e, 1, &id), CL_OK);
	assert_int_equal(id, first);
	assert_int_equal(cell_encryptor_take(&e, 1, &id), CL_OK);
	assert_int_not_equal(id, first);
	/* Not enough left for all of them: none comes from the old one. */
	first = id;
	e.left = 340;
	assert_int_equal(cell_encryptor_take(&e, 341, &id), CL_OK);
	assert_int_not_equal(id, first);
	assert_true(e.left == CELL_NONCE_BUDGET - 341);
	assert_true(CELL_NONCE_BUDGET == 536870912u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_encryptor_has_a_budget),
	    cmocka_unit_test(a_forked_child_draws_anew),
	    cmocka_unit_test(nonces_do_not_repeat_in_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
