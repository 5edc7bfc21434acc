/*
 * LIKE and substrings. "x LIKE p ESCAPE 'c'" reaches the extension as
 * x ~~ like_escape(p, 'c'), so like_escape makes a value of an own type,
 * enc_pattern: the escape character, four bytes, and the pattern's cell. The
 * escape character is no secret, it stands in the query.
 */
#include "cloister.h"

#include "lib/b64.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define ESCAPE_BYTES 4
#define DEFAULT_ESCAPE '\\'
#define LIKE_IGNORE_CASE 1
#define LIKE_NEGATED 2

/* ---- enc_pattern ---- */

static Datum
pattern_make(uint32 escape, const CellRef *cell)
{
	struct varlena *v = palloc(VARHDRSZ + ESCAPE_BYTES + cell->n);

	SET_VARSIZE(v, VARHDRSZ + ESCAPE_BYTES + cell->n);
	le32_put((uint8 *) VARDATA(v), escape);
	memcpy(VARDATA(v) + ESCAPE_BYTES, cell->p, cell->n);
	return PointerGetDatum(v);
}

static CellRef
pattern_open(Datum d, uint32 *escape)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(d);
	Size		n = VARSIZE_ANY_EXHDR(v);
	const uint8 *p = (const uint8 *) VARDATA_ANY(v);
	CellRef		cell = {.p = p + ESCAPE_BYTES,.n = n - ESCAPE_BYTES};

	if (n < ESCAPE_BYTES || cell_check_shape(cell.p, cell.n) != CL_OK)
		conn_error(CL_ERR_BAD_CELL);
	*escape = le32_get(p);
	cell.type = cell_type_of(cell.p);
	cell.tag = cell_tag_of(cell.p);
	cell.copy = v == (struct varlena *) DatumGetPointer(d) ? NULL : v;
	return cell;
}

/* Code point of the one character in t; 0 for none. */
static uint32
escape_character(text *t)
{
	const char *s = VARDATA_ANY(t);
	int			n = VARSIZE_ANY_EXHDR(t);
	pg_wchar	wide[2];

	if (n == 0)
		return 0;
	if (pg_mbstrlen_with_len(s, n) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ESCAPE_SEQUENCE),
				 errmsg("invalid escape string"),
				 errhint("Escape string must be empty or one character.")));
	if (GetDatabaseEncoding() != PG_UTF8 && IS_HIGHBIT_SET(*s))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("escape character must be ASCII in this database")));
	pg_mb2wchar_with_len(s, wide, n);
	return wide[0];
}

PG_FUNCTION_INFO_V1(cloister_like_escape);
Datum
cloister_like_escape(PG_FUNCTION_ARGS)
{
	CellRef		cell = cell_from_datum(PG_GETARG_DATUM(0));

	return pattern_make(escape_character(PG_GETARG_TEXT_PP(1)), &cell);
}

/* Text form: the escape's code point, a colon, the cell. */
PG_FUNCTION_INFO_V1(enc_pattern_out);
Datum
enc_pattern_out(PG_FUNCTION_ARGS)
{
	uint32		escape;
	CellRef		cell = pattern_open(PG_GETARG_DATUM(0), &escape);
	char	   *text = palloc(b64url_len(cell.n) + 1);

	b64url_encode(cell.p, cell.n, text);
	PG_RETURN_CSTRING(psprintf("%u:" CELL_TEXT_PREFIX "%s", escape, text));
}

PG_FUNCTION_INFO_V1(enc_pattern_in);
Datum
enc_pattern_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot accept a value of type enc_pattern"),
			 errhint("Patterns are made by like_escape() or ESCAPE.")));
}

/* ---- LIKE ---- */

static bool
like(CellRef text, CellRef pattern, uint8 flags, uint32 escape)
{
	CellRef		cells[2] = {text, pattern};
	ProgramStep step = {.op = EV_LIKE,.a = flags,.imm = escape};

	return eval_bool(cells, 2, &step);
}

#define LIKE(name, flags) \
	PG_FUNCTION_INFO_V1(cloister_##name); \
	Datum \
	cloister_##name(PG_FUNCTION_ARGS) \
	{ \
		CellRef		text = cell_from_datum(PG_GETARG_DATUM(0)); \
		CellRef		pattern = cell_from_datum(PG_GETARG_DATUM(1)); \
		PG_RETURN_BOOL(like(text, pattern, flags, DEFAULT_ESCAPE)); \
	} \
	PG_FUNCTION_INFO_V1(cloister_##name##_pattern); \
	Datum \
	cloister_##name##_pattern(PG_FUNCTION_ARGS) \
	{ \
		uint32		escape; \
		CellRef		text = cell_from_datum(PG_GETARG_DATUM(0)); \
		CellRef		pattern = pattern_open(PG_GETARG_DATUM(1), &escape); \
		PG_RETURN_BOOL(like(text, pattern, flags, escape)); \
	}

LIKE(like, 0)
LIKE(ilike, LIKE_IGNORE_CASE)
LIKE(notlike, LIKE_NEGATED)
LIKE(notilike, LIKE_IGNORE_CASE | LIKE_NEGATED)

/* ---- substrings ---- */

#define SUBSTR_HAS_LENGTH 1

PG_FUNCTION_INFO_V1(cloister_substring);
Datum
cloister_substring(PG_FUNCTION_ARGS)
{
	CellRef		cell = cell_from_datum(PG_GETARG_DATUM(0));
	uint64		start = (uint32) PG_GETARG_INT32(1);
	uint64		length = 0;
	ProgramStep step = {.op = EV_SUBSTR};

	if (PG_NARGS() > 2)
	{
		step.a = SUBSTR_HAS_LENGTH;
		length = (uint32) PG_GETARG_INT32(2);
	}
	step.imm = (int64) (length << 32 | start);
	return eval_cell(&cell, 1, &step, 0, &fcinfo->isnull);
}
