#include <math.h>
#include <string.h>

#include "tde/datetime.h"
#include "tde/utf8.h"
#include "tde/val.h"

bool
val_is_int(uint8_t type)
{
	return type >= TYPE_INT2 && type <= TYPE_INT8;
}

bool
val_is_float(uint8_t type)
{
	return type == TYPE_FLOAT4 || type == TYPE_FLOAT8;
}

bool
val_is_number(uint8_t type)
{
	return val_is_int(type) || val_is_float(type);
}

bool
val_is_stamp(uint8_t type)
{
	return type == TYPE_TIMESTAMP || type == TYPE_TIMESTAMPTZ;
}

bool
val_is_bytes(uint8_t type)
{
	return type == TYPE_TEXT || type == TYPE_BYTEA || type == TYPE_UUID;
}

static int
load_bytes(uint8_t type, const uint8_t *p, size_t n, struct val *v)
{
	if (n > CELL_MAX_PLAIN)
		return CL_ERR_BAD_CELL;
	if (type == TYPE_TEXT && !utf8_legal(p, n))
		return CL_ERR_BAD_CELL;
	v->p = p;
	v->n = (uint32_t)n;
	return CL_OK;
}

static int
load_float(uint8_t type, const uint8_t *p, struct val *v)
{
	uint32_t u32 = le32_get(p);
	uint64_t u64;
	float f;

	if (type == TYPE_FLOAT4) {
		memcpy(&f, &u32, sizeof(f));
		v->f = f;
	} else {
		u64 = le64_get(p);
		memcpy(&v->f, &u64, sizeof(v->f));
	}
	return CL_OK;
}

int
val_load(uint8_t type, const uint8_t *p, size_t n, struct val *v)
{
	unsigned width = cell_type_width(type);

	if (!cell_type_known(type) || (width && n != width))
		return CL_ERR_BAD_CELL;
	v->type = type;
	v->null = false;
	v->n = 0;
	switch (type) {
	case TYPE_BOOL:
		v->i = p[0];
		return p[0] > 1 ? CL_ERR_BAD_CELL : CL_OK;
	case TYPE_INT2:
		v->i = (int16_t)le16_get(p);
		return CL_OK;
	case TYPE_INT4:
		v->i = (int32_t)le32_get(p);
		return CL_OK;
	case TYPE_INT8:
		v->i = (int64_t)le64_get(p);
		return CL_OK;
	case TYPE_DATE:
		v->i = (int32_t)le32_get(p);
		return datetime_date_legal(v->i) ? CL_OK : CL_ERR_BAD_CELL;
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ:
		v->i = (int64_t)le64_get(p);
		return datetime_stamp_legal(v->i) ? CL_OK : CL_ERR_BAD_CELL;
	case TYPE_FLOAT4:
	case TYPE_FLOAT8:
		return load_float(type, p, v);
	default:
		return load_bytes(type, p, n, v);
	}
}

void
val_store(
    const struct val *v, uint8_t buf[VAL_FIXED], const uint8_t **p, size_t *n)
{
	uint64_t bits = (uint64_t)v->i;
	uint32_t bits4;
	float f;

	if (val_is_bytes(v->type)) {
		*p = v->p;
		*n = v->n;
		return;
	}
	if (v->type == TYPE_FLOAT4) {
		f = (float)v->f;
		memcpy(&bits4, &f, sizeof(bits4));
		bits = bits4;
	} else if (v->type == TYPE_FLOAT8) {
		memcpy(&bits, &v->f, sizeof(bits));
	}
	le64_put(buf, bits);
	*p = buf;
	*n = cell_type_width(v->type);
}

bool
val_comparable(uint8_t a, uint8_t b)
{
	if (a == b)
		return cell_type_known(a);
	if (val_is_number(a))
		return val_is_number(b);
	return (a == TYPE_DATE || val_is_stamp(a)) &&
	       (b == TYPE_DATE || val_is_stamp(b));
}

static int
compare_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* NaN is above everything and equal to itself. */
static int
compare_float(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a > b) - (a < b);
}

static int
compare_bytes(const struct val *a, const struct val *b)
{
	uint32_t n = a->n < b->n ? a->n : b->n;
	int c = n ? memcmp(a->p, b->p, n) : 0;

	return c ? c : compare_int(a->n, b->n);
}

static double
as_float(const struct val *v)
{
	return val_is_float(v->type) ? v->f : (double)v->i;
}

int
val_compare(const struct val *a, const struct val *b)
{
	if (val_is_bytes(a->type))
		return compare_bytes(a, b);
	if (val_is_float(a->type) || val_is_float(b->type))
		return compare_float(as_float(a), as_float(b));
	if (a->type != b->type && a->type == TYPE_DATE)
		return datetime_compare(a->i, b->i);
	if (a->type != b->type && b->type == TYPE_DATE)
		return -datetime_compare(b->i, a->i);
	return compare_int(a->i, b->i);
}
