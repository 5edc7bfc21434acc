/*
 * Sorting with deferred ranks. tuplesort asks for an abbreviated key when it
 * takes a tuple in and compares only after it has taken in a whole batch (all
 * tuples, or as many as work_mem holds). So the abbreviation of a cell is
 * nothing but its position: the cells are streamed to the engine as they come,
 * the first comparison asks the engine to sort them and fetches their ranks,
 * and the following ones look ranks up. A few crossings instead of n log n.
 *
 * A result of 0 from the abbreviated comparator makes tuplesort ask the full
 * comparator, which decides by values. So whatever is not known here (the
 * engine had no memory left, a position of another batch) is answered with 0,
 * and the order is right all the same. Where ranks are known to be equal, the
 * values are: a note saves the crossing of the full comparison that follows.
 */
#include "cloister.h"

#include "tde/eval_ops.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

/* SORT's sub-operations and their bodies (agent/PROTOCOL.md). */
enum sort_sub
{
	SORT_BEGIN = 1,
	SORT_APPEND,
	SORT_FINISH,
	SORT_RANKS,
	SORT_END
};

#define SORT_HEADER		8u
#define APPEND_HEADER	(SORT_HEADER + 4u)
#define APPEND_START	(8u << 10)	/* the append buffer grows from here */
#define APPEND_CHUNK	(256u << 10)	/* and is sent when it holds that much */
#define SORT_IDS		32u			/* bits of id_held */
#define NO_ID			SORT_IDS
#define FEW_ROWS		4u			/* comparing them is cheaper than a run */

enum batch_phase
{
	BATCH_NONE,					/* the next cell starts a batch */
	BATCH_OPEN,					/* cells are being taken in */
	BATCH_RANKED,				/* ranks are here */
	BATCH_UNDECIDED				/* the full comparator has to decide */
};

/* In ssup->ssup_extra. */
typedef struct SortState
{
	MemoryContextCallback on_reset;
	MemoryContext cxt;

	/* Positions run through all batches of a sort; a batch starts at base. */
	enum batch_phase phase;
	Datum		base;
	uint32		count;
	uint32		id;				/* the run in the engine, or NO_ID */
	bool		lost;			/* the engine could not take the batch */
	uint32	   *ranks;
	bool		equal;			/* the last two ranks were the same */

	/* Body of the next APPEND; what its first cell is decides the run. */
	uint8	   *body;
	uint8		run_type;
	uint32		run_tag;
	Size		len;
	Size		cap;
	uint32		pending;

	/* One-row comparison, kept from call to call. */
	Program		compare;
	uint8		type;
	uint32		tags[2];
	uint8	   *request;
	Size		request_cap;
} SortState;

/* Ids of runs that this process has in the engine. A run that ended in a
 * memory context callback may still be there: it is ended again before its id
 * is used again. */
static uint32 id_held = 0;
static uint32 id_stale = 0;

PG_FUNCTION_INFO_V1(cloister_sortsupport);

/* Buffers below are sized before they are filled. */
static void
must_fit(int status)
{
	if (status != CL_OK)
		elog(ERROR, "cloister: sort request does not fit its buffer");
}

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
	must_fit(wr_u32(&out, 1));
	must_fit(wr_cell(&out, a->p, a->n));
	must_fit(wr_cell(&out, b->p, b->n));
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
compare_full(Datum x, Datum y, SortSupport ssup)
{
	SortState  *st = ssup->ssup_extra;
	CellRef		a;
	CellRef		b;
	int			order;

	if (st->equal && ssup->abbrev_converter)
	{
		st->equal = false;
		return 0;
	}
	session_require();
	a = cell_from_datum(x);
	b = cell_from_datum(y);
	order = compare_cells(st, &a, &b);
	cell_release(&a);
	cell_release(&b);
	return order;
}

/* ---- runs in the engine ---- */

static struct wr
sort_header(uint8 *body, Size cap, uint8 sub, uint8 type, uint32 id)
{
	struct wr	out = wr_make(body, cap);

	must_fit(wr_u8(&out, sub));
	must_fit(wr_u8(&out, type));
	must_fit(wr_u16(&out, 0));
	must_fit(wr_u32(&out, id));
	return out;
}

/*
 * False when the engine cannot do this sort: no room, a value larger than a
 * frame, or a run that is gone because its session was replaced meanwhile. All
 * else is raised.
 */
static bool
sort_call(const uint8 *body, Size len, struct rd *reply)
{
	int			status = conn_call(OP_SORT, body, len, reply);

	/* A reply to NEED_GROUP that changes nothing must not loop for ever. */
	for (int tries = 0; status == CL_ERR_NEED_GROUP && tries < 8; tries++)
	{
		catalog_push_group(conn_wanted_tag());
		status = conn_call(OP_SORT, body, len, reply);
	}
	if (status == CL_OK)
		return true;
	if (status != CL_ERR_LIMIT && status != CL_ERR_TOO_LARGE &&
		status != CL_ERR_STATE)
		conn_error(status);
	return false;
}

static bool
sort_simple(uint8 sub, uint8 type, uint32 id)
{
	uint8		body[SORT_HEADER];
	struct rd	reply;

	(void) sort_header(body, sizeof(body), sub, type, id);
	return sort_call(body, sizeof(body), &reply);
}

static uint32
sort_id_take(void)
{
	uint32		max = Min(conn_max_sort(), SORT_IDS);

	for (uint32 id = 0; id < max; id++)
	{
		uint32		bit = UINT32_C(1) << id;

		if (id_held & bit)
			continue;
		if (id_stale & bit)
			(void) sort_simple(SORT_END, 0, id);
		id_stale &= ~bit;
		id_held |= bit;
		return id;
	}
	return NO_ID;
}

static void
run_begin(SortState *st)
{
	uint8		body[SORT_HEADER + 4];
	struct rd	reply;
	struct wr	out;

	st->id = sort_id_take();
	if (st->id == NO_ID)
	{
		st->lost = true;
		return;
	}
	out = sort_header(body, sizeof(body), SORT_BEGIN, st->run_type, st->id);
	must_fit(wr_u32(&out, st->run_tag));
	if (!sort_call(body, out.len, &reply))
		st->lost = true;
}

static void
run_end(SortState *st)
{
	uint32		id = st->id;

	if (id == NO_ID)
		return;
	st->id = NO_ID;
	id_held &= ~(UINT32_C(1) << id);
	id_stale |= UINT32_C(1) << id;
	if (sort_simple(SORT_END, 0, id))
		id_stale &= ~(UINT32_C(1) << id);
}

/* The sort's memory goes, perhaps in an abort: nothing may throw or wait. */
static void
run_drop(void *arg)
{
	SortState  *st = arg;
	uint8		body[SORT_HEADER] = {SORT_END};

	if (st->id == NO_ID)
		return;
	le32_put(body + 4, st->id);
	id_held &= ~(UINT32_C(1) << st->id);
	id_stale |= UINT32_C(1) << st->id;
	st->id = NO_ID;
	conn_post(OP_SORT, body, sizeof(body));
}

/* ---- batches ---- */

static void
batch_begin(SortState *st)
{
	session_require();
	if (st->body == NULL)
	{
		st->body = MemoryContextAlloc(st->cxt, APPEND_START);
		st->cap = APPEND_START;
	}
	st->base += st->count;
	st->count = 0;
	st->phase = BATCH_OPEN;
	st->lost = false;
	st->pending = 0;
	st->len = APPEND_HEADER;
}

static void
batch_send(SortState *st)
{
	struct rd	reply;
	struct wr	out;

	if (st->id == NO_ID)
		run_begin(st);
	if (st->len > conn_max_body())
		st->lost = true;
	if (st->lost)
		return;
	out = sort_header(st->body, st->cap, SORT_APPEND, 0, st->id);
	must_fit(wr_u32(&out, st->pending));
	if (!sort_call(st->body, st->len, &reply))
		st->lost = true;
	st->pending = 0;
	st->len = APPEND_HEADER;
}

/* Makes room for an entry of n bytes; sends what is there when it is much. */
static void
batch_reserve(SortState *st, Size n)
{
	Size		limit = Min(APPEND_CHUNK, conn_max_body());

	if (st->pending > 0 && st->len + n > limit)
		batch_send(st);
	if (st->len + n > st->cap)
	{
		Size		cap = Max(st->len + n, Min(2 * st->cap, APPEND_CHUNK));

		st->body = repalloc(st->body, cap);
		st->cap = cap;
	}
}

static void
batch_add(SortState *st, const CellRef *cell)
{
	Size		n = sizeof(uint32) + cell->n;
	struct wr	out;

	if (st->count == 0)
	{
		st->run_type = cell->type;
		st->run_tag = cell->tag;
	}
	batch_reserve(st, n);
	if (st->lost)
		return;
	out = wr_make(st->body + st->len, st->cap - st->len);
	must_fit(wr_cell(&out, cell->p, cell->n));
	st->len += n;
	st->pending++;
}

/* False when the run got lost on the way. */
static bool
ranks_fetch(SortState *st)
{
	uint32		most = (conn_max_body() - SORT_HEADER) / sizeof(uint32);

	if (st->ranks)
		pfree(st->ranks);
	st->ranks = NULL;
	st->ranks = MemoryContextAllocHuge(st->cxt,
									   st->count * sizeof(uint32));
	for (uint32 at = 0, n; at < st->count; at += n)
	{
		uint8		body[SORT_HEADER + 8];
		struct rd	reply;
		struct wr	out;

		n = Min(most, st->count - at);
		out = sort_header(body, sizeof(body), SORT_RANKS, 0, st->id);
		must_fit(wr_u32(&out, at));
		must_fit(wr_u32(&out, n));
		if (!sort_call(body, out.len, &reply))
			return false;
		for (uint32 i = 0; i < n; i++)
			conn_check(rd_u32(&reply, &st->ranks[at + i]));
		conn_check(rd_end(&reply));
	}
	return true;
}

static bool
run_rank(SortState *st)
{
	uint8		body[SORT_HEADER];
	struct rd	reply;
	uint32		rows;

	if (st->pending > 0)
		batch_send(st);
	if (st->lost)
		return false;
	(void) sort_header(body, sizeof(body), SORT_FINISH, 0, st->id);
	if (!sort_call(body, sizeof(body), &reply))
		return false;
	conn_check(rd_u32(&reply, &rows));
	conn_check(rd_end(&reply));
	if (rows != st->count)
		elog(ERROR, "cloister: the agent sorted %u rows of %u", rows,
			 st->count);
	return ranks_fetch(st);
}

/* The first comparison of a batch. */
static void
batch_finish(SortState *st)
{
	st->phase = BATCH_UNDECIDED;
	if (!st->lost && st->count > FEW_ROWS && run_rank(st))
		st->phase = BATCH_RANKED;
	run_end(st);
}

/* ---- what tuplesort calls ---- */

static Datum
abbreviate(Datum original, SortSupport ssup)
{
	SortState  *st = ssup->ssup_extra;
	CellRef		cell;

	if (st->phase != BATCH_OPEN)
		batch_begin(st);
	if (!st->lost)
	{
		cell = cell_from_datum(original);
		batch_add(st, &cell);
		cell_release(&cell);
	}
	return st->base + st->count++;
}

static int
compare_abbreviated(Datum x, Datum y, SortSupport ssup)
{
	SortState  *st = ssup->ssup_extra;
	uint32		a;
	uint32		b;

	if (unlikely(st->phase == BATCH_OPEN))
		batch_finish(st);
	st->equal = false;
	if (st->phase != BATCH_RANKED || x - st->base >= st->count ||
		y - st->base >= st->count)
		return 0;
	a = st->ranks[x - st->base];
	b = st->ranks[y - st->base];
	st->equal = a == b;
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

	st->cxt = ssup->ssup_cxt;
	st->id = NO_ID;
	ssup->ssup_extra = st;
	ssup->comparator = compare_full;
	if (!ssup->abbreviate)
		PG_RETURN_VOID();

	st->on_reset.func = run_drop;
	st->on_reset.arg = st;
	MemoryContextRegisterResetCallback(st->cxt, &st->on_reset);
	ssup->comparator = compare_abbreviated;
	ssup->abbrev_converter = abbreviate;
	ssup->abbrev_abort = never_abort;
	ssup->abbrev_full_comparator = compare_full;
	PG_RETURN_VOID();
}
