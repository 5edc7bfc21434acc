/*
 * The root sealing key: 32 random bytes that only this guest, in this state,
 * can get back. Runs in a short-lived helper process of the broker, never in
 * the engine: the key leaves it wrapped to the engine's start-up key.
 */
#ifndef CLOISTER_SEALING_SEAL_H
#define CLOISTER_SEALING_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define SEAL_KEY    32u
#define SEAL_REASON 256u

struct seal_config {
	const char *provider; /* "tpm" or "file" */
	int state_dirfd;
	const char *tcti; /* "device:/dev/tpmrm0", "swtpm:path=…" */
	uint32_t pcrs;	  /* bit i: SHA-256 bank PCR i is in the policy */
};

/*
 * First use makes and stores the sealed object ("root.tpm" or "root.key");
 * afterwards unseals it; never a new one while sealed records (sealing/state)
 * lie in the folder. reason: one line for the log when it fails, e.g. which
 * PCR differs from the value recorded at sealing.
 * CL_ERR_TPM_POLICY, CL_ERR_TPM, CL_ERR_SEALED (blob damaged), CL_ERR_IO.
 */
CL_MUST_CHECK int seal_root_key(const struct seal_config *c,
    uint8_t key[SEAL_KEY], char reason[SEAL_REASON]);

#endif
