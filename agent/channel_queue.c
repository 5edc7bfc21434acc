#include "agent/channel_queue.h"

#include <stddef.h>

static bool
is_before(const struct place *a, const struct place *b)
{
	if (a->turn != b->turn)
		return a->turn < b->turn;
	if (a->again != b->again)
		return b->again;
	return a->number < b->number;
}

/* Behind those of the same user, or behind all. */
static uint64_t
turn_of(const struct queue *q, const struct place *p)
{
	uint64_t turn = q->turn;
	const struct place *at;

	for (at = q->first; at; at = at->next)
		if (at->turn > turn &&
		    (p->again || (at->uid == p->uid && !at->again)))
			turn = at->turn;
	return turn + 1;
}

/* Of those that wait, the first or the last. */
static struct place *
find(const struct queue *q, bool last)
{
	struct place *at, *found = NULL;

	for (at = q->first; at; at = at->next)
		if (at->state == PLACE_WAITS &&
		    (!found || is_before(at, found) != last))
			found = at;
	return found;
}

bool
queue_join(struct queue *q, struct place *p)
{
	struct place *last;

	p->turn = turn_of(q, p);
	p->number = ++q->number;
	p->state = PLACE_WAITS;
	if (q->n >= q->max) {
		last = find(q, true);
		if (!last || is_before(last, p))
			return false;
		queue_leave(q, last, PLACE_REFUSED);
	}
	p->next = q->first;
	q->first = p;
	q->n++;
	return true;
}

struct place *
queue_next(const struct queue *q)
{
	return find(q, false);
}

void
queue_serve(struct queue *q, struct place *p)
{
	p->state = PLACE_SERVED;
	if (p->turn > q->turn)
		q->turn = p->turn;
}

void
queue_leave(struct queue *q, struct place *p, enum place_state state)
{
	struct place **at = &q->first;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at) {
		*at = p->next;
		q->n--;
	}
	p->next = NULL;
	p->state = state;
}
