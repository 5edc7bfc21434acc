/*
 * Tenants: one owner's keys, groups and policy floor in the engine. A tenant
 * is bound to the identity that provisioned it first. Entries stay where they
 * are; who keeps a pointer holds a reference.
 */
#ifndef CLOISTER_AGENT_TENANT_H
#define CLOISTER_AGENT_TENANT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/engine.h"
#include "policy/authz.h"
#include "policy/message.h"

#define TENANT_MAX_GROUPS 1024u
#define TENANT_MAX_FLOORS 2048u

struct tenant;
struct tenants;

struct tenant_floor {
	uint8_t group[16];
	uint32_t version;
};

/* What a provision message says, checked for form. */
struct tenant_provision {
	uint8_t uuid[16];
	uint8_t key[32];
	uint8_t hash_key[32];
	bool seal;
	uint32_t lease; /* seconds, 0: until the engine stops */
	int64_t time;
	int64_t brl;
	uint32_t nfloors;
	struct tenant_floor *floors;
};

struct tenant_status {
	bool provisioned;
	bool sealed;
	int64_t lease; /* seconds left, 0: none */
	int64_t brl;
	uint32_t nfloors;
	struct tenant_floor *floors; /* secmem, the caller frees */
};

CL_MUST_CHECK int tenants_new(struct tenants **out, unsigned max);
unsigned tenants_count(struct tenants *all); /* provisioned ones */

/* A reference, or NULL when nobody provisioned it. */
struct tenant *tenant_get(struct tenants *all, const uint8_t uuid[16]);
void tenant_put(struct tenant *t);
const uint8_t *tenant_uuid(const struct tenant *t);
/* CL_ERR_SESSION_REFUSED unless this PEM is the owner's. */
CL_MUST_CHECK int tenant_check_owner(struct tenant *t, const char *pem);
/* The pukid of the owner. */
void tenant_owner(struct tenant *t, char out[IDENTITY_PUKID_LEN]);
/* Unix seconds, never before a time that the owner signed. */
int64_t tenant_now(struct tenant *t);

/*
 * Puts keys in (and, sealed, into the state). signer is taken over on success.
 * CL_ERR_SESSION_REFUSED: bound to another owner. CL_ERR_LIMIT: too many
 * tenants. why: a line for the error's detail.
 */
CL_MUST_CHECK int tenant_provision(struct engine *e,
    const struct tenant_provision *p, struct message *m,
    char why[ENGINE_REASON]);
/* Keys leave the engine, sessions end, programs and sorts that other workers
 * hold are dropped. With state the sealed copy goes too. */
CL_MUST_CHECK int tenant_withdraw(
    struct engine *e, struct tenant *t, bool state, int why);
CL_MUST_CHECK int tenant_status(struct tenant *t, struct tenant_status *s);

/* CL_OK while keys are here and the lease lasts; else CL_ERR_NO_TENANT. */
CL_MUST_CHECK int tenant_check(const struct tenant *t);
/* Changes whenever a prepared program must be authorised again. */
uint64_t tenant_epoch(const struct tenant *t);
/* OP_GROUP. why: a line for the error's detail. */
CL_MUST_CHECK int tenant_group_put(struct engine *e, struct tenant *t,
    const char *text, size_t n, const uint8_t *sig, size_t sig_n,
    const uint8_t *wrapped, size_t wrapped_n, char why[ENGINE_REASON]);
/* Keys of a program's groups, each a reference for the caller; *hash too.
 * CL_ERR_NEED_GROUP with *wanted; refusals with reason. */
CL_MUST_CHECK int tenant_authorise(struct tenant *t,
    const struct eval_program *prog, struct groupkey **keys,
    struct hashkey **hash, uint64_t *epoch, uint32_t *wanted,
    char reason[AUTHZ_REASON]);
/* The key of one group that allows ops, a reference for the caller. */
CL_MUST_CHECK int tenant_group_key(struct tenant *t, uint32_t tag, uint32_t ops,
    struct groupkey **key, char reason[AUTHZ_REASON]);

/* Reads every sealed tenant at start; failures are logged, one by one. */
CL_MUST_CHECK int tenant_load_all(struct engine *e);
/* Seconds until the next lease ends (at least 1), 0 when none runs; ends
 * those that are over. The housekeeper's. */
unsigned tenants_end_leases(struct engine *e);

#endif
