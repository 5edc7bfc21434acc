/*
 * Truncated, oversized, reordered and mutated frames against a living agent:
 * each gets an error or ends its own connection, and the same engine serves
 * the next client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent.h"

#define MAX_SEEDS 8

/* Whole requests that were good once: headers and bodies. */
struct seed {
	uint8_t op;
	uint8_t body[GROUP_TEXT_MAX + 1024];
	size_t n;
};

static struct seed seeds[MAX_SEEDS];
static unsigned nseeds;

static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static struct seed *
add_seed(uint8_t op, const void *body, size_t n)
{
	struct seed *s = &seeds[nseeds++];

	assert_true(nseeds <= MAX_SEEDS && n <= sizeof(s->body));
	s->op = op;
	memcpy(s->body, body, n);
	s->n = n;
	return s;
}

static void
make_seeds(struct agent *a, const struct agent_group *g)
{
	static const uint8_t hello[4] = {1, 0, 0, 0}, slot[4] = {0, 16, 0, 0};
	uint8_t body[GROUP_TEXT_MAX + 1024], sort[12] = {1, TYPE_INT4};
	uint32_t id = 0;
	struct wr w;
	int i;

	nseeds = 0;
	add_seed(OP_HELLO, hello, 4);
	add_seed(OP_RING, slot, 4);
	add_seed(OP_GROUP, body,
	    agent_group_body(a->owner, a->key, g, body, sizeof(body)));
	add_seed(OP_PREPARE, body,
	    agent_compare_program(g->tag, EV_LT, body, sizeof(body)));
	assert_int_equal(agent_prepare(a, g->tag, EV_LT, &id), CL_OK);
	w = wr_make(body, sizeof(body));
	assert_int_equal(wr_u32(&w, id), CL_OK);
	assert_int_equal(wr_u32(&w, 3), CL_OK);
	for (i = 0; i < 4; i++)
		agent_cell(&w, g, i);
	add_seed(OP_EVAL, body, w.len);
	le32_put(sort + 8, g->tag);
	add_seed(OP_SORT, sort, sizeof(sort));
	w = wr_make(body, sizeof(body));
	assert_int_equal(wr_u32(&w, 2), CL_OK);
	assert_int_equal(wr_u32(&w, 0), CL_OK);
	assert_int_equal(wr_u32(&w, 2), CL_OK);
	agent_cell(&w, g, 5);
	agent_cell(&w, g, 4);
	add_seed(OP_SORT, body, w.len);
}

static void
reopen(struct agent *a, const struct agent_group *g)
{
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	assert_int_equal(agent_group_push(a, g), CL_OK);
}

/* Sends a body in a frame of op; the connection must answer. */
static int
try_body(struct agent *a, uint8_t op, const uint8_t *body, size_t n)
{
	int r = agent_call(a, op, body, n);

	assert_int_not_equal(r, CL_ERR_CLOSED);
	assert_int_not_equal(r, CL_ERR_INTERNAL);
	return r;
}

/* Every prefix of every good body, and one byte more. */
static void
cut_bodies(void **state)
{
	struct agent *a = agent_make("");
	struct agent_group g;
	uint8_t boot[16];
	unsigned i;
	size_t n, step;

	(void)state;
	agent_ready(a, &g);
	memcpy(boot, a->boot, 16);
	make_seeds(a, &g);
	for (i = 0; i < nseeds; i++) {
		step = seeds[i].n > 200 ? 7 : 1;
		for (n = 0; n < seeds[i].n; n += step)
			assert_int_not_equal(
			    try_body(a, seeds[i].op, seeds[i].body, n), CL_OK);
		seeds[i].body[seeds[i].n] = 0;
		assert_int_not_equal(
		    try_body(a, seeds[i].op, seeds[i].body, seeds[i].n + 1),
		    CL_OK);
	}
	reopen(a, &g);
	assert_memory_equal(boot, a->boot, 16);
	groupkey_free(g.key);
	agent_free(a);
}

/* Every byte of every cell in an EVAL: always refused. */
static void
flipped_cells(void **state)
{
	struct agent *a = agent_make("");
	struct agent_group g;
	struct seed *s;
	size_t i, start;
	int r;

	(void)state;
	agent_ready(a, &g);
	make_seeds(a, &g);
	s = &seeds[4];
	assert_int_equal(s->op, OP_EVAL);
	assert_int_equal(agent_call(a, OP_EVAL, s->body, s->n), CL_OK);
	for (start = 8; start < s->n; start += 4 + CELL_OVERHEAD + 4)
		for (i = start + 4; i < start + 4 + CELL_OVERHEAD + 4; i++) {
			s->body[i] ^= 0x10;
			r = try_body(a, OP_EVAL, s->body, s->n);
			assert_true(r == CL_ERR_BAD_CELL ||
				    r == CL_ERR_BAD_CELL_TYPE ||
				    r == CL_ERR_BAD_CELL_GROUP);
			s->body[i] ^= 0x10;
		}
	assert_int_equal(agent_call(a, OP_EVAL, s->body, s->n), CL_OK);
	groupkey_free(g.key);
	agent_free(a);
}

/* Random damage to bodies, thousands of times; the agent must not notice. */
static void
mutated_bodies(void **state)
{
	struct agent *a = agent_make("");
	uint64_t random = 88172645463325252u;
	uint8_t body[GROUP_TEXT_MAX + 1100], boot[16];
	struct agent_group g;
	const struct seed *s;
	unsigned round, k;
	size_t n;

	(void)state;
	agent_ready(a, &g);
	memcpy(boot, a->boot, 16);
	make_seeds(a, &g);
	for (round = 0; round < 6000; round++) {
		s = &seeds[next_random(&random) % nseeds];
		n = s->n;
		memcpy(body, s->body, n);
		for (k = next_random(&random) % 4 + 1; k; k--)
			body[next_random(&random) % n] =
			    (uint8_t)next_random(&random);
		if (next_random(&random) % 4 == 0)
			n = next_random(&random) % (n + 16);
		try_body(a, s->op, body, n);
		if (round % 500 == 0)
			reopen(a, &g);
	}
	reopen(a, &g);
	assert_memory_equal(boot, a->boot, 16);
	groupkey_free(g.key);
	agent_free(a);
}

/* Random bytes as a stream: lengths, flags and operations of all kinds. */
static void
noise(void **state)
{
	struct agent *a = agent_make(AGENT_LIMITS "io_timeout = 1\n");
	uint64_t random = 424242u;
	uint8_t bytes[256], boot[16];
	unsigned round, i;
	ssize_t sent;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	memcpy(boot, a->boot, 16);
	for (round = 0; round < 300; round++) {
		close(a->fd);
		a->fd = agent_dial(a);
		assert_true(a->fd >= 0);
		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)next_random(&random);
		if (round % 2) { /* a length that is legal */
			le32_put(bytes, next_random(&random) % 64);
			bytes[5] = bytes[6] = bytes[7] = 0;
		}
		sent = send(a->fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		(void)sent; /* it may be thrown out half way */
	}
	assert_int_equal(agent_hello_in_time(a), CL_OK);
	assert_memory_equal(boot, a->boot, 16);
	agent_free(a);
}

/* Good requests in orders that nobody meant. */
static void
reordered(void **state)
{
	struct agent *a = agent_make("");
	uint64_t random = 7u;
	struct agent_group g;
	const struct seed *s;
	uint8_t boot[16];
	unsigned round;

	(void)state;
	agent_ready(a, &g);
	memcpy(boot, a->boot, 16);
	make_seeds(a, &g);
	for (round = 0; round < 2000; round++) {
		s = &seeds[next_random(&random) % nseeds];
		try_body(a, s->op, s->body, s->n);
		if (round % 97 == 0)
			try_body(a, OP_CLOSE, NULL, 0);
		if (round % 101 == 0)
			assert_int_equal(agent_open(a), CL_OK);
	}
	reopen(a, &g);
	assert_memory_equal(boot, a->boot, 16);
	groupkey_free(g.key);
	agent_free(a);
}

/* Descriptors that nobody asked for are closed, however many come. */
static void
unwanted_descriptors(void **state)
{
	struct agent *a = agent_make("");
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(5 * sizeof(int))];
	} control;
	struct frame f = {.op = OP_STATUS};
	uint8_t head[FRAME_HEADER];
	struct iovec iov = {head, sizeof(head)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;
	int round, i, n;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	frame_put(head, &f);
	for (round = 0; round < 500; round++) {
		n = round % 5 + 1;
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		for (i = 0; i < n; i++)
			memcpy(CMSG_DATA(h) + (size_t)i * sizeof(int), &a->fd,
			    sizeof(int));
		assert_int_equal(sendmsg(a->fd, &m, 0), FRAME_HEADER);
		assert_int_equal(agent_reply(a, &f), CL_OK);
	}
	assert_int_equal(agent_hello(a), CL_OK);
	agent_free(a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cut_bodies),
    cmocka_unit_test(flipped_cells),
    cmocka_unit_test(mutated_bodies),
    cmocka_unit_test(noise),
    cmocka_unit_test(reordered),
    cmocka_unit_test(unwanted_descriptors),
};

AGENT_MAIN(tests)
