#include "agent/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/setup.h"

/* Newer than the headers of the oldest system that we build on. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE		 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#endif

static int
set_limit(int what, rlim_t n)
{
	struct rlimit l = {n, n};

	return setrlimit(what, &l) ? CL_ERR_PERMISSION : CL_OK;
}

int
confine_process(unsigned nofile)
{
	struct rlimit l;

	if (set_limit(RLIMIT_CORE, 0) || getrlimit(RLIMIT_NOFILE, &l))
		return CL_ERR_PERMISSION;
	if (l.rlim_max != RLIM_INFINITY && nofile > l.rlim_max)
		return CL_ERR_LIMIT;
	if (set_limit(RLIMIT_NOFILE, nofile) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return CL_ERR_PERMISSION;
	/* Off unless somebody turned it on for us; old kernels lack it. */
	prctl(PR_SET_MEMORY_MERGE, 0, 0, 0, 0);
	return CL_OK;
}

static bool
is_kept(int fd, const int *keep, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return fd == STDERR_FILENO;
}

int
confine_descriptors(const int *keep, unsigned n)
{
	int top = STDERR_FILENO, fd;
	unsigned i;

	for (i = 0; i < n; i++)
		if (keep[i] > top)
			top = keep[i];
	for (fd = 0; fd < top; fd++)
		if (!is_kept(fd, keep, n))
			close(fd);
	return syscall(SYS_close_range, top + 1, ~0u, 0) ? CL_ERR_PERMISSION
							 : CL_OK;
}

static bool
has_setpcap(void)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t v = CAP_CLEAR;

	if (caps)
		cap_get_flag(caps, CAP_SETPCAP, CAP_EFFECTIVE, &v);
	cap_free(caps);
	return v == CAP_SET;
}

/* The bounding set and the rules by which root gets capabilities. */
static int
close_ways_back(void)
{
	const unsigned long bits = SECURE_ALL_BITS | SECURE_ALL_LOCKS;
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return CL_ERR_PERMISSION;
	/* Keep-caps would survive the change of uid: it is not set here. */
	return prctl(PR_SET_SECUREBITS, bits & ~(1ul << SECURE_KEEP_CAPS), 0, 0,
		   0)
		   ? CL_ERR_PERMISSION
		   : CL_OK;
}

static int
drop_capabilities(void)
{
	cap_t none = cap_init();
	int r = CL_ERR_PERMISSION;

	if (none && cap_set_proc(none) == 0)
		r = CL_OK;
	cap_free(none);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return r;
}

static int
change_user(uint32_t uid, uint32_t gid)
{
	if (uid == SETUP_NO_UID)
		return CL_OK;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		return CL_ERR_PERMISSION;
	return CL_OK;
}

int
confine_user(uint32_t uid, uint32_t gid)
{
	int r;

	if (has_setpcap() && (r = close_ways_back()) != 0)
		return r;
	if ((r = change_user(uid, gid)) != 0 || (r = drop_capabilities()) != 0)
		return r;
	/* A change of uid resets it. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? CL_ERR_PERMISSION : CL_OK;
}

int
confine_memory(void)
{
	return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)
		   ? CL_ERR_UNSUPPORTED
		   : CL_OK;
}

/* The newest layout that we know; older kernels take its beginning. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static size_t
ruleset_for(long abi, struct ruleset *rs)
{
	/* Rights known to ABI 1, 2, 3 and 4, 5 and later. */
	const unsigned fs_bits = abi >= 5   ? 16
				 : abi >= 3 ? 15
				 : abi >= 2 ? 14
					    : 13;

	memset(rs, 0, sizeof(*rs));
	rs->fs = (1u << fs_bits) - 1;
	if (abi >= 4)
		rs->net = 3; /* bind, connect over TCP */
	if (abi >= 6)
		rs->scoped = 3; /* abstract sockets, signals */
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

int
confine_landlock(void)
{
	struct ruleset rs;
	size_t n;
	long abi;
	int fd, r;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return CL_ERR_UNSUPPORTED;
	n = ruleset_for(abi, &rs);
	fd = (int)syscall(SYS_landlock_create_ruleset, &rs, n, 0);
	if (fd < 0)
		return CL_ERR_PERMISSION;
	r = syscall(SYS_landlock_restrict_self, fd, 0) ? CL_ERR_PERMISSION
						       : CL_OK;
	close(fd);
	return r;
}
