#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tde/cell_layout.h"
#include "tde/datetext.h"
#include "tde/datetime.h"
#include "tde/numtext.h"

#define TEXT_MAX    128u /* PostgreSQL's own limit for such input */
#define YEAR_DIGITS 7u
#define ZONE_HOURS  15 /* more is out of range */
#define SECOND	    INT64_C(1000000)

/* What is left of the text. */
struct scan {
	const char *p;
	size_t n;
};

struct moment {
	struct datetime_civil date;
	int64_t of_day; /* microseconds, up to 24:00:00 */
	int64_t zone;	/* microseconds east of UTC */
	bool bc;
};

static bool
digit_at(const struct scan *s, size_t i)
{
	return i < s->n && s->p[i] >= '0' && s->p[i] <= '9';
}

static size_t
digits(const struct scan *s)
{
	size_t i = 0;

	while (digit_at(s, i))
		i++;
	return i;
}

static void
skip(struct scan *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool
take_char(struct scan *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	skip(s, 1);
	return true;
}

static bool
take_space(struct scan *s)
{
	size_t n = s->n;

	while (s->n && (s->p[0] == ' ' || (s->p[0] >= '\t' && s->p[0] <= '\r')))
		skip(s, 1);
	return s->n != n;
}

/* A whole word, in any case. */
static bool
take_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);
	char next;

	if (s->n < n || strncasecmp(s->p, word, n) != 0)
		return false;
	next = s->n > n ? s->p[n] : ' ';
	if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'))
		return false;
	skip(s, n);
	return true;
}

/* Exactly n digits, which are there. */
static int
take_number(struct scan *s, size_t n)
{
	int v = 0;

	for (; n; n--) {
		v = v * 10 + (s->p[0] - '0');
		skip(s, 1);
	}
	return v;
}

/* One or two digits. */
static int
take_small(struct scan *s, int *v)
{
	size_t n = digits(s);

	if (n < 1 || n > 2)
		return CL_ERR_DATE_TEXT;
	*v = take_number(s, n);
	return CL_OK;
}

/* Behind the point; as many digits as the text has. */
static int64_t
take_fraction(struct scan *s)
{
	char text[TEXT_MAX + 4] = "0.";
	size_t n = digits(s);

	memcpy(text + 2, s->p, n);
	text[2 + n] = '\0';
	skip(s, n);
	return (int64_t)rint(strtod(text, NULL) * 1000000);
}

static int
take_date(struct scan *s, struct moment *m)
{
	size_t n = digits(s);
	int r;

	if (n == 8) {
		m->date.year = take_number(s, 4);
		m->date.month = take_number(s, 2);
		m->date.day = take_number(s, 2);
		return CL_OK;
	}
	if (n < 3 || n > YEAR_DIGITS)
		return CL_ERR_DATE_TEXT;
	m->date.year = take_number(s, n);
	if (!take_char(s, '-') || (r = take_small(s, &m->date.month)) != 0 ||
	    !take_char(s, '-') || (r = take_small(s, &m->date.day)) != 0)
		return CL_ERR_DATE_TEXT;
	return CL_OK;
}

/* 04:05[:06[.789]], or 0405[06[.789]] where compact is legal. */
static int
take_time(struct scan *s, bool compact, struct moment *m)
{
	int hour, minute, second = 0, r;
	bool seconds;
	int64_t fraction = 0;
	size_t n = digits(s);

	compact = compact && (n == 4 || n == 6);
	if (compact) {
		hour = take_number(s, 2);
		minute = take_number(s, 2);
		if ((seconds = n == 6))
			second = take_number(s, 2);
	} else {
		if ((r = take_small(s, &hour)) != 0)
			return r;
		if (!take_char(s, ':'))
			return CL_ERR_DATE_TEXT;
		if ((r = take_small(s, &minute)) != 0)
			return r;
		if ((seconds = take_char(s, ':')) &&
		    (r = take_small(s, &second)) != 0)
			return r;
	}
	if (seconds && take_char(s, '.')) {
		if (compact && !digit_at(s, 0))
			return CL_ERR_DATE_TEXT;
		fraction = take_fraction(s);
	}
	if (minute > 59 || second > 60)
		return CL_ERR_DATETIME;
	m->of_day =
	    ((int64_t)hour * 3600 + minute * 60 + second) * SECOND + fraction;
	return m->of_day > DATETIME_DAY ? CL_ERR_DATETIME : CL_OK;
}

/* +02, +0230, +02:30, +02:30:15. */
static int
take_offset(struct scan *s, int64_t *zone)
{
	int hour, minute = 0, second = 0, r;
	bool west = s->p[0] == '-';
	size_t n;

	skip(s, 1);
	if ((n = digits(s)) == 3 || n == 4) {
		hour = take_number(s, n - 2);
		minute = take_number(s, 2);
	} else {
		if ((r = take_small(s, &hour)) != 0)
			return r;
		if (take_char(s, ':')) {
			if ((r = take_small(s, &minute)) != 0)
				return r;
			if (take_char(s, ':') &&
			    (r = take_small(s, &second)) != 0)
				return r;
		}
	}
	if (hour > ZONE_HOURS || minute > 59 || second > 59)
		return CL_ERR_DATETIME;
	*zone = ((int64_t)hour * 3600 + minute * 60 + second) * SECOND;
	if (west)
		*zone = -*zone;
	return CL_OK;
}

static int
take_zone(struct scan *s, struct moment *m)
{
	if (s->n && (s->p[0] == '+' || s->p[0] == '-'))
		return take_offset(s, &m->zone);
	if (!take_word(s, "z") && !take_word(s, "utc"))
		(void)take_word(s, "gmt");
	return CL_OK;
}

static void
take_era(struct scan *s, struct moment *m)
{
	(void)take_space(s);
	if (take_word(s, "bc"))
		m->bc = true;
	else
		(void)take_word(s, "ad");
}

static int
check_date(struct moment *m)
{
	struct datetime_civil *d = &m->date;

	if (d->year <= 0)
		return CL_ERR_DATETIME; /* there was no year zero */
	if (m->bc)
		d->year = 1 - d->year;
	if (d->month < 1 || d->month > 12 || d->day < 1 ||
	    d->day > datetime_month_days(d->year, d->month))
		return CL_ERR_DATETIME;
	return CL_OK;
}

static int
take_moment(struct scan *s, struct moment *m)
{
	bool t;
	int r;

	if ((r = take_date(s, m)) != 0)
		return r;
	t = s->n && (s->p[0] == 'T' || s->p[0] == 't');
	if (t)
		skip(s, 1);
	if (t || (take_space(s) && digit_at(s, 0))) {
		if ((r = take_time(s, t, m)) != 0)
			return r;
		(void)take_space(s);
		if ((r = take_zone(s, m)) != 0)
			return r;
	}
	take_era(s, m);
	return s->n ? CL_ERR_DATE_TEXT : check_date(m);
}

/* Words that stand for a moment. */
static bool
special(uint8_t type, const struct scan *s, int64_t *v)
{
	bool date = type == TYPE_DATE;

	if (s->n == 8 && strncasecmp(s->p, "infinity", 8) == 0)
		*v = date ? DATETIME_DATE_HIGH : DATETIME_STAMP_HIGH;
	else if (s->n == 9 && strncasecmp(s->p, "-infinity", 9) == 0)
		*v = date ? DATETIME_DATE_LOW : DATETIME_STAMP_LOW;
	else if (s->n == 5 && strncasecmp(s->p, "epoch", 5) == 0)
		*v = date ? DATETIME_UNIX_EPOCH / DATETIME_DAY
			  : DATETIME_UNIX_EPOCH;
	else
		return false;
	return true;
}

int
datetext_parse(uint8_t type, const char *text, size_t n, int64_t *v)
{
	struct scan s = {text, n};
	struct moment m = {{0, 0, 0}, 0, 0, false};
	int64_t days;
	int r;

	numtext_trim(&s.p, &s.n);
	if (s.n > TEXT_MAX)
		return CL_ERR_DATE_TEXT;
	if (special(type, &s, v))
		return CL_OK;
	if ((r = take_moment(&s, &m)) != 0)
		return r;
	days = datetime_to_days(m.date);
	if (days < DATETIME_DATE_MIN || days > DATETIME_DATE_MAX)
		return CL_ERR_DATETIME;
	*v = days;
	if (type == TYPE_DATE)
		return CL_OK;
	if (__builtin_mul_overflow(days, DATETIME_DAY, v) ||
	    __builtin_add_overflow(*v, m.of_day, v))
		return CL_ERR_DATETIME;
	if (type == TYPE_TIMESTAMPTZ && __builtin_sub_overflow(*v, m.zone, v))
		return CL_ERR_DATETIME;
	if (!datetime_stamp_finite(*v) || !datetime_stamp_legal(*v))
		return CL_ERR_DATETIME;
	return CL_OK;
}

static size_t
print_time(int64_t of_day, char *out)
{
	int seconds = (int)(of_day / SECOND), us = (int)(of_day % SECOND);
	size_t at = (size_t)snprintf(out, 10, " %02d:%02d:%02d", seconds / 3600,
	    seconds / 60 % 60, seconds % 60);

	if (us == 0)
		return at;
	at += (size_t)snprintf(out + at, 8, ".%06d", us);
	while (out[at - 1] == '0')
		at--;
	return at;
}

size_t
datetext_print(uint8_t type, int64_t v, char out[DATETEXT_MAX])
{
	int64_t days = v, of_day = 0;
	struct datetime_civil c;
	size_t at;

	if (type == TYPE_DATE ? !datetime_date_finite(v)
			      : !datetime_stamp_finite(v))
		return (size_t)snprintf(
		    out, DATETEXT_MAX, "%sinfinity", v < 0 ? "-" : "");
	if (type != TYPE_DATE)
		datetime_split(v, &days, &of_day);
	c = datetime_from_days(days);
	at = (size_t)snprintf(out, 24, "%04d-%02d-%02d",
	    (int)(c.year > 0 ? c.year : 1 - c.year), c.month, c.day);
	if (type != TYPE_DATE)
		at += print_time(of_day, out + at);
	if (type == TYPE_TIMESTAMPTZ) {
		memcpy(out + at, "+00", 3);
		at += 3;
	}
	if (c.year <= 0) {
		memcpy(out + at, " BC", 3);
		at += 3;
	}
	return at;
}
