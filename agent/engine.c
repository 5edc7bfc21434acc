#include "agent/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "agent/accept.h"
#include "agent/audit.h"
#include "agent/boot.h"
#include "agent/channel.h"
#include "agent/confine.h"
#include "agent/link.h"
#include "agent/replay.h"
#include "agent/session.h"
#include "agent/tenant.h"
#include "agent/warmup.h"
#include "lib/crypto.h"
#include "lib/log.h"
#include "lib/secmem.h"

#define MORE_DESCRIPTORS 64u

/* Who may read keys otherwise differs, so it is said which layer failed. */
static int
failed(const char *layer, int r)
{
	log_error("the engine cannot start: %s: %s", layer, err_text(r));
	return r;
}

int64_t
engine_uptime_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

/* Descriptors come by name: "database" listens for clients, "link" is the
 * broker's end already, "broker" listens for brokers. */
static int
find_descriptors(struct engine *e, int *link)
{
	char **names = NULL;
	int i, n;

	e->database_fd = e->broker_fd = *link = -1;
	n = sd_listen_fds_with_names(1, &names);
	for (i = 0; i < n; i++) {
		if (!strcmp(names[i], "database"))
			e->database_fd = SD_LISTEN_FDS_START + i;
		else if (!strcmp(names[i], "broker"))
			e->broker_fd = SD_LISTEN_FDS_START + i;
		else if (!strcmp(names[i], "link"))
			*link = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	if (e->database_fd < 0 || (e->broker_fd < 0) == (*link < 0))
		return CL_ERR_ARGUMENT;
	return CL_OK;
}

/* Waits for a broker when none came with the start. *null takes the place of
 * standard error when the broker takes the log. */
static int
meet_broker(struct engine *e, int *link, int *null)
{
	int keep[4];

	if (*link < 0)
		do
			*link = accept4(e->broker_fd, NULL, NULL, SOCK_CLOEXEC);
		while (*link < 0 && errno == EINTR);
	*null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (*link < 0 || *null < 0)
		return CL_ERR_IO;
	keep[0] = e->database_fd;
	keep[1] = e->broker_fd;
	keep[2] = *link;
	keep[3] = *null;
	return confine_descriptors(keep, 4);
}

/* glibc's heap must be content with what it has when the filter closes. */
static void
settle_heap(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

static int
make_arena(const struct setup *cfg)
{
	int r = secmem_init((size_t)cfg->arena_mb << 20, cfg->allow_mlock);

	if (r == CL_ERR_UNSUPPORTED)
		log_error("this kernel gives no memfd_secret memory: boot with "
			  "secretmem.enable=1, or set [memory] allow_mlock = "
			  "yes and let root read the keys");
	if (r == CL_ERR_LIMIT)
		log_error("%u MB of locked memory are not allowed: raise "
			  "LimitMEMLOCK (ulimit -l), or lower [limits] "
			  "arena_mb and workers",
		    cfg->arena_mb);
	if (!r)
		r = secmem_hook_libraries();
	if (!r && !strcmp(secmem_kind(), "mlock"))
		log_warning("NO memfd_secret: keys are in locked memory that "
			    "root can read; the evidence says so");
	return r;
}

static int
optional(const char *layer, int r)
{
	if (r == CL_ERR_UNSUPPORTED) {
		log_warning(
		    "this kernel has no %s; the engine runs without", layer);
		return CL_OK;
	}
	return r;
}

/* What holds for this thread and those it will start. */
static int
confine(const struct setup *cfg)
{
	int r;

	if ((r = confine_user(cfg->uid, cfg->gid)) != 0)
		return failed("user and capabilities", r);
	if ((r = optional("MDWE", confine_memory())) != 0)
		return failed("MDWE", r);
#ifdef __SANITIZE_ADDRESS__
	log_warning("SANITIZER BUILD: no Landlock, no seccomp; for tests only");
#else
	if ((r = optional("Landlock", confine_landlock())) != 0)
		return failed("Landlock", r);
#endif
	return CL_OK;
}

static int
close_filter(const struct engine *e)
{
	int r;

	if ((r = optional("mseal", secmem_seal())) != 0)
		return failed("mseal", r);
#ifdef __SANITIZE_ADDRESS__
	(void)e;
#else
	if ((r = confine_syscalls(e->database_fd, e->broker_fd)) != 0)
		return failed("seccomp", r);
#endif
	return CL_OK;
}

static unsigned
count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set)
		   ? 1
		   : (unsigned)CPU_COUNT(&set);
}

/* From here on every line goes to the broker, and the log of who started us is
 * left alone. Sanitizers report to standard error. */
static int
move_log(struct engine *e, int link, int null)
{
	int r = link_new(&e->link, link);

	if (r)
		return r;
	link_take_log(e->link, e->cfg.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
#ifndef __SANITIZE_ADDRESS__
	if (dup2(null, STDERR_FILENO) < 0)
		return CL_ERR_IO;
#endif
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return CL_ERR_IO;
	close(null);
	return CL_OK;
}

static int
make_parts(struct engine *e, int link, int null)
{
	int r;

	e->cpus = count_cpus();
	e->started = engine_uptime_clock();
	if ((r = move_log(e, link, null)) != 0 || (r = warmup_process()) != 0 ||
	    (r = crypto_random(e->boot, sizeof(e->boot))) != 0 ||
	    (r = audit_new(&e->audit, e->boot)) != 0 ||
	    (r = channels_new(&e->channels, &e->cfg)) != 0 ||
	    (r = tenants_new(&e->tenants, e->cfg.max_tenants)) != 0 ||
	    (r = sessions_new(&e->sessions)) != 0 ||
	    (r = replay_new(&e->replay)) != 0)
		return r;
	return pool_start(e, warmup_thread, &e->pool);
}

/* The order is the point: a layer later means a moment without it. */
static int
start(struct engine **out)
{
	struct engine early = {0}, *e;
	int link, null, r;

	if ((r = find_descriptors(&early, &link)) != 0)
		return failed("descriptors (it is started by cloisterd)", r);
	if ((r = meet_broker(&early, &link, &null)) != 0 ||
	    (r = link_setup(link, &early.cfg)) != 0)
		return failed("broker", r);
	if ((r = confine_process(early.cfg.workers * 2 + MORE_DESCRIPTORS)) !=
	    0)
		return failed("process limits", r);
	settle_heap();
	if ((r = make_arena(&early.cfg)) != 0)
		return failed("arena", r);
	if ((r = confine(&early.cfg)) != 0)
		return r;
	if (!(e = secmem_alloc(sizeof(*e))))
		return CL_ERR_MEMORY;
	*e = early;
	if ((r = make_parts(e, link, null)) != 0)
		return failed("workers (is [limits] arena_mb enough for "
			      "[limits] workers?)",
		    r);
	if ((r = close_filter(e)) != 0)
		return r;
	*out = e;
	return CL_OK;
}

/* systemd restarted the broker; it must say the same as the one before. */
static int
meet_again(struct engine *e)
{
	struct setup cfg;
	int fd, r;

	fd = accept4(e->broker_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return errno == EINTR || errno == EAGAIN ? CL_OK : CL_ERR_IO;
	if ((r = link_setup(fd, &cfg)) != 0) {
		close(fd);
		return CL_OK; /* it went away again */
	}
	link_replace(e->link, fd);
	if (memcmp(&cfg, &e->cfg, sizeof(cfg))) {
		log_info("the configuration has changed: the engine restarts");
		return CL_ERR_CONFIG;
	}
	log_info("the broker is back");
	return link_tell(e->link, BROKER_READY, NULL, 0);
}

/* The main thread: accepts, and watches the broker. */
static int
serve(struct engine *e)
{
	struct pollfd p[3] = {{e->database_fd, POLLIN, 0},
	    {link_fd(e->link), 0, 0}, {e->broker_fd, POLLIN, 0}};
	int r;

	for (;;) {
		if (poll(p, 3, -1) < 0) {
			if (errno != EINTR)
				return CL_ERR_IO;
			continue;
		}
		if (p[1].revents && e->broker_fd < 0)
			return CL_ERR_CLOSED; /* nobody keeps our state */
		if (p[1].revents)
			p[1].fd = -1; /* until another broker comes */
		if (p[2].revents) {
			if ((r = meet_again(e)) != 0)
				return r;
			p[1].fd = link_fd(e->link);
		}
		if (p[0].revents && !pool_accept(e->pool))
			return CL_ERR_IO;
	}
}

int
engine_main(void)
{
	struct engine *e = NULL;
	int r;

	prctl(PR_SET_NAME, "cloister-engine", 0, 0, 0);
	log_start("cloisterd", LOG_LEVEL_INFO, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (start(&e))
		_exit(ENGINE_EXIT_START);
	if ((r = pool_run(e->pool, boot_engine)) != 0)
		_exit(ENGINE_EXIT_START);
	r = serve(e);
	_exit(r == CL_ERR_CLOSED ? 0 : 1);
}
