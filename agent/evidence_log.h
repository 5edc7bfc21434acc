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

/*
 * quoted: what the report says; value and size, and extended for each register
 * that is in it. *out: secmem, at most max bytes; NULL: there is no log.
 */
CL_MUST_CHECK int evidence_log_make(const struct evidence_config *c,
    enum eventlog_kind kind, const struct eventlog_registers *quoted,
    size_t max, uint8_t **out, size_t *out_n);

/* Do the firmware's log and ours together give this value of the register? */
bool evidence_log_explains(const struct evidence_config *c,
    const struct runtime_log *log, enum eventlog_kind kind, uint32_t reg,
    const uint8_t *value);

#endif
