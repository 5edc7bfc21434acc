/*
 * The rows of one SORT: chunks of (key, row), each sorted by merging, then
 * merged all at once into ranks. No sorted copy of everything is made. Inside
 * tde only.
 */
#ifndef CLOISTER_TDE_SORT_ROWS_H
#define CLOISTER_TDE_SORT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define SORT_CHUNK 512u /* rows */

/* Keys order like values; for bytes only unequal keys decide. */
struct sort_entry {
	uint64_t key;
	uint32_t row;
};

struct sort_bytes {
	const uint8_t *p;
	uint32_t n;
};

struct sort_chunk {
	struct sort_entry entry[SORT_CHUNK]; /* of its rows, in any order */
	struct sort_bytes bytes[]; /* SORT_CHUNK, in the order of appending */
};

struct sort_rows {
	struct sort_chunk **chunk;
	uint32_t n;	/* rows in all chunks; all but the last are full */
	bool has_bytes; /* chunks have their second array */
};

/* Chunks for n rows; bytes of sort_rows_rank's work array for them. */
size_t sort_rows_chunks(uint32_t n);
size_t sort_rows_work(uint32_t n);
/*
 * ranks[row - from] for each row from from (<= n) on: dense, from 0, equal for
 * equal values. spare: one chunk without bytes; work: sort_rows_work(n) bytes.
 * CL_ERR_TIMEOUT when *stop (may be NULL) becomes non-zero. May be called again
 * in all cases, also with more rows or another from.
 */
CL_MUST_CHECK int sort_rows_rank(struct sort_rows *s, uint32_t from,
    struct sort_entry spare[SORT_CHUNK], uint32_t *work, uint32_t *ranks,
    const volatile int *stop);

#endif
