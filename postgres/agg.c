/*
 * Aggregates: sum, avg, min, max. The transition function only collects cells;
 * a batch crosses to the engine as one reduction that carries the result so
 * far, so a sum over a million rows is some four thousand requests. With many
 * groups the pending cells are what takes memory: buffers grow by doubling,
 * and once the groups together near work_mem a buffer is sent instead.
 *
 * sum and avg share the state (and PostgreSQL then keeps only one for both):
 * the sum so far and the number of rows in it. Final functions leave its value
 * as it is, so they may be called again and more rows may follow (windows).
 */
#include "cloister.h"

#include "miscadmin.h"
#include "tde/eval_ops.h"
#include "utils/memutils.h"

#define BATCH_ROWS_MAX	16384	/* two batches stay below EVAL_MAX_ROWS */
#define BATCH_BYTES		(256u << 10)
#define BUFFER_START	256u
#define BUFFER_KEEP		(64u << 10)
#define BUFFER_ROWS		8u		/* may always collect */

typedef struct AggState
{
	MemoryContext cxt;
	uint8		op;				/* EV_SUM, EV_MIN, EV_MAX */
	bool		widen;			/* float4 is summed as float8 */
	uint8		type;			/* of the cells that come in */
	uint32		target;			/* group of the result: the first cell's */

	/* Result over the first rows, a cell of group target. */
	int64		rows;
	uint8	   *cell;			/* NULL: none yet */
	Size		cell_len;

	/* Cell entries that have not crossed yet, all of one group. */
	uint32		tag;
	uint32		pending;
	uint8	   *buf;
	Size		len;
	Size		cap;
} AggState;

/* n cell entries of one type and group. */
typedef struct AggColumn
{
	uint8		type;
	uint32		tag;
	uint32		n;
	const uint8 *entries;
	Size		len;
} AggColumn;

PG_FUNCTION_INFO_V1(cloister_sum_add);
PG_FUNCTION_INFO_V1(cloister_avg_add);
PG_FUNCTION_INFO_V1(cloister_min_add);
PG_FUNCTION_INFO_V1(cloister_max_add);
PG_FUNCTION_INFO_V1(cloister_agg_combine);
PG_FUNCTION_INFO_V1(cloister_agg_serialize);
PG_FUNCTION_INFO_V1(cloister_agg_deserialize);
PG_FUNCTION_INFO_V1(cloister_agg_result);
PG_FUNCTION_INFO_V1(cloister_avg_result);

/* Buffers are sized before they are filled, and serialised states are ours. */
static void
must(int status)
{
	if (status != CL_OK)
		elog(ERROR, "cloister: aggregate state is damaged: %s",
			 err_text(status));
}

static uint8
result_type(const AggState *s)
{
	if (s->op != EV_SUM)
		return s->type;
	if (s->type == TYPE_FLOAT8 || s->type == TYPE_FLOAT4)
		return s->widen ? TYPE_FLOAT8 : s->type;
	return TYPE_INT8;
}

/* ---- crossing ---- */

static void
reduction_program(Program *p, const AggState *s, uint8 op,
				  const AggColumn *col)
{
	uint32		tags[2] = {s->target, col->tag};
	int			ntags = col->tag == s->target ? 1 : 2;
	ProgramInput column = {col->type, ntags - 1};
	ProgramInput scalar = {result_type(s), 0};
	uint8		flags = s->cell ? EV_HAS_STATE : 0;

	if (op == EV_SUM && s->widen && col->type == TYPE_FLOAT4)
		flags |= EV_WIDEN;
	program_begin(p, ntags, tags, 1, &column, s->cell ? 1 : 0, &scalar);
	program_op(p, EV_COLUMN, 0, 0, 0, 0);
	program_op(p, op, 0, flags, 0, op == EV_AVG ? s->rows : 0);
	program_op(p, EV_REENC, 0, 0, 0, 0);
}

/* The result over the state and col: a view into the reply, NULL for NULL. */
static const uint8 *
reduce(const AggState *s, uint8 op, const AggColumn *col, Size *len)
{
	Size		cap = 2 * sizeof(uint32) + s->cell_len + col->len;
	uint8	   *request = palloc(cap);
	struct wr	out = wr_make(request, cap);
	struct rd	reply;
	Program		p;
	const uint8 *cell;

	reduction_program(&p, s, op, col);
	must(wr_u32(&out, col->n));
	if (s->cell)
		must(wr_cell(&out, s->cell, s->cell_len));
	must(wr_bytes(&out, col->entries, col->len));
	program_run(&p, request, out.len, EVAL_CELLS, 1, &reply);
	pfree(request);
	conn_check(rd_cell(&reply, &cell, len, CELL_MAX));
	conn_check(rd_end(&reply));
	return cell;
}

static void
state_set(AggState *s, const uint8 *cell, Size len, int64 rows)
{
	uint8	   *copy = MemoryContextAlloc(s->cxt, len);

	memcpy(copy, cell, len);
	if (s->cell)
		pfree(s->cell);
	s->cell = copy;
	s->cell_len = len;
	s->rows = rows;
}

/* Folds a column into the state. */
static void
fold(AggState *s, const AggColumn *col, int64 rows)
{
	Size		len;
	const uint8 *cell = reduce(s, s->op, col, &len);

	if (cell == NULL)
		elog(ERROR, "cloister: the agent lost a value of an aggregate");
	state_set(s, cell, len, s->rows + rows);
}

static AggColumn
pending_column(const AggState *s)
{
	return (AggColumn)
	{
		s->type, s->pending > 0 ? s->tag : s->target, s->pending,
			s->buf, s->len
	};
}

static void
flush(AggState *s)
{
	AggColumn	col = pending_column(s);

	if (s->pending == 0)
		return;
	fold(s, &col, s->pending);
	s->pending = 0;
	s->len = 0;
	if (s->cap > BUFFER_KEEP)
	{
		pfree(s->buf);
		s->buf = NULL;
		s->cap = 0;
	}
}

/* ---- collecting ---- */

static bool
memory_is_short(const AggState *s)
{
	return MemoryContextMemAllocated(s->cxt, true) >
		(Size) work_mem * 1024 / 2;
}

static bool
batch_is_full(const AggState *s, Size more)
{
	if (s->pending >= (uint32) Min(module_batch_rows(), BATCH_ROWS_MAX) ||
		s->len + more > Min(BATCH_BYTES, conn_max_body() / 2))
		return true;
	return s->len + more > s->cap && s->pending >= BUFFER_ROWS &&
		memory_is_short(s);
}

static void
buffer_reserve(AggState *s, Size more)
{
	Size		cap = Max(s->len + more, 2 * s->cap);

	if (s->len + more <= s->cap)
		return;
	cap = Max(cap, BUFFER_START);
	if (s->buf)
		s->buf = repalloc(s->buf, cap);
	else
		s->buf = MemoryContextAlloc(s->cxt, cap);
	s->cap = cap;
}

/* Takes in n cell entries of one group. */
static void
collect(AggState *s, uint32 tag, uint32 n, const uint8 *entries, Size len)
{
	if (s->pending > 0 && (tag != s->tag || batch_is_full(s, len)))
		flush(s);
	buffer_reserve(s, len);
	memcpy(s->buf + s->len, entries, len);
	s->len += len;
	s->pending += n;
	s->tag = tag;
}

static void
collect_cell(AggState *s, const CellRef *cell)
{
	Size		n = sizeof(uint32) + cell->n;
	struct wr	out;

	if (cell->type != s->type)
		conn_error(CL_ERR_BAD_CELL_TYPE);
	if (s->pending > 0 && (cell->tag != s->tag || batch_is_full(s, n)))
		flush(s);
	buffer_reserve(s, n);
	out = wr_make(s->buf + s->len, s->cap - s->len);
	must(wr_cell(&out, cell->p, cell->n));
	s->len += n;
	s->pending++;
	s->tag = cell->tag;
}

static AggState *
state_new(MemoryContext cxt, uint8 op, bool widen, uint8 type, uint32 target)
{
	AggState   *s = MemoryContextAllocZero(cxt, sizeof(*s));

	s->cxt = cxt;
	s->op = op;
	s->widen = widen;
	s->type = type;
	s->target = target;
	return s;
}

static Datum
transition(FunctionCallInfo fcinfo, uint8 op, bool widen)
{
	AggState   *s = PG_ARGISNULL(0) ? NULL : (AggState *) PG_GETARG_POINTER(0);
	MemoryContext cxt;
	CellRef		cell;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "cloister: aggregate function called outside an aggregate");
	if (PG_ARGISNULL(1))
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	session_require();
	cell = cell_from_datum(PG_GETARG_DATUM(1));
	if (s == NULL)
		s = state_new(cxt, op, widen, cell.type, cell.tag);
	collect_cell(s, &cell);
	cell_release(&cell);
	PG_RETURN_POINTER(s);
}

Datum
cloister_sum_add(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, EV_SUM, false);
}

/* For avg(float4), which PostgreSQL sums as float8. */
Datum
cloister_avg_add(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, EV_SUM, true);
}

Datum
cloister_min_add(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, EV_MIN, false);
}

Datum
cloister_max_add(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, EV_MAX, false);
}

/* ---- parallel ---- */

/* Adds what other holds to s; other stays as it is. */
static void
absorb(AggState *s, const AggState *other)
{
	if (other->type != s->type || other->op != s->op)
		conn_error(CL_ERR_BAD_CELL_TYPE);
	if (other->cell && s->cell == NULL && other->target == s->target)
		state_set(s, other->cell, other->cell_len, other->rows);
	else if (other->cell)
	{
		Size		len = sizeof(uint32) + other->cell_len;
		uint8	   *entry = palloc(len);
		struct wr	out = wr_make(entry, len);
		AggColumn	col = {result_type(s), other->target, 1, entry, len};

		must(wr_cell(&out, other->cell, other->cell_len));
		fold(s, &col, other->rows);
		pfree(entry);
	}
	if (other->pending > 0)
		collect(s, other->tag, other->pending, other->buf, other->len);
}

Datum
cloister_agg_combine(PG_FUNCTION_ARGS)
{
	AggState   *s = PG_ARGISNULL(0) ? NULL : (AggState *) PG_GETARG_POINTER(0);
	AggState   *other;
	MemoryContext cxt;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "cloister: aggregate function called outside an aggregate");
	if (PG_ARGISNULL(1))
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	other = (AggState *) PG_GETARG_POINTER(1);
	if (s == NULL)
		s = state_new(cxt, other->op, other->widen, other->type,
					  other->target);
	absorb(s, other);
	PG_RETURN_POINTER(s);
}

Datum
cloister_agg_serialize(PG_FUNCTION_ARGS)
{
	AggState   *s = (AggState *) PG_GETARG_POINTER(0);
	Size		cap = 64 + s->cell_len + s->len;
	bytea	   *result = palloc(VARHDRSZ + cap);
	struct wr	out = wr_make(VARDATA(result), cap);

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "cloister: aggregate function called outside an aggregate");
	must(wr_u8(&out, s->op));
	must(wr_u8(&out, s->widen));
	must(wr_u8(&out, s->type));
	must(wr_u32(&out, s->target));
	must(wr_i64(&out, s->rows));
	must(wr_cell(&out, s->cell, s->cell_len));
	must(wr_u32(&out, s->tag));
	must(wr_u32(&out, s->pending));
	must(wr_blob(&out, s->buf, s->len));
	SET_VARSIZE(result, VARHDRSZ + out.len);
	PG_RETURN_BYTEA_P(result);
}

static void
state_read(AggState *s, struct rd *in)
{
	const uint8 *cell;
	const uint8 *buf;
	uint8		widen;
	int64		rows;
	size_t		n;

	must(rd_u8(in, &s->op));
	must(rd_u8(in, &widen));
	s->widen = widen;
	must(rd_u8(in, &s->type));
	must(rd_u32(in, &s->target));
	must(rd_i64(in, &rows));
	must(rd_cell(in, &cell, &n, CELL_MAX));
	if (cell)
		state_set(s, cell, n, rows);
	must(rd_u32(in, &s->tag));
	must(rd_u32(in, &s->pending));
	must(rd_blob(in, &buf, &n, MaxAllocSize));
	must(rd_end(in));
	if (n > 0)
	{
		buffer_reserve(s, n);
		memcpy(s->buf, buf, n);
		s->len = n;
	}
}

Datum
cloister_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *in = PG_GETARG_BYTEA_PP(0);
	struct rd	rd = rd_make(VARDATA_ANY(in), VARSIZE_ANY_EXHDR(in));
	AggState   *s;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "cloister: aggregate function called outside an aggregate");
	s = state_new(CurrentMemoryContext, 0, false, 0, 0);
	state_read(s, &rd);
	PG_RETURN_POINTER(s);
}

/* ---- results ---- */

/* sum, min, max. */
Datum
cloister_agg_result(PG_FUNCTION_ARGS)
{
	AggState   *s;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (AggState *) PG_GETARG_POINTER(0);
	session_require();
	flush(s);
	return cell_to_datum(s->cell, s->cell_len);
}

Datum
cloister_avg_result(PG_FUNCTION_ARGS)
{
	AggState   *s;
	AggColumn	col;
	const uint8 *cell;
	Size		len;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (AggState *) PG_GETARG_POINTER(0);
	col = pending_column(s);
	cell = reduce(s, EV_AVG, &col, &len);
	if (cell == NULL)
		PG_RETURN_NULL();
	return cell_to_datum(cell, len);
}
