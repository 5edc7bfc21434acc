/*
 * One-time channel keys: an X25519 pair is made for a relying party's nonce,
 * bound by the evidence, and destroyed by the first message that names it.
 */
#ifndef CLOISTER_AGENT_CHANNEL_H
#define CLOISTER_AGENT_CHANNEL_H

#include "agent/engine.h"
#include "lib/hpke.h"
#include "policy/evidence.h"

#define CHANNEL_LIFE 300 /* seconds */

struct channels;

CL_MUST_CHECK int channels_new(struct channels **out, unsigned max);
/*
 * The envelope for a nonce: the same one while it is valid. *text is secmem,
 * the caller frees. why: a line when the evidence cannot be had.
 */
CL_MUST_CHECK int channel_evidence(struct engine *e,
    const uint8_t nonce[EVIDENCE_NONCE], char **text, size_t *n,
    char why[ENGINE_REASON]);
/* The private key of the claims, which is gone from here afterwards.
 * CL_ERR_NOT_FOUND, _EXPIRED, _REPLAYED. */
CL_MUST_CHECK int channel_take(
    struct channels *all, const uint8_t claims_hash[32], uint8_t sk[32]);

#endif
