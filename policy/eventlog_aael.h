/*
 * Records that software adds to an event log while a guest runs, in the form
 * of the Confidential Containers' attestation agent (AAEL):
 *
 *	type 6 (EV_EVENT_TAG), event: u32 0x4141454c, u32 size,
 *	"domain operation content", nothing more; digest: hash of the event
 *
 * The agent's own, one at each start: domain "cloister", operation "start",
 * content {"binary":"hex sha256","config":"hex sha256"}, of the program's file
 * and of its configuration.
 *
 * A record's type is in no digest: what a record is, its text says.
 */
#ifndef CLOISTER_POLICY_EVENTLOG_AAEL_H
#define CLOISTER_POLICY_EVENTLOG_AAEL_H

#include "policy/eventlog.h"

#define EVENTLOG_EVENT_TAG  6u
#define EVENTLOG_AAEL_MAGIC 0x4141454cu

struct eventlog_text {
	const char *p; /* lent, without NUL */
	size_t n;
};

struct eventlog_aael {
	struct eventlog_text text, domain, operation, content;
	bool exact; /* nothing follows the text */
};

/* false: not of this form. A text without its three words has empty ones. */
bool eventlog_aael(
    const struct eventlog_event *event, struct eventlog_aael *out);

struct eventlog_start {
	char binary[65], config[65]; /* hex */
};

/* CL_ERR_NOT_FOUND: a record of something else. CL_ERR_FORMAT: a start that is
 * malformed. Whether the digest is that of the event is not looked at. */
CL_MUST_CHECK int eventlog_start(
    const struct eventlog_event *event, struct eventlog_start *out);

/*
 * Does the register hold every extension since boot? Any process that reaches
 * the TPM sets PCR 16 and 23 back, a late launch 17 to 22 (PC Client Platform
 * TPM Profile, PCR attributes): nothing says what was started before.
 */
bool eventlog_keeps(enum eventlog_kind kind, unsigned reg);

#endif
