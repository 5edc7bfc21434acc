/*
 * What the planner knows about encrypted columns. ANALYZE runs without a
 * session and leaves no cell in pg_statistic: the share of NULLs, the width,
 * and for deterministic suites the number of distinct cells, which equal bytes
 * tell. The estimators use those, unique indexes and PostgreSQL's defaults;
 * they never call an operator and never evaluate an expression, so planning
 * and EXPLAIN need no session either.
 */
#include "cloister.h"

#include <math.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "commands/vacuum.h"
#include "common/hashfn.h"
#include "nodes/pathnodes.h"
#include "utils/selfuncs.h"

/* Wider values are not fetched, as in PostgreSQL's own ANALYZE. */
#define WIDTH_THRESHOLD 1024

PG_FUNCTION_INFO_V1(cloister_typanalyze);
PG_FUNCTION_INFO_V1(cloister_array_typanalyze);
PG_FUNCTION_INFO_V1(cloister_eqsel);
PG_FUNCTION_INFO_V1(cloister_neqsel);
PG_FUNCTION_INFO_V1(cloister_ineqsel);
PG_FUNCTION_INFO_V1(cloister_likesel);

/* ---- ANALYZE ---- */

typedef struct Sample
{
	int			nulls;
	int			values;
	double		width;
	int			wide;			/* values not looked at */
	uint8		type;			/* of the last one looked at */

	/* Hashes of deterministic cells. */
	uint64	   *hashes;
	int			hashed;
} Sample;

static void
look_at(Sample *s, Datum value)
{
	CellRef		cell;

	if (toast_raw_datum_size(value) > WIDTH_THRESHOLD)
	{
		s->wide++;
		return;
	}
	cell = cell_from_datum(value);
	s->type = cell.type;
	if (cell_suite_of(cell.p) == SUITE_AES256_SIV)
		s->hashes[s->hashed++] = hash_bytes_extended(cell.p, cell.n, 0);
	cell_release(&cell);
}

static int
hash_order(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return (x > y) - (x < y);
}

/* Distinct hashes, and how many of them occur only once. */
static int
count_distinct(uint64 *hashes, int n, int *once)
{
	int			distinct = 0;

	*once = 0;
	qsort(hashes, n, sizeof(*hashes), hash_order);
	for (int i = 0, run; i < n; i += run)
	{
		for (run = 1; i + run < n && hashes[i + run] == hashes[i]; run++)
			;
		distinct++;
		if (run == 1)
			(*once)++;
	}
	return distinct;
}

/*
 * stadistinct by the estimator of Haas and Stokes, as PostgreSQL's
 * compute_distinct_stats has it: negative is a fraction of the rows.
 */
static double
estimate_distinct(const Sample *s, double totalrows)
{
	double		n = s->values;
	double		rows = totalrows * n / (n + s->nulls);
	double		d;
	double		result;
	int			once;

	/* Any randomised cell tells that bytes say nothing about values. */
	if (s->hashed == 0 || s->hashed + s->wide < s->values)
		return s->type == TYPE_BOOL ? 2 : 0;
	d = count_distinct(s->hashes, s->hashed, &once) + s->wide;
	once += s->wide;			/* assumed, as PostgreSQL does */
	if (once == s->values)
		return -1.0 * n / (n + s->nulls);
	/* No value is rare: probably all of them were seen. */
	result = once == 0 ? d : n * d / ((n - once) + once * n / rows);
	result = floor(Min(Max(result, d), rows) + 0.5);
	return result > 0.1 * totalrows ? -(result / totalrows) : result;
}

/* look: the values are cells, not arrays of them. */
static void
take_sample(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int samplerows,
			bool look, Sample *s)
{
	for (int i = 0; i < samplerows; i++)
	{
		bool		isnull;
		Datum		value = fetch(stats, i, &isnull);

#if PG_VERSION_NUM >= 180000
		vacuum_delay_point(true);
#else
		vacuum_delay_point();
#endif
		if (isnull)
		{
			s->nulls++;
			continue;
		}
		s->values++;
		s->width += VARSIZE_ANY(DatumGetPointer(value));
		if (look)
			look_at(s, value);
	}
	stats->stats_valid = true;
	stats->stanullfrac = (double) s->nulls / samplerows;
	stats->stawidth = s->values > 0 ? s->width / s->values : 0;
	stats->stadistinct = 0;		/* not known */
}

static void
compute_stats(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int samplerows,
			  double totalrows)
{
	Sample		s = {0};

	if (samplerows <= 0)
		return;
	s.hashes = palloc_array(uint64, samplerows);
	take_sample(stats, fetch, samplerows, true, &s);
	if (s.values > 0)
		stats->stadistinct = estimate_distinct(&s, totalrows);
	pfree(s.hashes);
}

static void
compute_array_stats(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch,
					int samplerows, double totalrows)
{
	Sample		s = {0};

	if (samplerows > 0)
		take_sample(stats, fetch, samplerows, false, &s);
}

static void
use_stats(VacAttrStats *stats, AnalyzeAttrComputeStatsFunc compute)
{
#if PG_VERSION_NUM >= 170000
	int			target = stats->attstattarget;
#else
	int			target = stats->attr->attstattarget;
#endif

	if (target < 0)
		target = default_statistics_target;
	stats->compute_stats = compute;
	stats->minrows = 300 * target;
}

Datum
cloister_typanalyze(PG_FUNCTION_ARGS)
{
	use_stats((VacAttrStats *) PG_GETARG_POINTER(0), compute_stats);
	PG_RETURN_BOOL(true);
}

Datum
cloister_array_typanalyze(PG_FUNCTION_ARGS)
{
	use_stats((VacAttrStats *) PG_GETARG_POINTER(0), compute_array_stats);
	PG_RETURN_BOOL(true);
}

/* ---- estimators of restrictions ---- */

/*
 * Statistics of the clause's column. Unlike get_restriction_variable() it
 * leaves the other side alone: to reduce it to a constant could mean to run
 * our operators. False when neither side is a column; else the caller
 * releases.
 */
static bool
column_of(FunctionCallInfo fcinfo, VariableStatData *column)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			relid = PG_GETARG_INT32(3);
	ListCell   *lc;

	foreach(lc, args)
	{
		examine_variable(root, lfirst(lc), relid, column);
		if (column->rel)
			return true;
		ReleaseVariableStats(*column);
	}
	return false;
}

static double
null_fraction(const VariableStatData *column)
{
	if (!HeapTupleIsValid(column->statsTuple))
		return 0;
	return ((Form_pg_statistic) GETSTRUCT(column->statsTuple))->stanullfrac;
}

static double
equal_fraction(VariableStatData *column)
{
	bool		guessed;

	if (column->isunique && column->rel->tuples >= 1)
		return 1 / column->rel->tuples;
	return (1 - null_fraction(column)) /
		get_variable_numdistinct(column, &guessed);
}

/* A fixed share of the values that are not NULL. */
static double
fixed_share(FunctionCallInfo fcinfo, double share)
{
	VariableStatData column;

	if (!column_of(fcinfo, &column))
		return share;
	share *= 1 - null_fraction(&column);
	ReleaseVariableStats(column);
	return share;
}

/* = */
Datum
cloister_eqsel(PG_FUNCTION_ARGS)
{
	VariableStatData column;
	double		share = DEFAULT_EQ_SEL;

	if (column_of(fcinfo, &column))
	{
		share = equal_fraction(&column);
		ReleaseVariableStats(column);
	}
	CLAMP_PROBABILITY(share);
	PG_RETURN_FLOAT8(share);
}

/* <> */
Datum
cloister_neqsel(PG_FUNCTION_ARGS)
{
	VariableStatData column;
	double		share = 1 - DEFAULT_EQ_SEL;

	if (column_of(fcinfo, &column))
	{
		share = 1 - equal_fraction(&column) - null_fraction(&column);
		ReleaseVariableStats(column);
	}
	CLAMP_PROBABILITY(share);
	PG_RETURN_FLOAT8(share);
}

/* < <= > >= */
Datum
cloister_ineqsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(fixed_share(fcinfo, DEFAULT_INEQ_SEL));
}

/* LIKE, ILIKE */
Datum
cloister_likesel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(fixed_share(fcinfo, DEFAULT_MATCH_SEL));
}
