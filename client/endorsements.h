/*
 * Endorsements on the owner's side: files and folders named on the command
 * line, or the owner's cache. What is named takes the place of the cache.
 */
#ifndef CLOISTER_CLIENT_ENDORSEMENTS_H
#define CLOISTER_CLIENT_ENDORSEMENTS_H

#include <stdbool.h>

#include "client/home.h"
#include "client/options.h"
#include "policy/endorse.h"

/* Values of the options: no characters, none of options.h. */
enum endorsements_option {
	ENDORSEMENTS_PLACE = 3000,
	ENDORSEMENTS_NO_CACHE,
};

/* Rows for a subcommand's table. */
/* clang-format off */
#define ENDORSEMENTS_OPTIONS                                                   \
	{"endorsements", required_argument, NULL, ENDORSEMENTS_PLACE},         \
	{"no-cache", no_argument, NULL, ENDORSEMENTS_NO_CACHE}
/* clang-format on */

#define ENDORSEMENTS_MAX 16

struct endorsements {
	const char *place[ENDORSEMENTS_MAX];
	unsigned n;
	bool no_cache;
};

/* One of the options above, with optarg. -1: it is none of them; 0: the
 * command is over, o->status. */
int endorsements_take(struct endorsements *e, struct options *o, int option);
/* Reads the places that are named; *out NULL when none is. */
CL_MUST_CHECK int endorsements_open(
    const struct endorsements *e, struct endorse **out);
/* The owner's directory when its cache is to be used, else NULL. */
const struct home *endorsements_cache(
    const struct endorsements *e, const struct home *home);

#endif
