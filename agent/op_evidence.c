#include "agent/channel.h"
#include "agent/op.h"
#include "lib/secmem.h"

int
op_evidence(struct conn *c, struct rd *in, struct wr *out)
{
	uint8_t nonce[EVIDENCE_NONCE];
	char why[ENGINE_REASON];
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = rd_bytes(in, nonce, sizeof(nonce))) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	if ((r = channel_evidence(c->e, nonce, &text, &n, why)) != 0)
		return conn_fail(c, r, "%s", why);
	r = wr_blob(out, text, n);
	secmem_free(text);
	return r;
}
