#include <math.h>

#include "tde/datetime.h"

#define ERA_DAYS   146097 /* of 400 years */
#define ERA_OFFSET 730425 /* days from 0000-03-01 to 2000-01-01 */

bool
datetime_date_finite(int64_t days)
{
	return days != DATETIME_DATE_LOW && days != DATETIME_DATE_HIGH;
}

bool
datetime_stamp_finite(int64_t us)
{
	return us != DATETIME_STAMP_LOW && us != DATETIME_STAMP_HIGH;
}

bool
datetime_date_legal(int64_t days)
{
	return !datetime_date_finite(days) ||
	       (days >= DATETIME_DATE_MIN && days <= DATETIME_DATE_MAX);
}

bool
datetime_stamp_legal(int64_t us)
{
	return !datetime_stamp_finite(us) ||
	       (us >= DATETIME_STAMP_MIN && us <= DATETIME_STAMP_MAX);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Years start in March here, so that the leap day comes last. */
struct datetime_civil
datetime_from_days(int64_t days)
{
	struct datetime_civil c;
	int64_t era = floor_div(days + ERA_OFFSET, ERA_DAYS);
	int64_t day = days + ERA_OFFSET - era * ERA_DAYS;
	int64_t year =
	    (day - day / 1460 + day / 36524 - day / (ERA_DAYS - 1)) / 365;
	int64_t month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	c.day = (int)(day - (153 * month + 2) / 5 + 1);
	c.month = (int)(month < 10 ? month + 3 : month - 9);
	c.year = year + era * 400 + (c.month <= 2);
	return c;
}

int64_t
datetime_to_days(struct datetime_civil c)
{
	int64_t year = c.year - (c.month <= 2);
	int64_t era = floor_div(year, 400), of_era = year - era * 400;
	int64_t month = c.month > 2 ? c.month - 3 : c.month + 9;
	int64_t day = (153 * month + 2) / 5 + c.day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + day -
	       ERA_OFFSET;
}

int
datetime_month_days(int64_t year, int month)
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
			   ? 29
			   : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

void
datetime_split(int64_t us, int64_t *days, int64_t *of_day)
{
	*days = floor_div(us, DATETIME_DAY);
	*of_day = us - *days * DATETIME_DAY;
}

int
datetime_date_to_stamp(int64_t days, int64_t *us)
{
	if (!datetime_date_finite(days)) {
		*us = days < 0 ? DATETIME_STAMP_LOW : DATETIME_STAMP_HIGH;
		return CL_OK;
	}
	if (__builtin_mul_overflow(days, DATETIME_DAY, us) ||
	    !datetime_stamp_legal(*us))
		return CL_ERR_DATETIME;
	return CL_OK;
}

int64_t
datetime_stamp_to_date(int64_t us)
{
	if (us == DATETIME_STAMP_LOW)
		return DATETIME_DATE_LOW;
	if (us == DATETIME_STAMP_HIGH)
		return DATETIME_DATE_HIGH;
	return floor_div(us, DATETIME_DAY);
}

int
datetime_compare(int64_t days, int64_t us)
{
	int64_t at;

	/* Dates reach further up than timestamps, but not beyond infinity. */
	if (datetime_date_to_stamp(days, &at) != 0)
		return us == DATETIME_STAMP_HIGH ? -1 : 1;
	return (at > us) - (at < us);
}

int
datetime_add(int64_t days, int64_t n, int64_t *sum)
{
	if (!datetime_date_finite(days)) {
		*sum = days;
		return CL_OK;
	}
	if (__builtin_add_overflow(days, n, sum) ||
	    !datetime_date_finite(*sum) || !datetime_date_legal(*sum))
		return CL_ERR_DATETIME;
	return CL_OK;
}

int
datetime_diff(int64_t a, int64_t b, int64_t *days)
{
	if (!datetime_date_finite(a) || !datetime_date_finite(b))
		return CL_ERR_DATETIME;
	*days = a - b;
	return CL_OK;
}

/* Monday 1 to Sunday 7; 2000-01-01 was a Saturday. */
static int
iso_weekday(int64_t days)
{
	int64_t of_week = (days + 5) % 7;

	return (int)(of_week < 0 ? of_week + 7 : of_week) + 1;
}

/* An ISO week belongs to the year in which its Thursday lies. */
static struct datetime_civil
thursday(int64_t days)
{
	return datetime_from_days(days - iso_weekday(days) + 4);
}

static int64_t
day_of_year(int64_t days, int64_t year)
{
	struct datetime_civil first = {year, 1, 1};

	return days - datetime_to_days(first) + 1;
}

static int64_t
iso_week(int64_t days)
{
	struct datetime_civil t = thursday(days);

	return (day_of_year(datetime_to_days(t), t.year) + 6) / 7;
}

/* 1 BC is -1 when it is shown. */
static int64_t
shown_year(int64_t year)
{
	return year > 0 ? year : year - 1;
}

static double
calendar_field(int64_t days, enum datetime_field field)
{
	struct datetime_civil c = datetime_from_days(days);

	switch (field) {
	case FIELD_YEAR:
		return (double)shown_year(c.year);
	case FIELD_MONTH:
		return c.month;
	case FIELD_DAY:
		return c.day;
	case FIELD_DOW:
		return iso_weekday(days) % 7;
	case FIELD_ISODOW:
		return iso_weekday(days);
	case FIELD_DOY:
		return (double)day_of_year(days, c.year);
	case FIELD_QUARTER:
		return (c.month - 1) / 3 + 1;
	case FIELD_WEEK:
		return (double)iso_week(days);
	case FIELD_ISOYEAR:
		return (double)shown_year(thursday(days).year);
	default:
		return 0; /* a date has no time */
	}
}

/* Only fields that grow with time have a value at the infinities. */
static bool
infinite_field(bool low, enum datetime_field field, double *out)
{
	*out = low ? -INFINITY : INFINITY;
	return field == FIELD_YEAR || field == FIELD_ISOYEAR ||
	       field == FIELD_EPOCH;
}

bool
datetime_extract_date(int64_t days, enum datetime_field field, double *out)
{
	if (!datetime_date_finite(days))
		return infinite_field(days < 0, field, out);
	if (field == FIELD_EPOCH)
		*out = (double)days * 86400 -
		       (double)(DATETIME_UNIX_EPOCH / 1000000);
	else
		*out = calendar_field(days, field);
	return true;
}

/* In the way that PostgreSQL keeps precision where it can. */
static double
epoch_of(int64_t us)
{
	if (us < INT64_MAX + DATETIME_UNIX_EPOCH)
		return (double)(us - DATETIME_UNIX_EPOCH) / 1000000.0;
	return ((double)us - (double)DATETIME_UNIX_EPOCH) / 1000000.0;
}

bool
datetime_extract_stamp(int64_t us, enum datetime_field field, double *out)
{
	int64_t days, of_day;

	if (!datetime_stamp_finite(us))
		return infinite_field(us < 0, field, out);
	datetime_split(us, &days, &of_day);
	switch (field) {
	case FIELD_EPOCH:
		*out = epoch_of(us);
		break;
	case FIELD_HOUR:
		*out = (double)(of_day / 3600000000);
		break;
	case FIELD_MINUTE:
		*out = (double)(of_day / 60000000 % 60);
		break;
	case FIELD_SECOND:
		*out = (double)(of_day / 1000000 % 60) +
		       (double)(of_day % 1000000) / 1000000.0;
		break;
	default:
		*out = calendar_field(days, field);
	}
	return true;
}
