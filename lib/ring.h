/*
 * Layout of the shared ring: one sealed memfd per connection, made by the
 * client (F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL), passed with OP_RING.
 * One page of header, one request slot, one reply slot; a slot holds one whole
 * frame. A frame that does not fit its slot travels over the socket instead,
 * so a waiting side looks at both.
 *
 * Both sides are hostile to each other: copy in, check, then use; never read a
 * field of the other side twice. Lost wake-ups cannot happen: a side that goes
 * to sleep sets its own flag, then looks at the other side's counter once more,
 * then sleeps on the socket; the other side raises its counter, then looks at
 * the flag and, when set, sends one OP_BELL frame (no body) over the socket.
 * Nobody clears the other side's flag.
 */
#ifndef CLOISTER_LIB_RING_H
#define CLOISTER_LIB_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define RING_MAGIC    0x31524c43u /* "CLR1" */
#define RING_PAGE     4096u
#define RING_SLOT_MIN 4096u
#define RING_SLOT_MAX (4u << 20)
#define RING_SLOT     (256u << 10) /* what the extension asks for */

struct ring_header {
	uint32_t magic;	    /* written once, before the descriptor is sent */
	uint32_t slot_size; /* bytes, a multiple of RING_PAGE */
	uint8_t pad0[56];
	_Atomic uint32_t request_seq; /* client: +1 after the slot is filled */
	_Atomic uint32_t client_sleeping;
	uint8_t pad1[56];
	_Atomic uint32_t reply_seq; /* engine: = request_seq it answered */
	_Atomic uint32_t engine_sleeping;
	_Atomic uint32_t spin_us; /* engine's advice: 0 when cores are scarce */
	uint8_t pad2[52];
};

static inline uint64_t
ring_bytes(uint32_t slot_size)
{
	return RING_PAGE + 2 * (uint64_t)slot_size;
}

static inline uint8_t *
ring_request(struct ring_header *h)
{
	return (uint8_t *)h + RING_PAGE;
}

/* slot_size is the caller's own checked copy, never h->slot_size. */
static inline uint8_t *
ring_reply(struct ring_header *h, uint32_t slot_size)
{
	return (uint8_t *)h + RING_PAGE + slot_size;
}

#endif
