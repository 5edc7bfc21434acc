/*
 * Workers and who gets them. All workers are started before the filter closes
 * and wait; the main thread accepts, checks who connects, and hands the
 * connection to a free one. The last free worker serves control operations
 * only; with none free the client is told so at once.
 */
#ifndef CLOISTER_AGENT_ACCEPT_H
#define CLOISTER_AGENT_ACCEPT_H

#include "agent/engine.h"
#include "lib/err.h"

struct pool;
struct tenant;

/* Starts the workers and waits until each has run warm_up. The threads have
 * stacks in the arena and every signal blocked; they are never joined. */
CL_MUST_CHECK int pool_start(
    struct engine *e, int (*warm_up)(void), struct pool **out);
/* Runs f once in a worker (never in the main thread: it may touch keys) and
 * waits for its result. */
CL_MUST_CHECK int pool_run(struct pool *p, int (*f)(struct engine *e));
/* Accepts one client and places it. False: the listener has failed. */
bool pool_accept(struct pool *p);
/* Drops the sessions, programs and sorts of t in every worker. */
void pool_drop_tenant(struct pool *p, struct tenant *t);
unsigned pool_busy(struct pool *p);
/* A lease was given or taken: the housekeeper looks again. */
void pool_wake_housekeeper(struct pool *p);

#endif
