/*
 * Calls: a request goes out by ring or socket, its reply comes back by either.
 * When a wait ends early (cancel, deadline) the reply is owed, and the next
 * call reads and drops it first, so that a cancelled query costs neither the
 * connection nor the session. So one call is under way at a time.
 */
#include "conn_internal.h"

#include "miscadmin.h"

#define MAX_PUSHES 16			/* groups for one request */

static char detail[1024];
static int	detail_of;			/* status of the last call */
static uint32 wanted_tag;

const char *
conn_detail(int status)
{
	return status == detail_of ? detail : "";
}

uint32
conn_wanted_tag(void)
{
	return wanted_tag;
}

/* Requests that are legal in a session only. */
static bool
needs_session(uint8 op)
{
	return op >= OP_PREPARE || op == OP_GROUP;
}

static bool
frame_there(Conn *c, struct frame *f, struct rd *body)
{
	return ring_take(c, f, body) || socket_take(c, f, body);
}

/* Moves bytes and sleeps until a frame is there. */
static void
next_frame(Conn *c, uint8 op, struct frame *f, struct rd *body,
		   TimestampTz *deadline)
{
	while (!frame_there(c, f, body))
	{
		bool		gone = !socket_flush(c);

		gone = !socket_fill(c) || gone;
		if (frame_there(c, f, body))
			return;
		if (gone)
			conn_lost(c, needs_session(op));
		if (ring_may_sleep(c))
			conn_sleep(c, c->out.end > c->out.start, deadline);
		ring_woke(c);
	}
}

/* Reads replies until that of id is there, or, for id 0, until none is owed. */
static void
read_replies(Conn *c, uint8 op, uint32 id, struct frame *f, struct rd *body)
{
	TimestampTz deadline = 0;

	while (c->owed > 0)
	{
		next_frame(c, op, f, body, &deadline);
		if (f->op == OP_BELL)
			continue;
		if (!(f->flags & FRAME_REPLY))
			conn_bad_reply();
		/* A connection too many is answered before it asked: id 0. */
		if (f->id == 0 && !c->ready && f->status != 0)
			return;
		c->owed--;
		if (id != 0 && f->id == id)
			return;
	}
	if (id != 0)
		conn_bad_reply();
}

static int
read_failure(const struct frame *f, struct rd *body)
{
	int			status = err_from_wire(f->status);
	const uint8_t *text;
	size_t		n;

	conn_check(rd_blob(body, &text, &n, body->left));
	n = Min(n, sizeof(detail) - 1);
	/* For logs and clients of any encoding, whatever the agent sends. */
	for (size_t i = 0; i < n; i++)
		detail[i] = text[i] >= ' ' && text[i] < 0x7f ? (char) text[i] : '?';
	detail[n] = '\0';
	detail_of = status;
	if (status == CL_ERR_NEED_GROUP)
		conn_check(rd_u32(body, &wanted_tag));
	conn_check(rd_end(body));
	return status;
}

/* The ring takes one request at a time, and none past one on the socket. */
static uint32
send_request(Conn *c, uint8 op, const ConnPart *parts, int fd)
{
	struct frame f = {.op = op};
	uint8		head[FRAME_HEADER];

	if (++c->next_id == 0)
		c->next_id = 1;
	f.id = c->next_id;
	for (int i = 0; i < CONN_PARTS; i++)
		f.body_len += parts[i].n;
	frame_put(head, &f);
	if (fd < 0 && c->owed == 0 && ring_fits(c, f.body_len))
		ring_send(c, head, parts);
	else
		socket_send(c, head, parts, fd);
	c->owed++;
	return f.id;
}

int
conn_exchange(Conn *c, uint8 op, const ConnPart *parts, int fd,
			  struct rd *reply)
{
	struct frame f;
	uint32		id;

	detail_of = CL_OK;
	wanted_tag = 0;
	if (c->owed > 0)
		read_replies(c, op, 0, &f, reply);
	id = send_request(c, op, parts, fd);
	ring_spin(c);
	read_replies(c, op, id, &f, reply);
	return f.status ? read_failure(&f, reply) : CL_OK;
}

int
conn_call2(uint8 op, const void *head, Size head_len, const void *body,
		   Size len, struct rd *reply)
{
	ConnPart	parts[CONN_PARTS] = {{head, head_len}, {body, len}};
	Conn	   *c = conn_get();

	/* An agent that restarted while we were idle is not an error, as long as
	 * no session is lost with it. */
	if (!needs_session(op) && c->ready && !socket_fill(c))
		conn_close();
	conn_open();
	if (head_len + len > c->max_body)
	{
		snprintf(detail, sizeof(detail), "A request of %zu bytes; the agent "
				 "takes %u.", head_len + len, c->max_body);
		detail_of = CL_ERR_TOO_LARGE;
		return CL_ERR_TOO_LARGE;
	}
	ring_setup(c);
	return conn_exchange(c, op, parts, -1, reply);
}

int
conn_call(uint8 op, const void *body, Size len, struct rd *reply)
{
	return conn_call2(op, body, len, NULL, 0, reply);
}

void
conn_must(uint8 op, const void *body, Size len, struct rd *reply)
{
	int			r;

	for (int pushed = 0;
		 (r = conn_call(op, body, len, reply)) == CL_ERR_NEED_GROUP &&
		 pushed < MAX_PUSHES; pushed++)
		catalog_push_group(wanted_tag);
	if (r != CL_OK)
		conn_error(r);
}

void
conn_post(uint8 op, const void *body, Size len)
{
	ConnPart	parts[CONN_PARTS] = {{body, len}, {NULL, 0}};
	Conn	   *c = conn_get();

	if (c->ready)
		send_request(c, op, parts, -1);
}
