#include "agent/setup.h"

#include <string.h>

#define SETUP_VERSION 1u

/* The plain numbers, in the order in which they travel. */
#define SETUP_NUMBERS(X)                                                       \
	X(workers)                                                             \
	X(arena_mb)                                                            \
	X(max_frame)                                                           \
	X(io_timeout)                                                          \
	X(sort_memory_mb)                                                      \
	X(max_programs)                                                        \
	X(max_sorts)                                                           \
	X(max_tenants)                                                         \
	X(max_channels)                                                        \
	X(debug)                                                               \
	X(allow_mlock)                                                         \
	X(uid)                                                                 \
	X(gid)                                                                 \
	X(nuids)

int
setup_put(const struct setup *s, struct wr *out)
{
	uint32_t i;
	int r;

	if ((r = wr_u16(out, SETUP_VERSION)) != 0)
		return r;
#define PUT(name)                                                              \
	if ((r = wr_u32(out, s->name)) != 0)                                   \
		return r;
	SETUP_NUMBERS(PUT)
#undef PUT
	for (i = 0; i < s->nuids; i++)
		if ((r = wr_u32(out, s->uids[i])) != 0)
			return r;
	if ((r = wr_blob(out, s->tee, strlen(s->tee))) != 0)
		return r;
	return wr_blob(out, s->sealing, strlen(s->sealing));
}

static int
get_name(struct rd *in, char out[SETUP_NAME_MAX + 1])
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = rd_blob(in, &p, &n, SETUP_NAME_MAX)) != 0)
		return r;
	memcpy(out, p, n);
	out[n] = '\0';
	return CL_OK;
}

int
setup_get(struct setup *s, struct rd *in)
{
	uint16_t version;
	uint32_t i;
	int r;

	memset(s, 0, sizeof(*s));
	if ((r = rd_u16(in, &version)) != 0)
		return r;
	if (version != SETUP_VERSION)
		return CL_ERR_VERSION;
#define GET(name)                                                              \
	if ((r = rd_u32(in, &s->name)) != 0)                                   \
		return r;
	SETUP_NUMBERS(GET)
#undef GET
	if (s->nuids > SETUP_MAX_UIDS)
		return CL_ERR_FORMAT;
	for (i = 0; i < s->nuids; i++)
		if ((r = rd_u32(in, &s->uids[i])) != 0)
			return r;
	if ((r = get_name(in, s->tee)) != 0 ||
	    (r = get_name(in, s->sealing)) != 0)
		return r;
	return rd_end(in);
}
