/*
 * Comparison and hashing. Cells say their types, so one function serves all
 * pairs of types; SQL declares which pairs there are, the engine checks.
 */
#include "cloister.h"

#include "common/hashfn.h"

static bool
compare(FunctionCallInfo fcinfo, uint8 op)
{
	CellRef		cells[2] = {cell_from_datum(PG_GETARG_DATUM(0)),
	cell_from_datum(PG_GETARG_DATUM(1))};
	ProgramStep step = {.op = op};

	return eval_bool(cells, 2, &step);
}

#define COMPARISON(name, op) \
	PG_FUNCTION_INFO_V1(cloister_##name); \
	Datum \
	cloister_##name(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare(fcinfo, op)); \
	}

COMPARISON(eq, EV_EQ)
COMPARISON(ne, EV_NE)
COMPARISON(lt, EV_LT)
COMPARISON(le, EV_LE)
COMPARISON(gt, EV_GT)
COMPARISON(ge, EV_GE)

PG_FUNCTION_INFO_V1(cloister_cmp);
Datum
cloister_cmp(PG_FUNCTION_ARGS)
{
	ProgramStep step = {.op = EV_CMP3};
	CellRef		cells[2];

	/* Page deletion only looks for a place to start from: any will do. */
	if (session_vacuum_without())
		PG_RETURN_INT32(0);
	cells[0] = cell_from_datum(PG_GETARG_DATUM(0));
	cells[1] = cell_from_datum(PG_GETARG_DATUM(1));
	PG_RETURN_INT32((int32) eval_i64(cells, 2, &step));
}

static uint64
keyed_hash(Datum d)
{
	CellRef		cell = cell_from_datum(d);
	ProgramStep step = {.op = EV_HASH};

	return (uint64) eval_i64(&cell, 1, &step);
}

PG_FUNCTION_INFO_V1(cloister_hash);
Datum
cloister_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) keyed_hash(PG_GETARG_DATUM(0)));
}

/* With seed 0 the low half is cloister_hash, as PostgreSQL wants it. */
PG_FUNCTION_INFO_V1(cloister_hash_extended);
Datum
cloister_hash_extended(PG_FUNCTION_ARGS)
{
	uint64		hash = keyed_hash(PG_GETARG_DATUM(0));
	uint64		seed = (uint64) PG_GETARG_INT64(1);

	PG_RETURN_INT64((int64) (seed ? hash_combine64(hash, seed) : hash));
}

/* A condition out of an encrypted boolean; true and false only, NULL stays. */
PG_FUNCTION_INFO_V1(cloister_is_true);
Datum
cloister_is_true(PG_FUNCTION_ARGS)
{
	CellRef		cell = cell_from_datum(PG_GETARG_DATUM(0));
	ProgramStep step = {.op = EV_TRUTH};

	PG_RETURN_BOOL(eval_bool(&cell, 1, &step));
}
