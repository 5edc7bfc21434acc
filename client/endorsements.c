#include <unistd.h>

#include "client/cache.h"
#include "client/command.h"
#include "client/endorsements.h"
#include "client/fetch.h"
#include "client/why.h"
#include "lib/secmem.h"

static int
take_place(struct endorsements *e, struct options *o)
{
	if (e->n < ENDORSEMENTS_MAX) {
		e->place[e->n++] = optarg;
		return 1;
	}
	o->status = command_usage(
	    o->name, "--endorsements: at most %d of them", ENDORSEMENTS_MAX);
	return 0;
}

int
endorsements_take(struct endorsements *e, struct options *o, int option)
{
	if (option == ENDORSEMENTS_NO_CACHE)
		e->no_cache = true;
	else if (option == ENDORSEMENTS_FETCH)
		e->fetch = true;
	else if (option != ENDORSEMENTS_PLACE)
		return -1;
	else if (!take_place(e, o))
		return 0;
	if (!e->fetch || (!e->n && !e->no_cache))
		return 1;
	o->status = command_usage(o->name,
	    "--fetch fills the cache: expected it without --endorsements and "
	    "--no-cache");
	return 0;
}

int
endorsements_settle(struct endorsements *e, const struct home *home)
{
	if (!home && e->fetch)
		return why_set(CL_ERR_NOT_FOUND,
		    "--fetch keeps what comes in the owner's directory, and "
		    "there is none; without one use cloister "
		    "fetch-endorsements --out DIR");
	return fetch_settings_load(home, &e->settings);
}

/* A folder, or one file of it. */
static int
add_place(struct endorse *e, const char *place)
{
	unsigned skipped;
	int r = endorse_add_path(e, place, &skipped);

	if (r != 0)
		return why_set(r, "cannot take endorsements from %s: %s", place,
		    r == CL_ERR_FORMAT
			? "expected certificates, revocation lists or "
			  "collateral of a vendor, came something else"
			: err_text(r));
	if (skipped)
		command_warn("note: files of %s that are no endorsements, or "
			     "cannot be read: %u",
		    place, skipped);
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

const struct fetch_settings *
endorsements_fetch(const struct endorsements *e)
{
	bool may = e->fetch || e->settings.fetch;

	return may && !e->n && !e->no_cache ? &e->settings : NULL;
}

/* Being offline is no failure here: the verdict says what is missing. */
static int
fill(const struct home *cache, const struct fetch_job *job, struct wanted *w)
{
	int fd, r;

	if ((r = cache_open(cache, &fd)) != 0)
		return r;
	if (fetch_fill(job, w, fd) != 0)
		command_warn("note: not all endorsements could be fetched: %s",
		    why_text());
	close(fd);
	return CL_OK;
}

int
endorsements_find(const struct home *cache, const struct fetch_settings *fetch,
    const struct roots *roots, const struct appraise_input *in,
    struct endorse **out)
{
	const struct fetch_job job = {
	    .settings = fetch, .roots = roots, .time = in->time};
	const struct evidence *e = in->evidence;
	struct wanted *w = secmem_alloc(sizeof(*w));
	int r;

	*out = NULL;
	if (!w || endorse_new(out) != 0) {
		secmem_free(w);
		return why_memory();
	}
	r = wanted_find(e ? e->tee : in->tee, e ? e->raw : in->raw,
	    e ? e->raw_n : in->raw_n, NULL, w);
	if (r == CL_ERR_MEMORY)
		r = why_memory();
	else if (r != 0)
		r = CL_OK;
	else if (!fetch || (r = fill(cache, &job, w)) == 0)
		r = cache_load(cache, w, *out);
	secmem_free(w);
	return r;
}
