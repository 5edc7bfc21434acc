/*
 * The root sealing key, fetched by a process of its own: it talks to the TPM,
 * wraps the key to the engine's start-up key, and is gone.
 */
#ifndef CLOISTER_AGENT_BROKER_UNSEAL_H
#define CLOISTER_AGENT_BROKER_UNSEAL_H

#include "agent/broker.h"
#include "lib/hpke.h"
#include "sealing/seal.h"

struct unseal_result {
	int status; /* CL_OK, or why there is no key */
	char reason[SEAL_REASON];
	uint8_t enc[HPKE_ENC];
	uint8_t ct[SEAL_KEY + HPKE_OVERHEAD];
};

/* Always fills *out. */
void broker_unseal(
    struct broker *b, const uint8_t pk[HPKE_PUBLIC], struct unseal_result *out);

#endif
