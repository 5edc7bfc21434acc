/* lib/file: what is not a plain file, limits, and a writer that is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/file.h"
#include "lib/secmem.h"
#include "scratch.h"

static int
read_file(int fd, const char *name, size_t max)
{
	uint8_t *p = NULL;
	size_t n;
	int r = file_read(fd, name, max, &p, &n);

	secmem_free(p);
	return r;
}

static void
holds(int fd, const char *name, const char *want)
{
	uint8_t *p = NULL;
	size_t n;

	assert_int_equal(file_read(fd, name, 1 << 20, &p, &n), CL_OK);
	assert_int_equal(n, strlen(want));
	assert_string_equal((char *)p, want);
	secmem_free(p);
}

static unsigned
entries(int fd)
{
	DIR *dir = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY));
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

static void
what_is_no_file_is_refused(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(read_file(s->fd, "absent", 9), CL_ERR_NOT_FOUND);
	assert_int_equal(read_file(s->fd, "no/file", 9), CL_ERR_NOT_FOUND);
	assert_int_equal(mkdirat(s->fd, "folder", 0700), 0);
	assert_int_equal(read_file(s->fd, "folder", 9), CL_ERR_IO);
	/* Would block for ever. */
	assert_int_equal(mkfifoat(s->fd, "fifo", 0600), 0);
	assert_int_equal(read_file(s->fd, "fifo", 9), CL_ERR_IO);
	assert_int_equal(read_file(s->fd, "/dev/zero", 9), CL_ERR_IO);
	assert_int_equal(
	    file_write_atomic(s->fd, "folder", "x", 1, 0600), CL_ERR_IO);
	assert_int_equal(file_write_atomic(s->fd, "no/file", "x", 1, 0600),
	    CL_ERR_NOT_FOUND);
	assert_int_equal(
	    file_write_atomic(s->fd, "folder/", "x", 1, 0600), CL_ERR_ARGUMENT);
	assert_int_equal(
	    file_write_atomic(s->fd, "", "x", 1, 0600), CL_ERR_ARGUMENT);
	assert_int_equal(entries(s->fd), 2);
}

static void
a_planted_temporary_file_is_not_followed(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(file_write_new(s->fd, "victim", "v", 1, 0600), CL_OK);
	assert_int_equal(symlinkat("victim", s->fd, ".f.tmp"), 0);
	assert_int_equal(
	    file_write_atomic(s->fd, "f", "xx", 2, 0600), CL_ERR_IO);
	holds(s->fd, "victim", "v");
	assert_int_equal(unlinkat(s->fd, ".f.tmp", 0), 0);
	assert_int_equal(linkat(s->fd, "victim", s->fd, ".f.tmp", 0), 0);
	assert_int_equal(
	    file_write_atomic(s->fd, "f", "xx", 2, 0600), CL_ERR_IO);
	holds(s->fd, "victim", "v");
	assert_int_equal(file_write_atomic(s->fd, "f", "xx", 2, 0600), CL_OK);
	holds(s->fd, "f", "xx");
}

static void
one_past_the_limit_is_refused(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(file_write_new(s->fd, "f", "12345", 5, 0600), CL_OK);
	assert_int_equal(read_file(s->fd, "f", 5), CL_OK);
	assert_int_equal(read_file(s->fd, "f", 4), CL_ERR_TOO_LARGE);
	assert_int_equal(file_write_new(s->fd, "e", "", 0, 0600), CL_OK);
	assert_int_equal(read_file(s->fd, "e", 0), CL_OK);
	holds(s->fd, "e", "");
}

static void
what_is_there_is_not_replaced(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(file_write_new(s->fd, "f", "old", 3, 0600), CL_OK);
	assert_int_equal(
	    file_write_new(s->fd, "f", "newer", 5, 0600), CL_ERR_EXISTS);
	holds(s->fd, "f", "old");
	/* Not even a name that leads nowhere. */
	assert_int_equal(symlinkat("nowhere", s->fd, "l"), 0);
	assert_int_equal(
	    file_write_new(s->fd, "l", "x", 1, 0600), CL_ERR_EXISTS);
	assert_int_equal(entries(s->fd), 2);
}

static void
the_mode_is_exact(void **state)
{
	static const mode_t modes[] = {0600, 0644, 0640};
	struct scratch *s = *state;
	mode_t mask = umask(077);
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(
		    file_write_atomic(s->fd, "f", "x", 1, modes[i]), CL_OK);
		assert_int_equal(fstatat(s->fd, "f", &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, modes[i]);
	}
	umask(mask);
}

static void
folders_and_absolute_paths_work(void **state)
{
	struct scratch *s = *state;
	char path[128];

	assert_int_equal(mkdirat(s->fd, "d", 0700), 0);
	assert_int_equal(file_write_atomic(s->fd, "d/f", "1", 1, 0600), CL_OK);
	holds(s->fd, "d/f", "1");
	snprintf(path, sizeof(path), "%s/d/f", s->path);
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, "22", 2, 0600), CL_OK);
	holds(s->fd, "d/f", "22");
	assert_int_equal(entries(s->fd), 1);
}

/* Content whose wholeness shows: its length, then one letter so many times. */
#define SIZE(i) (1000u + (i)*7919u % 150000u)

static void
fill(uint8_t *p, uint32_t i, size_t *n)
{
	*n = SIZE(i);
	memset(p, 'a' + (int)(i % 26), *n);
	memcpy(p, n, sizeof(*n));
}

static void
is_whole(int fd)
{
	uint8_t *p = NULL;
	size_t n, said, i;

	assert_int_equal(file_read(fd, "f", 1 << 20, &p, &n), CL_OK);
	assert_true(n > sizeof(said));
	memcpy(&said, p, sizeof(said));
	assert_int_equal(said, n);
	for (i = sizeof(said) + 1; i < n; i++)
		if (p[i] != p[sizeof(said)])
			fail_msg("torn at byte %zu of %zu", i, n);
	secmem_free(p);
}

static _Noreturn void
write_for_ever(int fd, uint32_t i)
{
	static uint8_t p[1 << 18];
	size_t n;

	for (;; i++) {
		fill(p, i, &n);
		if (file_write_atomic(fd, "f", p, n, 0600) != 0)
			_exit(1);
	}
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A killed writer, and a second one that queues behind it. */
static void
a_killed_writer_leaves_old_or_new(void **state)
{
	struct scratch *s = *state;
	double end = now() + 4;
	unsigned rounds = 0;
	uint8_t first[2000];
	size_t n;
	int status;
	pid_t pid[2];

	fill(first, 0, &n);
	assert_int_equal(file_write_new(s->fd, "f", first, n, 0600), CL_OK);
	srand(20240607);
	while (now() < end || rounds <= 10) {
		for (unsigned i = 0; i < 2; i++) {
			pid[i] = fork();
			assert_true(pid[i] >= 0);
			if (pid[i] == 0)
				write_for_ever(s->fd, (uint32_t)rand());
		}
		usleep((useconds_t)(rand() % 15000));
		kill(pid[0], SIGKILL);
		is_whole(s->fd);
		usleep((useconds_t)(rand() % 3000));
		kill(pid[1], SIGKILL);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			assert_true(WIFSIGNALED(status));
		}
		is_whole(s->fd);
		/* The file, and at most one that was not finished. */
		assert_in_range(entries(s->fd), 1, 2);
		rounds++;
	}
	print_message("%u killed writers\n", 2 * rounds);
	/* What they left does not stand in the way. */
	assert_int_equal(file_write_atomic(s->fd, "f", "x", 1, 0600), CL_OK);
	holds(s->fd, "f", "x");
	assert_int_equal(entries(s->fd), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(what_is_no_file_is_refused),
	    scratch_test(a_planted_temporary_file_is_not_followed),
	    scratch_test(one_past_the_limit_is_refused),
	    scratch_test(what_is_there_is_not_replaced),
	    scratch_test(the_mode_is_exact),
	    scratch_test(folders_and_absolute_paths_work),
	    scratch_test(a_killed_writer_leaves_old_or_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
