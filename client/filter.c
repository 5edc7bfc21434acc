#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/csv.h"
#include "client/filter.h"
#include "client/filter_scan.h"
#include "client/table.h"
#include "client/why.h"

struct filter {
	struct filter_hooks hooks;
	enum filter_form form;
	struct filter_scan scan;
	struct text value;
	uint64_t line; /* plain and JSON; CSV asks its parser */
	/* CSV and table only: */
	struct csv *csv;
	struct text field; /* the field with its cells replaced */
	struct text out;
	struct table *table;
	bool replaced;
	unsigned column;
};

static uint64_t
line_of(const struct filter *f)
{
	return f->csv ? csv_line(f->csv) : f->line;
}

/* ---- plain and JSON ---- */

static int
plain_bytes(void *arg, const char *p, size_t n)
{
	struct filter *f = arg;
	const char *at = p, *end = p + n;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		f->line++;
		at++;
	}
	return f->hooks.put(f->hooks.arg, p, n);
}

static int
put_escape(struct filter *f, unsigned char b)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *at = b ? strchr(plain, b) : NULL;
	char out[7];
	int n;

	if (at)
		n = snprintf(out, sizeof(out), "\\%c", letter[at - plain]);
	else
		n = snprintf(out, sizeof(out), "\\u%04x", b);
	return f->hooks.put(f->hooks.arg, out, (size_t)n);
}

static int
put_json(struct filter *f, const char *p, size_t n)
{
	size_t i, run = 0;
	int r;

	for (i = 0; i < n; i++) {
		if ((unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
			continue;
		if (i > run &&
		    (r = f->hooks.put(f->hooks.arg, p + run, i - run)) != 0)
			return r;
		if ((r = put_escape(f, (unsigned char)p[i])) != 0)
			return r;
		run = i + 1;
	}
	return n > run ? f->hooks.put(f->hooks.arg, p + run, n - run) : CL_OK;
}

static int
resolve(struct filter *f, const char *p, size_t n)
{
	int r = f->hooks.resolve(f->hooks.arg, p, n, &f->value);

	if (r)
		f->hooks.failed(f->hooks.arg, line_of(f));
	return r;
}

static int
plain_token(void *arg, const char *p, size_t n)
{
	struct filter *f = arg;
	int r;

	if (resolve(f, p, n) != 0)
		return f->hooks.put(f->hooks.arg, p, n);
	if (f->form == FILTER_JSON)
		r = put_json(f, f->value.p, f->value.n);
	else
		r = f->hooks.put(f->hooks.arg, f->value.p, f->value.n);
	text_reset(&f->value);
	return r;
}

static void
overlong(void *arg)
{
	struct filter *f = arg;

	(void)why_set(CL_ERR_BAD_CELL,
	    "expected a cell, came more characters than any cell has");
	f->hooks.failed(f->hooks.arg, line_of(f));
}

/* ---- CSV ---- */

static int
field_bytes(void *arg, const char *p, size_t n)
{
	struct filter *f = arg;

	return text_add(&f->field, p, n);
}

static int
field_token(void *arg, const char *p, size_t n)
{
	struct filter *f = arg;
	int r;

	if (resolve(f, p, n) != 0)
		return text_add(&f->field, p, n);
	f->replaced = true;
	r = text_add(&f->field, f->value.p, f->value.n);
	text_reset(&f->value);
	return r;
}

static int
put_field(struct filter *f, const char *p, size_t n, bool quoted)
{
	int r;

	if (f->form == FILTER_TABLE)
		return table_add(f->table, p, n);
	if (f->replaced && csv_needs_quotes(p, n, f->column == 0))
		quoted = true;
	if (f->column++ && (r = text_add(&f->out, ",", 1)) != 0)
		return r;
	return csv_put(&f->out, p, n, quoted);
}

static int
on_field(void *arg, const char *p, size_t n, bool quoted)
{
	struct filter *f = arg;
	int r;

	f->replaced = false;
	if ((r = filter_scan_feed(&f->scan, p, n)) != 0 ||
	    (r = filter_scan_end(&f->scan)) != 0)
		return r;
	r = put_field(f, f->field.p ? f->field.p : "", f->field.n, quoted);
	text_reset(&f->field);
	return r;
}

static int
put_out(struct filter *f)
{
	int r;

	r = f->out.n ? f->hooks.put(f->hooks.arg, f->out.p, f->out.n) : CL_OK;
	text_reset(&f->out);
	return r;
}

static int
on_record(void *arg, const char *eol)
{
	struct filter *f = arg;
	int r;

	if (f->form == FILTER_TABLE)
		return table_end_record(f->table);
	f->column = 0;
	if ((r = text_str(&f->out, eol)) != 0)
		return r;
	return put_out(f);
}

static int
make_csv(struct filter *f)
{
	struct csv_hooks csv = {on_field, on_record, f};
	int r;

	f->scan.plain = field_bytes;
	f->scan.token = field_token;
	if ((r = csv_new(&csv, &f->csv)) != 0)
		return r;
	return f->form == FILTER_TABLE ? table_new(&f->table) : CL_OK;
}

/* ---- */

int
filter_new(const struct filter_hooks *hooks, enum filter_form form,
    struct filter **out)
{
	struct filter *f = calloc(1, sizeof(*f));
	int r = CL_OK;

	*out = NULL;
	if (!f)
		return why_memory();
	f->hooks = *hooks;
	f->form = form;
	f->line = 1;
	f->scan.arg = f;
	f->scan.plain = plain_bytes;
	f->scan.token = plain_token;
	f->scan.overlong = overlong;
	if (form == FILTER_CSV || form == FILTER_TABLE)
		r = make_csv(f);
	if (r) {
		filter_free(f);
		return r;
	}
	*out = f;
	return CL_OK;
}

int
filter_feed(struct filter *f, const char *p, size_t n)
{
	if (f->csv)
		return csv_feed(f->csv, p, n);
	return filter_scan_feed(&f->scan, p, n);
}

int
filter_end(struct filter *f)
{
	int r;

	if (!f->csv)
		return filter_scan_end(&f->scan);
	if ((r = csv_end(f->csv)) != 0 || !f->table)
		return r;
	if ((r = table_print(f->table, &f->out)) != 0)
		return r;
	return put_out(f);
}

void
filter_free(struct filter *f)
{
	if (!f)
		return;
	filter_scan_clear(&f->scan);
	text_clear(&f->value);
	text_clear(&f->field);
	text_clear(&f->out);
	csv_free(f->csv);
	table_free(f->table);
	free(f);
}
