/* Finding cells in a stream of bytes: the core of every form of the filter. */
#ifndef CLOISTER_CLIENT_FILTER_SCAN_H
#define CLOISTER_CLIENT_FILTER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "client/text.h"

struct filter_scan {
	/* Bytes that are no cell. */
	int (*plain)(void *arg, const char *p, size_t n);
	/* One candidate, not longer than a cell can be. */
	int (*token)(void *arg, const char *p, size_t n);
	/* One that is longer; its bytes then come through plain. */
	void (*overlong)(void *arg);
	void *arg;

	struct text kept; /* the candidate so far */
	bool in_word;	  /* the last byte was a base64url character */
};

CL_MUST_CHECK int filter_scan_feed(
    struct filter_scan *s, const char *p, size_t n);
/* Ends a candidate; afterwards the scan starts afresh. */
CL_MUST_CHECK int filter_scan_end(struct filter_scan *s);
void filter_scan_clear(struct filter_scan *s);

#endif
