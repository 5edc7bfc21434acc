/*
 * Programs: composed here, verified and prepared by the engine once per
 * connection, then run by id.
 */
#include "cloister.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define PROGRAM_VERSION 1
#define PROGRAM_HEADER 6
#define MAX_TRIES 16			/* groups to push, programs to prepare again */
#define MAX_PREPARED 1024
#define REQUEST_STACK 1024

/* A prepared program; keyed by a hash of its bytes, compared in full. */
typedef struct Prepared
{
	uint64		hash;
	uint64		generation;
	uint32		id;
	int			len;
	uint8	   *bytes;
} Prepared;

static MemoryContext prepared_memory;
static HTAB *prepared;

/* ---- building ---- */

static void
program_bytes(Program *p, const void *bytes, int n)
{
	if (p->len + n > PROGRAM_MAX)
		elog(ERROR, "program for the agent is too long");
	memcpy(p->bytes + p->len, bytes, n);
	p->len += n;
}

void
program_begin(Program *p, int ngroups, const uint32 *tags, int ncols,
			  const ProgramInput *cols, int nscalars,
			  const ProgramInput *scalars)
{
	uint8		head[PROGRAM_HEADER] = {PROGRAM_VERSION, ngroups, ncols,
	nscalars};

	p->len = 0;
	program_bytes(p, head, sizeof(head));
	for (int i = 0; i < ngroups; i++)
	{
		uint8		tag[4];

		le32_put(tag, tags[i]);
		program_bytes(p, tag, sizeof(tag));
	}
	for (int i = 0; i < ncols; i++)
		program_bytes(p, (uint8[]) {cols[i].type, cols[i].group}, 2);
	for (int i = 0; i < nscalars; i++)
		program_bytes(p, (uint8[]) {scalars[i].type, scalars[i].group}, 2);
}

void
program_op(Program *p, uint8 op, uint8 type, uint8 a, uint8 b, int64 imm)
{
	uint8		instr[12] = {op, type, a, b};

	le64_put(instr + 4, (uint64) imm);
	program_bytes(p, instr, sizeof(instr));
	p->bytes[4]++;
}

/* ---- preparing and running ---- */

/* Programs hold constants (substring), so there is no end to them: when too
 * many came, all are forgotten. */
static void
prepared_begin(void)
{
	HASHCTL		ctl = {.keysize = sizeof(uint64),
	.entrysize = sizeof(Prepared)};

	if (prepared && hash_get_num_entries(prepared) < MAX_PREPARED)
		return;
	prepared = NULL;
	if (prepared_memory)
		MemoryContextDelete(prepared_memory);
	prepared_memory = NULL;
	prepared_memory = AllocSetContextCreate(TopMemoryContext,
											"cloister programs",
											ALLOCSET_DEFAULT_SIZES);
	ctl.hcxt = prepared_memory;
	prepared = hash_create("cloister programs", 64, &ctl,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static Prepared *
prepared_entry(const Program *p)
{
	uint64		hash = hash_bytes_extended(p->bytes, p->len, 0);
	Prepared   *e;
	bool		found;

	prepared_begin();
	e = hash_search(prepared, &hash, HASH_ENTER, &found);
	if (!found)
	{
		e->bytes = NULL;
		e->len = 0;
		e->generation = 0;
	}
	return e;
}

/* Failing midway leaves an entry that is not valid, never a wrong one. */
static int
prepare(Prepared *e, const Program *p)
{
	uint8		len[4];
	struct rd	reply;
	int			r;

	e->generation = 0;
	if (e->len < p->len)
	{
		uint8	   *bytes = MemoryContextAlloc(prepared_memory, p->len);

		if (e->bytes)
			pfree(e->bytes);
		e->bytes = bytes;
	}
	memcpy(e->bytes, p->bytes, p->len);
	e->len = p->len;
	le32_put(len, p->len);
	r = conn_call2(OP_PREPARE, len, sizeof(len), p->bytes, p->len, &reply);
	if (r != CL_OK)
		return r;
	conn_check(rd_u32(&reply, &e->id));
	conn_check(rd_end(&reply));
	e->generation = conn_generation();
	return CL_OK;
}

static bool
is_prepared(const Prepared *e, const Program *p)
{
	return e->generation != 0 && e->generation == conn_generation() &&
		e->len == p->len && memcmp(e->bytes, p->bytes, p->len) == 0;
}

static int
try_run(const Program *p, const void *request, Size len, struct rd *reply)
{
	Prepared   *e = prepared_entry(p);
	uint8		id[4];
	int			r;

	if (!is_prepared(e, p) && (r = prepare(e, p)) != CL_OK)
		return r;
	le32_put(id, e->id);
	r = conn_call2(OP_EVAL, id, sizeof(id), request, len, reply);
	if (r == CL_ERR_UNKNOWN_PROGRAM)
		e->generation = 0;
	return r;
}

static void
check_header(struct rd *reply, uint8 kind, uint32 n)
{
	uint8_t		got_kind;
	uint8_t		zero;
	uint16_t	zeros;
	uint32_t	got_n;

	conn_check(rd_u8(reply, &got_kind));
	conn_check(rd_u8(reply, &zero));
	conn_check(rd_u16(reply, &zeros));
	conn_check(rd_u32(reply, &got_n));
	if (got_kind != kind || got_n != n || zero != 0 || zeros != 0)
		conn_bad_reply();
}

void
program_run(const Program *p, const void *request, Size len, uint8 kind,
			uint32 n, struct rd *reply)
{
	int			r = CL_ERR_INTERNAL;

	for (int i = 0; i < MAX_TRIES; i++)
	{
		session_require();
		r = try_run(p, request, len, reply);
		if (r == CL_ERR_NEED_GROUP)
			catalog_push_group(conn_wanted_tag());
		else if (r != CL_ERR_UNKNOWN_PROGRAM)
			break;
	}
	if (r != CL_OK)
		conn_error(r);
	check_header(reply, kind, n);
}

/* ---- one row ---- */

/* Index of tag in tags, which grows when it is new. */
static uint8
group_index(uint32 *tags, int *n, uint32 tag)
{
	for (int i = 0; i < *n; i++)
		if (tags[i] == tag)
			return i;
	tags[*n] = tag;
	return (*n)++;
}

static void
build_one(Program *p, const CellRef *cells, int n, const ProgramStep *step,
		  uint32 out_tag)
{
	uint32		tags[3] = {0};
	ProgramInput inputs[2] = {{0}};
	int			ngroups = 0;
	uint8		out = 0;

	for (int i = 0; i < n; i++)
	{
		inputs[i].type = cells[i].type;
		inputs[i].group = group_index(tags, &ngroups, cells[i].tag);
	}
	if (out_tag)
		out = group_index(tags, &ngroups, out_tag);
	program_begin(p, ngroups, tags, 0, NULL, n, inputs);
	for (int i = 0; i < n; i++)
		program_op(p, EV_SCALAR, 0, i, 0, 0);
	if (step->op)
		program_op(p, step->op, step->type, step->a, 0, step->imm);
	if (out_tag)
		program_op(p, EV_REENC, 0, out, 0, 0);
}

static void
run_one(CellRef *cells, int n, const ProgramStep *step, uint32 out_tag,
		uint8 kind, struct rd *reply)
{
	uint8		stack[REQUEST_STACK];
	uint8	   *request = stack;
	Size		len = 4;
	struct wr	out;
	Program		p;

	build_one(&p, cells, n, step, out_tag);
	for (int i = 0; i < n; i++)
		len += 4 + cells[i].n;
	if (len > sizeof(stack))
		request = palloc(len);
	out = wr_make(request, len);
	if (wr_u32(&out, 1) != CL_OK)
		elog(ERROR, "request does not fit");
	for (int i = 0; i < n; i++)
	{
		if (wr_cell(&out, cells[i].p, cells[i].n) != CL_OK)
			elog(ERROR, "request does not fit");
		cell_release(&cells[i]);
	}
	program_run(&p, request, len, kind, 1, reply);
	if (request != stack)
		pfree(request);
}

bool
eval_bool(CellRef *cells, int n, const ProgramStep *step)
{
	struct rd	reply;
	uint8_t		truth;

	run_one(cells, n, step, 0, EVAL_BOOL, &reply);
	conn_check(rd_u8(&reply, &truth));
	conn_check(rd_end(&reply));
	if (truth > 1)
		conn_bad_reply();
	return truth == 1;
}

int64
eval_i64(CellRef *cells, int n, const ProgramStep *step)
{
	struct rd	reply;
	uint8_t		null;
	int64_t		v;

	run_one(cells, n, step, 0, EVAL_I64, &reply);
	conn_check(rd_u8(&reply, &null));
	conn_check(rd_i64(&reply, &v));
	conn_check(rd_end(&reply));
	if (null)
		conn_bad_reply();
	return v;
}

Datum
eval_cell(CellRef *cells, int n, const ProgramStep *step, uint32 out_tag,
		  bool *null)
{
	struct rd	reply;
	const uint8_t *p;
	size_t		len;

	run_one(cells, n, step, out_tag ? out_tag : cells[0].tag, EVAL_CELLS,
			&reply);
	conn_check(rd_cell(&reply, &p, &len, CELL_MAX));
	conn_check(rd_end(&reply));
	*null = p == NULL;
	if (*null)
		return (Datum) 0;
	conn_check(cell_check_shape(p, len));
	return cell_to_datum(p, len);
}
