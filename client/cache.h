/*
 * The owner's cache of endorsements: a folder endorsements/ in the owner's
 * directory, flat, one document a file. What is in it is found by content;
 * names are for people. Nothing in it is trusted more than what came from
 * elsewhere: an appraisal judges it anew each time.
 */
#ifndef CLOISTER_CLIENT_CACHE_H
#define CLOISTER_CLIENT_CACHE_H

#include "client/home.h"
#include "client/wanted.h"

#define CACHE_DIR "endorsements"

/* Adds every document that speaks for the machine; a cache that is not there
 * is an empty one. */
CL_MUST_CHECK int cache_load(
    const struct home *home, const struct wanted *w, struct endorse *bag);
/* The same from any folder. */
CL_MUST_CHECK int cache_load_from(
    int dirfd, const struct wanted *w, struct endorse *bag);
/* Opens it, and makes it where it is not there yet. */
CL_MUST_CHECK int cache_open(const struct home *home, int *dirfd);
/* One document, in place of another of its name; at once or not at all. */
CL_MUST_CHECK int cache_put(
    int dirfd, const char *name, const void *p, size_t n);
/* Copies what speaks for the machine, under the same names. */
CL_MUST_CHECK int cache_copy(int from, const struct wanted *w, int to);

#endif
