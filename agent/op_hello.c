#include <string.h>

#include "agent/op.h"
#include "lib/version.h"
#include "tde/eval.h"

#define PROTOCOL_VERSION 1u

int
op_hello(struct conn *c, struct rd *in, struct wr *out)
{
	uint16_t version, flags;
	int r;

	if ((r = rd_u16(in, &version)) != 0 || (r = rd_u16(in, &flags)) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	if (version != PROTOCOL_VERSION)
		return conn_fail(c, CL_ERR_VERSION,
		    "the agent speaks version %u, the client %u",
		    PROTOCOL_VERSION, version);
	if (flags)
		return conn_fail(c, CL_ERR_FORMAT, "flags must be 0");
	if ((r = wr_u16(out, PROTOCOL_VERSION)) != 0 ||
	    (r = wr_bytes(out, c->e->boot, ENGINE_BOOT)) != 0 ||
	    (r = wr_u32(out, c->e->cfg.max_frame)) != 0 ||
	    (r = wr_u32(out, EVAL_MAX_ROWS)) != 0 ||
	    (r = wr_u32(out, c->e->cfg.max_sorts)) != 0 ||
	    (r = wr_blob(out, CLOISTER_VERSION, strlen(CLOISTER_VERSION))) != 0)
		return r;
	c->state = CONN_READY;
	return CL_OK;
}
