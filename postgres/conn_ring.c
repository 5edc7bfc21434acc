/*
 * The ring: shared memory with one request slot and one reply slot
 * (lib/ring.h). The other side is not trusted: its counters are read once, its
 * frame is copied out before it is looked at.
 */
#include "conn_internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "portability/instr_time.h"
#include "storage/s_lock.h"
#include "utils/memutils.h"

#define SPINS_PER_LOOK 32
#define MAX_SPIN_SKIP 64

static uint32
reply_seq(Conn *c)
{
	return atomic_load_explicit(&c->ring->reply_seq, memory_order_acquire);
}

/* A sealed memfd, mapped; -1 and no mapping when the system has none. */
static int
make_ring(struct ring_header **ring)
{
	int			fd = memfd_create("cloister-ring",
								  MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void	   *p;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, ring_bytes(RING_SLOT)) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto fail;
	p = mmap(NULL, ring_bytes(RING_SLOT), PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (p == MAP_FAILED)
		goto fail;
	*ring = p;
	(*ring)->magic = RING_MAGIC;
	(*ring)->slot_size = RING_SLOT;
	return fd;

fail:
	close(fd);
	return -1;
}

/* Once per connection. Without a ring the socket serves. */
void
ring_setup(Conn *c)
{
	uint8		body[4];
	ConnPart	parts[CONN_PARTS] = {{body, sizeof(body)}, {NULL, 0}};
	struct rd	reply;
	int			fd;

	if (c->ring_tried || module_transport() != MODULE_TRANSPORT_RING)
		return;
	c->ring_tried = true;
	fd = make_ring(&c->ring_map);
	if (fd < 0)
		return;
	le32_put(body, RING_SLOT);
	PG_TRY();
	{
		if (conn_exchange(c, OP_RING, parts, fd, &reply) == CL_OK)
			c->ring = c->ring_map;
		else
			ring_drop(c);
	}
	PG_FINALLY();
	{
		close(fd);
	}
	PG_END_TRY();
}

void
ring_drop(Conn *c)
{
	if (c->ring_map)
		munmap(c->ring_map, ring_bytes(RING_SLOT));
	c->ring_map = NULL;
	c->ring = NULL;
	c->ring_busy = false;
	buffer_free(&c->ring_in);
}

bool
ring_fits(const Conn *c, Size body)
{
	return c->ring && module_transport() == MODULE_TRANSPORT_RING &&
		!c->ring_busy && body <= RING_SLOT - FRAME_HEADER;
}

void
ring_send(Conn *c, const uint8 *head, const ConnPart *parts)
{
	static const ConnPart none[CONN_PARTS];
	uint8	   *slot = ring_request(c->ring);
	struct frame bell = {.op = OP_BELL};
	uint8		bell_head[FRAME_HEADER];

	memcpy(slot, head, FRAME_HEADER);
	slot += FRAME_HEADER;
	for (int i = 0; i < CONN_PARTS; i++)
	{
		if (parts[i].n > 0)
			memcpy(slot, parts[i].p, parts[i].n);
		slot += parts[i].n;
	}
	/* Set still when an error ended the last sleep. */
	atomic_store_explicit(&c->ring->client_sleeping, 0,
						  memory_order_relaxed);
	c->ring_busy = true;
	c->ring_seq++;
	c->ring_id = le32_get(head + 8);
	/* First the counter, then the look at the flag: the engine does it the
	 * other way round, so one of us sees the other. */
	atomic_store(&c->ring->request_seq, c->ring_seq);
	if (!atomic_load(&c->ring->engine_sleeping))
		return;
	frame_put(bell_head, &bell);
	socket_send(c, bell_head, none, -1);
}

bool
ring_take(Conn *c, struct frame *f, struct rd *body)
{
	const uint8 *slot;
	uint32		len;
	int			err;

	if (!c->ring_busy || reply_seq(c) != c->ring_seq)
		return false;
	c->ring_busy = false;
	slot = ring_reply(c->ring, RING_SLOT);
	len = le32_get(slot);
	if (len > RING_SLOT - FRAME_HEADER)
		conn_bad_reply();
	c->ring_in.start = c->ring_in.end = 0;
	buffer_reserve(&c->ring_in, FRAME_HEADER + len);
	memcpy(c->ring_in.p, slot, FRAME_HEADER + len);
	if (frame_next(c->ring_in.p, FRAME_HEADER + len, RING_SLOT, f, &err) !=
		FRAME_ONE || f->body_len != len)
		conn_bad_reply();
	/* An older one: the reply was too large and comes over the socket. */
	if (f->id != c->ring_id)
		return false;
	*body = rd_make(c->ring_in.p + FRAME_HEADER, len);
	return true;
}

static bool
look_often(Conn *c)
{
	for (int i = 0; i < SPINS_PER_LOOK; i++)
	{
		if (reply_seq(c) == c->ring_seq)
			return true;
		SPIN_DELAY();
	}
	return false;
}

static bool
look_until(Conn *c, uint32 limit_us)
{
	instr_time	start;
	instr_time	now;

	INSTR_TIME_SET_CURRENT(start);
	do
	{
		if (look_often(c))
			return true;
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, start);
	} while (INSTR_TIME_GET_MICROSEC(now) < limit_us);
	return false;
}

/*
 * The engine answers a small request sooner than a sleep would begin, unless
 * others keep the cores busy: then spinning only takes time from the engine.
 * So a spin in vain lets the next 1, 2, 4, ... ones be left out.
 */
void
ring_spin(Conn *c)
{
	uint32		limit;

	if (!c->ring_busy)
		return;
	if (look_often(c))
	{
		c->spin_vain = 0;
		return;
	}
	if (c->spin_skip > 0)
	{
		c->spin_skip--;
		return;
	}
	limit = atomic_load_explicit(&c->ring->spin_us, memory_order_relaxed);
	limit = Min(limit, (uint32) module_spin_us());
	if (look_until(c, limit))
		c->spin_vain = 0;
	else
		c->spin_vain = Min(Max(1, 2 * c->spin_vain), MAX_SPIN_SKIP);
	c->spin_skip = c->spin_vain;
}

bool
ring_may_sleep(Conn *c)
{
	if (!c->ring_busy)
		return true;
	atomic_store(&c->ring->client_sleeping, 1);
	return atomic_load(&c->ring->reply_seq) != c->ring_seq;
}

void
ring_woke(Conn *c)
{
	if (c->ring_busy)
		atomic_store(&c->ring->client_sleeping, 0);
}
