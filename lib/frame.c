#include "lib/frame.h"

enum frame_next
frame_next(
    const uint8_t *p, size_t n, uint32_t max_body, struct frame *f, int *err)
{
	*err = CL_OK;
	if (n < FRAME_HEADER)
		return FRAME_MORE;
	f->body_len = le32_get(p);
	f->op = p[4];
	f->flags = p[5];
	f->status = le16_get(p + 6);
	f->id = le32_get(p + 8);
	if (f->body_len > max_body) {
		*err = CL_ERR_TOO_LARGE;
		return FRAME_BAD;
	}
	if (f->flags & ~FRAME_REPLY) {
		*err = CL_ERR_FORMAT;
		return FRAME_BAD;
	}
	if (!(f->flags & FRAME_REPLY) && f->status) {
		*err = CL_ERR_FORMAT;
		return FRAME_BAD;
	}
	return n - FRAME_HEADER < f->body_len ? FRAME_MORE : FRAME_ONE;
}

void
frame_put(uint8_t out[FRAME_HEADER], const struct frame *f)
{
	le32_put(out, f->body_len);
	out[4] = f->op;
	out[5] = f->flags;
	le16_put(out + 6, f->status);
	le32_put(out + 8, f->id);
}
