/*
 * Who gets the device next: callers of one user wait behind each other, users
 * take turns, and a connection that got evidence a moment ago waits behind all
 * that did not. A full queue turns away whoever would be last. No locks.
 */
#ifndef CLOISTER_AGENT_CHANNEL_QUEUE_H
#define CLOISTER_AGENT_CHANNEL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

enum place_state { PLACE_WAITS, PLACE_SERVED, PLACE_DONE, PLACE_REFUSED };

/* Of one caller, on its stack. */
struct place {
	uint32_t uid;
	bool again; /* its connection got evidence a moment ago */
	/* The queue's own: */
	enum place_state state;
	uint64_t turn, number;
	struct place *next;
};

struct queue {
	struct place *first;
	unsigned n, max; /* all that are in it, served ones too */
	uint64_t turn;	 /* of the one that was served last */
	uint64_t number;
};

/* False: it is full, and the newcomer would be last. True: it is in, and when
 * the queue was full, the last one has been taken out as PLACE_REFUSED. */
bool queue_join(struct queue *q, struct place *p);
/* The one whose turn it is among those that wait; NULL: none. */
struct place *queue_next(const struct queue *q);
/* p's turn has come. */
void queue_serve(struct queue *q, struct place *p);
/* Takes p out, in this state. */
void queue_leave(struct queue *q, struct place *p, enum place_state state);

#endif
