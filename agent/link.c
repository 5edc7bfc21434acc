#include "agent/link.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/secmem.h"

#define LOG_LINE_MAX 1100u

struct link {
	int fd;
	pthread_mutex_t lock; /* one call at a time */
	uint8_t packet[BROKER_MAX_PACKET];
};

/* The log's sink has no argument. */
static struct link *log_link;

int
link_new(struct link **out, int fd)
{
	struct link *l = secmem_alloc(sizeof(*l));

	if (!l)
		return CL_ERR_MEMORY;
	l->fd = fd;
	pthread_mutex_init(&l->lock, NULL);
	*out = l;
	return CL_OK;
}

int
link_fd(const struct link *l)
{
	return l->fd;
}

void
link_replace(struct link *l, int fd)
{
	int old;

	pthread_mutex_lock(&l->lock);
	old = l->fd;
	l->fd = fd;
	pthread_mutex_unlock(&l->lock);
	close(old);
}

static int
send_packet(int fd, enum broker_op op, const void *body, size_t n)
{
	uint8_t head[BROKER_HEADER] = {(uint8_t)op, 0, 0, 0};
	struct iovec iov[2] = {{head, sizeof(head)}, {(void *)body, n}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n ? 2 : 1};
	ssize_t sent;

	if (n > BROKER_MAX_PACKET - BROKER_HEADER)
		return CL_ERR_TOO_LARGE;
	do
		sent = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)(n + sizeof(head)) ? CL_OK : CL_ERR_IO;
}

/* *body: what follows the header, in packet. */
static int
recv_packet(int fd, uint8_t *packet, size_t cap, uint8_t op, bool reply,
    unsigned *status, struct rd *body)
{
	struct iovec iov = {packet, cap};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	uint8_t got_op, got_reply;
	uint16_t got_status;
	ssize_t n;
	int r;

	do
		n = recvmsg(fd, &m, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || (m.msg_flags & MSG_TRUNC))
		return CL_ERR_IO;
	*body = rd_make(packet, (size_t)n);
	if ((r = rd_u8(body, &got_op)) != 0 ||
	    (r = rd_u8(body, &got_reply)) != 0 ||
	    (r = rd_u16(body, &got_status)) != 0)
		return r;
	if (got_op != op || got_reply != (reply ? 1 : 0))
		return CL_ERR_FORMAT;
	*status = got_status;
	return CL_OK;
}

int
link_setup(int fd, struct setup *s)
{
	uint8_t packet[BROKER_HEADER + SETUP_PACKET_MAX];
	struct rd body;
	unsigned status;
	int r;

	r = recv_packet(
	    fd, packet, sizeof(packet), BROKER_SETUP, false, &status, &body);
	return r ? r : setup_get(s, &body);
}

static void
take_reason(struct rd body, char reason[LINK_REASON])
{
	const uint8_t *p;
	size_t n;

	if (!reason)
		return;
	reason[0] = '\0';
	if (rd_blob(&body, &p, &n, LINK_REASON - 1))
		return;
	memcpy(reason, p, n);
	reason[n] = '\0';
}

static int
call_locked(struct link *l, enum broker_op op, const void *body, size_t n,
    uint8_t *out, size_t *out_n, char reason[LINK_REASON])
{
	struct rd reply;
	unsigned status = 0;
	int r;

	if ((r = send_packet(l->fd, op, body, n)) != 0 ||
	    (r = recv_packet(l->fd, l->packet, sizeof(l->packet), op, true,
		 &status, &reply)) != 0)
		return r;
	if (status) {
		take_reason(reply, reason);
		return err_from_wire(status);
	}
	if (reply.left > *out_n)
		return CL_ERR_TOO_LARGE;
	*out_n = reply.left;
	return rd_bytes(&reply, out, reply.left);
}

int
link_call(struct link *l, enum broker_op op, const void *body, size_t n,
    uint8_t *out, size_t *out_n, char reason[LINK_REASON])
{
	int r;

	if (reason)
		reason[0] = '\0';
	pthread_mutex_lock(&l->lock);
	r = call_locked(l, op, body, n, out, out_n, reason);
	pthread_mutex_unlock(&l->lock);
	return r;
}

int
link_tell(struct link *l, enum broker_op op, const void *body, size_t n)
{
	return send_packet(l->fd, op, body, n);
}

static void
log_to_link(enum log_level level, const char *line)
{
	uint8_t body[LOG_LINE_MAX + 8];
	struct wr out = wr_make(body, sizeof(body));
	size_t n = strnlen(line, LOG_LINE_MAX);
	int r;

	if ((r = wr_u8(&out, (uint8_t)level)) != 0 ||
	    (r = wr_blob(&out, line, n)) != 0 ||
	    (r = link_tell(log_link, BROKER_LOG, body, out.len)) != 0)
		return; /* nobody is left to be told */
}

void
link_take_log(struct link *l, enum log_level max)
{
	log_link = l;
	log_start("cloisterd", max, log_to_link);
}
