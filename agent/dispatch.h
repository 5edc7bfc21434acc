/*
 * From a frame to its handler: one table row per operation. A missing row is
 * a refusal; handlers never check state or session themselves.
 */
#ifndef CLOISTER_AGENT_DISPATCH_H
#define CLOISTER_AGENT_DISPATCH_H

#include "agent/conn.h"

/*
 * Handler: reads its body to the end, writes the reply's body, or returns the
 * error whose detail it noted with conn_fail().
 */
typedef int (*dispatch_handler)(struct conn *c, struct rd *in, struct wr *out);

struct dispatch_row {
	uint8_t op;
	const char *name;
	uint8_t states; /* bits of enum conn_state */
	bool control;	/* served by the last free worker too */
	bool works;	/* uses session, programs or sorts: under conn's lock */
	bool silent;	/* has no reply when it succeeds */
	dispatch_handler handler;
};

/* NULL: no such operation. */
const struct dispatch_row *dispatch_row(uint8_t op);
/* Composes the whole reply frame in c->out; *n is its size, 0 for none. */
void dispatch_frame(
    struct conn *c, const struct frame *f, const uint8_t *body, size_t *n);

#endif
