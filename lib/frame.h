/*
 * Frames on the agent's stream socket and in the ring's slots.
 * Twelve bytes of header, little endian, then the body:
 *
 *	u32 body length | u8 operation | u8 flags | u16 status | u32 id
 *
 * A request has flags 0 and status 0. Its reply repeats operation and id, has
 * FRAME_REPLY set, and status 0 or err_to_wire() of the failure; then the body
 * is a blob (u32 length, UTF-8 text) with the detail, which may be empty, for
 * CL_ERR_NEED_GROUP followed by the u32 tag that is wanted.
 */
#ifndef CLOISTER_LIB_FRAME_H
#define CLOISTER_LIB_FRAME_H

#include "lib/buf.h"

#define FRAME_HEADER   12u
#define FRAME_REPLY    1u
#define FRAME_MAX_BODY (8u << 20) /* default and upper bound of max_frame */

enum frame_op {
	OP_HELLO = 1,
	OP_EVIDENCE = 2,
	OP_MESSAGE = 3,
	OP_OPEN = 4,
	OP_JOIN = 5,
	OP_CLOSE = 6,
	OP_GROUP = 7,
	OP_STATUS = 8,
	OP_RING = 9,
	OP_BELL = 10,
	OP_PREPARE = 16,
	OP_EVAL = 17,
	OP_SORT = 18,
};

struct frame {
	uint8_t op;
	uint8_t flags;
	uint16_t status;
	uint32_t id;
	uint32_t body_len;
};

enum frame_next { FRAME_MORE, FRAME_ONE, FRAME_BAD };

/*
 * Looks at the n bytes received so far. FRAME_MORE: wait for more bytes (the
 * header, or the body whose length is already known to be legal). FRAME_BAD:
 * drop the connection (*err says why). FRAME_ONE: *f is filled and the body
 * is the body_len bytes after the header. The cap is tested before the body
 * is awaited.
 */
enum frame_next frame_next(
    const uint8_t *p, size_t n, uint32_t max_body, struct frame *f, int *err);

/* Writes the header into out[FRAME_HEADER]. */
void frame_put(uint8_t out[FRAME_HEADER], const struct frame *f);

#endif
