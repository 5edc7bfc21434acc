/*
 * Values to cells and back, in their text forms: "42" to "cl1_…" and "cl1_…"
 * to "42". One struct serves one thread; it only holds buffers.
 */
#ifndef CLOISTER_CLIENT_CELLS_H
#define CLOISTER_CLIENT_CELLS_H

#include "client/groups.h"
#include "client/text.h"

#define CELLS_PREFIX   "cl1_"
#define CELLS_PREFIX_N 4u
/* Shortest and longest text of a cell: base64url of CELL_MIN, CELL_MAX. */
#define CELLS_TEXT_MIN (CELLS_PREFIX_N + (CELL_MIN * 4u + 2u) / 3u)
#define CELLS_TEXT_MAX (CELLS_PREFIX_N + (CELL_MAX * 4u + 2u) / 3u)

struct cells {
	struct text plain;
	struct text cell;
};

/* Appends the cell's text to out. type: enum cell_type. CL_ERR_TEXT,
 * CL_ERR_OVERFLOW, …: the value is not one of the type. */
CL_MUST_CHECK int cells_encrypt(struct cells *c, struct group *g, uint8_t type,
    const char *value, size_t n, struct text *out);
/* Appends the value's text to out, or nothing at all. CL_ERR_BAD_CELL,
 * CL_ERR_NOT_FOUND (no such group here). */
CL_MUST_CHECK int cells_decrypt(struct cells *c, const struct groups *gs,
    const char *token, size_t n, struct text *out);
void cells_clear(struct cells *c);

#endif
