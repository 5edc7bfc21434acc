/* What the tenant_*.c files share; nobody else includes it. */
#ifndef CLOISTER_AGENT_TENANT_IMPL_H
#define CLOISTER_AGENT_TENANT_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/tenant.h"

#define TENANT_BUCKETS 64u

struct tenant_group {
	struct tenant_group *next;
	uint32_t tag;
	uint8_t text_hash[32];
	struct group_def def;
	struct groupkey *key;
};

struct tenant {
	pthread_mutex_t lock; /* all below but the atomics */
	atomic_uint refs;
	bool used; /* under the table's lock */
	uint8_t uuid[16];
	struct identity *signer;
	char *pem;
	char owner[IDENTITY_PUKID_LEN];
	atomic_bool provisioned;
	atomic_int_least64_t lease_end; /* CLOCK_BOOTTIME seconds, 0: none */
	atomic_uint_least64_t epoch;
	atomic_int_least64_t time_floor;
	int64_t lease_until; /* unix seconds: for the sealed copy */
	uint8_t key[32];
	uint8_t hash_key[32];
	struct hashkey *hash;
	bool sealed;
	uint64_t version; /* of the sealed copy */
	int64_t brl;
	uint32_t nfloors;
	struct tenant_floor *floors; /* TENANT_MAX_FLOORS, when any */
	unsigned ngroups;
	struct tenant_group *groups[TENANT_BUCKETS];
};

struct tenants {
	pthread_mutex_t lock;
	unsigned max;
	struct tenant *rows;
};

/* tenant_group.c; the lock is held. */
void tenant_groups_clear(struct tenant *t);
/* Drops groups that are older than the floor says. */
void tenant_groups_apply_floor(struct tenant *t);
/* tenant_floor.c; the lock is held. */
uint32_t tenant_floor_of(const struct tenant *t, const uint8_t group[16]);
CL_MUST_CHECK int tenant_floor_raise(
    struct tenant *t, const uint8_t group[16], uint32_t version);

/* tenant_store.c: the sealed copy; the lock is held. */
CL_MUST_CHECK int tenant_store(
    struct engine *e, struct tenant *t, char why[ENGINE_REASON]);
CL_MUST_CHECK int tenant_unstore(struct engine *e, struct tenant *t);

/* tenant.c: a row for uuid, made when there is none; a reference. */
struct tenant *tenant_claim(struct tenants *all, const uint8_t uuid[16]);
/* Gives a row that was claimed and never provisioned back. */
void tenant_unclaim(struct tenants *all, struct tenant *t);
/* The lock is held: expands the keys that are in t. */
CL_MUST_CHECK int tenant_activate(struct tenant *t, uint32_t lease_left);
/* The lock is held: wipes keys and groups. */
void tenant_wipe_keys(struct tenant *t);

#endif
