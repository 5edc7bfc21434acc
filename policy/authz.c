#include <stdio.h>
#include <string.h>

#include "lib/secmem.h"
#include "policy/authz.h"
#include "tde/suite.h"

static bool
same(const uint8_t a[16], const uint8_t b[16])
{
	return secmem_equal(a, b, 16);
}

static bool
lists(const struct group_def *def, const uint8_t uuid[16])
{
	uint32_t i;

	for (i = 0; i < def->nflows; i++)
		if (same(def->flows[i], uuid))
			return true;
	return false;
}

/* Stored cells of a deterministic suite show equality without any session. */
static bool
shows_equality(const struct group_def *def)
{
	const struct suite *s = suite_by_id(def->suite);

	return !s || s->deterministic;
}

/* Does to hide lengths at least as well as from? */
static bool
pads_as_well(const struct group_def *from, const struct group_def *to)
{
	if (from->pad <= 1)
		return true;
	return to->pad && to->pad % from->pad == 0;
}

/* Where a value could go from to, it could have gone from from. */
static bool
leads_no_further(const struct group_def *from, const struct group_def *to)
{
	uint32_t i;

	for (i = 0; i < to->nflows; i++)
		if (!same(to->flows[i], from->uuid) &&
		    !same(to->flows[i], to->uuid) && !lists(from, to->flows[i]))
			return false;
	return true;
}

bool
authz_flow(const struct group_def *from, const struct group_def *to)
{
	if (!same(from->tenant, to->tenant))
		return false;
	if (same(from->uuid, to->uuid) || lists(from, to->uuid))
		return true;
	return (to->ops & ~from->ops) == 0 &&
	       (shows_equality(from) || !shows_equality(to)) &&
	       pads_as_well(from, to) && leads_no_further(from, to);
}

int
authz_group(const uint8_t tenant[16], const struct group_def *def, uint32_t ops,
    char reason[AUTHZ_REASON])
{
	uint32_t missing = ops & ~def->ops;
	char names[64];

	reason[0] = '\0';
	if (!same(tenant, def->tenant)) {
		(void)snprintf(
		    reason, AUTHZ_REASON, "group belongs to another tenant");
		return CL_ERR_BAD_CELL_GROUP;
	}
	if (!missing)
		return CL_OK;
	group_ops_print(missing, names);
	(void)snprintf(reason, AUTHZ_REASON, "group \"%s\" does not allow: %s",
	    def->name, names[0] ? names : "an unknown operation");
	return CL_ERR_REFUSED;
}

/* Groups of one tenant, each under the tag that the program names. */
static int
check_groups(const uint8_t tenant[16], const struct eval_program *prog,
    const struct group_def *const *defs, char reason[AUTHZ_REASON])
{
	uint32_t tag;
	unsigned i;
	int r;

	for (i = 0; i < prog->ngroups; i++) {
		if ((r = group_def_tag(defs[i]->uuid, &tag)) != 0)
			return r;
		if (tag != prog->tags[i])
			return CL_ERR_INTERNAL;
		if ((r = authz_group(
			 tenant, defs[i], prog->needs[i], reason)) != 0)
			return r;
	}
	return CL_OK;
}

int
authz_program(const uint8_t tenant[16], const struct eval_program *prog,
    const struct group_def *const *defs, char reason[AUTHZ_REASON])
{
	unsigned i, j;
	int r;

	reason[0] = '\0';
	if (prog->ngroups > EVAL_MAX_GROUPS)
		return CL_ERR_BAD_PROGRAM;
	if ((r = check_groups(tenant, prog, defs, reason)) != 0)
		return r;
	for (i = 0; i < prog->ngroups; i++)
		for (j = 0; j < prog->ngroups; j++) {
			if (!(prog->flows[i] >> j & 1) ||
			    authz_flow(defs[i], defs[j]))
				continue;
			(void)snprintf(reason, AUTHZ_REASON,
			    "a value of group \"%s\" may not flow into "
			    "group \"%s\"",
			    defs[i]->name, defs[j]->name);
			return CL_ERR_FLOW_REFUSED;
		}
	return CL_OK;
}
