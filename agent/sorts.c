#include "agent/sorts.h"

#include <string.h>

#include "lib/secmem.h"

struct sorts {
	unsigned max;
	struct sort *rows;
};

int
sorts_new(struct sorts **out, unsigned max)
{
	struct sorts *all = secmem_alloc(sizeof(*all));

	if (!all)
		return CL_ERR_MEMORY;
	all->max = max;
	all->rows = secmem_alloc(max * sizeof(*all->rows));
	if (!all->rows) {
		secmem_free(all);
		return CL_ERR_MEMORY;
	}
	*out = all;
	return CL_OK;
}

struct sort *
sorts_at(struct sorts *all, uint32_t id)
{
	return id < all->max ? &all->rows[id] : NULL;
}

void
sort_drop_keys(struct sort *s)
{
	while (s->nkeys)
		groupkey_free(s->keys[--s->nkeys]);
}

void
sort_end(struct sort *s)
{
	sort_free(s->run);
	sort_drop_keys(s);
	memset(s, 0, sizeof(*s));
}

void
sorts_clear(struct sorts *all)
{
	unsigned i;

	for (i = 0; i < all->max; i++)
		if (all->rows[i].run)
			sort_end(&all->rows[i]);
}
