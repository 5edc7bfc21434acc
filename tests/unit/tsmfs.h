/*
 * The fake configfs-tsm (tests/fake/tsmfs.c), mounted where only this process
 * and its children see it. Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_TSMFS_H
#define CLOISTER_TESTS_TSMFS_H

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/scratch.h"

#define TSMFS_ARGS 16

struct tsmfs {
	struct scratch *dir;
	char root[96];
	pid_t pid;
};

/* A mount namespace of our own, once; NULL, or why there is none. */
static inline const char *
tsmfs_missing(void)
{
	static bool done;

	if (access("/dev/fuse", R_OK | W_OK))
		return "there is no /dev/fuse";
	if (done)
		return NULL;
	if (unshare(CLONE_NEWNS))
		return "no mount namespace (not root?)";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return "mounts cannot be made private";
	done = true;
	return NULL;
}

/* build/X/fake/tsmfs, of build/X/tests/test_tsm. */
static inline void
tsmfs_program(char *path, size_t cap)
{
	ssize_t n = readlink("/proc/self/exe", path, cap - 1);
	int i;

	assert_true(n > 0);
	path[n] = '\0';
	for (i = 0; i < 2; i++)
		*strrchr(path, '/') = '\0';
	assert_true(strlen(path) + 12 < cap);
	strcat(path, "/fake/tsmfs");
}

/* Options end with NULL. */
static inline void
tsmfs_start(struct tsmfs *t, struct scratch *dir, ...)
{
	char program[PATH_MAX], *argv[TSMFS_ARGS];
	struct stat before, now;
	va_list ap;
	int i, n = 1;

	t->dir = dir;
	snprintf(t->root, sizeof(t->root), "%s/report", dir->path);
	assert_int_equal(mkdir(t->root, 0700), 0);
	assert_int_equal(stat(t->root, &before), 0);
	tsmfs_program(program, sizeof(program));
	argv[0] = program;
	va_start(ap, dir);
	while (n < TSMFS_ARGS - 2 && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	argv[n++] = t->root;
	argv[n] = NULL;
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		execv(program, argv);
		perror(program);
		_exit(127);
	}
	for (i = 0; i < 6000; i++) {
		assert_int_equal(waitpid(t->pid, NULL, WNOHANG), 0);
		if (stat(t->root, &now) == 0 && now.st_dev != before.st_dev)
			return;
		usleep(10000);
	}
	fail_msg("the file system is not mounted");
}

/* Requests that were made and not removed. */
static inline unsigned
tsmfs_left(const struct tsmfs *t)
{
	DIR *d = opendir(t->root);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static inline void
tsmfs_stop(struct tsmfs *t)
{
	int status;

	if (!t->pid)
		return;
	assert_int_equal(umount2(t->root, MNT_DETACH), 0);
	kill(t->pid, SIGTERM);
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	assert_int_equal(rmdir(t->root), 0);
	t->pid = 0;
}

#endif
