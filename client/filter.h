/*
 * The decrypt filter: bytes in, bytes out, every cell's text replaced by its
 * value, everything else unchanged. Streaming: fed in pieces of any size.
 *
 * A cell's text is "cl1_" and all base64url characters behind it, where the
 * character in front is none. Shorter ones than any cell can be are taken for
 * ordinary words (a column named cl1_notes) and pass.
 */
#ifndef CLOISTER_CLIENT_FILTER_H
#define CLOISTER_CLIENT_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/text.h"

enum filter_form {
	FILTER_PLAIN, /* values go out as they are */
	FILTER_JSON,  /* escaped for the string literal around the cell */
	FILTER_CSV,   /* the field is quoted again where the value needs it */
	FILTER_TABLE, /* CSV with a header in, an aligned table out at the end
		       */
};

struct filter;

struct filter_hooks {
	int (*put)(void *arg, const char *p, size_t n);
	/* Appends the value to out, or fails and appends nothing. */
	int (*resolve)(
	    void *arg, const char *token, size_t n, struct text *out);
	/* A cell of this line (from 1) was not resolved, why_text() says why,
	 * and stays as it is. */
	void (*failed)(void *arg, uint64_t line);
	void *arg;
};

CL_MUST_CHECK int filter_new(const struct filter_hooks *hooks,
    enum filter_form form, struct filter **out);
/* Failures are those of put, of memory, and of CSV that is none. */
CL_MUST_CHECK int filter_feed(struct filter *f, const char *p, size_t n);
CL_MUST_CHECK int filter_end(struct filter *f);
void filter_free(struct filter *f);

#endif
