#include "agent/tenant_impl.h"

#include <string.h>
#include <time.h>

#include "agent/accept.h"
#include "agent/audit.h"
#include "agent/session.h"
#include "lib/json.h"
#include "lib/secmem.h"

int
tenants_new(struct tenants **out, unsigned max)
{
	struct tenants *all = secmem_alloc(sizeof(*all));
	unsigned i;

	if (!all)
		return CL_ERR_MEMORY;
	all->rows = secmem_alloc(max * sizeof(*all->rows));
	if (!all->rows) {
		secmem_free(all);
		return CL_ERR_MEMORY;
	}
	all->max = max;
	pthread_mutex_init(&all->lock, NULL);
	for (i = 0; i < max; i++)
		pthread_mutex_init(&all->rows[i].lock, NULL);
	*out = all;
	return CL_OK;
}

unsigned
tenants_count(struct tenants *all)
{
	unsigned i, n = 0;

	for (i = 0; i < all->max; i++)
		n += atomic_load(&all->rows[i].provisioned);
	return n;
}

/* The table's lock is held. */
static struct tenant *
find(struct tenants *all, const uint8_t uuid[16])
{
	unsigned i;

	for (i = 0; i < all->max; i++)
		if (all->rows[i].used && !memcmp(all->rows[i].uuid, uuid, 16))
			return &all->rows[i];
	return NULL;
}

struct tenant *
tenant_get(struct tenants *all, const uint8_t uuid[16])
{
	struct tenant *t;

	pthread_mutex_lock(&all->lock);
	t = find(all, uuid);
	if (t)
		atomic_fetch_add(&t->refs, 1);
	pthread_mutex_unlock(&all->lock);
	return t;
}

void
tenant_put(struct tenant *t)
{
	if (t)
		atomic_fetch_sub(&t->refs, 1);
}

/* Forgets the owner, so that the row can serve another tenant. */
static void
unbind(struct tenant *t)
{
	identity_free(t->signer);
	secmem_free(t->pem);
	secmem_free(t->floors);
	t->signer = NULL;
	t->pem = NULL;
	t->floors = NULL;
	t->nfloors = 0;
	t->brl = 0;
	t->version = 0;
	t->sealed = false;
	t->owner[0] = '\0';
	atomic_store(&t->time_floor, 0);
	t->used = false;
}

/* A free row; else one whose keys are gone and that nobody holds. */
static struct tenant *
free_row(struct tenants *all)
{
	struct tenant *t;
	unsigned i;

	for (i = 0; i < all->max; i++)
		if (!all->rows[i].used)
			return &all->rows[i];
	for (i = 0; i < all->max; i++) {
		t = &all->rows[i];
		if (!atomic_load(&t->provisioned) && !atomic_load(&t->refs)) {
			unbind(t);
			return t;
		}
	}
	return NULL;
}

struct tenant *
tenant_claim(struct tenants *all, const uint8_t uuid[16])
{
	struct tenant *t;

	pthread_mutex_lock(&all->lock);
	t = find(all, uuid);
	if (!t && (t = free_row(all)) != NULL) {
		memcpy(t->uuid, uuid, 16);
		t->used = true;
	}
	if (t)
		atomic_fetch_add(&t->refs, 1);
	pthread_mutex_unlock(&all->lock);
	return t;
}

void
tenant_unclaim(struct tenants *all, struct tenant *t)
{
	pthread_mutex_lock(&all->lock);
	if (atomic_fetch_sub(&t->refs, 1) == 1 && !t->signer)
		unbind(t);
	pthread_mutex_unlock(&all->lock);
}

const uint8_t *
tenant_uuid(const struct tenant *t)
{
	return t->uuid;
}

int
tenant_check_owner(struct tenant *t, const char *pem)
{
	bool same;

	pthread_mutex_lock(&t->lock);
	same = t->pem && !strcmp(t->pem, pem);
	pthread_mutex_unlock(&t->lock);
	return same ? CL_OK : CL_ERR_SESSION_REFUSED;
}

void
tenant_owner(struct tenant *t, char out[IDENTITY_PUKID_LEN])
{
	pthread_mutex_lock(&t->lock);
	memcpy(out, t->owner, IDENTITY_PUKID_LEN);
	pthread_mutex_unlock(&t->lock);
}

int64_t
tenant_now(struct tenant *t)
{
	int64_t now = (int64_t)time(NULL);
	int64_t least = atomic_load(&t->time_floor);

	return now > least ? now : least;
}

int
tenant_check(const struct tenant *t)
{
	int64_t end;

	if (!atomic_load(&t->provisioned))
		return CL_ERR_NO_TENANT;
	end = atomic_load(&t->lease_end);
	return end && engine_uptime_clock() >= end ? CL_ERR_NO_TENANT : CL_OK;
}

uint64_t
tenant_epoch(const struct tenant *t)
{
	return atomic_load_explicit(&t->epoch, memory_order_acquire);
}

int
tenant_activate(struct tenant *t, uint32_t lease_left)
{
	struct hashkey *hash = NULL;
	int r;

	if ((r = hashkey_new(&hash, t->hash_key)) != 0)
		return r;
	hashkey_free(t->hash);
	t->hash = hash;
	atomic_store(
	    &t->lease_end, lease_left ? engine_uptime_clock() + lease_left : 0);
	atomic_fetch_add(&t->epoch, 1);
	atomic_store(&t->provisioned, true);
	return CL_OK;
}

void
tenant_wipe_keys(struct tenant *t)
{
	atomic_store(&t->provisioned, false);
	atomic_fetch_add(&t->epoch, 1);
	tenant_groups_clear(t);
	hashkey_free(t->hash);
	t->hash = NULL;
	secmem_wipe(t->key, sizeof(t->key));
	secmem_wipe(t->hash_key, sizeof(t->hash_key));
	atomic_store(&t->lease_end, 0);
}

/* What the message brings is put into t, before anything is stored. */
static int
take_values(struct tenant *t, const struct tenant_provision *p)
{
	uint32_t i;
	int r;

	for (i = 0; i < p->nfloors; i++)
		if ((r = tenant_floor_raise(
			 t, p->floors[i].group, p->floors[i].version)) != 0)
			return r;
	if (p->brl > t->brl)
		t->brl = p->brl;
	if (p->time > atomic_load(&t->time_floor))
		atomic_store(&t->time_floor, p->time);
	/* Roots are wrapped by the tenant key: with another one the groups
	 * must come again. */
	if (!secmem_equal(t->key, p->key, 32) ||
	    !secmem_equal(t->hash_key, p->hash_key, 32))
		tenant_groups_clear(t);
	memcpy(t->key, p->key, 32);
	memcpy(t->hash_key, p->hash_key, 32);
	t->lease_until = p->lease ? tenant_now(t) + p->lease : 0;
	tenant_groups_apply_floor(t);
	return CL_OK;
}

static int
bind_owner(struct tenant *t, struct message *m)
{
	int r;

	if (t->signer)
		return strcmp(t->pem, m->signer_pem) ? CL_ERR_SESSION_REFUSED
						     : CL_OK;
	if ((r = identity_pukid(m->signer, t->owner)) != 0)
		return r;
	t->signer = m->signer; /* transferred */
	t->pem = m->signer_pem;
	m->signer = NULL;
	m->signer_pem = NULL;
	return CL_OK;
}

/* The lock is held. A failure to store leaves the keys out. */
static int
provision_locked(struct engine *e, struct tenant *t,
    const struct tenant_provision *p, struct message *m,
    char why[ENGINE_REASON])
{
	int r;

	if ((r = bind_owner(t, m)) != 0) {
		snprintf(why, ENGINE_REASON,
		    "the tenant belongs to another identity");
		return r;
	}
	if ((r = take_values(t, p)) != 0)
		return r;
	r = p->seal ? tenant_store(e, t, why) : tenant_unstore(e, t);
	return r ? r : tenant_activate(t, p->lease);
}

int
tenant_provision(struct engine *e, const struct tenant_provision *p,
    struct message *m, char why[ENGINE_REASON])
{
	struct tenant *t = tenant_claim(e->tenants, p->uuid);
	int r;

	why[0] = '\0';
	if (!t) {
		snprintf(why, ENGINE_REASON,
		    "%u tenants are in the agent ([limits] max_tenants)",
		    e->cfg.max_tenants);
		return CL_ERR_LIMIT;
	}
	pthread_mutex_lock(&t->lock);
	r = provision_locked(e, t, p, m, why);
	/* Half a change is none: with a refusal the keys that were there
	 * before may stay, after a failed write they may not. */
	if (r && r != CL_ERR_SESSION_REFUSED)
		tenant_wipe_keys(t);
	pthread_mutex_unlock(&t->lock);
	audit_event(e->audit, r ? "provision_refused" : "provision", p->uuid,
	    NULL,
	    r	      ? err_name(r)
	    : p->seal ? "sealed"
		      : "not sealed");
	tenant_unclaim(e->tenants, t);
	return r;
}

int
tenant_withdraw(struct engine *e, struct tenant *t, bool state, int why)
{
	int r = CL_OK;

	pthread_mutex_lock(&t->lock);
	tenant_wipe_keys(t);
	if (state)
		r = tenant_unstore(e, t);
	pthread_mutex_unlock(&t->lock);
	sessions_end_tenant(e->sessions, t, why);
	pool_drop_tenant(e->pool, t);
	return r;
}

int
tenant_status(struct tenant *t, struct tenant_status *s)
{
	int64_t end;
	int r = CL_OK;

	memset(s, 0, sizeof(*s));
	s->provisioned = tenant_check(t) == CL_OK;
	end = atomic_load(&t->lease_end);
	if (s->provisioned && end)
		s->lease = end - engine_uptime_clock();
	pthread_mutex_lock(&t->lock);
	s->sealed = t->sealed;
	s->brl = t->brl;
	s->nfloors = t->nfloors;
	if (t->nfloors) {
		s->floors = secmem_alloc(t->nfloors * sizeof(*s->floors));
		if (s->floors)
			memcpy(s->floors, t->floors,
			    t->nfloors * sizeof(*s->floors));
		else
			r = CL_ERR_MEMORY;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* True when t's lease is over; else *left shrinks to what it has left. */
static bool
lease_over(const struct tenant *t, int64_t now, int64_t *left)
{
	int64_t end = atomic_load(&t->lease_end);

	if (!atomic_load(&t->provisioned) || !end)
		return false;
	if (end <= now)
		return true;
	if (*left == 0 || end - now < *left)
		*left = end - now;
	return false;
}

unsigned
tenants_end_leases(struct engine *e)
{
	int64_t now = engine_uptime_clock(), left = 0;
	struct tenant *t;
	unsigned i;
	int r;

	for (i = 0; i < e->tenants->max; i++) {
		t = &e->tenants->rows[i];
		atomic_fetch_add(&t->refs, 1);
		if (lease_over(t, now, &left)) {
			r = tenant_withdraw(e, t, true, CL_ERR_EXPIRED);
			audit_event(
			    e->audit, "lease_end", t->uuid, NULL, err_name(r));
		}
		tenant_put(t);
	}
	return left > 60 ? 60 : (unsigned)left;
}
