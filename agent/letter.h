/*
 * An owner's message on its way in: taken out of its envelope, its signature
 * verified, its payload parsed. What it may do is up to the handler.
 */
#ifndef CLOISTER_AGENT_LETTER_H
#define CLOISTER_AGENT_LETTER_H

#include "agent/conn.h"
#include "lib/json.h"
#include "policy/message.h"

struct tenant;

struct letter {
	enum message_kind kind;
	struct message m;
	json_t *payload;
	const char *op; /* in payload */
};

/* Reads the request's one blob to its end. letter_clear() in every case. */
CL_MUST_CHECK int letter_open(struct conn *c, struct rd *in, struct letter *l);
void letter_clear(struct letter *l);

/* The members of every signed letter: tenant, boot, nonce, expires. Gives a
 * reference on the tenant, whose owner the signer is. The nonce is used up. */
CL_MUST_CHECK int letter_check_signed(
    struct conn *c, const struct letter *l, struct tenant **out);
/* Writes reply, with boot and the audit log's head, in the letter's own way. */
CL_MUST_CHECK int letter_reply(
    struct conn *c, const struct letter *l, json_t *reply, struct wr *out);

#endif
