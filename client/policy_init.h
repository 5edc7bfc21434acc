/*
 * A policy out of evidence: what one genuine guest is like becomes what the
 * owner expects of the next one.
 */
#ifndef CLOISTER_CLIENT_POLICY_INIT_H
#define CLOISTER_CLIENT_POLICY_INIT_H

#include "client/appraisal.h"
#include "client/text.h"

/*
 * The policy that accepts this evidence (and, when it names software, none
 * other), as text. ask->policy and ask->home give the policy to begin with:
 * the reference values in it are replaced, all else is kept. No permission is
 * ever added, but for the TCB status that came, which is at least a known one.
 * CL_ERR_EVIDENCE: not authentic, or it does not hold what identifies
 * software; CL_ERR_APPRAISAL: refused for something that only the owner can
 * permit.
 */
CL_MUST_CHECK int policy_init_make(
    const struct appraisal_ask *ask, const char *p, size_t n, struct text *out);

#endif
