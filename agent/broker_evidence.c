#include "agent/broker_evidence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/broker.h"
#include "agent/broker_proto.h"
#include "lib/log.h"
#include "lib/secmem.h"
#include "policy/tpm_credential.h"

#define BUSY_MS	   100	  /* until another try, while a process asks */
#define END_TRIES  50	  /* of 20 ms */
#define ASK_MAX_MS 150000 /* drivers give up after 30 s (TDX) or 60 s (SNP) */

/* What a process is to do: evidence, or to open a credential. */
struct job {
	const struct evidence_provider *kind;
	const uint8_t *report_data, *credential;
	size_t credential_n; /* 0: evidence */
};

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* ---- the process that asks ---- */

/* Names of what the guest gives evidence of. */
static void
list_kinds(const struct broker *b, char out[128])
{
	static const char *const names[] = {"snp", "tdx", "csv", "tpm"};
	char why[EVIDENCE_REASON];
	const struct evidence_provider *p;
	size_t i, n;

	snprintf(out, 128, "%s", b->tee->tee);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		p = evidence_provider_by_name(names[i]);
		n = strlen(out);
		if (p != b->tee && p->probe(&b->tee_config, why) == CL_OK)
			snprintf(out + n, 128 - n, ", %s", p->tee);
	}
}

/* Another kind than the configured one has to be here; a simulated one is
 * only given by an agent that is configured so. */
static int
check_kind(const struct broker *b, const struct evidence_provider *p,
    char reason[EVIDENCE_REASON])
{
	char why[EVIDENCE_REASON] = "[agent] tee is not sim", kinds[128];
	int r = CL_ERR_UNSUPPORTED;

	if (p == b->tee)
		return CL_OK;
	if (strcmp(p->tee, "sim") != 0 &&
	    (r = p->probe(&b->tee_config, why)) == CL_OK)
		return CL_OK;
	list_kinds(b, kinds);
	snprintf(reason, EVIDENCE_REASON,
	    "expected a kind that this guest has (%s), came %s: %.100s", kinds,
	    p->tee, why[0] ? why : err_text(r));
	return CL_ERR_UNSUPPORTED;
}

static int
put_evidence(struct wr *out, const char *tee, const struct evidence *e)
{
	unsigned i;
	int r;

	if ((r = wr_blob(out, tee, strlen(tee))) != 0 ||
	    (r = wr_blob(out, e->raw, e->raw_n)) != 0 ||
	    (r = wr_blob(out, e->log ? e->log : e->raw, e->log_n)) != 0 ||
	    (r = wr_u32(out, e->nblobs)) != 0)
		return r;
	for (i = 0; i < e->nblobs && !r; i++)
		r = wr_blob(out, e->blobs[i].p, e->blobs[i].n);
	return r;
}

/* A secret that somebody sealed to the TPM that quotes; no key of ours. */
static int
activate(const struct broker *b, const struct job *j, struct wr *out,
    char reason[EVIDENCE_REASON])
{
	uint8_t secret[TPM_CREDENTIAL_SECRET];
	int r;

	if (j->kind != evidence_tpm()) {
		snprintf(reason, EVIDENCE_REASON,
		    "a credential is for evidence of kind tpm, not %s",
		    j->kind->tee);
		return CL_ERR_UNSUPPORTED;
	}
	r = evidence_tpm_activate(
	    &b->tee_config, j->credential, j->credential_n, secret, reason);
	if (r == 0)
		r = wr_bytes(out, secret, sizeof(secret));
	secmem_wipe(secret, sizeof(secret));
	return r;
}

/* Fills out behind the status. */
static int
produce(const struct broker *b, const struct job *j, struct wr *out,
    char reason[EVIDENCE_REASON])
{
	const struct evidence_provider *p = j->kind;
	struct evidence e;
	int r;

	if (j->credential_n)
		return activate(b, j, out, reason);
	memset(&e, 0, sizeof(e));
	if ((r = check_kind(b, p, reason)) == 0 &&
	    (r = p->produce(&b->tee_config, j->report_data, &e, reason)) == 0)
		r = put_evidence(out, p->tee, &e);
	if (r && !reason[0])
		snprintf(reason, EVIDENCE_REASON, "%s", err_text(r));
	evidence_clear(&e);
	return r;
}

/* What is the broker's alone: while the link is open here, the engine does not
 * see the broker go. A device may keep this process for long. */
static void
leave_broker(const struct broker *b, pid_t broker)
{
	const int its[] = {
	    b->listener, b->state_dir, b->audit, b->signals, b->link};
	size_t i;

	for (i = 0; i < sizeof(its) / sizeof(its[0]); i++)
		if (its[i] >= 0)
			close(its[i]);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != broker)
		_exit(1);
}

/* The exit status. */
static int
ask(const struct broker *b, const struct job *j, int fd)
{
	char reason[EVIDENCE_REASON] = "";
	size_t cap = BROKER_EVIDENCE_MAX + 2, at = 0;
	uint8_t *room = secmem_alloc(cap);
	struct wr out;
	ssize_t n;
	int r;

	if (!room)
		return 1;
	out = wr_make(room + 2, cap - 2);
	if ((r = produce(b, j, &out, reason)) != 0) {
		out.len = 0;
		if (wr_blob(&out, reason, strlen(reason)))
			return 1;
	}
	le16_put(room, (uint16_t)err_to_wire(r));
	for (; at < out.len + 2; at += (size_t)n) {
		n = write(fd, room + at, out.len + 2 - at);
		if (n <= 0)
			return 1;
	}
	return 0;
}

/* ---- the broker ---- */

static void
drop_result(struct broker_evidence *be)
{
	if (be->fd > 0)
		close(be->fd);
	be->fd = 0;
}

/* Where the time of a kind's last request is kept. */
static int64_t *
asked_at(struct broker_evidence *be, const struct evidence_provider *p)
{
	unsigned i;

	for (i = 0; i < BROKER_EVIDENCE_KINDS - 1; i++)
		if (!be->asked[i].kind || be->asked[i].kind == p)
			break;
	be->asked[i].kind = p;
	return &be->asked[i].ms;
}

/* Has the process ended? Its end is when the device was asked. */
static bool
is_done(struct broker_evidence *be)
{
	int status = 0;

	if (!be->pid)
		return true;
	if (waitpid(be->pid, &status, WNOHANG) == 0) {
		if (clock_ms() >= be->deadline_ms)
			kill(be->pid, SIGKILL);
		return false;
	}
	be->pid = 0;
	*asked_at(be, be->kind) = clock_ms();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	log_error(
	    "tee %s: the process that asked the device died", be->kind->tee);
	drop_result(be);
	return true;
}

static int
start(struct broker *b, const struct job *j)
{
	struct broker_evidence *be = &b->evidence;
	pid_t broker = getpid();

	drop_result(be);
	be->fd = memfd_create("evidence", MFD_CLOEXEC);
	if (be->fd < 0) {
		be->fd = 0;
		return CL_ERR_IO;
	}
	be->kind = j->kind;
	be->ticket++;
	be->deadline_ms = clock_ms() + ASK_MAX_MS;
	b->tee_config.asked_ms = *asked_at(be, j->kind);
	be->pid = fork();
	if (be->pid == 0) {
		leave_broker(b, broker);
		_exit(ask(b, j, be->fd));
	}
	if (be->pid > 0)
		return CL_OK;
	be->pid = 0;
	drop_result(be);
	return CL_ERR_IO;
}

static const struct evidence_provider *
kind_of(const struct broker *b, const uint8_t *name, size_t n)
{
	char tee[16];

	if (!n)
		return b->tee;
	memcpy(tee, name, n);
	tee[n] = '\0';
	return evidence_provider_by_name(tee);
}

/* Milliseconds until the device may be asked. */
static int64_t
pace(struct broker_evidence *be, const struct evidence_provider *p)
{
	int64_t *at = asked_at(be, p), ms;

	if (!is_done(be))
		return BUSY_MS;
	ms = *at ? *at + p->interval_ms - clock_ms() : 0;
	return ms > 0 ? ms : 0;
}

int
broker_on_evidence(struct broker *b, struct rd *in, struct wr *out)
{
	struct broker_evidence *be = &b->evidence;
	const uint8_t *name;
	struct job j;
	int64_t wait;
	size_t n;
	int r;

	if ((r = rd_view(in, &j.report_data, EVIDENCE_REPORT_DATA)) != 0 ||
	    (r = rd_blob(in, &name, &n, 15)) != 0 ||
	    (r = rd_blob(in, &j.credential, &j.credential_n,
		 TPM_CREDENTIAL_MAX)) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	if (!(j.kind = kind_of(b, name, n)))
		return CL_ERR_UNSUPPORTED;
	wait = pace(be, j.kind);
	if (!wait && (r = start(b, &j)) != 0) {
		log_error("no process can ask the device: %s", strerror(errno));
		return r;
	}
	return (r = wr_u32(out, (uint32_t)wait)) != 0 ? r
						      : wr_u32(out, be->ticket);
}

/* Of the process: a failure with its reason. */
static int
failure(struct broker *b, uint16_t status)
{
	struct broker_evidence *be = &b->evidence;
	uint8_t reason[EVIDENCE_REASON + 4];
	ssize_t n = pread(be->fd, reason, sizeof(reason), 2);
	struct rd in = rd_make(reason, n > 0 ? (size_t)n : 0);
	const uint8_t *p;
	size_t len;

	if (rd_blob(&in, &p, &len, EVIDENCE_REASON - 1) == 0) {
		memcpy(b->why, p, len);
		b->why[len] = '\0';
	}
	log_error("tee %s gives no evidence: %s", be->kind->tee, b->why);
	drop_result(be);
	return err_from_wire(status);
}

/* Whose result it is. */
static int
get_ticket(struct broker *b, struct rd *in)
{
	uint32_t ticket;
	int r;

	if ((r = rd_u32(in, &ticket)) != 0)
		return r;
	if (ticket == b->evidence.ticket && b->evidence.fd > 0)
		return CL_OK;
	snprintf(b->why, sizeof(b->why),
	    "the broker was restarted, or asked for other evidence meanwhile; "
	    "ask again");
	return CL_ERR_NOT_FOUND;
}

int
broker_on_evidence_size(struct broker *b, struct rd *in, struct wr *out)
{
	struct broker_evidence *be = &b->evidence;
	uint8_t status[2];
	struct stat st;
	int r;

	if ((r = get_ticket(b, in)) != 0 || (r = rd_end(in)) != 0)
		return r;
	if (!is_done(be))
		return wr_u32(out, 0);
	if (be->fd <= 0 || fstat(be->fd, &st) != 0 ||
	    pread(be->fd, status, 2, 0) != 2) {
		snprintf(b->why, sizeof(b->why),
		    "the process that asked the device died");
		return CL_ERR_IO;
	}
	if (le16_get(status))
		return failure(b, le16_get(status));
	return wr_u32(out, (uint32_t)st.st_size - 2);
}

int
broker_on_evidence_part(struct broker *b, struct rd *in, struct wr *out)
{
	struct broker_evidence *be = &b->evidence;
	uint32_t at, n;
	uint8_t *room;
	int r;

	if ((r = get_ticket(b, in)) != 0 || (r = rd_u32(in, &at)) != 0 ||
	    (r = rd_u32(in, &n)) != 0 || (r = rd_end(in)) != 0)
		return r;
	if (!is_done(be))
		return CL_ERR_STATE;
	if (n > BROKER_PART_MAX || at > BROKER_EVIDENCE_MAX)
		return CL_ERR_ARGUMENT;
	if ((r = wr_reserve(out, &room, n)) != 0)
		return r;
	return be->fd > 0 && pread(be->fd, room, n, at + 2) == (ssize_t)n
		   ? CL_OK
		   : CL_ERR_IO;
}

void
broker_evidence_end(struct broker *b)
{
	struct timespec t = {0, 20000000};
	unsigned i;

	for (i = 0; i < END_TRIES && !is_done(&b->evidence); i++)
		nanosleep(&t, NULL);
	if (b->evidence.pid)
		kill(b->evidence.pid, SIGKILL);
	for (; i && !is_done(&b->evidence); i--)
		nanosleep(&t, NULL);
	drop_result(&b->evidence);
}
