/*
 * One run of the agent's SORT: cells go in, ranks come out. It lives in a
 * memory context and leaves the agent with it, whatever ends the query.
 */
#ifndef CLOISTER_POSTGRES_SORTRUN_H
#define CLOISTER_POSTGRES_SORTRUN_H

#include "cloister.h"

typedef struct SortRun SortRun;

extern SortRun *sortrun_new(MemoryContext cxt);
/* Starts anew, with no cells. */
extern void sortrun_begin(SortRun *run);
/* Cells are sent in chunks. Once the agent has no room for them, this does
 * nothing. */
extern void sortrun_add(SortRun *run, const CellRef *cell);
/*
 * Sorts and ends. NULL when the agent could not take the cells; else as many
 * ranks as cells were added, in that order: dense, equal for equal values,
 * valid until the next call.
 */
extern const uint32 *sortrun_ranks(SortRun *run);
/* Ends without sorting; never waits for cells that were not sent. */
extern void sortrun_end(SortRun *run);

#endif
