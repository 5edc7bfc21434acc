/* One past each limit, against a living agent: an error that names the limit,
 * and the next request is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent.h"

/* The detail of the last error. */
static const char *
detail(struct agent *a)
{
	static char text[512];
	struct rd in = rd_make(a->reply, a->n);
	const uint8_t *p;
	size_t n;

	assert_int_equal(rd_blob(&in, &p, &n, sizeof(text) - 1), CL_OK);
	memcpy(text, p, n);
	text[n] = '\0';
	return text;
}

/* A new connection with a session. One that got the owner's worker, because
 * others were not free yet, tries again. */
static void
open_in_time(struct agent *a)
{
	int i, r = CL_ERR_BUSY;

	for (i = 0; i < 600 && r == CL_ERR_BUSY; i++) {
		if (i)
			usleep(100000);
		assert_int_equal(agent_hello_in_time(a), CL_OK);
		r = agent_open(a);
	}
	assert_int_equal(r, CL_OK);
}

/* Three connections with sessions, on an agent that has four workers. */
static void
occupy(struct agent *a, int fds[3])
{
	unsigned i;

	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	for (i = 0; i < 3; i++) {
		open_in_time(a);
		fds[i] = a->fd;
		a->fd = -1;
	}
}

/* The last worker: HELLO, STATUS, EVIDENCE and MESSAGE only. Who idles on it
 * for a tenth of a second may lose it. */
static int64_t
take_the_owners_place(struct agent *a)
{
	assert_int_equal(agent_hello_in_time(a), CL_OK);
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(agent_open(a), CL_ERR_BUSY);
	assert_int_equal(agent_call(a, OP_EVAL, NULL, 0), CL_ERR_BUSY);
	return clock_ms();
}

/* One more is told at once; only where this test was too slow to ask, the one
 * before is gone instead. */
static void
one_too_many(struct agent *a, int *last)
{
	int64_t since;
	int i, r = CL_OK;

	for (i = 0; i < 50 && r == CL_OK; i++) {
		since = take_the_owners_place(a);
		*last = a->fd;
		a->fd = -1;
		if ((r = agent_hello(a)) != CL_OK)
			break;
		assert_true(clock_ms() - since >= 100);
		close(*last);
	}
	assert_int_equal(r, CL_ERR_BUSY);
	assert_non_null(strstr(detail(a), "workers"));
}

static void
connections(void **state)
{
	struct agent *a =
	    agent_make(AGENT_ARENA "workers = 4\nio_timeout = 1\n");
	int fds[4];
	unsigned i;

	(void)state;
	occupy(a, fds);
	one_too_many(a, &fds[3]);
	/* The owner's worker comes back when its client idles. */
	assert_int_equal(agent_hello_in_time(a), CL_OK);
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	/* Idle ones are not thrown out. */
	close(a->fd);
	a->fd = fds[0];
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	for (i = 1; i < 4; i++)
		close(fds[i]);
	open_in_time(a);
	agent_free(a);
}

/* Who has no session gives his place up, the longest idle one first; who has
 * one keeps it. */
static void
places_change_hands(void **state)
{
	struct agent *a = agent_make(AGENT_ARENA "workers = 4\n");
	int fds[3], i;

	(void)state;
	occupy(a, fds);
	for (i = 0; i < 2; i++) {
		a->fd = fds[i];
		assert_int_equal(agent_call(a, OP_CLOSE, NULL, 0), CL_OK);
		usleep(300000); /* for the worker to go to sleep */
	}
	a->fd = -1;
	open_in_time(a);
	close(a->fd);
	assert_false(agent_recv(fds[0], a->reply, 1));
	a->fd = fds[1];
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	a->fd = fds[2];
	assert_int_equal(agent_call(a, OP_EVAL, NULL, 0), CL_ERR_TRUNCATED);
	close(fds[0]);
	close(fds[1]);
	agent_free(a);
}

static void
half_a_frame(void **state)
{
	static const uint8_t half[20] = {200, 0, 0, 0, OP_STATUS};
	struct agent *a = agent_make(AGENT_LIMITS "io_timeout = 1\n");
	struct frame f;
	int64_t began = clock_ms();

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	agent_send(a->fd, half, sizeof(half));
	assert_int_equal(agent_reply(a, &f), CL_ERR_CLOSED);
	assert_in_range(clock_ms() - began, 900, 30000);
	assert_int_equal(agent_hello(a), CL_OK);
	/* A trickle does not prolong it. */
	began = clock_ms();
	while (send(a->fd, half, 1, MSG_NOSIGNAL) == 1 &&
	       clock_ms() - began < 30000)
		usleep(300000);
	assert_true(clock_ms() - began < 30000);
	agent_free(a);
}

static void
frame_size(void **state)
{
	struct agent *a = agent_make(AGENT_LIMITS "max_frame_mb = 1\n");
	struct frame f = {.op = OP_EVAL, .body_len = (1u << 20) + 1};
	uint8_t head[FRAME_HEADER], *body = calloc(1, 1u << 20);

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(le32_get(a->reply + 18), 1u << 20);
	/* The cap is tested before the body is awaited. */
	frame_put(head, &f);
	agent_send(a->fd, head, sizeof(head));
	assert_int_equal(agent_reply(a, &f), CL_ERR_CLOSED);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(
	    agent_call(a, OP_STATUS, body, 1u << 20), CL_ERR_TRAILING);
	free(body);
	agent_free(a);
}

static void
rows(void **state)
{
	struct agent *a = agent_make("");
	struct agent_group g;
	uint32_t id = 0, n;
	uint8_t *body = malloc(9u << 20);
	struct wr w;

	(void)state;
	agent_ready(a, &g);
	assert_int_equal(agent_prepare(a, g.tag, EV_LT, &id), CL_OK);
	for (n = EVAL_MAX_ROWS; n <= EVAL_MAX_ROWS + 1; n++) {
		w = wr_make(body, 9u << 20);
		assert_int_equal(wr_u32(&w, id), CL_OK);
		assert_int_equal(wr_u32(&w, n), CL_OK);
		agent_cell(&w, &g, 10);
		/* n NULLs */
		memset(body + w.len, 0xff, 4 * (size_t)n);
		w.len += 4 * (size_t)n;
		assert_int_equal(agent_call(a, OP_EVAL, body, w.len),
		    n == EVAL_MAX_ROWS ? CL_OK : CL_ERR_TOO_LARGE);
	}
	free(body);
	groupkey_free(g.key);
	agent_free(a);
}

static void
programs(void **state)
{
	struct agent *a = agent_make(AGENT_LIMITS "max_programs = 3\n");
	uint32_t ids[4] = {0};
	struct agent_group g;
	int i, result = -1;

	(void)state;
	agent_ready(a, &g);
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    agent_prepare(a, g.tag, EV_LT, &ids[i]), CL_OK);
	/* The first is used again, so the second is the one that goes. */
	assert_int_equal(agent_eval(a, ids[0], &g, 1, 2, &result), CL_OK);
	assert_int_equal(agent_prepare(a, g.tag, EV_LT, &ids[3]), CL_OK);
	assert_int_equal(
	    agent_eval(a, ids[1], &g, 1, 2, &result), CL_ERR_UNKNOWN_PROGRAM);
	assert_int_equal(agent_eval(a, ids[0], &g, 1, 2, &result), CL_OK);
	assert_int_equal(agent_eval(a, ids[3], &g, 1, 2, &result), CL_OK);
	assert_int_equal(
	    agent_eval(a, 0, &g, 1, 2, &result), CL_ERR_UNKNOWN_PROGRAM);
	assert_int_equal(agent_eval(a, UINT32_MAX, &g, 1, 2, &result),
	    CL_ERR_UNKNOWN_PROGRAM);
	groupkey_free(g.key);
	agent_free(a);
}

/* u8 sub, u8 type, u16 0, u32 id, then up to two numbers. */
static int
sort_call(struct agent *a, uint8_t sub, uint8_t type, uint32_t id, int n,
    uint32_t first, uint32_t second)
{
	uint8_t body[16] = {sub, type};

	le32_put(body + 4, id);
	le32_put(body + 8, first);
	le32_put(body + 12, second);
	return agent_call(a, OP_SORT, body, 8 + 4 * (size_t)n);
}

static int
sort_append_ints(struct agent *a, const struct agent_group *g, uint32_t id,
    const int32_t *v, uint32_t n)
{
	size_t cap = 12 + n * (size_t)(CELL_OVERHEAD + 8);
	uint8_t *body = calloc(1, cap);
	struct wr w = wr_make(body, cap);
	uint8_t head[4] = {2};
	uint32_t i;
	int r;

	assert_int_equal(wr_bytes(&w, head, 4), CL_OK);
	assert_int_equal(wr_u32(&w, id), CL_OK);
	assert_int_equal(wr_u32(&w, n), CL_OK);
	for (i = 0; i < n; i++)
		agent_cell(&w, g, v[i]);
	r = agent_call(a, OP_SORT, body, w.len);
	free(body);
	return r;
}

/* Sort 0 has 30, -5, 30, 7 and gets them once more. */
static void
sort_two_batches(struct agent *a, const struct agent_group *g)
{
	static const int32_t v[4] = {30, -5, 30, 7};
	static const uint32_t ranks[2] = {2, 0};

	assert_int_equal(sort_append_ints(a, g, 0, v, 4), CL_OK);
	assert_int_equal(sort_call(a, 4, 0, 0, 2, 0, 5), CL_ERR_ARGUMENT);
	assert_int_equal(sort_call(a, 3, 0, 0, 1, 5, 0), CL_OK);
	assert_int_equal(le32_get(a->reply), 8);
	assert_int_equal(sort_call(a, 4, 0, 0, 2, 0, 4), CL_ERR_ARGUMENT);
	assert_int_equal(sort_call(a, 4, 0, 0, 2, 5, 3), CL_OK);
	assert_int_equal(le32_get(a->reply), 0);
	assert_int_equal(le32_get(a->reply + 4), 2);
	assert_int_equal(le32_get(a->reply + 8), 1);
	assert_int_equal(sort_call(a, 3, 0, 0, 1, 0, 0), CL_OK);
	assert_int_equal(sort_call(a, 4, 0, 0, 2, 4, 2), CL_OK);
	assert_memory_equal(a->reply, ranks, sizeof(ranks));
}

static void
sorts(void **state)
{
	struct agent *a =
	    agent_make(AGENT_LIMITS "max_sorts = 2\nsort_memory_mb = 1\n");
	static const int32_t v[4] = {30, -5, 30, 7};
	static int32_t many[20000];
	struct agent_group g;
	int i, r = CL_OK;

	(void)state;
	agent_ready(a, &g);
	assert_int_equal(sort_call(a, 1, TYPE_INT4, 0, 1, g.tag, 0), CL_OK);
	assert_int_equal(
	    sort_call(a, 1, TYPE_INT4, 0, 1, g.tag, 0), CL_ERR_EXISTS);
	assert_int_equal(sort_call(a, 1, TYPE_INT4, 1, 1, g.tag, 0), CL_OK);
	assert_int_equal(
	    sort_call(a, 1, TYPE_INT4, 2, 1, g.tag, 0), CL_ERR_LIMIT);
	assert_int_equal(sort_append_ints(a, &g, 0, v, 4), CL_OK);
	assert_int_equal(sort_call(a, 4, 0, 0, 2, 0, 4), CL_ERR_STATE);
	assert_int_equal(sort_call(a, 3, 0, 0, 1, 0, 0), CL_OK);
	assert_int_equal(le32_get(a->reply), 4);
	assert_int_equal(sort_call(a, 3, 0, 0, 0, 0, 0), CL_ERR_TRUNCATED);
	assert_int_equal(sort_call(a, 3, 0, 0, 2, 0, 0), CL_ERR_TRAILING);
	assert_int_equal(sort_call(a, 3, 0, 0, 1, 5, 0), CL_ERR_ARGUMENT);
	assert_int_equal(sort_call(a, 3, 0, 1, 1, 1, 0), CL_ERR_ARGUMENT);
	assert_int_equal(sort_call(a, 4, 0, 0, 2, 0, 4), CL_OK);
	assert_int_equal(le32_get(a->reply), 2);
	assert_int_equal(le32_get(a->reply + 4), 0);
	assert_int_equal(le32_get(a->reply + 8), 2);
	assert_int_equal(le32_get(a->reply + 12), 1);
	assert_int_equal(sort_call(a, 4, 0, 0, 2, 1, 4), CL_ERR_ARGUMENT);
	assert_int_not_equal(sort_call(a, 4, 0, 0, 2, 0, UINT32_MAX), CL_OK);
	sort_two_batches(a, &g);
	assert_int_equal(sort_call(a, 5, 0, 0, 0, 0, 0), CL_OK);
	assert_int_equal(sort_call(a, 5, 0, 0, 0, 0, 0), CL_OK);
	assert_int_equal(sort_call(a, 6, 0, 0, 0, 0, 0), CL_ERR_OPERATION);
	assert_int_equal(sort_call(a, 3, 1, 1, 1, 0, 0), CL_ERR_FORMAT);
	/* Memory: what does not fit is refused, what was there stays. */
	for (i = 0; i < 100 && r == CL_OK; i++)
		r = sort_append_ints(a, &g, 1, many, 20000);
	assert_int_equal(r, CL_ERR_LIMIT);
	assert_non_null(strstr(detail(a), "sort_memory_mb"));
	assert_true(i > 1);
	assert_int_equal(sort_call(a, 3, 0, 1, 1, 0, 0), CL_OK);
	assert_int_equal(le32_get(a->reply), 20000 * (uint32_t)(i - 1));
	groupkey_free(g.key);
	agent_free(a);
}

/* A sort needs cmp, and cells of the tenant's groups that allow it. */
static void
sort_permissions(void **state)
{
	struct agent *a = agent_make("");
	static const int32_t v[1] = {1};
	struct agent_group g, eq, unknown;

	(void)state;
	agent_ready(a, &g);
	agent_group_make(a, &eq, "eqonly", GROUP_EQ);
	agent_group_make(a, &unknown, "unknown", GROUP_CMP);
	assert_int_equal(agent_group_push(a, &eq), CL_OK);
	assert_int_equal(
	    sort_call(a, 1, TYPE_INT4, 0, 1, eq.tag, 0), CL_ERR_REFUSED);
	assert_int_equal(sort_call(a, 1, TYPE_INT4, 0, 1, unknown.tag, 0),
	    CL_ERR_NEED_GROUP);
	assert_int_equal(le32_get(a->reply + a->n - 4), unknown.tag);
	assert_int_equal(sort_call(a, 1, 7, 0, 1, g.tag, 0), CL_ERR_FORMAT);
	assert_int_equal(sort_call(a, 1, TYPE_INT4, 0, 1, g.tag, 0), CL_OK);
	assert_int_equal(sort_append_ints(a, &g, 0, v, 1), CL_OK);
	assert_int_equal(sort_append_ints(a, &eq, 0, v, 1), CL_ERR_REFUSED);
	assert_int_equal(
	    sort_append_ints(a, &unknown, 0, v, 1), CL_ERR_NEED_GROUP);
	assert_int_equal(agent_group_push(a, &unknown), CL_OK);
	assert_int_equal(sort_append_ints(a, &unknown, 0, v, 1), CL_OK);
	assert_int_equal(sort_call(a, 3, 0, 0, 1, 0, 0), CL_OK);
	assert_int_equal(le32_get(a->reply), 2);
	groupkey_free(g.key);
	groupkey_free(eq.key);
	groupkey_free(unknown.key);
	agent_free(a);
}

static void
tenants(void **state)
{
	struct agent *a = agent_make(AGENT_LIMITS "max_tenants = 2\n");
	uint8_t first[16];

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	memcpy(first, a->tenant, 16);
	a->tenant[0] ^= 1;
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	a->tenant[1] ^= 1;
	assert_int_equal(agent_provision(a, false, 0), CL_ERR_LIMIT);
	assert_non_null(strstr(detail(a), "max_tenants"));
	/* Who is there may come again, and make room. */
	memcpy(a->tenant, first, 16);
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(agent_say(a, OP_MESSAGE, "forget"), CL_OK);
	a->tenant[2] ^= 1;
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	agent_free(a);
}

static void
channels(void **state)
{
	struct agent *a = agent_make(AGENT_LIMITS "max_channels = 2\n");
	struct evidence_claims claims[3];
	struct hpke_exporter ex;
	uint8_t hash[3][32], *msg;
	char *payload;
	size_t n, msg_n;
	int i;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	for (i = 0; i < 3; i++)
		agent_evidence(a, &claims[i], hash[i]);
	payload = agent_provision_payload(a, false, 0, &n);
	for (i = 0; i < 3; i++) {
		assert_int_equal(message_seal(a->owner, claims[i].channel_key,
				     hash[i], payload, n, &msg, &msg_n, &ex),
		    CL_OK);
		/* The oldest went when the third came. */
		assert_int_equal(agent_letter(a, OP_MESSAGE, msg, msg_n),
		    i == 0 ? CL_ERR_NOT_FOUND : CL_OK);
		secmem_free(msg);
	}
	secmem_free(payload);
	agent_free(a);
}

static void
message_size(void **state)
{
	struct agent *a = agent_make("");
	uint8_t *big = calloc(1, MESSAGE_MAX + 1);

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_letter(a, OP_MESSAGE, big, MESSAGE_MAX + 1),
	    CL_ERR_TOO_LARGE);
	assert_int_not_equal(
	    agent_letter(a, OP_MESSAGE, big, MESSAGE_MAX), CL_ERR_TOO_LARGE);
	free(big);
	agent_free(a);
}

/* The arena is small: what does not fit is an error, and the agent serves. */
static void
arena(void **state)
{
	struct agent *a = agent_make("[limits]\narena_mb = 4\nworkers = 4\n"
				     "sort_memory_mb = 64\n");
	static int32_t many[20000];
	struct agent_group g;
	int i, r = CL_OK;

	(void)state;
	agent_ready(a, &g);
	assert_int_equal(sort_call(a, 1, TYPE_INT4, 1, 1, g.tag, 0), CL_OK);
	for (i = 0; i < 100 && r == CL_OK; i++)
		r = sort_append_ints(a, &g, 1, many, 20000);
	assert_int_equal(r, CL_ERR_LIMIT);
	assert_non_null(strstr(detail(a), "arena_mb"));
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	assert_int_equal(agent_group_push(a, &g), CL_OK);
	groupkey_free(g.key);
	agent_free(a);
}

static void
strangers(void **state)
{
	struct agent *a = agent_make("");
	static const uint8_t hello[4] = {1, 0, 0, 0};
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0) {
		agent_free(a);
		skip();
	}
	assert_int_equal(chmod(a->dir->path, 0711), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) || setuid(65534) ||
		    (a->fd = agent_dial(a)) < 0)
			_exit(1);
		_exit(agent_call(a, OP_HELLO, hello, 4) == CL_ERR_PEER ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(agent_hello(a), CL_OK);
	agent_free(a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(connections),
    cmocka_unit_test(places_change_hands),
    cmocka_unit_test(half_a_frame),
    cmocka_unit_test(frame_size),
    cmocka_unit_test(rows),
    cmocka_unit_test(programs),
    cmocka_unit_test(sorts),
    cmocka_unit_test(sort_permissions),
    cmocka_unit_test(tenants),
    cmocka_unit_test(channels),
    cmocka_unit_test(message_size),
    cmocka_unit_test(arena),
    cmocka_unit_test(strangers),
};

AGENT_MAIN(tests)
