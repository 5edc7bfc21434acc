#include <string.h>

#include "agent/letter.h"
#include "agent/op.h"
#include "agent/session.h"
#include "agent/tenant.h"

/* The session replaces the one that the connection had. */
static void
take_session(struct conn *c, struct session *s, bool opener)
{
	conn_drop_session(c, c->opener);
	c->session = s;
	c->opener = opener;
	c->state = CONN_SESSION;
}

static int
put_session(const struct session *s, bool with_token, struct wr *out)
{
	const char *subject = session_subject(s);
	int r;

	if ((with_token &&
		(r = wr_bytes(out, session_token(s), SESSION_TOKEN)) != 0) ||
	    (r = wr_bytes(out, tenant_uuid(session_tenant(s)), 16)) != 0)
		return r;
	return wr_blob(out, subject, strlen(subject));
}

static int
open_for_owner(struct conn *c, struct tenant *t, struct wr *out)
{
	char subject[IDENTITY_PUKID_LEN];
	struct session *s = NULL;
	int r;

	if ((r = tenant_check(t)) != 0)
		return r;
	tenant_owner(t, subject);
	if ((r = session_open(c->e, t, subject, &s)) != 0)
		return r;
	take_session(c, s, true);
	return put_session(s, true, out);
}

int
op_open(struct conn *c, struct rd *in, struct wr *out)
{
	struct tenant *t = NULL;
	struct letter l;
	int r;

	if ((r = letter_open(c, in, &l)) != 0)
		goto out;
	r = CL_ERR_OPERATION;
	if (strcmp(l.op, "open")) {
		conn_fail(c, r, "expected a message with op open");
		goto out;
	}
	if ((r = letter_check_signed(c, &l, &t)) != 0)
		goto out;
	r = open_for_owner(c, t, out);
	tenant_put(t);
out:
	letter_clear(&l);
	return r;
}

int
op_join(struct conn *c, struct rd *in, struct wr *out)
{
	uint8_t token[SESSION_TOKEN];
	struct session *s = NULL;
	int r;

	if ((r = rd_bytes(in, token, sizeof(token))) != 0 ||
	    (r = rd_end(in)) != 0 || (r = session_join(c->e, token, &s)) != 0)
		return r;
	take_session(c, s, false);
	return put_session(s, false, out);
}

int
op_close(struct conn *c, struct rd *in, struct wr *out)
{
	int r;

	(void)out;
	if ((r = rd_end(in)) != 0)
		return r;
	conn_drop_session(c, c->opener);
	return CL_OK;
}
