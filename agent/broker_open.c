#include "agent/broker_open.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/evidence_log.h"
#include "agent/measure.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/secmem.h"

#define BINARY_MAX (256u << 20)
#define BACKLOG	   128

static int
open_state(struct broker *b)
{
	const char *path = b->config->state_dir;
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST) {
		log_error(
		    "state_dir %s cannot be made: %s", path, strerror(errno));
		return CL_ERR_IO;
	}
	b->state_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->state_dir < 0 || fstat(b->state_dir, &st)) {
		log_error("state_dir %s: %s", path, strerror(errno));
		return CL_ERR_IO;
	}
	if (st.st_mode & 0022) {
		log_error("state_dir %s can be written by others: chmod 700 it",
		    path);
		return CL_ERR_PERMISSION;
	}
	b->audit = openat(b->state_dir, "audit.log",
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->audit < 0) {
		log_error("%s/audit.log: %s", path, strerror(errno));
		return CL_ERR_IO;
	}
	return CL_OK;
}

static int
open_tee(struct broker *b)
{
	char reason[EVIDENCE_REASON];
	int r;

	config_evidence(b->config, &b->tee_config);
	r = evidence_provider_choose(
	    b->config->tee, &b->tee_config, &b->tee, reason);
	if (r) {
		log_error("tee %s: %s", b->config->tee, reason);
		return r;
	}
	log_info("tee %s: %s", b->tee->tee, reason);
	if (!strcmp(b->tee->tee, "sim"))
		log_warning("SIMULATED TEE: this evidence proves nothing; for "
			    "development only");
	return CL_OK;
}

static int
hash_binary(struct broker *b)
{
	struct crypto_part part;
	uint8_t *p = NULL;
	size_t n = 0;
	int r;

	r = file_read(AT_FDCWD, "/proc/self/exe", BINARY_MAX, &p, &n);
	part.p = p;
	part.n = n;
	if (!r)
		r = crypto_sha256(&part, 1, b->binary);
	secmem_free(p);
	if (r)
		log_error("/proc/self/exe: %s", err_text(r));
	return r;
}

/* A path that a dead agent left is removed; a living agent's is not. */
static int
remove_stale(const struct sockaddr_un *a)
{
	struct stat st;
	int fd, r;

	if (lstat(a->sun_path, &st))
		return CL_OK;
	if (!S_ISSOCK(st.st_mode)) {
		log_error("%s is there and is no socket", a->sun_path);
		return CL_ERR_EXISTS;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return CL_ERR_IO;
	r = connect(fd, (const struct sockaddr *)a, sizeof(*a));
	close(fd);
	if (r == 0) {
		log_error("another agent serves on %s", a->sun_path);
		return CL_ERR_EXISTS;
	}
	unlink(a->sun_path);
	return CL_OK;
}

/* Who may connect is decided by uid, so the path's mode lets everybody try. */
static int
open_listener(struct broker *b)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	mode_t mask;
	int r;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", b->config->socket);
	if ((r = remove_stale(&a)) != 0)
		return r;
	b->listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->listener < 0)
		return CL_ERR_IO;
	mask = umask(0111);
	r = bind(b->listener, (struct sockaddr *)&a, sizeof(a));
	umask(mask);
	if (r || listen(b->listener, BACKLOG)) {
		log_error("socket %s: %s", a.sun_path, strerror(errno));
		return CL_ERR_IO;
	}
	return CL_OK;
}

static int
open_signals(struct broker *b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return CL_ERR_INTERNAL;
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return b->signals < 0 ? CL_ERR_INTERNAL : CL_OK;
}

int
broker_open(struct broker *b)
{
	int r;

	b->listener = b->state_dir = b->audit = b->signals = b->link = -1;
	if ((r = open_signals(b)) != 0 || (r = open_state(b)) != 0 ||
	    (r = hash_binary(b)) != 0 || (r = open_tee(b)) != 0)
		return r;
	if (!strcmp(b->config->provider, "file"))
		log_warning("FILE SEALING: who can read %s has every sealed "
			    "key; for development only",
		    b->config->state_dir);
	if (b->foreground && (r = open_listener(b)) != 0)
		return r;
	/* Last, when nothing is in the way of the start that is measured. */
	evidence_log_remember();
	measure_start(
	    &b->tee_config, b->tee->tee, b->binary, b->config->digest);
	return CL_OK;
}

void
broker_close(struct broker *b)
{
	broker_evidence_end(b);
	if (b->listener >= 0) {
		unlink(b->config->socket);
		close(b->listener);
	}
	if (b->audit >= 0)
		close(b->audit);
	if (b->state_dir >= 0)
		close(b->state_dir);
	if (b->signals >= 0)
		close(b->signals);
}
