#include <string.h>

#include "lib/secmem.h"
#include "tde/arith.h"
#include "tde/cast.h"
#include "tde/datetime.h"
#include "tde/eval_vm.h"
#include "tde/like.h"
#include "tde/textop.h"
#include "tde/utf8.h"

static void
push(struct eval_vm *vm, const struct val *v)
{
	vm->stack[vm->depth++] = *v;
}

static void
push_int(struct eval_vm *vm, uint8_t type, int64_t i)
{
	struct val v = {.type = type, .i = i};

	push(vm, &v);
}

static void
push_null(struct eval_vm *vm, uint8_t type)
{
	struct val v = {.type = type, .null = true};

	push(vm, &v);
}

static const struct val *
pop(struct eval_vm *vm)
{
	return &vm->stack[--vm->depth];
}

static int
exec_column(struct eval_vm *vm, unsigned i)
{
	int r;

	if (!(vm->loaded >> i & 1)) {
		r = eval_vm_load(
		    vm, &vm->prog->columns[i], &vm->at[i], &vm->columns[i]);
		if (r != 0)
			return r;
		vm->loaded |= 1u << i;
	}
	push(vm, &vm->columns[i]);
	return CL_OK;
}

static int64_t
decide(uint8_t op, int c)
{
	switch (op) {
	case EV_EQ:
		return c == 0;
	case EV_NE:
		return c != 0;
	case EV_LT:
		return c < 0;
	case EV_LE:
		return c <= 0;
	case EV_GT:
		return c > 0;
	case EV_GE:
		return c >= 0;
	default:
		return (c > 0) - (c < 0); /* CMP3 */
	}
}

static int
exec_compare(struct eval_vm *vm, uint8_t op)
{
	const struct val *b = pop(vm), *a = pop(vm);
	int r;

	if ((r = eval_vm_spend(vm, a)) != 0)
		return r;
	if (!a->null && !b->null)
		push_int(vm, 0, decide(op, val_compare(a, b)));
	else if (op == EV_CMP3)
		push_null(vm, 0);
	else
		push_int(vm, 0, VAL_UNKNOWN);
	return CL_OK;
}

/* Kleene's logic: the strong value decides, else unknown does. */
static int64_t
combine(int64_t a, int64_t b, int64_t strong)
{
	if (a == strong || b == strong)
		return strong;
	return a == VAL_UNKNOWN || b == VAL_UNKNOWN ? VAL_UNKNOWN : !strong;
}

static int
exec_logic(struct eval_vm *vm, uint8_t op)
{
	int64_t b = pop(vm)->i, v = b;

	if (op == EV_NOT) {
		if (b != VAL_UNKNOWN)
			v = !b;
	} else {
		v = combine(pop(vm)->i, b, op == EV_OR ? VAL_TRUE : VAL_FALSE);
	}
	push_int(vm, 0, v);
	return CL_OK;
}

static int
exec_arith(struct eval_vm *vm, uint8_t op)
{
	const struct val *b = pop(vm), *a = op == EV_NEG ? b : pop(vm);
	uint8_t type = arith_type(op, a->type, b->type);
	struct val v;
	int r;

	if (a->null || b->null) {
		push_null(vm, type);
		return CL_OK;
	}
	if ((r = arith_run(op, type, a, b, &v)) == 0)
		push(vm, &v);
	return r;
}

static int
exec_like(struct eval_vm *vm, const struct eval_instr *in)
{
	const struct val *pattern = pop(vm), *text = pop(vm);
	struct like l = {.fold = in->a & 1};
	bool match;
	int r;

	if (text->null || pattern->null) {
		push_int(vm, 0, VAL_UNKNOWN);
		return CL_OK;
	}
	if ((r = eval_vm_spend(vm, text)) != 0)
		return r;
	l.pattern = pattern->p;
	l.pattern_n = pattern->n;
	l.escape_n = utf8_put((uint32_t)in->imm, l.escape);
	r = like_match(&l, text->p, text->n, &vm->fuel, &match);
	if (r == 0)
		push_int(vm, 0, match != (in->a >> 1 & 1));
	return r;
}

static int
exec_concat(struct eval_vm *vm)
{
	const struct val *b = pop(vm), *a = pop(vm);
	struct val v;
	int r;

	if (a->null || b->null) {
		push_null(vm, a->type);
		return CL_OK;
	}
	if ((r = eval_vm_spend(vm, a)) == 0 &&
	    (r = eval_vm_spend(vm, b)) == 0 &&
	    (r = textop_concat(a, b, vm->scratch, &v)) == 0)
		push(vm, &v);
	return r;
}

static int
substr(const struct eval_instr *in, const struct val *v, struct val *out)
{
	int32_t start = (int32_t)(uint32_t)in->imm;
	int32_t length = (int32_t)(uint32_t)((uint64_t)in->imm >> 32);

	return textop_substr(v, start, in->a & 1 ? &length : NULL, out);
}

static int
extract(uint8_t field, const struct val *v, struct val *out)
{
	out->type = TYPE_FLOAT8;
	out->null = !(v->type == TYPE_DATE
			  ? datetime_extract_date(v->i, field, &out->f)
			  : datetime_extract_stamp(v->i, field, &out->f));
	return CL_OK;
}

/* SUBSTR, LENGTH, LOWER, UPPER, EXTRACT, CAST: one value to one value. */
static int
exec_unary(struct eval_vm *vm, const struct eval_instr *in, uint8_t type)
{
	struct val a = *pop(vm), v = {.type = type};
	int r;

	if (a.null) {
		push_null(vm, type ? type : a.type);
		return CL_OK;
	}
	if ((r = eval_vm_spend(vm, &a)) != 0)
		return r;
	switch (in->op) {
	case EV_SUBSTR:
		r = substr(in, &a, &v);
		break;
	case EV_LENGTH:
		v.i = textop_length(&a);
		break;
	case EV_LOWER:
	case EV_UPPER:
		r = textop_fold(&a, in->op == EV_UPPER, vm->scratch, &v);
		break;
	case EV_EXTRACT:
		r = extract(in->a, &a, &v);
		break;
	default:
		r = cast_run(&a, type, vm->scratch, &v);
	}
	if (r == 0)
		push(vm, &v);
	return r;
}

/* Values that are equal in SQL must give equal bytes: one class for all
 * integers, one for both floats, one for both timestamps. */
static uint8_t
hash_class(uint8_t type)
{
	if (val_is_int(type))
		return TYPE_INT8;
	if (val_is_float(type))
		return TYPE_FLOAT8;
	return val_is_stamp(type) ? TYPE_TIMESTAMP : type;
}

static uint64_t
hash_bits(const struct val *v)
{
	double f = v->f;
	uint64_t bits;

	if (!val_is_float(v->type))
		return (uint64_t)v->i;
	if (f != f)
		return UINT64_C(0x7ff8000000000000);
	if (f == 0)
		f = 0; /* not -0 */
	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static int
hash_value(struct eval_vm *vm, const struct val *v, int64_t *hash)
{
	uint8_t fixed[9], *p = fixed;
	size_t n = sizeof(fixed);
	int r;

	if (val_is_bytes(v->type)) {
		n = 1 + (size_t)v->n;
		if ((r = scratch_take(vm->scratch, n, &p)) != 0)
			return r;
		memcpy(p + 1, v->p, v->n);
	} else {
		le64_put(p + 1, hash_bits(v));
	}
	p[0] = hash_class(v->type);
	r = hashkey_hash(vm->hash, p, n, hash);
	secmem_wipe(fixed, sizeof(fixed));
	return r;
}

static int
exec_hash(struct eval_vm *vm)
{
	struct val v = *pop(vm);
	int64_t hash;
	int r;

	if (v.null) {
		push_null(vm, 0);
		return CL_OK;
	}
	if ((r = eval_vm_spend(vm, &v)) == 0 &&
	    (r = hash_value(vm, &v, &hash)) == 0)
		push_int(vm, 0, hash);
	return r;
}

static int
exec_test(struct eval_vm *vm, uint8_t op)
{
	const struct val *v = pop(vm);

	if (op == EV_IS_NULL)
		push_int(vm, 0, v->null);
	else
		push_int(vm, 0, v->null ? VAL_UNKNOWN : v->i);
	return CL_OK;
}

int
eval_vm_exec(struct eval_vm *vm, const struct eval_instr *in)
{
	switch (in->op) {
	case EV_COLUMN:
		return exec_column(vm, in->a);
	case EV_SCALAR:
		push(vm, &vm->scalars[in->a]);
		return CL_OK;
	case EV_EQ:
	case EV_NE:
	case EV_LT:
	case EV_LE:
	case EV_GT:
	case EV_GE:
	case EV_CMP3:
		return exec_compare(vm, in->op);
	case EV_IS_NULL:
	case EV_TRUTH:
		return exec_test(vm, in->op);
	case EV_AND:
	case EV_OR:
	case EV_NOT:
		return exec_logic(vm, in->op);
	case EV_ADD:
	case EV_SUB:
	case EV_MUL:
	case EV_DIV:
	case EV_MOD:
	case EV_NEG:
		return exec_arith(vm, in->op);
	case EV_LIKE:
		return exec_like(vm, in);
	case EV_CONCAT:
		return exec_concat(vm);
	case EV_SUBSTR:
	case EV_LOWER:
	case EV_UPPER:
		return exec_unary(vm, in, 0);
	case EV_LENGTH:
		return exec_unary(vm, in, TYPE_INT4);
	case EV_EXTRACT:
		return exec_unary(vm, in, TYPE_FLOAT8);
	case EV_CAST:
		return exec_unary(vm, in, in->type);
	case EV_HASH:
		return exec_hash(vm);
	default:
		return CL_ERR_INTERNAL; /* does not get through eval_verify */
	}
}
