/* agent/channel: many callers, one slow device. What waits, what does not,
 * what is kept, and how much of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/audit.h"
#include "agent/channel.h"
#include "agent/link.h"
#include "lib/secmem.h"
#include "tests/unit/fake_broker.h"

#define TEXT_CAP (EVIDENCE_TEXT_MAX + 64u)
#define CALLERS	 100u

struct fixture {
	struct fake_broker broker;
	struct engine e;
};

static int
set_up_with(void **state, unsigned workers, unsigned channels)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_broker_start(&f->broker);
	f->e.cfg = (struct setup){.workers = workers,
	    .arena_mb = 32,
	    .max_channels = channels,
	    .nuids = 2,
	    .uids = {1, 2},
	    .tee = "tdx"};
	memset(f->e.binary, 'a', 64);
	memset(f->e.config, 'b', 64);
	assert_int_equal(link_new(&f->e.link, f->broker.engine_fd), CL_OK);
	assert_int_equal(audit_new(&f->e.audit, f->e.boot), CL_OK);
	assert_int_equal(channels_new(&f->e.channels, &f->e.cfg), CL_OK);
	*state = f;
	return 0;
}

static int
set_up(void **state)
{
	return set_up_with(state, 64, 64);
}

/* What hangs on the engine lives as long as its process. */
static int
tear_down(void **state)
{
	struct fixture *f = *state;
	const char *broken = f->broker.broken;

	fake_broker_stop(&f->broker);
	free(f);
	if (broken)
		fail_msg("%s", broken);
	return 0;
}

/* ---- one caller ---- */

struct caller {
	struct fixture *f;
	struct channel_ask ask;
	pthread_t thread;
	unsigned tries; /* as often as it is told to come again; 0: for ever */
	int result;
	char why[ENGINE_REASON];
	uint8_t *reply;
	size_t n;
	atomic_bool done;
};

static int
ask(struct caller *c)
{
	struct wr out = wr_make(c->reply, TEXT_CAP);

	c->result = channel_evidence(&c->f->e, &c->ask, &out, c->why);
	c->n = out.len;
	return c->result;
}

static struct caller
caller(struct fixture *f, uint32_t uid, unsigned nonce)
{
	struct caller c = {.f = f, .tries = 1};

	c.ask.uid = uid;
	c.ask.fd = -1;
	le32_put(c.ask.nonce, nonce);
	c.reply = malloc(TEXT_CAP);
	assert_non_null(c.reply);
	return c;
}

static void *
caller_main(void *arg)
{
	struct caller *c = arg;
	unsigned i;

	for (i = 0; (!c->tries || i < c->tries) && ask(c) == CL_ERR_BUSY; i++)
		usleep(2000);
	c->done = true;
	return NULL;
}

static void
start(struct caller *c)
{
	c->done = false;
	assert_int_equal(pthread_create(&c->thread, NULL, caller_main, c), 0);
}

/* The envelope; its claims are hashed. */
static void
opened(struct caller *c, struct evidence *ev, uint8_t hash[32])
{
	struct rd in = rd_make(c->reply, c->n);
	uint8_t bound[EVIDENCE_REPORT_DATA];
	const uint8_t *text;
	size_t n;

	if (c->result)
		fail_msg("%s: %s", err_name(c->result), c->why);
	assert_int_equal(rd_blob(&in, &text, &n, TEXT_CAP), CL_OK);
	assert_int_equal(rd_end(&in), CL_OK);
	assert_int_equal(evidence_parse((const char *)text, n, ev), CL_OK);
	assert_memory_equal(ev->nonce, c->ask.nonce, sizeof(ev->nonce));
	assert_int_equal(
	    evidence_report_data(ev->nonce, ev->claims, ev->claims_n, bound),
	    CL_OK);
	assert_memory_equal(ev->raw, bound, sizeof(bound));
	assert_int_equal(
	    evidence_claims_hash(ev->claims, ev->claims_n, hash), CL_OK);
}

static void
is_good(struct caller *c, uint8_t hash[32])
{
	struct evidence ev;
	uint8_t own[32];

	opened(c, &ev, hash ? hash : own);
	evidence_clear(&ev);
}

static void
finish(struct caller *c)
{
	assert_int_equal(pthread_join(c->thread, NULL), 0);
	free(c->reply);
}

static void
until(atomic_uint *what, unsigned value)
{
	unsigned i;

	for (i = 0; i < 60000 && atomic_load(what) < value; i++)
		usleep(1000);
	assert_true(atomic_load(what) >= value);
}

/* ---- tests ---- */

static void
a_nonce_costs_one_request(void **state)
{
	struct fixture *f = *state;
	struct caller c = caller(f, 1, 1);
	uint8_t first[32], hash[32], sk[32];
	unsigned i;

	atomic_store(&f->broker.early, 3);
	assert_int_equal(ask(&c), CL_OK);
	is_good(&c, first);
	for (i = 0; i < 5; i++) {
		assert_int_equal(ask(&c), CL_OK);
		is_good(&c, hash);
		assert_memory_equal(hash, first, 32);
	}
	assert_int_equal(f->broker.asked, 1);
	/* Another kind, another one; this one is named. */
	strcpy(c.ask.tee, "tpm");
	assert_int_equal(ask(&c), CL_OK);
	is_good(&c, hash);
	assert_memory_not_equal(hash, first, 32);
	assert_int_equal(f->broker.asked, 2);
	strcpy(c.ask.tee, "tdx");
	assert_int_equal(ask(&c), CL_OK);
	assert_int_equal(f->broker.asked, 2);
	/* Once used, it is gone. */
	assert_int_equal(channel_take(f->e.channels, first, sk), CL_OK);
	assert_int_equal(
	    channel_take(f->e.channels, first, sk), CL_ERR_REPLAYED);
	assert_int_equal(ask(&c), CL_OK);
	is_good(&c, hash);
	assert_memory_not_equal(hash, first, 32);
	assert_int_equal(f->broker.asked, 3);
	free(c.reply);
}

/* While the device thinks, messages and calls of the broker go on. */
static void
nothing_else_waits_for_the_device(void **state)
{
	struct fixture *f = *state;
	struct caller early = caller(f, 1, 1), slow = caller(f, 1, 2);
	uint8_t hash[32], sk[32], room[16];
	size_t n = sizeof(room);

	assert_int_equal(ask(&early), CL_OK);
	is_good(&early, hash);
	f->broker.held = true;
	start(&slow);
	until(&f->broker.asked, 2);
	assert_int_equal(ask(&early), CL_OK);
	assert_int_equal(channel_take(f->e.channels, hash, sk), CL_OK);
	assert_int_equal(
	    link_call(f->e.link, BROKER_STORE, NULL, 0, room, &n, NULL), CL_OK);
	assert_int_equal(f->broker.others, 1);
	assert_false(slow.done);
	f->broker.held = false;
	finish(&slow);
	assert_int_equal(slow.result, CL_OK);
	free(early.reply);
}

static void
callers_of_one_nonce_share_a_request(void **state)
{
	struct fixture *f = *state;
	struct caller first = caller(f, 1, 9), c[10];
	unsigned i, good = 0;

	f->broker.held = true;
	start(&first);
	until(&f->broker.asked, 1);
	for (i = 0; i < 10; i++) {
		c[i] = caller(f, 1 + i % 2, 9);
		start(&c[i]);
	}
	usleep(50000);
	f->broker.held = false;
	for (i = 0; i < 10; i++) {
		assert_int_equal(pthread_join(c[i].thread, NULL), 0);
		good += c[i].result == CL_OK;
	}
	assert_int_equal(pthread_join(first.thread, NULL), 0);
	assert_int_equal(good, 10);
	for (i = 0; i < 10; i++) {
		assert_int_equal(c[i].n, first.n);
		assert_memory_equal(c[i].reply, first.reply, first.n);
		free(c[i].reply);
	}
	assert_int_equal(f->broker.asked, 1);
	free(first.reply);
}

/* All at once, each with a nonce of its own and as often as it takes. */
static void
a_hundred_callers_are_served(void **state)
{
	static struct caller c[CALLERS];
	struct fixture *f = *state;
	struct caller owner = caller(f, 2, 1000);
	unsigned i;

	atomic_store(&f->broker.slow_ms, 10);
	for (i = 0; i < CALLERS; i++) {
		c[i] = caller(f, 1, i);
		c[i].tries = 0;
		start(&c[i]);
	}
	until(&f->broker.asked, 3);
	/* One of another user, in the thick of it, at the first try. */
	start(&owner);
	assert_int_equal(pthread_join(owner.thread, NULL), 0);
	is_good(&owner, NULL);
	for (i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(c[i].thread, NULL), 0);
		is_good(&c[i], NULL);
		free(c[i].reply);
	}
	assert_int_equal(f->broker.asked, CALLERS + 1);
	free(owner.reply);
}

/* No more than the queue holds; the rest is told when to come again. */
static void
too_many_are_told_to_come_again(void **state)
{
	struct caller c[CHANNEL_QUEUE_MAX + 1];
	struct fixture *f = *state;
	unsigned i, n = 0, late = CHANNEL_QUEUE_MAX;

	f->broker.held = true;
	for (i = 0; i <= CHANNEL_QUEUE_MAX; i++) {
		c[i] = caller(f, 1, i);
		start(&c[i]);
	}
	for (i = 0; i < 60000 && n == 0; i++, usleep(1000))
		for (n = late = 0; late <= CHANNEL_QUEUE_MAX; late++)
			if ((n = c[late].done))
				break;
	assert_int_equal(n, 1);
	assert_int_equal(c[late].result, CL_ERR_BUSY);
	assert_string_equal(c[late].why,
	    "16 callers wait for evidence; come again in 16 seconds");
	f->broker.held = false;
	for (i = 0; i <= CHANNEL_QUEUE_MAX; i++) {
		assert_int_equal(pthread_join(c[i].thread, NULL), 0);
		assert_int_equal(c[i].result, i == late ? CL_ERR_BUSY : CL_OK);
		free(c[i].reply);
	}
	assert_int_equal(f->broker.asked, CHANNEL_QUEUE_MAX);
}

/* Who hung up while it waited does not cost the device anything. */
static void
who_hung_up_is_passed_over(void **state)
{
	struct fixture *f = *state;
	struct caller first = caller(f, 1, 1), gone = caller(f, 1, 2);
	int p[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	f->broker.held = true;
	start(&first);
	until(&f->broker.asked, 1);
	gone.ask.fd = p[0];
	close(p[1]);
	start(&gone);
	f->broker.held = false;
	finish(&first);
	finish(&gone);
	assert_int_equal(gone.result, CL_ERR_CLOSED);
	assert_int_equal(f->broker.asked, 1);
	close(p[0]);
}

/* ---- what the broker says ---- */

static void
large_evidence_comes_in_parts(void **state)
{
	static uint8_t log[EVIDENCE_LOG_MAX];
	static uint8_t rest[EVIDENCE_LOG_MAX + 4096];
	struct fixture *f = *state;
	struct caller c = caller(f, 1, 1);
	struct wr out = wr_make(rest, sizeof(rest));
	struct evidence ev;
	uint8_t hash[32];
	size_t i;

	for (i = 0; i < sizeof(log); i++)
		log[i] = (uint8_t)(i * 13 + (i >> 10));
	assert_int_equal(wr_blob(&out, log, sizeof(log)), CL_OK);
	assert_int_equal(wr_u32(&out, 3), CL_OK);
	assert_int_equal(wr_blob(&out, "{}", 2), CL_OK);
	assert_int_equal(wr_blob(&out, "junk", 4), CL_OK);
	assert_int_equal(wr_blob(&out, " {", 2), CL_OK);
	f->broker.result = rest;
	f->broker.result_n = out.len;
	f->broker.raw_n = EVIDENCE_RAW_MAX;
	assert_int_equal(ask(&c), CL_OK);
	opened(&c, &ev, hash);
	assert_int_equal(ev.raw_n, EVIDENCE_RAW_MAX);
	assert_int_equal(ev.raw[EVIDENCE_RAW_MAX - 1], 0x5a);
	assert_int_equal(ev.log_n, sizeof(log));
	assert_memory_equal(ev.log, log, sizeof(log));
	assert_int_equal(ev.nblobs, 2); /* what nobody knows is left out */
	assert_memory_equal(ev.blobs[1].p, " {", 2);
	evidence_clear(&ev);
	/* One byte more of either. */
	f->broker.raw_n++;
	c.ask.nonce[0]++;
	assert_int_equal(ask(&c), CL_ERR_TOO_LARGE);
	f->broker.raw_n = 100;
	le32_put(rest, EVIDENCE_LOG_MAX + 1);
	assert_int_equal(ask(&c), CL_ERR_TOO_LARGE);
	free(c.reply);
}

static void
wrong_results_are_refused(void **state)
{
	static const struct {
		const char *tee;
		const char *rest;
		size_t n;
		uint32_t claim;
	} bad[] = {
	    {"snp", NULL, 0, 0}, /* not what the claims say */
	    {"td", NULL, 0, 0},
	    {"a name that is too long", NULL, 0, 0},
	    {NULL, "\0\0\0\0\0\0\0\0x", 9, 0},	      /* more than there is */
	    {NULL, "\0\0\0\0\0\0\0", 7, 0},	      /* less */
	    {NULL, "\0\0\0\0\1\0\0\0", 8, 0},	      /* no blob */
	    {NULL, "\xff\xff\xff\xff\0\0\0\0", 8, 0}, /* log */
	    {NULL, "\0\0\0\0\xff\xff\xff\xff", 8, 0}, /* count */
	    {NULL, NULL, 0, 1},
	    {NULL, NULL, 0, BROKER_EVIDENCE_MAX},
	    {NULL, NULL, 0, BROKER_EVIDENCE_MAX + 1},
	    {NULL, NULL, 0, 0xffffffff},
	};
	struct fixture *f = *state;
	struct caller c = caller(f, 1, 1);
	size_t i, total, before, used;

	assert_int_equal(ask(&c), CL_OK);
	secmem_usage(&total, &before);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c.ask.nonce[1]++;
		f->broker.tee = bad[i].tee;
		f->broker.result = (const uint8_t *)bad[i].rest;
		f->broker.result_n = bad[i].n;
		f->broker.claim = bad[i].claim;
		if (ask(&c) == CL_OK)
			fail_msg("case %zu", i);
	}
	f->broker.tee = NULL;
	f->broker.result = NULL;
	f->broker.claim = 0;
	f->broker.fail = "the device is on fire";
	assert_int_equal(ask(&c), CL_ERR_IO);
	assert_string_equal(c.why, "the device is on fire");
	secmem_usage(&total, &used);
	assert_int_equal(used, before);
	f->broker.fail = NULL;
	assert_int_equal(ask(&c), CL_OK);
	is_good(&c, NULL);
	free(c.reply);
}

/* ---- what is kept ---- */

/* Envelopes have an eighth of the arena; keys outlive them. */
static void
old_envelopes_make_room(void **state)
{
	static uint8_t rest[EVIDENCE_LOG_MAX + 8];
	struct fixture *f = *state;
	struct caller c = caller(f, 1, 0);
	size_t budget = (32u << 20) / CHANNEL_ARENA_SHARE, total, before, used;
	uint8_t first[32], sk[32], *all[16];
	unsigned i;

	le32_put(rest, EVIDENCE_LOG_MAX);
	f->broker.result = rest;
	f->broker.result_n = sizeof(rest);
	secmem_usage(&total, &before);
	for (i = 0; i < 20; i++) {
		le32_put(c.ask.nonce, i);
		assert_int_equal(ask(&c), CL_OK);
		is_good(&c, i ? NULL : first);
		secmem_usage(&total, &used);
		if (used > before + budget + 65536)
			fail_msg("%zu bytes are kept after %u", used - before,
			    i + 1);
	}
	/* The last two are kept, older ones are made again. */
	assert_int_equal(ask(&c), CL_OK);
	le32_put(c.ask.nonce, 18);
	assert_int_equal(ask(&c), CL_OK);
	assert_int_equal(f->broker.asked, 20);
	le32_put(c.ask.nonce, 0);
	assert_int_equal(ask(&c), CL_OK);
	assert_int_equal(f->broker.asked, 21);
	assert_int_equal(channel_take(f->e.channels, first, sk), CL_OK);
	/* Half of the arena, which evaluation may take, is there still. */
	for (i = 0; i < 16; i++)
		assert_non_null(all[i] = secmem_alloc(1u << 20));
	while (i)
		secmem_free(all[--i]);
	free(c.reply);
}

static int
set_up_few(void **state)
{
	return set_up_with(state, 2, 4);
}

/* One user's flood does not push out what another has. */
static void
full_tables_take_from_who_has_most(void **state)
{
	struct fixture *f = *state;
	struct caller owner = caller(f, 2, 0), flood = caller(f, 1, 0);
	uint8_t hash[32], oldest[32], used[32], sk[32];
	unsigned i;

	assert_int_equal(ask(&owner), CL_OK);
	is_good(&owner, hash);
	for (i = 1; i < 20; i++) {
		le32_put(flood.ask.nonce, i);
		assert_int_equal(ask(&flood), CL_OK);
		if (i == 1)
			is_good(&flood, oldest);
	}
	assert_int_equal(
	    channel_take(f->e.channels, oldest, sk), CL_ERR_NOT_FOUND);
	assert_int_equal(channel_take(f->e.channels, hash, sk), CL_OK);
	/* A used row goes before one that waits. */
	is_good(&flood, used);
	le32_put(flood.ask.nonce, 20);
	assert_int_equal(ask(&flood), CL_OK);
	assert_int_equal(
	    channel_take(f->e.channels, hash, sk), CL_ERR_NOT_FOUND);
	assert_int_equal(channel_take(f->e.channels, used, sk), CL_OK);
	free(owner.reply);
	free(flood.reply);
}

#define channel_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    channel_test(wrong_results_are_refused),
	    channel_test(large_evidence_comes_in_parts),
	    channel_test(a_nonce_costs_one_request),
	    channel_test(nothing_else_waits_for_the_device),
	    channel_test(callers_of_one_nonce_share_a_request),
	    channel_test(a_hundred_callers_are_served),
	    channel_test(too_many_are_told_to_come_again),
	    channel_test(who_hung_up_is_passed_over),
	    channel_test(old_envelopes_make_room),
	    cmocka_unit_test_setup_teardown(
		full_tables_take_from_who_has_most, set_up_few, tear_down),
	};

	if (secmem_init(32u << 20, true) != 0 || secmem_hook_libraries() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
