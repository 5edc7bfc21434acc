/*
 * The stream socket: frames out and in, without blocking.
 */
#include "conn_internal.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "utils/memutils.h"

#define BUFFER_MIN 4096
#define BUFFER_KEEP (1 << 20)

void
buffer_free(ConnBuffer *b)
{
	if (b->p)
		pfree(b->p);
	memset(b, 0, sizeof(*b));
}

/* Room for n more bytes behind end; moves what is there to the front. */
void
buffer_reserve(ConnBuffer *b, Size n)
{
	Size		held = b->end - b->start;

	if (held == 0 && b->cap > BUFFER_KEEP && n < BUFFER_KEEP)
		buffer_free(b);
	if (b->start > 0)
		memmove(b->p, b->p + b->start, held);
	b->start = 0;
	b->end = held;
	if (b->cap - held >= n)
		return;
	n = Max(held + n, BUFFER_MIN);
	if (b->p == NULL)
		b->p = MemoryContextAlloc(TopMemoryContext, n);
	else
		b->p = repalloc(b->p, n);
	b->cap = n;
}

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static ssize_t
send_parts(Conn *c, const uint8 *head, const ConnPart *parts, int fd)
{
	union
	{
		struct cmsghdr align;
		char		space[CMSG_SPACE(sizeof(int))];
	}			control;
	struct iovec iov[1 + CONN_PARTS] = {{unconstify(uint8 *, head),
	FRAME_HEADER}};
	struct msghdr msg = {.msg_iov = iov,.msg_iovlen = 1 + CONN_PARTS};

	for (int i = 0; i < CONN_PARTS; i++)
	{
		iov[1 + i].iov_base = unconstify(void *, parts[i].p);
		iov[1 + i].iov_len = parts[i].n;
	}
	if (fd >= 0)
	{
		struct cmsghdr *cm;

		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	return sendmsg(c->sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
keep_rest(ConnBuffer *out, const void *p, Size n, Size *sent)
{
	Size		skip = Min(*sent, n);

	*sent -= skip;
	if (n == skip)
		return;
	memcpy(out->p + out->end, (const uint8 *) p + skip, n - skip);
	out->end += n - skip;
}

/*
 * What does not go out at once waits in the buffer. A broken pipe is left for
 * the reading side to find, behind a last message of the peer.
 */
void
socket_send(Conn *c, const uint8 *head, const ConnPart *parts, int fd)
{
	Size		total = FRAME_HEADER;
	Size		sent = 0;
	ssize_t		n;

	for (int i = 0; i < CONN_PARTS; i++)
		total += parts[i].n;
	/* First, because nothing may fail between the halves of a frame. */
	buffer_reserve(&c->out, total);
	if (c->out.start == c->out.end)
	{
		n = send_parts(c, head, parts, fd);
		if (n < 0 && (fd >= 0 || !would_block()))
			return;
		sent = n < 0 ? 0 : (Size) n;
		if (sent == total)
			return;
	}
	keep_rest(&c->out, head, FRAME_HEADER, &sent);
	for (int i = 0; i < CONN_PARTS; i++)
		keep_rest(&c->out, parts[i].p, parts[i].n, &sent);
}

bool
socket_flush(Conn *c)
{
	ConnBuffer *out = &c->out;

	while (out->start < out->end)
	{
		ssize_t		n = send(c->sock, out->p + out->start,
							 out->end - out->start,
							 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return would_block();
		out->start += n;
	}
	return true;
}

/* Bytes that are missing of the frame at the front; a guess when its header
 * is not complete. */
static Size
missing(Conn *c)
{
	Size		held = c->in.end - c->in.start;
	Size		body;

	if (held < FRAME_HEADER)
		return BUFFER_MIN;
	body = le32_get(c->in.p + c->in.start);
	if (body > c->max_body || held >= FRAME_HEADER + body)
		return BUFFER_MIN;
	return FRAME_HEADER + body - held;
}

bool
socket_fill(Conn *c)
{
	ConnBuffer *in = &c->in;

	for (;;)
	{
		ssize_t		n;

		buffer_reserve(in, missing(c));
		n = recv(c->sock, in->p + in->end, in->cap - in->end, MSG_DONTWAIT);
		if (n < 0)
			return would_block();
		if (n == 0)
			return false;
		in->end += n;
		if (in->end < in->cap)
			return true;
	}
}

bool
socket_take(Conn *c, struct frame *f, struct rd *body)
{
	ConnBuffer *in = &c->in;
	int			err;

	if (in->end == in->start)
		return false;
	switch (frame_next(in->p + in->start, in->end - in->start, c->max_body, f,
					   &err))
	{
		case FRAME_MORE:
			return false;
		case FRAME_ONE:
			break;
		case FRAME_BAD:
			conn_bad_reply();
	}
	*body = rd_make(in->p + in->start + FRAME_HEADER, f->body_len);
	in->start += FRAME_HEADER + f->body_len;
	return true;
}
