/* Every operation in every state, against a living agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/dispatch.h"
#include "tests/unit/agent.h"

/* What an empty body gets. The contract is PROTOCOL.md's table of states. */
struct expectation {
	uint8_t op;
	int in_new, in_ready, in_session;
};

static const struct expectation expected[] = {
    {OP_HELLO, CL_ERR_TRUNCATED, CL_ERR_STATE, CL_ERR_STATE},
    {OP_EVIDENCE, CL_ERR_STATE, CL_ERR_TRUNCATED, CL_ERR_TRUNCATED},
    {OP_MESSAGE, CL_ERR_STATE, CL_ERR_TRUNCATED, CL_ERR_TRUNCATED},
    {OP_OPEN, CL_ERR_STATE, CL_ERR_TRUNCATED, CL_ERR_TRUNCATED},
    {OP_JOIN, CL_ERR_STATE, CL_ERR_TRUNCATED, CL_ERR_TRUNCATED},
    {OP_CLOSE, CL_ERR_STATE, CL_ERR_NO_SESSION, CL_OK},
    {OP_GROUP, CL_ERR_STATE, CL_ERR_NO_SESSION, CL_ERR_TRUNCATED},
    {OP_STATUS, CL_ERR_STATE, CL_OK, CL_OK},
    {OP_RING, CL_ERR_STATE, CL_ERR_TRUNCATED, CL_ERR_TRUNCATED},
    {OP_BELL, CL_ERR_STATE, CL_ERR_STATE, CL_ERR_STATE},
    {OP_PREPARE, CL_ERR_STATE, CL_ERR_NO_SESSION, CL_ERR_TRUNCATED},
    {OP_EVAL, CL_ERR_STATE, CL_ERR_NO_SESSION, CL_ERR_TRUNCATED},
    {OP_SORT, CL_ERR_STATE, CL_ERR_NO_SESSION, CL_ERR_TRUNCATED},
};

static const struct expectation *
expectation_of(unsigned op)
{
	size_t i;

	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (expected[i].op == op)
			return &expected[i];
	return NULL;
}

static void
reconnect(struct agent *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = agent_dial(a);
	assert_true(a->fd >= 0);
}

static void
every_op_in_every_state(void **state)
{
	struct agent *a = agent_make("");
	const struct expectation *x;
	unsigned op;

	(void)state;
	reconnect(a);
	for (op = 0; op < 256; op++) {
		x = expectation_of(op);
		assert_int_equal(agent_call(a, (uint8_t)op, NULL, 0),
		    x ? x->in_new : CL_ERR_OPERATION);
	}
	assert_int_equal(agent_hello(a), CL_OK);
	for (op = 0; op < 256; op++) {
		x = expectation_of(op);
		assert_int_equal(agent_call(a, (uint8_t)op, NULL, 0),
		    x ? x->in_ready : CL_ERR_OPERATION);
	}
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	for (op = 0; op < 256; op++) {
		x = expectation_of(op);
		assert_int_equal(agent_open(a), CL_OK);
		assert_int_equal(agent_call(a, (uint8_t)op, NULL, 0),
		    x ? x->in_session : CL_ERR_OPERATION);
	}
	agent_free(a);
}

static void
the_table_has_the_expected_rows(void **state)
{
	unsigned op;

	(void)state;
	for (op = 0; op < 256; op++)
		assert_int_equal(dispatch_row((uint8_t)op) != NULL,
		    expectation_of(op) != NULL);
}

/* A byte behind the last field is an error in every operation. */
static void
trailing_bytes(void **state)
{
	static const uint8_t ops[] = {
	    OP_STATUS, OP_CLOSE, OP_EVIDENCE, OP_JOIN, OP_RING};
	/* EVIDENCE: with an empty kind and an empty credential. */
	static const size_t sizes[] = {0, 0, 32 + 4 + 4, 32, 4};
	struct agent *a = agent_make("");
	uint8_t body[64] = {0};
	size_t i;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	for (i = 0; i < sizeof(ops); i++) {
		assert_int_equal(agent_open(a), CL_OK);
		assert_int_equal(
		    agent_call(a, ops[i], body, sizes[i] + 1), CL_ERR_TRAILING);
	}
	agent_free(a);
}

static void
other_versions(void **state)
{
	static const uint8_t old[4] = {0, 0, 0, 0}, newer[4] = {2, 0, 0, 0};
	static const uint8_t flags[4] = {1, 0, 1, 0};
	struct agent *a = agent_make("");

	(void)state;
	reconnect(a);
	assert_int_equal(agent_call(a, OP_HELLO, old, 4), CL_ERR_VERSION);
	assert_int_equal(agent_call(a, OP_HELLO, newer, 4), CL_ERR_VERSION);
	assert_int_equal(agent_call(a, OP_HELLO, flags, 4), CL_ERR_FORMAT);
	assert_int_equal(agent_call(a, OP_STATUS, NULL, 0), CL_ERR_STATE);
	agent_free(a);
}

/* Replies where requests are wanted get an error and the connection stays;
 * broken headers end it, and only it. */
static void
broken_frames(void **state)
{
	static const struct {
		uint8_t bytes[FRAME_HEADER];
		int answer;
	} heads[] = {
	    {{0, 0, 0, 0, OP_STATUS, FRAME_REPLY, 0, 0, 1}, CL_ERR_FORMAT},
	    {{0, 0, 0, 0, OP_STATUS, FRAME_REPLY, 1, 0, 1}, CL_ERR_FORMAT},
	    {{0, 0, 0, 0, OP_STATUS, 2, 0, 0, 1}, CL_ERR_CLOSED},
	    {{0, 0, 0, 0, OP_STATUS, 0, 1, 0, 1}, CL_ERR_CLOSED},
	    {{1, 0, 128, 0, OP_STATUS, 0, 0, 0, 1}, CL_ERR_CLOSED},
	    {{255, 255, 255, 255, OP_STATUS, 0, 0, 0, 1}, CL_ERR_CLOSED},
	};
	struct agent *a = agent_make("");
	struct frame f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		assert_int_equal(agent_hello(a), CL_OK);
		agent_send(a->fd, heads[i].bytes, FRAME_HEADER);
		assert_int_equal(agent_reply(a, &f), heads[i].answer);
		if (heads[i].answer != CL_ERR_CLOSED)
			assert_int_equal(
			    agent_call(a, OP_STATUS, NULL, 0), CL_OK);
	}
	agent_free(a);
}

/* Several requests in one write are answered in order; a frame may come byte
 * by byte. */
static void
pieces_and_trains(void **state)
{
	struct agent *a = agent_make("");
	uint8_t train[3 * FRAME_HEADER];
	struct frame f = {.op = OP_STATUS};
	unsigned i;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	for (i = 0; i < 3; i++) {
		f.id = 100 + i;
		frame_put(train + i * FRAME_HEADER, &f);
	}
	agent_send(a->fd, train, sizeof(train));
	for (i = 0; i < 3; i++) {
		assert_int_equal(agent_reply(a, &f), CL_OK);
		assert_int_equal(f.id, 100 + i);
	}
	for (i = 0; i < FRAME_HEADER; i++) {
		agent_send(a->fd, train + i, 1);
		usleep(1000);
	}
	assert_int_equal(agent_reply(a, &f), CL_OK);
	agent_free(a);
}

int main(int argc, char **argv);

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_op_in_every_state),
    cmocka_unit_test(the_table_has_the_expected_rows),
    cmocka_unit_test(trailing_bytes),
    cmocka_unit_test(other_versions),
    cmocka_unit_test(broken_frames),
    cmocka_unit_test(pieces_and_trains),
};

AGENT_MAIN(tests)
