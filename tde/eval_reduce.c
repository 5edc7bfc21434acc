#include <string.h>

#include "tde/arith.h"
#include "tde/eval_vm.h"

static int
keep_bytes(struct eval_vm *vm, const struct val *v)
{
	uint8_t *p;
	int r;

	if ((r = scratch_keep(vm->scratch, v->n, &p)) != 0)
		return r;
	if (v->n)
		memcpy(p, v->p, v->n);
	vm->acc = *v;
	vm->acc.p = p;
	return CL_OK;
}

/* Among equal floats (0 and -0) PostgreSQL takes the later one. */
static int
reduce_order(struct eval_vm *vm, uint8_t op, const struct val *v)
{
	int c = vm->acc.null ? 1 : val_compare(v, &vm->acc);

	if (!vm->acc.null && op == EV_MIN)
		c = -c;
	if (c < 0 || (c == 0 && !val_is_float(v->type)))
		return CL_OK;
	if (val_is_bytes(v->type))
		return keep_bytes(vm, v);
	vm->acc = *v;
	return CL_OK;
}

/* The integer sum is in vm->sum, which 2^64 rows of int8 do not overflow. */
static int
reduce_sum(struct eval_vm *vm, const struct eval_instr *in, const struct val *v)
{
	bool single =
	    v->type == TYPE_FLOAT4 && in->op == EV_SUM && !(in->a & EV_WIDEN);
	struct val *acc = &vm->acc;

	if (val_is_int(v->type)) {
		vm->sum += v->i;
		acc->type = TYPE_INT8;
		acc->null = false;
		return CL_OK;
	}
	if (!acc->null)
		return arith_add_float(single, acc->f, v->f, &acc->f);
	acc->type = single ? TYPE_FLOAT4 : TYPE_FLOAT8;
	acc->null = false;
	acc->f = in->op == EV_AVG ? 0 + v->f : v->f; /* avg(-0) is 0 */
	return CL_OK;
}

int
eval_vm_reduce(
    struct eval_vm *vm, const struct eval_instr *in, const struct val *v)
{
	int r;

	if (v->null)
		return CL_OK;
	if ((r = eval_vm_spend(vm, v)) != 0)
		return r;
	if (__builtin_add_overflow(vm->rows, 1, &vm->rows))
		return CL_ERR_OVERFLOW;
	switch (in->op) {
	case EV_COUNT:
		return CL_OK;
	case EV_MIN:
	case EV_MAX:
		return reduce_order(vm, in->op, v);
	default:
		return reduce_sum(vm, in, v);
	}
}

int
eval_vm_reduce_begin(struct eval_vm *vm, const struct eval_instr *in)
{
	const struct val *state;
	int r;

	vm->acc.null = true;
	vm->rows = 0;
	if (in->a & EV_HAS_STATE && in->op != EV_COUNT) {
		state = &vm->scalars[in->b];
		if (state->null && in->imm != 0)
			return CL_ERR_ARGUMENT; /* rows, but no sum of them */
		if ((r = eval_vm_reduce(vm, in, state)) != 0)
			return r;
	}
	vm->rows = in->imm;
	return CL_OK;
}

static int
end_sum(struct eval_vm *vm, struct val *v)
{
	*v = vm->acc;
	if (v->null || v->type != TYPE_INT8)
		return CL_OK;
	v->i = (int64_t)vm->sum;
	return v->i == vm->sum ? CL_OK : CL_ERR_OVERFLOW;
}

static int
end_average(struct eval_vm *vm, struct val *v)
{
	v->type = TYPE_FLOAT8;
	v->null = vm->acc.null || vm->rows == 0;
	if (v->null)
		return CL_OK;
	if (vm->acc.type == TYPE_INT8)
		v->f = (double)((long double)vm->sum / vm->rows);
	else
		v->f = vm->acc.f / (double)vm->rows;
	return CL_OK;
}

int
eval_vm_reduce_end(struct eval_vm *vm, const struct eval_instr *in)
{
	struct val v = {.type = 0};
	int r = CL_OK;

	switch (in->op) {
	case EV_COUNT:
		v.i = vm->rows;
		break;
	case EV_SUM:
		r = end_sum(vm, &v);
		break;
	case EV_AVG:
		r = end_average(vm, &v);
		break;
	default:
		v = vm->acc;
	}
	vm->stack[0] = v;
	vm->depth = 1;
	return r;
}
