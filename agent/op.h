/* The handlers, one or a few in each op_*.c; fields are in PROTOCOL.md. */
#ifndef CLOISTER_AGENT_OP_H
#define CLOISTER_AGENT_OP_H

#include "agent/conn.h"

CL_MUST_CHECK int op_hello(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_evidence(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_message(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_open(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_join(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_close(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_group(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_status(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_ring(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_bell(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_prepare(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_eval(struct conn *c, struct rd *in, struct wr *out);
CL_MUST_CHECK int op_sort(struct conn *c, struct rd *in, struct wr *out);

#endif
