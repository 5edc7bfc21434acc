/* tde/eval: truncated, damaged and random programs. Each is refused with a
 * reason, or runs without doing harm. */
#include "tests/unit/programs.h"

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *state >> 33;
}

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

static void
test_every_truncation(void **state)
{
	struct maker m;
	struct eval_program prog;
	const char *why;
	unsigned at;
	size_t n;

	(void)state;
	maker_sample(&m);
	for (n = 0; n < m.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, m.bytes, n);
		why = NULL;
		assert_int_equal(eval_verify(exact, n, &prog, &why, &at),
		    CL_ERR_BAD_PROGRAM);
		assert_non_null(why);
		free(exact);
	}
	m.bytes[m.n] = 0;
	assert_int_equal(eval_verify(m.bytes, m.n + 1, &prog, &why, &at),
	    CL_ERR_BAD_PROGRAM);
	assert_string_equal(why, "bytes after the last instruction");
}

static const char *const some[] = {[TYPE_BOOL] = "t",
    [TYPE_INT2] = "-7",
    [TYPE_INT4] = "2147483647",
    [TYPE_INT8] = "-9223372036854775808",
    [TYPE_FLOAT4] = "NaN",
    [TYPE_FLOAT8] = "1e308",
    [TYPE_TEXT] = "a\xc3\xa9%",
    [TYPE_BYTEA] = "\\x00ff",
    [TYPE_DATE] = "infinity",
    [TYPE_TIMESTAMP] = "294276-12-31",
    [TYPE_TIMESTAMPTZ] = "4714-11-24 BC",
    [TYPE_UUID] = "00000000-0000-0000-0000-000000000001"};

/* Runs whatever has verified; it may fail, but only as an error. */
static void
run_any(struct bench *b, const struct eval_program *p, uint64_t *seed)
{
	struct rd in;
	unsigned i, j, rows = (unsigned)next_random(seed) % 3;
	const struct eval_input *v;

	bench_reset(b);
	for (i = 0; i < p->nscalars + p->ncolumns * rows; i++) {
		j = i < p->nscalars ? 0 : (i - p->nscalars) / rows;
		v = i < p->nscalars ? &p->scalars[i] : &p->columns[j];
		bench_cell(b, v->type, v->group,
		    next_random(seed) % 5 ? some[v->type] : NULL);
	}
	in = rd_make(b->in.p, b->in.len);
	if (eval_run(p, b->groups, b->hash, rows, &in, &b->out, b->scratch,
		&b->row) == 0)
		assert_int_equal(b->out.p[0], p->result);
	else
		assert_int_equal(b->out.len, 0);
}

/* Tags that a mutation has changed are not those of the bench's groups; cells
 * carry the bench's, and groups are looked up by index only. */
static void
test_every_byte_changed(void **state)
{
	struct maker m;
	struct eval_program prog;
	struct bench b;
	uint64_t seed = 1;
	const char *why;
	unsigned at, v, passed = 0;
	size_t i;

	(void)state;
	bench_new(&b, 8u << 20);
	maker_sample(&m);
	for (i = 0; i < m.n; i++)
		for (v = 1; v < 256; v++) {
			m.bytes[i] ^= (uint8_t)v;
			why = NULL;
			if (eval_verify(m.bytes, m.n, &prog, &why, &at) == 0) {
				passed++;
				run_any(&b, &prog, &seed);
			} else {
				assert_non_null(why);
				assert_int_equal(prog.ninstr, 0);
			}
			m.bytes[i] ^= (uint8_t)v;
		}
	assert_true(passed > 100); /* tags, escapes, comparisons */
	bench_free(&b);
}

static void
random_program(struct maker *m, uint64_t *seed)
{
	static const uint8_t ops[] = {1, 2, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	    24, 25, 26, 32, 33, 34, 35, 36, 37, 48, 49, 50, 51, 52, 53, 56, 57,
	    58, 64, 72, 73, 74, 75, 76};
	static const uint8_t types[] = {1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14};
	unsigned n = 1 + (unsigned)next_random(seed) % 6, i;
	uint8_t type = types[next_random(seed) % 12];
	struct eval_instr in;

	memset(m, 0, sizeof(*m));
	maker_groups(m, 1 + next_random(seed) % 2);
	maker_column(m, type, 0);
	maker_add(m, COL(0));
	if (next_random(seed) % 2) {
		maker_scalar(m,
		    next_random(seed) % 3 ? type
					  : types[next_random(seed) % 12],
		    m->groups - 1);
		maker_add(m, SCA(0));
	}
	for (i = 0; i < n; i++) {
		in = OP(ops[next_random(seed) % sizeof(ops)]);
		if (in.op == EV_CAST)
			in.type = types[next_random(seed) % 12];
		if (in.op == EV_EXTRACT || in.op >= EV_REENC ||
		    in.op == EV_SUBSTR)
			in.a = next_random(seed) % 3;
		if (in.op == EV_SUBSTR && in.a & 1)
			in.imm = (int64_t)(next_random(seed) << 32 |
					   next_random(seed));
		maker_add(m, in);
	}
	if (next_random(seed) % 2)
		maker_add(m, REENC(m->groups - 1));
}

static void
test_random_programs(void **state)
{
	struct maker m;
	struct eval_program prog;
	struct bench b;
	uint64_t seed = 42;
	const char *why;
	unsigned i, passed = 0;

	(void)state;
	bench_new(&b, 8u << 20);
	for (i = 0; i < 500000; i++) {
		random_program(&m, &seed);
		if (verify(&m, &prog, &why) == 0) {
			passed++;
			run_any(&b, &prog, &seed);
		}
	}
	assert_true(passed > 2000);
	bench_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_every_byte_changed),
	    cmocka_unit_test(test_random_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
