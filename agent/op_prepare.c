#include "agent/op_prepare.h"

#include "agent/audit.h"
#include "agent/op.h"
#include "agent/session.h"
#include "agent/tenant.h"

int
prepare_authorise(struct conn *c, struct program *p)
{
	struct tenant *t = session_tenant(c->session);
	char reason[AUTHZ_REASON];
	int r;

	program_drop_keys(p);
	r = tenant_authorise(
	    t, &p->prog, p->keys, &p->hash, &p->epoch, &c->wanted_tag, reason);
	if (r == CL_ERR_REFUSED || r == CL_ERR_FLOW_REFUSED)
		audit_event(c->e->audit, "refusal", tenant_uuid(t),
		    session_subject(c->session), reason);
	return r ? conn_fail(c, r, "%s", reason) : CL_OK;
}

int
op_prepare(struct conn *c, struct rd *in, struct wr *out)
{
	struct eval_program prog;
	const char *why = NULL;
	const uint8_t *code;
	struct program *p;
	unsigned at = 0;
	size_t n;
	int r;

	if ((r = rd_blob(in, &code, &n, c->e->cfg.max_frame)) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	if ((r = eval_verify(code, n, &prog, &why, &at)) != 0)
		return conn_fail(
		    c, r, "instruction %u: %s", at, why ? why : err_text(r));
	p = programs_add(c->programs);
	p->prog = prog;
	r = prepare_authorise(c, p);
	if (!r)
		r = wr_u32(out, p->id);
	if (r)
		program_remove(p);
	return r;
}
