/* Aggregates and sorts: many rows a line. */
#include <stdio.h>
#include <string.h>

#include "tde/val.h"
#include "tde/value.h"
#include "tests/flow/truth.h"

#define ROWS 40u

static const uint8_t types[] = {TYPE_INT2, TYPE_INT4, TYPE_INT8, TYPE_FLOAT4,
    TYPE_FLOAT8, TYPE_TEXT, TYPE_DATE, TYPE_TIMESTAMP, TYPE_TIMESTAMPTZ,
    TYPE_BOOL, TYPE_BYTEA, TYPE_UUID};
#define NUMBERS 5u /* of these are numbers */
#define TYPES	(sizeof(types) / sizeof(types[0]))

/* (values (1, x), (2, y)) as SQL. */
static void
values(const struct operand *rows, unsigned n, char *out, size_t room)
{
	char literal[1000];
	size_t at = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		truth_literal(&rows[i], literal, sizeof(literal));
		at += (size_t)snprintf(out + at, room - at, "%s(%u, %s)",
		    i ? ", " : "(values ", i, literal);
	}
	snprintf(out + at, room - at, ") v(i, x)");
}

static void
aggregate(void)
{
	static const char *const formats[] = {
	    "select sum(x)%s from (select x from %s order by i) w",
	    "select count(x)%s from %s",
	    "select min(x)%s from (select x from %s order by i) w",
	    "select max(x)%s from (select x from %s order by i) w",
	    "select avg(x)%s from (select x from %s order by i) w"};
	/* PostgreSQL 15 has no min and max of some types. */
	static const char *const by_order[] = {
	    "select (array_agg(x order by x) filter (where x is not null))[1]%s"
	    " from %s",
	    "select (array_agg(x order by x desc) filter (where x is not null))"
	    "[1]%s from %s"};
	static char list[ROWS * 1100], sql[ROWS * 1100 + 200];
	static const char *const names[] = {
	    "sum", "count", "min", "max", "avg"};
	char kind[40];
	struct operand rows[ROWS];
	unsigned n = 1 + truth_below(ROWS), batch, i;
	uint8_t op = (uint8_t)(EV_SUM + truth_below(5)), type;
	bool sums = op == EV_SUM || op == EV_AVG;
	struct answer ours;
	const char *suffix = "", *format = formats[op - EV_SUM];

	type = types[truth_below(sums ? NUMBERS : TYPES)];
	for (i = 0; i < n; i++)
		rows[i] = truth_value(type);
	values(rows, n, list, sizeof(list));
	if (sums && val_is_int(type))
		suffix = op == EV_SUM ? "::int8" : "::float8";
	if ((op == EV_MIN || op == EV_MAX) &&
	    (type == TYPE_BOOL || type == TYPE_BYTEA || type == TYPE_UUID))
		format = by_order[op - EV_MIN];
	snprintf(sql, sizeof(sql), format, suffix, list);
	/* The state between batches is int8, and may overflow on the way. */
	batch = op == EV_SUM && type == TYPE_INT8 ? n : 1 + truth_below(n);
	machine_reduce(rows, n, op, batch, &ours);
	snprintf(kind, sizeof(kind), "%s %s", names[op - EV_SUM],
	    value_type_name(type));
	truth_emit(kind, sql, &ours);
}

void
truth_aggregates(unsigned n)
{
	for (; n; n--)
		aggregate();
}

void
truth_sorts(unsigned n)
{
	static char list[ROWS * 1100], sql[ROWS * 1100 + 200];
	struct operand rows[ROWS];
	struct answer ours;
	unsigned i;

	for (; n; n--) {
		uint8_t type = types[truth_below(TYPES)];

		for (i = 0; i < ROWS; i++)
			do
				rows[i] = truth_value(type);
			while (rows[i].null);
		values(rows, ROWS, list, sizeof(list));
		snprintf(sql, sizeof(sql),
		    "select string_agg(r::text, ',' order by i) from (select "
		    "i, dense_rank() over (order by x) - 1 r from %s) w",
		    list);
		machine_sort(rows, ROWS, &ours);
		truth_emit("sort", sql, &ours);
	}
}
