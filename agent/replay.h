/*
 * Nonces of messages that were used. A nonce is remembered until its message
 * expires; the table is fixed in size and holds no secret.
 */
#ifndef CLOISTER_AGENT_REPLAY_H
#define CLOISTER_AGENT_REPLAY_H

#include <stdint.h>

#include "lib/err.h"

#define REPLAY_NONCE 16u

struct replay;

/* Before the filter closes: it maps memory. */
CL_MUST_CHECK int replay_new(struct replay **out);
/* Notes the nonce. CL_ERR_REPLAYED when it was there, CL_ERR_LIMIT when too
 * many unexpired ones are. Times in seconds of one clock. */
CL_MUST_CHECK int replay_use(struct replay *all,
    const uint8_t nonce[REPLAY_NONCE], int64_t now, int64_t expires);

#endif
