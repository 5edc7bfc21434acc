/* Standard input and output of the filters, in large pieces. */
#ifndef CLOISTER_CLIENT_OUT_H
#define CLOISTER_CLIENT_OUT_H

#include "client/text.h"

struct out {
	int fd;
	struct text kept;
};

/* Collects; writes when enough has come. CL_ERR_IO. */
CL_MUST_CHECK int out_put(struct out *o, const char *p, size_t n);
CL_MUST_CHECK int out_flush(struct out *o);
void out_clear(struct out *o);

/* Reads fd to its end in pieces; f's failure ends it and is passed on. */
CL_MUST_CHECK int out_each(
    int fd, int (*f)(void *arg, const char *p, size_t n), void *arg);

#endif
