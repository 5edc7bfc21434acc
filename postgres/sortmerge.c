/*
 * A hash table from cells to ranks, open addressing. Tags of authentication
 * are evenly spread by themselves, and who could choose them has the key.
 */
#include "sortmerge.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define KEYS_START		1024u		/* the array of keys grows from here */
#define MEMORY_KB		(64u << 10) /* may be taken even if work_mem is less */
#define NO_RANK			UINT32_MAX	/* ranks are dense: too many rows for it */

typedef struct Slot
{
	uint64		key;
	uint32		rank;			/* NO_RANK: free */
} Slot;

struct SortMerge
{
	MemoryContext cxt;
	bool		full;
	uint64	   *keys;			/* by place, until the table is built */
	uint32		count;
	uint32		cap;
	Slot	   *slots;			/* NULL: there is no table */
	uint64		nslots;
};

SortMerge *
sortmerge_new(MemoryContext cxt)
{
	SortMerge  *m = MemoryContextAllocZero(cxt, sizeof(*m));

	m->cxt = cxt;
	return m;
}

static void
forget_keys(SortMerge *m)
{
	if (m->keys)
		pfree(m->keys);
	m->keys = NULL;
	m->count = 0;
	m->cap = 0;
}

void
sortmerge_reset(SortMerge *m)
{
	forget_keys(m);
	if (m->slots)
		pfree(m->slots);
	m->slots = NULL;
	m->full = false;
}

uint32
sortmerge_count(const SortMerge *m)
{
	return m->count;
}

/* Two cells are the same bytes when they are of one type and group and have
 * the same tag; half of it does. */
static uint64
key_of(const CellRef *cell)
{
	return le64_get(cell->p + cell->n - CELL_TAG);
}

/* A third of the slots stays free. */
static uint64
slots_for(uint32 rows)
{
	return (uint64) rows + rows / 2 + 1;
}

/* So many that keys, ranks and table fit the memory all at once. */
static uint32
most_rows(void)
{
	uint64		bytes = (uint64) Max((uint32) work_mem, MEMORY_KB) << 10;
	Size		row = sizeof(uint64) + sizeof(uint32) + 3 * sizeof(Slot) / 2;

	return Min(bytes / row, PG_INT32_MAX);
}

static bool
grow(SortMerge *m)
{
	uint32		cap = Min(Max(2 * m->cap, KEYS_START), most_rows());

	if (cap <= m->count)
		return false;
	if (m->keys)
		m->keys = repalloc_huge(m->keys, cap * sizeof(uint64));
	else
		m->keys = MemoryContextAlloc(m->cxt, cap * sizeof(uint64));
	m->cap = cap;
	return true;
}

bool
sortmerge_add(SortMerge *m, const CellRef *cell)
{
	if (m->full)
		return false;
	if (m->count == m->cap && !grow(m))
	{
		forget_keys(m);
		m->full = true;
		return false;
	}
	m->keys[m->count++] = key_of(cell);
	return true;
}

/* Where key is, or where it would be put. */
static Slot *
probe(const SortMerge *m, uint64 key)
{
	uint64		at = key % m->nslots;

	while (m->slots[at].rank != NO_RANK && m->slots[at].key != key)
		at = at + 1 == m->nslots ? 0 : at + 1;
	return &m->slots[at];
}

static bool
fill(SortMerge *m, const uint32 *ranks)
{
	for (uint32 i = 0; i < m->count; i++)
	{
		Slot	   *slot = probe(m, m->keys[i]);

		if (slot->rank != NO_RANK && slot->rank != ranks[i])
			return false;
		slot->key = m->keys[i];
		slot->rank = ranks[i];
	}
	return true;
}

bool
sortmerge_build(SortMerge *m, const uint32 *ranks)
{
	bool		built;

	m->nslots = slots_for(m->count);
	m->slots = MemoryContextAllocHuge(m->cxt, m->nslots * sizeof(Slot));
	for (uint64 i = 0; i < m->nslots; i++)
		m->slots[i].rank = NO_RANK;
	built = fill(m, ranks);
	if (!built)
		sortmerge_reset(m);
	forget_keys(m);
	return built;
}

bool
sortmerge_find(const SortMerge *m, const CellRef *cell, uint32 *rank)
{
	if (m->slots == NULL)
		return false;
	*rank = probe(m, key_of(cell))->rank;
	return *rank != NO_RANK;
}
