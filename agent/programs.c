#include "agent/programs.h"

#include <string.h>
#include <sys/mman.h>

#include "lib/secmem.h"

#define SLOT_BITS 16u
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

struct programs {
	unsigned max;
	unsigned high; /* rows used at some time */
	uint32_t serial;
	uint64_t clock;
	struct program *rows;
};

int
programs_new(struct programs **out, unsigned max)
{
	struct programs *all = secmem_alloc(sizeof(*all));

	if (!all)
		return CL_ERR_MEMORY;
	all->rows = mmap(NULL, max * sizeof(*all->rows), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all->rows == MAP_FAILED) {
		secmem_free(all);
		return CL_ERR_MEMORY;
	}
	all->max = max;
	*out = all;
	return CL_OK;
}

/* The first free row, else the one that was not used for longest. */
static unsigned
choose(const struct programs *all)
{
	unsigned i, oldest = 0;

	for (i = 0; i < all->high; i++) {
		if (!all->rows[i].id)
			return i;
		if (all->rows[i].used < all->rows[oldest].used)
			oldest = i;
	}
	return all->high < all->max ? all->high : oldest;
}

struct program *
programs_add(struct programs *all)
{
	unsigned slot = choose(all);
	struct program *p = &all->rows[slot];

	program_remove(p);
	if (slot == all->high)
		all->high++;
	all->serial = (all->serial + 1) & SLOT_MASK;
	if (!all->serial)
		all->serial = 1;
	p->id = all->serial << SLOT_BITS | slot;
	p->used = ++all->clock;
	return p;
}

struct program *
programs_find(struct programs *all, uint32_t id)
{
	unsigned slot = id & SLOT_MASK;
	struct program *p = &all->rows[slot];

	if (slot >= all->high || !id || p->id != id)
		return NULL;
	p->used = ++all->clock;
	return p;
}

void
program_drop_keys(struct program *p)
{
	unsigned i;

	for (i = 0; i < EVAL_MAX_GROUPS; i++) {
		groupkey_free(p->keys[i]);
		p->keys[i] = NULL;
	}
	hashkey_free(p->hash);
	p->hash = NULL;
}

void
program_remove(struct program *p)
{
	program_drop_keys(p);
	memset(p, 0, sizeof(*p));
}

void
programs_clear(struct programs *all)
{
	unsigned i;

	for (i = 0; i < all->high; i++)
		if (all->rows[i].id)
			program_remove(&all->rows[i]);
	all->high = 0;
}
