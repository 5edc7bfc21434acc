#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/table.h"
#include "client/why.h"

#define TABLE_MAX_COLUMNS 1600u

struct table {
	struct text values; /* each with a NUL behind; line ends as ' ' */
	size_t columns;	    /* of the header */
	size_t column;	    /* of the record under way */
	size_t records;
	size_t width[TABLE_MAX_COLUMNS];
	bool text[TABLE_MAX_COLUMNS]; /* some value is no number */
};

int
table_new(struct table **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? CL_OK : why_memory();
}

/* Characters of UTF-8; wide and combining ones count as one, as in psql with
 * an ASCII terminal. */
static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool
is_number(const char *s)
{
	static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
	char *end;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	if (s[strspn(s, "+-.eE0123456789")] != '\0')
		return false;
	(void)strtod(s, &end); /* a date is none */
	return *end == '\0';
}

int
table_add(struct table *t, const char *p, size_t n)
{
	size_t at = t->values.n, width;
	char *s;
	int r;

	if (t->column == TABLE_MAX_COLUMNS ||
	    (t->records && t->column == t->columns))
		return why_set(CL_ERR_FORMAT,
		    "record %zu: expected %zu columns, came more", t->records,
		    t->records ? t->columns : (size_t)TABLE_MAX_COLUMNS);
	if ((r = text_add(&t->values, p, n)) != 0 ||
	    (r = text_add(&t->values, "", 1)) != 0)
		return r;
	s = t->values.p + at;
	for (; n; n--)
		if ((unsigned char)s[n - 1] < ' ')
			s[n - 1] = ' ';
	width = characters(s);
	if (width > t->width[t->column])
		t->width[t->column] = width;
	if (t->records && !is_number(s))
		t->text[t->column] = true;
	t->column++;
	return CL_OK;
}

int
table_end_record(struct table *t)
{
	if (t->records == 0)
		t->columns = t->column;
	else if (t->column != t->columns)
		return why_set(CL_ERR_FORMAT,
		    "record %zu: expected %zu columns, came %zu", t->records,
		    t->columns, t->column);
	t->column = 0;
	t->records++;
	return CL_OK;
}

static int
pad(struct text *out, size_t n, char with)
{
	char *at;
	int r;

	if ((r = text_room(out, n, &at)) != 0)
		return r;
	memset(at, with, n);
	out->n += n;
	return CL_OK;
}

/* Numbers to the right, text to the left, headers in the middle. */
static int
print_value(const struct table *t, size_t record, size_t column, const char *s,
    struct text *out)
{
	size_t blank = t->width[column] - characters(s), left = 0;
	bool last = column + 1 == t->columns;
	int r;

	if (record == 0)
		left = blank / 2;
	else if (!t->text[column])
		left = blank;
	if ((r = pad(out, left + 1, ' ')) != 0 || (r = text_str(out, s)) != 0)
		return r;
	/* psql pads a header's last column and no value's. */
	if ((!last || record == 0) &&
	    (r = pad(out, blank - left + 1, ' ')) != 0)
		return r;
	return text_str(out, last ? "\n" : "|");
}

static int
print_line(const struct table *t, struct text *out)
{
	size_t i;
	int r = CL_OK;

	for (i = 0; !r && i < t->columns; i++)
		if ((r = pad(out, t->width[i] + 2, '-')) == 0)
			r = text_str(out, i + 1 == t->columns ? "\n" : "+");
	return r;
}

int
table_print(const struct table *t, struct text *out)
{
	const char *s = t->values.p;
	char foot[48];
	size_t i, j;
	int r;

	for (i = 0; i < t->records; i++) {
		if (i == 1 && (r = print_line(t, out)) != 0)
			return r;
		for (j = 0; j < t->columns; j++, s += strlen(s) + 1)
			if ((r = print_value(t, i, j, s, out)) != 0)
				return r;
	}
	if (t->records == 0)
		return CL_OK;
	if (t->records == 1 && (r = print_line(t, out)) != 0)
		return r;
	snprintf(foot, sizeof(foot), "(%zu row%s)\n", t->records - 1,
	    t->records == 2 ? "" : "s");
	return text_str(out, foot);
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	text_clear(&t->values);
	free(t);
}
