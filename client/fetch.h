/*
 * Endorsements from their vendors, into a folder (client/cache.h): what the
 * folder does not have, or has no longer. Nothing is kept that its vendor does
 * not answer for; all that is kept replaces its predecessor atomically.
 */
#ifndef CLOISTER_CLIENT_FETCH_H
#define CLOISTER_CLIENT_FETCH_H

#include "client/fetch_settings.h"
#include "client/http.h"
#include "client/wanted.h"

enum fetch_state {
	FETCH_HAD,    /* it is there and current: no request */
	FETCH_GOT,    /* it came, and is kept */
	FETCH_STALE,  /* its word is over; nothing newer was to be had */
	FETCH_FAILED, /* and there was none before */
};

/* What became of one document. */
struct fetch_note {
	const char *what; /* "TCB info" */
	enum fetch_state state;
	int64_t until;	 /* FETCH_FOREVER: no end; 0: there is none */
	const char *why; /* why nothing new came; or "" */
};

struct fetch_job {
	const struct fetch_settings *settings;
	const struct roots *roots; /* NULL: the vendors' own */
	int64_t time;		   /* at which documents should be valid */
	struct http_options http;  /* beyond the settings */
	void (*told)(void *arg, const struct fetch_note *note); /* or NULL */
	void *arg;
};

/*
 * CL_OK: everything that is wanted is there and current. Otherwise as much as
 * could be had is, and the first failure is the result. w of an SNP report of
 * version 2 learns its product.
 */
CL_MUST_CHECK int fetch_fill(
    const struct fetch_job *job, struct wanted *w, int dirfd);

#endif
