#include "agent/op.h"
#include "agent/session.h"
#include "agent/tenant.h"

int
op_group(struct conn *c, struct rd *in, struct wr *out)
{
	const uint8_t *text, *sig, *wrapped;
	size_t text_n, sig_n, wrapped_n;
	char why[ENGINE_REASON];
	int r;

	(void)out;
	if ((r = rd_blob(in, &text, &text_n, GROUP_TEXT_MAX)) != 0 ||
	    (r = rd_blob(in, &sig, &sig_n, IDENTITY_SIG_MAX)) != 0 ||
	    (r = rd_blob(in, &wrapped, &wrapped_n, CRYPTO_WRAP(32))) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	r = tenant_group_put(c->e, session_tenant(c->session),
	    (const char *)text, text_n, sig, sig_n, wrapped, wrapped_n, why);
	return r ? conn_fail(c, r, "%s", why) : CL_OK;
}
