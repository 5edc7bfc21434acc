/*
 * Evidence in the broker: a device may take seconds, so a short-lived process
 * asks it, one at a time, while the broker serves on. The result waits until
 * the engine has fetched it in parts, or asks for another.
 */
#ifndef CLOISTER_AGENT_BROKER_EVIDENCE_H
#define CLOISTER_AGENT_BROKER_EVIDENCE_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/evidence_provider.h"
#include "lib/buf.h"

struct broker;

/* Kinds of TEE whose devices have a pace of their own. */
#define BROKER_EVIDENCE_KINDS 8u

struct broker_evidence {
	pid_t pid;	     /* asks the device; 0: none */
	int64_t deadline_ms; /* CLOCK_MONOTONIC; then it is ended */
	int fd; /* memory file: u16 status, then blob reason or result */
	uint32_t ticket;
	const struct evidence_provider *kind;
	/* When each kind was asked last, milliseconds of CLOCK_MONOTONIC. */
	struct {
		const struct evidence_provider *kind;
		int64_t ms;
	} asked[BROKER_EVIDENCE_KINDS];
};

/* Handlers of EVIDENCE, EVIDENCE_SIZE and EVIDENCE_PART. */
CL_MUST_CHECK int broker_on_evidence(
    struct broker *b, struct rd *in, struct wr *out);
CL_MUST_CHECK int broker_on_evidence_size(
    struct broker *b, struct rd *in, struct wr *out);
CL_MUST_CHECK int broker_on_evidence_part(
    struct broker *b, struct rd *in, struct wr *out);
/* Waits a moment for a process that still asks, and ends it then. */
void broker_evidence_end(struct broker *b);

#endif
