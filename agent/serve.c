#include "agent/serve.h"

#include "agent/conn.h"
#include "agent/dispatch.h"
#include "agent/ring_service.h"
#include "lib/log.h"

struct request {
	struct frame f;
	const uint8_t *body;
	bool ring; /* came through the ring */
};

/* CL_ERR_NOT_FOUND: no whole frame yet. */
static int
take_from_socket(struct conn *c, struct request *rq)
{
	const uint8_t *p = c->in + c->in_at;
	int r = CL_ERR_FORMAT;

	switch (frame_next(
	    p, c->in_end - c->in_at, c->e->cfg.max_frame, &rq->f, &r)) {
	case FRAME_MORE:
		return CL_ERR_NOT_FOUND;
	case FRAME_BAD:
		return r;
	case FRAME_ONE:
		break;
	}
	rq->body = p + FRAME_HEADER;
	rq->ring = false;
	c->in_at += FRAME_HEADER + rq->f.body_len;
	return CL_OK;
}

static int
take_from_ring(struct conn *c, struct request *rq)
{
	if (!ring_attached(c->ring))
		return CL_ERR_NOT_FOUND;
	rq->ring = true;
	return ring_take(c->ring, c->e->cfg.max_frame, &rq->f, &rq->body);
}

/* A client that has no session and nothing under way may lose its place to
 * another (accept.c). Once that has happened its bytes are not looked at, so it
 * may safely send them again. */
static int
fill_idle(struct conn *c, int wait_ms)
{
	bool idle = !c->session && c->in_at == c->in_end;
	int r;

	if (!idle)
		return conn_fill(c, wait_ms);
	atomic_store(&c->idle_since, conn_clock());
	r = conn_fill(c, wait_ms);
	return atomic_exchange(&c->idle_since, 0) < 0 ? CL_ERR_CLOSED : r;
}

/* Sleeps on the socket; a ring that is watched counts as awake until here. */
static int
sleep_on_socket(struct conn *c, int wait_ms)
{
	int r;

	if (!ring_attached(c->ring))
		return fill_idle(c, wait_ms);
	if (ring_watch(c->ring, &c->e->ring_awake, c->e->cpus))
		return CL_OK;
	atomic_fetch_sub(&c->e->ring_awake, 1);
	r = fill_idle(c, wait_ms);
	atomic_fetch_add(&c->e->ring_awake, 1);
	ring_wake(c->ring);
	return r;
}

/* Idle is free; half a frame has a deadline, and so has the one worker that is
 * kept for the owner. */
static int
wait_for_more(struct conn *c, int64_t *deadline)
{
	int64_t left = -1;

	if (c->in_at == c->in_end && !c->control_only) {
		*deadline = 0;
	} else {
		if (*deadline == 0)
			*deadline = conn_clock() + c->e->cfg.io_timeout * 1000;
		left = *deadline - conn_clock();
		if (left <= 0)
			return CL_ERR_TIMEOUT;
	}
	conn_compact(c);
	return sleep_on_socket(c, (int)left);
}

static int
next_request(struct conn *c, struct request *rq)
{
	int64_t deadline = 0;
	int r;

	for (;;) {
		r = take_from_socket(c, rq);
		if (r == CL_ERR_NOT_FOUND)
			r = take_from_ring(c, rq);
		if (r != CL_ERR_NOT_FOUND)
			return r;
		if ((r = wait_for_more(c, &deadline)) != 0)
			return r;
	}
}

static int
send_bell(struct conn *c)
{
	struct frame f = {.op = OP_BELL};
	uint8_t bell[FRAME_HEADER];

	frame_put(bell, &f);
	return conn_send(c, bell, sizeof(bell));
}

static int
answer(struct conn *c, const struct request *rq, size_t n)
{
	bool bell = false;
	int r;

	if (!rq->ring)
		return conn_send(c, c->out, n);
	if (ring_reply_put(c->ring, c->out, n, &bell))
		return bell ? send_bell(c) : CL_OK;
	r = conn_send(c, c->out, n);
	ring_reply_sent(c->ring);
	return r;
}

static int
serve_one(struct conn *c)
{
	struct request rq;
	size_t n = 0;
	int r;

	if ((r = next_request(c, &rq)) != 0)
		return r;
	dispatch_frame(c, &rq.f, rq.body, &n);
	return n ? answer(c, &rq, n) : CL_OK;
}

void
serve_connection(struct conn *c)
{
	int r;

	do
		r = serve_one(c);
	while (r == CL_OK);
	if (ring_attached(c->ring))
		atomic_fetch_sub(&c->e->ring_awake, 1);
	if (r != CL_ERR_CLOSED)
		log_warning("connection of uid %u pid %d dropped: %s", c->uid,
		    c->pid, err_text(r));
}
