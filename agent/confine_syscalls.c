/*
 * The engine's system calls after the warm-up. Argument checks are on values
 * only: a filter cannot see what a pointer leads to.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/confine.h"

/* Without conditions, alphabetically. */
static const int allowed[] = {
    SCMP_SYS(clock_gettime), /* where the vDSO has no clock */
    SCMP_SYS(close),
    SCMP_SYS(exit_group),
    SCMP_SYS(fstat), /* a ring's size */
    SCMP_SYS(futex),
    SCMP_SYS(getpid), /* OpenSSL looks for a fork before random bytes */
    SCMP_SYS(getrandom),
    SCMP_SYS(gettid),
    SCMP_SYS(munmap), /* a ring */
    SCMP_SYS(poll),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask), /* abort() */
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(shutdown),
};

static int
allow_plain(scmp_filter_ctx f)
{
	size_t i;

	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0))
			return CL_ERR_INTERNAL;
	return CL_OK;
}

static int
allow_accept(scmp_filter_ctx f, int fd)
{
	if (fd < 0)
		return CL_OK;
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(accept4), 1,
		   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd))
		   ? CL_ERR_INTERNAL
		   : CL_OK;
}

/* Rings: shared, readable and writable, wherever the kernel likes. Anything
 * else that wants memory, malloc above all, is told that there is none. */
static int
allow_mapping(scmp_filter_ctx f)
{
	if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 4,
		SCMP_A0(SCMP_CMP_EQ, 0),
		SCMP_A2(SCMP_CMP_EQ, PROT_READ | PROT_WRITE),
		SCMP_A3(SCMP_CMP_EQ, MAP_SHARED), SCMP_A5(SCMP_CMP_EQ, 0)) ||
	    seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(mmap), 1,
		SCMP_A3(SCMP_CMP_NE, MAP_SHARED)) ||
	    seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(brk), 0) ||
	    seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
		SCMP_A2(SCMP_CMP_EQ, MADV_DONTNEED)))
		return CL_ERR_INTERNAL;
	return CL_OK;
}

static int
allow_with_arguments(scmp_filter_ctx f)
{
	if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
		SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS)) ||
	    seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), 2,
		SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET),
		SCMP_A2(SCMP_CMP_EQ, SO_PEERCRED)) ||
	    seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
		SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()),
		SCMP_A2(SCMP_CMP_EQ, SIGABRT)))
		return CL_ERR_INTERNAL;
	return CL_OK;
}

int
confine_syscalls(int database, int broker)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = CL_ERR_MEMORY;

	if (!f)
		return r;
	r = CL_ERR_INTERNAL;
	if (seccomp_attr_set(
		f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ||
	    seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1))
		goto out;
	if ((r = allow_plain(f)) != 0 || (r = allow_mapping(f)) != 0 ||
	    (r = allow_with_arguments(f)) != 0 ||
	    (r = allow_accept(f, database)) != 0 ||
	    (r = allow_accept(f, broker)) != 0)
		goto out;
	r = seccomp_load(f) ? CL_ERR_PERMISSION : CL_OK;
out:
	seccomp_release(f);
	return r;
}
