/* A living agent on a fake guest: from the kernel's interface to the envelope
 * that an owner gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent.h"
#include "tests/unit/tsmfs.h"

/* 63da758d-e664-4564-adc5-f4b93be8accd */
static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
    0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};

struct guest {
	struct scratch *dir;
	struct tsmfs fs;
	struct agent *agent;
	char gate[96]; /* while it is there, the device does not answer */
	char more[128];
	uint8_t table[6000]; /* auxblob */
};

static int
set_up(void **state)
{
	struct guest *g = calloc(1, sizeof(*g));
	void *dir;
	size_t i;

	assert_non_null(g);
	assert_int_equal(scratch_make(&dir), 0);
	g->dir = dir;
	for (i = 0; i < sizeof(g->table); i++)
		g->table[i] = (uint8_t)(i * 31 + (i >> 8));
	memcpy(g->table, vcek, sizeof(vcek)); /* or it would be no table */
	*state = g;
	return 0;
}

static int
tear_down(void **state)
{
	struct guest *g = *state;
	void *dir = g->dir;

	if (g->agent)
		agent_free(g->agent);
	tsmfs_stop(&g->fs);
	scratch_remove(&dir);
	free(g);
	return 0;
}

/* With certificates, and an agent that finds out by itself where it is. */
static void
boot(struct guest *g, const char *provider)
{
	const char *missing = tsmfs_missing();
	char aux[96];

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	assert_int_equal(
	    file_write_new(g->dir->fd, "aux", g->table, sizeof(g->table), 0600),
	    CL_OK);
	snprintf(aux, sizeof(aux), "%s/aux", g->dir->path);
	snprintf(g->gate, sizeof(g->gate), "%s/gate", g->dir->path);
	tsmfs_start(&g->fs, g->dir, "--provider", provider, "--aux", aux,
	    "--pad", "70", "--gate", g->gate, NULL);
	snprintf(g->more, sizeof(g->more), "[tsm]\nroot = %s\n", g->fs.root);
	g->agent = agent_make_on("auto", g->more);
	assert_int_equal(agent_hello(g->agent), CL_OK);
}

/* The envelope for a nonce whose bytes are all n; bound is its report data. */
static void
ask(struct guest *g, uint8_t n, struct evidence *ev, uint8_t bound[64])
{
	struct evidence_claims claims;
	uint8_t nonce[32];
	const char *text;
	size_t text_n;

	memset(nonce, n, sizeof(nonce));
	assert_int_equal(
	    agent_call(g->agent, OP_EVIDENCE, nonce, sizeof(nonce)), CL_OK);
	text = agent_blob(g->agent, &text_n);
	assert_int_equal(evidence_parse(text, text_n, ev), CL_OK);
	assert_memory_equal(ev->nonce, nonce, sizeof(nonce));
	assert_int_equal(
	    evidence_claims_parse(ev->claims, ev->claims_n, &claims), CL_OK);
	assert_string_equal(claims.tee, ev->tee);
	assert_int_equal(
	    evidence_report_data(nonce, ev->claims, ev->claims_n, bound),
	    CL_OK);
}

static void
an_snp_envelope_has_report_and_table(void **state)
{
	struct guest *g = *state;
	struct evidence ev;
	uint8_t bound[64];

	boot(g, "sev_guest");
	ask(g, 1, &ev, bound);
	assert_string_equal(ev.tee, "snp");
	assert_int_equal(ev.raw_n, 1184);
	assert_memory_equal(ev.raw + 0x50, bound, 64);
	assert_int_equal(ev.nblobs, 1);
	assert_int_equal(ev.blobs[0].n, sizeof(g->table));
	assert_memory_equal(ev.blobs[0].p, g->table, sizeof(g->table));
	evidence_clear(&ev);
	assert_int_equal(tsmfs_left(&g->fs), 0);
}

/* Whatever the host gives as certificates, the report gets out. */
static void
what_nobody_knows_is_left_out(void **state)
{
	struct guest *g = *state;
	struct evidence ev;
	uint8_t bound[64];

	g->table[0] ^= 1;
	boot(g, "sev_guest");
	ask(g, 1, &ev, bound);
	assert_memory_equal(ev.raw + 0x50, bound, 64);
	assert_int_equal(ev.nblobs, 0);
	evidence_clear(&ev);
}

static void
a_tdx_envelope_has_the_quote(void **state)
{
	struct guest *g = *state;
	struct evidence ev;
	uint8_t bound[64];

	boot(g, "tdx_guest");
	ask(g, 1, &ev, bound);
	assert_string_equal(ev.tee, "tdx");
	assert_int_equal(ev.raw_n, 1336);
	assert_memory_equal(ev.raw + 568, bound, 64);
	assert_int_equal(ev.nblobs, 0);
	evidence_clear(&ev);
}

/* Bytes behind the nonce are one credential, and for a TPM that quotes. */
static void
a_credential_needs_a_tpm(void **state)
{
	static uint8_t body[32 + 4 + 4 + 513 + 1];
	struct guest *g = *state;
	struct evidence ev;
	uint8_t bound[64];

	boot(g, "sev_guest");
	assert_int_not_equal(agent_call(g->agent, OP_EVIDENCE, body, 31), 0);
	assert_int_not_equal(agent_call(g->agent, OP_EVIDENCE, body, 33), 0);
	le32_put(body + 36, 8);
	assert_int_not_equal(agent_call(g->agent, OP_EVIDENCE, body, 47), 0);
	assert_int_not_equal(agent_call(g->agent, OP_EVIDENCE, body, 49), 0);
	assert_int_equal(
	    agent_call(g->agent, OP_EVIDENCE, body, 48), CL_ERR_UNSUPPORTED);
	le32_put(body + 36, 513);
	assert_int_not_equal(
	    agent_call(g->agent, OP_EVIDENCE, body, 40 + 513), 0);
	ask(g, 1, &ev, bound);
	evidence_clear(&ev);
}

/* The same nonce costs the device nothing; others wait for their turn. */
static void
the_device_is_asked_at_its_pace(void **state)
{
	struct guest *g = *state;
	struct evidence first, ev;
	uint8_t bound[64];
	int64_t began;
	int i;

	boot(g, "sev_guest");
	began = clock_ms();
	ask(g, 1, &first, bound);
	for (i = 0; i < 50; i++) {
		ask(g, 1, &ev, bound);
		assert_int_equal(ev.raw_n, first.raw_n);
		assert_memory_equal(ev.raw, first.raw, first.raw_n);
		evidence_clear(&ev);
	}
	/* The device would have taken a second for each. */
	assert_true(clock_ms() - began < 40000);
	ask(g, 2, &ev, bound);
	assert_true(clock_ms() - began >= 1000);
	assert_memory_not_equal(ev.raw, first.raw, first.raw_n);
	evidence_clear(&ev);
	evidence_clear(&first);
}

/* Another connection of the same agent. */
static int
swap(struct agent *a, int fd)
{
	int old = a->fd;

	a->fd = fd;
	return old;
}

/* A provisioning message for a channel of this moment. */
static uint8_t *
compose(struct agent *a, size_t *n)
{
	struct evidence_claims claims;
	struct hpke_exporter ex;
	uint8_t hash[32], *msg = NULL;
	size_t payload_n;
	char *payload = agent_provision_payload(a, true, 0, &payload_n);

	agent_evidence(a, &claims, hash);
	assert_int_equal(message_seal(a->owner, claims.channel_key, hash,
			     payload, payload_n, &msg, n, &ex),
	    CL_OK);
	secmem_free(payload);
	return msg;
}

static void
until_wanted(const struct guest *g)
{
	char waits[128];
	int i;

	snprintf(waits, sizeof(waits), "%s.waits", g->gate);
	for (i = 0; i < 60000 && access(waits, F_OK); i++)
		usleep(1000);
	assert_int_equal(rmdir(waits), 0);
}

/* A query, and a message whose keys are stored sealed, while it thinks. */
static void
a_slow_device_holds_nobody_up(void **state)
{
	struct guest *g = *state;
	struct agent_group group;
	struct agent *a;
	struct pollfd p = {.events = POLLIN};
	uint8_t nonce[32] = {77}, *msg;
	uint32_t id = 0;
	int result = -1, session, message;
	struct frame f;
	size_t n;

	boot(g, "sev_guest");
	a = g->agent;
	agent_ready(a, &group);
	assert_int_equal(agent_prepare(a, group.tag, EV_GT, &id), CL_OK);
	session = swap(a, -1);
	assert_int_equal(agent_hello(a), CL_OK);
	msg = compose(a, &n);
	assert_int_equal(file_write_new(AT_FDCWD, g->gate, "", 0, 0600), CL_OK);
	message = swap(a, -1);
	assert_int_equal(agent_hello(a), CL_OK);
	agent_put(a, OP_EVIDENCE, nonce, sizeof(nonce));
	until_wanted(g);
	p.fd = swap(a, session);
	assert_int_equal(agent_eval(a, id, &group, 5, 4, &result), CL_OK);
	assert_int_equal(result, 1);
	(void)swap(a, message);
	assert_int_equal(agent_letter(a, OP_MESSAGE, msg, n), CL_OK);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(unlink(g->gate), 0);
	close(swap(a, p.fd));
	assert_int_equal(agent_reply(a, &f), CL_OK);
	close(session);
	secmem_free(msg);
	groupkey_free(group.key);
}

/* Kinds that are wished for: what there is, and what there is not. */
static void
another_kind_has_to_be_there(void **state)
{
	struct guest *g = *state;
	uint8_t body[32 + 4 + 3] = {5};
	const char *const kinds[] = {"tdx", "csv", "sim"};
	struct frame f;
	size_t i;

	boot(g, "sev_guest");
	body[32] = 3;
	for (i = 0; i < 3; i++) {
		memcpy(body + 36, kinds[i], 3);
		agent_put(g->agent, OP_EVIDENCE, body, sizeof(body));
		assert_int_equal(agent_reply(g->agent, &f), CL_ERR_UNSUPPORTED);
		g->agent->reply[g->agent->n] = '\0';
		assert_non_null(strstr(
		    (const char *)g->agent->reply + 4, "this guest has (snp"));
	}
	memcpy(body + 36, "sgx", 3);
	assert_int_equal(agent_call(g->agent, OP_EVIDENCE, body, sizeof(body)),
	    CL_ERR_UNSUPPORTED);
	memcpy(body + 36, "sn\0", 3);
	assert_int_equal(agent_call(g->agent, OP_EVIDENCE, body, sizeof(body)),
	    CL_ERR_UNSUPPORTED);
	assert_int_equal(
	    agent_call(g->agent, OP_EVIDENCE, body, sizeof(body) - 1),
	    CL_ERR_TRUNCATED);
	memcpy(body + 36, "snp", 3);
	assert_int_equal(
	    agent_call(g->agent, OP_EVIDENCE, body, sizeof(body)), CL_OK);
}

/* The reason travels to whoever asked, and the agent lives on. */
static void
a_failing_device_is_named(void **state)
{
	struct guest *g = *state;
	uint8_t nonce[32] = {7};
	struct frame f;

	boot(g, "sev_guest");
	tsmfs_stop(&g->fs);
	agent_put(g->agent, OP_EVIDENCE, nonce, sizeof(nonce));
	assert_int_equal(agent_reply(g->agent, &f), CL_ERR_NOT_FOUND);
	g->agent->reply[g->agent->n < AGENT_REPLY ? g->agent->n : 0] = '\0';
	assert_non_null(
	    strstr((const char *)g->agent->reply + 4, "/dev/sev-guest"));
	assert_int_equal(agent_call(g->agent, OP_STATUS, NULL, 0), CL_OK);
}

#define guest_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest all[] = {
    guest_test(a_failing_device_is_named),
    guest_test(an_snp_envelope_has_report_and_table),
    guest_test(what_nobody_knows_is_left_out),
    guest_test(a_tdx_envelope_has_the_quote),
    guest_test(a_credential_needs_a_tpm),
    guest_test(another_kind_has_to_be_there),
    guest_test(a_slow_device_holds_nobody_up),
    guest_test(the_device_is_asked_at_its_pace),
};

AGENT_MAIN(all)
