#include "agent/broker_unseal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/broker_proto.h"
#include "lib/log.h"
#include "lib/secmem.h"

#define UNSEAL_SECONDS 60 /* a TPM may be slow, but not that slow */

static void
fetch(const struct config *c, int state_dir, const uint8_t pk[HPKE_PUBLIC],
    struct unseal_result *out)
{
	struct seal_config seal = {.provider = c->provider,
	    .state_dirfd = state_dir,
	    .tcti = c->tcti,
	    .pcrs = c->pcrs};
	uint8_t key[SEAL_KEY];

	memset(out, 0, sizeof(*out));
	out->status = seal_root_key(&seal, key, out->reason);
	if (!out->status)
		out->status =
		    hpke_seal(pk, BROKER_HPKE_INFO, strlen(BROKER_HPKE_INFO),
			NULL, 0, key, sizeof(key), out->enc, out->ct, NULL);
	secmem_wipe(key, sizeof(key));
	if (out->status && !out->reason[0])
		snprintf(out->reason, sizeof(out->reason), "%s",
		    err_text(out->status));
}

/* The child: its own process, so that nothing of the TPM's libraries, and no
 * copy of the key, is left in the broker. */
static void
child(struct broker *b, const uint8_t pk[HPKE_PUBLIC], int out)
{
	struct unseal_result res;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Not what it takes later: with a small limit that would fail. Without
	 * any, the key may be swapped in the moment that it is here. */
	if (mlockall(MCL_CURRENT))
		log_debug("the unsealing process is not locked");
	fetch(b->config, b->state_dir, pk, &res);
	_exit(write(out, &res, sizeof(res)) == sizeof(res) ? 0 : 1);
}

/* False: it was told to stop, or the time is up. */
static bool
wait_readable(struct broker *b, int fd)
{
	struct pollfd p[2] = {{fd, POLLIN, 0}, {b->signals, POLLIN, 0}};
	time_t end = time(NULL) + UNSEAL_SECONDS;

	while (time(NULL) < end) {
		if (poll(p, 2, 1000) < 0 && errno != EINTR)
			return false;
		if (p[0].revents)
			return true;
		/* SIGCHLD comes after the result; anything else is for the
		 * broker's loop, which reads it when this is over. */
		if (p[1].revents)
			p[1].fd = -1;
	}
	return false;
}

static void
give_up(struct unseal_result *out, const char *reason)
{
	memset(out, 0, sizeof(*out));
	out->status = CL_ERR_TPM;
	snprintf(out->reason, sizeof(out->reason), "%s", reason);
}

void
broker_unseal(
    struct broker *b, const uint8_t pk[HPKE_PUBLIC], struct unseal_result *out)
{
	int p[2];
	pid_t pid;

	give_up(out, "the unsealing process cannot be started");
	if (pipe(p))
		return;
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		child(b, pk, p[1]);
	}
	close(p[1]);
	if (pid > 0 && wait_readable(b, p[0])) {
		if (read(p[0], out, sizeof(*out)) != sizeof(*out))
			give_up(out, "the unsealing process died");
	} else if (pid > 0) {
		give_up(out, "the TPM does not answer");
		kill(pid, SIGKILL);
	}
	close(p[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}
