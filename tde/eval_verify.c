#include <string.h>

#include "tde/arith.h"
#include "tde/cast.h"
#include "tde/datetime.h"
#include "tde/eval.h"
#include "tde/utf8.h"
#include "tde/val.h"

enum kind { VALUE, PREDICATE, NUMBER, CELL };

struct slot {
	enum kind kind;
	uint8_t type;	/* of a VALUE */
	uint8_t groups; /* set: bit i for tags[i]; 0 unless VALUE */
};

struct check {
	struct eval_program *prog;
	struct slot stack[EVAL_MAX_STACK];
	unsigned depth;
	uint8_t groups_used;
	uint16_t columns_used;
	uint32_t scalars_used;
	const char *why;
};

static int
bad(struct check *c, const char *why)
{
	c->why = why;
	return CL_ERR_BAD_PROGRAM;
}

/* Every group in the set must allow op. */
static void
need(struct check *c, uint8_t groups, uint32_t op)
{
	unsigned i;

	for (i = 0; i < EVAL_MAX_GROUPS; i++)
		if (groups >> i & 1)
			c->prog->needs[i] |= op;
}

static int
push(struct check *c, enum kind kind, uint8_t type, uint8_t groups)
{
	struct slot s = {kind, type, groups};

	if (c->depth == EVAL_MAX_STACK)
		return bad(c, "stack overflow");
	c->stack[c->depth++] = s;
	return CL_OK;
}

static int
pop(struct check *c, enum kind kind, struct slot *s)
{
	if (c->depth == 0)
		return bad(c, "stack underflow");
	*s = c->stack[--c->depth];
	if (s->kind == kind)
		return CL_OK;
	return bad(c, kind == VALUE ? "operand is not a value"
				    : "operand is not a predicate");
}

static int
pop_two(struct check *c, enum kind kind, struct slot *a, struct slot *b)
{
	int r;

	if ((r = pop(c, kind, b)) != 0)
		return r;
	return pop(c, kind, a);
}

static int
check_input(struct check *c, const struct eval_instr *in)
{
	const struct eval_input *v;

	if (in->op == EV_COLUMN) {
		if (in->a >= c->prog->ncolumns)
			return bad(c, "no such column");
		v = &c->prog->columns[in->a];
		c->columns_used |= (uint16_t)(1u << in->a);
	} else {
		if (in->a >= c->prog->nscalars)
			return bad(c, "no such scalar");
		v = &c->prog->scalars[in->a];
		c->scalars_used |= 1u << in->a;
	}
	return push(c, VALUE, v->type, (uint8_t)(1u << v->group));
}

static int
check_compare(struct check *c, const struct eval_instr *in)
{
	bool eq = in->op == EV_EQ || in->op == EV_NE;
	struct slot a, b;
	int r;

	if ((r = pop_two(c, VALUE, &a, &b)) != 0)
		return r;
	if (!val_comparable(a.type, b.type))
		return bad(c, "these types do not compare");
	need(c, a.groups | b.groups, eq ? GROUP_EQ : GROUP_CMP);
	return push(c, in->op == EV_CMP3 ? NUMBER : PREDICATE, 0, 0);
}

static int
check_logic(struct check *c, const struct eval_instr *in)
{
	struct slot a, b;
	int r;

	if (in->op == EV_NOT)
		r = pop(c, PREDICATE, &a);
	else
		r = pop_two(c, PREDICATE, &a, &b);
	return r ? r : push(c, PREDICATE, 0, 0);
}

/* IS_NULL, TRUTH, HASH: one value in, its label ends here. */
static int
check_test(struct check *c, const struct eval_instr *in)
{
	struct slot a;
	int r;

	if ((r = pop(c, VALUE, &a)) != 0)
		return r;
	if (in->op == EV_TRUTH && a.type != TYPE_BOOL)
		return bad(c, "operand is not bool");
	if (in->op != EV_IS_NULL)
		need(c, a.groups, GROUP_EQ);
	return push(c, in->op == EV_HASH ? NUMBER : PREDICATE, 0, 0);
}

static int
check_arith(struct check *c, const struct eval_instr *in)
{
	struct slot a, b = {VALUE, 0, 0};
	uint8_t type;
	int r;

	if (in->op == EV_NEG)
		r = pop(c, VALUE, &a);
	else
		r = pop_two(c, VALUE, &a, &b);
	if (r != 0)
		return r;
	if ((type = arith_type(in->op, a.type, b.type)) == 0)
		return bad(c, "no such operator for these types");
	need(c, a.groups | b.groups, GROUP_ARITH);
	return push(c, VALUE, type, a.groups | b.groups);
}

static int
check_like(struct check *c, const struct eval_instr *in)
{
	struct slot a, b;
	uint8_t utf8[4];
	int r;

	if ((r = pop_two(c, VALUE, &a, &b)) != 0)
		return r;
	if (a.type != TYPE_TEXT || b.type != TYPE_TEXT)
		return bad(c, "operand is not text");
	if (in->imm != 0 && (in->imm < 0 || in->imm > UINT32_MAX ||
				utf8_put((uint32_t)in->imm, utf8) == 0))
		return bad(c, "escape is no character");
	need(c, a.groups | b.groups, GROUP_LIKE);
	return push(c, PREDICATE, 0, 0);
}

static int
check_concat(struct check *c, const struct eval_instr *in)
{
	struct slot a, b;
	int r;

	(void)in;
	if ((r = pop_two(c, VALUE, &a, &b)) != 0)
		return r;
	if (a.type != b.type || (a.type != TYPE_TEXT && a.type != TYPE_BYTEA))
		return bad(c, "operands are not both text or both bytea");
	need(c, a.groups | b.groups, GROUP_TEXT);
	return push(c, VALUE, a.type, a.groups | b.groups);
}

/* SUBSTR, LENGTH, LOWER, UPPER. */
static int
check_text(struct check *c, const struct eval_instr *in)
{
	bool fold = in->op == EV_LOWER || in->op == EV_UPPER;
	struct slot a;
	int r;

	if ((r = pop(c, VALUE, &a)) != 0)
		return r;
	if (a.type != TYPE_TEXT && (fold || a.type != TYPE_BYTEA))
		return bad(c, "operand is not text");
	if (in->op == EV_SUBSTR && !(in->a & 1) && (uint64_t)in->imm >> 32 != 0)
		return bad(c, "length without its flag");
	need(c, a.groups, GROUP_TEXT);
	return push(
	    c, VALUE, in->op == EV_LENGTH ? TYPE_INT4 : a.type, a.groups);
}

static int
check_extract(struct check *c, const struct eval_instr *in)
{
	struct slot a;
	int r;

	if ((r = pop(c, VALUE, &a)) != 0)
		return r;
	if (a.type != TYPE_DATE && !val_is_stamp(a.type))
		return bad(c, "operand is no date or timestamp");
	if (in->a < 1 || in->a > DATETIME_FIELDS)
		return bad(c, "no such field");
	need(c, a.groups, GROUP_EXTRACT);
	return push(c, VALUE, TYPE_FLOAT8, a.groups);
}

static int
check_cast(struct check *c, const struct eval_instr *in)
{
	struct slot a;
	int r;

	if ((r = pop(c, VALUE, &a)) != 0)
		return r;
	if (!cast_known(a.type, in->type))
		return bad(c, "no such cast");
	if (a.type != in->type)
		need(c, a.groups, GROUP_CAST);
	return push(c, VALUE, in->type, a.groups);
}

static int
check_reenc(struct check *c, const struct eval_instr *in)
{
	struct slot a;
	unsigned i;
	int r;

	if ((r = pop(c, VALUE, &a)) != 0)
		return r;
	if (in->a >= c->prog->ngroups)
		return bad(c, "no such group");
	for (i = 0; i < EVAL_MAX_GROUPS; i++)
		if (a.groups >> i & 1 && i != in->a)
			c->prog->flows[i] |= (uint8_t)(1u << in->a);
	c->groups_used |= (uint8_t)(1u << in->a);
	return push(c, CELL, a.type, 0);
}

/* Type of a reduction's result, which is also its state's; 0: none. */
static uint8_t
state_type(const struct eval_instr *in, uint8_t type)
{
	bool widen = in->op == EV_AVG || (in->a & EV_WIDEN);

	if (in->op == EV_MIN || in->op == EV_MAX)
		return type;
	if (val_is_int(type))
		return TYPE_INT8;
	if (type == TYPE_FLOAT4 && widen)
		return TYPE_FLOAT8;
	return val_is_float(type) ? type : 0;
}

static int
check_state(
    struct check *c, const struct eval_instr *in, uint8_t type, uint8_t *groups)
{
	const struct eval_input *v;

	if (!(in->a & EV_HAS_STATE)) {
		if (in->b != 0)
			return bad(c, "state without its flag");
		return in->imm ? bad(c, "rows without a state") : CL_OK;
	}
	if (in->b >= c->prog->nscalars)
		return bad(c, "no such scalar");
	v = &c->prog->scalars[in->b];
	if (v->type != type)
		return bad(c, "state has another type");
	c->scalars_used |= 1u << in->b;
	*groups |= (uint8_t)(1u << v->group);
	return CL_OK;
}

static int
check_reduce(struct check *c, const struct eval_instr *in)
{
	bool order = in->op == EV_MIN || in->op == EV_MAX;
	struct slot a;
	uint8_t type;
	int r;

	if (c->depth != 1)
		return bad(c, "reduction of more or less than one value");
	if ((r = pop(c, VALUE, &a)) != 0)
		return r;
	if (c->prog->reduces)
		return bad(c, "second reduction");
	c->prog->reduces = 1;
	if (in->imm < 0 || (in->op != EV_AVG && in->op != EV_COUNT && in->imm))
		return bad(c, "rows out of range");
	if (in->op == EV_COUNT)
		return in->b ? bad(c, "unused field is not zero")
			     : push(c, NUMBER, 0, 0);
	if ((type = state_type(in, a.type)) == 0)
		return bad(c, "operand is not a number");
	if (in->a & EV_WIDEN && a.type != TYPE_FLOAT4)
		return bad(c, "only float4 is widened");
	if ((r = check_state(c, in, type, &a.groups)) != 0)
		return r;
	need(c, a.groups, order ? GROUP_CMP : GROUP_AGG);
	return push(c, VALUE, in->op == EV_AVG ? TYPE_FLOAT8 : type, a.groups);
}

#define USES_TYPE 1u
#define USES_B	  2u
#define USES_IMM  4u

/* a_max: largest legal bit pattern of a where the handler does not say more. */
static const struct rule {
	uint8_t first, last;
	uint8_t uses;
	uint8_t a_max;
	int (*check)(struct check *, const struct eval_instr *);
} rules[] = {
    {EV_COLUMN, EV_SCALAR, 0, UINT8_MAX, check_input},
    {EV_EQ, EV_CMP3, 0, 0, check_compare},
    {EV_IS_NULL, EV_TRUTH, 0, 0, check_test},
    {EV_AND, EV_NOT, 0, 0, check_logic},
    {EV_ADD, EV_NEG, 0, 0, check_arith},
    {EV_LIKE, EV_LIKE, USES_IMM, 3, check_like},
    {EV_CONCAT, EV_CONCAT, 0, 0, check_concat},
    {EV_SUBSTR, EV_SUBSTR, USES_IMM, 1, check_text},
    {EV_LENGTH, EV_UPPER, 0, 0, check_text},
    {EV_EXTRACT, EV_EXTRACT, 0, UINT8_MAX, check_extract},
    {EV_CAST, EV_CAST, USES_TYPE, 0, check_cast},
    {EV_HASH, EV_HASH, 0, 0, check_test},
    {EV_REENC, EV_REENC, 0, UINT8_MAX, check_reenc},
    {EV_SUM, EV_SUM, USES_B, EV_HAS_STATE | EV_WIDEN, check_reduce},
    {EV_COUNT, EV_COUNT, USES_IMM, 0, check_reduce},
    {EV_MIN, EV_MAX, USES_B, EV_HAS_STATE, check_reduce},
    {EV_AVG, EV_AVG, USES_B | USES_IMM, EV_HAS_STATE, check_reduce},
};

static int
check_instr(struct check *c, const struct eval_instr *in)
{
	const struct rule *rule = NULL;
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (in->op >= rules[i].first && in->op <= rules[i].last)
			rule = &rules[i];
	if (rule == NULL)
		return bad(c, "unknown instruction");
	if ((in->type && !(rule->uses & USES_TYPE)) ||
	    (in->b && !(rule->uses & USES_B)) ||
	    (in->imm && !(rule->uses & USES_IMM)) || in->a > rule->a_max)
		return bad(c, "unused field is not zero");
	if (c->prog->reduces && in->op != EV_REENC)
		return bad(c, "only re-encryption may follow a reduction");
	return rule->check(c, in);
}

static int
check_result(struct check *c)
{
	struct eval_program *p = c->prog;

	if (c->depth != 1)
		return bad(c, "not exactly one result");
	switch (c->stack[0].kind) {
	case PREDICATE:
		p->result = EVAL_BOOL;
		break;
	case NUMBER:
		p->result = EVAL_I64;
		break;
	case CELL:
		p->result = EVAL_CELLS;
		break;
	default:
		return bad(c, "a plain value is no result");
	}
	if (c->columns_used != (1u << p->ncolumns) - 1)
		return bad(c, "a column is never used");
	if (c->scalars_used != (uint32_t)((UINT64_C(1) << p->nscalars) - 1))
		return bad(c, "a scalar is never used");
	if (c->groups_used != (1u << p->ngroups) - 1)
		return bad(c, "a group is never used");
	return CL_OK;
}

static int
parse_counts(struct check *c, struct rd *in)
{
	struct eval_program *p = c->prog;
	uint8_t version, zero;
	int r;

	if ((r = rd_u8(in, &version)) != 0 ||
	    (r = rd_u8(in, &p->ngroups)) != 0 ||
	    (r = rd_u8(in, &p->ncolumns)) != 0 ||
	    (r = rd_u8(in, &p->nscalars)) != 0 ||
	    (r = rd_u8(in, &p->ninstr)) != 0 || (r = rd_u8(in, &zero)) != 0)
		return bad(c, "ends early");
	if (version != 1 || zero != 0)
		return bad(c, "unknown version");
	if (p->ngroups > EVAL_MAX_GROUPS)
		return bad(c, "too many groups");
	if (p->ncolumns > EVAL_MAX_COLUMNS)
		return bad(c, "too many columns");
	if (p->nscalars > EVAL_MAX_SCALARS)
		return bad(c, "too many scalars");
	if (p->ninstr < 1 || p->ninstr > EVAL_MAX_INSTR)
		return bad(c, "number of instructions out of range");
	return CL_OK;
}

static int
parse_tags(struct check *c, struct rd *in)
{
	struct eval_program *p = c->prog;
	unsigned i, j;

	for (i = 0; i < p->ngroups; i++) {
		if (rd_u32(in, &p->tags[i]) != 0)
			return bad(c, "ends early");
		if (p->tags[i] == 0)
			return bad(c, "group tag is zero");
		for (j = 0; j < i; j++)
			if (p->tags[j] == p->tags[i])
				return bad(c, "group tag appears twice");
	}
	return CL_OK;
}

static int
parse_inputs(struct check *c, struct rd *in, struct eval_input *v, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (rd_u8(in, &v[i].type) != 0 || rd_u8(in, &v[i].group) != 0)
			return bad(c, "ends early");
		if (!cell_type_known(v[i].type))
			return bad(c, "unknown type");
		if (v[i].group >= c->prog->ngroups)
			return bad(c, "no such group");
		c->groups_used |= (uint8_t)(1u << v[i].group);
	}
	return CL_OK;
}

static int
parse_instr(struct check *c, struct rd *in, struct eval_instr *v)
{
	int r;

	if ((r = rd_u8(in, &v->op)) != 0 || (r = rd_u8(in, &v->type)) != 0 ||
	    (r = rd_u8(in, &v->a)) != 0 || (r = rd_u8(in, &v->b)) != 0 ||
	    (r = rd_i64(in, &v->imm)) != 0)
		return bad(c, "ends early");
	return CL_OK;
}

static int
verify(struct check *c, struct rd *in, unsigned *at)
{
	struct eval_program *p = c->prog;
	unsigned i;
	int r;

	if ((r = parse_counts(c, in)) != 0 || (r = parse_tags(c, in)) != 0 ||
	    (r = parse_inputs(c, in, p->columns, p->ncolumns)) != 0 ||
	    (r = parse_inputs(c, in, p->scalars, p->nscalars)) != 0)
		return r;
	for (i = 0; i < p->ninstr; i++) {
		*at = i;
		if ((r = parse_instr(c, in, &p->instr[i])) != 0 ||
		    (r = check_instr(c, &p->instr[i])) != 0)
			return r;
	}
	if (rd_end(in) != 0)
		return bad(c, "bytes after the last instruction");
	return check_result(c);
}

int
eval_verify(const uint8_t *p, size_t n, struct eval_program *out,
    const char **why, unsigned *at)
{
	struct check c = {.prog = out};
	struct rd in = rd_make(p, n);
	int r;

	memset(out, 0, sizeof(*out));
	*at = 0;
	if ((r = verify(&c, &in, at)) != 0) {
		memset(out, 0, sizeof(*out));
		*why = c.why;
	}
	return r;
}
