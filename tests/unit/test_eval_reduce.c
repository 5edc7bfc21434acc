/* tde/eval: reductions, in one call and over several; and the scratch that
 * programs run in. */
#include "lib/secmem.h"
#include "tde/scratch.h"
#include "tests/unit/programs.h"

static struct bench b;

static int
setup(void **state)
{
	(void)state;
	bench_new(&b, 4u << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_free(&b);
	return 0;
}

/* op over column 0, with the state in scalar 0 unless state_type is 0. */
static void
reduction(struct maker *m, uint8_t type, uint8_t op, uint8_t state_type)
{
	memset(m, 0, sizeof(*m));
	maker_groups(m, 1);
	maker_column(m, type, 0);
	if (state_type)
		maker_scalar(m, state_type, 0);
	maker_add(m, COL(0));
	maker_add(m, IN(op, 0, state_type ? EV_HAS_STATE : 0, 0, 0));
	if (op != EV_COUNT)
		maker_add(m, REENC(0));
	bench_reset(&b);
}

/* rows: a NULL pointer ends them, "NULL" is one. */
static void
cells(uint8_t type, const char *const *rows, uint32_t *n)
{
	for (*n = 0; rows[*n]; ++*n)
		bench_cell(
		    &b, type, 0, strcmp(rows[*n], "NULL") ? rows[*n] : NULL);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
expect(struct maker *m, uint32_t n, const char *want)
{
	char text[200];
	int r = bench_run(&b, m, n);

	if (r != 0)
		fail_msg("wanted %s, got %s", want, err_name(r));
	bench_text(&b, 0, 0, text, sizeof(text));
	assert_string_equal(text, want);
	assert_int_equal(le32_get(b.reply + 4), 1);
}

static void
check(uint8_t type, uint8_t op, const char *const *rows, const char *want)
{
	struct maker m;
	uint32_t n;

	reduction(&m, type, op, 0);
	cells(type, rows, &n);
	expect(&m, n, want);
}

static void
test_one_call(void **state)
{
	(void)state;
	check(TYPE_INT2, EV_SUM, LIST("32767", "NULL", "32767"), "65534");
	check(TYPE_INT2, EV_AVG, LIST("1", "2", "NULL"), "1.5");
	check(TYPE_INT8, EV_AVG,
	    LIST("9223372036854775807", "9223372036854775807"),
	    "9.223372036854776e+18"); /* the sum would not fit */
	check(TYPE_FLOAT4, EV_SUM, LIST("16777216", "1", "1"), "1.6777216e+07");
	check(TYPE_FLOAT4, EV_AVG, LIST("16777216", "1", "1"), "5592406");
	check(TYPE_FLOAT8, EV_SUM, LIST("-0"), "-0");
	check(TYPE_FLOAT8, EV_AVG, LIST("-0"), "0");
	check(TYPE_FLOAT8, EV_MAX, LIST("1", "NaN", "Infinity"), "NaN");
	check(TYPE_FLOAT8, EV_MAX, LIST("-0", "0"), "0");
	check(TYPE_FLOAT8, EV_MAX, LIST("0", "-0"), "-0");
	check(TYPE_FLOAT8, EV_MIN, LIST("NaN", "NULL"), "NaN");
	check(TYPE_TEXT, EV_MIN, LIST("b", "", "a"), "");
	check(TYPE_TEXT, EV_MAX, LIST("b", "Z", "ba", "NULL"), "ba");
	check(TYPE_DATE, EV_MAX, LIST("2020-01-01", "infinity"), "infinity");
	check(TYPE_BOOL, EV_MIN, LIST("t", "f"), "f");
	check(TYPE_UUID, EV_MAX,
	    LIST("00000000-0000-0000-0000-000000000001",
		"00000000-0000-0000-0000-000000000002"),
	    "00000000-0000-0000-0000-000000000002");
}

static void
test_nothing_to_add(void **state)
{
	static const uint8_t ops[] = {EV_SUM, EV_MIN, EV_MAX, EV_AVG};
	struct maker m;
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		check(TYPE_INT4, ops[i], LIST("NULL", "NULL"), "NULL");
		reduction(&m, TYPE_FLOAT8, ops[i], 0);
		expect(&m, 0, "NULL");
	}
	/* a NULL state is none */
	reduction(&m, TYPE_INT4, EV_SUM, TYPE_INT8);
	bench_cell(&b, TYPE_INT8, 0, NULL);
	bench_cell(&b, TYPE_INT4, 0, "5");
	expect(&m, 1, "5");
}

static void
test_state(void **state)
{
	struct maker m;

	(void)state;
	reduction(&m, TYPE_INT4, EV_SUM, TYPE_INT8);
	bench_cell(&b, TYPE_INT8, 0, "9223372036854775806");
	bench_cell(&b, TYPE_INT4, 0, "2");
	bench_cell(&b, TYPE_INT4, 0, "-1");
	expect(&m, 2, "9223372036854775807"); /* over and back is no error */
	m.instr[1].op = EV_MAX;
	m.scalar[0].type = TYPE_TEXT;
	m.column[0].type = TYPE_TEXT;
	bench_reset(&b);
	bench_cell(&b, TYPE_TEXT, 0, "the state is the longest of all");
	bench_cell(&b, TYPE_TEXT, 0, "a");
	bench_cell(&b, TYPE_TEXT, 0, NULL);
	expect(&m, 2, "the state is the longest of all");
	reduction(&m, TYPE_FLOAT4, EV_SUM, TYPE_FLOAT8);
	m.instr[1].a |= EV_WIDEN;
	bench_cell(&b, TYPE_FLOAT8, 0, "16777216");
	bench_cell(&b, TYPE_FLOAT4, 0, "1");
	expect(&m, 1, "16777217");
}

static void
test_average_in_parts(void **state)
{
	struct maker m;

	(void)state;
	reduction(&m, TYPE_INT4, EV_AVG, TYPE_INT8);
	m.instr[1].imm = 3;
	bench_cell(&b, TYPE_INT8, 0, "10");
	expect(&m, 0, "3.3333333333333335"); /* the last step has no rows */
	bench_cell(&b, TYPE_INT4, 0, "2");
	bench_cell(&b, TYPE_INT4, 0, NULL);
	expect(&m, 2, "3");
	m.instr[1].imm = 0;
	bench_reset(&b);
	bench_cell(&b, TYPE_INT8, 0, "0");
	expect(&m, 0, "NULL");
	bench_reset(&b);
	bench_cell(&b, TYPE_INT8, 0, NULL);
	expect(&m, 0, "NULL");
	m.instr[1].imm = 1; /* a row, but no sum */
	assert_int_equal(bench_run(&b, &m, 0), CL_ERR_ARGUMENT);
	m.instr[1].imm = INT64_MAX;
	bench_reset(&b);
	bench_cell(&b, TYPE_INT8, 0, "1");
	bench_cell(&b, TYPE_INT4, 0, "1");
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_OVERFLOW);
}

static void
test_count(void **state)
{
	struct maker m;
	uint32_t n;

	(void)state;
	reduction(&m, TYPE_TEXT, EV_COUNT, 0);
	m.instr[1].imm = 40;
	cells(TYPE_TEXT, LIST("a", "NULL", ""), &n);
	assert_int_equal(bench_run(&b, &m, n), CL_OK);
	assert_int_equal(b.reply[0], EVAL_I64);
	assert_int_equal(le32_get(b.reply + 4), 1);
	assert_int_equal(b.reply[8], 0);
	assert_int_equal(le64_get(b.reply + 9), 42);
	assert_int_equal(b.out.len, 17);
	m.instr[1].imm = INT64_MAX;
	assert_int_equal(bench_run(&b, &m, n), CL_ERR_OVERFLOW);
}

static void
test_overflow(void **state)
{
	struct maker m;
	uint32_t n;

	(void)state;
	reduction(&m, TYPE_INT8, EV_SUM, 0);
	cells(TYPE_INT8, LIST("9223372036854775807", "1"), &n);
	assert_int_equal(bench_run(&b, &m, n), CL_ERR_OVERFLOW);
	assert_int_equal(b.row, UINT32_MAX); /* no one row's fault */
	reduction(&m, TYPE_FLOAT8, EV_SUM, 0);
	cells(TYPE_FLOAT8, LIST("1e308", "0", "1e308"), &n);
	assert_int_equal(bench_run(&b, &m, n), CL_ERR_OVERFLOW);
	assert_int_equal(b.row, 2);
	reduction(&m, TYPE_FLOAT4, EV_SUM, 0);
	cells(TYPE_FLOAT4, LIST("3e38", "3e38"), &n);
	assert_int_equal(bench_run(&b, &m, n), CL_ERR_OVERFLOW);
	check(TYPE_FLOAT4, EV_AVG, LIST("3e38", "3e38"),
	    "3.0000000054977558e+38"); /* added up as float8 */
	check(
	    TYPE_FLOAT8, EV_SUM, LIST("Infinity", "1e308", "-Infinity"), "NaN");
}

/* A later row's failure, and the greatest of many texts. */
static void
test_many_texts(void **state)
{
	struct maker m;
	char text[64];
	unsigned i;

	(void)state;
	reduction(&m, TYPE_TEXT, EV_MAX, 0);
	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "%05u %*s", i * 7919 % 5000,
		    (int)(i % 50), "");
		bench_cell(&b, TYPE_TEXT, 0, text);
	}
	assert_int_equal(bench_run(&b, &m, 5000), CL_OK);
	bench_text(&b, 0, 0, text, sizeof(text));
	assert_int_equal(atoi(text), 4999);
	bench_cell(&b, TYPE_INT4, 0, "1");
	assert_int_equal(bench_run(&b, &m, 5001), CL_ERR_BAD_CELL_TYPE);
	assert_int_equal(b.row, 5000);
}

static void
test_scratch_is_a_stack(void **state)
{
	struct eval_scratch *s;
	struct scratch_mark mark;
	uint8_t *p, *q, *keep, *again;
	unsigned i;

	(void)state;
	assert_int_equal(eval_scratch_new(&s, 1), CL_ERR_ARGUMENT);
	assert_int_equal(eval_scratch_new(&s, 1u << 20), CL_OK);
	assert_int_equal(scratch_take(s, 100, &p), CL_OK);
	memset(p, 'x', 100);
	mark = scratch_here(s);
	for (i = 0; i < 1000; i++) { /* again and again in the same place */
		assert_int_equal(scratch_take(s, 300000, &q), CL_OK);
		assert_int_equal((uintptr_t)q % 16, 0);
		memset(q, 'y', 300000);
		scratch_fall_back(s, mark);
	}
	assert_int_equal(p[99], 'x');
	assert_int_equal(scratch_take(s, 600000, &q), CL_OK);
	assert_int_equal(scratch_take(s, 500000, &q), CL_ERR_LIMIT);
	assert_int_equal(scratch_take(s, SIZE_MAX, &q), CL_ERR_LIMIT);
	assert_int_equal(scratch_keep(s, 10, &keep), CL_OK);
	strcpy((char *)keep, "kept");
	assert_int_equal(scratch_keep(s, 11, &again), CL_OK);
	assert_string_equal((char *)again, "kept");
	assert_int_equal(scratch_keep(s, 600000, &again), CL_ERR_LIMIT);
	scratch_clear(s);
	for (i = 0; i < 100; i++)
		assert_int_equal(p[i], 0); /* the first block stays: wiped */
	/* and all of the limit is there again */
	assert_int_equal(scratch_take(s, 900000, &q), CL_OK);
	eval_scratch_free(s);
	eval_scratch_free(NULL);
}

/* What a call has decrypted is gone when it returns, also after an error. */
static void
test_plaintext_is_wiped(void **state)
{
	static const char secret[] = "correct horse battery staple";
	struct scratch_mark m0 = scratch_here(b.scratch);
	struct maker m;
	uint8_t *block;
	unsigned failing;

	(void)state;
	assert_int_equal(scratch_take(b.scratch, 16, &block), CL_OK);
	scratch_fall_back(b.scratch, m0);
	for (failing = 0; failing < 2; failing++) {
		memset(&m, 0, sizeof(m));
		maker_groups(&m, 1);
		maker_column(&m, TYPE_TEXT, 0);
		maker_add(&m, COL(0));
		maker_add(&m, OP(EV_UPPER));
		maker_add(&m, failing ? CAST(TYPE_INT4) : OP(EV_LOWER));
		maker_add(&m, OP(EV_HASH));
		bench_reset(&b);
		bench_cell(&b, TYPE_TEXT, 0, secret);
		assert_int_equal(
		    bench_run(&b, &m, 1), failing ? CL_ERR_TEXT : CL_OK);
		assert_null(memmem(block, 16384, secret, 7));
		assert_null(memmem(block, 16384, "CORRECT", 7));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_call),
	    cmocka_unit_test(test_nothing_to_add),
	    cmocka_unit_test(test_state),
	    cmocka_unit_test(test_average_in_parts),
	    cmocka_unit_test(test_count),
	    cmocka_unit_test(test_overflow),
	    cmocka_unit_test(test_many_texts),
	    cmocka_unit_test(test_scratch_is_a_stack),
	    cmocka_unit_test(test_plaintext_is_wiped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
