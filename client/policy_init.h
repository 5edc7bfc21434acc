/*
 * A policy out of evidence: what one genuine guest is like becomes what the
 * owner expects of the next one.
 */
#ifndef CLOISTER_CLIENT_POLICY_INIT_H
#define CLOISTER_CLIENT_POLICY_INIT_H

#include "client/appraisal.h"
#include "client/text.h"

/*
 * Writes the reference values of authentic evidence into a policy: what it
 * held of them before is replaced, all else is kept. No permission is ever
 * added, but for the TCB status that came, which is at least a known one.
 * tee: "snp"; fields: as appraise_input() gave them. CL_ERR_EVIDENCE: they do
 * not hold what identifies software.
 */
CL_MUST_CHECK int policy_init_fill(json_t *policy, const char *tee,
    const struct appraisal *a, const json_t *fields);
/*
 * The policy that accepts this evidence (and, when it names software, none
 * other), as text. ask->policy and ask->home give the policy to begin with.
 * CL_ERR_EVIDENCE: not authentic; CL_ERR_APPRAISAL: refused for something that
 * only the owner can permit.
 */
CL_MUST_CHECK int policy_init_make(
    const struct appraisal_ask *ask, const char *p, size_t n, struct text *out);

#endif
