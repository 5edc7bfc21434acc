#include <unistd.h>

#include "agent/op.h"
#include "agent/ring_service.h"

int
op_ring(struct conn *c, struct rd *in, struct wr *out)
{
	const char *why = NULL;
	uint32_t slot_size;
	int r, fd;

	(void)out;
	if ((r = rd_u32(in, &slot_size)) != 0 || (r = rd_end(in)) != 0)
		return r;
	if ((fd = conn_take_fd(c)) < 0)
		return conn_fail(c, CL_ERR_ARGUMENT,
		    "expected exactly one descriptor beside the request");
	r = ring_attach(c->ring, fd, slot_size, &why);
	close(fd);
	if (r)
		return conn_fail(c, r, "%s", why);
	atomic_fetch_add(&c->e->ring_awake, 1);
	return CL_OK;
}

/* It has done its work by waking us. */
int
op_bell(struct conn *c, struct rd *in, struct wr *out)
{
	(void)out;
	if (!ring_attached(c->ring))
		return conn_fail(c, CL_ERR_STATE, "no ring is in use");
	return rd_end(in);
}
