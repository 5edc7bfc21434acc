/*
 * The owner's messages to the engine, and what it answers
 * (agent/PROTOCOL.md, "Messages").
 */
#ifndef CLOISTER_CLIENT_REQUEST_H
#define CLOISTER_CLIENT_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "client/owner.h"
#include "policy/evidence.h"
#include "policy/message.h"

/* A signed message lives this long: 30 seconds of clock difference either way
 * are fine, since the engine takes at most 60. */
#define REQUEST_SECONDS 30

/* op: "open", "status", "forget". o is unlocked. *out is secmem. */
CL_MUST_CHECK int request_signed(const struct owner *o, const char *op,
    const uint8_t boot[16], uint8_t **out, size_t *n);

/* The message that opens a session, in base64 as cloister_open() takes it.
 * *out is secmem. */
CL_MUST_CHECK int request_open(
    const struct owner *o, const uint8_t boot[16], char **out);
struct request_provision {
	const struct evidence_claims *claims; /* appraised and accepted */
	const uint8_t *claims_hash;	      /* 32 bytes */
	bool seal;     /* the agent may keep the keys, sealed */
	int64_t lease; /* seconds, 0: until it stops */
};

/* *out is secmem; ex opens the reply and is wiped by the caller. */
CL_MUST_CHECK int request_provision(const struct owner *o,
    const struct request_provision *p, uint8_t **out, size_t *n,
    struct hpke_exporter *ex);

/* Opens a reply, ex NULL for a signed message's. New reference. */
CL_MUST_CHECK int request_reply(const struct hpke_exporter *ex,
    const uint8_t *reply, size_t n, json_t **out);

#endif
