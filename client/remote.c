#include <stdlib.h>

#include "client/remote.h"
#include "client/why.h"

struct remote {
	const struct remote_way *way;
	void *state;
};

int
remote_new(const struct remote_way *way, void *state, struct remote **out)
{
	struct remote *r = calloc(1, sizeof(*r));

	*out = r;
	if (!r)
		return why_memory();
	r->way = way;
	r->state = state;
	return CL_OK;
}

void
remote_close(struct remote *r)
{
	if (!r)
		return;
	r->way->close(r->state);
	free(r);
}

int
remote_evidence(struct remote *r, const uint8_t nonce[32], const char *tee,
    struct text *out)
{
	const struct remote_ask ask = {nonce, tee, NULL, 0};

	return r->way->evidence(r->state, &ask, out);
}

int
remote_prove(struct remote *r, const uint8_t nonce[32],
    const uint8_t *credential, size_t n, struct text *out)
{
	const struct remote_ask ask = {nonce, "tpm", credential, n};

	return r->way->evidence(r->state, &ask, out);
}

int
remote_message(
    struct remote *r, const uint8_t *message, size_t n, struct text *reply)
{
	return r->way->message(r->state, message, n, reply);
}

int
remote_boot(struct remote *r, uint8_t boot[16])
{
	return r->way->boot(r->state, boot);
}

int
remote_open(struct remote *r, const char *message)
{
	return r->way->open(r->state, message);
}

int
remote_group_put(struct remote *r, const struct remote_group *g)
{
	return r->way->group_put(r->state, g);
}
