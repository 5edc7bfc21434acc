/* The agent on the same machine: frames over its socket (agent/PROTOCOL.md). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/remote.h"
#include "client/why.h"
#include "lib/frame.h"
#include "lib/secmem.h"
#include "policy/evidence.h"
#include "policy/message.h"
#include "policy/tpm_credential.h"

#define PROTOCOL_VERSION 1u
#define WAIT_SECONDS	 30
#define REPLY_MAX	 (EVIDENCE_TEXT_MAX + 64u)

struct sock {
	int fd;
	uint32_t id;
	uint8_t boot[16];
	struct text in;
};

static int
io_error(const char *what)
{
	int e = errno;

	if (e == EAGAIN || e == EWOULDBLOCK)
		return why_set(CL_ERR_TIMEOUT,
		    "the agent did not answer within %d seconds", WAIT_SECONDS);
	return why_set(CL_ERR_IO, "cannot %s the agent: %s", what, strerror(e));
}

static int
send_all(struct sock *s, const uint8_t *p, size_t n)
{
	ssize_t sent;

	while (n) {
		sent = send(s->fd, p, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return io_error("write to");
		p += sent;
		n -= (size_t)sent;
	}
	return CL_OK;
}

static int
receive_some(struct sock *s)
{
	char *at;
	ssize_t n;
	int r;

	if ((r = text_room(&s->in, 16384, &at)) != 0)
		return r;
	do
		n = recv(s->fd, at, 16384, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return io_error("read from");
	if (n == 0)
		return why_set(CL_ERR_CLOSED,
		    "the agent closed the connection; its log says why");
	s->in.n += (size_t)n;
	return CL_OK;
}

static int
receive(struct sock *s, struct frame *f)
{
	int r, err;

	for (;;) {
		switch (frame_next(
		    (uint8_t *)s->in.p, s->in.n, REPLY_MAX, f, &err)) {
		case FRAME_ONE:
			return CL_OK;
		case FRAME_BAD:
			return why_set(err,
			    "expected a frame of the agent's "
			    "protocol: %s",
			    err_text(err));
		case FRAME_MORE:
			break;
		}
		if ((r = receive_some(s)) != 0)
			return r;
	}
}

static int
refusal(const struct frame *f, struct rd *in)
{
	const uint8_t *detail = NULL;
	int status = err_from_wire(f->status);
	size_t n = 0;

	if (rd_blob(in, &detail, &n, 4096) != 0)
		n = 0;
	return why_set(status, "the agent answered: %s%s%.*s", err_text(status),
	    n ? ": " : "", (int)n, (const char *)detail);
}

/* One request; *in reads the reply's body, valid until the next call. */
static int
call(struct sock *s, uint8_t op, const void *body, size_t n, struct rd *in)
{
	uint8_t header[FRAME_HEADER];
	struct frame f = {.op = op, .id = ++s->id, .body_len = (uint32_t)n};
	int r;

	text_reset(&s->in);
	frame_put(header, &f);
	if ((r = send_all(s, header, sizeof(header))) != 0 ||
	    (r = send_all(s, body, n)) != 0 || (r = receive(s, &f)) != 0)
		return r;
	if (f.op != op || f.id != s->id || !(f.flags & FRAME_REPLY) ||
	    s->in.n != FRAME_HEADER + f.body_len)
		return why_set(CL_ERR_FORMAT,
		    "the agent's reply is not one to the request");
	*in = rd_make(s->in.p + FRAME_HEADER, f.body_len);
	return f.status ? refusal(&f, in) : CL_OK;
}

static int
bad_reply(int r, const char *what)
{
	return r ? why_set(r, "the agent's reply to %s is malformed: %s", what,
		       err_text(r))
		 : CL_OK;
}

static int
hello(struct sock *s)
{
	uint8_t body[4];
	struct wr w = wr_make(body, sizeof(body));
	struct rd in;
	uint16_t version;
	int r;

	if ((r = wr_u16(&w, PROTOCOL_VERSION)) != 0 ||
	    (r = wr_u16(&w, 0)) != 0 ||
	    (r = call(s, OP_HELLO, body, w.len, &in)) != 0)
		return r;
	if ((r = rd_u16(&in, &version)) != 0 ||
	    (r = rd_bytes(&in, s->boot, sizeof(s->boot))) != 0)
		return bad_reply(r, "HELLO");
	return CL_OK;
}

/* A reply that is one blob. */
static int
blob_of(struct rd *in, size_t max, const char *what, struct text *out)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = rd_blob(in, &p, &n, max)) != 0 || (r = rd_end(in)) != 0)
		return bad_reply(r, what);
	return text_add(out, p, n);
}

static int
socket_evidence(void *way, const struct remote_ask *ask, struct text *out)
{
	uint8_t body[32 + 4 + 16 + 4 + TPM_CREDENTIAL_MAX];
	struct wr w = wr_make(body, sizeof(body));
	struct rd in;
	int r;

	if ((r = wr_bytes(&w, ask->nonce, 32)) != 0 ||
	    (ask->tee && (r = wr_blob(&w, ask->tee, strlen(ask->tee))) != 0) ||
	    (ask->credential &&
		(r = wr_blob(&w, ask->credential, ask->credential_n)) != 0) ||
	    (r = call(way, OP_EVIDENCE, body, w.len, &in)) != 0)
		return r;
	return blob_of(&in, EVIDENCE_TEXT_MAX, "EVIDENCE", out);
}

static int
socket_message(void *way, const uint8_t *p, size_t n, struct text *reply)
{
	uint8_t *body = secmem_alloc(n + 4);
	struct wr w = wr_make(body, n + 4);
	struct rd in;
	int r;

	if (!body)
		return why_memory();
	if ((r = wr_blob(&w, p, n)) == 0 &&
	    (r = call(way, OP_MESSAGE, body, w.len, &in)) == 0)
		r = blob_of(&in, REPLY_MAX, "MESSAGE", reply);
	secmem_free(body);
	return r;
}

static int
socket_boot(void *way, uint8_t boot[16])
{
	struct sock *s = way;

	memcpy(boot, s->boot, sizeof(s->boot));
	return CL_OK;
}

static int
socket_open(void *way, const char *message)
{
	(void)way;
	(void)message;
	return why_set(CL_ERR_UNSUPPORTED,
	    "sessions belong to database connections: expected a conninfo, "
	    "came --socket");
}

static int
socket_group_put(void *way, const struct remote_group *g)
{
	(void)way;
	(void)g;
	return why_set(CL_ERR_UNSUPPORTED,
	    "group definitions live in the database: expected a conninfo, "
	    "came --socket");
}

static void
socket_close(void *way)
{
	struct sock *s = way;

	if (s->fd >= 0)
		close(s->fd);
	text_clear(&s->in);
	free(s);
}

static const struct remote_way socket_way = {
    .evidence = socket_evidence,
    .message = socket_message,
    .boot = socket_boot,
    .open = socket_open,
    .group_put = socket_group_put,
    .close = socket_close,
};

static int
connect_to(struct sock *s, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = WAIT_SECONDS};

	if (strlen(path) >= sizeof(a.sun_path))
		return why_set(CL_ERR_ARGUMENT,
		    "socket path: expected at most %zu characters, came %zu",
		    sizeof(a.sun_path) - 1, strlen(path));
	memcpy(a.sun_path, path, strlen(path) + 1); /* checked */
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)))
		return why_set(
		    CL_ERR_IO, "cannot make a socket: %s", strerror(errno));
	if (connect(s->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		return why_set(CL_ERR_IO,
		    "no agent answers at %s: %s; is cloisterd running?", path,
		    strerror(errno));
	return hello(s);
}

int
remote_socket(const char *path, struct remote **out)
{
	struct sock *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (!s)
		return why_memory();
	s->fd = -1;
	if ((r = connect_to(s, path)) == 0)
		r = remote_new(&socket_way, s, out);
	if (r)
		socket_close(s);
	return r;
}
