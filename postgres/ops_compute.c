/*
 * Arithmetic, casts, fields of dates, and the length coercion, which is how
 * values move from one group into another. Results belong to the group of the
 * first operand.
 */
#include "cloister.h"

#include "parser/scansup.h"
#include "utils/builtins.h"

static Datum
compute(FunctionCallInfo fcinfo, int n, const ProgramStep *step)
{
	CellRef		cells[2];

	for (int i = 0; i < n; i++)
		cells[i] = cell_from_datum(PG_GETARG_DATUM(i));
	return eval_cell(cells, n, step, 0, &fcinfo->isnull);
}

#define COMPUTATION(name, operands, opcode) \
	PG_FUNCTION_INFO_V1(cloister_##name); \
	Datum \
	cloister_##name(PG_FUNCTION_ARGS) \
	{ \
		ProgramStep step = {.op = opcode}; \
		return compute(fcinfo, operands, &step); \
	}

COMPUTATION(add, 2, EV_ADD)
COMPUTATION(sub, 2, EV_SUB)
COMPUTATION(mul, 2, EV_MUL)
COMPUTATION(div, 2, EV_DIV)
COMPUTATION(mod, 2, EV_MOD)
COMPUTATION(neg, 1, EV_NEG)
COMPUTATION(concat, 2, EV_CONCAT)
COMPUTATION(length, 1, EV_LENGTH)
COMPUTATION(lower, 1, EV_LOWER)
COMPUTATION(upper, 1, EV_UPPER)
/* The same value under the group's newest key. */
COMPUTATION(rekey, 1, 0)

/* ---- casts: arguments are value, type modifier, explicit ---- */

static Datum
cast(FunctionCallInfo fcinfo, uint8 type)
{
	CellRef		cell = cell_from_datum(PG_GETARG_DATUM(0));
	int32		typmod = PG_GETARG_INT32(1);
	ProgramStep step = {.op = EV_CAST,.type = type};

	return eval_cell(&cell, 1, &step, typmod >= 0 ? typmod : cell.tag,
					 &fcinfo->isnull);
}

#define CAST(name, type) \
	PG_FUNCTION_INFO_V1(cloister_to_##name); \
	Datum \
	cloister_to_##name(PG_FUNCTION_ARGS) \
	{ \
		return cast(fcinfo, type); \
	}

CAST(bool, TYPE_BOOL)
CAST(int2, TYPE_INT2)
CAST(int4, TYPE_INT4)
CAST(int8, TYPE_INT8)
CAST(float4, TYPE_FLOAT4)
CAST(float8, TYPE_FLOAT8)
CAST(text, TYPE_TEXT)
CAST(bytea, TYPE_BYTEA)
CAST(date, TYPE_DATE)
CAST(timestamp, TYPE_TIMESTAMP)
CAST(timestamptz, TYPE_TIMESTAMPTZ)
CAST(uuid, TYPE_UUID)

/* A value of the right group already costs nothing and needs no session. */
PG_FUNCTION_INFO_V1(cloister_coerce);
Datum
cloister_coerce(PG_FUNCTION_ARGS)
{
	CellRef		cell = cell_from_datum(PG_GETARG_DATUM(0));
	int32		typmod = PG_GETARG_INT32(1);
	ProgramStep none = {0};

	if (typmod < 0 || cell.tag == (uint32) typmod)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	return eval_cell(&cell, 1, &none, typmod, &fcinfo->isnull);
}

/* ---- fields ---- */

static const char *const fields[] = {
	"year", "month", "day", "hour", "minute", "second", "dow", "doy", "epoch",
	"quarter", "week", "isoyear", "isodow"
};

static uint8
field_number(text *t)
{
	char	   *name = downcase_truncate_identifier(VARDATA_ANY(t),
													VARSIZE_ANY_EXHDR(t),
													false);

	for (Size i = 0; i < lengthof(fields); i++)
		if (strcmp(name, fields[i]) == 0)
			return i + 1;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unit \"%s\" not recognized for encrypted dates and times",
					name),
			 errhint("Units are year, month, day, hour, minute, second, dow, "
					 "doy, epoch, quarter, week, isoyear, isodow.")));
}

PG_FUNCTION_INFO_V1(cloister_extract);
Datum
cloister_extract(PG_FUNCTION_ARGS)
{
	CellRef		cell = cell_from_datum(PG_GETARG_DATUM(1));
	ProgramStep step = {.op = EV_EXTRACT};

	step.a = field_number(PG_GETARG_TEXT_PP(0));
	return eval_cell(&cell, 1, &step, 0, &fcinfo->isnull);
}
