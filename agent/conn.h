/*
 * One client connection, served by one worker to its end: its socket, its
 * buffers, its state. Buffers are mapped once per worker, before the filter
 * closes, and hold ciphertext only.
 */
#ifndef CLOISTER_AGENT_CONN_H
#define CLOISTER_AGENT_CONN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/engine.h"
#include "lib/frame.h"

#define CONN_DETAIL 384u

enum conn_state { CONN_NEW = 1, CONN_READY = 2, CONN_SESSION = 4 };

struct conn {
	struct engine *e;
	unsigned number; /* of the worker, for the log */
	/* Held while session, programs or sorts are used: another worker that
	 * withdraws a tenant's keys takes it too. */
	pthread_mutex_t work;
	int fd;
	uint32_t uid;
	int32_t pid;
	bool control_only; /* the last free worker serves the owner alone */
	enum conn_state state;
	uint8_t *in; /* unread bytes are in[in_at .. in_end) */
	size_t in_cap, in_at, in_end;
	uint8_t *out; /* FRAME_HEADER + max_frame bytes */
	size_t out_cap;
	/* Since when (milliseconds of CLOCK_MONOTONIC) it waits with nothing
	 * under way and no session; 0: it does not; -1: its place was given
	 * away. */
	atomic_int_least64_t idle_since;
	int64_t evidence_at; /* it got evidence, as conn_clock() says; or 0 */
	int passed_fd;	     /* came beside bytes of the socket, or -1 */
	bool passed_many;
	struct session *session;
	bool opener; /* the session is this connection's own */
	struct programs *programs;
	struct sorts *sorts;
	struct ring *ring;
	struct eval_scratch *scratch;
	char detail[CONN_DETAIL];
	uint32_t wanted_tag;
};

/* Maps buffers and makes the worker's tables. */
CL_MUST_CHECK int conn_init(struct conn *c, struct engine *e, unsigned number);
/* A new client; c->fd and the peer are set. */
void conn_begin(struct conn *c);
/* Closes, drops all that the client had, gives large buffers back. */
void conn_end(struct conn *c);
/* Drops programs and sorts, which hold keys; work is held. */
void conn_drop_keys(struct conn *c);
/* The same and the session; close ends it for all that joined. */
void conn_drop_session(struct conn *c, bool close);

/* Receives what is there, at least a byte. wait_ms < 0: for ever.
 * CL_ERR_CLOSED, _TIMEOUT, _IO. */
CL_MUST_CHECK int conn_fill(struct conn *c, int wait_ms);
CL_MUST_CHECK int conn_send(struct conn *c, const uint8_t *p, size_t n);
/* Closes an idle connection from another thread, so that its worker comes
 * free; since: what idle_since was. False when it is idle no longer. */
bool conn_evict(struct conn *c, int64_t since);
/* Milliseconds of CLOCK_MONOTONIC, never 0. */
int64_t conn_clock(void);
/* Takes the descriptor that came with the current request; -1 when there is
 * not exactly one. */
int conn_take_fd(struct conn *c);
/* Makes room behind in_end by moving unread bytes to the front. */
void conn_compact(struct conn *c);

/* Notes the reply's detail and returns code. Never data, never keys. */
int conn_fail(struct conn *c, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
