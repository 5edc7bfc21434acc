#include "agent/dispatch.h"

#include <string.h>
#include <unistd.h>

#include "agent/op.h"
#include "agent/session.h"

#define LATER	(CONN_READY | CONN_SESSION)
#define CONTROL true, false, false
#define WORK	false, true, false
#define SILENT	false, false, true

static const struct dispatch_row rows[] = {
    {OP_HELLO, "HELLO", CONN_NEW, CONTROL, op_hello},
    {OP_EVIDENCE, "EVIDENCE", LATER, CONTROL, op_evidence},
    {OP_MESSAGE, "MESSAGE", LATER, CONTROL, op_message},
    {OP_OPEN, "OPEN", LATER, WORK, op_open},
    {OP_JOIN, "JOIN", LATER, WORK, op_join},
    {OP_CLOSE, "CLOSE", CONN_SESSION, WORK, op_close},
    {OP_GROUP, "GROUP", CONN_SESSION, WORK, op_group},
    {OP_STATUS, "STATUS", LATER, CONTROL, op_status},
    {OP_RING, "RING", LATER, WORK, op_ring},
    {OP_BELL, "BELL", LATER, SILENT, op_bell},
    {OP_PREPARE, "PREPARE", CONN_SESSION, WORK, op_prepare},
    {OP_EVAL, "EVAL", CONN_SESSION, WORK, op_eval},
    {OP_SORT, "SORT", CONN_SESSION, WORK, op_sort},
};

const struct dispatch_row *
dispatch_row(uint8_t op)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].op == op)
			return &rows[i];
	return NULL;
}

/* Before any of its bytes are read. */
static int
admit(struct conn *c, const struct frame *f, const struct dispatch_row *row)
{
	if (f->flags & FRAME_REPLY)
		return conn_fail(
		    c, CL_ERR_FORMAT, "expected a request, got a reply");
	if (!row)
		return conn_fail(c, CL_ERR_OPERATION, "operation %u", f->op);
	if (c->control_only && !row->control)
		return conn_fail(c, CL_ERR_BUSY,
		    "the last of %u connections is kept for the owner",
		    c->e->cfg.workers);
	return CL_OK;
}

/* The opener may have left, or the tenant's keys; then the session is over
 * for everybody who joined it. */
static int
check_session(struct conn *c)
{
	const char *why = NULL;
	int r = c->session ? session_check(c->session, &why) : CL_OK;

	if (r) {
		conn_drop_session(c, false);
		conn_fail(c, r, "%s", why);
	}
	return r;
}

static int
check_state(struct conn *c, const struct dispatch_row *row)
{
	int r = check_session(c);

	if (row->states & c->state)
		return CL_OK;
	if (row->states == CONN_SESSION && c->state == CONN_READY)
		return r ? r : CL_ERR_NO_SESSION;
	return conn_fail(c, CL_ERR_STATE, "%s %s", row->name,
	    c->state == CONN_NEW ? "before HELLO" : "is legal once, at first");
}

static int
run_row(struct conn *c, const struct dispatch_row *row, struct rd *in,
    struct wr *out)
{
	int r;

	if (row->works)
		pthread_mutex_lock(&c->work);
	r = row->works ? check_state(c, row)
	    : row->states & c->state
		? CL_OK
		: conn_fail(c, CL_ERR_STATE, "%s is not legal here", row->name);
	c->detail[0] = r ? c->detail[0] : '\0';
	if (!r)
		r = row->handler(c, in, out);
	if (r == CL_ERR_MEMORY)
		r = conn_fail(c, CL_ERR_LIMIT,
		    "the arena is full: [limits] arena_mb = %u",
		    c->e->cfg.arena_mb);
	if (row->works)
		pthread_mutex_unlock(&c->work);
	return r;
}

/* Status, detail and, when a group is wanted, its tag. */
static size_t
put_error(struct conn *c, int code)
{
	struct wr out = wr_make(c->out + FRAME_HEADER, CONN_DETAIL + 16);
	int r;

	if ((r = wr_blob(&out, c->detail, strlen(c->detail))) != 0 ||
	    (code == CL_ERR_NEED_GROUP &&
		(r = wr_u32(&out, c->wanted_tag)) != 0))
		out.len = 0;
	return out.len;
}

void
dispatch_frame(
    struct conn *c, const struct frame *f, const uint8_t *body, size_t *n)
{
	const struct dispatch_row *row = dispatch_row(f->op);
	struct frame reply = {.op = f->op, .flags = FRAME_REPLY, .id = f->id};
	struct rd in = rd_make(body, f->body_len);
	struct wr out = wr_make(c->out + FRAME_HEADER, c->e->cfg.max_frame);
	int r, passed;

	c->detail[0] = '\0';
	c->wanted_tag = 0;
	r = admit(c, f, row);
	if (!r)
		r = run_row(c, row, &in, &out);
	if ((passed = conn_take_fd(c)) >= 0)
		close(passed); /* nobody asked for it */
	*n = 0;
	if (!r && row->silent)
		return;
	reply.status = (uint16_t)err_to_wire(r);
	reply.body_len = (uint32_t)(r ? put_error(c, r) : out.len);
	frame_put(c->out, &reply);
	*n = FRAME_HEADER + reply.body_len;
}
