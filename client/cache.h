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

#endif
