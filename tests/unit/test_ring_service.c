/* The engine's end of the ring: by itself, and in a living agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "agent/ring_service.h"
#include "lib/ring.h"
#include "tests/unit/agent.h"

#define SLOT  RING_SLOT_MIN
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static int
make_memfd(uint64_t size, int seals, uint32_t magic)
{
	int fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (size >= 4)
		assert_int_equal(pwrite(fd, &magic, 4, 0), 4);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
put_request(struct ring_header *h, uint8_t op, uint32_t id, uint32_t len)
{
	struct frame f = {.op = op, .id = id, .body_len = len};

	frame_put(ring_request(h), &f);
	atomic_fetch_add(&h->request_seq, 1);
}

/* ---- by itself ---- */

static struct ring *
fresh(void)
{
	static struct ring *r;

	if (!r)
		assert_int_equal(ring_new(&r), CL_OK);
	ring_detach(r);
	return r;
}

static void
refusals(void **state)
{
	static const struct {
		uint64_t size;
		uint32_t slot;
		int seals;
		uint32_t magic;
		int answer;
	} cases[] = {
	    {RING_PAGE + 2 * SLOT, SLOT, SEALS, RING_MAGIC, CL_OK},
	    {RING_PAGE + 2 * SLOT, SLOT, 0, RING_MAGIC, CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * SLOT, SLOT, F_SEAL_SHRINK, RING_MAGIC,
		CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * SLOT, SLOT, F_SEAL_GROW, RING_MAGIC,
		CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * SLOT, SLOT, SEALS | F_SEAL_WRITE, RING_MAGIC,
		CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * SLOT - 1, SLOT, SEALS, RING_MAGIC,
		CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * SLOT + 1, SLOT, SEALS, RING_MAGIC,
		CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * SLOT, SLOT, SEALS, RING_MAGIC ^ 1, CL_ERR_FORMAT},
	    {RING_PAGE, 0, SEALS, RING_MAGIC, CL_ERR_ARGUMENT},
	    {RING_PAGE + SLOT, SLOT / 2, SEALS, RING_MAGIC, CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * (SLOT + 1), SLOT + 1, SEALS, RING_MAGIC,
		CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * (uint64_t)RING_SLOT_MAX, RING_SLOT_MAX, SEALS,
		RING_MAGIC, CL_OK},
	    {RING_PAGE + 2 * ((uint64_t)RING_SLOT_MAX + RING_PAGE),
		RING_SLOT_MAX + RING_PAGE, SEALS, RING_MAGIC, CL_ERR_ARGUMENT},
	    {RING_PAGE + 2 * (uint64_t)0xfffff000u, 0xfffff000u, SEALS,
		RING_MAGIC, CL_ERR_ARGUMENT},
	};
	const char *why;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = make_memfd(cases[i].size, cases[i].seals, cases[i].magic);
		why = NULL;
		assert_int_equal(ring_attach(fresh(), fd, cases[i].slot, &why),
		    cases[i].answer);
		assert_non_null(why);
		close(fd);
	}
	/* No memfd at all. */
	fd = open("/dev/null", O_RDWR);
	assert_int_equal(ring_attach(fresh(), fd, SLOT, &why), CL_ERR_ARGUMENT);
	close(fd);
	assert_int_equal(ring_attach(fresh(), -1, SLOT, &why), CL_ERR_ARGUMENT);
}

struct pair {
	struct ring *r;
	struct ring_header *h;
};

static struct pair
attach(void)
{
	int fd = make_memfd(ring_bytes(SLOT), SEALS, RING_MAGIC);
	struct pair p = {fresh(), NULL};
	const char *why;

	p.h = mmap(
	    NULL, ring_bytes(SLOT), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p.h != MAP_FAILED);
	assert_int_equal(ring_attach(p.r, fd, SLOT, &why), CL_OK);
	assert_int_equal(ring_attach(p.r, fd, SLOT, &why), CL_ERR_STATE);
	close(fd);
	return p;
}

static void
detach(struct pair p)
{
	ring_detach(p.r);
	munmap(p.h, ring_bytes(SLOT));
}

static void
requests_are_copied(void **state)
{
	struct pair p = attach();
	const uint8_t *body = NULL;
	struct frame f;

	(void)state;
	assert_int_equal(
	    ring_take(p.r, FRAME_MAX_BODY, &f, &body), CL_ERR_NOT_FOUND);
	memset(ring_request(p.h) + FRAME_HEADER, 'a', 100);
	put_request(p.h, OP_EVAL, 9, 100);
	assert_int_equal(ring_take(p.r, FRAME_MAX_BODY, &f, &body), CL_OK);
	assert_int_equal(f.op, OP_EVAL);
	assert_int_equal(f.id, 9);
	/* The client changes its mind too late. */
	memset(ring_request(p.h) + FRAME_HEADER, 'b', 100);
	assert_int_equal(body[0], 'a');
	assert_int_equal(body[99], 'a');
	assert_int_equal(
	    ring_take(p.r, FRAME_MAX_BODY, &f, &body), CL_ERR_NOT_FOUND);
	detach(p);
}

static void
hostile_requests(void **state)
{
	static const struct {
		uint32_t len;
		int answer;
	} cases[] = {
	    {SLOT - FRAME_HEADER, CL_OK},
	    {SLOT - FRAME_HEADER + 1, CL_ERR_TOO_LARGE},
	    {SLOT, CL_ERR_TOO_LARGE},
	    {FRAME_MAX_BODY, CL_ERR_TOO_LARGE},
	    {FRAME_MAX_BODY + 1, CL_ERR_TOO_LARGE},
	    {UINT32_MAX, CL_ERR_TOO_LARGE},
	    {0, CL_OK},
	};
	struct pair p = attach();
	const uint8_t *body;
	struct frame f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_request(p.h, OP_EVAL, 1, cases[i].len);
		assert_int_equal(
		    ring_take(p.r, FRAME_MAX_BODY, &f, &body), cases[i].answer);
	}
	/* Its own size in the header does not count, nor do jumps of seq. */
	p.h->slot_size = UINT32_MAX;
	atomic_store(&p.h->request_seq, UINT32_MAX);
	assert_int_equal(ring_take(p.r, FRAME_MAX_BODY, &f, &body), CL_OK);
	ring_request(p.h)[5] = 0x80;
	atomic_fetch_add(&p.h->request_seq, 1);
	assert_int_equal(
	    ring_take(p.r, FRAME_MAX_BODY, &f, &body), CL_ERR_FORMAT);
	detach(p);
}

static void
replies(void **state)
{
	static uint8_t frame[SLOT + 1];
	struct pair p = attach();
	const uint8_t *body;
	struct frame f;
	bool bell = true;

	(void)state;
	put_request(p.h, OP_STATUS, 1, 0);
	assert_int_equal(ring_take(p.r, FRAME_MAX_BODY, &f, &body), CL_OK);
	memset(frame, 7, sizeof(frame));
	assert_false(ring_reply_put(p.r, frame, SLOT + 1, &bell));
	assert_int_equal(atomic_load(&p.h->reply_seq), 0);
	assert_true(ring_reply_put(p.r, frame, SLOT, &bell));
	assert_false(bell);
	assert_int_equal(atomic_load(&p.h->reply_seq), 1);
	assert_int_equal(ring_reply(p.h, SLOT)[SLOT - 1], 7);
	atomic_store(&p.h->client_sleeping, 1);
	assert_true(ring_reply_put(p.r, frame, 12, &bell));
	assert_true(bell);
	/* Nobody clears the other side's flag. */
	assert_int_equal(atomic_load(&p.h->client_sleeping), 1);
	detach(p);
}

static void
sleep_and_wake(void **state)
{
	_Atomic unsigned busy = 1, crowd = 4;
	struct pair p = attach();

	(void)state;
	assert_false(ring_watch(p.r, &busy, 4));
	assert_int_equal(atomic_load(&p.h->engine_sleeping), 1);
	assert_true(atomic_load(&p.h->spin_us) > 0);
	ring_wake(p.r);
	assert_int_equal(atomic_load(&p.h->engine_sleeping), 0);
	/* No spinning when cores are scarce. */
	assert_false(ring_watch(p.r, &crowd, 4));
	assert_int_equal(atomic_load(&p.h->spin_us), 0);
	assert_false(ring_watch(p.r, &busy, 1));
	assert_int_equal(atomic_load(&p.h->spin_us), 0);
	ring_wake(p.r);
	/* What came in between is seen before the sleep. */
	put_request(p.h, OP_STATUS, 1, 0);
	assert_true(ring_watch(p.r, &crowd, 4));
	assert_int_equal(atomic_load(&p.h->engine_sleeping), 0);
	detach(p);
}

/* ---- in a living agent ---- */

static int
send_ring(struct agent *a, uint32_t slot, const int *fds, int n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct frame f = {.op = OP_RING, .id = ++a->id, .body_len = 4};
	uint8_t bytes[FRAME_HEADER + 4];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;

	frame_put(bytes, &f);
	le32_put(bytes + FRAME_HEADER, slot);
	if (n) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		memcpy(CMSG_DATA(h), fds, (size_t)n * sizeof(int));
	}
	assert_int_equal(sendmsg(a->fd, &m, 0), (ssize_t)sizeof(bytes));
	return agent_reply(a, &f);
}

static struct ring_header *
agent_ring(struct agent *a, uint32_t slot)
{
	int fd = make_memfd(ring_bytes(slot), SEALS, RING_MAGIC);
	struct ring_header *h;

	h = mmap(
	    NULL, ring_bytes(slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(h != MAP_FAILED);
	assert_int_equal(send_ring(a, slot, &fd, 1), CL_OK);
	assert_int_equal(send_ring(a, slot, &fd, 1), CL_ERR_STATE);
	close(fd);
	return h;
}

static void
wait_reply(struct ring_header *h, uint32_t seq)
{
	int i;

	for (i = 0; i < 60000; i++) {
		if (atomic_load(&h->reply_seq) == seq)
			return;
		usleep(1000);
	}
	fail_msg("no reply in the ring");
}

static void
bell_if_asleep(struct agent *a, struct ring_header *h)
{
	struct frame f = {.op = OP_BELL};
	uint8_t bell[FRAME_HEADER];

	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load(&h->engine_sleeping))
		return;
	frame_put(bell, &f);
	agent_send(a->fd, bell, sizeof(bell));
}

static void
ring_in_use(void **state)
{
	struct agent *a = agent_make("");
	struct ring_header *h;
	struct frame f;
	uint32_t i;
	int err;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	h = agent_ring(a, SLOT);
	for (i = 1; i <= 2000; i++) {
		put_request(h, OP_STATUS, i, 0);
		bell_if_asleep(a, h);
		wait_reply(h, i);
		assert_int_not_equal(frame_next(ring_reply(h, SLOT),
					 FRAME_HEADER, SLOT, &f, &err),
		    FRAME_BAD);
		assert_int_equal(f.status, 0);
		assert_int_equal(f.id, i);
		if (i % 500 == 0)
			usleep(20000); /* the engine sleeps */
	}
	/* The socket serves beside it. */
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	/* A client that sleeps is woken over the socket. */
	atomic_store(&h->client_sleeping, 1);
	put_request(h, OP_STATUS, i, 0);
	bell_if_asleep(a, h);
	assert_true(agent_recv(a->fd, a->reply, FRAME_HEADER));
	assert_int_equal(a->reply[4], OP_BELL);
	assert_int_equal(a->reply[5], 0);
	wait_reply(h, i);
	munmap(h, ring_bytes(SLOT));
	agent_free(a);
}

/* A reply that does not fit its slot comes over the socket: 600 hashes, of 9
 * bytes each, for 600 NULLs of 4. */
static void
large_replies(void **state)
{
	struct agent *a = agent_make("");
	uint8_t code[64], head[6] = {1, 1, 1, 0, 2, 0}, body[128];
	uint8_t input[2] = {TYPE_INT4, 0};
	struct wr w = wr_make(code, sizeof(code));
	struct wr out = wr_make(body, sizeof(body));
	struct agent_group g;
	struct ring_header *h;
	struct frame f;

	(void)state;
	agent_ready(a, &g);
	assert_int_equal(wr_bytes(&w, head, sizeof(head)), CL_OK);
	assert_int_equal(wr_u32(&w, g.tag), CL_OK);
	assert_int_equal(wr_bytes(&w, input, sizeof(input)), CL_OK);
	agent_instr(&w, EV_COLUMN, 0);
	agent_instr(&w, EV_HASH, 0);
	assert_int_equal(wr_blob(&out, code, w.len), CL_OK);
	h = agent_ring(a, SLOT);
	w = wr_make(ring_request(h) + FRAME_HEADER, SLOT - FRAME_HEADER);
	assert_int_equal(agent_call(a, OP_PREPARE, body, out.len), CL_OK);
	assert_int_equal(wr_u32(&w, le32_get(a->reply)), CL_OK);
	assert_int_equal(wr_u32(&w, 600), CL_OK);
	memset(w.p + w.len, 0xff, 4 * 600);
	put_request(h, OP_EVAL, 77, 8 + 4 * 600);
	bell_if_asleep(a, h);
	assert_int_equal(agent_reply(a, &f), CL_OK);
	assert_int_equal(f.id, 77);
	assert_int_equal(f.body_len, 8 + 9 * 600);
	wait_reply(h, 1);
	munmap(h, ring_bytes(SLOT));
	groupkey_free(g.key);
	agent_free(a);
}

static void
rings_are_refused(void **state)
{
	struct agent *a = agent_make("");
	int fd = make_memfd(ring_bytes(SLOT), SEALS, RING_MAGIC);
	int open_fd = make_memfd(ring_bytes(SLOT), 0, RING_MAGIC);
	int two[2] = {fd, fd};

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(send_ring(a, SLOT, NULL, 0), CL_ERR_ARGUMENT);
	assert_int_equal(send_ring(a, SLOT, two, 2), CL_ERR_ARGUMENT);
	assert_int_equal(send_ring(a, SLOT, &open_fd, 1), CL_ERR_ARGUMENT);
	assert_int_equal(send_ring(a, 2 * SLOT, &fd, 1), CL_ERR_ARGUMENT);
	assert_int_equal(send_ring(a, SLOT, &fd, 1), CL_OK);
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	close(fd);
	close(open_fd);
	agent_free(a);
}

/* A broken frame in the ring ends the connection, and only it. */
static void
broken_ring_frames(void **state)
{
	struct agent *a = agent_make("");
	struct ring_header *h;
	struct frame f;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	h = agent_ring(a, SLOT);
	put_request(h, OP_STATUS, 1, SLOT);
	bell_if_asleep(a, h);
	assert_int_equal(agent_reply(a, &f), CL_ERR_CLOSED);
	munmap(h, ring_bytes(SLOT));
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	agent_free(a);
}

/* Ticks of processor time that the process has used, of 100 a second. */
static unsigned long
ticks_of(int pid)
{
	unsigned long utime = 0, stime = 0;
	char path[64], text[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(sscanf(strrchr(text, ')'),
			     ") %*c %*d %*d %*d %*d %*d %*u %*u %*u "
			     "%*u %*u %lu %lu",
			     &utime, &stime),
	    2);
	return utime + stime;
}

/* An idle ring costs no processor time, once the engine has finished its start:
 * one that spins never has such a second. */
static void
idle_is_free(void **state)
{
	struct agent *a = agent_make("");
	unsigned long before, used = 100;
	struct ring_header *h;
	int engine = 0, i;
	char path[64];
	FILE *f;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	h = agent_ring(a, SLOT);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", a->broker,
	    a->broker);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &engine), 1);
	fclose(f);
	for (i = 0; i < 20 && used > 2; i++) {
		before = ticks_of(engine);
		usleep(1000000);
		used = ticks_of(engine) - before;
	}
	assert_true(used <= 2);
	munmap(h, ring_bytes(SLOT));
	agent_free(a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(refusals),
    cmocka_unit_test(requests_are_copied),
    cmocka_unit_test(hostile_requests),
    cmocka_unit_test(replies),
    cmocka_unit_test(sleep_and_wake),
    cmocka_unit_test(ring_in_use),
    cmocka_unit_test(large_replies),
    cmocka_unit_test(rings_are_refused),
    cmocka_unit_test(broken_ring_frames),
    cmocka_unit_test(idle_is_free),
};

AGENT_MAIN(tests)
