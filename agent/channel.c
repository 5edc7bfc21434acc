#include "agent/channel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/audit.h"
#include "agent/channel_fetch.h"
#include "agent/channel_queue.h"
#include "agent/channel_table.h"
#include "agent/conn.h"
#include "lib/secmem.h"
#include "lib/version.h"

struct channels {
	pthread_mutex_t lock;
	pthread_cond_t moved; /* the queue has; CLOCK_MONOTONIC */
	struct channel_table table;
	struct queue queue;
	bool busy;	 /* a caller asks the device, without the lock */
	int64_t cost_ms; /* of the last time */
};

/* A caller in the queue, on its stack. */
struct waiter {
	struct place place; /* first */
	const struct channel_ask *ask;
	int result;
	char why[ENGINE_REASON];
	struct envelope *envelope; /* held */
};

static int
init_locks(struct channels *all)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) ||
	    pthread_cond_init(&all->moved, &attr))
		return CL_ERR_INTERNAL;
	pthread_mutex_init(&all->lock, NULL);
	return CL_OK;
}

int
channels_new(struct channels **out, const struct setup *cfg)
{
	struct channels *all = secmem_alloc(sizeof(*all));
	struct channel_table *t;
	unsigned half = cfg->workers / 2;

	if (!all)
		return CL_ERR_MEMORY;
	t = &all->table;
	if (!(t->rows = secmem_alloc(cfg->max_channels * sizeof(*t->rows)))) {
		secmem_free(all);
		return CL_ERR_MEMORY;
	}
	t->max = cfg->max_channels;
	t->budget = ((size_t)cfg->arena_mb << 20) / CHANNEL_ARENA_SHARE;
	t->uids = cfg->uids;
	t->nuids = cfg->nuids;
	/* Workers have to be left for others. */
	all->queue.max = half < 1		    ? 1
			 : half < CHANNEL_QUEUE_MAX ? half
						    : CHANNEL_QUEUE_MAX;
	*out = all;
	return init_locks(all);
}

/* ---- one channel ---- */

static int
print_claims(struct engine *e, const char *tee, const uint8_t pk[HPKE_PUBLIC],
    char **text, size_t *n)
{
	struct evidence_claims c;

	memset(&c, 0, sizeof(c));
	snprintf(c.tee, sizeof(c.tee), "%.15s", tee);
	memcpy(c.channel_key, pk, sizeof(c.channel_key));
	c.issued = (int64_t)time(NULL);
	c.expires = c.issued + CHANNEL_LIFE;
	audit_key(e->audit, c.audit_key);
	memcpy(c.boot, e->boot, sizeof(c.boot));
	snprintf(c.version, sizeof(c.version), "%s", CLOISTER_VERSION);
	memcpy(c.binary, e->binary, sizeof(c.binary));
	memcpy(c.config, e->config, sizeof(c.config));
	snprintf(c.memory, sizeof(c.memory), "%s", secmem_kind());
	return evidence_claims_print(&c, text, n);
}

/* The evidence for claims that are printed, as text. */
static int
print_envelope(struct engine *e, const uint8_t nonce[EVIDENCE_NONCE],
    const char *claims, size_t claims_n, struct channel *c,
    char why[ENGINE_REASON])
{
	uint8_t report_data[EVIDENCE_REPORT_DATA];
	struct fetched f = {.reply = NULL};
	int r;

	if ((r = evidence_report_data(nonce, claims, claims_n, report_data)) !=
		0 ||
	    (r = channel_fetch(e, c->tee, report_data, &f, why)) != 0)
		goto out;
	memcpy(f.ev.nonce, nonce, EVIDENCE_NONCE);
	f.ev.claims = (char *)(uintptr_t)claims;
	f.ev.claims_n = claims_n;
	r = evidence_print(&f.ev, &c->envelope->text, &c->envelope->n);
	if (r == CL_ERR_TOO_LARGE)
		snprintf(why, ENGINE_REASON,
		    "evidence, log and endorsements exceed %u bytes",
		    EVIDENCE_TEXT_MAX);
out:
	channel_fetch_end(&f);
	return r;
}

/* The nonce of the channel becomes one that only the machine's TPM can know. */
static int
activate(struct engine *e, const struct channel_ask *ask, struct channel *c,
    char why[ENGINE_REASON])
{
	if (!ask->credential_n)
		return CL_OK;
	return channel_activate(
	    e, c->tee, ask->credential, ask->credential_n, c->nonce, why);
}

/* Without the lock. */
static int
make_channel(struct engine *e, const struct channel_ask *ask, struct channel *c,
    char why[ENGINE_REASON])
{
	uint8_t pk[HPKE_PUBLIC];
	char *claims = NULL;
	size_t n;
	int r;

	memset(c, 0, sizeof(*c));
	memcpy(c->nonce, ask->nonce, EVIDENCE_NONCE);
	memcpy(c->tee, ask->tee, sizeof(c->tee));
	c->uid = ask->uid;
	if (!(c->envelope = secmem_alloc(sizeof(*c->envelope))))
		return CL_ERR_MEMORY;
	c->envelope->refs = 1;
	if ((r = activate(e, ask, c, why)) != 0 ||
	    (r = hpke_keypair(c->sk, pk)) != 0 ||
	    (r = print_claims(e, c->tee, pk, &claims, &n)) != 0 ||
	    (r = evidence_claims_hash(claims, n, c->hash)) != 0 ||
	    (r = print_envelope(e, c->nonce, claims, n, c, why)) != 0)
		goto out;
	c->made = engine_uptime_clock();
	c->expires = c->made + CHANNEL_LIFE;
out:
	secmem_free(claims);
	return r;
}

/* ---- turns; the lock is held ---- */

static int
say_busy(const struct channels *all, char why[ENGINE_REASON])
{
	int64_t ms = all->queue.n * (all->cost_ms > 1000 ? all->cost_ms : 1000);

	snprintf(why, ENGINE_REASON,
	    "%u callers wait for evidence; come again in %lld seconds",
	    all->queue.n, (long long)((ms + 999) / 1000));
	return CL_ERR_BUSY;
}

/* Asks for nothing, so only a hang-up or an error is told. */
static bool
is_gone(int fd)
{
	struct pollfd p = {.fd = fd};

	return fd >= 0 && poll(&p, 1, 0) == 1;
}

static bool
is_same(const struct channel_ask *a, const struct channel_ask *b)
{
	return !memcmp(a->nonce, b->nonce, EVIDENCE_NONCE) &&
	       !strcmp(a->tee, b->tee) && a->credential_n == b->credential_n &&
	       (!a->credential_n ||
		   secmem_equal(a->credential, b->credential, a->credential_n));
}

/* For all that wait for the same; envelope is NULL when result is an error. */
static void
finish(struct channels *all, const struct channel_ask *ask, int result,
    const char *why, struct envelope *envelope)
{
	struct place *at, *next;
	struct waiter *w;

	for (at = all->queue.first; at; at = next) {
		next = at->next;
		w = (struct waiter *)at;
		if (!is_same(w->ask, ask))
			continue;
		w->result = result;
		snprintf(w->why, sizeof(w->why), "%s", why);
		w->envelope = envelope ? envelope_hold(envelope) : NULL;
		queue_leave(&all->queue, at, PLACE_DONE);
	}
}

/* It is this caller's turn. The lock is let go while the device works. */
static void
serve(struct engine *e, struct waiter *w)
{
	struct channels *all = e->channels;
	char why[ENGINE_REASON] = "";
	struct envelope *envelope = NULL;
	struct channel made;
	int64_t began = conn_clock();
	int r;

	queue_serve(&all->queue, &w->place);
	if (is_gone(w->ask->fd)) {
		queue_leave(&all->queue, &w->place, PLACE_DONE);
		return;
	}
	all->busy = true;
	pthread_mutex_unlock(&all->lock);
	r = make_channel(e, w->ask, &made, why);
	pthread_mutex_lock(&all->lock);
	all->busy = false;
	all->cost_ms = conn_clock() - began;
	if (r == 0) {
		envelope = made.envelope;
		channel_keep(&all->table, &made);
	} else {
		envelope_drop(made.envelope);
		secmem_wipe(&made, sizeof(made));
	}
	finish(all, w->ask, r, why, envelope);
}

static bool
wait_a_little(struct channels *all, int64_t until)
{
	struct timespec t = {until / 1000, until % 1000 * 1000000};

	return pthread_cond_timedwait(&all->moved, &all->lock, &t) != ETIMEDOUT;
}

static int
wait_turn(struct engine *e, struct waiter *w)
{
	struct channels *all = e->channels;
	int64_t until = conn_clock() + CHANNEL_WAIT_S * 1000;

	if (!queue_join(&all->queue, &w->place))
		return say_busy(all, w->why);
	pthread_cond_broadcast(&all->moved);
	while (w->place.state == PLACE_WAITS) {
		if (!all->busy && queue_next(&all->queue) == &w->place) {
			serve(e, w);
			pthread_cond_broadcast(&all->moved);
		} else if (!wait_a_little(all, until) &&
			   w->place.state == PLACE_WAITS) {
			queue_leave(&all->queue, &w->place, PLACE_REFUSED);
			pthread_cond_broadcast(&all->moved);
		}
	}
	return w->place.state == PLACE_DONE ? w->result : say_busy(all, w->why);
}

/* *envelope is held. */
static int
get_envelope(struct engine *e, const struct channel_ask *ask,
    struct envelope **envelope, char why[ENGINE_REASON])
{
	struct channel *c =
	    ask->credential_n
		? NULL
		: channel_find(&e->channels->table, ask->nonce, ask->tee);
	struct waiter w = {
	    .place = {.uid = ask->uid, .again = ask->again},
	    .ask = ask,
	    .result = CL_ERR_CLOSED,
	};
	int r;

	if (c) {
		*envelope = envelope_hold(c->envelope);
		return CL_OK;
	}
	r = wait_turn(e, &w);
	*envelope = w.envelope;
	memcpy(why, w.why, sizeof(w.why));
	return r;
}

static int
put_envelope(const struct envelope *v, struct wr *out, char why[ENGINE_REASON])
{
	int r = wr_blob(out, v->text, v->n);

	if (r)
		snprintf(why, ENGINE_REASON,
		    "the evidence has %zu bytes: raise [limits] max_frame_mb",
		    v->n);
	return r;
}

int
channel_evidence(struct engine *e, const struct channel_ask *ask,
    struct wr *out, char why[ENGINE_REASON])
{
	struct channels *all = e->channels;
	struct envelope *envelope = NULL;
	struct channel_ask full = *ask;
	int r;

	why[0] = '\0';
	if (!full.tee[0])
		memcpy(full.tee, e->cfg.tee, sizeof(full.tee));
	pthread_mutex_lock(&all->lock);
	r = get_envelope(e, &full, &envelope, why);
	pthread_mutex_unlock(&all->lock);
	if (r)
		return r;
	r = put_envelope(envelope, out, why);
	pthread_mutex_lock(&all->lock);
	envelope_drop(envelope);
	pthread_mutex_unlock(&all->lock);
	return r;
}

int
channel_take(
    struct channels *all, const uint8_t claims_hash[32], uint8_t sk[32])
{
	struct channel *c;
	int r = CL_ERR_NOT_FOUND;

	pthread_mutex_lock(&all->lock);
	c = channel_of_claims(&all->table, claims_hash);
	if (c && c->used) {
		r = CL_ERR_REPLAYED;
	} else if (c) {
		r = c->expires <= engine_uptime_clock() ? CL_ERR_EXPIRED
							: CL_OK;
		memcpy(sk, c->sk, HPKE_PRIVATE);
		secmem_wipe(c->sk, sizeof(c->sk));
		c->used = true;
		channel_drop_envelope(&all->table, c);
	}
	pthread_mutex_unlock(&all->lock);
	return r;
}
