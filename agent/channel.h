/*
 * One-time channel keys: an X25519 pair is made for a relying party's nonce,
 * bound by the evidence, and destroyed by the first message that names it.
 */
#ifndef CLOISTER_AGENT_CHANNEL_H
#define CLOISTER_AGENT_CHANNEL_H

#include "agent/engine.h"
#include "lib/buf.h"
#include "lib/hpke.h"
#include "policy/evidence.h"

#define CHANNEL_LIFE	    300 /* seconds */
#define CHANNEL_QUEUE_MAX   16u /* callers that wait for the device */
#define CHANNEL_WAIT_S	    20	/* at most, for their turn */
#define CHANNEL_AGAIN_S	    60	/* after which a connection counts as new */
#define CHANNEL_ARENA_SHARE 8u	/* one in so many bytes, for envelopes */

struct channels;

struct channel_ask {
	uint8_t nonce[EVIDENCE_NONCE];
	char tee[SETUP_NAME_MAX + 1]; /* kind of evidence; "": configured */
	uint32_t uid;		      /* who asks */
	bool again; /* its connection got evidence a moment ago */
	int fd;	    /* of the connection: is it still there?; or -1 */
	/* What the TPM that quotes has to open, policy/tpm_credential.h; then
	 * the evidence is over the nonce that comes of both. Or NULL, 0. */
	const uint8_t *credential;
	size_t credential_n;
};

CL_MUST_CHECK int channels_new(struct channels **out, const struct setup *cfg);
/*
 * Appends the envelope for a nonce as a blob: the same one while it is valid
 * and there is room to keep it. One caller at a time asks the device, and no
 * lock is held meanwhile; others wait for their turn or, when too many do, are
 * told to come again (CL_ERR_BUSY). why: a line when there is an error.
 */
CL_MUST_CHECK int channel_evidence(struct engine *e,
    const struct channel_ask *ask, struct wr *out, char why[ENGINE_REASON]);
/* The private key of the claims, which is gone from here afterwards.
 * CL_ERR_NOT_FOUND, _EXPIRED, _REPLAYED. */
CL_MUST_CHECK int channel_take(
    struct channels *all, const uint8_t claims_hash[32], uint8_t sk[32]);

#endif
