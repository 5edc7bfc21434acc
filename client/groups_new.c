/* New definitions: create and alter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/floor.h"
#include "client/groups.h"
#include "client/groups_file.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"

static int
set_suite(struct group_def *d, const char *name)
{
	const char *refused = NULL;
	const struct suite *s = suite_by_name(name, &refused);

	if (!s && refused)
		return why_set(CL_ERR_UNSUPPORTED,
		    "suite \"%.40s\": %s; "
		    "expected aes-256-gcm or aes-256-siv",
		    name, refused);
	if (!s)
		return why_set(CL_ERR_UNSUPPORTED,
		    "unknown suite \"%.40s\": expected aes-256-gcm "
		    "(randomised) or aes-256-siv (deterministic)",
		    name);
	d->suite = s->id;
	return CL_OK;
}

static int
set_ops(struct group_def *d, const char *ops)
{
	if (group_ops_parse(ops, &d->ops) == 0)
		return CL_OK;
	return why_set(CL_ERR_ARGUMENT,
	    "operations: expected a list of eq, cmp, arith, agg, like, text, "
	    "extract, cast, or default (eq,cmp), or all, came \"%.80s\"",
	    ops);
}

static int
add_flow(struct group_def *d, const struct groups *all, const char *name)
{
	const struct group *to = groups_by_name(all, name);

	if (!to)
		return why_set(CL_ERR_NOT_FOUND,
		    "flows to \"%.80s\": there is no such group; see: cloister "
		    "group list",
		    name);
	if (d->nflows == GROUP_FLOWS_MAX)
		return why_set(CL_ERR_LIMIT,
		    "flows to: expected at most %u groups", GROUP_FLOWS_MAX);
	memcpy(d->flows[d->nflows++], to->def.uuid, 16);
	return CL_OK;
}

static int
set_flows(struct group_def *d, const struct groups *all, const char *list)
{
	char *copy = strdup(list), *at = copy, *name;
	int r = CL_OK;

	if (!copy)
		return why_memory();
	d->nflows = 0;
	while (!r && (name = strsep(&at, ",")) != NULL)
		if (*name)
			r = add_flow(d, all, name);
	free(copy);
	return r;
}

static int
apply(
    struct group_def *d, const struct groups *all, const struct groups_wish *w)
{
	int r;

	if (w->suite && (r = set_suite(d, w->suite)) != 0)
		return r;
	if (w->ops && (r = set_ops(d, w->ops)) != 0)
		return r;
	if (w->flows_to && (r = set_flows(d, all, w->flows_to)) != 0)
		return r;
	return CL_OK;
}

static int
check_pad(uint32_t pad)
{
	if (pad <= GROUP_PAD_MAX)
		return CL_OK;
	return why_set(CL_ERR_ARGUMENT,
	    "padding: expected 0 to %u bytes, came %u", GROUP_PAD_MAX, pad);
}

static int
draw(struct group_def *d, const struct groups *all, uint8_t root[CRYPTO_KEY])
{
	uint32_t tag;
	int r;

	do {
		if ((r = uuid_random(d->uuid)) != 0 ||
		    (r = group_def_tag(d->uuid, &tag)) != 0 ||
		    (r = crypto_random(root, CRYPTO_KEY)) != 0)
			return why_set(
			    r, "cannot draw a group key: %s", err_text(r));
	} while (groups_by_tag(all, tag)); /* the tag is taken */
	return CL_OK;
}

static int
define(struct owner *o, const struct groups *all, const struct groups_wish *w,
    struct group *g, uint8_t root[CRYPTO_KEY])
{
	int r;

	if ((r = groups_check_name(w->name)) != 0 ||
	    (r = check_pad(w->pad)) != 0)
		return r;
	if (groups_by_name(all, w->name))
		return why_set(CL_ERR_EXISTS,
		    "the group \"%s\" exists already; change it with: cloister "
		    "group alter %s",
		    w->name, w->name);
	memcpy(g->def.tenant, o->tenant, 16);
	snprintf(g->def.name, sizeof(g->def.name), "%s", w->name);
	g->def.epoch = 1;
	g->def.version = 1;
	g->def.pad = w->pad;
	if ((r = set_suite(&g->def, "aes-256-gcm")) != 0 ||
	    (r = set_ops(&g->def, "default")) != 0 ||
	    (r = apply(&g->def, all, w)) != 0)
		return r;
	return draw(&g->def, all, root);
}

static int
publish(
    struct owner *o, struct group *g, const uint8_t root[CRYPTO_KEY], int fresh)
{
	int r = groups_file_write(o, g, root, fresh);

	return r ? r : floor_raise(&o->home, g->def.uuid, g->def.version);
}

static int
next_version(struct owner *o, const struct groups *all,
    const struct groups_wish *w, struct group *g, uint8_t root[CRYPTO_KEY])
{
	struct group old = {0};
	int r;

	if ((r = groups_check_name(w->name)) != 0)
		return r;
	if (!groups_by_name(all, w->name))
		return why_set(CL_ERR_NOT_FOUND,
		    "there is no group \"%s\"; see: cloister group list",
		    w->name);
	r = groups_file_read(o, w->name, &old, root);
	g->def = old.def;
	groupkey_free(old.key);
	secmem_free(old.text);
	if (r)
		return r;
	if (g->def.version == UINT32_MAX ||
	    (w->rotate && g->def.epoch == UINT16_MAX))
		return why_set(CL_ERR_LIMIT,
		    "group \"%s\" has used up its versions or epochs", w->name);
	g->def.version++;
	g->def.epoch = (uint16_t)(g->def.epoch + (w->rotate != 0));
	return apply(&g->def, all, w);
}

typedef int (*make_def)(struct owner *, const struct groups *,
    const struct groups_wish *, struct group *, uint8_t *);

static int
make(struct owner *o, const struct groups_wish *w, make_def def, int fresh,
    struct group **out)
{
	struct groups all = {0};
	struct group *g = calloc(1, sizeof(*g));
	uint8_t *root = secmem_alloc(CRYPTO_KEY);
	int r;

	*out = NULL;
	if (!g || !root) {
		r = why_memory();
		goto out;
	}
	if ((r = home_lock(&o->home)) != 0)
		goto out;
	if ((r = groups_load(o, NULL, &all)) == 0 &&
	    (r = def(o, &all, w, g, root)) == 0)
		r = publish(o, g, root, fresh);
	home_unlock(&o->home);
	if (r)
		goto out;
	*out = g;
	g = NULL; /* transferred */
out:
	groups_close(g);
	secmem_free(root);
	groups_clear(&all);
	return r;
}

int
groups_create(struct owner *o, const struct groups_wish *w, struct group **out)
{
	return make(o, w, define, 1, out);
}

int
groups_alter(struct owner *o, const struct groups_wish *w, struct group **out)
{
	return make(o, w, next_version, 0, out);
}
