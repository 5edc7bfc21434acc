#include "agent/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/programs.h"
#include "agent/ring_service.h"
#include "agent/session.h"
#include "agent/sorts.h"
#include "lib/secmem.h"
#include "tde/eval.h"

/* Room for more than one descriptor, so that one too many is seen. */
#define CONN_MAX_FDS   2u
#define CONN_READ_MORE (64u << 10)
#define CONN_KEEP      (1u << 20) /* of a buffer, between two clients */

static uint8_t *
map_buffer(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int
conn_init(struct conn *c, struct engine *e, unsigned number)
{
	int r;

	c->e = e;
	c->number = number;
	c->fd = c->passed_fd = -1;
	pthread_mutex_init(&c->work, NULL);
	c->in_cap = FRAME_HEADER + e->cfg.max_frame + CONN_READ_MORE;
	c->out_cap = FRAME_HEADER + e->cfg.max_frame;
	c->in = map_buffer(c->in_cap);
	c->out = map_buffer(c->out_cap);
	if (!c->in || !c->out)
		return CL_ERR_MEMORY;
	if ((r = programs_new(&c->programs, e->cfg.max_programs)) != 0 ||
	    (r = sorts_new(&c->sorts, e->cfg.max_sorts)) != 0 ||
	    (r = ring_new(&c->ring)) != 0)
		return r;
	return eval_scratch_new(
	    &c->scratch, (size_t)e->cfg.arena_mb * ((1u << 20) / 2));
}

void
conn_begin(struct conn *c)
{
	c->state = CONN_NEW;
	c->in_at = c->in_end = 0;
	c->passed_fd = -1;
	c->passed_many = false;
	c->evidence_at = 0;
	c->session = NULL;
	c->opener = false;
}

void
conn_drop_keys(struct conn *c)
{
	programs_clear(c->programs);
	sorts_clear(c->sorts);
}

void
conn_drop_session(struct conn *c, bool close)
{
	conn_drop_keys(c);
	if (c->session)
		session_leave(c->e, c->session, close);
	c->session = NULL;
	c->opener = false;
	if (c->state == CONN_SESSION)
		c->state = CONN_READY;
}

/* A large frame's memory is not kept for the next client. */
static void
trim(uint8_t *p, size_t cap)
{
	if (cap > CONN_KEEP)
		madvise(p + CONN_KEEP, cap - CONN_KEEP, MADV_DONTNEED);
}

void
conn_end(struct conn *c)
{
	pthread_mutex_lock(&c->work);
	conn_drop_session(c, c->opener);
	close(c->fd); /* under the lock: see conn_evict() */
	c->fd = -1;
	pthread_mutex_unlock(&c->work);
	ring_detach(c->ring);
	if (c->passed_fd >= 0)
		close(c->passed_fd);
	c->passed_fd = -1;
	trim(c->in, c->in_cap);
	trim(c->out, c->out_cap);
}

/* CL_OK when the socket is ready, CL_ERR_TIMEOUT. */
static int
wait_for(int fd, short events, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&p, 1, wait_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return CL_ERR_IO;
	return n ? CL_OK : CL_ERR_TIMEOUT;
}

static void
keep_fd(struct conn *c, int fd)
{
	if (c->passed_fd < 0 && !c->passed_many) {
		c->passed_fd = fd;
		return;
	}
	close(fd);
	if (c->passed_fd >= 0)
		close(c->passed_fd);
	c->passed_fd = -1;
	c->passed_many = true;
}

static void
collect_fds(struct conn *c, struct msghdr *m)
{
	struct cmsghdr *h;
	size_t i, n;
	int fd;

	for (h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd), sizeof(fd));
			keep_fd(c, fd);
		}
	}
	if (m->msg_flags & MSG_CTRUNC)
		c->passed_many = true;
}

int
conn_fill(struct conn *c, int wait_ms)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(CONN_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = {c->in + c->in_end, c->in_cap - c->in_end};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	ssize_t n;
	int r;

	if (iov.iov_len == 0)
		return CL_ERR_TOO_LARGE;
	if (wait_ms >= 0 && (r = wait_for(c->fd, POLLIN, wait_ms)) != 0)
		return r;
	do
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		collect_fds(c, &m);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return CL_ERR_CLOSED;
	if (n < 0)
		return CL_ERR_IO;
	c->in_end += (size_t)n;
	return CL_OK;
}

int
conn_send(struct conn *c, const uint8_t *p, size_t n)
{
	int wait_ms = (int)c->e->cfg.io_timeout * 1000;
	ssize_t sent;
	int r;

	while (n) {
		sent = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0) {
			p += sent;
			n -= (size_t)sent;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if ((r = wait_for(c->fd, POLLOUT, wait_ms)) != 0)
				return r;
		} else if (errno != EINTR) {
			return CL_ERR_CLOSED;
		}
	}
	return CL_OK;
}

int64_t
conn_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

bool
conn_evict(struct conn *c, int64_t since)
{
	bool won;

	if (pthread_mutex_trylock(&c->work))
		return false; /* at work, so not idle */
	won = c->fd >= 0 &&
	      atomic_compare_exchange_strong(&c->idle_since, &since, -1);
	if (won)
		shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&c->work);
	return won;
}

int
conn_take_fd(struct conn *c)
{
	int fd = c->passed_many ? -1 : c->passed_fd;

	if (fd < 0 && c->passed_fd >= 0)
		close(c->passed_fd);
	c->passed_fd = -1;
	c->passed_many = false;
	return fd;
}

void
conn_compact(struct conn *c)
{
	if (c->in_at == 0)
		return;
	memmove(c->in, c->in + c->in_at, c->in_end - c->in_at);
	c->in_end -= c->in_at;
	c->in_at = 0;
}

int
conn_fail(struct conn *c, int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->detail, sizeof(c->detail), format, ap);
	va_end(ap);
	return code;
}
