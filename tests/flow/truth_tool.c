/* truth_tool SEED COUNT: lines for COPY, see truth.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tde/arith.h"
#include "tde/cast.h"
#include "tde/datetime.h"
#include "tde/val.h"
#include "tde/value.h"
#include "tests/flow/truth.h"

#define SQL_ROOM 4096

static const uint8_t types[] = {TYPE_BOOL, TYPE_INT2, TYPE_INT4, TYPE_INT8,
    TYPE_FLOAT4, TYPE_FLOAT8, TYPE_TEXT, TYPE_BYTEA, TYPE_DATE, TYPE_TIMESTAMP,
    TYPE_TIMESTAMPTZ, TYPE_UUID};
#define TYPES (sizeof(types) / sizeof(types[0]))

static uint8_t
any_type(void)
{
	return types[truth_below(TYPES)];
}

/* Text in, text out: legal, then a little damaged. */
static void
round_trip(void)
{
	struct operand op = truth_value(any_type());
	char quoted[1000], sql[SQL_ROOM], kind[40];
	bool damaged = op.type != TYPE_TEXT && truth_below(3) == 0;
	struct answer ours;

	if (op.null)
		return;
	if (damaged)
		truth_damage(op.text, sizeof(op.text));
	truth_quote(op.text, quoted, sizeof(quoted));
	snprintf(sql, sizeof(sql), "%s::%s", quoted, value_type_name(op.type));
	snprintf(kind, sizeof(kind), "%s %s", damaged ? "read" : "print",
	    value_type_name(op.type));
	machine_round_trip(&op, &ours);
	truth_emit(kind, sql, &ours);
}

static void
print_float(void)
{
	struct operand op =
	    truth_value(truth_below(2) ? TYPE_FLOAT4 : TYPE_FLOAT8);
	struct answer ours;
	char sql[SQL_ROOM];

	if (op.null)
		return;
	truth_literal(&op, sql, sizeof(sql));
	machine_round_trip(&op, &ours);
	truth_emit("print float", sql, &ours);
}

static void
compare(void)
{
	static const char *const formats[] = {"%s = %s", "%s <> %s", "%s < %s",
	    "%s <= %s", "%s > %s", "%s >= %s",
	    "with v(a, b) as (values (%s, %s)) select case when a < b "
	    "then -1 when a = b then 0 when a > b then 1 end from v"};
	unsigned op = truth_below(7);
	struct eval_instr in = {(uint8_t)(EV_EQ + op), 0, 0, 0, 0};
	struct operand ops[2];
	struct operand as_is;

	ops[0] = truth_value(any_type());
	do
		ops[1] = truth_value(any_type());
	while (!val_comparable(ops[0].type, ops[1].type));
	as_is = ops[1];
	if (truth_below(4) == 0 && !ops[0].null) {
		strcpy(ops[1].text, ops[0].text); /* equal is rare otherwise */
		ops[1].null = false;
		if (ops[1].type != ops[0].type)
			ops[1] = as_is;
	}
	truth_row("compare", formats[op], ops, 2, &in, 1);
}

static void
arithmetic(void)
{
	static const char *const formats[] = {
	    "%s + %s", "%s - %s", "%s * %s", "%s / %s", "%s %% %s", "- %s"};
	unsigned op = truth_below(6);
	struct eval_instr in[] = {
	    {(uint8_t)(EV_ADD + op), 0, 0, 0, 0}, {EV_REENC, 0, 0, 0, 0}};
	uint8_t a, b;
	struct operand ops[2];

	do {
		a = any_type();
		b = any_type();
	} while (arith_type(in[0].op, a, b) == 0);
	ops[0] = truth_value(a);
	ops[1] = truth_value(b);
	truth_row("arithmetic", formats[op], ops, op == 5 ? 1 : 2, in, 2);
}

static void
logic(void)
{
	static const char *const formats[] = {
	    "%s and %s", "%s or %s", "not %s", "%s is null"};
	static const struct eval_instr program[4][6] = {
	    {{EV_COLUMN, 0, 0, 0, 0}, {EV_TRUTH, 0, 0, 0, 0},
		{EV_COLUMN, 0, 1, 0, 0}, {EV_TRUTH, 0, 0, 0, 0},
		{EV_AND, 0, 0, 0, 0}},
	    {{EV_COLUMN, 0, 0, 0, 0}, {EV_TRUTH, 0, 0, 0, 0},
		{EV_COLUMN, 0, 1, 0, 0}, {EV_TRUTH, 0, 0, 0, 0},
		{EV_OR, 0, 0, 0, 0}},
	    {{EV_COLUMN, 0, 0, 0, 0}, {EV_TRUTH, 0, 0, 0, 0},
		{EV_NOT, 0, 0, 0, 0}},
	    {{EV_COLUMN, 0, 0, 0, 0}, {EV_IS_NULL, 0, 0, 0, 0}}};
	static const unsigned lengths[] = {5, 5, 3, 2};
	struct operand ops[2] = {
	    truth_value(TYPE_BOOL), truth_value(TYPE_BOOL)};
	unsigned i = truth_below(4);

	ops[0].null |= truth_below(4) == 0;
	ops[1].null |= truth_below(4) == 0;
	truth_row(
	    "logic", formats[i], ops, i < 2 ? 2 : 1, program[i], lengths[i]);
}

static void
like(void)
{
	static const struct {
		const char *sql;
		int64_t code;
	} escapes[] = {{"", '\\'}, {" escape '\\'", '\\'}, {" escape ''", 0},
	    {" escape '!'", '!'}, {" escape '\xc3\xa9'", 0xe9},
	    {" escape '%%'", '%'}, {" escape '_'", '_'}, {" escape 'a'", 'a'},
	    {" escape 'A'", 'A'}, {" escape '\xf0\x9f\x98\x80'", 0x1f600}};
	unsigned e = truth_below(10), fold = truth_below(2);
	unsigned not = truth_below(4) == 0;
	struct eval_instr in = {
	    EV_LIKE, 0, (uint8_t)(fold | not << 1), 0, escapes[e].code};
	struct operand ops[2] = {
	    truth_value(TYPE_TEXT), truth_value(TYPE_TEXT)};
	char format[80];

	if (truth_below(3) == 0 && !ops[0].null) /* likely to match */
		snprintf(ops[1].text, 200, "%%%.90s%%", ops[0].text);
	snprintf(format, sizeof(format), "%%s %slike %%s%s",
	    fold  ? not ? "not i" : "i"
	    : not ? "not "
		  : "",
	    escapes[e].sql);
	truth_row("like", format, ops, 2, &in, 1);
}

static void
substring(void)
{
	static const int32_t odd[] = {INT32_MIN, INT32_MAX, INT32_MIN + 1, 0};
	int32_t start = (int32_t)truth_below(16) - 4;
	int32_t length = (int32_t)truth_below(12) - 2;
	bool has = truth_below(3) != 0;
	struct operand op =
	    truth_value(truth_below(3) ? TYPE_TEXT : TYPE_BYTEA);
	struct eval_instr in[] = {
	    {EV_SUBSTR, 0, has, 0, 0}, {EV_REENC, 0, 0, 0, 0}};
	char format[100];

	if (truth_below(5) == 0)
		start = odd[truth_below(4)];
	if (truth_below(5) == 0)
		length = odd[truth_below(4)];
	in[0].imm = (int64_t)((uint64_t)(has ? (uint32_t)length : 0) << 32 |
			      (uint32_t)start);
	if (has)
		snprintf(format, sizeof(format),
		    "substr(%%s, '%d'::int4, '%d'::int4)", start, length);
	else
		snprintf(
		    format, sizeof(format), "substr(%%s, '%d'::int4)", start);
	truth_row("substring", format, &op, 1, in, 2);
}

static void
text(void)
{
	static const char *const formats[] = {
	    "%s || %s", "length(%s)", "lower(%s)", "upper(%s)"};
	static const uint8_t ops[] = {EV_CONCAT, EV_LENGTH, EV_LOWER, EV_UPPER};
	unsigned i = truth_below(4);
	uint8_t type = i < 2 && truth_below(3) == 0 ? TYPE_BYTEA : TYPE_TEXT;
	struct operand v[2] = {truth_value(type), truth_value(type)};
	struct eval_instr in[] = {{ops[i], 0, 0, 0, 0}, {EV_REENC, 0, 0, 0, 0}};

	truth_row("text", formats[i], v, i == 0 ? 2 : 1, in, 2);
}

static void
extract(void)
{
	static const char *const fields[] = {"", "year", "month", "day", "hour",
	    "minute", "second", "dow", "doy", "epoch", "quarter", "week",
	    "isoyear", "isodow"};
	static const uint8_t from[] = {
	    TYPE_DATE, TYPE_TIMESTAMP, TYPE_TIMESTAMPTZ};
	unsigned field = 1 + truth_below(DATETIME_FIELDS);
	struct operand op = truth_value(from[truth_below(3)]);
	struct eval_instr in[] = {
	    {EV_EXTRACT, 0, (uint8_t)field, 0, 0}, {EV_REENC, 0, 0, 0, 0}};
	bool date = op.type == TYPE_DATE;
	char format[80];

	if (date && field >= FIELD_HOUR && field <= FIELD_SECOND)
		return; /* extract() refuses; date_part() needs a timestamp */
	snprintf(format, sizeof(format),
	    date ? "extract(%s from %%s)::float8" : "date_part('%s', %%s)",
	    fields[field]);
	truth_row("extract", format, &op, 1, in, 2);
}

static void
cast(void)
{
	uint8_t to = any_type();
	struct operand op;
	struct eval_instr in[] = {
	    {EV_CAST, to, 0, 0, 0}, {EV_REENC, 0, 0, 0, 0}};
	char format[60], kind[40];

	do
		op = truth_value(any_type());
	while (!cast_known(op.type, to));
	if (op.type == TYPE_TEXT && truth_below(4)) {
		op = truth_value(to);
		if (to != TYPE_TEXT && truth_below(3) == 0)
			truth_damage(op.text, sizeof(op.text));
		op.type = TYPE_TEXT;
	}
	snprintf(kind, sizeof(kind), "%s %s",
	    op.type == TYPE_TEXT ? "read" : "cast", value_type_name(to));
	snprintf(format, sizeof(format), "%%s::%s", value_type_name(to));
	truth_row(kind, format, &op, 1, in, 2);
}

/* Equal values hash equal, whatever their width. */
static void
hash(void)
{
	static const struct eval_instr in = {EV_HASH, 0, 0, 0, 0};
	struct operand ops[2];
	struct answer h[2], ours;
	char a[1000], b[1000], sql[SQL_ROOM];
	bool same;

	do {
		ops[0] = truth_value(any_type());
		ops[1] = truth_value(any_type());
		if (truth_below(3) == 0)
			strcpy(ops[1].text, ops[0].text);
		machine_round_trip(&ops[1], &ours);
	} while (ops[0].null || ops[1].null || ours.text[0] == '!' ||
		 !val_comparable(ops[0].type, ops[1].type) ||
		 val_is_int(ops[0].type) != val_is_int(ops[1].type) ||
		 (ops[0].type == TYPE_DATE) != (ops[1].type == TYPE_DATE));
	machine_run(&ops[0], 1, &in, 1, &h[0]);
	machine_run(&ops[1], 1, &in, 1, &h[1]);
	same = strcmp(h[0].text, h[1].text) == 0;
	strcpy(ours.text, same ? "true" : "false");
	truth_literal(&ops[0], a, sizeof(a));
	truth_literal(&ops[1], b, sizeof(b));
	snprintf(sql, sizeof(sql), "%s = %s", a, b);
	truth_emit("hash", sql, &ours);
}

static const struct {
	void (*make)(void);
	unsigned weight;
} kinds[] = {{round_trip, 10}, {print_float, 10}, {compare, 10},
    {arithmetic, 10}, {logic, 1}, {like, 10}, {substring, 4}, {text, 4},
    {extract, 8}, {cast, 10}, {hash, 5}};

int
main(int argc, char **argv)
{
	unsigned count, total = 0, i, n;

	if (argc != 3) {
		fprintf(stderr, "usage: truth_tool SEED COUNT\n");
		return 2;
	}
	truth_seed(strtoull(argv[1], NULL, 10));
	count = (unsigned)strtoul(argv[2], NULL, 10);
	machine_start();
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		total += kinds[i].weight;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (n = 0; n < count * kinds[i].weight / total; n++)
			kinds[i].make();
	truth_edges();
	truth_moments(count / 20);
	truth_aggregates(count / 40);
	truth_sorts(count / 200);
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
