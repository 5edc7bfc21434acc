#include <math.h>

#include "tde/arith.h"
#include "tde/datetime.h"

/* date + int and int + date, date - int, date - date. */
static uint8_t
date_type(uint8_t op, uint8_t a, uint8_t b)
{
	bool int_a = a == TYPE_INT2 || a == TYPE_INT4;
	bool int_b = b == TYPE_INT2 || b == TYPE_INT4;

	if (op == EV_ADD &&
	    ((a == TYPE_DATE && int_b) || (int_a && b == TYPE_DATE)))
		return TYPE_DATE;
	if (op == EV_SUB && a == TYPE_DATE && int_b)
		return TYPE_DATE;
	if (op == EV_SUB && a == TYPE_DATE && b == TYPE_DATE)
		return TYPE_INT4;
	return 0;
}

uint8_t
arith_type(uint8_t op, uint8_t a, uint8_t b)
{
	if (op == EV_NEG)
		return val_is_number(a) ? a : 0;
	if (!val_is_number(a) || !val_is_number(b))
		return date_type(op, a, b);
	if (val_is_int(a) && val_is_int(b))
		return a > b ? a : b; /* in the order of width */
	if (op == EV_MOD)
		return 0;
	return a == TYPE_FLOAT4 && b == TYPE_FLOAT4 ? TYPE_FLOAT4 : TYPE_FLOAT8;
}

int
arith_fits(uint8_t type, int64_t v)
{
	if ((type == TYPE_INT2 && v != (int16_t)v) ||
	    (type == TYPE_INT4 && v != (int32_t)v))
		return CL_ERR_OVERFLOW;
	return CL_OK;
}

static int
run_int(uint8_t op, uint8_t type, int64_t a, int64_t b, int64_t *out)
{
	bool over = false;

	if ((op == EV_DIV || op == EV_MOD) && b == 0)
		return CL_ERR_DIVISION;
	switch (op) {
	case EV_ADD:
		over = __builtin_add_overflow(a, b, out);
		break;
	case EV_SUB:
		over = __builtin_sub_overflow(a, b, out);
		break;
	case EV_MUL:
		over = __builtin_mul_overflow(a, b, out);
		break;
	case EV_DIV: /* the processor traps on INT64_MIN / -1 */
		if (b == -1)
			over = __builtin_sub_overflow(0, a, out);
		else
			*out = a / b;
		break;
	default:
		*out = b == -1 ? 0 : a % b;
	}
	return over ? CL_ERR_OVERFLOW : arith_fits(type, *out);
}

/* In float4 arithmetic each operation rounds to float4 once. */
static double
rounded(bool single, double v)
{
	return single ? (double)(float)v : v;
}

int
arith_add_float(bool single, double a, double b, double *sum)
{
	*sum = rounded(single, a + b);
	return isinf(*sum) && !isinf(a) && !isinf(b) ? CL_ERR_OVERFLOW : CL_OK;
}

static int
mul_float(bool single, double a, double b, double *out)
{
	*out = rounded(single, a * b);
	if (isinf(*out) && !isinf(a) && !isinf(b))
		return CL_ERR_OVERFLOW;
	return *out == 0 && a != 0 && b != 0 ? CL_ERR_OVERFLOW : CL_OK;
}

static int
div_float(bool single, double a, double b, double *out)
{
	if (b == 0 && !isnan(a))
		return CL_ERR_DIVISION;
	*out = rounded(single, a / b);
	if (isinf(*out) && !isinf(a))
		return CL_ERR_OVERFLOW;
	return *out == 0 && a != 0 && !isinf(b) ? CL_ERR_OVERFLOW : CL_OK;
}

static int
run_float(uint8_t op, bool single, double a, double b, double *out)
{
	switch (op) {
	case EV_ADD:
		return arith_add_float(single, a, b, out);
	case EV_SUB:
		return arith_add_float(single, a, -b, out);
	case EV_MUL:
		return mul_float(single, a, b, out);
	default:
		return div_float(single, a, b, out);
	}
}

static int
run_date(uint8_t op, const struct val *a, const struct val *b, int64_t *out)
{
	if (a->type == TYPE_DATE && b->type == TYPE_DATE)
		return datetime_diff(a->i, b->i, out);
	if (a->type != TYPE_DATE)
		return datetime_add(b->i, a->i, out);
	return datetime_add(a->i, op == EV_SUB ? -b->i : b->i, out);
}

static double
as_float(const struct val *v)
{
	return val_is_float(v->type) ? v->f : (double)v->i;
}

static int
negate(const struct val *a, struct val *out)
{
	if (val_is_float(a->type)) {
		out->f = -a->f;
		return CL_OK;
	}
	return run_int(EV_SUB, a->type, 0, a->i, &out->i);
}

int
arith_run(uint8_t op, uint8_t type, const struct val *a, const struct val *b,
    struct val *out)
{
	struct val v = {.type = type};
	int r;

	if (op == EV_NEG)
		r = negate(a, &v);
	else if (val_is_float(type))
		r = run_float(
		    op, type == TYPE_FLOAT4, as_float(a), as_float(b), &v.f);
	else if (a->type == TYPE_DATE || b->type == TYPE_DATE)
		r = run_date(op, a, b, &v.i);
	else
		r = run_int(op, type, a->i, b->i, &v.i);
	if (r == 0)
		*out = v;
	return r;
}
