#include "client/endorsements.h"
#include "client/command.h"
#include "client/why.h"

int
endorsements_take(struct endorsements *e, struct options *o, int option)
{
	if (option == ENDORSEMENTS_NO_CACHE) {
		e->no_cache = true;
		return 1;
	}
	if (option != ENDORSEMENTS_PLACE)
		return -1;
	if (e->n < ENDORSEMENTS_MAX) {
		e->place[e->n++] = optarg;
		return 1;
	}
	o->status = command_usage(
	    o->name, "--endorsements: at most %d of them", ENDORSEMENTS_MAX);
	return 0;
}

/* A folder, or one file of it. */
static int
add_place(struct endorse *e, const char *place)
{
	unsigned skipped;
	int r = endorse_add_path(e, place, &skipped);

	if (r != 0)
		return why_set(r, "cannot take endorsements from %s: %s", place,
		    err_text(r));
	if (skipped)
		command_warn(
		    "note: %u files in %s are no endorsements", skipped, place);
	return CL_OK;
}

int
endorsements_open(const struct endorsements *e, struct endorse **out)
{
	unsigned i;
	int r = CL_OK;

	*out = NULL;
	if (e->n && endorse_new(out) != 0)
		return why_memory();
	for (i = 0; r == 0 && i < e->n; i++)
		r = add_place(*out, e->place[i]);
	return r;
}

const struct home *
endorsements_cache(const struct endorsements *e, const struct home *home)
{
	return e->n || e->no_cache ? NULL : home;
}
