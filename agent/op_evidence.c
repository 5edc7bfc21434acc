#include <string.h>

#include "agent/channel.h"
#include "agent/op.h"
#include "policy/tpm_credential.h"

/* An older client's request ends behind the nonce. */
static int
get_kind(struct conn *c, struct rd *in, char tee[SETUP_NAME_MAX + 1])
{
	const uint8_t *p;
	size_t n;
	int r;

	if (!in->left)
		return CL_OK;
	if ((r = rd_blob(in, &p, &n, SETUP_NAME_MAX)) != 0)
		return r;
	memcpy(tee, p, n);
	tee[n] = '\0';
	if (!n || (!memchr(p, 0, n) && evidence_type(tee)))
		return CL_OK;
	return conn_fail(c, CL_ERR_UNSUPPORTED,
	    "expected evidence of snp, tdx, csv, tpm or sim");
}

/* For the TPM that quotes; behind the kind, where there is one. */
static int
get_credential(struct rd *in, struct channel_ask *ask)
{
	return in->left ? rd_blob(in, &ask->credential, &ask->credential_n,
			      TPM_CREDENTIAL_MAX)
			: CL_OK;
}

static bool
is_recent(const struct conn *c)
{
	return c->evidence_at &&
	       conn_clock() - c->evidence_at < CHANNEL_AGAIN_S * 1000;
}

int
op_evidence(struct conn *c, struct rd *in, struct wr *out)
{
	struct channel_ask ask = {
	    .uid = c->uid, .again = is_recent(c), .fd = c->fd};
	char why[ENGINE_REASON];
	int r;

	if ((r = rd_bytes(in, ask.nonce, sizeof(ask.nonce))) != 0 ||
	    (r = get_kind(c, in, ask.tee)) != 0 ||
	    (r = get_credential(in, &ask)) != 0 || (r = rd_end(in)) != 0)
		return r;
	if ((r = channel_evidence(c->e, &ask, out, why)) != 0)
		return conn_fail(c, r, "%s", why);
	c->evidence_at = conn_clock();
	return CL_OK;
}
