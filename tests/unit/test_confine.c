/* The engine's filter bites: what serving does not need kills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "agent/confine.h"
#include "agent/setup.h"
#include "tests/unit/child.h"

static void
close_filter(void)
{
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(confine_syscalls(40, -1) == CL_OK);
}

/* ---- what it kills ---- */

#define KILLS(name, call)                                                      \
	static void name(void)                                                 \
	{                                                                      \
		close_filter();                                                \
		(void)(call);                                                  \
	}

KILLS(do_open, syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY))
KILLS(do_fork, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
KILLS(do_clone3, syscall(SYS_clone3, NULL, 0))
KILLS(do_exec, syscall(SYS_execve, "/bin/true", NULL, NULL))
KILLS(do_ptrace, syscall(SYS_ptrace, 0, 0, 0, 0))
KILLS(do_socket, syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0))
KILLS(do_connect, syscall(SYS_connect, 0, NULL, 0))
KILLS(do_kill, syscall(SYS_kill, getppid(), 0))
KILLS(do_write, syscall(SYS_write, 2, "x", 1))
KILLS(do_read, syscall(SYS_read, 0, NULL, 0))
KILLS(do_mprotect, syscall(SYS_mprotect, NULL, 0, PROT_READ | PROT_EXEC))
KILLS(do_setuid, syscall(SYS_setuid, 0))
KILLS(do_prctl, syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0))
KILLS(do_ioctl, syscall(SYS_ioctl, 0, 0, 0))
KILLS(do_unlink, syscall(SYS_unlink, "/nowhere"))
KILLS(do_stat, syscall(SYS_newfstatat, AT_FDCWD, "/", NULL, 0))
KILLS(do_bpf, syscall(SYS_bpf, 0, NULL, 0))
KILLS(do_readv, syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0))
KILLS(do_x32, syscall(0x40000000 | SYS_getpid))
KILLS(do_accept_other, syscall(SYS_accept4, 41, NULL, NULL, 0))
KILLS(do_seal, syscall(SYS_fcntl, 0, F_ADD_SEALS, 0))
KILLS(do_dup, syscall(SYS_fcntl, 0, F_DUPFD, 0))
KILLS(do_option, syscall(SYS_getsockopt, 0, SOL_SOCKET, SO_TYPE, 0, 0))
KILLS(do_signal, syscall(SYS_tgkill, getpid(), getpid(), SIGTERM))
KILLS(do_abort_other, syscall(SYS_tgkill, getppid(), getppid(), SIGABRT))
KILLS(do_map_exec,
    syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, 0, 0))
KILLS(do_map_at,
    syscall(SYS_mmap, 65536, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0))
KILLS(do_map_offset,
    syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 4096))
KILLS(do_advise, syscall(SYS_madvise, 0, 0, MADV_DODUMP))

static void
it_kills(void **state)
{
	static void (*const what[])(void) = {do_open, do_fork, do_clone3,
	    do_exec, do_ptrace, do_socket, do_connect, do_kill, do_write,
	    do_read, do_mprotect, do_setuid, do_prctl, do_ioctl, do_unlink,
	    do_stat, do_bpf, do_readv, do_x32, do_accept_other, do_seal, do_dup,
	    do_option, do_signal, do_abort_other, do_map_exec, do_map_at,
	    do_map_offset, do_advise};
	size_t i;

	(void)state;
	if (ASAN)
		skip(); /* its runtime needs more */
	for (i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		must_die_by(what[i], SIGSYS);
}

/* ---- what it lets through ---- */

static void
serve_calls(void)
{
	struct timespec t;
	struct stat st;
	int fd = memfd_create("ring", MFD_ALLOW_SEALING), p[2];
	uint8_t byte;
	void *m;

	CHECK(fd >= 0 && ftruncate(fd, 4096) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	close_filter();
	CHECK(send(p[0], "x", 1, MSG_NOSIGNAL) == 1);
	CHECK(recv(p[1], &byte, 1, 0) == 1);
	CHECK(shutdown(p[0], SHUT_WR) == 0);
	CHECK(fcntl(fd, F_GET_SEALS) >= 0);
	CHECK(syscall(SYS_fstat, fd, &st) == 0 && st.st_size == 4096);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	CHECK(munmap(m, 4096) == 0);
	CHECK(close(fd) == 0);
	CHECK(syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &t) == 0);
	CHECK(syscall(SYS_getpid) > 0);
	/* Other memory is not to be had, and that is no reason to die. */
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(errno == ENOMEM);
	/* accept4 on the listener that was named: not a socket, but alive. */
	CHECK(syscall(SYS_accept4, 40, NULL, NULL, 0) == -1);
	CHECK(errno == EBADF);
}

static void
it_lets_serve(void **state)
{
	(void)state;
	if (ASAN)
		skip();
	must_pass(serve_calls);
}

/* ---- the other layers ---- */

static void
no_file(void)
{
	CHECK(confine_process(64) == CL_OK);
	if (confine_landlock() == CL_ERR_UNSUPPORTED)
		_exit(0);
	CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	CHECK(open("/dev/null", O_WRONLY) < 0 && errno == EACCES);
}

static void
no_executable_memory(void)
{
	void *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	if (confine_memory() == CL_ERR_UNSUPPORTED)
		_exit(0);
	CHECK(mprotect(m, 4096, PROT_READ | PROT_EXEC) < 0);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void
nobody_for_good(void)
{
	CHECK(confine_process(64) == CL_OK);
	CHECK(confine_user(65534, 65534) == CL_OK);
	CHECK(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534);
	CHECK(setuid(0) != 0 && seteuid(0) != 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void
few_descriptors(void)
{
	int p[2], extra, keep[2];

	CHECK(pipe(p) == 0);
	extra = dup2(p[0], 50);
	CHECK(extra == 50);
	keep[0] = p[1];
	keep[1] = -1;
	CHECK(confine_descriptors(keep, 2) == CL_OK);
	CHECK(fcntl(p[1], F_GETFD) >= 0);
	CHECK(fcntl(STDERR_FILENO, F_GETFD) >= 0);
	CHECK(fcntl(p[0], F_GETFD) < 0 && fcntl(50, F_GETFD) < 0);
	CHECK(fcntl(STDIN_FILENO, F_GETFD) < 0);
}

static void
other_layers(void **state)
{
	(void)state;
	must_pass(no_file);
	if (!ASAN)
		must_pass(no_executable_memory);
	must_pass(few_descriptors);
	if (geteuid() == 0)
		must_pass(nobody_for_good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_kills),
	    cmocka_unit_test(it_lets_serve),
	    cmocka_unit_test(other_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
