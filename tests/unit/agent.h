/*
 * A living agent for the tests: broker and engine in processes of their own,
 * on a socket in a scratch folder, and an owner who can talk to it. The test
 * program is the agent's program too: its main() is AGENT_MAIN, which becomes
 * the engine when the broker starts it as one. Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_AGENT_H
#define CLOISTER_TESTS_AGENT_H

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/broker.h"
#include "agent/engine.h"
#include "agent/evidence_provider.h"
#include "lib/file.h"
#include "lib/frame.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/evidence.h"
#include "policy/group_def.h"
#include "policy/message.h"
#include "tde/eval.h"
#include "tests/unit/clock.h"
#include "tests/unit/scratch.h"

#define AGENT_REPLY (9u << 20)
/* Small, so that a start is quick. */
#define AGENT_ARENA  "[limits]\narena_mb = 16\n"
#define AGENT_LIMITS AGENT_ARENA "workers = 8\n"

struct agent {
	struct scratch *dir;
	char socket[108];
	char config[128];
	const char *tee; /* of the configuration */
	pid_t broker;
	struct identity *owner;
	uint8_t tenant[16], key[32], hash_key[32];
	uint8_t boot[16]; /* of the last HELLO */
	int fd;		  /* the connection that agent_call() uses */
	uint32_t id;
	uint8_t *reply; /* body of the last reply */
	size_t n;
};

/* ---- its life ---- */

static inline void
agent_configure(struct agent *a, const char *more)
{
	char text[2048];
	int n;

	n = snprintf(text, sizeof(text),
	    "[agent]\nsocket = %s\nstate_dir = %s/state\ntee = %s\n"
	    "[access]\nallow_uids = %u\n[sealing]\nprovider = file\n"
	    "[sim]\nkey = %s/sim.key\n%s\n%s\n",
	    a->socket, a->dir->path, a->tee, (unsigned)geteuid(), a->dir->path,
	    more, strstr(more, "[limits]") ? "" : AGENT_LIMITS);
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, a->config, text, (size_t)n, 0600),
	    CL_OK);
}

static inline int
agent_dial(const struct agent *a)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", a->socket);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Waits until the socket answers. */
static inline void
agent_launch(struct agent *a)
{
	struct config c;
	char error[CONFIG_ERROR];
	int i, fd, quiet;

	fflush(NULL);
	a->broker = fork();
	assert_true(a->broker >= 0);
	if (a->broker == 0) {
		/* A test that fails leaves nobody behind. */
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
		if (!getenv("AGENT_LOG")) {
			quiet = open("/dev/null", O_WRONLY);
			dup2(quiet, STDERR_FILENO);
		}
		if (config_load(a->config, &c, error)) {
			fprintf(stderr, "%s\n", error);
			_exit(2);
		}
		_exit(broker_main(&c, true));
	}
	for (i = 0; i < 6000; i++) {
		if ((fd = agent_dial(a)) >= 0) {
			close(fd);
			return;
		}
		assert_int_equal(waitpid(a->broker, NULL, WNOHANG), 0);
		usleep(10000);
	}
	fail_msg("the agent does not start");
}

static inline void
agent_stop(struct agent *a)
{
	int status = -1;

	kill(a->broker, SIGTERM);
	assert_int_equal(waitpid(a->broker, &status, 0), a->broker);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	a->broker = 0;
}

static inline struct agent *
agent_make_on(const char *tee, const char *more)
{
	struct agent *a = calloc(1, sizeof(*a));
	char path[128];
	void *dir = NULL;

	assert_non_null(a);
	assert_int_equal(scratch_make(&dir), 0);
	a->dir = dir;
	a->tee = tee;
	a->reply = malloc(AGENT_REPLY);
	assert_non_null(a->reply);
	snprintf(a->socket, sizeof(a->socket), "%s/db.sock", a->dir->path);
	snprintf(a->config, sizeof(a->config), "%s/conf", a->dir->path);
	snprintf(path, sizeof(path), "%s/sim.key", a->dir->path);
	assert_int_equal(evidence_sim_make_key(path), CL_OK);
	agent_configure(a, more);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &a->owner), CL_OK);
	assert_int_equal(uuid_random(a->tenant), CL_OK);
	assert_int_equal(crypto_random(a->key, 32), CL_OK);
	assert_int_equal(crypto_random(a->hash_key, 32), CL_OK);
	a->fd = -1;
	agent_launch(a);
	return a;
}

static inline struct agent *
agent_make(const char *more)
{
	return agent_make_on("sim", more);
}

static inline void
agent_free(struct agent *a)
{
	void *dir = a->dir;

	if (a->fd >= 0)
		close(a->fd);
	if (a->broker)
		agent_stop(a);
	identity_free(a->owner);
	scratch_remove(&dir);
	free(a->reply);
	free(a);
}

/* ---- frames ---- */

static inline void
agent_send(int fd, const void *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* False: the agent has closed, or says nothing for a minute. */
static inline bool
agent_recv(int fd, void *out, size_t n)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint8_t *at = out;
	ssize_t got;

	while (n) {
		if (poll(&p, 1, 60000) != 1 || (got = recv(fd, at, n, 0)) <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

/* The reply's status as an error code; CL_ERR_CLOSED when there is none. */
static inline int
agent_reply(struct agent *a, struct frame *f)
{
	uint8_t head[FRAME_HEADER];
	int err;

	if (!agent_recv(a->fd, head, sizeof(head)))
		return CL_ERR_CLOSED;
	assert_int_not_equal(
	    frame_next(head, sizeof(head), AGENT_REPLY, f, &err), FRAME_BAD);
	assert_true(f->flags & FRAME_REPLY);
	a->n = f->body_len;
	if (!agent_recv(a->fd, a->reply, a->n))
		return CL_ERR_CLOSED;
	return err_from_wire(f->status);
}

static inline void
agent_put(struct agent *a, uint8_t op, const void *body, size_t n)
{
	struct frame f = {.op = op, .id = ++a->id, .body_len = (uint32_t)n};
	uint8_t head[FRAME_HEADER];

	frame_put(head, &f);
	agent_send(a->fd, head, sizeof(head));
	if (n)
		agent_send(a->fd, body, n);
}

static inline int
agent_call(struct agent *a, uint8_t op, const void *body, size_t n)
{
	struct frame f;
	int r;

	agent_put(a, op, body, n);
	r = agent_reply(a, &f);
	if (r != CL_ERR_CLOSED) {
		assert_int_equal(f.op, op);
		assert_int_equal(f.id, a->id);
	}
	return r;
}

/* A new connection in state ready. */
static inline int
agent_hello(struct agent *a)
{
	static const uint8_t hello[4] = {1, 0, 0, 0};
	int r;

	if (a->fd >= 0)
		close(a->fd);
	a->fd = agent_dial(a);
	assert_true(a->fd >= 0);
	if ((r = agent_call(a, OP_HELLO, hello, sizeof(hello))) == CL_OK)
		memcpy(a->boot, a->reply + 2, 16);
	return r;
}

/* The same, when workers may still be busy finding out that the connections
 * before have ended. */
static inline int
agent_hello_in_time(struct agent *a)
{
	int i, r = agent_hello(a);

	for (i = 0; i < 3000 && r == CL_ERR_BUSY; i++) {
		usleep(20000);
		r = agent_hello(a);
	}
	return r;
}

/* ---- the owner ---- */

/* The body of a reply that is one blob. */
static inline const char *
agent_blob(struct agent *a, size_t *n)
{
	struct rd in = rd_make(a->reply, a->n);
	const uint8_t *p = NULL;

	assert_int_equal(rd_blob(&in, &p, n, a->n), CL_OK);
	assert_int_equal(rd_end(&in), CL_OK);
	return (const char *)p;
}

static inline int
agent_letter(struct agent *a, uint8_t op, const uint8_t *msg, size_t n)
{
	uint8_t *body = malloc(n + 4);
	struct wr out = wr_make(body, n + 4);
	int r;

	assert_int_equal(wr_blob(&out, msg, n), CL_OK);
	r = agent_call(a, op, body, out.len);
	free(body);
	return r;
}

/* {"op", "tenant", "boot", "nonce", "expires"}, printed. */
static inline char *
agent_signed_payload(struct agent *a, const char *op, int ahead, size_t *n)
{
	json_t *o = json_object();
	uint8_t nonce[16];
	char *text;

	assert_int_equal(crypto_random(nonce, sizeof(nonce)), CL_OK);
	json_object_set_new(o, "op", json_string(op));
	json_object_set_new(o, "expires", json_integer(time(NULL) + ahead));
	assert_int_equal(json_set_uuid(o, "tenant", a->tenant), CL_OK);
	assert_int_equal(json_set_blob(o, "boot", a->boot, 16), CL_OK);
	assert_int_equal(json_set_blob(o, "nonce", nonce, 16), CL_OK);
	text = json_text(o, n);
	assert_non_null(text);
	json_decref(o);
	return text;
}

/* A signed message, composed; the caller frees with secmem_free. */
static inline uint8_t *
agent_signed(struct agent *a, const struct identity *who, const char *op,
    int ahead, size_t *n)
{
	size_t payload_n;
	char *payload = agent_signed_payload(a, op, ahead, &payload_n);
	uint8_t *msg = NULL;

	assert_int_equal(message_sign(who, payload, payload_n, &msg, n), CL_OK);
	secmem_free(payload);
	return msg;
}

static inline int
agent_say(struct agent *a, uint8_t frame_op, const char *op)
{
	size_t n;
	uint8_t *msg = agent_signed(a, a->owner, op, 30, &n);
	int r = agent_letter(a, frame_op, msg, n);

	secmem_free(msg);
	return r;
}

static inline int
agent_open(struct agent *a)
{
	return agent_say(a, OP_OPEN, "open");
}

/* Evidence for a fresh nonce: the claims and their hash. */
static inline void
agent_evidence(
    struct agent *a, struct evidence_claims *claims, uint8_t hash[32])
{
	struct evidence ev;
	uint8_t nonce[32];
	const char *text;
	size_t n;

	assert_int_equal(crypto_random(nonce, sizeof(nonce)), CL_OK);
	assert_int_equal(
	    agent_call(a, OP_EVIDENCE, nonce, sizeof(nonce)), CL_OK);
	text = agent_blob(a, &n);
	assert_int_equal(evidence_parse(text, n, &ev), CL_OK);
	assert_memory_equal(ev.nonce, nonce, sizeof(nonce));
	assert_int_equal(
	    evidence_claims_parse(ev.claims, ev.claims_n, claims), CL_OK);
	assert_int_equal(
	    evidence_claims_hash(ev.claims, ev.claims_n, hash), CL_OK);
	evidence_clear(&ev);
}

static inline char *
agent_provision_payload(struct agent *a, bool seal, int lease, size_t *n)
{
	json_t *o = json_object();
	char *text;

	json_object_set_new(o, "op", json_string("provision"));
	json_object_set_new(o, "seal", json_boolean(seal));
	json_object_set_new(o, "lease", json_integer(lease));
	json_object_set_new(o, "time", json_integer(time(NULL)));
	json_object_set_new(
	    o, "floor", json_pack("{s:{},s:i}", "groups", "brl", 0));
	assert_int_equal(json_set_uuid(o, "tenant", a->tenant), CL_OK);
	assert_int_equal(json_set_blob(o, "tenant_key", a->key, 32), CL_OK);
	assert_int_equal(json_set_blob(o, "hash_key", a->hash_key, 32), CL_OK);
	text = json_text(o, n);
	assert_non_null(text);
	json_decref(o);
	return text;
}

/* Seals payload to a fresh channel and sends it; *reply (may be NULL) is the
 * opened reply. */
static inline int
agent_sealed(struct agent *a, const char *payload, size_t n, json_t **reply)
{
	struct evidence_claims claims;
	struct hpke_exporter ex;
	uint8_t hash[32], *msg = NULL;
	size_t msg_n, text_n;
	const char *blob;
	char *text = NULL;
	int r, err;

	agent_evidence(a, &claims, hash);
	assert_int_equal(message_seal(a->owner, claims.channel_key, hash,
			     payload, n, &msg, &msg_n, &ex),
	    CL_OK);
	r = agent_letter(a, OP_MESSAGE, msg, msg_n);
	secmem_free(msg);
	if (r || !reply)
		return r;
	blob = agent_blob(a, &msg_n);
	assert_int_equal(message_reply_open(
			     &ex, (const uint8_t *)blob, msg_n, &text, &text_n),
	    CL_OK);
	*reply = json_parse(text, text_n, &err);
	assert_non_null(*reply);
	secmem_free(text);
	return r;
}

static inline int
agent_provision(struct agent *a, bool seal, int lease)
{
	size_t n;
	char *payload = agent_provision_payload(a, seal, lease, &n);
	int r = agent_sealed(a, payload, n, NULL);

	secmem_free(payload);
	return r;
}

/* ---- groups, cells, programs ---- */

struct agent_group {
	struct group_def def;
	uint8_t root[32];
	uint32_t tag;
	struct groupkey *key;
};

static inline void
agent_group_make(
    struct agent *a, struct agent_group *g, const char *name, uint32_t ops)
{
	memset(g, 0, sizeof(*g));
	assert_int_equal(uuid_random(g->def.uuid), CL_OK);
	memcpy(g->def.tenant, a->tenant, 16);
	snprintf(g->def.name, sizeof(g->def.name), "%s", name);
	g->def.suite = SUITE_AES256_GCM;
	g->def.epoch = g->def.version = 1;
	g->def.ops = ops;
	assert_int_equal(crypto_random(g->root, 32), CL_OK);
	assert_int_equal(group_def_tag(g->def.uuid, &g->tag), CL_OK);
	assert_int_equal(groupkey_new(&g->key, g->def.uuid, g->tag,
			     g->def.suite, 1, 0, g->root),
	    CL_OK);
}

/* The body of OP_GROUP, signed by who; out has room for it. */
static inline size_t
agent_group_body(const struct identity *who, const uint8_t tenant_key[32],
    const struct agent_group *g, uint8_t *out, size_t cap)
{
	uint8_t sig[IDENTITY_SIG_MAX], wrapped[CRYPTO_WRAP(32)];
	struct wr w = wr_make(out, cap);
	size_t n, sig_n = sizeof(sig);
	char *text = NULL;

	assert_int_equal(group_def_print(&g->def, &text, &n), CL_OK);
	assert_int_equal(group_def_sign(who, text, n, sig, &sig_n), CL_OK);
	assert_int_equal(
	    group_def_wrap(tenant_key, text, n, g->root, wrapped), CL_OK);
	assert_int_equal(wr_blob(&w, text, n), CL_OK);
	assert_int_equal(wr_blob(&w, sig, sig_n), CL_OK);
	assert_int_equal(wr_blob(&w, wrapped, sizeof(wrapped)), CL_OK);
	secmem_free(text);
	return w.len;
}

static inline int
agent_group_push(struct agent *a, const struct agent_group *g)
{
	uint8_t body[GROUP_TEXT_MAX + 1024];
	size_t n = agent_group_body(a->owner, a->key, g, body, sizeof(body));

	return agent_call(a, OP_GROUP, body, n);
}

/* Appends a cell entry with an int4. */
static inline void
agent_cell(struct wr *out, const struct agent_group *g, int32_t v)
{
	uint8_t cell[CELL_OVERHEAD + 4], pt[4];
	struct wr w = wr_make(cell, sizeof(cell));

	le32_put(pt, (uint32_t)v);
	assert_int_equal(groupkey_seal(g->key, TYPE_INT4, pt, 4, &w), CL_OK);
	assert_int_equal(wr_cell(out, cell, w.len), CL_OK);
}

static inline void
agent_instr(struct wr *w, uint8_t op, uint8_t a)
{
	uint8_t bytes[12] = {op, 0, a};

	assert_int_equal(wr_bytes(w, bytes, sizeof(bytes)), CL_OK);
}

/* blob program: int4 column 0 of the group, op, int4 scalar 0. */
static inline size_t
agent_compare_program(uint32_t tag, uint8_t op, uint8_t *out, size_t cap)
{
	uint8_t code[256], head[6] = {1, 1, 1, 1, 3, 0};
	struct wr w = wr_make(code, sizeof(code)), body = wr_make(out, cap);
	uint8_t input[4] = {TYPE_INT4, 0, TYPE_INT4, 0};

	assert_int_equal(wr_bytes(&w, head, sizeof(head)), CL_OK);
	assert_int_equal(wr_u32(&w, tag), CL_OK);
	assert_int_equal(wr_bytes(&w, input, sizeof(input)), CL_OK);
	agent_instr(&w, EV_COLUMN, 0);
	agent_instr(&w, EV_SCALAR, 0);
	agent_instr(&w, op, 0);
	assert_int_equal(wr_blob(&body, code, w.len), CL_OK);
	return body.len;
}

static inline int
agent_prepare(struct agent *a, uint32_t tag, uint8_t op, uint32_t *id)
{
	uint8_t body[300];
	size_t n = agent_compare_program(tag, op, body, sizeof(body));
	int r = agent_call(a, OP_PREPARE, body, n);

	if (r == CL_OK)
		*id = le32_get(a->reply);
	return r;
}

/* value <op of the program> constant, as 0 or 1 (2: unknown). */
static inline int
agent_eval(struct agent *a, uint32_t id, const struct agent_group *g,
    int32_t value, int32_t constant, int *result)
{
	uint8_t body[512];
	struct wr w = wr_make(body, sizeof(body));
	int r;

	assert_int_equal(wr_u32(&w, id), CL_OK);
	assert_int_equal(wr_u32(&w, 1), CL_OK);
	agent_cell(&w, g, constant);
	agent_cell(&w, g, value);
	r = agent_call(a, OP_EVAL, body, w.len);
	if (r == CL_OK) {
		assert_int_equal(a->n, 9);
		*result = a->reply[8];
	}
	return r;
}

/* Provisioned, session open, one group pushed. */
static inline void
agent_ready(struct agent *a, struct agent_group *g)
{
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	agent_group_make(a, g, "numbers", GROUP_EQ | GROUP_CMP);
	assert_int_equal(agent_group_push(a, g), CL_OK);
}

#define AGENT_MAIN(tests)                                                      \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		if (argc == 2 && !strcmp(argv[1], "--engine"))                 \
			return engine_main();                                  \
		signal(SIGPIPE, SIG_IGN);                                      \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

#endif
