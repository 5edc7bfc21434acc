/*
 * The numbers of EVAL's programs: instructions, result kinds, limits. Free of
 * any cryptography, so that the extension, which writes programs, may include
 * it. Meaning: agent/PROTOCOL.md, section "Programs".
 */
#ifndef CLOISTER_TDE_EVAL_OPS_H
#define CLOISTER_TDE_EVAL_OPS_H

#define EVAL_MAX_INSTR	 64u
#define EVAL_MAX_STACK	 16u
#define EVAL_MAX_GROUPS	 8u
#define EVAL_MAX_COLUMNS 16u
#define EVAL_MAX_SCALARS 32u
#define EVAL_MAX_ROWS	 65536u

enum eval_op {
	EV_COLUMN = 1,
	EV_SCALAR = 2,
	EV_EQ = 8,
	EV_NE,
	EV_LT,
	EV_LE,
	EV_GT,
	EV_GE,
	EV_CMP3,
	EV_IS_NULL,
	EV_TRUTH, /* enc_bool value -> predicate */
	EV_AND = 24,
	EV_OR,
	EV_NOT,
	EV_ADD = 32,
	EV_SUB,
	EV_MUL,
	EV_DIV,
	EV_MOD,
	EV_NEG,
	EV_LIKE = 48,
	EV_CONCAT,
	EV_SUBSTR,
	EV_LENGTH,
	EV_LOWER,
	EV_UPPER,
	EV_EXTRACT = 56,
	EV_CAST,
	EV_HASH,
	EV_REENC = 64,
	EV_SUM = 72,
	EV_COUNT,
	EV_MIN,
	EV_MAX,
	EV_AVG,
};

enum eval_result { EVAL_BOOL = 1, EVAL_I64 = 2, EVAL_CELLS = 3 };

/* Reduction flags, field a. */
#define EV_HAS_STATE 1u /* b = scalar with the state so far */
#define EV_WIDEN     2u /* SUM of float4 as float8 */

#endif
