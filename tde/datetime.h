/*
 * The calendar of PostgreSQL 15: proleptic Gregorian, days and microseconds
 * since 2000-01-01, the extreme integers as -infinity and infinity. No time
 * zones but UTC.
 */
#ifndef CLOISTER_TDE_DATETIME_H
#define CLOISTER_TDE_DATETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define DATETIME_DAY	    INT64_C(86400000000) /* microseconds */
#define DATETIME_DATE_MIN   (-2451545)		 /* 4714-11-24 BC */
#define DATETIME_DATE_MAX   2145031948		 /* 5874897-12-31 */
#define DATETIME_STAMP_MIN  INT64_C(-211813488000000000)
#define DATETIME_STAMP_MAX  INT64_C(9223371331199999999) /* year 294276 */
#define DATETIME_UNIX_EPOCH INT64_C(-946684800000000)

/* Infinities have the type's extreme value. */
#define DATETIME_DATE_LOW   INT32_MIN
#define DATETIME_DATE_HIGH  INT32_MAX
#define DATETIME_STAMP_LOW  INT64_MIN
#define DATETIME_STAMP_HIGH INT64_MAX

/* Numbers of EXTRACT's field a, and of the wire. */
enum datetime_field {
	FIELD_YEAR = 1,
	FIELD_MONTH,
	FIELD_DAY,
	FIELD_HOUR,
	FIELD_MINUTE,
	FIELD_SECOND,
	FIELD_DOW,
	FIELD_DOY,
	FIELD_EPOCH,
	FIELD_QUARTER,
	FIELD_WEEK,
	FIELD_ISOYEAR,
	FIELD_ISODOW,
};
#define DATETIME_FIELDS 13u

/* year 0 is 1 BC, -1 is 2 BC. */
struct datetime_civil {
	int64_t year;
	int month, day; /* from 1 */
};

/* Legal values, infinities included. */
bool datetime_date_legal(int64_t days);
bool datetime_stamp_legal(int64_t us);
bool datetime_date_finite(int64_t days);
bool datetime_stamp_finite(int64_t us);

struct datetime_civil datetime_from_days(int64_t days);
/* month 1..12; any day. */
int64_t datetime_to_days(struct datetime_civil c);
int datetime_month_days(int64_t year, int month);

/* Splits a finite timestamp into day and microsecond of that day. */
void datetime_split(int64_t us, int64_t *days, int64_t *of_day);

/* Infinities become each other. CL_ERR_DATETIME out of range. */
CL_MUST_CHECK int datetime_date_to_stamp(int64_t days, int64_t *us);
int64_t datetime_stamp_to_date(int64_t us);
/* As PostgreSQL compares: no error for dates beyond all timestamps. */
int datetime_compare(int64_t days, int64_t us);

/* CL_ERR_DATETIME when the result is no date, or both are infinite. */
CL_MUST_CHECK int datetime_add(int64_t days, int64_t n, int64_t *sum);
CL_MUST_CHECK int datetime_diff(int64_t a, int64_t b, int64_t *days);

/* date_part(). False: NULL (an infinity has no such field). */
bool datetime_extract_date(
    int64_t days, enum datetime_field field, double *out);
bool datetime_extract_stamp(int64_t us, enum datetime_field field, double *out);

#endif
