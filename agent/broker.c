#include "agent/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "agent/broker_open.h"
#include "agent/broker_serve.h"
#include "agent/engine.h"
#include "lib/log.h"

#define BACK_OFF_FIRST_MS 100
#define BACK_OFF_MAX_MS	  10000
#define CALM_SECONDS	  30 /* of service, after which back-off begins anew */
#define STOP_SECONDS	  3  /* that the engine has to leave */
#define CHILD_FIRST_FD	  SD_LISTEN_FDS_START

/* The engine's uid when root starts it; the broker's own otherwise. */
static int
find_user(const struct config *c, struct setup *s)
{
	struct passwd *pw;

	if (geteuid() != 0)
		return CL_OK;
	pw = getpwnam(c->user);
	if (!pw || pw->pw_uid == 0) {
		log_error("[agent] user: expected an unprivileged user, got "
			  "'%s'",
		    c->user);
		return CL_ERR_CONFIG;
	}
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	return CL_OK;
}

/* Moves fd to where the engine expects it, without O_CLOEXEC. */
static void
place(int fd, int at)
{
	if (dup2(fd, at) < 0)
		_exit(ENGINE_EXIT_START);
}

static void
become_engine(struct broker *b, int link)
{
	char *const argv[] = {(char *)"cloisterd", (char *)"--engine", NULL};
	char pid[32];
	char *const envp[] = {pid, (char *)"LISTEN_FDS=2",
	    (char *)"LISTEN_FDNAMES=database:link", NULL};
	sigset_t none;
	int high_listener, high_link;

	/* First out of the way of the places, then into them. */
	high_listener = fcntl(b->listener, F_DUPFD, CHILD_FIRST_FD + 2);
	high_link = fcntl(link, F_DUPFD, CHILD_FIRST_FD + 2);
	place(high_listener, CHILD_FIRST_FD);
	place(high_link, CHILD_FIRST_FD + 1);
	snprintf(pid, sizeof(pid), "LISTEN_PID=%d", getpid());
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve("/proc/self/exe", argv, envp);
	_exit(ENGINE_EXIT_START);
}

static int
fork_engine(struct broker *b)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p))
		return CL_ERR_IO;
	b->engine = fork();
	if (b->engine == 0)
		become_engine(b, p[1]);
	close(p[1]);
	b->link = p[0];
	return b->engine < 0 ? CL_ERR_IO : CL_OK;
}

static int
connect_engine(struct broker *b)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(
	    a.sun_path, sizeof(a.sun_path), "%s", b->config->engine_socket);
	b->link = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (b->link < 0)
		return CL_ERR_IO;
	if (connect(b->link, (struct sockaddr *)&a, sizeof(a))) {
		log_error(
		    "the engine's socket %s: %s", a.sun_path, strerror(errno));
		return CL_ERR_IO;
	}
	return CL_OK;
}

static int
start_engine(struct broker *b)
{
	struct setup s = b->config->setup;
	int r;

	b->ready = false;
	if ((r = find_user(b->config, &s)) != 0)
		return r;
	if (!b->foreground)
		s.uid = s.gid = SETUP_NO_UID; /* systemd has done it */
	snprintf(s.tee, sizeof(s.tee), "%s", b->tee->tee); /* never "auto" */
	if ((r = b->foreground ? fork_engine(b) : connect_engine(b)) != 0)
		return r;
	return broker_send_setup(b, &s);
}

static void
read_signals(struct broker *b)
{
	struct signalfd_siginfo s;

	while (read(b->signals, &s, sizeof(s)) == sizeof(s))
		if (s.ssi_signo != SIGCHLD)
			b->stop = true;
}

/* Serves until the engine or the order to stop ends it. */
static void
serve_engine(struct broker *b)
{
	struct pollfd p[2] = {{b->link, POLLIN, 0}, {b->signals, POLLIN, 0}};

	while (!b->stop) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			read_signals(b);
		if (!b->stop && p[0].revents && broker_serve_packet(b) != 0)
			return;
	}
}

static void
sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* A sleep that a signal to stop ends. */
static void
back_off(struct broker *b, int ms)
{
	struct pollfd p = {b->signals, POLLIN, 0};

	if (poll(&p, 1, ms) > 0)
		read_signals(b);
}

/* *status: of the engine, when it ended by itself. */
static bool
reap(struct broker *b, int *status)
{
	int i;

	for (i = 0; i < STOP_SECONDS * 50; i++) {
		if (waitpid(b->engine, status, WNOHANG) == b->engine)
			return true;
		sleep_ms(20);
	}
	kill(b->engine, SIGKILL);
	waitpid(b->engine, status, 0);
	return false;
}

/* Closes the link, which tells the engine to leave. False: starting it again
 * would end the same way. */
static bool
end_engine(struct broker *b)
{
	int status = 0;

	if (b->link >= 0)
		close(b->link);
	b->link = -1;
	if (b->engine <= 0)
		return true;
	if (!reap(b, &status))
		log_warning("the engine did not leave and was killed");
	b->engine = 0;
	if (b->stop)
		return true;
	if (WIFSIGNALED(status))
		log_error("the engine died by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		log_error(
		    "the engine ended with status %d", WEXITSTATUS(status));
	return b->ready || !WIFEXITED(status) ||
	       WEXITSTATUS(status) != ENGINE_EXIT_START;
}

/* The exit status. */
static int
run(struct broker *b)
{
	int wait = BACK_OFF_FIRST_MS, r;
	time_t began;

	while (!b->stop) {
		began = time(NULL);
		r = start_engine(b);
		if (r == CL_OK)
			serve_engine(b);
		if (!end_engine(b) || r == CL_ERR_CONFIG)
			return 1;
		if (b->stop)
			break;
		if (time(NULL) - began >= CALM_SECONDS)
			wait = BACK_OFF_FIRST_MS;
		log_info("the engine is %s again in %d ms",
		    b->foreground ? "started" : "looked for", wait);
		sd_notifyf(0, "STATUS=engine is gone; again in %d ms", wait);
		back_off(b, wait);
		wait = wait * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : wait * 2;
	}
	return 0;
}

/* The broker holds no key, but it carries wrapped ones and owns the device. */
static int
harden(void)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return CL_ERR_PERMISSION;
	signal(SIGPIPE, SIG_IGN);
	return CL_OK;
}

int
broker_main(const struct config *c, bool foreground)
{
	struct broker b;
	int status = 1;

	memset(&b, 0, sizeof(b));
	b.config = c;
	b.foreground = foreground;
	log_start("cloisterd",
	    c->setup.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, NULL);
	if (harden() == CL_OK && broker_open(&b) == CL_OK)
		status = run(&b);
	sd_notify(0, "STOPPING=1");
	if (b.stop)
		log_info("stopped");
	broker_close(&b);
	return status;
}
