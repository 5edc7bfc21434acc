#include <math.h>
#include <string.h>

#include "tde/arith.h"
#include "tde/cast.h"
#include "tde/datetime.h"
#include "tde/value.h"

#define PRINT_ROOM 48u /* for every type but text and bytea */

static bool
is_moment(uint8_t type)
{
	return type == TYPE_DATE || val_is_stamp(type);
}

bool
cast_known(uint8_t from, uint8_t to)
{
	if (!cell_type_known(from) || !cell_type_known(to))
		return false;
	if (from == to || from == TYPE_TEXT || to == TYPE_TEXT)
		return true;
	if (val_is_number(from) && val_is_number(to))
		return true;
	if (is_moment(from) && is_moment(to))
		return true;
	return (from == TYPE_BOOL && to == TYPE_INT4) ||
	       (from == TYPE_INT4 && to == TYPE_BOOL);
}

/* Half to even, then the range: -2^63 is in, 2^63 is out. */
static int
float_to_int(double f, uint8_t to, int64_t *out)
{
	f = rint(f);
	if (!(f >= -0x1p63 && f < 0x1p63))
		return CL_ERR_OVERFLOW;
	*out = (int64_t)f;
	return arith_fits(to, *out);
}

static int
narrow_float(double f, double *out)
{
	*out = (float)f;
	if ((isinf(*out) && !isinf(f)) || (*out == 0 && f != 0))
		return CL_ERR_OVERFLOW;
	return CL_OK;
}

static int
cast_number(const struct val *v, uint8_t to, struct val *out)
{
	if (val_is_int(v->type) && val_is_int(to)) {
		out->i = v->i;
		return arith_fits(to, v->i);
	}
	if (val_is_int(to))
		return float_to_int(v->f, to, &out->i);
	if (val_is_int(v->type)) /* rounds once, so not by way of double */
		out->f = to == TYPE_FLOAT4 ? (double)(float)v->i : (double)v->i;
	else if (to == TYPE_FLOAT4)
		return narrow_float(v->f, &out->f);
	else
		out->f = v->f;
	return CL_OK;
}

static int
cast_moment(const struct val *v, uint8_t to, struct val *out)
{
	if (v->type == TYPE_DATE)
		return datetime_date_to_stamp(v->i, &out->i);
	out->i = to == TYPE_DATE ? datetime_stamp_to_date(v->i) : v->i;
	return CL_OK;
}

static int
to_text(const struct val *v, struct eval_scratch *s, struct val *out)
{
	size_t n = v->type == TYPE_BYTEA ? 2 + 2 * (size_t)v->n : PRINT_ROOM;
	uint8_t buf[VAL_FIXED];
	const uint8_t *p;
	struct wr text;
	uint8_t *room;
	int r;

	if ((r = scratch_take(s, n, &room)) != 0)
		return r;
	text = wr_make(room, n);
	if (v->type == TYPE_BOOL) { /* alone differs from its output form */
		r = wr_bytes(&text, v->i ? "true" : "false", v->i ? 4 : 5);
	} else {
		val_store(v, buf, &p, &n);
		r = value_print(v->type, p, n, &text);
	}
	if (r != 0)
		return r;
	if (text.len > CELL_MAX_PLAIN)
		return CL_ERR_LIMIT;
	scratch_shrink(s, room, text.len);
	out->p = room;
	out->n = (uint32_t)text.len;
	return CL_OK;
}

static int
from_text(
    const struct val *v, uint8_t to, struct eval_scratch *s, struct val *out)
{
	size_t n = v->n > VAL_FIXED ? v->n : VAL_FIXED;
	struct wr plain;
	uint8_t *room;
	int r;

	if ((r = scratch_take(s, n, &room)) != 0)
		return r;
	plain = wr_make(room, n);
	if ((r = value_parse(to, (const char *)v->p, v->n, &plain)) != 0)
		return r;
	return val_load(to, room, plain.len, out);
}

int
cast_run(
    const struct val *v, uint8_t to, struct eval_scratch *s, struct val *out)
{
	struct val made = {.type = to};
	int r = CL_OK;

	if (v->type == to)
		made = *v;
	else if (to == TYPE_TEXT)
		r = to_text(v, s, &made);
	else if (v->type == TYPE_TEXT)
		r = from_text(v, to, s, &made);
	else if (val_is_number(v->type) && val_is_number(to))
		r = cast_number(v, to, &made);
	else if (is_moment(v->type))
		r = cast_moment(v, to, &made);
	else
		made.i = v->i != 0; /* bool and int4 */
	if (r == 0)
		*out = made;
	return r;
}
