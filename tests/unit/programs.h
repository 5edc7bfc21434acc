/* Programs, cells and replies for the tests of tde/eval and tde/sort. */
#ifndef CLOISTER_TESTS_PROGRAMS_H
#define CLOISTER_TESTS_PROGRAMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tde/eval.h"
#include "tde/value.h"

#define GROUPS	 8u
#define ROOM	 (4u << 20)
#define TAG(i)	 (100u + (i))
#define IN(...)	 ((struct eval_instr){__VA_ARGS__})
#define COL(i)	 IN(EV_COLUMN, 0, (i), 0, 0)
#define SCA(i)	 IN(EV_SCALAR, 0, (i), 0, 0)
#define OP(o)	 IN((o), 0, 0, 0, 0)
#define REENC(g) IN(EV_REENC, 0, (g), 0, 0)
#define CAST(t)	 IN(EV_CAST, (t), 0, 0, 0)

/* A program in the making; counts are those of the parts added so far, but
 * may be overwritten. */
struct maker {
	uint8_t groups, columns, scalars, instrs;
	uint32_t tags[64];
	struct eval_input column[64], scalar[64];
	struct eval_instr instr[128];
	uint8_t bytes[4096];
	size_t n;
};

/* What a run works with. */
struct bench {
	struct groupkey *groups[GROUPS];
	struct hashkey *hash;
	struct eval_scratch *scratch;
	uint8_t *data, *reply; /* ROOM bytes each */
	struct wr in, out;
	uint32_t row;
};

static inline void
maker_column(struct maker *m, uint8_t type, uint8_t group)
{
	m->column[m->columns].type = type;
	m->column[m->columns++].group = group;
}

static inline void
maker_scalar(struct maker *m, uint8_t type, uint8_t group)
{
	m->scalar[m->scalars].type = type;
	m->scalar[m->scalars++].group = group;
}

static inline void
maker_add(struct maker *m, struct eval_instr in)
{
	m->instr[m->instrs++] = in;
}

/* n groups with tags TAG(0)... */
static inline void
maker_groups(struct maker *m, uint8_t n)
{
	for (m->groups = 0; m->groups < n; m->groups++)
		m->tags[m->groups] = TAG(m->groups);
}

static inline void
maker_encode(struct maker *m)
{
	struct wr w = wr_make(m->bytes, sizeof(m->bytes));
	uint8_t head[] = {1, m->groups, m->columns, m->scalars, m->instrs, 0};
	unsigned i;
	int r = wr_bytes(&w, head, sizeof(head));

	for (i = 0; i < m->groups; i++)
		r |= wr_u32(&w, m->tags[i]);
	for (i = 0; i < m->columns; i++)
		r |= wr_u8(&w, m->column[i].type) |
		     wr_u8(&w, m->column[i].group);
	for (i = 0; i < m->scalars; i++)
		r |= wr_u8(&w, m->scalar[i].type) |
		     wr_u8(&w, m->scalar[i].group);
	for (i = 0; i < m->instrs; i++)
		r |= wr_u8(&w, m->instr[i].op) | wr_u8(&w, m->instr[i].type) |
		     wr_u8(&w, m->instr[i].a) | wr_u8(&w, m->instr[i].b) |
		     wr_i64(&w, m->instr[i].imm);
	assert_int_equal(r, 0);
	m->n = w.len;
}

/* salary < limit and name like pattern, over two groups */
static inline void
maker_sample(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	maker_groups(m, 2);
	maker_column(m, TYPE_INT4, 0);
	maker_column(m, TYPE_TEXT, 1);
	maker_scalar(m, TYPE_INT8, 0);
	maker_scalar(m, TYPE_TEXT, 1);
	maker_add(m, COL(0));
	maker_add(m, SCA(0));
	maker_add(m, OP(EV_LT));
	maker_add(m, COL(1));
	maker_add(m, SCA(1));
	maker_add(m, IN(EV_LIKE, 0, 1, 0, '\\'));
	maker_add(m, OP(EV_AND));
	maker_encode(m);
}

static inline void
bench_new(struct bench *b, size_t limit)
{
	static const uint8_t root[32] = {9}, key[32] = {8};
	uint8_t uuid[16] = {0}, i;

	memset(b, 0, sizeof(*b));
	for (i = 0; i < GROUPS; i++) {
		uuid[0] = i;
		/* Odd groups are deterministic. */
		assert_int_equal(
		    groupkey_new(&b->groups[i], uuid, TAG(i),
			i & 1 ? SUITE_AES256_SIV : SUITE_AES256_GCM, 1,
			i == 2 ? 32 : 0, root),
		    CL_OK);
	}
	assert_int_equal(hashkey_new(&b->hash, key), CL_OK);
	assert_int_equal(eval_scratch_new(&b->scratch, limit), CL_OK);
	b->data = malloc(ROOM);
	b->reply = malloc(ROOM);
	assert_non_null(b->data);
	assert_non_null(b->reply);
	b->in = wr_make(b->data, ROOM);
	b->out = wr_make(b->reply, ROOM);
}

static inline void
bench_free(struct bench *b)
{
	unsigned i;

	for (i = 0; i < GROUPS; i++)
		groupkey_free(b->groups[i]);
	hashkey_free(b->hash);
	eval_scratch_free(b->scratch);
	free(b->data);
	free(b->reply);
}

static inline void
bench_reset(struct bench *b)
{
	b->in.len = b->out.len = 0;
}

static inline void
bench_plain(
    struct bench *b, uint8_t type, unsigned group, const void *p, size_t n)
{
	uint8_t *length;
	size_t start;

	assert_int_equal(wr_reserve(&b->in, &length, 4), CL_OK);
	start = b->in.len;
	assert_int_equal(
	    groupkey_seal(b->groups[group], type, p, n, &b->in), CL_OK);
	le32_put(length, (uint32_t)(b->in.len - start));
}

/* text NULL: an SQL NULL. */
static inline void
bench_cell(struct bench *b, uint8_t type, unsigned group, const char *text)
{
	uint8_t plain[256];
	struct wr w = wr_make(plain, sizeof(plain));

	if (text == NULL) {
		assert_int_equal(wr_cell(&b->in, NULL, 0), CL_OK);
		return;
	}
	assert_int_equal(value_parse(type, text, strlen(text), &w), CL_OK);
	bench_plain(b, type, group, plain, w.len);
}

static inline int
bench_run(struct bench *b, struct maker *m, uint32_t rows)
{
	struct eval_program prog;
	struct rd in = rd_make(b->in.p, b->in.len);
	const char *why = "";
	unsigned at;

	maker_encode(m);
	b->out.len = 0;
	if (eval_verify(m->bytes, m->n, &prog, &why, &at) != 0)
		fail_msg("instruction %u: %s", at, why);
	return eval_run(
	    &prog, b->groups, b->hash, rows, &in, &b->out, b->scratch, &b->row);
}

/* Entry i of a reply of kind 3 in text form; "NULL" for one. */
static inline void
bench_text(struct bench *b, unsigned i, unsigned group, char *text, size_t room)
{
	struct rd in = rd_make(b->out.p, b->out.len);
	struct wr w = wr_make(text, room - 1);
	const uint8_t *cell;
	uint8_t plain[4096], head[8];
	size_t n, len;
	int r = rd_bytes(&in, head, 8);

	assert_int_equal(head[0], EVAL_CELLS);
	do
		r |= rd_cell(&in, &cell, &n, CELL_MAX);
	while (i--);
	assert_int_equal(r, 0);
	if (cell == NULL) {
		strcpy(text, "NULL");
		return;
	}
	assert_int_equal(groupkey_open(b->groups[group], 0, cell, n, plain,
			     sizeof(plain), &len),
	    CL_OK);
	assert_int_equal(
	    value_print(cell_type_of(cell), plain, len, &w), CL_OK);
	text[w.len] = '\0';
}

#endif
