/*
 * An event log beside the registers that verified evidence carries. The
 * registers are true; the log says what went into them, and is believed as far
 * as its replay gives them.
 *
 * For each register that came, one must hold:
 *	the replay gives its value (zeros, where no record extends it)
 *	no record extends it, and it is excused: the owner knows its value
 *	it is register 0 of CSV and holds the launch measurement, or replays
 *	from it: the launch measurement is what firmware puts there
 * else the log is about another machine, or somebody changed it.
 */
#ifndef CLOISTER_POLICY_EVENTLOG_JOIN_H
#define CLOISTER_POLICY_EVENTLOG_JOIN_H

#include "policy/eventlog.h"
#include "policy/rows.h"

struct eventlog_quoted {
	enum eventlog_kind kind;
	const uint8_t *value[EVENTLOG_REGISTERS]; /* NULL: did not come */
	const uint8_t *launch;			  /* of CSV, else NULL */
	uint32_t excused;			  /* bits of registers */
};

/* Appends a row "eventlog" on the log's form and one for each register:
 * expected what was quoted, came what the replay gives. explained: bits of the
 * registers whose records are to be believed. CL_ERR_EVIDENCE. */
CL_MUST_CHECK int eventlog_join(const uint8_t *p, size_t n,
    const struct eventlog_quoted *quoted, struct appraise_result *rows,
    uint32_t *explained);

/* "rtmr1", "pcr4": a register in claims and policies. */
void eventlog_claim_name(enum eventlog_kind kind, unsigned reg, char out[16]);
/* The number of a register of that name; -1: none. */
int eventlog_claim_register(enum eventlog_kind kind, const char *name);

#endif
