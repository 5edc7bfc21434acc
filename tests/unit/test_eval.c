/* tde/eval: running programs over cells. What each instruction computes is
 * compared with PostgreSQL by tests/flow/truth.sh; here are NULLs, errors,
 * limits, hostile cells and the memory. */
#include "lib/secmem.h"
#include "tde/scratch.h"
#include "tests/unit/programs.h"

#define LIMIT (24u << 20)

static struct bench b;

static int
setup(void **state)
{
	(void)state;
	bench_new(&b, LIMIT);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_free(&b);
	return 0;
}

/* Columns of one type in group 0. */
static void
begin(struct maker *m, uint8_t type, unsigned columns)
{
	memset(m, 0, sizeof(*m));
	maker_groups(m, 1);
	while (columns--)
		maker_column(m, type, 0);
	bench_reset(&b);
}

static void
test_compare_column_with_scalar(void **state)
{
	static const char *const rows[] = {"1", NULL, "5", "-3", "4"};
	static const uint8_t want[] = {
	    EVAL_BOOL, 0, 0, 0, 5, 0, 0, 0, 1, 2, 0, 1, 1};
	struct maker m;
	unsigned i;

	(void)state;
	begin(&m, TYPE_INT4, 1);
	maker_scalar(&m, TYPE_INT8, 0);
	maker_add(&m, COL(0));
	maker_add(&m, SCA(0));
	maker_add(&m, OP(EV_LT));
	bench_cell(&b, TYPE_INT8, 0, "5");
	for (i = 0; i < 5; i++)
		bench_cell(&b, TYPE_INT4, 0, rows[i]);
	assert_int_equal(bench_run(&b, &m, 5), CL_OK);
	assert_int_equal(b.out.len, sizeof(want));
	assert_memory_equal(b.reply, want, sizeof(want));
	/* no rows: an empty answer */
	bench_reset(&b);
	bench_cell(&b, TYPE_INT8, 0, "5");
	assert_int_equal(bench_run(&b, &m, 0), CL_OK);
	assert_int_equal(b.out.len, 8);
}

/* All nine pairs of true, false, unknown. */
static void
test_kleene(void **state)
{
	static const char *const v[] = {"f", "t", NULL};
	static const uint8_t and[] = {0, 0, 0, 0, 1, 2, 0, 2, 2};
	static const uint8_t or [] = {0, 1, 2, 1, 1, 1, 2, 1, 2};
	static const uint8_t not [] = {1, 1, 1, 0, 0, 0, 2, 2, 2};
	struct maker m;
	unsigned i;

	(void)state;
	begin(&m, TYPE_BOOL, 2);
	maker_add(&m, COL(0));
	maker_add(&m, OP(EV_TRUTH));
	maker_add(&m, COL(1));
	maker_add(&m, OP(EV_TRUTH));
	maker_add(&m, OP(EV_AND));
	for (i = 0; i < 18; i++)
		bench_cell(&b, TYPE_BOOL, 0, i < 9 ? v[i / 3] : v[i % 3]);
	assert_int_equal(bench_run(&b, &m, 9), CL_OK);
	assert_memory_equal(b.reply + 8, and, 9);
	m.instr[4] = OP(EV_OR);
	assert_int_equal(bench_run(&b, &m, 9), CL_OK);
	assert_memory_equal(b.reply + 8, or, 9);
	m.instr[2] = OP(EV_NOT);
	m.instr[3] = COL(1);
	m.instr[4] = OP(EV_TRUTH);
	maker_add(&m, OP(EV_OR));
	assert_int_equal(bench_run(&b, &m, 9), CL_OK);
	for (i = 0; i < 9; i++)
		assert_int_equal(
		    b.reply[8 + i], or [3 * (not [i] % 3) + i % 3]);
}

/* NULL goes through every kind of instruction, as the right type. */
static void
test_null_in_null_out(void **state)
{
	struct maker m;
	char text[100];

	(void)state;
	begin(&m, TYPE_DATE, 1);
	maker_scalar(&m, TYPE_TEXT, 0);
	maker_add(&m, COL(0));
	maker_add(&m, IN(EV_EXTRACT, 0, 1, 0, 0));
	maker_add(&m, CAST(TYPE_INT4));
	maker_add(&m, OP(EV_NEG));
	maker_add(&m, CAST(TYPE_TEXT));
	maker_add(&m, OP(EV_UPPER));
	maker_add(&m, SCA(0));
	maker_add(&m, OP(EV_CONCAT));
	maker_add(&m, IN(EV_SUBSTR, 0, 0, 0, 2));
	maker_add(&m, OP(EV_LENGTH));
	maker_add(&m, REENC(0));
	bench_cell(&b, TYPE_TEXT, 0, "!");
	bench_cell(&b, TYPE_DATE, 0, NULL);
	bench_cell(&b, TYPE_DATE, 0, "2024-02-29");
	bench_cell(&b, TYPE_DATE, 0, "0044-03-15 BC");
	assert_int_equal(bench_run(&b, &m, 3), CL_OK);
	bench_text(&b, 0, 0, text, sizeof(text));
	assert_string_equal(text, "NULL");
	bench_text(&b, 1, 0, text, sizeof(text));
	assert_string_equal(text, "5"); /* -2024! without its first */
	bench_text(&b, 2, 0, text, sizeof(text));
	assert_string_equal(text, "2"); /* 44! */
	m.instr[10] = OP(EV_HASH);
	assert_int_equal(bench_run(&b, &m, 3), CL_OK);
	assert_int_equal(b.reply[0], EVAL_I64);
	assert_int_equal(b.reply[8], 1);
	assert_int_equal(b.reply[9], 0);
	assert_int_equal(le64_get(b.reply + 11), 0);
	assert_int_not_equal(le64_get(b.reply + 19), 0);
}

static void
test_error_names_its_row(void **state)
{
	struct maker m;

	(void)state;
	begin(&m, TYPE_INT4, 1);
	maker_scalar(&m, TYPE_INT4, 0);
	maker_add(&m, SCA(0));
	maker_add(&m, COL(0));
	maker_add(&m, OP(EV_DIV));
	maker_add(&m, REENC(0));
	bench_cell(&b, TYPE_INT4, 0, "-2147483648");
	bench_cell(&b, TYPE_INT4, 0, "1");
	bench_cell(&b, TYPE_INT4, 0, NULL);
	bench_cell(&b, TYPE_INT4, 0, "0");
	assert_int_equal(bench_run(&b, &m, 3), CL_ERR_DIVISION);
	assert_int_equal(b.row, 2);
	assert_int_equal(b.out.len, 0); /* not even a part of an answer */
	bench_reset(&b);
	bench_cell(&b, TYPE_INT4, 0, "-2147483648");
	bench_cell(&b, TYPE_INT4, 0, "-1");
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_OVERFLOW);
	assert_int_equal(b.row, 0);
	m.instr[2] = OP(EV_MOD);
	assert_int_equal(bench_run(&b, &m, 1), CL_OK);
}

/* Every byte of the cells flipped: refused, in all three places. */
static void
test_every_bit_of_a_cell(void **state)
{
	struct maker m;
	size_t i, cell;
	int r;

	(void)state;
	begin(&m, TYPE_TEXT, 1);
	maker_scalar(&m, TYPE_TEXT, 0);
	maker_add(&m, COL(0));
	maker_add(&m, SCA(0));
	maker_add(&m, OP(EV_EQ));
	bench_cell(&b, TYPE_TEXT, 0, "secret");
	cell = b.in.len;
	bench_cell(&b, TYPE_TEXT, 0, "secret");
	assert_int_equal(bench_run(&b, &m, 1), CL_OK);
	assert_int_equal(b.reply[8], 1);
	for (i = 0; i < b.in.len * 8; i++) {
		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
		r = bench_run(&b, &m, 1);
		assert_int_not_equal(r, CL_OK);
		assert_int_equal(b.out.len, 0);
		if (i / 8 == 4 + 1 || i / 8 == cell + 4 + 1)
			assert_true(
			    r == CL_ERR_BAD_CELL_TYPE || r == CL_ERR_BAD_CELL);
		if (i / 8 >= 4 + 4 && i / 8 < 4 + 8)
			assert_true(
			    r == CL_ERR_BAD_CELL_GROUP || r == CL_ERR_BAD_CELL);
		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(bench_run(&b, &m, 1), CL_OK);
}

static void
test_wrong_cells(void **state)
{
	struct maker m;

	(void)state;
	begin(&m, TYPE_INT4, 1);
	maker_add(&m, COL(0));
	maker_add(&m, OP(EV_HASH));
	bench_cell(&b, TYPE_TEXT, 0, "1234");
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_BAD_CELL_TYPE);
	bench_reset(&b);
	bench_cell(&b, TYPE_TEXT, 0,
	    "a text that is longer than any cell of a number may be");
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_BAD_CELL_TYPE);
	bench_reset(&b);
	bench_cell(&b, TYPE_INT8, 0, "1");
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_BAD_CELL_TYPE);
	bench_reset(&b);
	bench_cell(&b, TYPE_INT4, 4, "1");
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_BAD_CELL_GROUP);
	bench_reset(&b);
	assert_int_equal(wr_blob(&b.in, "x", 1), CL_OK);
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_BAD_CELL);
	bench_reset(&b);
	assert_int_equal(wr_blob(&b.in, "", 0), CL_OK);
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_BAD_CELL);
}

/* Sealed by somebody with the key, but no value of its type. */
static void
test_illegal_plaintext(void **state)
{
	static const struct {
		uint8_t type, n;
		uint8_t bytes[8];
	} bad[] = {
	    {TYPE_BOOL, 1, {2}},
	    {TYPE_TEXT, 1, {0xff}},
	    {TYPE_TEXT, 1, {0}},
	    {TYPE_TEXT, 3, {0xed, 0xa0, 0x80}},
	    {TYPE_TEXT, 2, {0xc0, 0x80}},
	    {TYPE_DATE, 4, {0xfe, 0xff, 0xff, 0x7f}},
	    {TYPE_TIMESTAMP, 8, {1, 0, 0, 0, 0, 0, 0, 0x80}},
	};
	struct maker m;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(&m, bad[i].type, 1);
		maker_add(&m, COL(0));
		maker_add(&m, OP(EV_HASH));
		bench_plain(&b, bad[i].type, 0, bad[i].bytes, bad[i].n);
		if (bench_run(&b, &m, 1) != CL_ERR_BAD_CELL)
			fail_msg("plaintext %u got through", i);
		assert_int_equal(b.row, 0);
	}
}

/* Every truncation of the input, and one byte more. */
static void
test_input_length(void **state)
{
	struct maker m;
	uint8_t *exact;
	size_t n;

	(void)state;
	begin(&m, TYPE_INT4, 2);
	maker_scalar(&m, TYPE_TEXT, 0);
	maker_add(&m, COL(0));
	maker_add(&m, COL(1));
	maker_add(&m, OP(EV_ADD));
	maker_add(&m, CAST(TYPE_TEXT));
	maker_add(&m, SCA(0));
	maker_add(&m, OP(EV_EQ));
	bench_cell(&b, TYPE_TEXT, 0, "5");
	bench_cell(&b, TYPE_INT4, 0, "1");
	bench_cell(&b, TYPE_INT4, 0, NULL);
	bench_cell(&b, TYPE_INT4, 0, "4");
	bench_cell(&b, TYPE_INT4, 0, "9");
	assert_int_equal(bench_run(&b, &m, 2), CL_OK);
	assert_int_equal(b.reply[8], 1);
	assert_int_equal(b.reply[9], 2);
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_TRAILING);
	assert_int_equal(bench_run(&b, &m, 3), CL_ERR_TRUNCATED);
	b.in.len++;
	assert_int_equal(bench_run(&b, &m, 2), CL_ERR_TRAILING);
	assert_int_equal(b.row, UINT32_MAX);
	for (n = --b.in.len; n-- > 0;) {
		exact = malloc(n ? n : 1);
		memcpy(exact, b.data, n);
		b.in.p = exact;
		b.in.len = n;
		assert_int_equal(bench_run(&b, &m, 2), CL_ERR_TRUNCATED);
		free(exact);
		b.in = wr_make(b.data, ROOM);
	}
}

static void
test_limits_of_a_call(void **state)
{
	struct eval_program prog;
	struct maker m;
	struct rd in = rd_make("", 0);
	const char *why;
	unsigned at;

	(void)state;
	begin(&m, TYPE_INT4, 1);
	maker_add(&m, COL(0));
	maker_add(&m, OP(EV_HASH));
	assert_int_equal(
	    bench_run(&b, &m, EVAL_MAX_ROWS + 1), CL_ERR_TOO_LARGE);
	assert_int_equal(b.row, UINT32_MAX);
	maker_encode(&m);
	assert_int_equal(eval_verify(m.bytes, m.n, &prog, &why, &at), CL_OK);
	assert_int_equal(
	    eval_run(&prog, b.groups, NULL, 0, &in, &b.out, b.scratch, &b.row),
	    CL_ERR_ARGUMENT);
	m.instr[1] = OP(EV_IS_NULL);
	bench_reset(&b);
	for (at = 0; at < EVAL_MAX_ROWS; at++)
		bench_cell(&b, TYPE_INT4, 0, at % 2 ? "7" : NULL);
	assert_int_equal(bench_run(&b, &m, EVAL_MAX_ROWS), CL_OK);
	assert_int_equal(b.out.len, 8 + EVAL_MAX_ROWS);
	assert_int_equal(b.reply[8], 1);
	assert_int_equal(b.reply[9], 0);
	m.instr[1] = OP(EV_HASH);
	assert_int_equal(bench_run(&b, &m, EVAL_MAX_ROWS), CL_OK);
	assert_int_equal(b.out.len, 8 + 9 * EVAL_MAX_ROWS);
}

/* One byte of room too little, for each kind of reply. */
static void
test_reply_does_not_fit(void **state)
{
	static const struct eval_instr last[] = {{EV_IS_NULL, 0, 0, 0, 0},
	    {EV_HASH, 0, 0, 0, 0}, {EV_REENC, 0, 0, 0, 0},
	    {EV_COUNT, 0, 0, 0, 0}};
	struct maker m;
	size_t n;
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		begin(&m, TYPE_TEXT, 1);
		maker_add(&m, COL(0));
		maker_add(&m, last[i]);
		bench_cell(&b, TYPE_TEXT, 0, "abc");
		bench_cell(&b, TYPE_TEXT, 0, "de");
		assert_int_equal(bench_run(&b, &m, 2), CL_OK);
		n = b.out.len;
		b.out.cap = n - 1;
		assert_int_equal(bench_run(&b, &m, 2), CL_ERR_TOO_LARGE);
		assert_int_equal(b.out.len, 0);
		b.out.cap = 7;
		assert_int_equal(bench_run(&b, &m, 2), CL_ERR_TOO_LARGE);
		b.out.cap = n;
		assert_int_equal(bench_run(&b, &m, 2), CL_OK);
		b.out.cap = ROOM;
	}
}

/* A megabyte of text through LIKE, concat, re-encryption; and not when the
 * scratch is too small. */
static void
test_a_megabyte(void **state)
{
	struct maker m;
	struct eval_scratch *small, *big = b.scratch;
	char *text = malloc(1u << 20);

	(void)state;
	memset(text, 'a', 1u << 20);
	begin(&m, TYPE_TEXT, 1);
	maker_scalar(&m, TYPE_TEXT, 0);
	maker_add(&m, COL(0));
	maker_add(&m, COL(0));
	maker_add(&m, OP(EV_UPPER));
	maker_add(&m, OP(EV_CONCAT));
	maker_add(&m, SCA(0));
	maker_add(&m, IN(EV_LIKE, 0, 0, 0, '\\'));
	bench_cell(&b, TYPE_TEXT, 0, "a%aA%A");
	bench_plain(&b, TYPE_TEXT, 0, text, 1u << 20);
	bench_cell(&b, TYPE_TEXT, 0, "aA");
	bench_plain(&b, TYPE_TEXT, 0, text, 1u << 20);
	assert_int_equal(bench_run(&b, &m, 3), CL_OK);
	assert_memory_equal(b.reply + 8, ((uint8_t[]){1, 0, 1}), 3);
	assert_int_equal(eval_scratch_new(&small, 3u << 20), CL_OK);
	b.scratch = small;
	assert_int_equal(bench_run(&b, &m, 3), CL_ERR_LIMIT);
	assert_int_equal(b.row, 0);
	assert_int_equal(bench_run(&b, &m, 3), CL_ERR_LIMIT);
	m.instr[4] = REENC(0);
	m.instrs = 5;
	m.scalars = 0;
	b.scratch = big;
	bench_reset(&b);
	bench_plain(&b, TYPE_TEXT, 0, text, 1u << 20);
	assert_int_equal(bench_run(&b, &m, 1), CL_OK);
	assert_true(b.out.len > 2u << 20);
	eval_scratch_free(small);
	free(text);
}

/* Doubling until a cell can hold no more. */
static void
test_concat_has_an_end(void **state)
{
	struct maker m;
	char *text = malloc(1u << 20);
	unsigned i;

	(void)state;
	memset(text, 'a', 1u << 20);
	begin(&m, TYPE_TEXT, 1);
	for (i = 0; i < 8; i++) {
		maker_add(&m, COL(0));
		if (i)
			maker_add(&m, OP(EV_CONCAT));
	}
	maker_add(&m, OP(EV_IS_NULL));
	bench_plain(&b, TYPE_TEXT, 0, text, 1u << 20);
	/* the eighth makes it 8 MiB, above what a cell may hold */
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_LIMIT);
	free(text);
}

/* Quadratic work ends with an error, not with the day. */
static void
test_hostile_pattern(void **state)
{
	struct maker m;
	char *text = malloc(2u << 20);

	(void)state;
	memset(text, 'a', 2u << 20);
	text[0] = '%';
	text[1] = '_';
	text[500000] = 'b';
	begin(&m, TYPE_TEXT, 1);
	maker_scalar(&m, TYPE_TEXT, 0);
	maker_add(&m, COL(0));
	maker_add(&m, SCA(0));
	maker_add(&m, IN(EV_LIKE, 0, 0, 0, '\\'));
	bench_plain(&b, TYPE_TEXT, 0, text, 500001);
	bench_plain(&b, TYPE_TEXT, 0, text + 500001, 1u << 20);
	assert_int_equal(bench_run(&b, &m, 1), CL_ERR_LIMIT);
	free(text);
}

/* Few bytes in, but a megabyte's work in each of 65536 rows. */
static void
test_hostile_scalar(void **state)
{
	static const struct eval_instr ops[] = {{EV_CONCAT, 0, 0, 0, 0},
	    {EV_EQ, 0, 0, 0, 0}, {EV_UPPER, 0, 0, 0, 0}, {EV_HASH, 0, 0, 0, 0},
	    {EV_MAX, 0, 0, 0, 0}};
	struct maker m;
	char *text = malloc(1u << 20);
	unsigned i;

	(void)state;
	memset(text, 'a', 1u << 20);
	for (i = 0; i < 5; i++) {
		begin(&m, TYPE_TEXT, 0);
		maker_scalar(&m, TYPE_TEXT, 0);
		bench_plain(&b, TYPE_TEXT, 0, text, 1u << 20);
		maker_add(&m, SCA(0));
		if (i < 2)
			maker_add(&m, SCA(0));
		maker_add(&m, ops[i]);
		if (ops[i].op == EV_MAX)
			maker_add(&m, REENC(0));
		else if (ops[i].op != EV_EQ && ops[i].op != EV_HASH)
			maker_add(&m, OP(EV_IS_NULL));
		if (bench_run(&b, &m, EVAL_MAX_ROWS) != CL_ERR_LIMIT)
			fail_msg("program %u ran to its end", i);
	}
	free(text);
}

static void
test_reencrypt(void **state)
{
	struct maker m;
	char text[100];
	uint8_t first[200];
	size_t n;

	(void)state;
	begin(&m, TYPE_TEXT, 1);
	maker_groups(&m, 4);
	m.groups = 2; /* TAG(0), TAG(1): randomised to deterministic */
	maker_add(&m, COL(0));
	maker_add(&m, REENC(1));
	bench_cell(&b, TYPE_TEXT, 0, "payroll");
	bench_cell(&b, TYPE_TEXT, 0, "payroll");
	bench_cell(&b, TYPE_TEXT, 0, NULL);
	assert_int_equal(bench_run(&b, &m, 3), CL_OK);
	n = le32_get(b.reply + 8);
	assert_int_equal(le32_get(b.reply + 8 + 4 + n), n);
	assert_memory_equal(b.reply + 12, b.reply + 16 + n, n);
	memcpy(first, b.reply + 12, n);
	assert_int_equal(bench_run(&b, &m, 3), CL_OK);
	assert_memory_equal(b.reply + 12, first, n);
	bench_text(&b, 1, 1, text, sizeof(text));
	assert_string_equal(text, "payroll");
	bench_text(&b, 2, 1, text, sizeof(text));
	assert_string_equal(text, "NULL");
}

/* Equal values hash equal in every group and width; the class keeps types
 * apart. */
static void
test_hash(void **state)
{
	static const struct {
		uint8_t type, group;
		const char *text;
		int same; /* as the row before */
	} v[] = {
	    {TYPE_INT2, 0, "7", 0},
	    {TYPE_INT4, 1, "7", 1},
	    {TYPE_INT8, 2, "7", 1},
	    {TYPE_FLOAT8, 0, "7", 0},
	    {TYPE_FLOAT4, 3, "7", 1},
	    {TYPE_FLOAT4, 0, "0", 0},
	    {TYPE_FLOAT8, 0, "-0", 1},
	    {TYPE_FLOAT8, 0, "NaN", 0},
	    {TYPE_FLOAT4, 0, "NaN", 1},
	    {TYPE_TEXT, 0, "7", 0},
	    {TYPE_BYTEA, 0, "7", 0},
	    {TYPE_TIMESTAMP, 0, "2000-01-02", 0},
	    {TYPE_TIMESTAMPTZ, 1, "2000-01-02", 1},
	    {TYPE_DATE, 0, "2000-01-02", 0},
	    {TYPE_BOOL, 0, "t", 0},
	    {TYPE_INT4, 0, "1", 0},
	    {TYPE_TEXT, 0, "", 0},
	    {TYPE_BYTEA, 0, "", 0},
	};
	struct maker m;
	uint64_t last = 0, now;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		begin(&m, v[i].type, 1);
		maker_add(&m, COL(0));
		maker_add(&m, OP(EV_HASH));
		bench_cell(&b, v[i].type, v[i].group, v[i].text);
		{
			struct groupkey *first = b.groups[0];

			b.groups[0] = b.groups[v[i].group];
			assert_int_equal(bench_run(&b, &m, 1), CL_OK);
			b.groups[0] = first;
		}
		now = le64_get(b.reply + 9);
		if (i && (now == last) != v[i].same)
			fail_msg("hash of row %u", i);
		last = now;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compare_column_with_scalar),
	    cmocka_unit_test(test_kleene),
	    cmocka_unit_test(test_null_in_null_out),
	    cmocka_unit_test(test_error_names_its_row),
	    cmocka_unit_test(test_every_bit_of_a_cell),
	    cmocka_unit_test(test_wrong_cells),
	    cmocka_unit_test(test_illegal_plaintext),
	    cmocka_unit_test(test_input_length),
	    cmocka_unit_test(test_limits_of_a_call),
	    cmocka_unit_test(test_reply_does_not_fit),
	    cmocka_unit_test(test_a_megabyte),
	    cmocka_unit_test(test_concat_has_an_end),
	    cmocka_unit_test(test_hostile_pattern),
	    cmocka_unit_test(test_hostile_scalar),
	    cmocka_unit_test(test_reencrypt),
	    cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
