/*
 * One run of the agent's SORT. Cells are streamed in chunks, so that little
 * memory is taken here; the agent holds the values.
 */
#include "sortrun.h"

#include "utils/memutils.h"

/* SORT's sub-operations and their bodies (agent/PROTOCOL.md). */
enum sort_sub
{
	SORT_BEGIN = 1,
	SORT_APPEND,
	SORT_FINISH,
	SORT_RANKS,
	SORT_END
};

#define HEADER			8u
#define APPEND_HEADER	(HEADER + 4u)
#define APPEND_START	(8u << 10)	/* the append buffer grows from here */
#define APPEND_CHUNK	(256u << 10)	/* and is sent at this size */
#define IDS				32u			/* bits of id_held */
#define NO_ID			IDS
#define GROUPS_MAX		8			/* to push for one request */

struct SortRun
{
	MemoryContextCallback on_end;
	MemoryContext cxt;
	uint32		id;				/* in the agent, or NO_ID */
	bool		lost;			/* the agent could not take the cells */
	uint32		rows;
	uint32		ranked;			/* that many rows had ranks before */

	/* Body of the next APPEND; what its first cell is decides the run. */
	uint8		type;
	uint32		tag;
	uint8	   *body;
	Size		len;
	Size		cap;
	uint32		pending;

	uint32	   *ranks;
};

/* Ids of runs that this process has in the agent. A run that ended in a
 * memory context callback may still be there: it is ended again before its id
 * is used again. */
static SortRun *id_holder[IDS];
static uint32 id_stale = 0;

/* Buffers below are sized before they are filled. */
static void
must_fit(int status)
{
	if (status != CL_OK)
		elog(ERROR, "cloister: sort request does not fit its buffer");
}

static struct wr
header(uint8 *body, Size cap, uint8 sub, uint8 type, uint32 id)
{
	struct wr	out = wr_make(body, cap);

	must_fit(wr_u8(&out, sub));
	must_fit(wr_u8(&out, type));
	must_fit(wr_u16(&out, 0));
	must_fit(wr_u32(&out, id));
	return out;
}

/*
 * False when the agent cannot do this sort: no room, a value larger than a
 * frame, or a run that is gone because its session was replaced meanwhile. All
 * else is raised.
 */
static bool
call(const uint8 *body, Size len, struct rd *reply)
{
	int			status = conn_call(OP_SORT, body, len, reply);

	for (int i = 0; status == CL_ERR_NEED_GROUP && i < GROUPS_MAX; i++)
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
call_simple(uint8 sub, uint32 id, struct rd *reply)
{
	uint8		body[HEADER];

	(void) header(body, sizeof(body), sub, 0, id);
	return call(body, sizeof(body), reply);
}

static bool
id_take(SortRun *run)
{
	uint32		max = Min(conn_max_sort(), IDS);
	struct rd	reply;

	for (uint32 id = 0; id < max; id++)
	{
		if (id_holder[id])
			continue;
		if (id_stale & UINT32_C(1) << id)
			(void) call_simple(SORT_END, id, &reply);
		id_stale &= ~(UINT32_C(1) << id);
		id_holder[id] = run;
		run->id = id;
		return true;
	}
	return false;
}

/* The agent may still have the run afterwards. */
static void
id_release(SortRun *run)
{
	id_holder[run->id] = NULL;
	id_stale |= UINT32_C(1) << run->id;
	run->id = NO_ID;
}

/* The memory may go, perhaps in an abort: nothing may throw or wait. */
static void
leave(void *arg)
{
	SortRun    *run = arg;
	uint8		body[HEADER] = {SORT_END};

	if (run->id == NO_ID)
		return;
	le32_put(body + 4, run->id);
	id_release(run);
	conn_post(OP_SORT, body, sizeof(body));
}

void
sortrun_drop(SortRun *run)
{
	leave(run);
	run->lost = true;
	if (run->ranks)
		pfree(run->ranks);
	run->ranks = NULL;
}

SortRun *
sortrun_new(MemoryContext cxt)
{
	SortRun    *run = MemoryContextAllocZero(cxt, sizeof(*run));

	run->cxt = cxt;
	run->id = NO_ID;
	run->on_end.func = leave;
	run->on_end.arg = run;
	MemoryContextRegisterResetCallback(cxt, &run->on_end);
	return run;
}

void
sortrun_begin(SortRun *run)
{
	sortrun_end(run);
	if (run->body == NULL)
	{
		run->body = MemoryContextAlloc(run->cxt, APPEND_START);
		run->cap = APPEND_START;
	}
	if (run->ranks)
		pfree(run->ranks);
	run->ranks = NULL;
	run->lost = false;
	run->rows = 0;
	run->ranked = 0;
	run->pending = 0;
	run->len = APPEND_HEADER;
}

void
sortrun_end(SortRun *run)
{
	uint32		id = run->id;
	struct rd	reply;

	if (id == NO_ID)
		return;
	id_release(run);
	if (call_simple(SORT_END, id, &reply))
		id_stale &= ~(UINT32_C(1) << id);
}

/* Ends another run that has given ranks for all that it has, and would only be
 * of use if its batch went to disk. False when there is none. */
static bool
evict_other(const SortRun *run)
{
	for (int id = 0; id < IDS; id++)
	{
		SortRun    *other = id_holder[id];

		if (other && other != run && other->ranked > 0 &&
			other->ranked == other->rows)
		{
			other->lost = true;
			sortrun_end(other);
			return true;
		}
	}
	return false;
}

/* ---- cells go out ---- */

static bool
open_run(SortRun *run)
{
	uint8		body[HEADER + 4];
	struct rd	reply;
	struct wr	out;

	if (!id_take(run) && !(evict_other(run) && id_take(run)))
		return false;
	out = header(body, sizeof(body), SORT_BEGIN, run->type, run->id);
	must_fit(wr_u32(&out, run->tag));
	if (call(body, out.len, &reply))
		return true;
	sortrun_end(run);
	return false;
}

static bool
append(SortRun *run)
{
	struct rd	reply;
	struct wr	out;

	if (run->len > conn_max_body() || (run->id == NO_ID && !open_run(run)))
		return false;
	out = header(run->body, run->cap, SORT_APPEND, 0, run->id);
	must_fit(wr_u32(&out, run->pending));
	return call(run->body, run->len, &reply);
}

/* Runs that do nothing make room; but one that has batches in it may rather
 * make room itself. */
static bool
append_somehow(SortRun *run)
{
	bool		sent = append(run);

	while (!sent && run->ranked == 0 && evict_other(run))
		sent = append(run);
	return sent;
}

static void
flush(SortRun *run)
{
	if (run->lost || run->pending == 0)
		return;
	if (!append_somehow(run))
	{
		run->lost = true;
		sortrun_end(run);
	}
	run->pending = 0;
	run->len = APPEND_HEADER;
}

/* Makes room for an entry of n bytes; sends what is there when it is much. */
static void
reserve(SortRun *run, Size n)
{
	if (run->len + n > Min(APPEND_CHUNK, conn_max_body()))
		flush(run);
	if (run->len + n > run->cap)
	{
		Size		cap = Max(run->len + n, Min(2 * run->cap, APPEND_CHUNK));

		run->body = repalloc(run->body, cap);
		run->cap = cap;
	}
}

void
sortrun_add(SortRun *run, const CellRef *cell)
{
	Size		n = sizeof(uint32) + cell->n;
	struct wr	out;

	if (run->rows++ == 0)
	{
		run->type = cell->type;
		run->tag = cell->tag;
	}
	if (!run->lost)
		reserve(run, n);
	if (run->lost)
		return;
	out = wr_make(run->body + run->len, run->cap - run->len);
	must_fit(wr_cell(&out, cell->p, cell->n));
	run->len += n;
	run->pending++;
}

/* ---- ranks come in ---- */

static bool
finish(SortRun *run, uint32 from)
{
	uint8		body[HEADER + 4];
	struct rd	reply;
	struct wr	out;
	uint32		rows;

	flush(run);
	if (run->lost || run->id == NO_ID)
		return false;
	out = header(body, sizeof(body), SORT_FINISH, 0, run->id);
	must_fit(wr_u32(&out, from));
	if (!call(body, out.len, &reply))
		return false;
	conn_check(rd_u32(&reply, &rows));
	conn_check(rd_end(&reply));
	if (rows != run->rows)
		elog(ERROR, "cloister: the agent sorted %u rows of %u", rows,
			 run->rows);
	return true;
}

/* Ranks of rows at .. at + n. */
static bool
fetch_some(const SortRun *run, uint32 at, uint32 n, uint32 *ranks)
{
	uint8		body[HEADER + 8];
	struct wr	out = header(body, sizeof(body), SORT_RANKS, 0, run->id);
	struct rd	reply;

	must_fit(wr_u32(&out, at));
	must_fit(wr_u32(&out, n));
	if (!call(body, out.len, &reply))
		return false;
	for (uint32 i = 0; i < n; i++)
		conn_check(rd_u32(&reply, &ranks[i]));
	conn_check(rd_end(&reply));
	return true;
}

static bool
fetch(SortRun *run, uint32 from)
{
	uint32		most = (conn_max_body() - HEADER) / sizeof(uint32);

	if (run->ranks)
		pfree(run->ranks);
	run->ranks = NULL;
	run->ranks = MemoryContextAllocHuge(run->cxt,
										(run->rows - from) * sizeof(uint32));
	for (uint32 at = from, n; at < run->rows; at += n)
	{
		n = Min(most, run->rows - at);
		if (!fetch_some(run, at, n, run->ranks + (at - from)))
			return false;
	}
	return true;
}

const uint32 *
sortrun_ranks(SortRun *run, uint32 from)
{
	if (finish(run, from) && fetch(run, from))
	{
		run->ranked = run->rows;
		return run->ranks;
	}
	run->lost = true;
	sortrun_end(run);
	return NULL;
}
