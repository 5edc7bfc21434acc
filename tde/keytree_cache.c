#include <stddef.h>

#include "lib/secmem.h"
#include "tde/keytree_cache.h"

/* In users: the entry is being refilled, hands off. */
#define FILLING 0x80000000u
#define MAX_KEY 64u

unsigned
keytree_lane(void)
{
	static _Atomic unsigned next;
	static _Thread_local unsigned lane; /* 0: none yet */

	if (!lane)
		lane = 1 + atomic_fetch_add(&next, 1) % KEYTREE_LANES;
	return lane - 1;
}

/* Never 0: bit 63 is always set. */
static uint64_t
id_of(const struct keytree_cache *c, uint16_t epoch, uint32_t encryptor)
{
	uint64_t lane = c->suite->shared ? 0 : keytree_lane();

	return (uint64_t)1 << 63 | lane << 48 | (uint64_t)epoch << 32 |
	       encryptor;
}

static struct keytree_slot *
set_of(struct keytree_cache *c, uint64_t id)
{
	uint64_t x = id * 0x9e3779b97f4a7c15u;

	return &c->slots[(x >> 32) % KEYTREE_SETS * KEYTREE_WAYS];
}

int
keytree_cache_start(struct keytree_cache *c, const struct suite *suite)
{
	unsigned i;

	if (suite->key_len > MAX_KEY)
		return CL_ERR_INTERNAL;
	c->suite = suite;
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		return CL_ERR_MEMORY;
	for (i = 0; i < KEYTREE_SETS * KEYTREE_WAYS; i++)
		if (pthread_mutex_init(&c->slots[i].exclusive, NULL) != 0)
			return CL_ERR_MEMORY;
	return CL_OK;
}

void
keytree_cache_stop(struct keytree_cache *c)
{
	struct keytree_slot *s;
	unsigned i;

	for (i = 0; i < KEYTREE_SETS * KEYTREE_WAYS; i++) {
		s = &c->slots[i];
		if (atomic_load(&s->id))
			c->suite->clear(s->context);
		atomic_store(&s->id, 0);
		secmem_free(s->context);
		s->context = NULL;
		pthread_mutex_destroy(&s->exclusive);
	}
	pthread_mutex_destroy(&c->lock);
}

/*
 * Takes a share of the slot if it holds id. A refill can only start while
 * users is 0, so once the share is taken and id is still there, it stays.
 */
static int
slot_enter(struct keytree_slot *s, uint64_t id)
{
	uint32_t was;

	if (atomic_load_explicit(&s->id, memory_order_relaxed) != id)
		return 0;
	was = atomic_fetch_add_explicit(&s->users, 1, memory_order_acquire);
	if (!(was & FILLING) &&
	    atomic_load_explicit(&s->id, memory_order_relaxed) == id)
		return 1;
	atomic_fetch_sub_explicit(&s->users, 1, memory_order_release);
	return 0;
}

static struct keytree_slot *
set_enter(struct keytree_cache *c, uint64_t id)
{
	struct keytree_slot *set = set_of(c, id);
	unsigned i;

	for (i = 0; i < KEYTREE_WAYS; i++)
		if (slot_enter(&set[i], id))
			return &set[i];
	return NULL;
}

static void
lease_slot(struct keytree_cache *c, struct keytree_slot *s,
    struct keytree_lease *lease)
{
	uint32_t now = atomic_load_explicit(&c->clock, memory_order_relaxed);

	/* Reading is cheap, writing makes the line travel between cores. */
	if (atomic_load_explicit(&s->stamp, memory_order_relaxed) != now)
		atomic_store_explicit(&s->stamp, now, memory_order_relaxed);
	if (!c->suite->shared)
		pthread_mutex_lock(&s->exclusive);
	lease->slot = s;
	lease->context = s->context;
}

/* The longest unused slot of the set that nobody holds, now marked FILLING;
 * NULL when all are held. Under c->lock. */
static struct keytree_slot *
claim(struct keytree_cache *c, uint64_t id)
{
	struct keytree_slot *set = set_of(c, id), *best;
	unsigned i, tried = 0, pick = 0;
	uint32_t now = atomic_load(&c->clock), zero, age, oldest;

	while (tried != (1u << KEYTREE_WAYS) - 1) {
		best = NULL;
		oldest = 0;
		for (i = 0; i < KEYTREE_WAYS; i++) {
			if (tried & 1u << i)
				continue;
			age = atomic_load(&set[i].id)
				  ? now - atomic_load(&set[i].stamp)
				  : UINT32_MAX;
			if (best && age <= oldest)
				continue;
			best = &set[i];
			oldest = age;
			pick = i;
		}
		zero = 0;
		if (best && atomic_compare_exchange_strong(
				&best->users, &zero, FILLING))
			return best;
		tried |= 1u << pick;
	}
	return NULL;
}

static int
context_fill(const struct suite *suite, void *context, uint16_t epoch,
    uint32_t encryptor, keytree_derive derive, void *arg)
{
	uint8_t key[MAX_KEY];
	int r;

	if ((r = derive(arg, epoch, encryptor, key)) == CL_OK)
		r = suite->init(context, key);
	secmem_wipe(key, sizeof(key));
	return r;
}

/* On success the slot is entered once by the caller. */
static int
slot_refill(struct keytree_cache *c, struct keytree_slot *s, uint64_t id,
    uint16_t epoch, uint32_t encryptor, keytree_derive derive, void *arg)
{
	int r = CL_ERR_MEMORY;

	if (atomic_load(&s->id)) {
		atomic_store(&s->id, 0);
		c->suite->clear(s->context);
	}
	if (!s->context)
		s->context = secmem_alloc(c->suite->context_size);
	if (s->context)
		r = context_fill(
		    c->suite, s->context, epoch, encryptor, derive, arg);
	if (r == CL_OK) {
		atomic_fetch_add(&c->clock, 1);
		atomic_store(&s->id, id);
		atomic_fetch_sub(&s->users, FILLING - 1);
	} else {
		atomic_fetch_sub(&s->users, FILLING);
	}
	return r;
}

static int
lease_private(struct keytree_cache *c, uint16_t epoch, uint32_t encryptor,
    keytree_derive derive, void *arg, struct keytree_lease *lease)
{
	int r;

	lease->slot = NULL;
	lease->context = secmem_alloc(c->suite->context_size);
	if (!lease->context)
		return CL_ERR_MEMORY;
	r = context_fill(
	    c->suite, lease->context, epoch, encryptor, derive, arg);
	if (r != CL_OK)
		secmem_free(lease->context);
	return r;
}

int
keytree_cache_get(struct keytree_cache *c, uint16_t epoch, uint32_t encryptor,
    keytree_derive derive, void *arg, struct keytree_lease *lease)
{
	uint64_t id = id_of(c, epoch, encryptor);
	struct keytree_slot *s = set_enter(c, id);
	int r = CL_OK;

	if (s) {
		lease_slot(c, s, lease);
		return CL_OK;
	}
	pthread_mutex_lock(&c->lock);
	s = set_enter(c, id); /* somebody else may have filled it by now */
	if (!s && (s = claim(c, id)) != NULL)
		r = slot_refill(c, s, id, epoch, encryptor, derive, arg);
	pthread_mutex_unlock(&c->lock);
	if (!s)
		return lease_private(c, epoch, encryptor, derive, arg, lease);
	if (r == CL_OK)
		lease_slot(c, s, lease);
	return r;
}

void
keytree_cache_put(struct keytree_cache *c, struct keytree_lease *lease)
{
	if (!lease->slot) {
		c->suite->clear(lease->context);
		secmem_free(lease->context);
		return;
	}
	if (!c->suite->shared)
		pthread_mutex_unlock(&lease->slot->exclusive);
	atomic_fetch_sub_explicit(&lease->slot->users, 1, memory_order_release);
}
