/*
 * The audit log: every session, refusal and key event is one line, each line
 * carries the hash of the one before, and the head is signed with a key made
 * at this start, which the evidence claims name.
 *
 *	head[0] = SHA-256("cloister audit v1\0" ‖ boot)
 *	head[n] = SHA-256(head[n-1] ‖ line n)
 *	signature = Ed25519("cloister audit v1\0" ‖ u64 n ‖ head[n])
 */
#ifndef CLOISTER_AGENT_AUDIT_H
#define CLOISTER_AGENT_AUDIT_H

#include <stdint.h>

#include "agent/link.h"
#include "lib/err.h"
#include "lib/json.h"

#define AUDIT_KEY 32u
#define AUDIT_SIG 64u

struct audit;

CL_MUST_CHECK int audit_new(struct audit **out, const uint8_t boot[16]);
/* Lines go to the broker from now on. */
void audit_start(struct audit *a, struct link *l);
void audit_key(const struct audit *a, uint8_t public_key[AUDIT_KEY]);
/* tenant and subject may be NULL. Never data, never keys. A line that cannot
 * be written is an error in the log; the chain shows the gap. */
void audit_event(struct audit *a, const char *event, const uint8_t tenant[16],
    const char *subject, const char *detail);
/* Adds audit_count, audit_head and audit_sig to a reply. */
CL_MUST_CHECK int audit_add_head(struct audit *a, json_t *reply);

#endif
