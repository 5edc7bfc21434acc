/*
 * Sorting with deferred ranks. tuplesort asks for an abbreviated key when it
 * takes a tuple in and compares only after it has taken in a whole batch (all
 * tuples, or as many as work_mem holds). So the abbreviation of a cell is
 * nothing but its position: the cells are streamed to the agent as they come,
 * the first comparison asks the agent to sort them and fetches their ranks,
 * and the following ones look ranks up. A few crossings instead of n log n.
 *
 * Ranks are equal exactly where values are, so comparing them is final. But
 * positions differ where values are equal, and DISTINCT aggregates take
 * abbreviations that differ for values that differ. Therefore the converter is
 * taken out of SortSupport with the first comparison of a batch: tuplesort then
 * neither asks a second comparator nor hands abbreviations to its caller. When
 * it spills the batch, it resets the memory of the tuples; that puts the
 * converter back for the next one. Were that to fail, the next batch would be
 * compared cell by cell: slowly, but right.
 *
 * When tuplesort merges batches from disk, it compares the cells themselves.
 * So the agent keeps all batches of a sort, and with the first comparison of
 * the merge it is asked for their common ranks, which are then found by the
 * cells' tags (sortmerge.c). Where the agent or this process has no room for
 * that, each batch is sorted by itself, and merging compares cell by cell.
 */
#include "sortmerge.h"
#include "sortrun.h"

#include "miscadmin.h"
#include "tde/eval_ops.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

#define FEW_ROWS		4u			/* comparing them is cheaper than a run */
#define ROWS_START		64u			/* the array of cells grows from here */

/* Tells a position from a pointer to a cell. */
#define POSITION		(UINT64CONST(1) << 63)

enum batch_phase
{
	BATCH_DONE,					/* the next position starts a batch */
	BATCH_OPEN,					/* cells are being taken in */
	BATCH_COMPARED				/* ranks are here, if the agent had room */
};

/* In ssup->ssup_extra. */
typedef struct SortState
{
	SortSupport ssup;
	MemoryContext cxt;
	MemoryContextCallback on_spill; /* or the end of the sort */
	bool		watching;		/* on_spill is registered */
	MemoryContextCallback on_reset; /* the end of the sort */
	bool		watching_reset; /* on_reset is registered */

	/* Positions run through all batches of a sort; a batch starts at base. */
	enum batch_phase phase;
	uint64		base;
	uint32		count;
	Datum	   *cells;			/* in tuplesort's memory, count of them */
	Size		cells_cap;
	SortRun    *run;
	uint64		run_base;		/* position of the run's first cell */
	const uint32 *ranks;		/* NULL: cells have to be compared */

	/* For merging batches. */
	bool		whole;			/* run and merge have all cells up to now */
	SortMerge  *merge;

	/* One-row comparison, kept from call to call. */
	Program		compare;
	uint8		type;
	uint32		tags[2];
	uint8	   *request;
	Size		request_cap;
} SortState;

PG_FUNCTION_INFO_V1(cloister_sortsupport);

/* ---- one-row comparison ---- */

static void
compare_prepare(SortState *st, const CellRef *a, const CellRef *b)
{
	uint32		tags[2] = {a->tag, b->tag};
	int			ntags = a->tag == b->tag ? 1 : 2;
	ProgramInput columns[2] = {{a->type, 0}, {a->type, ntags - 1}};

	st->type = 0;				/* in case of an error below */
	program_begin(&st->compare, ntags, tags, 2, columns, 0, NULL);
	program_op(&st->compare, EV_COLUMN, 0, 0, 0, 0);
	program_op(&st->compare, EV_COLUMN, 0, 1, 0, 0);
	program_op(&st->compare, EV_CMP3, 0, 0, 0, 0);
	st->tags[0] = a->tag;
	st->tags[1] = b->tag;
	st->type = a->type;
}

static Size
compare_request(SortState *st, const CellRef *a, const CellRef *b)
{
	Size		need = 3 * sizeof(uint32) + a->n + b->n;
	struct wr	out;

	if (need > st->request_cap)
	{
		if (st->request)
			pfree(st->request);
		st->request = NULL;
		st->request_cap = 0;
		st->request = MemoryContextAlloc(st->cxt, need);
		st->request_cap = need;
	}
	out = wr_make(st->request, st->request_cap);
	if (wr_u32(&out, 1) != CL_OK || wr_cell(&out, a->p, a->n) != CL_OK ||
		wr_cell(&out, b->p, b->n) != CL_OK)
		elog(ERROR, "cloister: comparison does not fit its buffer");
	return out.len;
}

static int
compare_cells(SortState *st, const CellRef *a, const CellRef *b)
{
	struct rd	reply;
	Size		len;
	uint8		is_null;
	int64		order;

	/* The same bytes are the same value. */
	if (a->n == b->n && memcmp(a->p, b->p, a->n) == 0)
		return 0;
	if (a->type != b->type)
		conn_error(CL_ERR_BAD_CELL_TYPE);
	if (st->type != a->type || st->tags[0] != a->tag || st->tags[1] != b->tag)
		compare_prepare(st, a, b);
	len = compare_request(st, a, b);
	program_run(&st->compare, st->request, len, EVAL_I64, 1, &reply);
	conn_check(rd_u8(&reply, &is_null));
	conn_check(rd_i64(&reply, &order));
	conn_check(rd_end(&reply));
	if (is_null)
		conn_bad_reply();
	return (order > 0) - (order < 0);
}

static int
compare_values(Datum x, Datum y, SortState *st)
{
	CellRef		a;
	CellRef		b;
	int			order;

	session_require();
	a = cell_from_datum(x);
	b = cell_from_datum(y);
	order = compare_cells(st, &a, &b);
	cell_release(&a);
	cell_release(&b);
	return order;
}

/* ---- merging ---- */

/* Asks for the ranks of all batches. */
static void
merge_begin(SortState *st)
{
	const uint32 *ranks;

	st->whole = false;
	st->ranks = NULL;
	ranks = sortrun_ranks(st->run, 0);
	if (ranks)
		(void) sortmerge_build(st->merge, ranks);
	else
		sortmerge_reset(st->merge);
	sortrun_drop(st->run);
	if (st->cells)
		pfree(st->cells);
	st->cells = NULL;
	st->cells_cap = 0;
}

static int
compare_merging(Datum x, Datum y, SortState *st)
{
	CellRef		a = cell_from_datum(x);
	CellRef		b = cell_from_datum(y);
	uint32		i;
	uint32		j;
	int			order;

	if (sortmerge_find(st->merge, &a, &i) && sortmerge_find(st->merge, &b, &j))
		order = (i > j) - (i < j);
	else
	{
		session_require();
		order = compare_cells(st, &a, &b);
	}
	cell_release(&a);
	cell_release(&b);
	return order;
}

/* Beside merging, this serves sorts that never had abbreviations. */
static int
compare_full(Datum x, Datum y, SortSupport ssup)
{
	SortState  *st = ssup->ssup_extra;

	if (st->merge == NULL)
		return compare_values(x, y, st);
	if (st->whole && ssup->comparator == compare_full)
		merge_begin(st);
	return compare_merging(x, y, st);
}

/* ---- batches ---- */

static Datum abbreviate(Datum original, SortSupport ssup);
static bool never_abort(int memtupcount, SortSupport ssup);
static int	compare_ranked(Datum x, Datum y, SortSupport ssup);

static void
abbreviate_from_now(SortSupport ssup)
{
	ssup->comparator = compare_ranked;
	ssup->abbrev_converter = abbreviate;
	ssup->abbrev_abort = never_abort;
	ssup->abbrev_full_comparator = compare_full;
}

/* tuplesort has let go of a batch's tuples. Another comparator means that it
 * has done with abbreviations. */
static void
batch_gone(void *arg)
{
	SortState  *st = arg;

	st->watching = false;
	st->phase = BATCH_DONE;
	if (st->ssup->comparator == compare_ranked)
		st->ssup->abbrev_converter = abbreviate;
}

/* The sort is over. Another one may follow in the same state (incremental
 * sort); had this one been merged, it would get no abbreviations. */
static void
sort_gone(void *arg)
{
	SortState  *st = arg;

	st->watching_reset = false;
	st->phase = BATCH_DONE;
	st->base = 0;
	st->count = 0;
	st->ranks = NULL;
	sortmerge_reset(st->merge);
	sortrun_drop(st->run);
	abbreviate_from_now(st->ssup);
}

static MemoryContext
child_context(MemoryContext parent, const char *name)
{
	MemoryContext child = parent ? parent->firstchild : NULL;

	while (child && strcmp(child->name, name) != 0)
		child = child->nextchild;
	return child;
}

/* These are tuplesort's own names; see the head of this file for what happens
 * where they differ. */
static void
batch_watch(SortState *st)
{
	MemoryContext sort = child_context(st->cxt, "TupleSort sort");
	MemoryContext tuples = child_context(sort, "Caller tuples");

	if (tuples && !st->watching)
	{
		st->on_spill.func = batch_gone;
		st->on_spill.arg = st;
		MemoryContextRegisterResetCallback(tuples, &st->on_spill);
		st->watching = true;
	}
	if (tuples && !st->watching_reset)
	{
		st->on_reset.func = sort_gone;
		st->on_reset.arg = st;
		MemoryContextRegisterResetCallback(sort, &st->on_reset);
		st->watching_reset = true;
	}
}

/* The run goes on with the next batch, or starts anew with it. */
static void
run_begin(SortState *st)
{
	if (st->base == 0)
	{
		sortmerge_reset(st->merge);
		st->whole = true;
	}
	if (st->whole && st->base > 0)
		return;
	sortrun_begin(st->run);
	st->run_base = st->base;
}

static void
batch_begin(SortState *st)
{
	session_require();
	if (st->run == NULL)
		st->run = sortrun_new(st->cxt);
	if (st->merge == NULL)
		st->merge = sortmerge_new(st->cxt);
	st->base += st->count;
	st->count = 0;
	st->ranks = NULL;
	run_begin(st);
	batch_watch(st);
	st->phase = BATCH_OPEN;
}

/* tuplesort spills when its tuples fill the memory that it was given: all of
 * one of these settings, or a part when an index is built in parallel. */
static bool
may_have_spilled(const SortState *st)
{
	Size		given = (Size) Min(work_mem, maintenance_work_mem) * 1024;

	return MemoryContextMemAllocated(st->cxt, true) >= given / 8;
}

/* The run of all batches is lost, or too much for the agent. */
static void
rank_alone(SortState *st)
{
	sortrun_begin(st->run);
	st->run_base = st->base;
	for (uint32 i = 0; i < st->count; i++)
	{
		CellRef		cell = cell_from_datum(st->cells[i]);

		sortrun_add(st->run, &cell);
		cell_release(&cell);
	}
	st->ranks = sortrun_ranks(st->run, 0);
}

/* The first comparison of a batch. */
static void
batch_finish(SortState *st)
{
	st->ssup->abbrev_converter = NULL;
	st->phase = BATCH_COMPARED;
	if (st->count > FEW_ROWS)
	{
		st->ranks = sortrun_ranks(st->run, st->base - st->run_base);
		if (st->ranks == NULL)
			st->whole = false;
		if (st->ranks == NULL && st->base > st->run_base)
			rank_alone(st);
	}
	st->whole = st->whole && may_have_spilled(st);
	if (!st->whole)
	{
		sortrun_end(st->run);
		sortmerge_reset(st->merge);
	}
}

static void
remember_cell(SortState *st, Datum original)
{
	Size		cap = Max(2 * st->cells_cap, ROWS_START);

	if (st->count == st->cells_cap)
	{
		if (st->cells)
			st->cells = repalloc_huge(st->cells, cap * sizeof(Datum));
		else
			st->cells = MemoryContextAlloc(st->cxt, cap * sizeof(Datum));
		st->cells_cap = cap;
	}
	st->cells[st->count] = original;
}

static uint32
row_of(const SortState *st, Datum position)
{
	uint64		row = ((uint64) position & ~POSITION) - st->base;

	if (row >= st->count)
		elog(ERROR, "cloister: sort key of another batch");
	return row;
}

static Datum
cell_of(const SortState *st, Datum x)
{
	return (uint64) x & POSITION ? st->cells[row_of(st, x)] : x;
}

/* ---- what tuplesort calls ---- */

static Datum
abbreviate(Datum original, SortSupport ssup)
{
	SortState  *st = ssup->ssup_extra;
	CellRef		cell;

	if (st->phase != BATCH_OPEN)
		batch_begin(st);
	cell = cell_from_datum(original);
	sortrun_add(st->run, &cell);
	if (st->whole)
		st->whole = sortmerge_add(st->merge, &cell);
	cell_release(&cell);
	remember_cell(st, original);
	return (Datum) (POSITION | (st->base + st->count++));
}

static int
compare_ranked(Datum x, Datum y, SortSupport ssup)
{
	SortState  *st = ssup->ssup_extra;
	uint32		a;
	uint32		b;

	if (unlikely(st->phase == BATCH_OPEN))
		batch_finish(st);
	if (unlikely(st->ranks == NULL || !((uint64) x & y & POSITION)))
		return compare_values(cell_of(st, x), cell_of(st, y), st);
	a = st->ranks[row_of(st, x)];
	b = st->ranks[row_of(st, y)];
	return (a > b) - (a < b);
}

static bool
never_abort(int memtupcount, SortSupport ssup)
{
	return false;
}

/* B-tree support function 2 of every encrypted type. */
Datum
cloister_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);
	SortState  *st = MemoryContextAllocZero(ssup->ssup_cxt, sizeof(*st));

	st->ssup = ssup;
	st->cxt = ssup->ssup_cxt;
	ssup->ssup_extra = st;
	ssup->comparator = compare_full;
	if (ssup->abbreviate && sizeof(Datum) == sizeof(uint64))
		abbreviate_from_now(ssup);
	PG_RETURN_VOID();
}
