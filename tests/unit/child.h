/*
 * Scenarios in a forked child: for what may happen once per process, or ends
 * it. In the child CHECK takes the place of cmocka's assertions. Include after
 * cmocka.h.
 */
#ifndef CLOISTER_TESTS_CHILD_H
#define CLOISTER_TESTS_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/secmem.h"

#define ARENA ((size_t)4 << 20)

#ifdef __SANITIZE_ADDRESS__
#define NO_ASAN __attribute__((no_sanitize("address")))
#define ASAN	1
#else
#define NO_ASAN
#define ASAN 0
#endif

/* In a child: the line is the exit status, 0 is reserved for success. */
#define CHECK(x)                                                               \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "line %d: %s\n", __LINE__, #x);        \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static inline int
in_child(void (*f)(void))
{
	struct rlimit none = {0, 0};
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL); /* not a sanitizer's handler */
		signal(SIGABRT, SIG_DFL);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void
make_arena(void)
{
	CHECK(secmem_init(ARENA, true) == CL_OK);
}

static inline void
must_pass(void (*f)(void))
{
	int status = in_child(f);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void
must_die_by(void (*f)(void), int sig)
{
	int status = in_child(f);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

/* AddressSanitizer may see the crime first; it exits with 1. */
static inline void
must_be_caught(void (*f)(void))
{
	int status = in_child(f);

	if (ASAN && WIFEXITED(status)) {
		assert_int_not_equal(WEXITSTATUS(status), 0);
		return;
	}
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

#endif
