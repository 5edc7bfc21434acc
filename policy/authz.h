/*
 * The decision: identity + operations + groups → allowed, or a named reason.
 * Pure functions over definitions; nothing here knows keys.
 */
#ifndef CLOISTER_POLICY_AUTHZ_H
#define CLOISTER_POLICY_AUTHZ_H

#include "policy/group_def.h"
#include <stdbool.h>

#include "tde/eval.h"

#define AUTHZ_REASON 256u

/* defs[i] belongs to prog->tags[i], and all of them to the session's tenant
 * (CL_ERR_BAD_CELL_GROUP otherwise). reason: which operation on which group
 * was missing, by name, for the error text and the audit log.
 * CL_ERR_REFUSED, CL_ERR_FLOW_REFUSED. */
CL_MUST_CHECK int authz_program(const uint8_t tenant[16],
    const struct eval_program *prog, const struct group_def *const *defs,
    char reason[AUTHZ_REASON]);
/* One operation set on one group (SORT: GROUP_CMP). */
CL_MUST_CHECK int authz_group(const uint8_t tenant[16],
    const struct group_def *def, uint32_t ops, char reason[AUTHZ_REASON]);
/*
 * May a value of from become a cell of to: same group; or listed in from's
 * flows_to; or to allows no more than from does: no operation that from lacks,
 * no deterministic cells unless from's are, lengths padded as well, and in its
 * own flows_to nothing that from may not reach (no detour).
 */
bool authz_flow(const struct group_def *from, const struct group_def *to);

#endif
