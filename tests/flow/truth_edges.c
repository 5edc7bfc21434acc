/* All pairs of numbers that are likely to go wrong, and dates in the spellings
 * that tde/datetext.h promises. */
#include <stdio.h>
#include <string.h>

#include "tde/arith.h"
#include "tde/val.h"
#include "tde/value.h"
#include "tests/flow/truth.h"

static void
pair(uint8_t type, const char *a, const char *b)
{
	static const char *const formats[] = {
	    "%s + %s", "%s - %s", "%s * %s", "%s / %s", "%s %% %s"};
	struct operand ops[2] = {{.type = type}, {.type = type}};
	unsigned op;

	snprintf(ops[0].text, sizeof(ops[0].text), "%s", a);
	snprintf(ops[1].text, sizeof(ops[1].text), "%s", b);
	if (!truth_parses(&ops[0]) || !truth_parses(&ops[1]))
		return; /* edges of a wider type */
	for (op = 0; op < 5; op++) {
		struct eval_instr in[] = {{(uint8_t)(EV_ADD + op), 0, 0, 0, 0},
		    {EV_REENC, 0, 0, 0, 0}};

		if (arith_type(in[0].op, type, type) != 0)
			truth_row("edges", formats[op], ops, 2, in, 2);
	}
}

void
truth_edges(void)
{
	static const uint8_t types[] = {
	    TYPE_INT2, TYPE_INT4, TYPE_INT8, TYPE_FLOAT4, TYPE_FLOAT8};
	unsigned t, i, k;

	for (t = 0; t < sizeof(types); t++)
		for (i = 0; truth_edge(types[t], i); i++)
			for (k = 0; truth_edge(types[t], k); k++)
				pair(types[t], truth_edge(types[t], i),
				    truth_edge(types[t], k));
}

/* Now and then one too many. */
static unsigned
about(unsigned from, unsigned to)
{
	return truth_below(40)	? from + truth_below(to - from + 1)
	       : truth_below(2) ? to + 1
				: from - (from > 0);
}

static size_t
put_date(char *out, size_t room)
{
	unsigned year = 1 + truth_below(truth_below(5) ? 3000 : 300000);
	unsigned month = about(1, 12), day = about(1, truth_below(9) ? 28 : 31);

	if (truth_below(5) == 0)
		return (size_t)snprintf(
		    out, room, "%04u%02u%02u", year % 10000, month, day);
	if (truth_below(5) == 0)
		return (size_t)snprintf(
		    out, room, "%03u-%u-%u", year, month, day);
	return (size_t)snprintf(out, room, "%04u-%02u-%02u", year, month, day);
}

static size_t
put_fraction(char *out, size_t room)
{
	static const char *const some[] = {"", ".", ".5", ".1234567",
	    ".9999999", ".9999995", ".0000005", ".0000015", ".000001",
	    ".123456499999999999999", ".7890"};

	return (size_t)snprintf(out, room, "%s", some[truth_below(11)]);
}

static size_t
put_time(char *out, size_t room)
{
	unsigned h = about(0, 23), m = about(0, 59), s = about(0, 59);
	bool t = truth_below(3) == 0;
	size_t at;

	if (truth_below(30) == 0) { /* midnight from the other side */
		h = 24;
		m = s = 0;
	}
	if (t && truth_below(3) == 0) {
		at = (size_t)snprintf(out, room, "T%02u%02u%02u", h, m, s);
		return at + put_fraction(out + at, room - at);
	}
	if (truth_below(5) == 0)
		return (size_t)snprintf(
		    out, room, "%c%u:%02u", t ? 'T' : ' ', h, m);
	at = (size_t)snprintf(
	    out, room, "%c%02u:%02u:%02u", t ? 'T' : ' ', h, m, s);
	return at + put_fraction(out + at, room - at);
}

static size_t
put_zone(char *out, size_t room)
{
	static const char *const words[] = {"Z", " Z", "z", " UTC", " gmt"};
	char sign = truth_below(2) ? '+' : '-';
	unsigned h = about(0, 15), m = about(0, 59), s = about(0, 59);
	const char *space = truth_below(3) ? "" : " ";

	switch (truth_below(5)) {
	case 0:
		return (size_t)snprintf(out, room, "%s", words[truth_below(5)]);
	case 1:
		return (size_t)snprintf(
		    out, room, "%s%c%02u%02u", space, sign, h, m);
	case 2:
		return (size_t)snprintf(
		    out, room, "%s%c%02u:%02u:%02u", space, sign, h, m, s);
	case 3:
		return (size_t)snprintf(out, room, "%s%c%u", space, sign, h);
	default:
		return (size_t)snprintf(
		    out, room, "%s%c%02u:%02u", space, sign, h, m);
	}
}

static void
moment(void)
{
	static const uint8_t types[] = {
	    TYPE_DATE, TYPE_TIMESTAMP, TYPE_TIMESTAMPTZ};
	struct operand op = {.type = types[truth_below(3)]};
	char quoted[200], sql[300], kind[40];
	struct answer ours;
	size_t at = put_date(op.text, 100);

	if (truth_below(4)) {
		at += put_time(op.text + at, 100);
		if (truth_below(3))
			at += put_zone(op.text + at, 100);
	}
	if (truth_below(8) == 0)
		strcpy(op.text + at, truth_below(3) ? " BC" : " AD");
	truth_quote(op.text, quoted, sizeof(quoted));
	snprintf(sql, sizeof(sql), "%s::%s", quoted, value_type_name(op.type));
	snprintf(kind, sizeof(kind), "form %s", value_type_name(op.type));
	machine_round_trip(&op, &ours);
	truth_emit(kind, sql, &ours);
}

void
truth_moments(unsigned n)
{
	for (; n; n--)
		moment();
}
