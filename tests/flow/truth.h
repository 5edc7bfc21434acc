/*
 * Comparison with PostgreSQL itself. truth_gen.c and truth_batch.c invent
 * values and expressions, truth_machine.c computes them with tde; the program
 * prints lines for COPY: kind, SQL expression, our result. truth.sh has
 * PostgreSQL evaluate the expressions and compare.
 */
#ifndef CLOISTER_TESTS_TRUTH_H
#define CLOISTER_TESTS_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tde/eval.h"

#define TEXT_ROOM 8192u

/* A value in its text form; NULL when null is set. */
struct operand {
	uint8_t type;
	bool null;
	char text[400];
};

/* Our result: text, "NULL", or "!" and the SQLSTATE. */
struct answer {
	char text[TEXT_ROOM];
};

/* truth_machine.c: exits on anything that may not happen. */
void machine_start(void);
/* One row: pushes the operands in order, unless instr begins with COLUMN and
 * does that itself, then runs instr. */
void machine_run(const struct operand *ops, unsigned n,
    const struct eval_instr *instr, unsigned ninstr, struct answer *out);
/* Text form in, text form out. */
void machine_round_trip(const struct operand *op, struct answer *out);
/* A reduction of n rows, in batches that hand their state on. */
void machine_reduce(const struct operand *rows, unsigned n, uint8_t op,
    unsigned batch, struct answer *out);
/* Dense ranks, joined with commas. */
void machine_sort(const struct operand *rows, unsigned n, struct answer *out);

/* truth_gen.c */
void truth_seed(uint64_t seed);
uint64_t truth_random(void);
/* Below n. */
unsigned truth_below(unsigned n);
/* A value of the type: an edge, a small one, or random bits. */
struct operand truth_value(uint8_t type);
/* SQL literal with its type. */
void truth_literal(const struct operand *op, char *out, size_t room);
/* One line of output. */
void truth_emit(const char *kind, const char *sql, const struct answer *ours);

/* text with quotes around, in SQL. */
void truth_quote(const char *text, char *out, size_t room);
/* Damages text a little; characters of numbers and dates. */
void truth_damage(char *text, size_t room);

/* The i-th number that is likely to go wrong; NULL behind the last. */
const char *truth_edge(uint8_t type, unsigned i);
bool truth_parses(const struct operand *op);
/* One or two operands into a format with as many %s; computed and emitted. */
void truth_row(const char *kind, const char *format, const struct operand *ops,
    unsigned n, const struct eval_instr *instr, unsigned ninstr);

/* truth_edges.c: arithmetic of all pairs of edges, dates in many spellings. */
void truth_edges(void);
void truth_moments(unsigned n);

/* truth_batch.c */
void truth_aggregates(unsigned n);
void truth_sorts(unsigned n);

#endif
