/* What PREPARE and EVAL share. */
#ifndef CLOISTER_AGENT_OP_PREPARE_H
#define CLOISTER_AGENT_OP_PREPARE_H

#include "agent/conn.h"
#include "agent/programs.h"

/* Asks the policy, and gets the keys, for the tenant's present epoch. */
CL_MUST_CHECK int prepare_authorise(struct conn *c, struct program *p);

#endif
