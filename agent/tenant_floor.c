#include "agent/tenant_impl.h"

#include <string.h>

#include "lib/secmem.h"

static struct tenant_floor *
find(const struct tenant *t, const uint8_t group[16])
{
	uint32_t i;

	for (i = 0; i < t->nfloors; i++)
		if (!memcmp(t->floors[i].group, group, 16))
			return &t->floors[i];
	return NULL;
}

uint32_t
tenant_floor_of(const struct tenant *t, const uint8_t group[16])
{
	const struct tenant_floor *f = find(t, group);

	return f ? f->version : 0;
}

int
tenant_floor_raise(struct tenant *t, const uint8_t group[16], uint32_t version)
{
	struct tenant_floor *f = find(t, group);

	if (!t->floors) {
		t->floors = secmem_alloc(TENANT_MAX_FLOORS * sizeof(*f));
		if (!t->floors)
			return CL_ERR_MEMORY;
	}
	if (!f) {
		if (t->nfloors == TENANT_MAX_FLOORS)
			return CL_ERR_LIMIT;
		f = &t->floors[t->nfloors++];
		memcpy(f->group, group, 16);
		f->version = 0;
	}
	if (version > f->version)
		f->version = version;
	return CL_OK;
}
