/*
 * Is a vendor's document what was asked for, and does its vendor answer for
 * it? Of documents that arrive, before they are kept, and of those that the
 * cache has, before they save a request.
 */
#ifndef CLOISTER_CLIENT_FETCH_CHECK_H
#define CLOISTER_CLIENT_FETCH_CHECK_H

#include "client/fetch_url.h"

#define FETCH_WHY 240u

struct fetch_check {
	const struct wanted *w;
	const struct roots *roots; /* NULL: the vendors' own */
	int64_t time;		   /* of chains */
};

/* When a document's word ends; for those without an end. */
#define FETCH_FOREVER INT64_MAX

/*
 * The best document of this kind among those in the bag that hold up to the
 * vendor's root, with the certificates of bag; how long it is valid, which may
 * be over. CL_ERR_NOT_FOUND: none; why says what was wrong with the last.
 */
CL_MUST_CHECK int fetch_check_held(const struct fetch_check *c,
    enum fetch_kind kind, const struct endorse *bag, int64_t *until,
    char why[FETCH_WHY]);
/* Is the bag, of one answer's body, one document of this kind? */
bool fetch_check_form(enum fetch_kind kind, const struct endorse *body);

#endif
