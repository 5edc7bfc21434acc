/* LIKE and ILIKE on UTF-8, as PostgreSQL 15 matches in the "C" collation
 * (ILIKE folds ASCII letters only). */
#ifndef CLOISTER_TDE_LIKE_H
#define CLOISTER_TDE_LIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct like {
	const uint8_t *pattern;
	size_t pattern_n;
	uint8_t escape[4]; /* UTF-8 of the escape character */
	size_t escape_n;   /* 0: none */
	bool fold;	   /* ILIKE */
};

/*
 * *fuel is lowered by one for each byte that is compared; when it is used up
 * the answer is CL_ERR_LIMIT, so that a hostile pattern ends. CL_ERR_ESCAPE
 * when matching comes to an escape character at the pattern's end.
 */
CL_MUST_CHECK int like_match(const struct like *l, const uint8_t *text,
    size_t n, uint64_t *fuel, bool *match);

#endif
