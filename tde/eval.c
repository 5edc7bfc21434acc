#include <string.h>

#include "lib/secmem.h"
#include "tde/eval_vm.h"

/* Steps of work on bytes in one call, half a second: a hostile program over
 * large scalars or a hostile LIKE ends, and ten instructions on a full frame
 * of text take a twentieth of it. */
#define FUEL UINT64_C(200000000)
/* Cells up to here are decrypted on the way to a val, not into scratch. */
#define SMALL_CELL (CELL_OVERHEAD + VAL_FIXED)

#define REPLY_HEADER 8u

static int
load_fixed(struct groupkey *g, uint8_t type, const uint8_t *cell, size_t n,
    struct val *v)
{
	uint8_t plain[SMALL_CELL];
	size_t len;
	int r;

	r = groupkey_open(g, type, cell, n, plain, sizeof(plain), &len);
	if (r == 0)
		r = val_load(type, plain, len, v);
	secmem_wipe(plain, sizeof(plain));
	return r;
}

static int
load_bytes(struct eval_vm *vm, struct groupkey *g, uint8_t type,
    const uint8_t *cell, size_t n, struct val *v)
{
	uint8_t *plain;
	size_t len;
	int r;

	if ((r = scratch_take(vm->scratch, n, &plain)) != 0)
		return r;
	if ((r = groupkey_open(g, type, cell, n, plain, n, &len)) != 0)
		return r;
	scratch_shrink(vm->scratch, plain, len);
	return val_load(type, plain, len, v);
}

int
eval_vm_load(struct eval_vm *vm, const struct eval_input *input, struct rd *in,
    struct val *v)
{
	struct groupkey *g = vm->groups[input->group];
	const uint8_t *cell;
	size_t n;
	int r;

	if ((r = rd_cell(in, &cell, &n, CELL_MAX)) != 0)
		return r;
	if (cell == NULL) {
		v->type = input->type;
		v->null = true;
		return CL_OK;
	}
	/* A longer cell is of another type or no cell, but which? It is not
	 * worth a fast path. */
	if (!val_is_bytes(input->type) && n <= SMALL_CELL)
		return load_fixed(g, input->type, cell, n, v);
	return load_bytes(vm, g, input->type, cell, n, v);
}

static int
load_scalars(struct eval_vm *vm, struct rd *in)
{
	unsigned i;
	int r;

	for (i = 0; i < vm->prog->nscalars; i++)
		if ((r = eval_vm_load(
			 vm, &vm->prog->scalars[i], in, &vm->scalars[i])) != 0)
			return r;
	return CL_OK;
}

/* Columns lie one behind the other; only walking shows where each begins. */
static int
find_columns(struct eval_vm *vm, struct rd *in, uint32_t nrows)
{
	const uint8_t *cell;
	uint32_t row;
	unsigned i;
	size_t n;
	int r;

	for (i = 0; i < vm->prog->ncolumns; i++) {
		vm->at[i] = *in;
		for (row = 0; row < nrows; row++)
			if ((r = rd_cell(in, &cell, &n, CELL_MAX)) != 0)
				return r;
	}
	return rd_end(in);
}

static int
emit_cell(struct eval_vm *vm, const struct eval_instr *in, struct wr *out)
{
	const struct val *v = &vm->stack[0];
	struct groupkey *g = vm->groups[in->a];
	uint8_t buf[VAL_FIXED], *length;
	const uint8_t *p;
	size_t n, start;
	int r;

	if (v->null)
		return wr_cell(out, NULL, 0);
	val_store(v, buf, &p, &n);
	if ((r = wr_reserve(out, &length, 4)) == 0) {
		start = out->len;
		r = groupkey_seal(g, v->type, p, n, out);
		le32_put(length, (uint32_t)(out->len - start));
	}
	secmem_wipe(buf, sizeof(buf));
	return r;
}

/* Reply of kind 2 has a byte per row that says NULL, then the numbers. */
static void
put_number(const struct val *v, uint32_t row, uint32_t n, uint8_t *reply)
{
	reply[row] = v->null;
	le64_put(reply + n + 8 * (size_t)row, v->null ? 0 : (uint64_t)v->i);
}

/* Executes what stands before end; the result is at the stack's bottom. */
static int
run_row(struct eval_vm *vm, unsigned end)
{
	unsigned i;
	int r;

	vm->depth = 0;
	vm->loaded = 0;
	for (i = 0; i < end; i++)
		if ((r = eval_vm_exec(vm, &vm->prog->instr[i])) != 0)
			return r;
	return CL_OK;
}

/* One result a row. */
static int
run_map(struct eval_vm *vm, uint32_t n, struct wr *out, uint32_t *row)
{
	const struct eval_program *p = vm->prog;
	const struct eval_instr *last = &p->instr[p->ninstr - 1];
	unsigned end = p->result == EVAL_CELLS ? p->ninstr - 1u : p->ninstr;
	struct scratch_mark mark = scratch_here(vm->scratch);
	uint8_t *reply = NULL;
	int r = CL_OK;

	if (p->result == EVAL_BOOL)
		r = wr_reserve(out, &reply, n);
	else if (p->result == EVAL_I64)
		r = wr_reserve(out, &reply, 9 * (size_t)n);
	if (r != 0)
		return r;
	for (*row = 0; *row < n; ++*row) {
		if ((r = run_row(vm, end)) != 0)
			break;
		if (p->result == EVAL_BOOL)
			reply[*row] = (uint8_t)vm->stack[0].i;
		else if (p->result == EVAL_I64)
			put_number(&vm->stack[0], *row, n, reply);
		else if ((r = emit_cell(vm, last, out)) != 0)
			break;
		scratch_fall_back(vm->scratch, mark);
	}
	return r;
}

/* All rows into one; end is the reduction's place. */
static int
run_reduce(struct eval_vm *vm, uint32_t n, struct wr *out, uint32_t *row)
{
	const struct eval_program *p = vm->prog;
	unsigned end = p->ninstr - (p->result == EVAL_CELLS ? 2u : 1u);
	const struct eval_instr *in = &p->instr[end];
	struct scratch_mark mark = scratch_here(vm->scratch);
	uint8_t *reply;
	int r;

	*row = UINT32_MAX;
	if ((r = eval_vm_reduce_begin(vm, in)) != 0)
		return r;
	for (*row = 0; *row < n; ++*row) {
		if ((r = run_row(vm, end)) != 0 ||
		    (r = eval_vm_reduce(vm, in, &vm->stack[0])) != 0)
			return r;
		scratch_fall_back(vm->scratch, mark);
	}
	*row = UINT32_MAX;
	if ((r = eval_vm_reduce_end(vm, in)) != 0)
		return r;
	if (p->result == EVAL_CELLS)
		return emit_cell(vm, &p->instr[p->ninstr - 1], out);
	if ((r = wr_reserve(out, &reply, 9)) == 0)
		put_number(&vm->stack[0], 0, 1, reply);
	return r;
}

static int
reply_header(const struct eval_program *p, uint32_t n, struct wr *out)
{
	uint8_t *h;
	int r;

	if ((r = wr_reserve(out, &h, REPLY_HEADER)) != 0)
		return r;
	memset(h, 0, REPLY_HEADER);
	h[0] = p->result;
	le32_put(h + 4, p->reduces ? 1 : n);
	return CL_OK;
}

static bool
hashes(const struct eval_program *p)
{
	unsigned i;

	for (i = 0; i < p->ninstr; i++)
		if (p->instr[i].op == EV_HASH)
			return true;
	return false;
}

static int
run(struct eval_vm *vm, uint32_t nrows, struct rd *in, struct wr *out,
    uint32_t *row)
{
	int r;

	if ((r = load_scalars(vm, in)) != 0 ||
	    (r = find_columns(vm, in, nrows)) != 0 ||
	    (r = reply_header(vm->prog, nrows, out)) != 0)
		return r;
	return vm->prog->reduces ? run_reduce(vm, nrows, out, row)
				 : run_map(vm, nrows, out, row);
}

int
eval_run(const struct eval_program *prog, struct groupkey *const *groups,
    struct hashkey *hash, uint32_t nrows, struct rd *in, struct wr *out,
    struct eval_scratch *s, uint32_t *row)
{
	size_t start = out->len;
	struct eval_vm *vm;
	int r;

	*row = UINT32_MAX;
	if (nrows > EVAL_MAX_ROWS)
		return CL_ERR_TOO_LARGE;
	if (hash == NULL && hashes(prog))
		return CL_ERR_ARGUMENT;
	if ((r = scratch_take(s, sizeof(*vm), &vm)) != 0)
		return r;
	memset(vm, 0, sizeof(*vm));
	vm->prog = prog;
	vm->groups = groups;
	vm->hash = hash;
	vm->scratch = s;
	vm->fuel = FUEL;
	if ((r = run(vm, nrows, in, out, row)) != 0)
		out->len = start;
	scratch_clear(s);
	return r;
}
