/* tde/sort: ranks against qsort with value_compare, of all rows and of the last
 * ones, all-or-nothing appends, limits, and stopping. */
#include "lib/secmem.h"
#include "tde/sort.h"
#include "tde/sort_rows.h"
#include "tests/unit/programs.h"

#define LIMIT (64u << 20)

static struct bench b;

static int
setup(void **state)
{
	(void)state;
	bench_new(&b, 1u << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_free(&b);
	return 0;
}

/* Counts its calls; group 7 is not known, group 6 is refused. */
static int
find_group(void *arg, uint32_t tag, struct groupkey **out)
{
	unsigned *calls = arg;

	++*calls;
	if (tag == TAG(7))
		return CL_ERR_NEED_GROUP;
	if (tag == TAG(6))
		return CL_ERR_REFUSED;
	*out = b.groups[tag - TAG(0)];
	return CL_OK;
}

static int
append(struct sortrun *s, uint32_t n)
{
	struct rd in = rd_make(b.in.p, b.in.len);
	unsigned calls = 0;
	int r = sort_append(s, n, &in, find_group, &calls);

	bench_reset(&b);
	return r;
}

static uint32_t
rank_of(const struct sortrun *s, uint32_t row)
{
	uint8_t p[4];
	struct wr w = wr_make(p, 4);

	assert_int_equal(sort_ranks(s, row, 1, &w), CL_OK);
	return le32_get(p);
}

static uint64_t seed = 7;

static uint32_t
next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

struct plain {
	uint8_t n;
	uint8_t p[31];
};

static uint8_t compared_type;

static int
by_value(const void *x, const void *y)
{
	const struct plain *a = x, *c = y;

	return value_compare(compared_type, a->p, a->n, c->p, c->n);
}

/* Many equal values, many equal beginnings, and the extremes. */
static void
random_plain(uint8_t type, struct plain *v)
{
	unsigned width = cell_type_width(type), i;

	v->n = (uint8_t)(width ? width : next_random() % 20);
	for (i = 0; i < v->n; i++)
		v->p[i] = (uint8_t)(next_random() % 3 == 0 ? 'b' : 'a');
	if (type == TYPE_BYTEA && v->n)
		v->p[v->n - 1] = 0; /* a prefix and zeros */
	if (type == TYPE_BOOL)
		v->p[0] = next_random() & 1;
	if (type == TYPE_DATE)
		le32_put(v->p, next_random() % 9 - 4);
	if (type == TYPE_TIMESTAMP)
		le64_put(v->p, next_random() % 5
				   ? (uint64_t)(int64_t)(int32_t)next_random()
				   : UINT64_C(1) << 63);
	if (type >= TYPE_INT2 && type <= TYPE_FLOAT8 && next_random() % 2)
		for (i = 0; i < v->n; i++)
			v->p[i] = (uint8_t)(0 - (next_random() & 1));
	if (type == TYPE_INT8 && next_random() % 2)
		le64_put(v->p, (uint64_t)next_random() << 32);
	if (type == TYPE_FLOAT8 && next_random() % 3 == 0)
		le64_put(v->p, (uint64_t)(next_random() & 1) << 63);
}

/* Finishes from row from, of which v is the value, on; n rows in all. */
static void
check_ranks(struct sortrun *s, uint8_t type, const struct plain *v,
    uint32_t from, uint32_t n)
{
	struct plain *sorted = malloc((n - from) * sizeof(*v)), *hit;
	uint32_t *ranks = calloc(n - from, sizeof(*ranks)), i;

	assert_int_equal(sort_finish(s, from, NULL), CL_OK);
	memcpy(sorted, v, (n - from) * sizeof(*v));
	compared_type = type;
	qsort(sorted, n - from, sizeof(*v), by_value);
	for (i = 1; i < n - from; i++)
		ranks[i] =
		    ranks[i - 1] + (by_value(&sorted[i - 1], &sorted[i]) != 0);
	for (i = from; i < n; i++) {
		hit = bsearch(
		    &v[i - from], sorted, n - from, sizeof(*v), by_value);
		assert_non_null(hit);
		if (rank_of(s, i) != ranks[hit - sorted])
			fail_msg("type %u row %u from %u", type, i, from);
	}
	free(sorted);
	free(ranks);
}

static void
append_random(struct sortrun *s, uint8_t type, struct plain *v, uint32_t n)
{
	uint32_t i, pending = 0;

	for (i = 0; i < n; i++) {
		random_plain(type, &v[i]);
		bench_plain(&b, type, i % 2, v[i].p, v[i].n);
		if (++pending < 777 && i + 1 < n)
			continue;
		assert_int_equal(append(s, pending), CL_OK);
		pending = 0;
	}
}

static void
sort_type(uint8_t type, uint32_t n)
{
	struct plain *v = calloc(n, sizeof(*v));
	struct sortrun *s;

	assert_int_equal(sort_new(&s, type, LIMIT), CL_OK);
	bench_reset(&b);
	append_random(s, type, v, n);
	assert_int_equal(sort_count(s), n);
	check_ranks(s, type, v, 0, n);
	sort_free(s);
	free(v);
}

static void
test_against_qsort(void **state)
{
	static const uint8_t types[] = {TYPE_BOOL, TYPE_INT2, TYPE_INT4,
	    TYPE_INT8, TYPE_FLOAT4, TYPE_FLOAT8, TYPE_TEXT, TYPE_BYTEA,
	    TYPE_DATE, TYPE_TIMESTAMP, TYPE_UUID};
	static const uint32_t sizes[] = {1, 2, 7, 8, 9, 17, 100, SORT_CHUNK - 1,
	    SORT_CHUNK, SORT_CHUNK + 1, 3 * SORT_CHUNK + 5};
	unsigned i, k;

	(void)state;
	for (i = 0; i < sizeof(types); i++)
		for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
			sort_type(types[i], sizes[k]);
}

/* Batches of all sizes, each sorted by itself; at times some before it, too,
 * or all, which leaves chunks in disorder for the next one. */
static void
batches_of(uint8_t type, unsigned rounds, uint32_t most)
{
	struct plain *v = calloc(rounds * most, sizeof(*v));
	uint32_t n = 0, base;
	struct sortrun *s;
	unsigned i;

	assert_int_equal(sort_new(&s, type, LIMIT), CL_OK);
	for (i = 0; i < rounds; i++) {
		base = n;
		n += 1 + next_random() % most;
		append_random(s, type, v + base, n - base);
		check_ranks(s, type, v + base, base, n);
		if (next_random() % 3 == 0)
			check_ranks(s, type, v, 0, n);
		base = next_random() % n;
		if (next_random() % 3 == 0)
			check_ranks(s, type, v + base, base, n);
	}
	check_ranks(s, type, v, 0, n);
	check_ranks(s, type, v, 0, n);
	sort_free(s);
	free(v);
}

static void
test_batches(void **state)
{
	(void)state;
	batches_of(TYPE_INT4, 60, 5);
	batches_of(TYPE_INT8, 20, SORT_CHUNK);
	batches_of(TYPE_INT2, 8, 3 * SORT_CHUNK);
	batches_of(TYPE_FLOAT8, 12, 300);
	batches_of(TYPE_TEXT, 60, 40);
	batches_of(TYPE_TEXT, 8, 2 * SORT_CHUNK);
	batches_of(TYPE_BYTEA, 20, SORT_CHUNK - 1);
}

/* Only what the last finish covered has ranks. */
static void
test_ranks_outside(void **state)
{
	struct sortrun *s;
	uint8_t room[16];
	struct wr w = wr_make(room, sizeof(room));
	unsigned i;

	(void)state;
	assert_int_equal(sort_new(&s, TYPE_INT4, LIMIT), CL_OK);
	for (i = 0; i < 5; i++)
		bench_cell(&b, TYPE_INT4, 0, i % 2 ? "-7" : "7");
	assert_int_equal(append(s, 5), CL_OK);
	assert_int_equal(sort_finish(s, 6, NULL), CL_ERR_ARGUMENT);
	assert_int_equal(sort_finish(s, UINT32_MAX, NULL), CL_ERR_ARGUMENT);
	assert_int_equal(sort_ranks(s, 0, 0, &w), CL_ERR_STATE);
	assert_int_equal(sort_finish(s, 3, NULL), CL_OK);
	assert_int_equal(rank_of(s, 3), 0);
	assert_int_equal(rank_of(s, 4), 1);
	assert_int_equal(sort_ranks(s, 2, 0, &w), CL_ERR_ARGUMENT);
	assert_int_equal(sort_ranks(s, 2, 2, &w), CL_ERR_ARGUMENT);
	assert_int_equal(sort_ranks(s, 4, 2, &w), CL_ERR_ARGUMENT);
	assert_int_equal(sort_ranks(s, 3, UINT32_MAX, &w), CL_ERR_ARGUMENT);
	bench_cell(&b, TYPE_INT4, 0, "0");
	assert_int_equal(append(s, 1), CL_OK);
	assert_int_equal(rank_of(s, 4), 1); /* still */
	assert_int_equal(sort_ranks(s, 5, 1, &w), CL_ERR_ARGUMENT);
	assert_int_equal(sort_finish(s, 7, NULL), CL_ERR_ARGUMENT);
	assert_int_equal(rank_of(s, 4), 1);
	assert_int_equal(sort_finish(s, 6, NULL), CL_OK);
	assert_int_equal(sort_ranks(s, 6, 0, &w), CL_OK);
	assert_int_equal(sort_ranks(s, 5, 1, &w), CL_ERR_ARGUMENT);
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(rank_of(s, 5), 1);
	assert_int_equal(rank_of(s, 4), 2);
	sort_free(s);
}

static void
test_empty(void **state)
{
	struct sortrun *s;
	struct wr w = wr_make(NULL, 0);

	(void)state;
	assert_int_equal(sort_new(&s, TYPE_INT4, LIMIT), CL_OK);
	assert_int_equal(sort_ranks(s, 0, 0, &w), CL_ERR_STATE);
	assert_int_equal(append(s, 0), CL_OK);
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(sort_count(s), 0);
	assert_int_equal(sort_ranks(s, 0, 0, &w), CL_OK);
	assert_int_equal(sort_ranks(s, 0, 1, &w), CL_ERR_ARGUMENT);
	assert_int_equal(sort_ranks(s, 1, 0, &w), CL_ERR_ARGUMENT);
	sort_free(s);
	sort_free(NULL);
	assert_int_equal(sort_new(&s, 7, LIMIT), CL_ERR_ARGUMENT);
	assert_int_equal(sort_new(&s, 0, LIMIT), CL_ERR_ARGUMENT);
	assert_int_equal(sort_new(&s, TYPE_INT4, 0), CL_ERR_LIMIT);
	assert_int_equal(sort_new(&s, TYPE_INT4, 1000), CL_ERR_LIMIT);
}

static void
test_order_of_calls(void **state)
{
	struct sortrun *s;
	uint8_t room[16];
	struct wr w = wr_make(room, 7);

	(void)state;
	assert_int_equal(sort_new(&s, TYPE_INT4, LIMIT), CL_OK);
	bench_cell(&b, TYPE_INT4, 0, "2");
	bench_cell(&b, TYPE_INT4, 0, "1");
	assert_int_equal(append(s, 2), CL_OK);
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(sort_count(s), 2);
	assert_int_equal(sort_ranks(s, 0, 2, &w), CL_ERR_TOO_LARGE);
	assert_int_equal(sort_ranks(s, 1, 2, &w), CL_ERR_ARGUMENT);
	assert_int_equal(
	    sort_ranks(s, UINT32_MAX, UINT32_MAX, &w), CL_ERR_ARGUMENT);
	assert_int_equal(rank_of(s, 0), 1);
	assert_int_equal(rank_of(s, 1), 0);
	sort_free(s);
}

/* A batch whose last entry is bad leaves nothing behind. */
static void
bad_batch(struct sortrun *s, uint8_t type, int want, void (*last)(void))
{
	uint32_t before = sort_count(s), i;

	bench_reset(&b);
	for (i = 0; i < SORT_CHUNK + 10; i++)
		bench_cell(&b, type, 0, type == TYPE_TEXT ? "zzzz" : "99");
	last();
	assert_int_equal(append(s, SORT_CHUNK + 11), want);
	assert_int_equal(sort_count(s), before);
}

static void
last_null(void)
{
	bench_cell(&b, TYPE_TEXT, 0, NULL);
}

static void
last_other_type(void)
{
	bench_cell(&b, TYPE_INT8, 0, "1");
}

static void
last_unknown_group(void)
{
	bench_cell(&b, TYPE_TEXT, 7, "1");
}

static void
last_refused_group(void)
{
	bench_cell(&b, TYPE_TEXT, 6, "1");
}

static void
last_broken(void)
{
	bench_cell(&b, TYPE_TEXT, 0, "abc");
	b.data[b.in.len - 1] ^= 1;
}

static void
last_illegal(void)
{
	bench_plain(&b, TYPE_TEXT, 0, "\xff", 1);
}

static void
last_short(void)
{
	assert_int_equal(wr_blob(&b.in, "abc", 3), CL_OK);
}

static void
last_missing(void)
{
}

static void
test_all_or_nothing(void **state)
{
	struct sortrun *s;
	unsigned i;
	char text[8];

	(void)state;
	assert_int_equal(sort_new(&s, TYPE_TEXT, LIMIT), CL_OK);
	for (i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "%03u", 299 - i);
		bench_cell(&b, TYPE_TEXT, i % 3, text);
		if (i % 100 != 99)
			continue;
		assert_int_equal(append(s, 100), CL_OK);
		bad_batch(s, TYPE_TEXT, CL_ERR_FORMAT, last_null);
		bad_batch(s, TYPE_TEXT, CL_ERR_BAD_CELL_TYPE, last_other_type);
		bad_batch(s, TYPE_TEXT, CL_ERR_NEED_GROUP, last_unknown_group);
		bad_batch(s, TYPE_TEXT, CL_ERR_REFUSED, last_refused_group);
		bad_batch(s, TYPE_TEXT, CL_ERR_BAD_CELL, last_broken);
		bad_batch(s, TYPE_TEXT, CL_ERR_BAD_CELL, last_illegal);
		bad_batch(s, TYPE_TEXT, CL_ERR_BAD_CELL, last_short);
		bad_batch(s, TYPE_TEXT, CL_ERR_TRUNCATED, last_missing);
	}
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(sort_count(s), 300);
	for (i = 0; i < 300; i++)
		assert_int_equal(rank_of(s, i), 299 - i);
	sort_free(s);
}

/* Fills up to the limit; what is in can still be finished. */
static void
fill(uint8_t type, size_t limit, unsigned batch)
{
	struct sortrun *s;
	uint32_t rows = 0, i;
	char text[16];
	int r = CL_OK;

	assert_int_equal(sort_new(&s, type, limit), CL_OK);
	while (r == CL_OK) {
		for (i = 0; i < batch; i++) {
			snprintf(text, sizeof(text), "%u",
			    (rows + i) * 7919 % 10000);
			bench_cell(&b, type, 0, text);
		}
		if ((r = append(s, batch)) == CL_OK)
			rows += batch;
		assert_true(rows < limit);
	}
	assert_int_equal(r, CL_ERR_LIMIT);
	assert_int_equal(sort_count(s), rows);
	assert_true(rows > limit / 100);
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(sort_finish(s, rows / 2, NULL), CL_OK);
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(sort_count(s), rows);
	if (type == TYPE_INT4 && rows > 1)
		assert_true(rank_of(s, 1) > rank_of(s, 0));
	sort_free(s);
}

static void
test_memory_limit(void **state)
{
	struct sortrun *s;
	char *text = calloc(1, 1u << 20);

	(void)state;
	fill(TYPE_INT4, 512u << 10, 100);
	fill(TYPE_INT4, 512u << 10, 1);
	fill(TYPE_TEXT, 1u << 20, 1000);
	assert_int_equal(sort_new(&s, TYPE_TEXT, 2u << 20), CL_OK);
	memset(text, 'x', 1u << 20);
	bench_reset(&b);
	bench_plain(&b, TYPE_TEXT, 0, text, 1u << 20);
	assert_int_equal(append(s, 1), CL_OK); /* a megabyte in two */
	bench_plain(&b, TYPE_TEXT, 0, text, 1u << 20);
	assert_int_equal(append(s, 1), CL_ERR_LIMIT);
	bench_cell(&b, TYPE_TEXT, 0, "xx");
	assert_int_equal(append(s, 1), CL_OK);
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(rank_of(s, 0), 1);
	sort_free(s);
	free(text);
}

/* Failing takes no memory away. */
static void
test_failures_cost_nothing(void **state)
{
	struct sortrun *s;
	unsigned i, k;

	(void)state;
	assert_int_equal(sort_new(&s, TYPE_TEXT, 128u << 10), CL_OK);
	for (i = 0; i < 2000; i++) {
		for (k = 0; k < 300; k++)
			bench_cell(&b, TYPE_TEXT, 0,
			    "thirty bytes of plain text, say");
		if (i == 0) {
			assert_int_equal(append(s, 300), CL_OK);
			continue;
		}
		bench_cell(&b, TYPE_TEXT, 0, NULL);
		assert_int_equal(append(s, 301), CL_ERR_FORMAT);
	}
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	assert_int_equal(sort_count(s), 300);
	sort_free(s);
}

/* More chunks than the table of chunks had at first. */
static void
test_many_chunks(void **state)
{
	struct sortrun *s;
	uint32_t i, n = 70 * SORT_CHUNK, x;
	uint8_t plain[4];

	(void)state;
	assert_int_equal(sort_new(&s, TYPE_INT4, LIMIT), CL_OK);
	for (i = 0; i < n; i++) {
		le32_put(plain, i * 2654435761u % n);
		bench_plain(&b, TYPE_INT4, 0, plain, 4);
		if (i % 1000 == 999 || i + 1 == n)
			assert_int_equal(append(s, i % 1000 + 1), CL_OK);
	}
	assert_int_equal(sort_finish(s, 0, NULL), CL_OK);
	for (i = 1; i < n; i++) {
		x = i * 2654435761u % n;
		assert_int_equal(rank_of(s, i) > rank_of(s, i - 1),
		    x > (i - 1) * 2654435761u % n);
	}
	sort_free(s);
}

static void
test_stop(void **state)
{
	struct sortrun *s;
	struct wr none = wr_make(NULL, 0);
	volatile int stop = 1;
	uint32_t i;
	uint8_t plain[4];

	(void)state;
	assert_int_equal(sort_new(&s, TYPE_INT4, LIMIT), CL_OK);
	for (i = 0; i < 5000; i++) {
		le32_put(plain, 5000 - i);
		bench_plain(&b, TYPE_INT4, 0, plain, 4);
	}
	assert_int_equal(append(s, 5000), CL_OK);
	assert_int_equal(sort_finish(s, 0, &stop), CL_ERR_TIMEOUT);
	assert_int_equal(sort_finish(s, 4999, &stop), CL_ERR_TIMEOUT);
	assert_int_equal(sort_ranks(s, 0, 0, &none), CL_ERR_STATE);
	stop = 0;
	bench_cell(&b, TYPE_INT4, 0, "0");
	assert_int_equal(append(s, 1), CL_OK); /* as before */
	assert_int_equal(sort_finish(s, 0, &stop), CL_OK);
	assert_int_equal(rank_of(s, 0), 5000);
	assert_int_equal(rank_of(s, 5000), 0);
	sort_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_against_qsort),
	    cmocka_unit_test(test_batches),
	    cmocka_unit_test(test_ranks_outside),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_order_of_calls),
	    cmocka_unit_test(test_all_or_nothing),
	    cmocka_unit_test(test_memory_limit),
	    cmocka_unit_test(test_failures_cost_nothing),
	    cmocka_unit_test(test_many_chunks),
	    cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
