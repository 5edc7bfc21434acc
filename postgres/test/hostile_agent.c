/*
 * An agent that misbehaves, for hostile_agent.sh: `hostile_agent SOCKET MODE`.
 * It is honest up to the STATUS request and then does what MODE says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/frame.h"
#include "lib/ring.h"

#define BODY_MAX 65536u

static const char *mode;
static int sock;
static struct ring_header *ring;
static uint32_t slot_size;

static int
is(const char *name)
{
	return strcmp(mode, name) == 0;
}

static void
need(int ok)
{
	if (!ok)
		exit(1);
}

static void
put(const void *p, size_t n)
{
	need(send(sock, p, n, MSG_NOSIGNAL) == (ssize_t)n);
}

static void
reply(uint8_t op, uint32_t id, uint16_t status, const void *body, uint32_t n)
{
	struct frame f = {op, FRAME_REPLY, status, id, n};
	uint8_t head[FRAME_HEADER];

	frame_put(head, &f);
	put(head, sizeof(head));
	if (n)
		put(body, n);
}

static void
hello(uint32_t id)
{
	uint8_t body[64];
	struct wr out = wr_make(body, sizeof(body));

	need(!wr_u16(&out, is("version") ? 9 : 1));
	need(!wr_bytes(&out, "0123456789abcdef", 16));
	need(!wr_u32(&out, 1u << 20) && !wr_u32(&out, 1000) && !wr_u32(&out, 4));
	need(!wr_blob(&out, "fake", 4));
	if (is("hello-long"))
		need(!wr_u8(&out, 0));
	reply(OP_HELLO, id, 0, body,
	    (uint32_t)out.len - (is("hello-short") ? 1 : 0));
}

static void
attach(int fd, const uint8_t *body)
{
	slot_size = le32_get(body);
	ring = mmap(NULL, ring_bytes(slot_size), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	need(ring != MAP_FAILED);
	atomic_store(&ring->spin_us, UINT32_MAX);
	atomic_store(&ring->engine_sleeping, 1);
}

/* What the slot holds when the counter says that the answer is there. */
static void
ring_answer(void)
{
	uint8_t *request = ring_request(ring);
	uint8_t *slot = ring_reply(ring, slot_size);
	struct frame f = {OP_STATUS, FRAME_REPLY, 0, le32_get(request + 8), 6};
	uint8_t bell[FRAME_HEADER] = {0, 0, 0, 0, OP_BELL};

	memcpy(slot + FRAME_HEADER, "\2\0\0\0{}", 6);
	if (is("ring-length"))
		f.body_len = UINT32_MAX;
	if (is("ring-slot"))
		f.body_len = slot_size - FRAME_HEADER + 1;
	if (is("ring-request"))
		f.flags = 0;
	if (is("ring-id"))
		f.id++;
	frame_put(slot, &f);
	atomic_store(&ring->reply_seq,
	    atomic_load(&ring->request_seq) + (is("ring-seq") ? 5 : 0));
	put(bell, sizeof(bell));
}

static void
status(uint32_t id)
{
	static const uint8_t good[] = "\2\0\0\0{}";
	uint8_t raw[FRAME_HEADER] = {0};

	le32_put(raw + 8, id);
	raw[4] = OP_STATUS;
	raw[5] = FRAME_REPLY;
	if (is("close"))
		exit(0);
	else if (is("silence"))
		pause();
	else if (is("half-header"))
		put(raw, 7);
	else if (is("half-body"))
		le32_put(raw, 100), put(raw, sizeof(raw));
	else if (is("oversized"))
		le32_put(raw, (1u << 20) + 1), put(raw, sizeof(raw));
	else if (is("flags"))
		raw[5] = 0x83, put(raw, sizeof(raw));
	else if (is("other-id"))
		reply(OP_STATUS, id + 1, 0, good, 6);
	else if (is("unknown-status"))
		reply(OP_STATUS, id, 60000, "\4\0\0\0oops", 8);
	else if (is("bad-detail"))
		reply(OP_STATUS, id, 1, "\377\0\0\0x", 5);
	else if (is("trailing"))
		reply(OP_STATUS, id, 0, "\2\0\0\0{}x", 7);
	else if (is("not-utf8"))
		reply(OP_STATUS, id, 0, "\2\0\0\0\xff}", 6);
	else if (is("nul"))
		reply(OP_STATUS, id, 0, "\2\0\0\0{", 6);
	else if (is("blob"))
		reply(OP_STATUS, id, 0, "\377\377\377\377{}", 6);
	else
		reply(OP_STATUS, id, 0, good, 6);
	if (is("half-header") || is("half-body"))
		pause();
}

/* One request, with the descriptor that comes with RING. */
static size_t
receive(uint8_t *p, size_t cap, int *fd)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {p, cap};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(sock, &m, 0);

	if (n <= 0)
		exit(0);
	if (CMSG_FIRSTHDR(&m))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return (size_t)n;
}

static void
serve(void)
{
	static uint8_t in[BODY_MAX];
	int fd = -1;

	for (;;) {
		need(receive(in, sizeof(in), &fd) >= FRAME_HEADER);
		if (in[4] == OP_HELLO)
			hello(le32_get(in + 8));
		else if (in[4] == OP_RING && strncmp(mode, "ring", 4) != 0)
			reply(OP_RING, le32_get(in + 8), 49, "\0\0\0\0", 4);
		else if (in[4] == OP_RING)
			attach(fd, in + FRAME_HEADER),
			    reply(OP_RING, le32_get(in + 8), 0, NULL, 0);
		else if (in[4] == OP_BELL)
			ring_answer();
		else
			status(le32_get(in + 8));
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[sizeof(a.sun_path)];
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	need(argc == 3 && strlen(argv[1]) + 4 < sizeof(path));
	snprintf(path, sizeof(path), "%s.new", argv[1]);
	memcpy(a.sun_path, path, sizeof(path));
	mode = argv[2];
	need(!bind(listener, (struct sockaddr *)&a, sizeof(a)));
	need(!chmod(path, 0666) && !listen(listener, 4));
	need(!rename(path, argv[1])); /* whoever sees it can connect */
	for (;;) {
		need((sock = accept(listener, NULL, NULL)) >= 0);
		if (fork() == 0)
			serve();
		close(sock);
	}
}
