/* Group definitions that are pushed to a living agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent.h"

static int
make(void **state)
{
	struct agent *a = agent_make("");

	assert_int_equal(agent_hello(a), CL_OK);
	*state = a;
	return 0;
}

static int
drop(void **state)
{
	agent_free(*state);
	return 0;
}

static void
groups_only_go_forward(void **state)
{
	struct agent *a = *state;
	struct agent_group g, old;
	uint32_t id = 0;
	int result = -1;

	agent_ready(a, &g);
	old = g;
	assert_int_equal(agent_group_push(a, &g), CL_OK);
	assert_int_equal(agent_prepare(a, g.tag, EV_GT, &id), CL_OK);
	assert_int_equal(agent_eval(a, id, &g, 5, 4, &result), CL_OK);
	/* Version 2 takes comparison away: the prepared program too. */
	g.def.version = 2;
	g.def.ops = GROUP_EQ;
	assert_int_equal(agent_group_push(a, &g), CL_OK);
	assert_int_equal(agent_eval(a, id, &g, 5, 4, &result), CL_ERR_REFUSED);
	assert_int_equal(agent_group_push(a, &old), CL_ERR_ROLLBACK);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	assert_int_equal(agent_group_push(a, &old), CL_ERR_ROLLBACK);
	g.def.ops = GROUP_EQ | GROUP_CMP;
	assert_int_equal(agent_group_push(a, &g), CL_ERR_EXISTS);
	g.def.version = 3;
	g.def.pad = 16;
	assert_int_equal(agent_group_push(a, &g), CL_ERR_ARGUMENT);
	groupkey_free(g.key);
}

static void
foreign_groups(void **state)
{
	struct agent *a = *state;
	struct identity *other = NULL;
	uint8_t body[GROUP_TEXT_MAX + 1024], key[32] = {9};
	struct agent_group g, h;
	uint32_t id;
	size_t n;

	agent_ready(a, &g);
	agent_group_make(a, &h, "foreign", GROUP_EQ);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &other), CL_OK);
	n = agent_group_body(other, a->key, &h, body, sizeof(body));
	assert_int_equal(agent_call(a, OP_GROUP, body, n), CL_ERR_SIGNATURE);
	n = agent_group_body(a->owner, key, &h, body, sizeof(body));
	assert_int_equal(agent_call(a, OP_GROUP, body, n), CL_ERR_KEY_UNWRAP);
	h.def.tenant[0] ^= 1;
	n = agent_group_body(a->owner, a->key, &h, body, sizeof(body));
	assert_int_equal(
	    agent_call(a, OP_GROUP, body, n), CL_ERR_BAD_CELL_GROUP);
	assert_int_equal(
	    agent_prepare(a, h.tag, EV_EQ, &id), CL_ERR_NEED_GROUP);
	assert_int_equal(le32_get(a->reply + a->n - 4), h.tag);
	identity_free(other);
	groupkey_free(g.key);
	groupkey_free(h.key);
}

/* The owner's floor is kept with the sealed keys: a rewound database cannot
 * bring an old definition back after a restart. */
static void
the_floor_survives_a_restart(void **state)
{
	struct agent *a = *state;
	struct agent_group g, old;

	agent_ready(a, &g);
	old = g;
	assert_int_equal(agent_provision(a, true, 0), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	g.def.version = 2;
	g.def.ops = GROUP_EQ;
	assert_int_equal(agent_group_push(a, &g), CL_OK);
	agent_stop(a);
	agent_launch(a);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	assert_int_equal(agent_group_push(a, &old), CL_ERR_ROLLBACK);
	assert_int_equal(agent_group_push(a, &g), CL_OK);
	groupkey_free(g.key);
}

static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, make, drop)
    T(groups_only_go_forward),
    T(foreign_groups),
    T(the_floor_survives_a_restart),
};

AGENT_MAIN(tests)
