#include "agent/channel.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/audit.h"
#include "agent/link.h"
#include "lib/log.h"
#include "lib/secmem.h"
#include "lib/version.h"
#include "policy/endorse.h"

struct channel {
	int64_t made;	 /* CLOCK_BOOTTIME seconds */
	int64_t expires; /* 0: row is free */
	bool used;
	uint8_t nonce[EVIDENCE_NONCE];
	uint8_t hash[32];
	uint8_t sk[HPKE_PRIVATE];
	char *text; /* the envelope */
	size_t n;
};

struct channels {
	pthread_mutex_t lock;
	unsigned max;
	struct channel *rows;
};

int
channels_new(struct channels **out, unsigned max)
{
	struct channels *all = secmem_alloc(sizeof(*all));

	if (!all)
		return CL_ERR_MEMORY;
	all->rows = secmem_alloc(max * sizeof(*all->rows));
	if (!all->rows) {
		secmem_free(all);
		return CL_ERR_MEMORY;
	}
	all->max = max;
	pthread_mutex_init(&all->lock, NULL);
	*out = all;
	return CL_OK;
}

static void
clear(struct channel *c)
{
	secmem_free(c->text);
	secmem_wipe(c, sizeof(*c));
}

/* A free row, else the oldest. */
static struct channel *
make_room(struct channels *all)
{
	struct channel *c, *oldest = &all->rows[0];
	unsigned i;

	for (i = 0; i < all->max; i++) {
		c = &all->rows[i];
		if (c->expires == 0)
			return c;
		if (c->made < oldest->made)
			oldest = c;
	}
	clear(oldest);
	return oldest;
}

static int
print_claims(
    struct engine *e, const uint8_t pk[HPKE_PUBLIC], char **text, size_t *n)
{
	struct evidence_claims c;

	memset(&c, 0, sizeof(c));
	snprintf(c.tee, sizeof(c.tee), "%.15s", e->cfg.tee);
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

/* Until the end of the broker's reply. */
static int
take_endorsements(struct rd *in, struct evidence *ev)
{
	const uint8_t *p;
	uint32_t count, i;
	size_t n;
	int r;

	if ((r = rd_u32(in, &count)) != 0)
		return r;
	for (i = 0; i < count; i++) {
		if ((r = rd_blob(in, &p, &n, BROKER_MAX_PACKET)) != 0)
			return r;
		/* A host may give anything; owners can look elsewhere. */
		if (!endorse_type(p, n))
			log_warning("endorsement %u of the platform is of an "
				    "unknown form and left out",
			    i);
		else if ((r = evidence_add_blob(ev, p, n)) != 0)
			return r;
	}
	return rd_end(in);
}

/* Asks the broker's device; fills tee, raw and endorsements. */
static int
fetch_raw(struct engine *e, const uint8_t report_data[EVIDENCE_REPORT_DATA],
    struct evidence *ev, char why[ENGINE_REASON])
{
	size_t n = BROKER_MAX_PACKET, tee_n;
	uint8_t *reply = secmem_alloc(n);
	const uint8_t *tee, *raw;
	struct rd in;
	int r = CL_ERR_MEMORY;

	if (!reply)
		goto out;
	r = link_call(e->link, BROKER_EVIDENCE, report_data,
	    EVIDENCE_REPORT_DATA, reply, &n, why);
	if (r)
		goto out;
	in = rd_make(reply, n);
	if ((r = rd_blob(&in, &tee, &tee_n, sizeof(ev->tee) - 1)) != 0 ||
	    (r = rd_blob(&in, &raw, &ev->raw_n, EVIDENCE_RAW_MAX)) != 0 ||
	    (r = take_endorsements(&in, ev)) != 0)
		goto out;
	r = CL_ERR_MEMORY;
	if (!(ev->raw = secmem_alloc(ev->raw_n)))
		goto out;
	memcpy(ev->tee, tee, tee_n);
	memcpy(ev->raw, raw, ev->raw_n);
	r = CL_OK;
out:
	secmem_free(reply);
	return r;
}

/* Fills a row for the nonce. */
static int
make_channel(struct engine *e, const uint8_t nonce[EVIDENCE_NONCE],
    struct channel *c, char why[ENGINE_REASON])
{
	uint8_t pk[HPKE_PUBLIC], report_data[EVIDENCE_REPORT_DATA];
	struct evidence ev;
	int r;

	memset(&ev, 0, sizeof(ev));
	memcpy(ev.nonce, nonce, EVIDENCE_NONCE);
	memcpy(c->nonce, nonce, EVIDENCE_NONCE);
	if ((r = hpke_keypair(c->sk, pk)) != 0 ||
	    (r = print_claims(e, pk, &ev.claims, &ev.claims_n)) != 0 ||
	    (r = evidence_claims_hash(ev.claims, ev.claims_n, c->hash)) != 0 ||
	    (r = evidence_report_data(
		 nonce, ev.claims, ev.claims_n, report_data)) != 0 ||
	    (r = fetch_raw(e, report_data, &ev, why)) != 0 ||
	    (r = evidence_print(&ev, &c->text, &c->n)) != 0)
		goto out;
	c->made = engine_uptime_clock();
	c->expires = c->made + CHANNEL_LIFE;
out:
	evidence_clear(&ev);
	return r;
}

static int
copy_text(const struct channel *c, char **text, size_t *n)
{
	if (!(*text = secmem_alloc(c->n)))
		return CL_ERR_MEMORY;
	memcpy(*text, c->text, c->n);
	*n = c->n;
	return CL_OK;
}

/* The lock is held. */
static struct channel *
find_nonce(struct channels *all, const uint8_t nonce[EVIDENCE_NONCE])
{
	int64_t now = engine_uptime_clock();
	struct channel *c;
	unsigned i;

	for (i = 0; i < all->max; i++) {
		c = &all->rows[i];
		if (c->expires && c->expires <= now)
			clear(c);
		else if (c->expires && !c->used &&
			 !memcmp(c->nonce, nonce, EVIDENCE_NONCE))
			return c;
	}
	return NULL;
}

int
channel_evidence(struct engine *e, const uint8_t nonce[EVIDENCE_NONCE],
    char **text, size_t *n, char why[ENGINE_REASON])
{
	struct channels *all = e->channels;
	struct channel *c;
	int r = CL_OK;

	why[0] = '\0';
	pthread_mutex_lock(&all->lock);
	c = find_nonce(all, nonce);
	if (!c) {
		c = make_room(all);
		if ((r = make_channel(e, nonce, c, why)) != 0)
			clear(c);
	}
	if (!r)
		r = copy_text(c, text, n);
	pthread_mutex_unlock(&all->lock);
	return r;
}

int
channel_take(
    struct channels *all, const uint8_t claims_hash[32], uint8_t sk[32])
{
	struct channel *c = NULL;
	int r = CL_ERR_NOT_FOUND;
	unsigned i;

	pthread_mutex_lock(&all->lock);
	for (i = 0; i < all->max && !c; i++)
		if (all->rows[i].expires &&
		    !memcmp(all->rows[i].hash, claims_hash, 32))
			c = &all->rows[i];
	if (c && c->used) {
		r = CL_ERR_REPLAYED;
	} else if (c) {
		r = c->expires <= engine_uptime_clock() ? CL_ERR_EXPIRED
							: CL_OK;
		memcpy(sk, c->sk, HPKE_PRIVATE);
		secmem_wipe(c->sk, sizeof(c->sk));
		c->used = true;
	}
	pthread_mutex_unlock(&all->lock);
	return r;
}
