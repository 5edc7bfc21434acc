/* sealing/state: records flipped, truncated, renamed, of another root; files
 * with hostile names; a writer that is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/secmem.h"
#include "scratch.h"
#include "sealing/state.h"

static const uint8_t root[32] = "the root sealing key of this tes";
static const uint8_t text[] = "a record";

#define BLOB (sizeof(text) + STATE_OVERHEAD)

static void
seal(uint8_t blob[BLOB])
{
	assert_int_equal(
	    state_seal(root, "tenant-1", 42, text, sizeof(text), blob), CL_OK);
}

static int
open_blob(const char *name, const uint8_t *blob, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	uint8_t out[sizeof(text)] = {0};
	uint64_t version = 0;
	int r;

	assert_non_null(exact);
	if (n)
		memcpy(exact, blob, n);
	r = state_open(root, name, exact, n, &version, out);
	free(exact);
	if (r == 0) {
		assert_int_equal(version, 42);
		assert_memory_equal(out, text, sizeof(text));
	} else {
		assert_int_equal(version, 0);
	}
	return r;
}

static void
every_flipped_bit_is_refused(void **state)
{
	uint8_t blob[BLOB];
	unsigned i;

	(void)state;
	seal(blob);
	for (i = 0; i < 8 * BLOB; i++) {
		blob[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(
		    open_blob("tenant-1", blob, BLOB), CL_ERR_SEALED);
		blob[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(open_blob("tenant-1", blob, BLOB), CL_OK);
}

static void
every_truncation_is_refused(void **state)
{
	uint8_t blob[BLOB + 1] = {0};
	size_t n;

	(void)state;
	seal(blob);
	for (n = 0; n < BLOB; n++)
		assert_int_equal(open_blob("tenant-1", blob, n), CL_ERR_SEALED);
}

static void
another_name_or_root_opens_nothing(void **state)
{
	uint8_t blob[BLOB], out[sizeof(text)], other[32];
	uint64_t version;

	(void)state;
	seal(blob);
	assert_int_equal(open_blob("tenant-2", blob, BLOB), CL_ERR_SEALED);
	assert_int_equal(open_blob("tenant-10", blob, BLOB), CL_ERR_SEALED);
	memcpy(other, root, 32);
	other[31] ^= 1;
	assert_int_equal(
	    state_open(other, "tenant-1", blob, BLOB, &version, out),
	    CL_ERR_SEALED);
}

static void
bad_names_are_refused(void **state)
{
	static const char *const bad[] = {"", ".", "..", ".hidden", "a/b",
	    "../a", "a b", "a\n", "a_b", "\xc3\xa4",
	    "a234567890123456789012345678901234567890123456789012345678901234"};
	static const char longest[] =
	    "a23456789012345678901234567890123456789012345678901234567890123";
	struct scratch *s = *state;
	uint8_t blob[BLOB], *p;
	size_t i, n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    state_seal(root, bad[i], 1, text, sizeof(text), blob),
		    CL_ERR_ARGUMENT);
		assert_int_equal(
		    state_store(s->fd, bad[i], (const uint8_t *)"x", 1),
		    CL_ERR_ARGUMENT);
		assert_int_equal(
		    state_load(s->fd, bad[i], &p, &n), CL_ERR_ARGUMENT);
		assert_int_equal(state_remove(s->fd, bad[i]), CL_ERR_ARGUMENT);
	}
	assert_int_equal(
	    state_store(s->fd, longest, (const uint8_t *)"x", 1), CL_OK);
	assert_int_equal(state_load(s->fd, longest, &p, &n), CL_OK);
	secmem_free(p);
}

static void
one_past_the_limit_is_refused(void **state)
{
	struct scratch *s = *state;
	uint8_t *p = calloc(1, STATE_BLOB_MAX + 1);
	uint8_t *blob = malloc(STATE_BLOB_MAX + 1), *out = NULL;
	uint64_t version;
	size_t max = STATE_BLOB_MAX - STATE_OVERHEAD, n;

	assert_non_null(p);
	assert_non_null(blob);
	assert_int_equal(
	    state_seal(root, "t", 1, p, max + 1, blob), CL_ERR_TOO_LARGE);
	assert_int_equal(state_seal(root, "t", 1, p, max, blob), CL_OK);
	assert_int_equal(
	    state_open(root, "t", blob, STATE_BLOB_MAX, &version, p), CL_OK);
	assert_int_equal(state_store(s->fd, "t", blob, STATE_BLOB_MAX + 1),
	    CL_ERR_TOO_LARGE);
	assert_int_equal(state_store(s->fd, "t", blob, STATE_BLOB_MAX), CL_OK);
	assert_int_equal(state_load(s->fd, "t", &out, &n), CL_OK);
	assert_int_equal(n, STATE_BLOB_MAX);
	assert_memory_equal(out, blob, n);
	secmem_free(out);
	free(p);
	free(blob);
}

static void
nothing_is_sealed_twice_alike(void **state)
{
	uint8_t a[BLOB], b[BLOB];

	(void)state;
	seal(a);
	seal(b);
	assert_memory_not_equal(a, b, BLOB);
	assert_null(memmem(a, BLOB, text, sizeof(text)));
	/* An empty record is one. */
	assert_int_equal(state_seal(root, "e", 0, NULL, 0, a), CL_OK);
	assert_int_equal(
	    state_open(root, "e", a, STATE_OVERHEAD, &(uint64_t){1}, b), CL_OK);
}

static int
collect(void *arg, const char *name)
{
	char *all = arg;

	strcat(all, name);
	strcat(all, " ");
	return 0;
}

static int
stop(void *arg, const char *name)
{
	(void)name;
	++*(int *)arg;
	return CL_ERR_LIMIT;
}

static void
only_records_are_listed(void **state)
{
	static const char *const others[] = {"root.key", ".a.blob.tmp",
	    ".x.blob", ".blob", "a.blob2", "b c.blob", "README"};
	struct scratch *s = *state;
	char all[256] = "";
	uint8_t *p;
	size_t i, n;
	int calls = 0;

	assert_int_equal(state_each(s->fd, collect, all), CL_OK);
	assert_string_equal(all, "");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		close(openat(s->fd, others[i], O_CREAT | O_WRONLY, 0600));
	assert_int_equal(
	    state_store(s->fd, "a", (const uint8_t *)"x", 1), CL_OK);
	assert_int_equal(state_each(s->fd, collect, all), CL_OK);
	assert_string_equal(all, "a ");
	/* Again: no position is kept in the caller's descriptor. */
	assert_int_equal(state_each(s->fd, collect, all), CL_OK);
	assert_string_equal(all, "a a ");
	assert_int_equal(
	    state_store(s->fd, "b", (const uint8_t *)"x", 1), CL_OK);
	assert_int_equal(state_each(s->fd, stop, &calls), CL_ERR_LIMIT);
	assert_int_equal(calls, 1);
	assert_int_equal(state_remove(s->fd, "a"), CL_OK);
	assert_int_equal(state_remove(s->fd, "a"), CL_ERR_NOT_FOUND);
	assert_int_equal(state_load(s->fd, "a", &p, &n), CL_ERR_NOT_FOUND);
}

/* The record is replaced in a loop, and killed. */
static void
a_killed_store_leaves_a_record(void **state)
{
	struct scratch *s = *state;
	uint8_t blob[BLOB], *p, out[sizeof(text)];
	uint64_t version, last = 0, i;
	struct timespec pause = {0, 0};
	unsigned round;
	size_t n;
	pid_t pid;
	int status;

	seal(blob);
	assert_int_equal(state_store(s->fd, "tenant-1", blob, BLOB), CL_OK);
	srand(7);
	for (round = 0; round < 60; round++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			for (i = last + 1;; i++)
				if (state_seal(root, "tenant-1", i, text,
					sizeof(text), blob) != 0 ||
				    state_store(
					s->fd, "tenant-1", blob, BLOB) != 0)
					_exit(1);
		pause.tv_nsec = 1000 * (rand() % 15000);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(state_load(s->fd, "tenant-1", &p, &n), CL_OK);
		assert_int_equal(
		    state_open(root, "tenant-1", p, n, &version, out), CL_OK);
		/* Never back to an older one. */
		assert_true(version >= last);
		last = round ? version : last;
		secmem_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_flipped_bit_is_refused),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(another_name_or_root_opens_nothing),
	    scratch_test(bad_names_are_refused),
	    scratch_test(one_past_the_limit_is_refused),
	    cmocka_unit_test(nothing_is_sealed_twice_alike),
	    scratch_test(only_records_are_listed),
	    scratch_test(a_killed_store_leaves_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
