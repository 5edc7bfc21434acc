/*
 * Owner → engine messages; the same bytes travel through SQL, a socket or a
 * file. Layouts and checks are in agent/PROTOCOL.md, section "Messages".
 * The payload is a JSON object with at least "op".
 */
#ifndef CLOISTER_POLICY_MESSAGE_H
#define CLOISTER_POLICY_MESSAGE_H

#include "lib/hpke.h"
#include "policy/identity.h"

#define MESSAGE_MAX 65536u

/* Runs everything in lib and policy that lazily sets something up (hashes,
 * HPKE, JSON, each kind of signature) once: afterwards no call opens a file.
 * For processes that confine themselves; takes some tens of milliseconds. */
CL_MUST_CHECK int message_warmup(void);

enum message_kind { MESSAGE_SEALED = 1, MESSAGE_SIGNED = 2 };

/* Seals to a channel key that evidence has bound. *out is secmem. ex is kept
 * by the caller to open the reply, then wiped. */
CL_MUST_CHECK int message_seal(const struct identity *who,
    const uint8_t channel_key[32], const uint8_t claims_hash[32],
    const char *payload, size_t payload_n, uint8_t **out, size_t *n,
    struct hpke_exporter *ex);
/* Signed, in clear: for messages without secrets. */
CL_MUST_CHECK int message_sign(const struct identity *who, const char *payload,
    size_t payload_n, uint8_t **out, size_t *n);

/* What a received message is, before anything is believed. */
CL_MUST_CHECK int message_peek(const uint8_t *p, size_t n,
    enum message_kind *kind, uint8_t claims_hash[32]);

struct message {
	char *payload; /* secmem, NUL-terminated */
	size_t payload_n;
	struct identity *signer;
	char *signer_pem;	 /* secmem */
	struct hpke_exporter ex; /* sealed messages only */
};

/* sk: the private channel key of claims_hash for MESSAGE_SEALED, NULL for
 * MESSAGE_SIGNED. Verifies the signature; nothing else is checked. */
CL_MUST_CHECK int message_open(
    const uint8_t *p, size_t n, const uint8_t sk[32], struct message *m);
void message_clear(struct message *m);

/* Replies: sealed under the exported secret, one per message; in clear for
 * signed messages (ex NULL). secmem. */
CL_MUST_CHECK int message_reply_seal(const struct hpke_exporter *ex,
    const char *text, size_t n, uint8_t **out, size_t *out_n);
CL_MUST_CHECK int message_reply_open(const struct hpke_exporter *ex,
    const uint8_t *p, size_t n, char **text, size_t *text_n);

#endif
