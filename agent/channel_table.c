#include "agent/channel_table.h"

#include <string.h>

#include "lib/secmem.h"

struct envelope *
envelope_hold(struct envelope *v)
{
	v->refs++;
	return v;
}

void
envelope_drop(struct envelope *v)
{
	if (!v || --v->refs)
		return;
	secmem_free(v->text);
	secmem_free(v);
}

void
channel_drop_envelope(struct channel_table *t, struct channel *c)
{
	if (!c->envelope)
		return;
	t->bytes -= c->envelope->n;
	envelope_drop(c->envelope);
	c->envelope = NULL;
}

static void
clear(struct channel_table *t, struct channel *c)
{
	channel_drop_envelope(t, c);
	secmem_wipe(c, sizeof(*c));
}

struct channel *
channel_find(struct channel_table *t, const uint8_t nonce[EVIDENCE_NONCE],
    const char *tee)
{
	int64_t now = engine_uptime_clock();
	struct channel *c;
	unsigned i;

	for (i = 0; i < t->max; i++) {
		c = &t->rows[i];
		if (c->expires && c->expires <= now)
			clear(t, c);
		else if (c->envelope && !strcmp(c->tee, tee) &&
			 !memcmp(c->nonce, nonce, EVIDENCE_NONCE))
			return c;
	}
	return NULL;
}

struct channel *
channel_of_claims(struct channel_table *t, const uint8_t hash[32])
{
	unsigned i;

	for (i = 0; i < t->max; i++)
		if (t->rows[i].expires && !memcmp(t->rows[i].hash, hash, 32))
			return &t->rows[i];
	return NULL;
}

/* A row is wanted if it is used, or else if it is of this user. */
static struct channel *
oldest(struct channel_table *t, bool used, uint32_t uid)
{
	struct channel *c, *found = NULL;
	unsigned i;

	for (i = 0; i < t->max; i++) {
		c = &t->rows[i];
		if (!(used ? c->used : c->uid == uid))
			continue;
		if (!found || c->number < found->number)
			found = c;
	}
	return found;
}

/* Who has most rows. */
static uint32_t
greediest(const struct channel_table *t)
{
	uint32_t uid = t->rows[0].uid;
	unsigned i, k, n, most = 0;

	for (k = 0; k < t->nuids; k++) {
		for (n = i = 0; i < t->max; i++)
			n += t->rows[i].uid == t->uids[k];
		if (n > most) {
			most = n;
			uid = t->uids[k];
		}
	}
	return uid;
}

static struct channel *
make_room(struct channel_table *t)
{
	struct channel *c;
	unsigned i;

	for (i = 0; i < t->max; i++)
		if (t->rows[i].expires == 0)
			return &t->rows[i];
	if (!(c = oldest(t, true, 0)))
		c = oldest(t, false, greediest(t));
	clear(t, c);
	return c;
}

/* Oldest envelopes go, but not the newest row's. */
static void
keep_budget(struct channel_table *t, const struct channel *newest)
{
	struct channel *c, *found;
	unsigned i;

	while (t->bytes > t->budget) {
		for (found = NULL, i = 0; i < t->max; i++) {
			c = &t->rows[i];
			if (c->envelope && c != newest &&
			    (!found || c->number < found->number))
				found = c;
		}
		if (!found)
			return;
		channel_drop_envelope(t, found);
	}
}

void
channel_keep(struct channel_table *t, struct channel *c)
{
	struct channel *row = make_room(t);

	*row = *c;
	row->number = ++t->number;
	t->bytes += row->envelope->n;
	secmem_wipe(c, sizeof(*c));
	keep_budget(t, row);
}
