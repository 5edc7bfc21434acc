/*
 * What an owner wants of an event log that verified registers explain:
 *
 *	"eventlog":{"require":true,"agent":true,
 *	 "events":[{"register":"rtmr1","digest":["hex",…],
 *		    "type":"EV_EFI_BOOT_SERVICES_APPLICATION"},…],
 *	 "only":["rtmr1","rtmr2"]}
 *
 * require	a log must be there
 * agent	the last start of the agent must be that of the claims; true:
 *		there must be one; false: nothing is compared; absent: when
 *		there is one
 * events	records that must be there: one of the digests, in this register
 *	type	further: what the log calls it, a name or "0x0000000d". No
 *		register covers a type, so the digest alone says what was run
 * only		registers of which every record must be one of events, a start
 *		of the agent that is compared, or, in registers of firmware, say
 *		nothing: a separator, an action, a partition table
 */
#ifndef CLOISTER_POLICY_EVENTLOG_WANT_H
#define CLOISTER_POLICY_EVENTLOG_WANT_H

#include <jansson.h>

#include "policy/eventlog.h"
#include "policy/rows.h"

#define EVENTLOG_WANTED_MAX 512u

struct eventlog_want {
	enum eventlog_kind kind;
	bool require, agent_given, agent;
	const json_t *events; /* borrowed; checked; NULL: none */
	uint32_t only;	      /* bits of registers */
};

/* The member "eventlog" of o, a policy's object of one kind; strict. o NULL or
 * without it: the defaults. o must outlive the policy. json_why() names what
 * was wrong. */
CL_MUST_CHECK int eventlog_want_parse(
    const json_t *o, enum eventlog_kind kind, struct eventlog_want *out);
/* Can a log not be missing? */
bool eventlog_want_needs(const struct eventlog_want *w);
/* Does the policy name all that may have gone into this register, and something
 * that did? Then it is as good as a pinned value. */
bool eventlog_want_measures(const struct eventlog_want *w, unsigned reg);
/* Rows "eventlog.events" and "eventlog.only.rtmr1". explained: registers whose
 * records are to be believed. */
void eventlog_want_judge(const struct eventlog_want *w, const uint8_t *p,
    size_t n, uint32_t explained, struct appraise_result *rows);

#endif
