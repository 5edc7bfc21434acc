#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "lib/secmem.h"
#include "tde/bytetext.h"
#include "tde/datetext.h"
#include "tde/floattext.h"
#include "tde/numtext.h"
#include "tde/utf8.h"
#include "tde/val.h"
#include "tde/value.h"

/* The first name of a type is the one that is printed. */
static const struct {
	uint8_t type;
	const char *name;
} names[] = {
    {TYPE_BOOL, "bool"},
    {TYPE_BOOL, "boolean"},
    {TYPE_INT2, "int2"},
    {TYPE_INT2, "smallint"},
    {TYPE_INT4, "int4"},
    {TYPE_INT4, "integer"},
    {TYPE_INT4, "int"},
    {TYPE_INT8, "int8"},
    {TYPE_INT8, "bigint"},
    {TYPE_FLOAT4, "float4"},
    {TYPE_FLOAT4, "real"},
    {TYPE_FLOAT8, "float8"},
    {TYPE_FLOAT8, "double precision"},
    {TYPE_FLOAT8, "float"},
    {TYPE_TEXT, "text"},
    {TYPE_BYTEA, "bytea"},
    {TYPE_DATE, "date"},
    {TYPE_TIMESTAMP, "timestamp"},
    {TYPE_TIMESTAMP, "timestamp without time zone"},
    {TYPE_TIMESTAMPTZ, "timestamptz"},
    {TYPE_TIMESTAMPTZ, "timestamp with time zone"},
    {TYPE_UUID, "uuid"},
};
#define NAMES (sizeof(names) / sizeof(names[0]))

const char *
value_type_name(uint8_t type)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}

uint8_t
value_type_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		if (strcasecmp(names[i].name, name) == 0)
			return names[i].type;
	return 0;
}

static int
parse_integer(uint8_t type, const char *text, size_t n, int64_t *v)
{
	int64_t max = type == TYPE_INT2	  ? INT16_MAX
		      : type == TYPE_INT4 ? INT32_MAX
					  : INT64_MAX;

	return numtext_int(text, n, -max - 1, max, v);
}

static int
parse_float(uint8_t type, const char *text, size_t n, double *v)
{
	float f = 0;
	int r;

	if (type == TYPE_FLOAT8)
		return floattext_parse8(text, n, v);
	r = floattext_parse4(text, n, &f);
	*v = f;
	return r;
}

/* Types whose plaintext has a fixed width, but uuid. */
static int
parse_fixed(uint8_t type, const char *text, size_t n, struct wr *out)
{
	uint8_t buf[VAL_FIXED];
	struct val v = {.type = type};
	const uint8_t *p;
	bool b = false;
	int r;

	switch (type) {
	case TYPE_BOOL:
		r = numtext_bool(text, n, &b);
		v.i = b;
		break;
	case TYPE_FLOAT4:
	case TYPE_FLOAT8:
		r = parse_float(type, text, n, &v.f);
		break;
	case TYPE_DATE:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ:
		r = datetext_parse(type, text, n, &v.i);
		break;
	default:
		r = parse_integer(type, text, n, &v.i);
	}
	if (r != 0)
		return r;
	val_store(&v, buf, &p, &n);
	r = wr_bytes(out, p, n);
	secmem_wipe(buf, sizeof(buf));
	secmem_wipe(&v, sizeof(v));
	return r;
}

int
value_parse(uint8_t type, const char *text, size_t n, struct wr *out)
{
	size_t start = out->len;
	int r;

	switch (type) {
	case TYPE_TEXT:
		if (!utf8_legal((const uint8_t *)text, n))
			return CL_ERR_ENCODING;
		r = wr_bytes(out, text, n);
		break;
	case TYPE_BYTEA:
		r = bytetext_parse_bytea(text, n, out);
		break;
	case TYPE_UUID:
		r = bytetext_parse_uuid(text, n, out);
		break;
	default:
		if (!cell_type_known(type))
			return CL_ERR_ARGUMENT;
		r = parse_fixed(type, text, n, out);
	}
	if (r != 0)
		out->len = start;
	return r;
}

static int
print_fixed(const struct val *v, struct wr *out)
{
	char text[DATETEXT_MAX];
	size_t n;
	int r;

	switch (v->type) {
	case TYPE_BOOL:
		text[0] = v->i ? 't' : 'f';
		n = 1;
		break;
	case TYPE_FLOAT4:
		n = floattext_print4((float)v->f, text);
		break;
	case TYPE_FLOAT8:
		n = floattext_print8(v->f, text);
		break;
	case TYPE_DATE:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ:
		n = datetext_print(v->type, v->i, text);
		break;
	default:
		n = numtext_print_int(v->i, text);
	}
	r = wr_bytes(out, text, n);
	secmem_wipe(text, sizeof(text));
	return r;
}

int
value_print(uint8_t type, const uint8_t *p, size_t n, struct wr *out)
{
	struct val v;
	int r;

	if ((r = val_load(type, p, n, &v)) != 0)
		return r;
	switch (type) {
	case TYPE_TEXT:
		r = wr_bytes(out, p, n);
		break;
	case TYPE_BYTEA:
		r = bytetext_print_bytea(p, n, out);
		break;
	case TYPE_UUID:
		r = bytetext_print_uuid(p, out);
		break;
	default:
		r = print_fixed(&v, out);
	}
	secmem_wipe(&v, sizeof(v));
	return r;
}

int
value_check(uint8_t type, const uint8_t *p, size_t n)
{
	struct val v;
	int r = val_load(type, p, n, &v);

	secmem_wipe(&v, sizeof(v));
	return r;
}

int
value_compare(
    uint8_t type, const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	struct val va, vb;
	int r = 0;

	if (val_load(type, a, an, &va) == 0 && val_load(type, b, bn, &vb) == 0)
		r = val_compare(&va, &vb);
	secmem_wipe(&va, sizeof(va));
	secmem_wipe(&vb, sizeof(vb));
	return r;
}
