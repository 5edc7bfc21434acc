/*
 * The expanded DEKs of one group: a bounded, set-associative table. A hit
 * costs two atomic additions and no lock, so threads do not wait for each
 * other; contexts that must not be shared get one entry per lane (a small
 * number that each thread has) and a lock. An entry in use is never evicted:
 * when a whole set is in use, the caller gets a context of its own.
 */
#ifndef CLOISTER_TDE_KEYTREE_CACHE_H
#define CLOISTER_TDE_KEYTREE_CACHE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "tde/suite.h"

#define KEYTREE_SETS  16u
#define KEYTREE_WAYS  4u
#define KEYTREE_LANES 8u

struct keytree_slot {
	_Atomic uint64_t id; /* 0: empty */
	_Atomic uint32_t users;
	_Atomic uint32_t stamp;
	pthread_mutex_t exclusive; /* for suites that are not shared */
	void *context;
};

struct keytree_cache {
	const struct suite *suite;
	pthread_mutex_t lock; /* held to fill and evict */
	_Atomic uint32_t clock;
	struct keytree_slot slots[KEYTREE_SETS * KEYTREE_WAYS];
};

/* A DEK in use. slot is NULL when the context is the lease's own. */
struct keytree_lease {
	void *context;
	struct keytree_slot *slot;
};

/* Makes the key (suite->key_len bytes) of an epoch and encryptor. */
typedef int (*keytree_derive)(
    void *arg, uint16_t epoch, uint32_t encryptor, uint8_t *key);

CL_MUST_CHECK int keytree_cache_start(
    struct keytree_cache *c, const struct suite *suite);
/* No lease may be out. Wipes. */
void keytree_cache_stop(struct keytree_cache *c);
CL_MUST_CHECK int keytree_cache_get(struct keytree_cache *c, uint16_t epoch,
    uint32_t encryptor, keytree_derive derive, void *arg,
    struct keytree_lease *lease);
void keytree_cache_put(struct keytree_cache *c, struct keytree_lease *lease);

/* This thread's lane, 0 to KEYTREE_LANES - 1. */
unsigned keytree_lane(void);

#endif
