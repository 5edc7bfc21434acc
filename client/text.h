/*
 * Bytes that grow, in memory that is wiped when it is given back. Always
 * followed by a NUL that n does not count.
 */
#ifndef CLOISTER_CLIENT_TEXT_H
#define CLOISTER_CLIENT_TEXT_H

#include <stddef.h>

#include "lib/err.h"

struct text {
	char *p; /* NULL while empty */
	size_t n;
	size_t cap;
};

/* Room for n more bytes and a NUL; lends their place. CL_ERR_MEMORY. */
CL_MUST_CHECK int text_room(struct text *t, size_t n, char **at);
CL_MUST_CHECK int text_add(struct text *t, const void *p, size_t n);
CL_MUST_CHECK int text_str(struct text *t, const char *s);
/* Empties and wipes, keeps the memory. */
void text_reset(struct text *t);
/* Wipes and frees. */
void text_clear(struct text *t);

#endif
