#include "agent/letter.h"

#include <string.h>

#include "agent/audit.h"
#include "agent/channel.h"
#include "agent/replay.h"
#include "agent/tenant.h"
#include "lib/secmem.h"

#define LETTER_LIFE 60 /* seconds that a signed letter may be ahead */

static int
take_channel(struct conn *c, const uint8_t hash[32], uint8_t sk[HPKE_PRIVATE])
{
	int r = channel_take(c->e->channels, hash, sk);

	switch (r) {
	case CL_ERR_NOT_FOUND:
		return conn_fail(c, r,
		    "no channel key for these claims: ask for evidence again");
	case CL_ERR_EXPIRED:
	case CL_ERR_REPLAYED:
		return conn_fail(c, r,
		    "the channel key serves one message within %d seconds: "
		    "ask for evidence again",
		    CHANNEL_LIFE);
	default:
		return r;
	}
}

static int
open_envelope(struct conn *c, const uint8_t *p, size_t n, struct letter *l)
{
	uint8_t hash[32], sk[HPKE_PRIVATE] = {0};
	bool sealed;
	int r;

	if ((r = message_peek(p, n, &l->kind, hash)) != 0)
		return r;
	sealed = l->kind == MESSAGE_SEALED;
	if (sealed && (r = take_channel(c, hash, sk)) != 0)
		goto out;
	r = message_open(p, n, sealed ? sk : NULL, &l->m);
	if (r == CL_ERR_KEY_UNWRAP)
		conn_fail(c, r, "the message is not sealed to this channel");
out:
	secmem_wipe(sk, sizeof(sk));
	return r;
}

int
letter_open(struct conn *c, struct rd *in, struct letter *l)
{
	const uint8_t *p;
	size_t n;
	int r;

	memset(l, 0, sizeof(*l));
	if ((r = rd_blob(in, &p, &n, MESSAGE_MAX)) != 0 ||
	    (r = rd_end(in)) != 0 || (r = open_envelope(c, p, n, l)) != 0)
		return r;
	l->payload = json_parse(l->m.payload, l->m.payload_n, &r);
	if (!l->payload)
		return conn_fail(c, r, "the payload is no JSON object");
	if ((r = json_get_str(l->payload, "op", &l->op)) != 0)
		return conn_fail(c, r, "member \"%s\"", json_why());
	return CL_OK;
}

void
letter_clear(struct letter *l)
{
	json_decref(l->payload);
	message_clear(&l->m);
	memset(l, 0, sizeof(*l));
}

static int
check_fresh(struct conn *c, struct tenant *t, const uint8_t boot[ENGINE_BOOT],
    const uint8_t nonce[REPLAY_NONCE], int64_t expires)
{
	int64_t now = tenant_now(t);
	int r;

	if (memcmp(boot, c->e->boot, ENGINE_BOOT))
		return conn_fail(c, CL_ERR_SESSION_REFUSED,
		    "the message is for another start of the agent");
	if (expires <= now)
		return conn_fail(c, CL_ERR_EXPIRED,
		    "%lld seconds ago by the agent's clock",
		    (long long)(now - expires));
	if (expires > now + LETTER_LIFE)
		return conn_fail(c, CL_ERR_EXPIRED,
		    "it would be valid for %lld seconds, at most %d are "
		    "allowed",
		    (long long)(expires - now), LETTER_LIFE);
	r = replay_use(c->e->replay, nonce, now, expires);
	if (r == CL_ERR_LIMIT)
		return conn_fail(c, r, "too many messages in one minute");
	return r;
}

/* Who asks for a tenant that is not here is told why, if it was sealed. */
static int
no_tenant(struct conn *c)
{
	if (c->e->have_root)
		return CL_ERR_NO_TENANT;
	return conn_fail(c, CL_ERR_NO_TENANT,
	    "sealed keys could not be opened: %.240s", c->e->no_root);
}

int
letter_check_signed(struct conn *c, const struct letter *l, struct tenant **out)
{
	static const char *const known[] = {
	    "op", "tenant", "boot", "nonce", "expires", NULL};
	uint8_t uuid[16], boot[ENGINE_BOOT], nonce[REPLAY_NONCE];
	struct tenant *t;
	int64_t expires;
	int r;

	*out = NULL;
	if (l->kind != MESSAGE_SIGNED)
		return conn_fail(c, CL_ERR_FORMAT,
		    "%.32s must be signed, not sealed", l->op);
	if ((r = json_only(l->payload, known)) != 0 ||
	    (r = json_get_uuid(l->payload, "tenant", uuid)) != 0 ||
	    (r = json_get_bytes(l->payload, "boot", boot, sizeof(boot))) != 0 ||
	    (r = json_get_bytes(l->payload, "nonce", nonce, sizeof(nonce))) !=
		0 ||
	    (r = json_get_int(
		 l->payload, "expires", 0, INT64_MAX / 2, &expires)) != 0)
		return conn_fail(c, r, "member \"%s\"", json_why());
	if (!(t = tenant_get(c->e->tenants, uuid)))
		return no_tenant(c);
	r = tenant_check_owner(t, l->m.signer_pem);
	if (r)
		conn_fail(c, r, "the signer is not the tenant's owner");
	else
		r = check_fresh(c, t, boot, nonce, expires);
	if (r) {
		audit_event(
		    c->e->audit, "message_refused", uuid, NULL, err_name(r));
		tenant_put(t);
		return r;
	}
	*out = t;
	return CL_OK;
}

int
letter_reply(
    struct conn *c, const struct letter *l, json_t *reply, struct wr *out)
{
	uint8_t *sealed = NULL;
	char *text = NULL;
	size_t n = 0, text_n = 0;
	int r;

	if ((r = json_set_blob(reply, "boot", c->e->boot, ENGINE_BOOT)) != 0 ||
	    (r = audit_add_head(c->e->audit, reply)) != 0)
		goto out;
	r = CL_ERR_MEMORY;
	if (!(text = json_text(reply, &text_n)))
		goto out;
	if ((r = message_reply_seal(l->kind == MESSAGE_SEALED ? &l->m.ex : NULL,
		 text, text_n, &sealed, &n)) != 0)
		goto out;
	r = wr_blob(out, sealed, n);
out:
	secmem_free(text);
	secmem_free(sealed);
	return r;
}
