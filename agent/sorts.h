/* A connection's open sorts, by the client's small numbers. */
#ifndef CLOISTER_AGENT_SORTS_H
#define CLOISTER_AGENT_SORTS_H

#include <stdbool.h>

#include "tde/sort.h"

/* Groups whose cells one sort may hold. */
#define SORTS_MAX_KEYS 8u

struct sort {
	struct sortrun *run; /* NULL: row is free */
	uint64_t epoch;	     /* of the tenant, when the keys were authorised */
	unsigned nkeys;
	uint32_t tags[SORTS_MAX_KEYS];
	struct groupkey *keys[SORTS_MAX_KEYS];
};

struct sorts;

CL_MUST_CHECK int sorts_new(struct sorts **out, unsigned max);
/* NULL when id is out of range. */
struct sort *sorts_at(struct sorts *all, uint32_t id);
void sort_drop_keys(struct sort *s);
void sort_end(struct sort *s);
void sorts_clear(struct sorts *all);

#endif
