/*
 * Endorsements on the owner's side: files and folders named on the command
 * line, or the owner's cache, which the vendors fill where that is allowed.
 * What is named takes the place of the cache.
 */
#ifndef CLOISTER_CLIENT_ENDORSEMENTS_H
#define CLOISTER_CLIENT_ENDORSEMENTS_H

#include <stdbool.h>

#include "client/fetch_settings.h"
#include "client/options.h"
#include "policy/appraise.h"
#include "policy/roots.h"

/* Values of the options: no characters, none of options.h. */
enum endorsements_option {
	ENDORSEMENTS_PLACE = 3000,
	ENDORSEMENTS_NO_CACHE,
	ENDORSEMENTS_FETCH,
};

/* Rows for a subcommand's table. */
/* clang-format off */
#define ENDORSEMENTS_OPTIONS                                                   \
	{"endorsements", required_argument, NULL, ENDORSEMENTS_PLACE},         \
	{"no-cache", no_argument, NULL, ENDORSEMENTS_NO_CACHE},                \
	{"fetch", no_argument, NULL, ENDORSEMENTS_FETCH}
/* clang-format on */

#define ENDORSEMENTS_MAX 16

struct endorsements {
	const char *place[ENDORSEMENTS_MAX];
	unsigned n;
	bool no_cache, fetch;
	struct fetch_settings settings; /* of endorsements_settle() */
};

/* One of the options above, with optarg. -1: it is none of them; 0: the
 * command is over, o->status. */
int endorsements_take(struct endorsements *e, struct options *o, int option);
/* Reads the owner's settings; home NULL: there is none. */
CL_MUST_CHECK int endorsements_settle(
    struct endorsements *e, const struct home *home);
/* Reads the places that are named; *out NULL when none is. */
CL_MUST_CHECK int endorsements_open(
    const struct endorsements *e, struct endorse **out);
/* The owner's directory when its cache is to be used, else NULL. */
const struct home *endorsements_cache(
    const struct endorsements *e, const struct home *home);
/* The settings when vendors may be asked for what the cache lacks, or NULL. */
const struct fetch_settings *endorsements_fetch(const struct endorsements *e);

/* A bag of what the cache has for evidence that is not checked yet; fetch not
 * NULL: after its vendors were asked for the rest, which may fail with a
 * warning. Evidence that cannot be read finds nothing. */
CL_MUST_CHECK int endorsements_find(const struct home *cache,
    const struct fetch_settings *fetch, const struct roots *roots,
    const struct appraise_input *in, struct endorse **out);

#endif
