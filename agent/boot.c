#include "agent/boot.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit.h"
#include "agent/broker_proto.h"
#include "agent/engine.h"
#include "agent/link.h"
#include "agent/tenant.h"
#include "lib/buf.h"
#include "lib/hpke.h"
#include "lib/log.h"
#include "lib/secmem.h"

#define START_MAX 1024u

/* START's reply: binary[32], config[32], u16 status, blob reason, enc[32],
 * ciphertext[48]; the last two count when status is 0. */
struct start {
	uint8_t binary[32];
	uint8_t config[32];
	uint16_t status;
	const uint8_t *reason;
	size_t reason_n;
	uint8_t enc[HPKE_ENC];
	uint8_t ct[32 + HPKE_OVERHEAD];
};

static int
parse_start(struct rd *in, struct start *s)
{
	int r;

	if ((r = rd_bytes(in, s->binary, sizeof(s->binary))) != 0 ||
	    (r = rd_bytes(in, s->config, sizeof(s->config))) != 0 ||
	    (r = rd_u16(in, &s->status)) != 0 ||
	    (r = rd_blob(in, &s->reason, &s->reason_n, ENGINE_REASON - 1)) !=
		0 ||
	    (r = rd_bytes(in, s->enc, sizeof(s->enc))) != 0 ||
	    (r = rd_bytes(in, s->ct, sizeof(s->ct))) != 0)
		return r;
	return rd_end(in);
}

static void
hex(const uint8_t p[32], char out[65])
{
	unsigned i;

	for (i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static int
take_root(struct engine *e, const struct start *s, const uint8_t sk[32])
{
	int r;

	hex(s->binary, e->binary);
	hex(s->config, e->config);
	if (s->status) {
		snprintf(e->no_root, sizeof(e->no_root), "%.*s",
		    (int)s->reason_n, (const char *)s->reason);
		log_error("sealed keys stay sealed: %s", e->no_root);
		return CL_OK;
	}
	r = hpke_open(sk, s->enc, BROKER_HPKE_INFO, strlen(BROKER_HPKE_INFO),
	    NULL, 0, s->ct, sizeof(s->ct), e->root, NULL);
	e->have_root = r == CL_OK;
	return r;
}

static int
ask_start(struct engine *e)
{
	uint8_t sk[HPKE_PRIVATE], pk[HPKE_PUBLIC], reply[START_MAX];
	size_t n = sizeof(reply);
	struct start s;
	struct rd in;
	int r;

	if ((r = hpke_keypair(sk, pk)) != 0 ||
	    (r = link_call(
		 e->link, BROKER_START, pk, sizeof(pk), reply, &n, NULL)) != 0)
		goto out;
	in = rd_make(reply, n);
	if ((r = parse_start(&in, &s)) != 0)
		goto out;
	r = take_root(e, &s, sk);
out:
	secmem_wipe(sk, sizeof(sk));
	return r;
}

int
boot_engine(struct engine *e)
{
	int r;

	audit_start(e->audit, e->link);
	if ((r = ask_start(e)) != 0 ||
	    (e->have_root && (r = tenant_load_all(e)) != 0)) {
		log_error("the engine cannot start: broker: %s", err_text(r));
		return r;
	}
	audit_event(e->audit, "start", NULL, NULL, e->binary);
	return link_tell(e->link, BROKER_READY, NULL, 0);
}
