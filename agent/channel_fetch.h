/* Evidence from the broker's device, which takes its time: link calls of other
 * workers go between. */
#ifndef CLOISTER_AGENT_CHANNEL_FETCH_H
#define CLOISTER_AGENT_CHANNEL_FETCH_H

#include "agent/engine.h"
#include "policy/evidence.h"

/* Evidence whose raw, log and blobs point into reply. */
struct fetched {
	uint8_t *reply; /* secmem */
	struct evidence ev;
};

/* Waits for the device's pace and for the device. tee: which kind. The caller
 * ends it with channel_fetch_end() in every case, and owns what it puts into
 * ev.claims. why: the broker's line. */
CL_MUST_CHECK int channel_fetch(struct engine *e, const char *tee,
    const uint8_t report_data[EVIDENCE_REPORT_DATA], struct fetched *out,
    char why[ENGINE_REASON]);
/* Has the TPM that quotes open a credential (policy/tpm_credential.h), and
 * makes of nonce the one that evidence is to be over. */
CL_MUST_CHECK int channel_activate(struct engine *e, const char *tee,
    const uint8_t *credential, size_t n, uint8_t nonce[EVIDENCE_NONCE],
    char why[ENGINE_REASON]);
void channel_fetch_end(struct fetched *f);

#endif
