/*
 * Ranks by cell, for when a sort merges its batches from disk: the cells come
 * back without their places. What is kept of each cell are 8 bytes of its tag.
 */
#ifndef CLOISTER_POSTGRES_SORTMERGE_H
#define CLOISTER_POSTGRES_SORTMERGE_H

#include "cloister.h"

typedef struct SortMerge SortMerge;

extern SortMerge *sortmerge_new(MemoryContext cxt);
/* Forgets all cells and frees what they took; does not throw. */
extern void sortmerge_reset(SortMerge *m);
/* Takes the next cell in; false when that would take too much memory, and ever
 * after until sortmerge_reset. */
extern bool sortmerge_add(SortMerge *m, const CellRef *cell);
/* Cells taken in. */
extern uint32 sortmerge_count(const SortMerge *m);
/* ranks[i] is that of cell i. False when two cells cannot be told apart; the
 * cells are forgotten in both cases. */
extern bool sortmerge_build(SortMerge *m, const uint32 *ranks);
/* Is there a table, and is the cell in it? */
extern bool sortmerge_find(const SortMerge *m, const CellRef *cell,
						   uint32 *rank);

#endif
