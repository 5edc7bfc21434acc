#include <stdlib.h>
#include <string.h>

#include "client/csv.h"
#include "client/why.h"

enum csv_state {
	AT_RECORD, /* nothing of the record was seen */
	AT_FIELD,  /* behind a comma */
	IN_FIELD,  /* unquoted text */
	IN_QUOTES,
	AT_QUOTE, /* a quote inside quotes: an end, or the first of two */
	AT_CR,	  /* an LF must follow */
};

struct csv {
	struct csv_hooks hooks;
	enum csv_state state;
	struct text field;
	bool quoted;
	uint64_t line;
	uint64_t opened; /* line of the opening quote */
	unsigned column;
};

int
csv_new(const struct csv_hooks *hooks, struct csv **out)
{
	struct csv *c = calloc(1, sizeof(*c));

	*out = c;
	if (!c)
		return why_memory();
	c->hooks = *hooks;
	c->state = AT_RECORD;
	c->line = 1;
	c->column = 1;
	return CL_OK;
}

static int
misplaced(const struct csv *c, const char *expected, const char *came)
{
	return why_set(CL_ERR_FORMAT,
	    "line %llu, column %u: expected %s, came %s",
	    (unsigned long long)c->line, c->column, expected, came);
}

static int
add(struct csv *c, const char *p, size_t n)
{
	if (n > CSV_FIELD_MAX - c->field.n)
		return why_set(CL_ERR_TOO_LARGE,
		    "line %llu, column %u: field exceeds %u bytes",
		    (unsigned long long)c->line, c->column, CSV_FIELD_MAX);
	return text_add(&c->field, p, n);
}

static int
end_field(struct csv *c)
{
	const char *p = c->field.p ? c->field.p : "";
	int r = c->hooks.field(c->hooks.arg, p, c->field.n, c->quoted);

	text_reset(&c->field);
	c->quoted = false;
	if (r == 0)
		c->column++;
	return r;
}

static int
end_record(struct csv *c, const char *eol)
{
	int r;

	if ((r = end_field(c)) != 0 ||
	    (r = c->hooks.record(c->hooks.arg, eol)) != 0)
		return r;
	c->line += *eol != '\0';
	c->column = 1;
	c->state = AT_RECORD;
	return CL_OK;
}

/* A byte that ends a field, in the states that allow it. */
static int
separator(struct csv *c, char b)
{
	int r;

	if (b == '\n')
		return end_record(c, "\n");
	if (b == '\r') {
		c->state = AT_CR;
		return CL_OK;
	}
	if ((r = end_field(c)) == 0)
		c->state = AT_FIELD;
	return r;
}

static bool
is_separator(char b)
{
	return b == ',' || b == '\n' || b == '\r';
}

static int
start_field(struct csv *c, char b)
{
	if (is_separator(b))
		return separator(c, b);
	if (b == '"') {
		c->quoted = true;
		c->opened = c->line;
		c->state = IN_QUOTES;
		return CL_OK;
	}
	c->state = IN_FIELD;
	return add(c, &b, 1);
}

static int
after_quote(struct csv *c, char b)
{
	if (b == '"') {
		c->state = IN_QUOTES;
		return add(c, &b, 1);
	}
	if (is_separator(b))
		return separator(c, b);
	return misplaced(c,
	    "a comma or the end of the line behind the closing "
	    "quote",
	    "another character");
}

/* Consumes a run of unquoted text, or the byte that ends it. */
static int
unquoted(struct csv *c, const char *p, size_t n, size_t *used)
{
	size_t i;

	for (i = 0; i < n && p[i] != '"' && !is_separator(p[i]); i++)
		;
	*used = i ? i : 1;
	if (i)
		return add(c, p, i);
	if (*p == '"')
		return misplaced(c, "quotes around the whole field",
		    "a quote in its middle");
	return separator(c, *p);
}

static int
quoted(struct csv *c, const char *p, size_t n, size_t *used)
{
	size_t i;

	for (i = 0; i < n && p[i] != '"'; i++)
		c->line += p[i] == '\n';
	*used = i ? i : 1;
	if (i)
		return add(c, p, i);
	c->state = AT_QUOTE;
	return CL_OK;
}

static int
step(struct csv *c, const char *p, size_t n, size_t *used)
{
	*used = 1;
	switch (c->state) {
	case AT_RECORD:
	case AT_FIELD:
		return start_field(c, *p);
	case IN_FIELD:
		return unquoted(c, p, n, used);
	case IN_QUOTES:
		return quoted(c, p, n, used);
	case AT_QUOTE:
		return after_quote(c, *p);
	case AT_CR:
		if (*p == '\n')
			return end_record(c, "\r\n");
		return misplaced(c,
		    "a line feed behind the carriage return "
		    "(or quotes around both)",
		    "another character");
	}
	return why_set(CL_ERR_INTERNAL, "%s", err_text(CL_ERR_INTERNAL));
}

int
csv_feed(struct csv *c, const char *p, size_t n)
{
	size_t used;
	int r;

	for (; n; p += used, n -= used)
		if ((r = step(c, p, n, &used)) != 0)
			return r;
	return CL_OK;
}

int
csv_end(struct csv *c)
{
	switch (c->state) {
	case AT_RECORD:
		return CL_OK;
	case IN_QUOTES:
		return why_set(CL_ERR_TRUNCATED,
		    "expected a closing quote, came the end of the input; the "
		    "field begins in line %llu",
		    (unsigned long long)c->opened);
	case AT_CR:
		return misplaced(c, "a line feed behind the carriage return",
		    "the end of the input");
	default:
		return end_record(c, "");
	}
}

uint64_t
csv_line(const struct csv *c)
{
	return c->line;
}

unsigned
csv_column(const struct csv *c)
{
	return c->column;
}

void
csv_free(struct csv *c)
{
	if (!c)
		return;
	text_clear(&c->field);
	free(c);
}

bool
csv_needs_quotes(const char *p, size_t n, bool first)
{
	size_t i;

	if (n == 0 || (first && n == 2 && memcmp(p, "\\.", 2) == 0))
		return true;
	for (i = 0; i < n; i++)
		if (p[i] == '"' || is_separator(p[i]))
			return true;
	return false;
}

int
csv_put(struct text *out, const char *p, size_t n, bool quoted_field)
{
	size_t i;
	char *at;
	int r;

	if (!quoted_field && (n == 0 || !csv_needs_quotes(p, n, false)))
		return text_add(out, p, n);
	if ((r = text_room(out, 2 * n + 2, &at)) != 0)
		return r;
	out->p[out->n++] = '"';
	for (i = 0; i < n; i++) {
		if (p[i] == '"')
			out->p[out->n++] = '"';
		out->p[out->n++] = p[i];
	}
	out->p[out->n++] = '"';
	out->p[out->n] = '\0';
	return CL_OK;
}
