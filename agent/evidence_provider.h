/*
 * Providers of attestation evidence, one per TEE kind; they run in the broker.
 */
#ifndef CLOISTER_AGENT_EVIDENCE_PROVIDER_H
#define CLOISTER_AGENT_EVIDENCE_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct evidence_config {
	const char *sim_key; /* path of the sim provider's private key PEM */
};

struct evidence_provider {
	const char *tee; /* "sim"; the name in claims and envelope */
	/* Is this kind of TEE here and configured? CL_OK, or the reason. */
	CL_MUST_CHECK int (*probe)(
	    const struct evidence_config *c, char *reason, size_t cap);
	/* *n: in capacity, out length. */
	CL_MUST_CHECK int (*produce)(const struct evidence_config *c,
	    const uint8_t report_data[64], uint8_t *out, size_t *n);
};

/* NULL when unknown. */
const struct evidence_provider *evidence_provider_by_name(const char *tee);

/* agent/evidence_sim.c */
const struct evidence_provider *evidence_sim(void);
/* Makes a sim root: the private key at path (PKCS#8 PEM, mode 0600) and the
 * public one at path.pub, which owners put into their policy. Never overwrites
 * (CL_ERR_EXISTS). */
CL_MUST_CHECK int evidence_sim_make_key(const char *path);

#endif
