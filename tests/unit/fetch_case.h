/*
 * Fetching as an owner does it: commands in a child of their own, a vendor's
 * server on this machine, an owner's directory. Include after cmocka.h and a
 * fake vendor.
 */
#ifndef CLOISTER_TESTS_FETCH_CASE_H
#define CLOISTER_TESTS_FETCH_CASE_H

#include <dirent.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fake_web.h"
#include "scratch.h"

#include "client/command.h"
#include "lib/file.h"
#include "policy/rows.h"

#define FETCH_ARGS 24

struct fetch_case {
	struct scratch *dir;
	char home[96], out[96], evidence[96], said[8192];
	struct web *web;
	char base[4][80]; /* amd=…, intel=…, intel-root=…, hygon=… */
};

static inline void
fetch_file(const char *path, const void *p, size_t n)
{
	assert_int_equal(file_write_atomic(AT_FDCWD, path, p, n, 0600), CL_OK);
}

/* The policy of the owner, who knows this root. */
static inline void
fetch_policy(
    const struct fetch_case *c, const char *vendor, const uint8_t spki[32])
{
	char path[128], text[256], hex[65];

	rows_hex(spki, 32, hex);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"test_roots\":{\"%s\":[\"%s\"]}}", vendor, hex);
	snprintf(path, sizeof(path), "%s/policy.json", c->home);
	fetch_file(path, text, strlen(text));
}

static inline void
fetch_case_begin(struct fetch_case *c, const void *evidence, size_t n)
{
	static const char *const vendors[] = {
	    "amd", "intel", "intel-root", "hygon"};
	unsigned i;

	memset(c, 0, sizeof(*c));
	(void)scratch_make((void **)&c->dir);
	snprintf(c->home, sizeof(c->home), "%s/home", c->dir->path);
	snprintf(c->out, sizeof(c->out), "%s/out", c->dir->path);
	snprintf(c->evidence, sizeof(c->evidence), "%s/evidence", c->dir->path);
	assert_int_equal(mkdir(c->home, 0700), 0);
	fetch_file(c->evidence, evidence, n);
	c->web = web_new();
	for (i = 0; i < 4; i++)
		snprintf(c->base[i], sizeof(c->base[i]), "%s=%s", vendors[i],
		    c->web->base);
	web_start(c->web);
}

static inline void
fetch_case_end(struct fetch_case *c)
{
	web_stop(c->web);
	(void)scratch_remove((void **)&c->dir);
}

/* Runs a command; its exit code. What it printed is in c->said. */
static inline int
fetch_run(struct fetch_case *c, int (*command)(int, char **), char **argv)
{
	char log[128];
	int status, argc = 0;
	size_t n;
	pid_t pid;
	FILE *f;

	while (argv[argc])
		argc++;
	snprintf(log, sizeof(log), "%s/log", c->dir->path);
	fflush(NULL);
	if (c->web)
		web_wait_idle(c->web);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen(log, "w", stdout) || dup2(1, 2) != 2)
			_exit(99);
		optind = 0;
		status = command(argc, argv);
		exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	f = fopen(log, "r");
	assert_non_null(f);
	n = fread(c->said, 1, sizeof(c->said) - 1, f);
	c->said[n] = '\0';
	fclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* command NAME EVIDENCE --tee KIND --home HOME --time NOW and the rest, which
 * ends with NULL. */
static inline int
fetch_command(struct fetch_case *c, int (*command)(int, char **),
    const char *tee, int64_t time, ...)
{
	char *argv[FETCH_ARGS] = {(char *)(uintptr_t) "command", c->evidence,
	    (char *)(uintptr_t) "--tee", (char *)(uintptr_t)tee,
	    (char *)(uintptr_t) "--home", c->home,
	    (char *)(uintptr_t) "--time"};
	char now[32], *arg;
	va_list ap;
	int n = 7;

	snprintf(now, sizeof(now), "%lld", (long long)time);
	argv[n++] = now;
	va_start(ap, time);
	while ((arg = va_arg(ap, char *)) != NULL) {
		assert_true(n < FETCH_ARGS - 1);
		argv[n++] = arg;
	}
	va_end(ap);
	argv[n] = NULL;
	return fetch_run(c, command, argv);
}

/* fetch-endorsements from the test's server. */
#define fetch_get(c, tee, time, ...)                                           \
	fetch_command(c, cmd_fetch, tee, time, "--base-url", (c)->base[0],     \
	    "--base-url", (c)->base[1], "--base-url", (c)->base[2],            \
	    "--base-url", (c)->base[3], __VA_ARGS__)

/* Files of a folder, without dots. */
static inline unsigned
fetch_files(const char *path)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(path);

	if (!d)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

#endif
