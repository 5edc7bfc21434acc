/*
 * The event log that goes with evidence: that of the firmware, or of another
 * agent that keeps a copy of it, with what this agent extended
 * (agent/runtime_log.h). A log that does not give the registers of the report
 * beside it proves nothing and would be refused, so it is left out; what is
 * missing, and why, is in the agent's own log, once.
 */
#ifndef CLOISTER_AGENT_EVIDENCE_LOG_H
#define CLOISTER_AGENT_EVIDENCE_LOG_H

#include "agent/evidence_provider.h"
#include "agent/runtime_log.h"
#include "policy/eventlog_join.h"

/* Once, before children that make evidence: makes them and this process say
 * each thing once. Without it every call says it. */
void evidence_log_remember(void);

/* quoted: the registers of the report. *out: secmem, at most max bytes, a log
 * that verifiers join to them (policy/eventlog_join.h); NULL: there is none.
 */
CL_MUST_CHECK int evidence_log_make(const struct evidence_config *c,
    const struct eventlog_quoted *quoted, size_t max, uint8_t **out,
    size_t *out_n);

/* Do the firmware's log and ours together give this value of the register? */
bool evidence_log_explains(const struct evidence_config *c,
    const struct runtime_log *log, enum eventlog_kind kind, uint32_t reg,
    const uint8_t *value);

#endif
