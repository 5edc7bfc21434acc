#include "agent/op.h"
#include "agent/op_prepare.h"
#include "agent/session.h"
#include "agent/tenant.h"

static int
explain(struct conn *c, int r, uint32_t row)
{
	if (row == UINT32_MAX)
		return r;
	return conn_fail(c, r, "row %u: %s", row, err_text(r));
}

int
op_eval(struct conn *c, struct rd *in, struct wr *out)
{
	struct tenant *t = session_tenant(c->session);
	uint32_t id, n, row = UINT32_MAX;
	struct program *p;
	int r;

	if ((r = rd_u32(in, &id)) != 0 || (r = rd_u32(in, &n)) != 0)
		return r;
	if (n > EVAL_MAX_ROWS)
		return conn_fail(c, CL_ERR_TOO_LARGE,
		    "%u rows in one request, at most %u", n, EVAL_MAX_ROWS);
	if (!(p = programs_find(c->programs, id)))
		return CL_ERR_UNKNOWN_PROGRAM;
	if (p->epoch != tenant_epoch(t) && (r = prepare_authorise(c, p)) != 0)
		return r;
	r = eval_run(&p->prog, p->keys, p->hash, n, in, out, c->scratch, &row);
	return r ? explain(c, r, row) : CL_OK;
}
