/* tde/value: text forms, and what must be refused. Agreement with PostgreSQL
 * is tests/flow/truth.sh's matter; here are the ends, the shortest floats,
 * every length and every byte. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tde/floattext.h"
#include "tde/utf8.h"
#include "tde/val.h"
#include "tde/value.h"

static const uint8_t types[] = {TYPE_BOOL, TYPE_INT2, TYPE_INT4, TYPE_INT8,
    TYPE_FLOAT4, TYPE_FLOAT8, TYPE_TEXT, TYPE_BYTEA, TYPE_DATE, TYPE_TIMESTAMP,
    TYPE_TIMESTAMPTZ, TYPE_UUID};

/* Text in an exact allocation, so that a byte too many shows. */
static int
parse(uint8_t type, const char *text, size_t n, uint8_t *plain, size_t *len)
{
	char *exact = malloc(n ? n : 1);
	struct wr w = wr_make(plain, 64);
	int r;

	memcpy(exact, text, n);
	r = value_parse(type, exact, n, &w);
	free(exact);
	*len = w.len;
	return r;
}

static void
good(uint8_t type, const char *text, const char *want)
{
	uint8_t plain[64];
	char out[128];
	struct wr w = wr_make(out, sizeof(out) - 1);
	size_t n;
	int r = parse(type, text, strlen(text), plain, &n);

	if (r != 0)
		fail_msg("'%s': %s", text, err_name(r));
	assert_int_equal(value_check(type, plain, n), CL_OK);
	assert_int_equal(value_print(type, plain, n, &w), CL_OK);
	out[w.len] = '\0';
	assert_string_equal(out, want);
}

static void
bad(uint8_t type, const char *text, int want)
{
	uint8_t plain[64];
	size_t n;
	int r = parse(type, text, strlen(text), plain, &n);

	if (r != want)
		fail_msg("'%s': %s", text, err_name(r));
	assert_int_equal(n, 0);
}

static void
test_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types); i++)
		assert_int_equal(
		    value_type_by_name(value_type_name(types[i])), types[i]);
	assert_int_equal(value_type_by_name("Double Precision"), TYPE_FLOAT8);
	assert_int_equal(
	    value_type_by_name("timestamp with time zone"), TYPE_TIMESTAMPTZ);
	assert_int_equal(value_type_by_name("numeric"), 0);
	assert_int_equal(value_type_by_name(""), 0);
	assert_null(value_type_name(0));
	assert_null(value_type_name(7));
	assert_null(value_type_name(255));
}

static void
test_integers(void **state)
{
	(void)state;
	good(TYPE_INT2, " -32768\t", "-32768");
	good(TYPE_INT2, "+0032767", "32767");
	bad(TYPE_INT2, "32768", CL_ERR_OVERFLOW);
	bad(TYPE_INT2, "-32769", CL_ERR_OVERFLOW);
	good(TYPE_INT4, "-2147483648", "-2147483648");
	bad(TYPE_INT4, "2147483648", CL_ERR_OVERFLOW);
	good(TYPE_INT8, "-9223372036854775808", "-9223372036854775808");
	good(TYPE_INT8, "9223372036854775807", "9223372036854775807");
	bad(TYPE_INT8, "9223372036854775808", CL_ERR_OVERFLOW);
	bad(TYPE_INT8, "-9223372036854775809", CL_ERR_OVERFLOW);
	bad(TYPE_INT8, "99999999999999999999999x", CL_ERR_OVERFLOW);
	bad(TYPE_INT4, "", CL_ERR_TEXT);
	bad(TYPE_INT4, "-", CL_ERR_TEXT);
	bad(TYPE_INT4, "+-1", CL_ERR_TEXT);
	bad(TYPE_INT4, "1 2", CL_ERR_TEXT);
	bad(TYPE_INT4, "0x10", CL_ERR_TEXT);
	bad(TYPE_INT4, "1.0", CL_ERR_TEXT);
	good(TYPE_INT8, "-0", "0");
}

static void
test_bool_uuid_bytea(void **state)
{
	(void)state;
	good(TYPE_BOOL, " TRU ", "t");
	good(TYPE_BOOL, "of", "f");
	bad(TYPE_BOOL, "o", CL_ERR_TEXT);
	bad(TYPE_BOOL, "", CL_ERR_TEXT);
	bad(TYPE_BOOL, "truex", CL_ERR_TEXT);
	bad(TYPE_BOOL, "10", CL_ERR_TEXT);
	good(TYPE_UUID, "{A0eebc99-9c0b4ef8-bb6d6bb9bd380a11}",
	    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
	bad(TYPE_UUID, "{a0eebc999c0b4ef8bb6d6bb9bd380a11", CL_ERR_TEXT);
	bad(TYPE_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a1", CL_ERR_TEXT);
	bad(TYPE_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a11-", CL_ERR_TEXT);
	bad(TYPE_UUID, "a0-eebc999c0b4ef8bb6d6bb9bd380a11", CL_ERR_TEXT);
	bad(TYPE_UUID, " a0eebc999c0b4ef8bb6d6bb9bd380a11", CL_ERR_TEXT);
	bad(TYPE_UUID, "{", CL_ERR_TEXT);
	bad(TYPE_UUID, "{}", CL_ERR_TEXT);
	good(TYPE_BYTEA, "\\x", "\\x");
	good(TYPE_BYTEA, "\\x 00 fF\n", "\\x00ff");
	good(TYPE_BYTEA, "a\\\\b\\377", "\\x615c62ff");
	bad(TYPE_BYTEA, "\\x0", CL_ERR_TEXT);
	bad(TYPE_BYTEA, "\\x0 0", CL_ERR_TEXT);
	bad(TYPE_BYTEA, "\\xgg", CL_ERR_TEXT);
	bad(TYPE_BYTEA, "\\400", CL_ERR_TEXT);
	bad(TYPE_BYTEA, "\\37", CL_ERR_TEXT);
	bad(TYPE_BYTEA, "\\", CL_ERR_TEXT);
}

static void
test_floats(void **state)
{
	char *zeros = malloc(100002);

	(void)state;
	good(TYPE_FLOAT8, "1e15", "1e+15");
	good(TYPE_FLOAT8, "1e14", "100000000000000");
	good(TYPE_FLOAT8, "0.0001", "0.0001");
	good(TYPE_FLOAT8, "0.00001", "1e-05");
	good(TYPE_FLOAT4, "1e6", "1e+06");
	good(TYPE_FLOAT4, "100000", "100000");
	good(TYPE_FLOAT8, "5e-324", "5e-324");
	good(TYPE_FLOAT4, "1e-45", "1e-45");
	good(TYPE_FLOAT8, "1.7976931348623157e308", "1.7976931348623157e+308");
	good(TYPE_FLOAT4, "3.4028235e38", "3.4028235e+38");
	good(TYPE_FLOAT8, "-0", "-0");
	good(TYPE_FLOAT8, " -inf ", "-Infinity");
	good(TYPE_FLOAT8, "nAn", "NaN");
	good(TYPE_FLOAT8, "9007199254740993", "9.007199254740992e+15");
	/* 37140750 would read back too, but only if ties go to even */
	good(TYPE_FLOAT4, "37140750", "3.7140752e+07");
	bad(TYPE_FLOAT8, "1e309", CL_ERR_OVERFLOW);
	bad(TYPE_FLOAT8, "1e-400", CL_ERR_OVERFLOW);
	bad(TYPE_FLOAT4, "1e39", CL_ERR_OVERFLOW);
	bad(TYPE_FLOAT4, "1e-46", CL_ERR_OVERFLOW);
	bad(TYPE_FLOAT8, "", CL_ERR_TEXT);
	bad(TYPE_FLOAT8, "1e", CL_ERR_TEXT);
	bad(TYPE_FLOAT8, "1.2.3", CL_ERR_TEXT);
	bad(TYPE_FLOAT8, "infinit", CL_ERR_TEXT);
	memset(zeros, '0', 100000);
	strcpy(zeros + 100000, "7"); /* longer than the stack's copy */
	good(TYPE_FLOAT8, zeros, "7");
	good(TYPE_INT2, zeros, "7");
	zeros[99999] = 'x';
	bad(TYPE_FLOAT8, zeros, CL_ERR_TEXT);
	free(zeros);
}

static uint64_t seed = 3;

static uint64_t
next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return seed ^ seed >> 29;
}

/* Digits of a printed float, and the same number with one digit fewer. */
static int
digits_of(const char *text)
{
	int n = 0, zeros = 0;

	for (; *text && *text != 'e'; text++) {
		if (*text < '0' || *text > '9')
			continue;
		if (n || *text != '0') {
			n++;
			zeros = *text == '0' ? zeros + 1 : 0;
		}
	}
	return n - zeros;
}

/* Half way to a neighbour: reads back or not as the reader likes. */
static bool
is_tie(const char *text, double v, int single)
{
	long double at = strtold(text, NULL);
	long double up =
	    single ? nextafterf((float)v, INFINITY) : nextafter(v, INFINITY);
	long double down = single ? nextafterf((float)v, 0) : nextafter(v, 0);

	return at == v + (up - v) / 2 || at == down + (v - down) / 2;
}

static void
check_shortest(double v, int single)
{
	char text[FLOATTEXT_MAX + 1], fewer[64];
	float f = (float)v;
	double back;
	int n;

	text[single ? floattext_print4(f, text) : floattext_print8(v, text)] =
	    '\0';
	back = single ? strtof(text, NULL) : strtod(text, NULL);
	if (back != v)
		fail_msg("%.17g printed as %s", v, text);
	n = digits_of(text);
	if (n < 2)
		return;
	snprintf(fewer, sizeof(fewer), "%.*e", n - 2, v);
	if ((single ? strtof(fewer, NULL) : strtod(fewer, NULL)) == v &&
	    digits_of(fewer) < n && !is_tie(fewer, v, single))
		fail_msg("%s is shorter than %s", fewer, text);
}

static void
test_floats_are_shortest(void **state)
{
	uint64_t bits;
	uint32_t bits4;
	double v;
	float f;
	unsigned i;

	(void)state;
	for (i = 0; i < 40000; i++) {
		bits = next_random() & ~(UINT64_C(1) << 63);
		memcpy(&v, &bits, 8);
		if (v == v && v <= 1.7976931348623157e308)
			check_shortest(v, 0);
		bits4 = (uint32_t)(next_random() >> 33);
		memcpy(&f, &bits4, 4);
		if (f == f && f <= 3.4028235e38f)
			check_shortest(f, 1);
	}
	for (i = 1; i < 2000; i++) { /* the least ones of all */
		bits = i;
		memcpy(&v, &bits, 8);
		check_shortest(v, 0);
		bits4 = i;
		memcpy(&f, &bits4, 4);
		check_shortest(f, 1);
	}
}

static void
test_out_is_full(void **state)
{
	static const char *const text[] = {"t", "1", "1", "1", "1", "1", "abc",
	    "abc", "2024-01-01", "2024-01-01", "2024-01-01",
	    "a0eebc999c0b4ef8bb6d6bb9bd380a11"};
	uint8_t plain[64], again[64];
	struct wr w;
	size_t i, n, cap;

	(void)state;
	for (i = 0; i < sizeof(types); i++) {
		assert_int_equal(
		    parse(types[i], text[i], strlen(text[i]), plain, &n),
		    CL_OK);
		for (cap = 0; cap < n; cap++) {
			w = wr_make(again, cap);
			assert_int_equal(
			    value_parse(types[i], text[i], strlen(text[i]), &w),
			    CL_ERR_TOO_LARGE);
			assert_int_equal(w.len, 0);
		}
		w = wr_make(again, n);
		assert_int_equal(
		    value_parse(types[i], text[i], strlen(text[i]), &w), CL_OK);
		w = wr_make(again, 0);
		assert_int_equal(
		    value_print(types[i], plain, n, &w), CL_ERR_TOO_LARGE);
	}
	w = wr_make(again, 64);
	assert_int_equal(value_parse(7, "1", 1, &w), CL_ERR_ARGUMENT);
	assert_int_equal(value_print(7, plain, 1, &w), CL_ERR_BAD_CELL);
}

/* No type reads beyond what it is given, whatever that is. */
static void
test_random_text(void **state)
{
	static const char set[] = "0123456789+-.:eEinfINFatyTZBC \\{}x\t_/";
	char text[24];
	uint8_t plain[64];
	size_t i, k, n, len;
	int r;

	(void)state;
	for (i = 0; i < 60000; i++) {
		n = next_random() % sizeof(text);
		for (k = 0; k < n; k++)
			text[k] = next_random() % 9
				      ? set[next_random() % (sizeof(set) - 1)]
				      : (char)next_random();
		for (k = 0; k < sizeof(types); k++) {
			r = parse(types[k], text, n, plain, &len);
			if (r == CL_OK)
				assert_int_equal(
				    value_check(types[k], plain, len), CL_OK);
			else
				assert_int_equal(len, 0);
		}
	}
}

static void
test_check(void **state)
{
	static const uint8_t zeros[17];
	uint8_t v[8];
	unsigned width, i, n;

	(void)state;
	for (i = 0; i < sizeof(types); i++) {
		width = cell_type_width(types[i]);
		for (n = 0; n <= 17; n++)
			assert_int_equal(value_check(types[i], zeros, n),
			    width ? n == width ? CL_OK : CL_ERR_BAD_CELL
			    : types[i] == TYPE_TEXT && n ? CL_ERR_BAD_CELL
							 : CL_OK);
	}
	v[0] = 2;
	assert_int_equal(value_check(TYPE_BOOL, v, 1), CL_ERR_BAD_CELL);
	le32_put(v, 2145031949); /* the day after the last */
	assert_int_equal(value_check(TYPE_DATE, v, 4), CL_ERR_BAD_CELL);
	le32_put(v, 2145031948);
	assert_int_equal(value_check(TYPE_DATE, v, 4), CL_OK);
	le32_put(v, (uint32_t)-2451546);
	assert_int_equal(value_check(TYPE_DATE, v, 4), CL_ERR_BAD_CELL);
	le32_put(v, INT32_MAX);
	assert_int_equal(value_check(TYPE_DATE, v, 4), CL_OK);
	le64_put(v, UINT64_C(9223371331200000000));
	assert_int_equal(value_check(TYPE_TIMESTAMP, v, 8), CL_ERR_BAD_CELL);
	le64_put(v, (uint64_t)INT64_C(-211813488000000001));
	assert_int_equal(value_check(TYPE_TIMESTAMPTZ, v, 8), CL_ERR_BAD_CELL);
}

/* The table of RFC 3629, section 4, one character in a row of letters so that
 * both ways of checking see it. */
static bool
legal(const uint8_t *p, size_t n)
{
	static const uint8_t row[9][9] = {
	    /* n, then from and to for each byte */
	    {1, 0x01, 0x7f}, {2, 0xc2, 0xdf, 0x80, 0xbf},
	    {3, 0xe0, 0xe0, 0xa0, 0xbf, 0x80, 0xbf},
	    {3, 0xe1, 0xec, 0x80, 0xbf, 0x80, 0xbf},
	    {3, 0xed, 0xed, 0x80, 0x9f, 0x80, 0xbf},
	    {3, 0xee, 0xef, 0x80, 0xbf, 0x80, 0xbf},
	    {4, 0xf0, 0xf0, 0x90, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
	    {4, 0xf1, 0xf3, 0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
	    {4, 0xf4, 0xf4, 0x80, 0x8f, 0x80, 0xbf, 0x80, 0xbf}};
	unsigned i, k;

	for (i = 0; i < 9; i++) {
		for (k = 0; row[i][0] == n && k < n; k++)
			if (p[k] < row[i][2 * k + 1] ||
			    p[k] > row[i][2 * k + 2])
				break;
		if (row[i][0] == n && k == n)
			return true;
	}
	return false;
}

static void
test_utf8(void **state)
{
	uint8_t text[20];
	uint32_t i, code;
	size_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (i = 0; i < 1u << 16; i++) {
		text[9] = (uint8_t)(i >> 8);
		text[10] = (uint8_t)i;
		text[11] = 0x80;
		text[12] = 0xbf;
		for (n = 1; n <= 4; n++) {
			/* cut behind n bytes; whole or in parts legal */
			bool want =
			    legal(text + 9, n) ||
			    (legal(text + 9, 1) && legal(text + 10, n - 1)) ||
			    (n == 2 && legal(text + 9, 1) &&
				legal(text + 10, 1));
			assert_int_equal(utf8_legal(text, 9 + n), want);
		}
	}
	for (code = 0; code < 0x110100; code++) {
		n = utf8_put(code, text);
		assert_int_equal(n != 0, code != 0 && code < 0x110000 &&
					     (code < 0xd800 || code > 0xdfff));
		if (n == 0)
			continue;
		assert_true(legal(text, n));
		assert_int_equal(utf8_char(text, n), n);
		assert_int_equal(utf8_count(text, n), 1);
	}
}

/* Every pair of these, against their places in the list. */
static void
test_order(void **state)
{
	static const char *const floats[] = {"-Infinity", "-1e308", "-1",
	    "-5e-324", "0", "5e-324", "1", "Infinity", "NaN"};
	static const char *const texts[] = {"", "A", "Z", "Za", "a", "a b",
	    "aa", "z", "\xc3\xa9", "\xe2\x82\xac"};
	uint8_t p[64], q[64];
	size_t i, k, np, nq;
	int c;

	(void)state;
	for (i = 0; i < 9; i++)
		for (k = 0; k < 9; k++) {
			assert_int_equal(parse(TYPE_FLOAT8, floats[i],
					     strlen(floats[i]), p, &np),
			    CL_OK);
			assert_int_equal(parse(TYPE_FLOAT8, floats[k],
					     strlen(floats[k]), q, &nq),
			    CL_OK);
			c = value_compare(TYPE_FLOAT8, p, np, q, nq);
			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
		}
	for (i = 0; i < 10; i++)
		for (k = 0; k < 10; k++) {
			c = value_compare(TYPE_TEXT, (const uint8_t *)texts[i],
			    strlen(texts[i]), (const uint8_t *)texts[k],
			    strlen(texts[k]));
			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
		}
	memset(p, 0, 8); /* 0 and -0 */
	le64_put(q, UINT64_C(1) << 63);
	assert_int_equal(value_compare(TYPE_FLOAT8, p, 8, q, 8), 0);
	le64_put(p, UINT64_C(0xfff8000000000001)); /* any two NaN */
	le64_put(q, UINT64_C(0x7ff0000000000001));
	assert_int_equal(value_compare(TYPE_FLOAT8, p, 8, q, 8), 0);
	assert_true(value_compare(TYPE_BYTEA, (const uint8_t *)"a", 1,
			(const uint8_t *)"a\0", 2) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_integers),
	    cmocka_unit_test(test_bool_uuid_bytea),
	    cmocka_unit_test(test_floats),
	    cmocka_unit_test(test_floats_are_shortest),
	    cmocka_unit_test(test_out_is_full),
	    cmocka_unit_test(test_random_text),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
