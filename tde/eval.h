/*
 * EVAL: one small verified program over n rows. Encoding, instructions and
 * limits are in agent/PROTOCOL.md, section "Programs".
 */
#ifndef CLOISTER_TDE_EVAL_H
#define CLOISTER_TDE_EVAL_H

#include "lib/buf.h"
#include "tde/eval_ops.h"
#include "tde/keytree.h"

/* What a group's owner switches on; bits of group_def.ops. */
enum group_op {
	GROUP_EQ = 1 << 0,	/* = <> hash is-true */
	GROUP_CMP = 1 << 1,	/* < <= > >= cmp3 sort min max */
	GROUP_ARITH = 1 << 2,	/* + - * / % and unary minus */
	GROUP_AGG = 1 << 3,	/* sum avg */
	GROUP_LIKE = 1 << 4,	/* like, ilike */
	GROUP_TEXT = 1 << 5,	/* concat substring length lower upper */
	GROUP_EXTRACT = 1 << 6, /* date/time fields */
	GROUP_CAST = 1 << 7,	/* between types */
};
#define GROUP_ALL 0xffu

struct eval_instr {
	uint8_t op;   /* enum eval_op */
	uint8_t type; /* CAST: target type; else 0 */
	uint8_t a;
	uint8_t b;
	int64_t imm;
};

struct eval_input {
	uint8_t type;
	uint8_t group; /* index into tags */
};

/* A program that has verified. Plain data, no secrets, no pointers. */
struct eval_program {
	uint8_t ngroups, ncolumns, nscalars, ninstr;
	uint8_t result;	 /* enum eval_result */
	uint8_t reduces; /* 1: n rows in, one row out */
	uint32_t tags[EVAL_MAX_GROUPS];
	uint32_t needs[EVAL_MAX_GROUPS]; /* group_op bits that it uses */
	uint8_t flows[EVAL_MAX_GROUPS];	 /* bit j of [i]: a value of group i
					    ends in a cell of group j != i */
	struct eval_input columns[EVAL_MAX_COLUMNS];
	struct eval_input scalars[EVAL_MAX_SCALARS];
	struct eval_instr instr[EVAL_MAX_INSTR];
};

/*
 * Parses and verifies: known instructions, stack depth, types, groups; fills
 * needs and flows for policy/authz. CL_ERR_BAD_PROGRAM, with *why (static
 * text, never NULL on failure) and *at the instruction's number.
 */
CL_MUST_CHECK int eval_verify(const uint8_t *p, size_t n,
    struct eval_program *out, const char **why, unsigned *at);

/* Working memory of one worker, in secmem; grows up to limit bytes and
 * shrinks back to its start size after each call. */
struct eval_scratch;
CL_MUST_CHECK int eval_scratch_new(struct eval_scratch **out, size_t limit);
void eval_scratch_free(struct eval_scratch *s);

/*
 * Runs a verified program. groups[i] is the key of tags[i]; hash may be NULL
 * when the program does not hash. in: scalars, then columns, as PROTOCOL.md
 * says; it must be consumed to its end. out: the result body. On failure *row
 * is the row (0-based) whose value failed, or UINT32_MAX.
 * All plaintext is wiped before it returns.
 */
CL_MUST_CHECK int eval_run(const struct eval_program *prog,
    struct groupkey *const *groups, struct hashkey *hash, uint32_t nrows,
    struct rd *in, struct wr *out, struct eval_scratch *s, uint32_t *row);

#endif
