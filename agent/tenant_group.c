#include "agent/tenant_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit.h"
#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/secmem.h"

static struct tenant_group **
place_of(struct tenant *t, uint32_t tag)
{
	struct tenant_group **g = &t->groups[tag % TENANT_BUCKETS];

	while (*g && (*g)->tag != tag)
		g = &(*g)->next;
	return g;
}

/* Takes *place out of its chain. */
static void
drop(struct tenant *t, struct tenant_group **place)
{
	struct tenant_group *g = *place;

	*place = g->next;
	groupkey_free(g->key);
	secmem_free(g);
	t->ngroups--;
}

void
tenant_groups_clear(struct tenant *t)
{
	unsigned i;

	for (i = 0; i < TENANT_BUCKETS; i++)
		while (t->groups[i])
			drop(t, &t->groups[i]);
	atomic_fetch_add(&t->epoch, 1);
}

void
tenant_groups_apply_floor(struct tenant *t)
{
	struct tenant_group **g;
	unsigned i;

	for (i = 0; i < TENANT_BUCKETS; i++)
		for (g = &t->groups[i]; *g;)
			if ((*g)->def.version <
			    tenant_floor_of(t, (*g)->def.uuid))
				drop(t, g);
			else
				g = &(*g)->next;
	atomic_fetch_add(&t->epoch, 1);
}

/* May def stand beside or instead of what is there? CL_ERR_EXISTS with same
 * set: it is there already. */
static int
check_new(struct tenant *t, const struct group_def *def,
    const struct tenant_group *old, const uint8_t text_hash[32], bool *same,
    char why[ENGINE_REASON])
{
	uint32_t least = tenant_floor_of(t, def->uuid);

	*same = false;
	if (def->version < least ||
	    (old && !memcmp(old->def.uuid, def->uuid, 16) &&
		def->version < old->def.version)) {
		snprintf(why, ENGINE_REASON,
		    "group %s: version %u, but %u was seen", def->name,
		    def->version, old ? old->def.version : least);
		return CL_ERR_ROLLBACK;
	}
	if (!old)
		return CL_OK;
	if (memcmp(old->def.uuid, def->uuid, 16)) {
		snprintf(why, ENGINE_REASON, "group %s: group %s has its tag",
		    def->name, old->def.name);
		return CL_ERR_EXISTS;
	}
	if (def->suite != old->def.suite || def->pad != old->def.pad) {
		snprintf(why, ENGINE_REASON,
		    "group %s: suite and padding cannot change", def->name);
		return CL_ERR_ARGUMENT;
	}
	if (def->version > old->def.version)
		return CL_OK;
	*same = !memcmp(old->text_hash, text_hash, 32);
	if (!*same)
		snprintf(why, ENGINE_REASON,
		    "group %s: version %u was given with another text",
		    def->name, def->version);
	return CL_ERR_EXISTS;
}

static int
install(struct tenant *t, const struct group_def *def, uint32_t tag,
    const uint8_t text_hash[32], const uint8_t root[32])
{
	struct tenant_group **place, *g;
	int r;

	if (!(g = secmem_alloc(sizeof(*g))))
		return CL_ERR_MEMORY;
	r = groupkey_new(
	    &g->key, def->uuid, tag, def->suite, def->epoch, def->pad, root);
	if (r) {
		secmem_free(g);
		return r;
	}
	g->tag = tag;
	g->def = *def;
	memcpy(g->text_hash, text_hash, 32);
	place = place_of(t, tag);
	if (*place)
		drop(t, place);
	g->next = *place;
	*place = g;
	t->ngroups++;
	atomic_fetch_add(&t->epoch, 1);
	return CL_OK;
}

/* The newest version is remembered, also across restarts when keys are sealed.
 * A failure to write is no reason to refuse a good group: it is said, and the
 * owner's own floor comes with every provisioning. */
static int
remember(struct engine *e, struct tenant *t, const struct group_def *def)
{
	uint32_t least = tenant_floor_of(t, def->uuid);
	char why[ENGINE_REASON] = "";
	int r;

	if (def->version <= least)
		return CL_OK;
	if ((r = tenant_floor_raise(t, def->uuid, def->version)) != 0)
		return r;
	if (t->sealed && (r = tenant_store(e, t, why)) != 0)
		log_warning("version %u of group %s is not in the sealed "
			    "state: %s",
		    def->version, def->name, why[0] ? why : err_text(r));
	return CL_OK;
}

static int
put_locked(struct engine *e, struct tenant *t, const struct group_def *def,
    const uint8_t text_hash[32], const uint8_t root[32],
    char why[ENGINE_REASON])
{
	struct tenant_group **place;
	uint32_t tag = 0;
	bool same = false;
	int r;

	if ((r = group_def_tag(def->uuid, &tag)) != 0)
		return r;
	place = place_of(t, tag);
	r = check_new(t, def, *place, text_hash, &same, why);
	if (r)
		return same ? CL_OK : r;
	if (!*place && t->ngroups == TENANT_MAX_GROUPS) {
		snprintf(why, ENGINE_REASON, "%u groups are in the agent",
		    t->ngroups);
		return CL_ERR_LIMIT;
	}
	if ((r = remember(e, t, def)) != 0 ||
	    (r = install(t, def, tag, text_hash, root)) != 0)
		return r;
	audit_event(e->audit, "group", t->uuid, NULL, def->name);
	return CL_OK;
}

static const char *
why_not_open(int r)
{
	switch (r) {
	case CL_ERR_SIGNATURE:
		return "the group's definition is not signed by the session's "
		       "owner";
	case CL_ERR_KEY_UNWRAP:
		return "the group's key is not wrapped by this tenant's key";
	default:
		return "the group's definition is malformed";
	}
}

int
tenant_group_put(struct engine *e, struct tenant *t, const char *text, size_t n,
    const uint8_t *sig, size_t sig_n, const uint8_t *wrapped, size_t wrapped_n,
    char why[ENGINE_REASON])
{
	struct crypto_part part = {text, n};
	struct group_def def;
	uint8_t root[32], hash[32];
	int r;

	why[0] = '\0';
	pthread_mutex_lock(&t->lock);
	r = tenant_check(t);
	if (r)
		goto out;
	r = group_def_open(t->signer, t->key, text, n, sig, sig_n, wrapped,
	    wrapped_n, &def, root);
	if (r) {
		snprintf(why, ENGINE_REASON, "%s", why_not_open(r));
		goto out;
	}
	r = CL_ERR_BAD_CELL_GROUP;
	if (memcmp(def.tenant, t->uuid, 16)) {
		snprintf(why, ENGINE_REASON,
		    "group %s belongs to another tenant", def.name);
		goto out;
	}
	if ((r = crypto_sha256(&part, 1, hash)) != 0)
		goto out;
	r = put_locked(e, t, &def, hash, root, why);
out:
	pthread_mutex_unlock(&t->lock);
	secmem_wipe(root, sizeof(root));
	return r;
}

/* The lock is held. */
static int
authorise_locked(struct tenant *t, const struct eval_program *prog,
    struct groupkey **keys, uint32_t *wanted, char reason[AUTHZ_REASON])
{
	const struct group_def *defs[EVAL_MAX_GROUPS];
	struct groupkey *found[EVAL_MAX_GROUPS];
	struct tenant_group *g;
	unsigned i;
	int r;

	if ((r = tenant_check(t)) != 0)
		return r;
	for (i = 0; i < prog->ngroups; i++) {
		g = *place_of(t, prog->tags[i]);
		if (!g) {
			*wanted = prog->tags[i];
			return CL_ERR_NEED_GROUP;
		}
		defs[i] = &g->def;
		found[i] = g->key;
	}
	if ((r = authz_program(t->uuid, prog, defs, reason)) != 0)
		return r;
	for (i = 0; i < prog->ngroups; i++)
		keys[i] = groupkey_ref(found[i]);
	return CL_OK;
}

int
tenant_authorise(struct tenant *t, const struct eval_program *prog,
    struct groupkey **keys, struct hashkey **hash, uint64_t *epoch,
    uint32_t *wanted, char reason[AUTHZ_REASON])
{
	int r;

	reason[0] = '\0';
	pthread_mutex_lock(&t->lock);
	r = authorise_locked(t, prog, keys, wanted, reason);
	if (!r) {
		*hash = hashkey_ref(t->hash);
		*epoch = tenant_epoch(t);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
tenant_group_key(struct tenant *t, uint32_t tag, uint32_t ops,
    struct groupkey **key, char reason[AUTHZ_REASON])
{
	struct tenant_group *g;
	int r;

	reason[0] = '\0';
	pthread_mutex_lock(&t->lock);
	r = tenant_check(t);
	g = r ? NULL : *place_of(t, tag);
	if (!r && !g)
		r = CL_ERR_NEED_GROUP;
	if (!r)
		r = authz_group(t->uuid, &g->def, ops, reason);
	if (!r)
		*key = groupkey_ref(g->key);
	pthread_mutex_unlock(&t->lock);
	return r;
}
