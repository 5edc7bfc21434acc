/* A folder of its own for each test; removed after it. Include after
 * cmocka.h. */
#ifndef CLOISTER_TESTS_SCRATCH_H
#define CLOISTER_TESTS_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct scratch {
	char path[64];
	int fd;
};

static inline int
scratch_remove_one(
    const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline int
scratch_make(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->path, sizeof(s->path), P_tmpdir "/cloister-test.XXXXXX");
	assert_non_null(mkdtemp(s->path));
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->fd >= 0);
	*state = s;
	return 0;
}

static inline int
scratch_remove(void **state)
{
	struct scratch *s = *state;

	close(s->fd);
	(void)nftw(s->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

#define scratch_test(f)                                                        \
	cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

#endif
