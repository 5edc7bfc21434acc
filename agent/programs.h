/*
 * A connection's prepared programs: a table of fixed size, the least recently
 * prepared or run goes. Ordinary memory; keys in it are references.
 */
#ifndef CLOISTER_AGENT_PROGRAMS_H
#define CLOISTER_AGENT_PROGRAMS_H

#include "tde/eval.h"

struct program {
	uint32_t id;	/* 0: free */
	uint64_t used;	/* stamp of the last use */
	uint64_t epoch; /* of the tenant, when it was authorised */
	struct eval_program prog;
	struct groupkey *keys[EVAL_MAX_GROUPS];
	struct hashkey *hash;
};

struct programs;

/* Before the filter closes: it maps memory. */
CL_MUST_CHECK int programs_new(struct programs **out, unsigned max);
/* A cleared row with a new id. */
struct program *programs_add(struct programs *all);
/* NULL when it is unknown or went. */
struct program *programs_find(struct programs *all, uint32_t id);
/* Gives the keys back; the program stays. */
void program_drop_keys(struct program *p);
void program_remove(struct program *p);
void programs_clear(struct programs *all);

#endif
