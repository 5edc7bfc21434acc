/* tde/eval: what verification lets through, and what it says about the rest. */
#include "tests/unit/programs.h"

static int
verify(struct maker *m, struct eval_program *p, const char **why)
{
	unsigned at = 1000;
	int r;

	*why = NULL;
	maker_encode(m);
	r = eval_verify(m->bytes, m->n, p, why, &at);
	if (r != 0) {
		assert_int_equal(r, CL_ERR_BAD_PROGRAM);
		assert_non_null(*why);
		assert_true(at < EVAL_MAX_INSTR);
	}
	return r;
}

#define GOOD(m)                                                                \
	do {                                                                   \
		if (verify(m, &prog, &why) != 0)                               \
			fail_msg("refused: %s", why);                          \
	} while (0)
#define BAD(m, text)                                                           \
	do {                                                                   \
		assert_int_equal(verify(m, &prog, &why), CL_ERR_BAD_PROGRAM);  \
		assert_string_equal(why, text);                                \
	} while (0)

static void
test_sample(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;

	(void)state;
	maker_sample(&m);
	GOOD(&m);
	assert_int_equal(prog.result, EVAL_BOOL);
	assert_int_equal(prog.reduces, 0);
	assert_int_equal(prog.needs[0], GROUP_CMP);
	assert_int_equal(prog.needs[1], GROUP_LIKE);
	assert_int_equal(prog.flows[0] | prog.flows[1], 0);
	assert_int_equal(prog.tags[1], TAG(1));
	assert_int_equal(prog.ninstr, 7);
}

static void
test_limits(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;
	unsigned i;

	(void)state;
	/* all at their limits at once: 8 groups, 16 columns, 32 scalars */
	memset(&m, 0, sizeof(m));
	maker_groups(&m, EVAL_MAX_GROUPS);
	for (i = 0; i < EVAL_MAX_COLUMNS; i++) {
		maker_column(&m, TYPE_BOOL, i % EVAL_MAX_GROUPS);
		maker_add(&m, COL(i));
	}
	for (i = 0; i < EVAL_MAX_COLUMNS; i++)
		maker_add(&m, OP(i ? EV_EQ : EV_IS_NULL));
	BAD(&m, "operand is not a value"); /* and the stack was full */
	memset(&m, 0, sizeof(m));
	maker_groups(&m, 9);
	for (i = 0; i < 9; i++) {
		maker_column(&m, TYPE_BOOL, i);
		maker_add(&m, COL(i));
		maker_add(&m, OP(EV_TRUTH));
		if (i)
			maker_add(&m, OP(EV_OR));
	}
	BAD(&m, "too many groups");
	m.groups = 8;
	BAD(&m, "no such group");
	m.columns = 8;
	m.instrs -= 3;
	GOOD(&m);
	for (i = 8; i < 17; i++) {
		maker_column(&m, TYPE_BOOL, 0);
		maker_add(&m, COL(i));
		maker_add(&m, OP(EV_TRUTH));
		maker_add(&m, OP(EV_OR));
	}
	BAD(&m, "too many columns");
	m.columns = 16;
	m.instrs -= 3;
	GOOD(&m);
}

static void
test_limit_of_scalars(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;
	unsigned i;

	(void)state;
	memset(&m, 0, sizeof(m));
	maker_groups(&m, 1);
	for (i = 0; i < 32; i++) {
		maker_scalar(&m, TYPE_INT4, 0);
		maker_add(&m, SCA(i));
		if (i)
			maker_add(&m, OP(EV_ADD));
	}
	maker_add(&m, REENC(0));
	assert_int_equal(m.instrs, EVAL_MAX_INSTR);
	GOOD(&m);
	assert_int_equal(prog.nscalars, 32);
	maker_scalar(&m, TYPE_INT4, 0);
	BAD(&m, "too many scalars");
	m.scalars = 32;
	m.instr[63] = OP(EV_NEG);
	maker_add(&m, REENC(0));
	BAD(&m, "number of instructions out of range");
	m.instrs = 0;
	BAD(&m, "number of instructions out of range");
}

static void
test_stack(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;
	unsigned i;

	(void)state;
	memset(&m, 0, sizeof(m));
	maker_groups(&m, 1);
	maker_column(&m, TYPE_INT4, 0);
	for (i = 0; i < EVAL_MAX_STACK; i++)
		maker_add(&m, COL(0));
	for (i = 1; i < EVAL_MAX_STACK; i++)
		maker_add(&m, OP(EV_ADD));
	maker_add(&m, OP(EV_HASH));
	GOOD(&m); /* sixteen deep is fine */
	memmove(m.instr + 1, m.instr, sizeof(m.instr[0]) * m.instrs++);
	BAD(&m, "stack overflow");
	m.instrs = 1;
	m.instr[0] = OP(EV_NOT);
	BAD(&m, "stack underflow");
	m.instr[0] = OP(EV_EQ);
	BAD(&m, "stack underflow");
	m.instr[0] = COL(0);
	m.instr[1] = OP(EV_EQ);
	m.instrs = 2;
	BAD(&m, "stack underflow");
	m.instr[1] = COL(0);
	BAD(&m, "not exactly one result");
	m.instrs = 1;
	BAD(&m, "a plain value is no result");
}

static void
test_header(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;
	unsigned at;

	(void)state;
	maker_sample(&m);
	m.bytes[0] = 2;
	assert_int_equal(
	    eval_verify(m.bytes, m.n, &prog, &why, &at), CL_ERR_BAD_PROGRAM);
	assert_string_equal(why, "unknown version");
	m.bytes[0] = 1;
	m.bytes[5] = 1;
	assert_int_equal(
	    eval_verify(m.bytes, m.n, &prog, &why, &at), CL_ERR_BAD_PROGRAM);
	maker_sample(&m);
	m.tags[1] = m.tags[0];
	BAD(&m, "group tag appears twice");
	m.tags[1] = 0;
	BAD(&m, "group tag is zero");
	maker_sample(&m);
	m.column[0].type = 7;
	BAD(&m, "unknown type");
	maker_sample(&m);
	maker_scalar(&m, TYPE_BOOL, 0);
	BAD(&m, "a scalar is never used");
	maker_sample(&m);
	maker_column(&m, TYPE_BOOL, 0);
	BAD(&m, "a column is never used");
	maker_sample(&m);
	maker_groups(&m, 3);
	BAD(&m, "a group is never used");
}

/* One instruction over columns of the given types: 0 no second one. */
static int
typed(uint8_t a, uint8_t b, struct eval_instr in, struct eval_program *prog)
{
	struct maker m;
	const char *why;
	int r;

	memset(&m, 0, sizeof(m));
	maker_groups(&m, 1);
	maker_column(&m, a, 0);
	maker_add(&m, COL(0));
	if (b) {
		maker_column(&m, b, 0);
		maker_add(&m, COL(1));
	}
	maker_add(&m, in);
	if ((r = verify(&m, prog, &why)) != 0 &&
	    strcmp(why, "a plain value is no result") == 0) {
		maker_add(&m, REENC(0));
		r = verify(&m, prog, &why);
	}
	return r;
}

#define IS(x)  assert_int_equal(x, CL_OK)
#define NOT(x) assert_int_equal(x, CL_ERR_BAD_PROGRAM)

static void
test_types(void **state)
{
	struct eval_program p;

	(void)state;
	IS(typed(TYPE_INT2, TYPE_FLOAT8, OP(EV_EQ), &p));
	assert_int_equal(p.needs[0], GROUP_EQ);
	IS(typed(TYPE_INT2, TYPE_INT8, OP(EV_CMP3), &p));
	assert_int_equal(p.needs[0], GROUP_CMP);
	assert_int_equal(p.result, EVAL_I64);
	IS(typed(TYPE_DATE, TYPE_TIMESTAMPTZ, OP(EV_GE), &p));
	IS(typed(TYPE_UUID, TYPE_UUID, OP(EV_LT), &p));
	NOT(typed(TYPE_TEXT, TYPE_INT4, OP(EV_EQ), &p));
	NOT(typed(TYPE_TEXT, TYPE_BYTEA, OP(EV_EQ), &p));
	NOT(typed(TYPE_BOOL, TYPE_INT4, OP(EV_EQ), &p));
	NOT(typed(TYPE_DATE, TYPE_INT4, OP(EV_EQ), &p));
	IS(typed(TYPE_INT2, TYPE_INT4, OP(EV_MOD), &p));
	assert_int_equal(p.needs[0], GROUP_ARITH);
	NOT(typed(TYPE_FLOAT8, TYPE_FLOAT8, OP(EV_MOD), &p));
	IS(typed(TYPE_DATE, TYPE_INT4, OP(EV_SUB), &p));
	IS(typed(TYPE_INT2, TYPE_DATE, OP(EV_ADD), &p));
	NOT(typed(TYPE_INT2, TYPE_DATE, OP(EV_SUB), &p));
	NOT(typed(TYPE_DATE, TYPE_INT8, OP(EV_ADD), &p));
	NOT(typed(TYPE_DATE, TYPE_DATE, OP(EV_ADD), &p));
	NOT(typed(TYPE_TIMESTAMP, TYPE_INT4, OP(EV_ADD), &p));
	NOT(typed(TYPE_TEXT, 0, OP(EV_NEG), &p));
	NOT(typed(TYPE_BOOL, TYPE_BOOL, OP(EV_AND), &p));
	NOT(typed(TYPE_INT4, 0, OP(EV_TRUTH), &p));
	IS(typed(TYPE_BOOL, 0, OP(EV_TRUTH), &p));
	assert_int_equal(p.needs[0], GROUP_EQ);
	IS(typed(TYPE_BYTEA, 0, OP(EV_IS_NULL), &p));
	assert_int_equal(p.needs[0], 0);
	IS(typed(TYPE_BYTEA, 0, OP(EV_HASH), &p));
	assert_int_equal(p.needs[0], GROUP_EQ);
}

static void
test_types_of_text(void **state)
{
	struct eval_program p;

	(void)state;
	NOT(typed(TYPE_BYTEA, TYPE_BYTEA, IN(EV_LIKE, 0, 0, 0, 0), &p));
	NOT(typed(TYPE_TEXT, TYPE_TEXT, IN(EV_LIKE, 0, 4, 0, 0), &p));
	NOT(typed(TYPE_TEXT, TYPE_TEXT, IN(EV_LIKE, 0, 0, 1, 0), &p));
	NOT(typed(TYPE_TEXT, TYPE_TEXT, IN(EV_LIKE, 0, 0, 0, 0xd800), &p));
	NOT(typed(TYPE_TEXT, TYPE_TEXT, IN(EV_LIKE, 0, 0, 0, 0x110000), &p));
	NOT(typed(TYPE_TEXT, TYPE_TEXT, IN(EV_LIKE, 0, 0, 0, -1), &p));
	NOT(typed(TYPE_TEXT, TYPE_TEXT,
	    IN(EV_LIKE, 0, 0, 0, INT64_C(0x100000021)), &p));
	IS(typed(TYPE_TEXT, TYPE_TEXT, IN(EV_LIKE, 0, 3, 0, 0x10ffff), &p));
	assert_int_equal(p.needs[0], GROUP_LIKE);
	NOT(typed(TYPE_TEXT, TYPE_BYTEA, OP(EV_CONCAT), &p));
	NOT(typed(TYPE_UUID, TYPE_UUID, OP(EV_CONCAT), &p));
	IS(typed(TYPE_BYTEA, TYPE_BYTEA, OP(EV_CONCAT), &p));
	assert_int_equal(p.needs[0], GROUP_TEXT);
	IS(typed(TYPE_BYTEA, 0, IN(EV_SUBSTR, 0, 0, 0, 3), &p));
	NOT(typed(TYPE_BYTEA, 0, IN(EV_SUBSTR, 0, 0, 0, INT64_MAX), &p));
	IS(typed(TYPE_BYTEA, 0, IN(EV_SUBSTR, 0, 1, 0, INT64_MIN), &p));
	NOT(typed(TYPE_BYTEA, 0, IN(EV_SUBSTR, 0, 2, 0, 3), &p));
	NOT(typed(TYPE_UUID, 0, OP(EV_LENGTH), &p));
	NOT(typed(TYPE_BYTEA, 0, OP(EV_LOWER), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_EXTRACT, 0, 1, 0, 0), &p));
	NOT(typed(TYPE_DATE, 0, IN(EV_EXTRACT, 0, 0, 0, 0), &p));
	NOT(typed(TYPE_DATE, 0, IN(EV_EXTRACT, 0, 14, 0, 0), &p));
	IS(typed(TYPE_DATE, 0, IN(EV_EXTRACT, 0, 13, 0, 0), &p));
	assert_int_equal(p.needs[0], GROUP_EXTRACT);
	NOT(typed(TYPE_BOOL, 0, CAST(TYPE_INT8), &p));
	NOT(typed(TYPE_INT4, 0, CAST(TYPE_DATE), &p));
	NOT(typed(TYPE_INT4, 0, CAST(0), &p));
	NOT(typed(TYPE_INT4, 0, CAST(11), &p));
	IS(typed(TYPE_UUID, 0, CAST(TYPE_TEXT), &p));
	assert_int_equal(p.needs[0], GROUP_CAST);
	IS(typed(TYPE_UUID, 0, CAST(TYPE_UUID), &p));
	assert_int_equal(p.needs[0], 0);
}

static void
test_unused_fields(void **state)
{
	struct eval_program p;

	(void)state;
	NOT(typed(TYPE_INT4, TYPE_INT4, IN(EV_EQ, 1, 0, 0, 0), &p));
	NOT(typed(TYPE_INT4, TYPE_INT4, IN(EV_EQ, 0, 1, 0, 0), &p));
	NOT(typed(TYPE_INT4, TYPE_INT4, IN(EV_EQ, 0, 0, 1, 0), &p));
	NOT(typed(TYPE_INT4, TYPE_INT4, IN(EV_EQ, 0, 0, 0, 1), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_REENC, TYPE_INT4, 0, 0, 0), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_COUNT, 0, 1, 0, 0), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_COUNT, 0, 0, 1, 0), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_COUNT, 0, 0, 0, -1), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_SUM, 0, 0, 0, 1), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_AVG, 0, 0, 0, 1), &p));
	NOT(typed(TYPE_INT4, 0, IN(EV_MIN, 0, 0, 1, 0), &p));
	NOT(typed(TYPE_INT4, 0, OP(0), &p));
	NOT(typed(TYPE_INT4, 0, OP(3), &p));
	NOT(typed(TYPE_INT4, 0, OP(17), &p));
	NOT(typed(TYPE_INT4, 0, OP(77), &p));
	NOT(typed(TYPE_INT4, 0, OP(255), &p));
}

/* (a + b) || c, to text, in a fourth group */
static void
test_flows(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;

	(void)state;
	memset(&m, 0, sizeof(m));
	maker_groups(&m, 4);
	maker_column(&m, TYPE_INT4, 0);
	maker_column(&m, TYPE_INT4, 1);
	maker_scalar(&m, TYPE_TEXT, 2);
	maker_add(&m, COL(0));
	maker_add(&m, COL(1));
	maker_add(&m, OP(EV_ADD));
	maker_add(&m, CAST(TYPE_TEXT));
	maker_add(&m, SCA(0));
	maker_add(&m, OP(EV_CONCAT));
	maker_add(&m, REENC(3));
	GOOD(&m);
	assert_int_equal(prog.result, EVAL_CELLS);
	assert_int_equal(prog.needs[0], GROUP_ARITH | GROUP_CAST | GROUP_TEXT);
	assert_int_equal(prog.needs[1], GROUP_ARITH | GROUP_CAST | GROUP_TEXT);
	assert_int_equal(prog.needs[2], GROUP_TEXT);
	assert_int_equal(prog.needs[3], 0);
	assert_int_equal(prog.flows[0], 1 << 3);
	assert_int_equal(prog.flows[1], 1 << 3);
	assert_int_equal(prog.flows[2], 1 << 3);
	assert_int_equal(prog.flows[3], 0);
	m.groups = 3;
	m.instr[6] = REENC(2);
	GOOD(&m);
	assert_int_equal(prog.flows[0], 1 << 2);
	assert_int_equal(prog.flows[2], 0); /* its own */
	m.instr[6] = REENC(3);
	BAD(&m, "no such group");
	m.instr[6] = REENC(2);
	maker_add(&m, REENC(2));
	BAD(&m, "operand is not a value");
	m.instr[7] = COL(0);
	BAD(&m, "not exactly one result");
}

/* Each operand from a group of its own: both must allow. */
static void
test_needs_of_both_operands(void **state)
{
	static const struct {
		struct eval_instr in;
		uint8_t type;
		uint32_t need;
	} v[] = {{{EV_EQ, 0, 0, 0, 0}, TYPE_TEXT, GROUP_EQ},
	    {{EV_NE, 0, 0, 0, 0}, TYPE_BOOL, GROUP_EQ},
	    {{EV_LT, 0, 0, 0, 0}, TYPE_UUID, GROUP_CMP},
	    {{EV_CMP3, 0, 0, 0, 0}, TYPE_INT4, GROUP_CMP},
	    {{EV_DIV, 0, 0, 0, 0}, TYPE_INT4, GROUP_ARITH},
	    {{EV_LIKE, 0, 0, 0, 0}, TYPE_TEXT, GROUP_LIKE},
	    {{EV_CONCAT, 0, 0, 0, 0}, TYPE_BYTEA, GROUP_TEXT}};
	struct eval_program prog;
	struct maker m;
	const char *why;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		memset(&m, 0, sizeof(m));
		maker_groups(&m, 2);
		maker_column(&m, v[i].type, 0);
		maker_scalar(&m, v[i].type, 1);
		maker_add(&m, COL(0));
		maker_add(&m, SCA(0));
		maker_add(&m, v[i].in);
		if (v[i].in.op == EV_DIV || v[i].in.op == EV_CONCAT)
			maker_add(&m, REENC(1));
		GOOD(&m);
		assert_int_equal(prog.needs[0], v[i].need);
		assert_int_equal(prog.needs[1], v[i].need);
	}
}

static void
test_reductions(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;

	(void)state;
	memset(&m, 0, sizeof(m));
	maker_groups(&m, 2);
	maker_column(&m, TYPE_FLOAT4, 0);
	maker_scalar(&m, TYPE_FLOAT4, 1);
	maker_add(&m, COL(0));
	maker_add(&m, IN(EV_SUM, 0, EV_HAS_STATE, 0, 0));
	maker_add(&m, REENC(0));
	GOOD(&m);
	assert_int_equal(prog.reduces, 1);
	assert_int_equal(prog.needs[0], GROUP_AGG);
	assert_int_equal(prog.needs[1], GROUP_AGG);
	assert_int_equal(prog.flows[1], 1 << 0); /* the state's too */
	m.instr[1].a |= EV_WIDEN;
	BAD(&m, "state has another type");
	m.scalar[0].type = TYPE_FLOAT8;
	GOOD(&m);
	m.instr[1] = IN(EV_AVG, 0, EV_HAS_STATE, 0, 12);
	GOOD(&m);
	m.instr[1].imm = -1;
	BAD(&m, "rows out of range");
	m.instr[1] = IN(EV_MAX, 0, EV_HAS_STATE, 0, 0);
	BAD(&m, "state has another type");
	m.scalar[0].type = TYPE_FLOAT4;
	GOOD(&m);
	assert_int_equal(prog.needs[1], GROUP_CMP);
	m.instr[1].b = 1;
	BAD(&m, "no such scalar");
	m.instr[1].b = 0;
	m.instr[2] = OP(EV_NEG);
	BAD(&m, "only re-encryption may follow a reduction");
	m.instr[2] = OP(EV_SUM);
	BAD(&m, "only re-encryption may follow a reduction");
	m.instrs = 2;
	BAD(&m, "a plain value is no result");
	m.instr[1] = OP(EV_COUNT);
	m.scalars = 0;
	m.groups = 1;
	GOOD(&m);
	assert_int_equal(prog.result, EVAL_I64);
	assert_int_equal(prog.needs[0], 0);
	maker_add(&m, REENC(0));
	BAD(&m, "operand is not a value");
	m.instr[1] = COL(0);
	m.instr[2] = OP(EV_COUNT);
	BAD(&m, "reduction of more or less than one value");
	m.instrs = 1;
	m.instr[0] = OP(EV_COUNT);
	BAD(&m, "reduction of more or less than one value");
	m.column[0].type = TYPE_TEXT;
	m.instr[0] = COL(0);
	m.instr[1] = OP(EV_SUM);
	m.instr[2] = REENC(0);
	m.instrs = 3;
	BAD(&m, "operand is not a number");
	m.column[0].type = TYPE_FLOAT8;
	m.instr[1].a = EV_WIDEN;
	BAD(&m, "only float4 is widened");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sample),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_limit_of_scalars),
	    cmocka_unit_test(test_stack),
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_types_of_text),
	    cmocka_unit_test(test_unused_fields),
	    cmocka_unit_test(test_flows),
	    cmocka_unit_test(test_needs_of_both_operands),
	    cmocka_unit_test(test_reductions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
