/* The event log's part of a policy that is made from evidence. */
#ifndef CLOISTER_CLIENT_POLICY_INIT_LOG_H
#define CLOISTER_CLIENT_POLICY_INIT_LOG_H

#include <jansson.h>

#include "policy/eventlog.h"

/*
 * Registers that the log explains by starts of the agent have another value
 * after each start, so they are not to be pinned: o, the policy's object of
 * this kind, gets the member "eventlog" instead, by which nothing but such
 * starts, and the records that are there now, may extend them. log: as
 * eventlog_print() gives it, of evidence that is genuine; NULL: there is none.
 * came: bits of the registers in the evidence. *changing: of those registers.
 */
CL_MUST_CHECK int policy_init_log(json_t *o, enum eventlog_kind kind,
    const json_t *log, uint32_t came, uint32_t *changing);

#endif
