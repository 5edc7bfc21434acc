/*
 * One run of the agent's SORT: cells go in, ranks come out. It lives in a
 * memory context and leaves the agent with it, whatever ends the query.
 */
#ifndef CLOISTER_POSTGRES_SORTRUN_H
#define CLOISTER_POSTGRES_SORTRUN_H

#include "cloister.h"

typedef struct SortRun SortRun;

extern SortRun *sortrun_new(MemoryContext cxt);
/* Starts anew, with no cells and no ranks. */
extern void sortrun_begin(SortRun *run);
/* Cells are sent in chunks. Once the agent has no room for them, or another
 * run of this process needed what this one had, this does nothing. */
extern void sortrun_add(SortRun *run, const CellRef *cell);
/*
 * Sorts the cells from from to the last one; more may be added afterwards. NULL
 * when the agent could not take them all; else their ranks in the order of
 * adding: dense, equal for equal values, valid until the next call of this,
 * sortrun_begin or sortrun_drop.
 */
extern const uint32 *sortrun_ranks(SortRun *run, uint32 from);
/* Leaves the agent; never waits for cells that were not sent. */
extern void sortrun_end(SortRun *run);
/* The same without throwing or waiting, and frees the ranks. */
extern void sortrun_drop(SortRun *run);

#endif
