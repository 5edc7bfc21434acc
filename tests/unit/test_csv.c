/* client/csv: RFC 4180 as PostgreSQL's COPY has it, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/csv.h"
#include "client/why.h"

/* What came, as one text: <field>, "quoted", then the end of the record. */
struct seen {
	struct text text;
	struct text copy; /* written back with csv_put */
	struct csv *csv;
};

static int
on_field(void *arg, const char *p, size_t n, bool quoted)
{
	struct seen *s = arg;
	int r;

	if ((r = text_str(&s->text, quoted ? "[q:" : "[")) != 0 ||
	    (r = text_add(&s->text, p, n)) != 0 ||
	    (r = text_str(&s->text, "]")) != 0)
		return r;
	if (csv_column(s->csv) > 1 && (r = text_str(&s->copy, ",")) != 0)
		return r;
	return csv_put(&s->copy, p, n, quoted);
}

static int
on_record(void *arg, const char *eol)
{
	struct seen *s = arg;
	int r;

	if ((r = text_str(&s->copy, eol)) != 0)
		return r;
	return text_str(&s->text, eol[0] == '\r' ? "|rn"
				  : eol[0]	 ? "|n"
						 : "|end");
}

static int
parse(struct seen *s, const char *p, size_t n, size_t cut)
{
	struct csv_hooks hooks = {on_field, on_record, s};
	int r;

	memset(s, 0, sizeof(*s));
	assert_int_equal(csv_new(&hooks, &s->csv), 0);
	if ((r = csv_feed(s->csv, p, cut)) == 0 &&
	    (r = csv_feed(s->csv, p + cut, n - cut)) == 0)
		r = csv_end(s->csv);
	return r;
}

static void
clear(struct seen *s)
{
	csv_free(s->csv);
	text_clear(&s->text);
	text_clear(&s->copy);
}

static const char *
shown(const struct text *t)
{
	return t->p ? t->p : "";
}

static void
good(const char *in, const char *want)
{
	struct seen s;
	size_t n = strlen(in), cut;

	for (cut = 0; cut <= n; cut++) {
		assert_int_equal(parse(&s, in, n, cut), 0);
		assert_string_equal(shown(&s.text), want);
		assert_int_equal(s.copy.n, n);
		assert_string_equal(shown(&s.copy), in);
		clear(&s);
	}
}

static void
bad(const char *in, int code, const char *says)
{
	struct seen s;
	size_t n = strlen(in), cut;

	for (cut = 0; cut <= n; cut++) {
		assert_int_equal(parse(&s, in, n, cut), code);
		if (!strstr(why_text(), says))
			fail_msg(
			    "\"%s\" does not say \"%s\"", why_text(), says);
		clear(&s);
	}
}

static void
misplaced_quotes_are_refused_with_their_place(void **state)
{
	(void)state;
	bad("a,b\"c\n", CL_ERR_FORMAT, "line 1, column 2: expected quotes");
	bad("a\nb,\"c\"d\n", CL_ERR_FORMAT,
	    "line 2, column 2: expected a comma");
	bad("\"a\" ,b\n", CL_ERR_FORMAT, "line 1, column 1");
	bad("a\n\"b\nc\n", CL_ERR_TRUNCATED, "begins in line 2");
	bad("\"", CL_ERR_TRUNCATED, "closing quote");
	bad("a\n\"b\n\n\",c\"\n", CL_ERR_FORMAT, "line 4, column 2");
}

static void
lone_carriage_returns_are_refused(void **state)
{
	(void)state;
	bad("a\rb\n", CL_ERR_FORMAT, "line 1, column 1: expected a line feed");
	bad("a,b\r", CL_ERR_FORMAT, "came the end of the input");
	bad("\"a\"\r\r\n", CL_ERR_FORMAT, "line feed");
}

static void
a_field_has_a_limit(void **state)
{
	struct csv_hooks hooks;
	struct seen s = {{0}, {0}, NULL};
	size_t n = 1u << 20, i;
	char *piece = malloc(n);
	int r = 0;

	(void)state;
	assert_non_null(piece);
	memset(piece, 'x', n);
	hooks = (struct csv_hooks){on_field, on_record, &s};
	assert_int_equal(csv_new(&hooks, &s.csv), 0);
	for (i = 0; i < CSV_FIELD_MAX / n; i++)
		assert_int_equal(csv_feed(s.csv, piece, n), 0);
	r = csv_feed(s.csv, piece, 1);
	assert_int_equal(r, CL_ERR_TOO_LARGE);
	clear(&s);
	free(piece);
}

static void
quotes_hold_anything(void **state)
{
	(void)state;
	good("\"a,b\",\"c\nd\",\"e\"\"f\"\n", "[q:a,b][q:c\nd][q:e\"f]|n");
	good("\"\"\"\"\n", "[q:\"]|n");
	good("\"\r\n\"\r\n", "[q:\r\n]|rn");
	good("\"a\"\r\n\"b\"\r\n", "[q:a]|rn[q:b]|rn");
}

static void
empty_fields_and_lines_keep_their_kind(void **state)
{
	(void)state;
	good("", "");
	good("\n", "[]|n");
	good("\"\"\n", "[q:]|n");
	good(",\n", "[][]|n");
	good("a,\"\",\n\nb\n", "[a][q:][]|n[]|n[b]|n");
	good(",", "[][]|end");
	good("a", "[a]|end");
	good("a\nb", "[a]|n[b]|end");
	good(" a , b \n", "[ a ][ b ]|n");
}

static int
stop(void *arg, const char *p, size_t n, bool quoted)
{
	(void)arg;
	(void)p;
	(void)n;
	(void)quoted;
	return CL_ERR_LIMIT;
}

static void
a_hooks_failure_ends_it(void **state)
{
	struct csv_hooks hooks = {stop, on_record, NULL};
	struct csv *c;

	(void)state;
	assert_int_equal(csv_new(&hooks, &c), 0);
	assert_int_equal(csv_feed(c, "a", 1), 0);
	assert_int_equal(csv_feed(c, ",", 1), CL_ERR_LIMIT);
	csv_free(c);
}

static void
writing_quotes_what_needs_it(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
	    {"plain", "plain"},
	    {"a,b", "\"a,b\""},
	    {"a\"b", "\"a\"\"b\""},
	    {"a\nb", "\"a\nb\""},
	    {"a\rb", "\"a\rb\""},
	    {" a", " a"},
	};
	struct text t = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    csv_put(&t, rows[i].in, strlen(rows[i].in), false), 0);
		assert_string_equal(t.p, rows[i].out);
		text_reset(&t);
	}
	assert_int_equal(csv_put(&t, "", 0, false), 0); /* NULL */
	assert_int_equal(t.n, 0);
	assert_int_equal(csv_put(&t, "", 0, true), 0);
	assert_string_equal(t.p, "\"\"");
	assert_true(csv_needs_quotes("", 0, false));
	assert_true(csv_needs_quotes("\\.", 2, true));
	assert_false(csv_needs_quotes("\\.", 2, false));
	assert_false(csv_needs_quotes("\\.x", 3, true));
	text_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(misplaced_quotes_are_refused_with_their_place),
	    cmocka_unit_test(lone_carriage_returns_are_refused),
	    cmocka_unit_test(a_field_has_a_limit),
	    cmocka_unit_test(quotes_hold_anything),
	    cmocka_unit_test(empty_fields_and_lines_keep_their_kind),
	    cmocka_unit_test(a_hooks_failure_ends_it),
	    cmocka_unit_test(writing_quotes_what_needs_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
