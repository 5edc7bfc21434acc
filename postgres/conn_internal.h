/*
 * The connection, as the conn_*.c files share it. One per backend process.
 */
#ifndef CLOISTER_CONN_INTERNAL_H
#define CLOISTER_CONN_INTERNAL_H

#include "cloister.h"

#include "lib/ring.h"
#include "storage/latch.h"
#include "utils/timestamp.h"

/* Bytes received, or waiting to be sent; in TopMemoryContext. */
typedef struct ConnBuffer
{
	uint8	   *p;
	Size		start;			/* consumed before */
	Size		end;			/* filled up to */
	Size		cap;
} ConnBuffer;

typedef struct Conn
{
	pgsocket	sock;
	WaitEventSet *events;
	bool		ready;			/* HELLO is through */
	uint64		generation;
	uint8		boot[16];
	uint32		max_body;
	uint32		max_rows;
	uint32		max_sort;
	uint32		next_id;
	uint32		owed;			/* requests whose replies are not read yet */
	ConnBuffer	in;
	ConnBuffer	out;

	struct ring_header *ring;	/* NULL: not in use */
	struct ring_header *ring_map;	/* mapped, maybe not agreed on yet */
	bool		ring_tried;		/* once per connection */
	bool		ring_busy;		/* the slot's request is not answered yet */
	uint32		ring_seq;		/* own copy of request_seq */
	uint32		ring_id;		/* of the last request in the slot */
	ConnBuffer	ring_in;
	uint32		spin_vain;		/* spins to leave out after one in vain */
	uint32		spin_skip;		/* of which are left */
} Conn;

/* A part of a request's body. */
typedef struct ConnPart
{
	const void *p;
	Size		n;
} ConnPart;

#define CONN_PARTS 2

/* conn.c: one frame each way, without caring for readiness. */
extern int	conn_exchange(Conn *c, uint8 op, const ConnPart *parts, int fd,
						  struct rd *reply);

/* conn_open.c */
extern Conn *conn_get(void);
/* Why the connection broke, as an SQL error; hangs up first. */
_Noreturn extern void conn_lost(Conn *c, bool in_session);

/* conn_socket.c */
extern void socket_send(Conn *c, const uint8 *head, const ConnPart *parts,
						int fd);
/* Sends what waits; false when the peer is gone. */
extern bool socket_flush(Conn *c);
/* Reads what is there; false when the peer is gone. */
extern bool socket_fill(Conn *c);
/* Takes one frame out of what was read. */
extern bool socket_take(Conn *c, struct frame *f, struct rd *body);
extern void buffer_reserve(ConnBuffer *b, Size n);
extern void buffer_free(ConnBuffer *b);

/* conn_ring.c */
extern void ring_setup(Conn *c);
extern void ring_drop(Conn *c);
extern bool ring_fits(const Conn *c, Size body);
extern void ring_send(Conn *c, const uint8 *head, const ConnPart *parts);
/* Takes the reply when it is there and is the one wanted. */
extern bool ring_take(Conn *c, struct frame *f, struct rd *body);
extern void ring_spin(Conn *c);
/* Announces sleep; false when a reply came meanwhile. */
extern bool ring_may_sleep(Conn *c);
extern void ring_woke(Conn *c);

/* conn_wait.c */
/* A deadline is 0 before the first sleep, which starts it: most calls never
 * sleep and need not look at the clock. */

/* Sleeps until the socket is ready, the latch is set or a slice has passed;
 * raises on cancel, termination and deadline. */
extern void conn_sleep(Conn *c, bool writing, TimestampTz *deadline);
/* For a moment, without the socket: while connecting. */
extern void conn_pause(int ms, TimestampTz *deadline);

#endif
