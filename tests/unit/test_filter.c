/* client/filter: every cell found, nothing else touched, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/cells.h"
#include "client/filter.h"
#include "client/why.h"

/* One character less than the shortest possible cell has behind its prefix. */
#define BODY	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh-_0"
#define GOOD	"cl1_" BODY "A" /* stands for value */
#define GOON	"cl1_" BODY "N" /* stands for an awkward value */
#define DEAD	"cl1_" BODY "X" /* does not open */
#define AWKWARD "a,\"b\\c\n\x01\td"

struct run {
	struct text out;
	unsigned failed;
	uint64_t line;
};

static int
put(void *arg, const char *p, size_t n)
{
	struct run *run = arg;

	return text_add(&run->out, p, n);
}

static int
resolve(void *arg, const char *token, size_t n, struct text *out)
{
	(void)arg;
	assert_true(n >= CELLS_TEXT_MIN && n <= CELLS_TEXT_MAX);
	assert_memory_equal(token, "cl1_", 4);
	if (token[n - 1] == 'A')
		return text_str(out, "value");
	if (token[n - 1] == 'N')
		return text_str(out, AWKWARD);
	if (token[n - 1] == 'E')
		return CL_OK; /* the empty string */
	return why_set(CL_ERR_BAD_CELL, "damaged");
}

static void
failed(void *arg, uint64_t line)
{
	struct run *run = arg;

	assert_string_equal(why_text(), "damaged");
	run->failed++;
	run->line = line;
}

static int
filter(struct run *run, enum filter_form form, const char *in, size_t n,
    size_t a, size_t b)
{
	struct filter_hooks hooks = {put, resolve, failed, run};
	struct filter *f;
	int r;

	memset(run, 0, sizeof(*run));
	assert_int_equal(filter_new(&hooks, form, &f), 0);
	if ((r = filter_feed(f, in, a)) == 0 &&
	    (r = filter_feed(f, in + a, b - a)) == 0 &&
	    (r = filter_feed(f, in + b, n - b)) == 0)
		r = filter_end(f);
	filter_free(f);
	return r;
}

/* In one piece, and with two cuts at every pair of places. */
static void
check(enum filter_form form, const char *in, const char *want,
    unsigned failures, uint64_t line)
{
	size_t n = strlen(in), a, b;
	struct run run;

	for (a = 0; a <= n; a++)
		for (b = a; b <= n; b++) {
			assert_int_equal(filter(&run, form, in, n, a, b), 0);
			assert_string_equal(run.out.p ? run.out.p : "", want);
			assert_int_equal(run.failed, failures);
			assert_int_equal(run.line, line);
			text_clear(&run.out);
		}
}

static void
same(const char *in)
{
	check(FILTER_PLAIN, in, in, 0, 0);
}

static void
look_alikes_pass(void **state)
{
	(void)state;
	assert_int_equal(strlen(GOOD), CELLS_TEXT_MIN);
	same("");
	same("c cl cl1 cl1_ cl1_notes ccl1_x ccccl1__ clcl1_");
	same("xcl1_" BODY "A");
	same("_cl1_" BODY "A");
	same("-cl1_" BODY "A");
	same("9cl1_" BODY "A");
	same("CL1_" BODY "A");
	same("cl2_" BODY "A");
	same("cl1-" BODY "A");
	same("cl1_" BODY); /* one too short */
	same("cl1_" BODY " cl1_" BODY ",cl1_");
}

static void
cells_are_found_between_anything(void **state)
{
	(void)state;
	check(FILTER_PLAIN, GOOD, "value", 0, 0);
	check(FILTER_PLAIN, GOOD "\n", "value\n", 0, 0);
	check(FILTER_PLAIN, "a|" GOOD "|b", "a|value|b", 0, 0);
	check(FILTER_PLAIN, "{" GOOD "," GOOD "}", "{value,value}", 0, 0);
	check(FILTER_PLAIN, "c " GOOD " c", "c value c", 0, 0);
	check(FILTER_PLAIN, "'" GOOD "'::enc_int4", "'value'::enc_int4", 0, 0);
	check(FILTER_PLAIN, "cl1_ " GOOD, "cl1_ value", 0, 0);
	check(FILTER_PLAIN, "\xc3\xa4" GOOD "\xc3\xa4", "\xc3\xa4value\xc3\xa4",
	    0, 0);
	check(FILTER_PLAIN, "[cl1_" BODY "E]", "[]", 0, 0);
}

static void
what_does_not_open_stays_and_is_counted(void **state)
{
	(void)state;
	check(FILTER_PLAIN, "x\ny\n" DEAD "\n" GOOD "\n",
	    "x\ny\n" DEAD "\nvalue\n", 1, 3);
	check(FILTER_PLAIN, DEAD " " DEAD, DEAD " " DEAD, 2, 1);
	/* Two without anything between them are one word, not a cell and more.
	 */
	check(FILTER_PLAIN, "\n" GOOD DEAD, "\n" GOOD DEAD, 1, 2);
}

static void
json_strings_stay_json(void **state)
{
	(void)state;
	check(FILTER_JSON, "{\"a\":\"" GOON "\",\"b\":\"" GOOD "\"}",
	    "{\"a\":\"a,\\\"b\\\\c\\n\\u0001\\td\",\"b\":\"value\"}", 0, 0);
	check(FILTER_JSON, "[\"" DEAD "\"]", "[\"" DEAD "\"]", 1, 1);
}

static void
csv_fields_are_quoted_when_the_value_needs_it(void **state)
{
	(void)state;
	check(FILTER_CSV, "n,v\n1," GOOD "\n", "n,v\n1,value\n", 0, 0);
	check(FILTER_CSV, "1," GOON ",\"x\"\n",
	    "1,\"a,\"\"b\\c\n\x01\td\",\"x\"\n", 0, 0);
	check(FILTER_CSV, "\"{" GOOD "," GOON "}\"\r\n",
	    "\"{value,a,\"\"b\\c\n\x01\td}\"\r\n", 0, 0);
	/* The empty string is not NULL. */
	check(FILTER_CSV, "cl1_" BODY "E,\n", "\"\",\n", 0, 0);
	check(FILTER_CSV, "a\nb," DEAD ",\"\"\n", "a\nb," DEAD ",\"\"\n", 1, 2);
}

static void
tables_are_as_wide_as_their_values(void **state)
{
	(void)state;
	check(FILTER_TABLE, "", "", 0, 0);
	check(FILTER_TABLE, "a,b\n", " a | b \n---+---\n(0 rows)\n", 0, 0);
	check(FILTER_TABLE,
	    "id,long,day\n1," GOOD ",2024-02-29\n-12.5,\"\xc3\xa4\nb\",\n",
	    "  id   | long  |    day     \n"
	    "-------+-------+------------\n"
	    "     1 | value | 2024-02-29\n"
	    " -12.5 | \xc3\xa4 b   | \n"
	    "(2 rows)\n",
	    0, 0);
	check(FILTER_TABLE, "a\n" DEAD "\n",
	    "                     a                      \n"
	    "--------------------------------------------\n"
	    " " DEAD "\n(1 row)\n",
	    1, 2);
}

static void
ragged_tables_are_refused(void **state)
{
	struct run run;

	(void)state;
	assert_int_equal(
	    filter(&run, FILTER_TABLE, "a,b\n1\n", 6, 0, 0), CL_ERR_FORMAT);
	assert_int_equal(
	    filter(&run, FILTER_TABLE, "a\n1,2\n", 6, 0, 0), CL_ERR_FORMAT);
	assert_int_equal(run.out.n, 0);
}

static void
csv_that_is_none_is_an_error(void **state)
{
	struct run run;

	(void)state;
	assert_int_equal(
	    filter(&run, FILTER_CSV, "a\"b\n", 4, 1, 2), CL_ERR_FORMAT);
	text_clear(&run.out);
	assert_int_equal(
	    filter(&run, FILTER_CSV, "\"b\n", 3, 1, 2), CL_ERR_TRUNCATED);
	text_clear(&run.out);
}

struct counts {
	size_t bytes;
	unsigned failed;
};

static int
count_bytes(void *arg, const char *p, size_t n)
{
	struct counts *c = arg;

	(void)p;
	c->bytes += n;
	return CL_OK;
}

static void
count_failed(void *arg, uint64_t line)
{
	struct counts *c = arg;

	(void)line;
	c->failed++;
}

/* Memory is bounded by the largest cell, and every byte still comes out. */
static void
an_endless_word_passes(void **state)
{
	struct counts c = {0, 0};
	struct filter_hooks hooks = {count_bytes, resolve, count_failed, &c};
	size_t n = 1u << 20, i;
	char *piece = malloc(n);
	struct filter *f;

	(void)state;
	assert_non_null(piece);
	memset(piece, 'x', n);
	assert_int_equal(filter_new(&hooks, FILTER_PLAIN, &f), 0);
	assert_int_equal(filter_feed(f, "cl1_", 4), 0);
	for (i = 0; i < 12; i++)
		assert_int_equal(filter_feed(f, piece, n), 0);
	assert_int_equal(filter_feed(f, " " GOOD, 1 + strlen(GOOD)), 0);
	assert_int_equal(filter_end(f), 0);
	filter_free(f);
	free(piece);
	assert_int_equal(c.bytes, 4 + 12 * n + 1 + strlen("value"));
	assert_int_equal(c.failed, 1);
}

static int
refuse(void *arg, const char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return why_set(CL_ERR_IO, "full");
}

static void
a_full_disk_ends_it(void **state)
{
	struct filter_hooks hooks = {refuse, resolve, failed, NULL};
	struct filter *f;

	(void)state;
	assert_int_equal(filter_new(&hooks, FILTER_PLAIN, &f), 0);
	assert_int_equal(filter_feed(f, GOOD, strlen(GOOD)), 0);
	assert_int_equal(filter_feed(f, "\n", 1), CL_ERR_IO);
	filter_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(look_alikes_pass),
	    cmocka_unit_test(cells_are_found_between_anything),
	    cmocka_unit_test(what_does_not_open_stays_and_is_counted),
	    cmocka_unit_test(json_strings_stay_json),
	    cmocka_unit_test(csv_fields_are_quoted_when_the_value_needs_it),
	    cmocka_unit_test(tables_are_as_wide_as_their_values),
	    cmocka_unit_test(ragged_tables_are_refused),
	    cmocka_unit_test(csv_that_is_none_is_an_error),
	    cmocka_unit_test(an_endless_word_passes),
	    cmocka_unit_test(a_full_disk_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
