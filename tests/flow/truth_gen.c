/* Values that are likely to go wrong, from a seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tde/datetime.h"
#include "tde/utf8.h"
#include "tde/val.h"
#include "tde/value.h"
#include "tests/flow/truth.h"

static uint64_t state = 1;

void
truth_seed(uint64_t seed)
{
	state = seed;
}

/* splitmix64 */
uint64_t
truth_random(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned
truth_below(unsigned n)
{
	return (unsigned)(truth_random() % n);
}

#define ANY(list) list[truth_below(sizeof(list) / sizeof(list[0]))]

static const char *const bool_edges[] = {
    "t", "f", "true", "FALSE", " yes ", "no", "on", "off", "1", "0"};
static const char *const int_edges[] = {"0", "1", "-1", "2", "-2", "3", "7",
    "10", "100", "181", "182", "255", "256", "32766", "32767", "-32768",
    "-32767", "46340", "46341", "2147483647", "2147483646", "-2147483648",
    "-2147483647", "3037000499", "3037000500", "9223372036854775807",
    "-9223372036854775808", "-9223372036854775807", "9007199254740993",
    "16777217", "33554435", "4611686293305294849"};
static const char *const float_edges[] = {"0", "-0", "1", "-1", "0.5", "1.5",
    "2.5", "-0.5", "-2.5", "NaN", "Infinity", "-Infinity", "0.1", "0.2", "0.3",
    "3", "10", "100000", "1e6", "1e5", "123456", "1234567", "99999.95",
    "0.0001", "0.00001", "1e14", "1e15", "1e16", "1e20", "999999999999999.9",
    "1e-5", "1e38", "-1e38", "1e-38", "1e-45", "1e-30", "1e30", "32767.4",
    "32767.5", "-32768.5", "2147483647.5", "-2147483648.5", "2147483647",
    "9.223372036854775e18", "9.3e18", "-9.223372036854775808e18",
    "9.223372036854775808e18", "4503599627370495.5"};
static const char *const double_edges[] = {"1.7976931348623157e308",
    "-1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "1e-320",
    "1e-308", "1e308", "1e200", "1e-200", "9007199254740993", "1e22", "1e23",
    "5e22", "18014398509481988", "9.5367431640625e-07", "5.684341886080802e-14",
    "2.989102097996e-312", "9007199254740991.5"};
static const char *const date_edges[] = {"2000-01-01", "1999-12-31",
    "1970-01-01", "2024-02-29", "1900-02-28", "2100-03-01", "0001-01-01",
    "0001-12-31 BC", "0004-02-29 BC", "0005-03-01 BC", "4714-11-24 BC",
    "4713-01-01 BC", "9999-12-31", "10000-01-01", "infinity", "-infinity",
    "2020-12-31", "2021-01-03", "2016-01-01", "2015-12-28", "0002-01-01 BC"};
static const char *const far_dates[] = {
    "294276-12-31", "294277-01-01", "5874897-12-31", "5874897-12-30"};
static const char *const far_stamps[] = {"294276-12-31 23:59:59.999999",
    "4714-11-24 00:00:00 BC", "4714-11-24 00:00:00.000001 BC",
    "2024-02-29 23:59:59.999999", "1999-12-31 23:59:59.999999",
    "0001-12-31 23:59:59.5 BC", "2020-01-01 12:34:56.000001",
    "2000-01-01 00:00:00.1", "infinity", "-infinity"};
static const char *const text_edges[] = {"", "a", "A", "b", "ab", "aa", "abc",
    "\xc3\xa9", "e", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a\xc3\xa9", "%", "_",
    "\\", "'", "a b", " ", "z", "Z", "\xc3\x84", "\x01", "\x7f", "abcdefgh",
    "abcdefghi", "abcdefghZ", "AZ[@", "az{`"};
static const char *const uuid_edges[] = {"00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "00000000-0000-0000-0000-000000000001",
    "{80000000-0000-0000-7fff-ffffffffffff}",
    "80000000000000008000000000000000"};
static const char *const letters[] = {"a", "b", "A", "B", "%", "_", "\\",
    "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "!", "'", "0"};

/* Any plaintext of the type, printed. */
static void
from_bits(uint8_t type, uint64_t bits, char *out, size_t room)
{
	struct val v = {.type = type, .i = (int64_t)bits};
	uint8_t buf[VAL_FIXED], id[16];
	const uint8_t *p = id;
	size_t n = sizeof(id);
	struct wr w = wr_make(out, room - 1);

	if (type == TYPE_UUID) {
		memset(id, 0, sizeof(id));
		memcpy(id + (bits & 8), &bits, sizeof(bits));
	} else if (type == TYPE_FLOAT4) {
		le32_put(buf, (uint32_t)bits);
		p = buf;
		n = 4;
	} else {
		val_store(&v, buf, &p, &n);
	}
	if (value_print(type, p, n, &w) != 0)
		exit(1);
	out[w.len] = '\0';
}

/* Small numbers meet more often, large ones overflow. */
static uint64_t
some_bits(void)
{
	uint64_t bits = truth_random() >> truth_below(64);

	return truth_below(2) ? bits : 0 - bits;
}

static int64_t
within(int64_t min, int64_t max)
{
	uint64_t span = (uint64_t)max - (uint64_t)min + 1;

	return (int64_t)((uint64_t)min + truth_random() % span);
}

static void
random_moment(uint8_t type, char *out, size_t room)
{
	int64_t v;

	if (type == TYPE_DATE)
		v = truth_below(2)
			? within(-800000, 200000)
			: within(DATETIME_DATE_MIN, DATETIME_DATE_MAX);
	else
		v = truth_below(2)
			? within(-60 * DATETIME_DAY, 9000 * DATETIME_DAY)
			: within(DATETIME_STAMP_MIN, DATETIME_STAMP_MAX);
	from_bits(type, (uint64_t)v, out, room);
}

static void
random_text(char *out, unsigned parts)
{
	out[0] = '\0';
	for (; parts; parts--)
		strcat(out, ANY(letters));
}

static void
random_bytea(char *out, unsigned n)
{
	strcpy(out, "\\x");
	for (; n; n--)
		sprintf(out + strlen(out), "%02x",
		    (unsigned)(truth_below(3) ? truth_below(256)
					      : truth_below(2) * 255));
}

static void
random_float(uint8_t type, char *out, size_t room)
{
	switch (truth_below(4)) {
	case 0: /* any bits at all */
		from_bits(type, truth_random(), out, room);
		break;
	case 1: /* few digits */
		snprintf(out, room, "%de%d", (int)truth_below(20000) - 10000,
		    (int)truth_below(60) - 30);
		break;
	case 2: /* powers of two, where the gaps below are smaller */
		from_bits(type,
		    type == TYPE_FLOAT4
			? (uint64_t)truth_below(255) << 23
			: (uint64_t)truth_below(2047) << 52 | truth_below(2),
		    out, room);
		break;
	default:
		snprintf(
		    out, room, "%.2f", ((int)truth_below(4000) - 2000) / 4.0);
	}
}

static const char *
edge(uint8_t type)
{
	if (val_is_int(type))
		return ANY(int_edges);
	if (val_is_stamp(type))
		return truth_below(2) ? ANY(far_stamps) : ANY(date_edges);
	switch (type) {
	case TYPE_BOOL:
		return ANY(bool_edges);
	case TYPE_FLOAT8:
		return truth_below(3) ? ANY(float_edges) : ANY(double_edges);
	case TYPE_FLOAT4:
		return ANY(float_edges);
	case TYPE_DATE:
		return truth_below(6) ? ANY(date_edges) : ANY(far_dates);
	case TYPE_UUID:
		return ANY(uuid_edges);
	case TYPE_TEXT:
		return ANY(text_edges);
	default:
		return ANY(((const char *const[]){"", "\\x00", "\\xff", "a",
		    "\\x0000", "\\\\", "\\001", "ab\\377", "\\xDEad"}));
	}
}

bool
truth_parses(const struct operand *op)
{
	uint8_t plain[512];
	struct wr w = wr_make(plain, sizeof(plain));

	return value_parse(op->type, op->text, strlen(op->text), &w) == 0;
}

static void
random_value(struct operand *op)
{
	if (op->type == TYPE_TEXT)
		random_text(op->text, truth_below(12));
	else if (op->type == TYPE_BYTEA)
		random_bytea(op->text, truth_below(12));
	else if (val_is_float(op->type))
		random_float(op->type, op->text, sizeof(op->text));
	else if (op->type == TYPE_DATE || val_is_stamp(op->type))
		random_moment(op->type, op->text, sizeof(op->text));
	else if (op->type == TYPE_BOOL)
		strcpy(op->text, edge(op->type));
	else
		from_bits(op->type, some_bits(), op->text, sizeof(op->text));
}

struct operand
truth_value(uint8_t type)
{
	struct operand op = {.type = type};

	if (truth_below(24) == 0) {
		op.null = true;
		return op;
	}
	do
		if (truth_below(2))
			snprintf(op.text, sizeof(op.text), "%s", edge(type));
		else
			random_value(&op);
	while (
	    !truth_parses(&op)); /* an edge of a wider integer, or a float4 */
	return op;
}

const char *
truth_edge(uint8_t type, unsigned i)
{
	unsigned n = sizeof(int_edges) / sizeof(int_edges[0]);
	unsigned f = sizeof(float_edges) / sizeof(float_edges[0]);
	unsigned d = sizeof(double_edges) / sizeof(double_edges[0]);

	if (val_is_int(type))
		return i < n ? int_edges[i] : NULL;
	if (i < f)
		return float_edges[i];
	return type == TYPE_FLOAT8 && i < f + d ? double_edges[i - f] : NULL;
}

void
truth_damage(char *text, size_t room)
{
	static const char set[] = "0123456789+-.:eEinfINFatyTZBC \\{}x\t_/'";
	size_t n = strlen(text), at = n ? truth_below((unsigned)n + 1) : 0;
	char c = set[truth_below(sizeof(set) - 1)];

	switch (truth_below(3)) {
	case 0:
		if (at < n)
			text[at] = c;
		break;
	case 1:
		if (at < n)
			memmove(text + at, text + at + 1, n - at);
		break;
	default:
		if (n + 2 > room)
			return;
		memmove(text + at + 1, text + at, n - at + 1);
		text[at] = c;
	}
}

void
truth_quote(const char *text, char *out, size_t room)
{
	size_t at = 0;

	out[at++] = '\'';
	for (; *text && at + 4 < room; text++) {
		if (*text == '\'')
			out[at++] = '\'';
		out[at++] = *text;
	}
	out[at++] = '\'';
	out[at] = '\0';
}

void
truth_literal(const struct operand *op, char *out, size_t room)
{
	char quoted[900];

	if (op->null)
		strcpy(quoted, "NULL");
	else
		truth_quote(op->text, quoted, sizeof(quoted));
	snprintf(out, room, "(%s::%s%s)", quoted, value_type_name(op->type),
	    op->type == TYPE_TEXT ? " COLLATE \"C\"" : "");
}

static void
copy_escaped(const char *p)
{
	for (; *p; p++) {
		if (*p == '\\')
			fputs("\\\\", stdout);
		else if (*p == '\t')
			fputs("\\t", stdout);
		else if (*p == '\n')
			fputs("\\n", stdout);
		else if (*p == '\r')
			fputs("\\r", stdout);
		else
			putchar(*p);
	}
}

void
truth_emit(const char *kind, const char *sql, const struct answer *ours)
{
	copy_escaped(kind);
	putchar('\t');
	copy_escaped(sql);
	putchar('\t');
	copy_escaped(ours->text);
	putchar('\n');
}

void
truth_row(const char *kind, const char *format, const struct operand *ops,
    unsigned n, const struct eval_instr *instr, unsigned ninstr)
{
	char a[1000], b[1000] = "", sql[4096];
	struct answer ours;

	truth_literal(&ops[0], a, sizeof(a));
	if (n > 1)
		truth_literal(&ops[1], b, sizeof(b));
	snprintf(sql, sizeof(sql), format, a, b);
	machine_run(ops, n, instr, ninstr, &ours);
	truth_emit(kind, sql, &ours);
}
