/* tde/datetime and tde/datetext: the calendar day by day, the ends of the
 * ranges, and text that must be refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tde/cell_layout.h"
#include "tde/datetext.h"
#include "tde/datetime.h"

/* Day after day from 4714-11-24 BC for eleven thousand years, by counting. */
static void
test_every_day(void **state)
{
	struct datetime_civil want = {-4713, 11, 24}, got;
	int64_t day;

	(void)state;
	for (day = DATETIME_DATE_MIN; day < DATETIME_DATE_MIN + 4100000;
	     day++) {
		got = datetime_from_days(day);
		if (got.year != want.year || got.month != want.month ||
		    got.day != want.day || datetime_to_days(got) != day)
			fail_msg("day %lld", (long long)day);
		if (++want.day > datetime_month_days(want.year, want.month)) {
			want.day = 1;
			if (++want.month > 12) {
				want.month = 1;
				want.year++;
			}
		}
	}
	assert_int_equal(want.year, 6513);
}

/* The C library knows the same calendar, week numbers included. */
static void
test_fields_against_libc(void **state)
{
	char text[40];
	double v;
	struct tm tm;
	time_t t;
	int64_t day;
	int year, week, weekday, of_year;

	(void)state;
	for (day = -200000; day < 200000; day += 3) {
		t = (day + 10957) * 86400;
		assert_non_null(gmtime_r(&t, &tm));
		strftime(text, sizeof(text), "%G %V %u %j", &tm);
		assert_int_equal(sscanf(text, "%d %d %d %d", &year, &week,
				     &weekday, &of_year),
		    4);
		assert_true(datetime_extract_date(day, FIELD_ISOYEAR, &v));
		assert_int_equal(v, year);
		assert_true(datetime_extract_date(day, FIELD_WEEK, &v));
		assert_int_equal(v, week);
		assert_true(datetime_extract_date(day, FIELD_ISODOW, &v));
		assert_int_equal(v, weekday);
		assert_true(datetime_extract_date(day, FIELD_DOY, &v));
		assert_int_equal(v, of_year);
		assert_true(datetime_extract_date(day, FIELD_EPOCH, &v));
		assert_true(v == (double)t);
	}
}

static int64_t
parsed(uint8_t type, const char *text)
{
	char *exact = malloc(strlen(text) + 1);
	int64_t v = 0;
	int r;

	exact = realloc(strcpy(exact, text), strlen(text) ? strlen(text) : 1);
	r = datetext_parse(type, exact, strlen(text), &v);
	free(exact);
	if (r != CL_OK)
		fail_msg("'%s': %s", text, err_name(r));
	return v;
}

static void
refused(uint8_t type, const char *text, int want)
{
	int64_t v;
	int r = datetext_parse(type, text, strlen(text), &v);

	if (r != want)
		fail_msg("'%s': %s", text, err_name(r));
}

static void
round_trip(uint8_t type, const char *text)
{
	char out[DATETEXT_MAX + 1];

	out[datetext_print(type, parsed(type, text), out)] = '\0';
	assert_string_equal(out, text);
}

static void
test_ends_of_ranges(void **state)
{
	(void)state;
	round_trip(TYPE_DATE, "4714-11-24 BC");
	round_trip(TYPE_DATE, "5874897-12-31");
	assert_int_equal(parsed(TYPE_DATE, "4714-11-24 BC"), DATETIME_DATE_MIN);
	assert_int_equal(parsed(TYPE_DATE, "5874897-12-31"), DATETIME_DATE_MAX);
	refused(TYPE_DATE, "4714-11-23 BC", CL_ERR_DATETIME);
	refused(TYPE_DATE, "5874898-01-01", CL_ERR_DATETIME);
	refused(TYPE_DATE, "9999999-12-31", CL_ERR_DATETIME);
	round_trip(TYPE_TIMESTAMP, "4714-11-24 00:00:00 BC");
	round_trip(TYPE_TIMESTAMP, "294276-12-31 23:59:59.999999");
	refused(TYPE_TIMESTAMP, "294277-01-01", CL_ERR_DATETIME);
	refused(TYPE_TIMESTAMP, "294276-12-31 24:00:00", CL_ERR_DATETIME);
	refused(TYPE_TIMESTAMP, "5874897-12-31", CL_ERR_DATETIME);
	refused(TYPE_TIMESTAMPTZ, "4714-11-24 00:00:00+01 BC", CL_ERR_DATETIME);
	refused(
	    TYPE_TIMESTAMPTZ, "294276-12-31 23:59:59-00:01", CL_ERR_DATETIME);
	round_trip(TYPE_TIMESTAMPTZ, "0001-12-31 23:59:59.1+00 BC");
	round_trip(TYPE_DATE, "infinity");
	round_trip(TYPE_DATE, "-infinity");
	round_trip(TYPE_TIMESTAMP, "infinity");
	assert_int_equal(parsed(TYPE_DATE, "-Infinity"), INT32_MIN);
	assert_int_equal(parsed(TYPE_TIMESTAMPTZ, "INFINITY"), INT64_MAX);
	assert_int_equal(parsed(TYPE_DATE, "epoch"), -10957);
}

static void
test_forms(void **state)
{
	int64_t want = parsed(TYPE_TIMESTAMP, "2024-02-29 04:05:06.789");

	(void)state;
	assert_int_equal(
	    parsed(TYPE_TIMESTAMP, " 20240229T040506.789\n"), want);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMP, "2024-2-29t4:5:6.789 AD"), want);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMPTZ, "2024-02-29T04:05:06.789Z"), want);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMPTZ, "2024-02-29 06:35:06.789 +02:30"), want);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMPTZ, "2024-02-28 23:05:06.789-0500"), want);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMPTZ, "2024-02-29 04:05:21.789+00:00:15"), want);
	/* a timestamp drops the zone, a date the time */
	assert_int_equal(
	    parsed(TYPE_TIMESTAMP, "2024-02-29 04:05:06.789+09"), want);
	assert_int_equal(parsed(TYPE_DATE, "2024-02-29 24:00"),
	    parsed(TYPE_DATE, "2024-02-29"));
	assert_int_equal(parsed(TYPE_TIMESTAMP, "1999-12-31 24:00"), 0);
	assert_int_equal(parsed(TYPE_TIMESTAMP, "1999-12-31 23:59:60"), 0);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMP, "2000-01-01 00:00:00.0000005"), 0);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMP, "2000-01-01 00:00:00.0000015"), 2);
	assert_int_equal(
	    parsed(TYPE_TIMESTAMP, "1999-12-31 23:59:59.9999999"), 0);
}

static void
test_bad_text(void **state)
{
	static const char *const syntax[] = {"", " ", "x", "-", "2024", "12:00",
	    "2024-", "2024-01", "2024-01-", "2024-01-01x", "2024-001-01",
	    "24-01-01", "2024-01-01 12",
	    "2024-01-01 12:", "2024-01-01 12:00:", "2024-01-01 12:00:00 +",
	    "2024-01-01 12:00:00 X",
	    "2024-01-01 12:00:00+01:", "2024-01-01 12:00:00+12345",
	    "2024-01-01T", "2024-01-01TT12:00", "infinit", "infinityx",
	    "--infinity", "2024-01-01 BCE", "2024-01-01 BC BC",
	    "20240101 1200 Z", "99999999-01-01", "2024-01-01 12:00:00 zz",
	    "2024-01-01\xff", "January 8, 1999", "1/8/1999", "now", "today"};
	static const char *const range[] = {"2024-13-01", "2024-00-01",
	    "2024-01-32", "2024-01-00", "2023-02-29", "1900-02-29",
	    "0000-01-01", "0000-01-01 BC", "2024-04-31", "0005-02-29",
	    "2024-01-01 25:00", "2024-01-01 24:00:01", "2024-01-01 12:60",
	    "2024-01-01 12:00:61", "2024-01-01 12:00+16",
	    "2024-01-01 12:00+01:60", "2024-01-01 24:00:00.000001"};
	char *large = malloc(100001);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(syntax) / sizeof(syntax[0]); i++)
		refused(TYPE_TIMESTAMPTZ, syntax[i], CL_ERR_DATE_TEXT);
	for (i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		refused(TYPE_TIMESTAMPTZ, range[i], CL_ERR_DATETIME);
	memset(large, '1', 100000);
	large[100000] = '\0';
	memcpy(large, "2024-01-01 12:00:00.", 20);
	refused(TYPE_TIMESTAMP, large, CL_ERR_DATE_TEXT);
	large[128] = '\0';
	assert_true(parsed(TYPE_TIMESTAMP, large) > 0);
	free(large);
	parsed(TYPE_DATE, "0005-02-28 BC");
	parsed(TYPE_DATE, "0005-02-29 BC"); /* 5 BC is year -4: leap */
}

static void
test_arithmetic_at_the_ends(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(
	    datetime_add(DATETIME_DATE_MAX, 1, &v), CL_ERR_DATETIME);
	assert_int_equal(
	    datetime_add(DATETIME_DATE_MIN, -1, &v), CL_ERR_DATETIME);
	/* not by way of an infinity either */
	assert_int_equal(datetime_add(0, INT32_MAX, &v), CL_ERR_DATETIME);
	assert_int_equal(
	    datetime_add(DATETIME_DATE_MAX, INT32_MIN, &v), CL_ERR_DATETIME);
	assert_int_equal(datetime_add(DATETIME_DATE_HIGH, -5, &v), CL_OK);
	assert_int_equal(v, DATETIME_DATE_HIGH);
	assert_int_equal(
	    datetime_diff(DATETIME_DATE_HIGH, 0, &v), CL_ERR_DATETIME);
	assert_int_equal(
	    datetime_diff(DATETIME_DATE_MAX, DATETIME_DATE_MIN, &v), CL_OK);
	assert_int_equal(v, 2147483493);
	assert_int_equal(
	    datetime_date_to_stamp(DATETIME_DATE_MAX, &v), CL_ERR_DATETIME);
	assert_int_equal(datetime_date_to_stamp(DATETIME_DATE_LOW, &v), CL_OK);
	assert_int_equal(v, INT64_MIN);
	assert_true(datetime_compare(DATETIME_DATE_MAX, INT64_MAX) < 0);
	assert_true(
	    datetime_compare(DATETIME_DATE_MAX, DATETIME_STAMP_MAX) > 0);
	assert_int_equal(datetime_compare(DATETIME_DATE_HIGH, INT64_MAX), 0);
	assert_int_equal(datetime_stamp_to_date(-1), -1);
	assert_int_equal(
	    datetime_stamp_to_date(DATETIME_STAMP_MIN), DATETIME_DATE_MIN);
}

static void
test_infinite_fields(void **state)
{
	double v;

	(void)state;
	assert_true(datetime_extract_date(INT32_MAX, FIELD_YEAR, &v));
	assert_true(isinf(v) && v > 0);
	assert_true(datetime_extract_stamp(INT64_MIN, FIELD_EPOCH, &v));
	assert_true(isinf(v) && v < 0);
	assert_false(datetime_extract_date(INT32_MAX, FIELD_MONTH, &v));
	assert_false(datetime_extract_stamp(INT64_MIN, FIELD_WEEK, &v));
	assert_true(datetime_extract_date(0, FIELD_HOUR, &v));
	assert_true(v == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_day),
	    cmocka_unit_test(test_fields_against_libc),
	    cmocka_unit_test(test_ends_of_ranges),
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_bad_text),
	    cmocka_unit_test(test_arithmetic_at_the_ends),
	    cmocka_unit_test(test_infinite_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
