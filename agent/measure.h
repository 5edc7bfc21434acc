/*
 * The agent measures itself: at its start it extends a register that only
 * grows with one event about its binary and its configuration
 * (agent/runtime_log.h), so that evidence says what was started, by the word
 * of the platform and not only by that of the claims.
 *
 * TDX	RTMR3, through the kernel's measurement files (Linux 6.16 and newer,
 *	Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest)
 * CSV	register 4, through the device (firmware of CSV3)
 * TPM	the PCR that [tpm] measure_pcr names
 *
 * A start that the register holds already, with nothing after it that the log
 * does not explain, extends nothing: a restarted service leaves registers as
 * they are.
 */
#ifndef CLOISTER_AGENT_MEASURE_H
#define CLOISTER_AGENT_MEASURE_H

#include <stdio.h>

#include "agent/evidence_provider.h"
#include "agent/runtime_log.h"

struct measure_register {
	const char *name; /* "RTMR3" */
	enum eventlog_kind kind;
	uint32_t reg; /* as logs of that kind number it */
	const struct evidence_config *config;
	void *arg;
	/* Can it be extended here? Changes nothing; reason says how, or why
	 * not. */
	CL_MUST_CHECK int (*probe)(
	    const struct measure_register *r, char reason[EVIDENCE_REASON]);
	/* runtime_size() bytes. CL_ERR_NOT_FOUND, _UNSUPPORTED: this guest has
	 * no such register. */
	CL_MUST_CHECK int (*read)(const struct measure_register *r,
	    uint8_t *value, char reason[EVIDENCE_REASON]);
	/* With the digest of the event. */
	CL_MUST_CHECK int (*extend)(const struct measure_register *r,
	    const uint8_t *event, size_t n, const uint8_t *digest,
	    char reason[EVIDENCE_REASON]);
};

/*
 * Makes one register hold the start of this binary with this configuration
 * (SHA-256 both); path: file of the runtime log. CL_OK: it does, and reason
 * says since when. Any other code: it does not, or nobody can tell, and reason
 * says why. Whatever kills it when, the next call finds out what happened.
 */
CL_MUST_CHECK int measure_register(const struct measure_register *r,
    const char *path, const uint8_t binary[32], const uint8_t config[32],
    char reason[EVIDENCE_REASON]);

/* All registers of this kind of TEE, with the result in the log: an agent that
 * cannot measure itself still serves, and owners see it in the evidence. */
void measure_start(const struct evidence_config *c, const char *tee,
    const uint8_t binary[32], const uint8_t config[32]);
/* Prints which registers measure_start() would extend, and why or why not. */
void measure_explain(const struct evidence_config *c, const char *tee, FILE *f);

/* agent/measure_tdx.c, _csv.c, _tpm.c */
struct measure_register measure_tdx(const struct evidence_config *c);
struct measure_register measure_csv(const struct evidence_config *c);
struct measure_register measure_tpm(const struct evidence_config *c);

#endif
