/*
 * Cells as SQL types: text form, binary form, type modifier. Everything here
 * works on shapes and headers, so it needs neither agent nor session.
 */
#include "cloister.h"

#include "catalog/pg_type.h"
#include "lib/b64.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#if PG_VERSION_NUM >= 160000
#define CELL_ERROR(context, ...) ereturn(context, (Datum) 0, __VA_ARGS__)
#else
#define CELL_ERROR(context, ...) ereport(ERROR, __VA_ARGS__)
#endif

#define PREFIX_LEN (sizeof(CELL_TEXT_PREFIX) - 1)

typedef struct CellTypeName
{
	uint8		type;
	const char *name;
} CellTypeName;

static const CellTypeName type_names[] = {
	{TYPE_BOOL, "enc_bool"},
	{TYPE_INT2, "enc_int2"},
	{TYPE_INT4, "enc_int4"},
	{TYPE_INT8, "enc_int8"},
	{TYPE_FLOAT4, "enc_float4"},
	{TYPE_FLOAT8, "enc_float8"},
	{TYPE_TEXT, "enc_text"},
	{TYPE_BYTEA, "enc_bytea"},
	{TYPE_DATE, "enc_date"},
	{TYPE_TIMESTAMP, "enc_timestamp"},
	{TYPE_TIMESTAMPTZ, "enc_timestamptz"},
	{TYPE_UUID, "enc_uuid"},
};

static const char *
type_name(uint8 type)
{
	for (Size i = 0; i < lengthof(type_names); i++)
		if (type_names[i].type == type)
			return type_names[i].name;
	return "encrypted value";
}

static char *
group_text(uint32 tag)
{
	char	   *name = catalog_name_by_tag(tag);

	return name ? psprintf("\"%s\"", name) : psprintf("%u", tag);
}

CellRef
cell_from_datum(Datum d)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(d);
	CellRef		c;

	c.p = (const uint8 *) VARDATA_ANY(v);
	c.n = VARSIZE_ANY_EXHDR(v);
	c.copy = v == (struct varlena *) DatumGetPointer(d) ? NULL : v;
	if (cell_check_shape(c.p, c.n) != CL_OK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("malformed encrypted value"),
				 errdetail("Its %zu bytes cannot be a cell.", c.n)));
	c.type = cell_type_of(c.p);
	c.tag = cell_tag_of(c.p);
	return c;
}

void
cell_release(CellRef *c)
{
	if (c->copy)
		pfree(c->copy);
	c->copy = NULL;
}

Datum
cell_to_datum(const uint8 *p, Size n)
{
	struct varlena *v = palloc(VARHDRSZ + n);

	SET_VARSIZE(v, VARHDRSZ + n);
	memcpy(VARDATA(v), p, n);
	return PointerGetDatum(v);
}

/* What input and receive check, with the header only. */
static Datum
check_cell(struct varlena *v, uint8 type, int32 typmod, Node *context)
{
	const uint8 *p = (const uint8 *) VARDATA(v);
	Size		n = VARSIZE(v) - VARHDRSZ;

	if (cell_check_shape(p, n) != CL_OK)
		CELL_ERROR(context,
				   (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("malformed encrypted value"),
					errdetail("Its %zu bytes cannot be a cell.", n)));
	if (cell_type_of(p) != type)
		CELL_ERROR(context,
				   (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("encrypted value of type %s expected",
						   type_name(type)),
					errdetail("The value is of type %s.",
							  type_name(cell_type_of(p)))));
	if (typmod >= 0 && cell_tag_of(p) != (uint32) typmod)
		CELL_ERROR(context,
				   (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("encrypted value belongs to another group"),
					errdetail("Group %s is expected, the value is of group "
							  "%s.", group_text(typmod),
							  group_text(cell_tag_of(p)))));
	return PointerGetDatum(v);
}

/* The literal is not repeated in the message: it may be a plain secret. */
static Datum
cell_in(FunctionCallInfo fcinfo, uint8 type)
{
	const char *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_NARGS() > 2 ? PG_GETARG_INT32(2) : -1;
	Size		len = strlen(text);
	Size		n = len;
	struct varlena *v;

	if (strncmp(text, CELL_TEXT_PREFIX, PREFIX_LEN) != 0)
		CELL_ERROR(fcinfo->context,
				   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input for type %s: encrypted value "
						   "expected", type_name(type)),
					errhint("Encrypt the value with \"cloister encrypt\".")));
	v = palloc(VARHDRSZ + n);
	if (b64url_decode(text + PREFIX_LEN, len - PREFIX_LEN,
					  (uint8 *) VARDATA(v), &n) != CL_OK)
		CELL_ERROR(fcinfo->context,
				   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input for type %s: malformed encrypted "
						   "value", type_name(type)),
					errdetail("After \"%s\" base64url without padding is "
							  "expected.", CELL_TEXT_PREFIX)));
	SET_VARSIZE(v, VARHDRSZ + n);
	return check_cell(v, type, typmod, fcinfo->context);
}

static Datum
cell_recv(FunctionCallInfo fcinfo, uint8 type)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_NARGS() > 2 ? PG_GETARG_INT32(2) : -1;
	int			n = buf->len - buf->cursor;
	struct varlena *v = palloc(VARHDRSZ + n);

	SET_VARSIZE(v, VARHDRSZ + n);
	pq_copymsgbytes(buf, VARDATA(v), n);
	return check_cell(v, type, typmod, fcinfo->context);
}

#define CELL_TYPE_FUNCTIONS(name, type) \
	PG_FUNCTION_INFO_V1(enc_##name##_in); \
	Datum \
	enc_##name##_in(PG_FUNCTION_ARGS) \
	{ \
		return cell_in(fcinfo, type); \
	} \
	PG_FUNCTION_INFO_V1(enc_##name##_recv); \
	Datum \
	enc_##name##_recv(PG_FUNCTION_ARGS) \
	{ \
		return cell_recv(fcinfo, type); \
	}

CELL_TYPE_FUNCTIONS(bool, TYPE_BOOL)
CELL_TYPE_FUNCTIONS(int2, TYPE_INT2)
CELL_TYPE_FUNCTIONS(int4, TYPE_INT4)
CELL_TYPE_FUNCTIONS(int8, TYPE_INT8)
CELL_TYPE_FUNCTIONS(float4, TYPE_FLOAT4)
CELL_TYPE_FUNCTIONS(float8, TYPE_FLOAT8)
CELL_TYPE_FUNCTIONS(text, TYPE_TEXT)
CELL_TYPE_FUNCTIONS(bytea, TYPE_BYTEA)
CELL_TYPE_FUNCTIONS(date, TYPE_DATE)
CELL_TYPE_FUNCTIONS(timestamp, TYPE_TIMESTAMP)
CELL_TYPE_FUNCTIONS(timestamptz, TYPE_TIMESTAMPTZ)
CELL_TYPE_FUNCTIONS(uuid, TYPE_UUID)

PG_FUNCTION_INFO_V1(cloister_cell_out);
Datum
cloister_cell_out(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	Size		n = VARSIZE_ANY_EXHDR(v);
	char	   *text = palloc(PREFIX_LEN + b64url_len(n) + 1);

	memcpy(text, CELL_TEXT_PREFIX, PREFIX_LEN);
	b64url_encode(VARDATA_ANY(v), n, text + PREFIX_LEN);
	PG_RETURN_CSTRING(text);
}

PG_FUNCTION_INFO_V1(cloister_cell_send);
Datum
cloister_cell_send(PG_FUNCTION_ARGS)
{
	/* The same representation; a copy in the caller's memory. */
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/* Digits are a tag; everything else is a group's name, which never is a
 * number. */
static uint32
tag_from_modifier(const char *s)
{
	char	   *end;
	unsigned long tag;

	if (strspn(s, "0123456789") != strlen(s) || *s == '\0')
		return catalog_tag_by_name(s, false);
	errno = 0;
	tag = strtoul(s, &end, 10);
	if (errno != 0 || tag == 0 || tag > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("group tag %s is out of range", s),
				 errdetail("Tags are from 1 to %d.", PG_INT32_MAX)));
	return (uint32) tag;
}

PG_FUNCTION_INFO_V1(cloister_typmod_in);
Datum
cloister_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType  *a = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *elems;
	int			n;

	deconstruct_array(a, CSTRINGOID, -2, false, TYPALIGN_CHAR, &elems, NULL,
					  &n);
	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier"),
				 errdetail("One group is expected, by name or by tag.")));
	PG_RETURN_INT32((int32) tag_from_modifier(DatumGetCString(elems[0])));
}

PG_FUNCTION_INFO_V1(cloister_typmod_out);
Datum
cloister_typmod_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(psprintf("(%d)", PG_GETARG_INT32(0)));
}
