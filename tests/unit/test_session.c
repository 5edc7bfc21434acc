/* Owners' messages and sessions, against a living agent. */
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
provision_and_open(void **state)
{
	struct agent *a = *state;
	struct agent_group g;
	char pukid[IDENTITY_PUKID_LEN];
	uint32_t id = 0;
	int result = -1;

	assert_int_equal(agent_open(a), CL_ERR_NO_TENANT);
	agent_ready(a, &g);
	assert_int_equal(identity_pukid(a->owner, pukid), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	assert_int_equal(a->n, 32 + 16 + 4 + strlen(pukid));
	assert_memory_equal(a->reply + 32, a->tenant, 16);
	assert_memory_equal(a->reply + 52, pukid, strlen(pukid));
	assert_int_equal(agent_prepare(a, g.tag, EV_GT, &id), CL_OK);
	assert_int_equal(agent_eval(a, id, &g, 7, 5, &result), CL_OK);
	assert_int_equal(result, 1);
	assert_int_equal(agent_eval(a, id, &g, -7, 5, &result), CL_OK);
	assert_int_equal(result, 0);
	groupkey_free(g.key);
}

static void
programs_end_with_their_session(void **state)
{
	struct agent *a = *state;
	struct agent_group g;
	uint32_t id = 0;
	int result;

	agent_ready(a, &g);
	assert_int_equal(agent_prepare(a, g.tag, EV_EQ, &id), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	assert_int_equal(
	    agent_eval(a, id, &g, 1, 1, &result), CL_ERR_UNKNOWN_PROGRAM);
	assert_int_equal(agent_prepare(a, g.tag, EV_EQ, &id), CL_OK);
	assert_int_equal(agent_call(a, OP_CLOSE, NULL, 0), CL_OK);
	assert_int_equal(
	    agent_eval(a, id, &g, 1, 1, &result), CL_ERR_NO_SESSION);
	groupkey_free(g.key);
}

static void
a_message_works_once(void **state)
{
	struct agent *a = *state;
	uint8_t *msg;
	size_t n;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	msg = agent_signed(a, a->owner, "open", 30, &n);
	assert_int_equal(agent_letter(a, OP_OPEN, msg, n), CL_OK);
	assert_int_equal(agent_letter(a, OP_OPEN, msg, n), CL_ERR_REPLAYED);
	/* The session that is open stays. */
	assert_int_equal(agent_call(a, OP_EVAL, NULL, 0), CL_ERR_TRUNCATED);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_letter(a, OP_OPEN, msg, n), CL_ERR_REPLAYED);
	secmem_free(msg);
}

static void
a_message_lives_a_minute(void **state)
{
	static const struct {
		int ahead, answer;
	} cases[] = {{-1, CL_ERR_EXPIRED}, {0, CL_ERR_EXPIRED}, {55, CL_OK},
	    {70, CL_ERR_EXPIRED}, {3600, CL_ERR_EXPIRED}};
	struct agent *a = *state;
	uint8_t *msg;
	size_t i, n;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		msg = agent_signed(a, a->owner, "open", cases[i].ahead, &n);
		assert_int_equal(
		    agent_letter(a, OP_OPEN, msg, n), cases[i].answer);
		secmem_free(msg);
	}
}

static void
only_the_owner(void **state)
{
	struct agent *a = *state;
	struct identity *mine = a->owner, *other = NULL;
	uint8_t *msg;
	size_t n;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(identity_generate(IDENTITY_P256, &other), CL_OK);
	msg = agent_signed(a, other, "open", 30, &n);
	assert_int_equal(
	    agent_letter(a, OP_OPEN, msg, n), CL_ERR_SESSION_REFUSED);
	secmem_free(msg);
	msg = agent_signed(a, other, "forget", 30, &n);
	assert_int_equal(
	    agent_letter(a, OP_MESSAGE, msg, n), CL_ERR_SESSION_REFUSED);
	secmem_free(msg);
	a->owner = other;
	assert_int_equal(agent_provision(a, false, 0), CL_ERR_SESSION_REFUSED);
	a->owner = mine;
	assert_int_equal(agent_open(a), CL_OK);
	identity_free(other);
}

static void
every_kind_of_identity(void **state)
{
	struct agent *a = *state;
	int kind;

	for (kind = IDENTITY_ED25519; kind <= IDENTITY_SM2; kind++) {
		identity_free(a->owner);
		assert_int_equal(identity_generate(kind, &a->owner), CL_OK);
		assert_int_equal(uuid_random(a->tenant), CL_OK);
		assert_int_equal(agent_provision(a, false, 0), CL_OK);
		assert_int_equal(agent_open(a), CL_OK);
	}
}

static void
another_start_is_another_agent(void **state)
{
	struct agent *a = *state;
	uint8_t *msg;
	size_t n;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	a->boot[3] ^= 1;
	msg = agent_signed(a, a->owner, "open", 30, &n);
	assert_int_equal(
	    agent_letter(a, OP_OPEN, msg, n), CL_ERR_SESSION_REFUSED);
	secmem_free(msg);
}

/* Flips every byte of a signed message: never opens, never harms. */
static void
mutated_messages(void **state)
{
	struct agent *a = *state;
	uint8_t *msg;
	size_t i, n;
	int r;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	msg = agent_signed(a, a->owner, "open", 30, &n);
	for (i = 0; i < n; i++) {
		msg[i] ^= 0x41;
		r = agent_letter(a, OP_OPEN, msg, n);
		assert_true(r != CL_OK && r != CL_ERR_CLOSED);
		msg[i] ^= 0x41;
		if (i % 16 == 0) {
			r = agent_letter(a, OP_OPEN, msg, i);
			assert_true(r != CL_OK && r != CL_ERR_CLOSED);
		}
	}
	assert_int_equal(agent_letter(a, OP_OPEN, msg, n), CL_OK);
	secmem_free(msg);
}

/* The wrong operation for the frame, the wrong kind for the operation. */
static void
misplaced_messages(void **state)
{
	struct agent *a = *state;
	char *payload;
	uint8_t *msg;
	size_t n, msg_n;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(agent_say(a, OP_MESSAGE, "open"), CL_ERR_OPERATION);
	assert_int_equal(agent_say(a, OP_OPEN, "status"), CL_ERR_OPERATION);
	assert_int_equal(agent_say(a, OP_MESSAGE, "dance"), CL_ERR_OPERATION);
	payload = agent_provision_payload(a, false, 0, &n);
	assert_int_equal(
	    message_sign(a->owner, payload, n, &msg, &msg_n), CL_OK);
	assert_int_equal(
	    agent_letter(a, OP_MESSAGE, msg, msg_n), CL_ERR_FORMAT);
	secmem_free(msg);
	secmem_free(payload);
	payload = agent_signed_payload(a, "status", 30, &n);
	assert_int_equal(agent_sealed(a, payload, n, NULL), CL_ERR_FORMAT);
	secmem_free(payload);
}

static int
say_json(struct agent *a, const char *op, const char *key, json_t *value)
{
	size_t n, msg_n;
	char *text = agent_signed_payload(a, op, 30, &n);
	uint8_t *msg = NULL;
	json_t *o;
	int r;

	o = json_parse(text, n, &r);
	assert_non_null(o);
	secmem_free(text);
	if (value)
		json_object_set_new(o, key, value);
	else
		json_object_del(o, key);
	text = json_text(o, &n);
	json_decref(o);
	assert_int_equal(message_sign(a->owner, text, n, &msg, &msg_n), CL_OK);
	secmem_free(text);
	r = agent_letter(a, OP_MESSAGE, msg, msg_n);
	secmem_free(msg);
	return r;
}

static void
strange_members(void **state)
{
	static const char *const keys[] = {
	    "op", "tenant", "boot", "nonce", "expires"};
	struct agent *a = *state;
	size_t i;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(
	    say_json(a, "status", "more", json_true()), CL_ERR_FORMAT);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(
		    say_json(a, "status", keys[i], NULL), CL_ERR_FORMAT);
		assert_int_equal(say_json(a, "status", keys[i], json_array()),
		    CL_ERR_FORMAT);
	}
	assert_int_equal(agent_say(a, OP_MESSAGE, "status"), CL_OK);
}

/* The channel key is destroyed by the attempt, whatever came of it. */
static void
a_channel_serves_once(void **state)
{
	struct agent *a = *state;
	struct evidence_claims claims;
	struct hpke_exporter ex;
	uint8_t hash[32], *msg = NULL;
	char *payload;
	size_t n, msg_n;

	agent_evidence(a, &claims, hash);
	payload = agent_provision_payload(a, false, 0, &n);
	assert_int_equal(message_seal(a->owner, claims.channel_key, hash,
			     payload, n, &msg, &msg_n, &ex),
	    CL_OK);
	msg[msg_n - 1] ^= 1;
	assert_int_not_equal(agent_letter(a, OP_MESSAGE, msg, msg_n), CL_OK);
	msg[msg_n - 1] ^= 1;
	assert_int_equal(
	    agent_letter(a, OP_MESSAGE, msg, msg_n), CL_ERR_REPLAYED);
	secmem_free(msg);
	hash[0] ^= 1;
	assert_int_equal(message_seal(a->owner, claims.channel_key, hash,
			     payload, n, &msg, &msg_n, &ex),
	    CL_OK);
	assert_int_equal(
	    agent_letter(a, OP_MESSAGE, msg, msg_n), CL_ERR_NOT_FOUND);
	secmem_free(msg);
	secmem_free(payload);
}

static void
the_same_nonce_has_the_same_evidence(void **state)
{
	struct agent *a = *state;
	uint8_t nonce[32] = {5};
	uint8_t *first;
	size_t n;

	assert_int_equal(agent_call(a, OP_EVIDENCE, nonce, 32), CL_OK);
	n = a->n;
	first = malloc(n);
	memcpy(first, a->reply, n);
	assert_int_equal(agent_call(a, OP_EVIDENCE, nonce, 32), CL_OK);
	assert_int_equal(a->n, n);
	assert_memory_equal(a->reply, first, n);
	nonce[0] = 6;
	assert_int_equal(agent_call(a, OP_EVIDENCE, nonce, 32), CL_OK);
	assert_true(a->n != n || memcmp(a->reply, first, n) != 0);
	free(first);
}

static json_t *
status_of(struct agent *a)
{
	const char *blob;
	char *text = NULL;
	size_t n, text_n;
	json_t *o;
	int r;

	assert_int_equal(agent_say(a, OP_MESSAGE, "status"), CL_OK);
	blob = agent_blob(a, &n);
	assert_int_equal(
	    message_reply_open(NULL, (const uint8_t *)blob, n, &text, &text_n),
	    CL_OK);
	o = json_parse(text, text_n, &r);
	assert_non_null(o);
	secmem_free(text);
	return o;
}

static void
status_tells(void **state)
{
	struct agent *a = *state;
	int64_t lease;
	bool yes;
	json_t *o;

	assert_int_equal(agent_provision(a, true, 100), CL_OK);
	o = status_of(a);
	assert_int_equal(json_get_bool(o, "provisioned", &yes), CL_OK);
	assert_true(yes);
	assert_int_equal(json_get_bool(o, "sealed", &yes), CL_OK);
	assert_true(yes);
	assert_int_equal(json_get_int(o, "lease", 90, 100, &lease), CL_OK);
	json_decref(o);
}

static void
join_and_close(void **state)
{
	struct agent *a = *state;
	struct agent_group g;
	uint8_t token[32];
	uint32_t id = 0;
	int opener, result = -1, joined;

	agent_ready(a, &g);
	assert_int_equal(agent_open(a), CL_OK);
	memcpy(token, a->reply, 32);
	opener = a->fd;
	a->fd = -1;
	assert_int_equal(agent_hello(a), CL_OK);
	token[31] ^= 1;
	assert_int_equal(agent_call(a, OP_JOIN, token, 32), CL_ERR_NO_SESSION);
	token[31] ^= 1;
	assert_int_equal(agent_call(a, OP_JOIN, token, 32), CL_OK);
	assert_int_equal(agent_prepare(a, g.tag, EV_EQ, &id), CL_OK);
	assert_int_equal(agent_eval(a, id, &g, 4, 4, &result), CL_OK);
	assert_int_equal(result, 1);
	/* The opener closes: over for the other too, which is told. */
	joined = a->fd;
	a->fd = opener;
	assert_int_equal(agent_call(a, OP_CLOSE, NULL, 0), CL_OK);
	a->fd = joined;
	assert_int_equal(
	    agent_eval(a, id, &g, 4, 4, &result), CL_ERR_NO_SESSION);
	assert_int_equal(agent_call(a, OP_JOIN, token, 32), CL_ERR_NO_SESSION);
	close(opener);
	groupkey_free(g.key);
}

static void
a_joined_connection_only_leaves(void **state)
{
	struct agent *a = *state;
	struct agent_group g;
	uint8_t token[32];
	int opener;

	agent_ready(a, &g);
	assert_int_equal(agent_open(a), CL_OK);
	memcpy(token, a->reply, 32);
	opener = a->fd;
	a->fd = -1;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_call(a, OP_JOIN, token, 32), CL_OK);
	assert_int_equal(agent_call(a, OP_CLOSE, NULL, 0), CL_OK);
	close(a->fd);
	a->fd = opener;
	assert_int_equal(agent_call(a, OP_EVAL, NULL, 0), CL_ERR_TRUNCATED);
	groupkey_free(g.key);
}

/* A connection that dies takes its session along. */
static void
a_lost_opener_ends_the_session(void **state)
{
	struct agent *a = *state;
	uint8_t token[32];
	int r = CL_OK, i;

	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	memcpy(token, a->reply, 32);
	for (i = 0; i < 3000 && r == CL_OK; i++) {
		usleep(i ? 20000 : 0);
		assert_int_equal(agent_hello_in_time(a), CL_OK);
		r = agent_call(a, OP_JOIN, token, 32);
	}
	assert_int_equal(r, CL_ERR_NO_SESSION);
}

static void
forget_ends_everything(void **state)
{
	struct agent *a = *state;
	struct agent_group g;
	uint32_t id = 0;
	int other, result;

	assert_int_equal(agent_provision(a, true, 0), CL_OK);
	agent_ready(a, &g);
	assert_int_equal(agent_prepare(a, g.tag, EV_EQ, &id), CL_OK);
	other = a->fd;
	a->fd = -1;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_say(a, OP_MESSAGE, "forget"), CL_OK);
	close(a->fd);
	a->fd = other;
	assert_int_equal(
	    agent_eval(a, id, &g, 4, 4, &result), CL_ERR_NO_TENANT);
	assert_int_equal(
	    agent_eval(a, id, &g, 4, 4, &result), CL_ERR_NO_SESSION);
	assert_int_equal(agent_open(a), CL_ERR_NO_TENANT);
	/* And nothing comes back by a restart. */
	agent_stop(a);
	agent_launch(a);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_open(a), CL_ERR_NO_TENANT);
	groupkey_free(g.key);
}

static void
sealed_keys_survive_a_restart(void **state)
{
	struct agent *a = *state;
	struct agent_group g;
	uint8_t boot[16];
	uint32_t id = 0;
	int result = -1;

	assert_int_equal(agent_provision(a, true, 0), CL_OK);
	memcpy(boot, a->boot, 16);
	agent_stop(a);
	agent_launch(a);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_memory_not_equal(boot, a->boot, 16);
	assert_int_equal(agent_open(a), CL_OK);
	agent_group_make(a, &g, "numbers", GROUP_EQ);
	assert_int_equal(agent_group_push(a, &g), CL_OK);
	assert_int_equal(agent_prepare(a, g.tag, EV_EQ, &id), CL_OK);
	assert_int_equal(agent_eval(a, id, &g, 4, 4, &result), CL_OK);
	assert_int_equal(result, 1);
	/* Provisioned again without sealing: the copy goes. */
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	agent_stop(a);
	agent_launch(a);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_open(a), CL_ERR_NO_TENANT);
	groupkey_free(g.key);
}

static pid_t
engine_of(const struct agent *a)
{
	char path[64], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", a->broker,
	    a->broker);
	f = fopen(path, "r");
	assert_non_null(f);
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return atoi(text);
}

static void
a_killed_engine_comes_back(void **state)
{
	struct agent *a = *state;
	uint8_t boot[16];
	pid_t engine;

	assert_int_equal(agent_provision(a, true, 0), CL_OK);
	memcpy(boot, a->boot, 16);
	engine = engine_of(a);
	assert_true(engine > 0);
	kill(engine, SIGKILL);
	/* The listener is the broker's: a connection waits, and is served. */
	usleep(200000);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_memory_not_equal(boot, a->boot, 16);
	assert_int_equal(agent_open(a), CL_OK);
}

/* False: a slow machine, and the lease was over before the first answer. */
static bool
serves_under_lease(struct agent *a, struct agent_group *g, int lease)
{
	int64_t began = clock_ms();
	uint32_t id = 0;
	bool served;
	int result, r;

	assert_int_equal(agent_provision(a, true, (uint32_t)lease), CL_OK);
	if ((r = agent_open(a)) == CL_OK &&
	    (r = agent_group_push(a, g)) == CL_OK &&
	    (r = agent_prepare(a, g->tag, EV_EQ, &id)) == CL_OK)
		r = agent_eval(a, id, g, 4, 4, &result);
	served = r == CL_OK;
	while (r == CL_OK && clock_ms() - began < 60000) {
		usleep(100000);
		r = agent_eval(a, id, g, 4, 4, &result);
	}
	assert_int_equal(r, CL_ERR_NO_TENANT);
	/* Leases run on a clock of whole seconds: at most one is missing. */
	assert_true(clock_ms() - began >= (lease - 1) * 1000);
	return served;
}

static void
a_lease_ends(void **state)
{
	struct agent *a = *state;
	struct agent_group g;
	int lease = 2;

	agent_ready(a, &g);
	while (!serves_under_lease(a, &g, lease))
		assert_in_range(lease *= 2, 4, 32);
	assert_int_equal(agent_open(a), CL_ERR_NO_TENANT);
	agent_stop(a);
	agent_launch(a);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_open(a), CL_ERR_NO_TENANT);
	groupkey_free(g.key);
}

static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, make, drop)
    T(provision_and_open),
    T(programs_end_with_their_session),
    T(a_message_works_once),
    T(a_message_lives_a_minute),
    T(only_the_owner),
    T(every_kind_of_identity),
    T(another_start_is_another_agent),
    T(mutated_messages),
    T(misplaced_messages),
    T(strange_members),
    T(a_channel_serves_once),
    T(the_same_nonce_has_the_same_evidence),
    T(status_tells),
    T(join_and_close),
    T(a_joined_connection_only_leaves),
    T(a_lost_opener_ends_the_session),
    T(forget_ends_everything),
    T(sealed_keys_survive_a_restart),
    T(a_killed_engine_comes_back),
    T(a_lease_ends),
};

AGENT_MAIN(tests)
