/* policy/eventlog: hostile logs first, then replay against an own hand and
 * against the registers of a real machine's quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "hex.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "policy/eventlog.h"
#include "policy/verify_tdx.h"
#include "shared_evidence.h"

#define CAP 4096u

struct made {
	uint8_t p[CAP];
	struct wr w;
};

static void
header(struct made *m, uint32_t nalgs, const uint16_t (*algs)[2])
{
	static const uint8_t zeros[20];
	uint32_t i;

	m->w = wr_make(m->p, sizeof(m->p));
	assert_true(!wr_u32(&m->w, 0) && !wr_u32(&m->w, EVENTLOG_NO_ACTION) &&
		    !wr_bytes(&m->w, zeros, 20) &&
		    !wr_u32(&m->w, 16 + 8 + 4 + 4 * nalgs + 1) &&
		    !wr_bytes(&m->w, "Spec ID Event03", 16) &&
		    !wr_u32(&m->w, 0) && !wr_u32(&m->w, 0x02000200) &&
		    !wr_u32(&m->w, nalgs));
	for (i = 0; i < nalgs; i++)
		assert_true(
		    !wr_u16(&m->w, algs[i][0]) && !wr_u16(&m->w, algs[i][1]));
	assert_int_equal(wr_u8(&m->w, 0), 0);
}

static void
record(struct made *m, uint32_t reg, uint32_t type, uint16_t alg, size_t size,
    uint8_t fill, const char *event)
{
	uint8_t digest[64];

	memset(digest, fill, sizeof(digest));
	assert_true(!wr_u32(&m->w, reg) && !wr_u32(&m->w, type) &&
		    !wr_u32(&m->w, 1) && !wr_u16(&m->w, alg) &&
		    !wr_bytes(&m->w, digest, size) &&
		    !wr_blob(&m->w, event, strlen(event)));
}

static const uint16_t sha384[][2] = {{EVENTLOG_SHA384, 48}};
static const uint16_t sm3[][2] = {{EVENTLOG_SM3, 32}};
static const uint16_t both[][2] = {{EVENTLOG_SHA1, 20}, {EVENTLOG_SHA256, 32}};

/* One RTMR0 record with the end that the case wants. */
static void
small(struct made *m)
{
	header(m, 1, sha384);
	record(m, 1, 4, EVENTLOG_SHA384, 48, 0x11, "one");
}

static int
replay(const struct made *m, size_t n, struct eventlog_registers *regs)
{
	/* A copy of exactly n bytes, so that a sanitizer sees any excess. */
	uint8_t *p = malloc(n ? n : 1);
	int r;

	assert_non_null(p);
	memcpy(p, m->p, n);
	r = eventlog_replay(p, n, EVENTLOG_TDX, 0, regs);
	free(p);
	return r;
}

static void
refuses_truncation(void **state)
{
	struct eventlog_registers regs;
	struct made m;
	size_t n, head;

	(void)state;
	header(&m, 1, sha384);
	head = m.w.len;
	record(&m, 1, 4, EVENTLOG_SHA384, 48, 0x11, "one");
	for (n = 0; n < m.w.len; n++) {
		if (n == head)
			continue; /* an empty log */
		assert_int_not_equal(replay(&m, n, &regs), 0);
	}
	assert_int_equal(replay(&m, m.w.len, &regs), 0);
	assert_int_equal(replay(&m, head, &regs), 0);
}

static void
refuses_bad_headers(void **state)
{
	static const struct {
		uint32_t n;
		uint16_t algs[9][2];
	} bad[] = {
	    {0, {{0}}},
	    {2, {{EVENTLOG_SHA384, 48}, {EVENTLOG_SHA384, 48}}},
	    {1, {{EVENTLOG_SHA384, 47}}},
	    {1, {{EVENTLOG_SHA256, 64}}},
	    {1, {{0x77, 0}}},
	    {1, {{0x77, 65}}},
	    {1, {{0x77, 0xffff}}},
	    {9, {{1, 1}, {2, 1}, {3, 1}, {5, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1},
		    {10, 1}}},
	};
	struct eventlog_registers regs;
	struct eventlog log;
	struct made m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		header(&m, bad[i].n, bad[i].algs);
		assert_int_equal(
		    eventlog_open(&log, m.p, m.w.len), CL_ERR_FORMAT);
	}
	/* The old form, which has SHA-1 only. */
	small(&m);
	m.p[32 + 14] = '0';
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_UNSUPPORTED);
	small(&m);
	m.p[4] = 1;
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_UNSUPPORTED);
	/* A number of algorithms that the header does not hold. */
	small(&m);
	le32_put(m.p + 56, 0xffffffff);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
	le32_put(m.p + 56, 2);
	assert_int_not_equal(replay(&m, m.w.len, &regs), 0);
	/* More vendor information than there is. */
	small(&m);
	m.p[64] = 1;
	assert_int_not_equal(replay(&m, m.w.len, &regs), 0);
}

static void
refuses_bad_records(void **state)
{
	struct eventlog_registers regs;
	struct made m;
	size_t at;

	(void)state;
	header(&m, 1, sha384);
	at = m.w.len;
	record(&m, 1, 4, EVENTLOG_SHA384, 48, 0x11, "one");
	/* Digests: none, too many, of an algorithm that was not declared. */
	le32_put(m.p + at + 8, 0);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
	le32_put(m.p + at + 8, 2);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
	le32_put(m.p + at + 8, 0xffffffff);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
	le32_put(m.p + at + 8, 1);
	le16_put(m.p + at + 12, EVENTLOG_SHA256);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
	le16_put(m.p + at + 12, EVENTLOG_SHA384);
	/* An event that is longer than the log. */
	le32_put(m.p + at + 62, 4);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_TRUNCATED);
	le32_put(m.p + at + 62, 0xffffffff);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_TRUNCATED);
	le32_put(m.p + at + 62, 3);
	/* A register that does not exist. */
	le32_put(m.p + at, 5);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
	le32_put(m.p + at, 0xfffffffe);
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
	le32_put(m.p + at, 1);
	assert_int_equal(replay(&m, m.w.len, &regs), 0);
}

static void
refuses_twice_the_same_digest(void **state)
{
	static const uint16_t two[][2] = {
	    {EVENTLOG_SHA384, 48}, {EVENTLOG_SHA256, 32}};
	struct eventlog_registers regs;
	uint8_t digest[48] = {1};
	struct made m;

	(void)state;
	header(&m, 2, two);
	assert_true(!wr_u32(&m.w, 1) && !wr_u32(&m.w, 4) && !wr_u32(&m.w, 2) &&
		    !wr_u16(&m.w, EVENTLOG_SHA384) &&
		    !wr_bytes(&m.w, digest, 48) &&
		    !wr_u16(&m.w, EVENTLOG_SHA384) &&
		    !wr_bytes(&m.w, digest, 48) && !wr_u32(&m.w, 0));
	assert_int_equal(replay(&m, m.w.len, &regs), CL_ERR_FORMAT);
}

/* Every record needs the algorithm that is replayed. */
static void
refuses_what_cannot_be_replayed(void **state)
{
	static const uint16_t odd[][2] = {{0x77, 24}};
	struct eventlog_registers regs;
	struct made m;

	(void)state;
	header(&m, 2, both);
	record(&m, 7, 4, EVENTLOG_SHA1, 20, 1, "x");
	assert_int_equal(eventlog_replay(m.p, m.w.len, EVENTLOG_TPM, 0, &regs),
	    CL_ERR_FORMAT);
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, EVENTLOG_TPM, EVENTLOG_SHA1, &regs),
	    0);
	header(&m, 1, odd);
	record(&m, 7, 4, 0x77, 24, 1, "x");
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, EVENTLOG_TPM, 0x77, &regs),
	    CL_ERR_UNSUPPORTED);
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, (enum eventlog_kind)0, 0, &regs),
	    CL_ERR_ARGUMENT);
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, (enum eventlog_kind)4, 0, &regs),
	    CL_ERR_ARGUMENT);
}

static void
ends_where_it_ends(void **state)
{
	static const uint8_t ends[][16] = {
	    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4},
	    {0},
	};
	struct eventlog_registers want, got;
	struct made m;
	size_t i, n;

	(void)state;
	small(&m);
	assert_int_equal(replay(&m, m.w.len, &want), 0);
	for (i = 0; i < 2; i++)
		for (n = 4; n <= 16; n++) {
			small(&m);
			assert_int_equal(wr_bytes(&m.w, ends[i], n), 0);
			assert_int_equal(replay(&m, m.w.len, &got), 0);
			assert_memory_equal(&got, &want, sizeof(got));
		}
	/* Neither zeros nor the marker. */
	small(&m);
	assert_int_equal(wr_u32(&m.w, 0x01000000), 0);
	assert_int_equal(replay(&m, m.w.len, &got), CL_ERR_TRUNCATED);
}

static void
hand_extend(const char *md, uint8_t *value, size_t n, uint8_t fill)
{
	uint8_t text[128];
	EVP_MD *alg = EVP_MD_fetch(NULL, md, NULL);

	assert_non_null(alg);
	memcpy(text, value, n);
	memset(text + n, fill, n);
	assert_int_equal(EVP_Digest(text, 2 * n, value, NULL, alg, NULL), 1);
	EVP_MD_free(alg);
}

static void
replays_rtmrs(void **state)
{
	struct eventlog_registers regs;
	uint8_t want[48] = {0}, zero[48] = {0};
	struct made m;

	(void)state;
	header(&m, 1, sha384);
	record(&m, 3, 4, EVENTLOG_SHA384, 48, 0x11, "a");
	record(&m, 3, EVENTLOG_NO_ACTION, EVENTLOG_SHA384, 48, 0x22, "b");
	record(&m, 0, 4, EVENTLOG_SHA384, 48, 0x33, "the build of the TD");
	record(&m, 3, 0x80000001, EVENTLOG_SHA384, 48, 0x44, "c");
	assert_int_equal(replay(&m, m.w.len, &regs), 0);
	hand_extend("SHA384", want, 48, 0x11);
	hand_extend("SHA384", want, 48, 0x44);
	assert_int_equal(regs.n, 4);
	assert_int_equal(regs.size, 48);
	assert_memory_equal(regs.value[2], want, 48);
	assert_memory_equal(regs.value[0], zero, 48);
	assert_true(regs.extended[2]);
	assert_false(regs.extended[0]);
}

static void
replays_csv_and_pcrs(void **state)
{
	struct eventlog_registers regs;
	uint8_t want[32] = {0};
	struct made m;

	(void)state;
	header(&m, 1, sm3);
	record(&m, 0, 4, EVENTLOG_SM3, 32, 0x11, "a");
	record(&m, 4, 4, EVENTLOG_SM3, 32, 0x22, "a");
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, EVENTLOG_CSV, 0, &regs), 0);
	hand_extend("SM3", want, 32, 0x11);
	assert_int_equal(regs.n, 5);
	assert_memory_equal(regs.value[0], want, 32);
	record(&m, 5, 4, EVENTLOG_SM3, 32, 0x22, "a");
	assert_int_equal(eventlog_replay(m.p, m.w.len, EVENTLOG_CSV, 0, &regs),
	    CL_ERR_FORMAT);

	header(&m, 2, both);
	record(&m, 23, 4, EVENTLOG_SHA256, 32, 0x11, "a");
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, EVENTLOG_TPM, 0, &regs), 0);
	memset(want, 0, sizeof(want));
	hand_extend("SHA256", want, 32, 0x11);
	assert_int_equal(regs.n, 24);
	assert_memory_equal(regs.value[23], want, 32);
	record(&m, 24, 4, EVENTLOG_SHA256, 32, 0x11, "a");
	assert_int_equal(eventlog_replay(m.p, m.w.len, EVENTLOG_TPM, 0, &regs),
	    CL_ERR_FORMAT);
}

/* A TPM that was started at locality 3 begins PCR 0 with 3. */
static void
honours_the_start_locality(void **state)
{
	struct eventlog_registers regs;
	uint8_t want[32] = {0};
	struct made m;
	size_t at;

	(void)state;
	header(&m, 2, both);
	record(&m, 0, EVENTLOG_NO_ACTION, EVENTLOG_SHA256, 32, 0,
	    "StartupLocality!3");
	at = m.w.len;
	m.p[at - 2] = 0;
	m.p[at - 1] = 3;
	record(&m, 0, 4, EVENTLOG_SHA256, 32, 0x11, "a");
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, EVENTLOG_TPM, 0, &regs), 0);
	want[31] = 3;
	hand_extend("SHA256", want, 32, 0x11);
	assert_memory_equal(regs.value[0], want, 32);
	/* Too late to say so. */
	header(&m, 2, both);
	record(&m, 0, 4, EVENTLOG_SHA256, 32, 0x11, "a");
	record(&m, 0, EVENTLOG_NO_ACTION, EVENTLOG_SHA256, 32, 0,
	    "StartupLocality!3");
	m.p[m.w.len - 2] = 0;
	m.p[m.w.len - 1] = 3;
	assert_int_equal(
	    eventlog_replay(m.p, m.w.len, EVENTLOG_TPM, 0, &regs), 0);
	memset(want, 0, sizeof(want));
	hand_extend("SHA256", want, 32, 0x11);
	assert_memory_equal(regs.value[0], want, 32);
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void
prints(void **state)
{
	static const char tag[] = "cloister start 0011";
	struct made m;
	uint8_t event[64], digest[48];
	struct wr w = wr_make(event, sizeof(event));
	json_t *o, *first, *second;

	(void)state;
	small(&m);
	assert_true(!wr_u32(&w, 0x4141454c) && !wr_blob(&w, tag, strlen(tag)));
	assert_int_equal(
	    EVP_Digest(event, w.len, digest, NULL, EVP_sha384(), NULL), 1);
	assert_true(!wr_u32(&m.w, 4) && !wr_u32(&m.w, 6) && !wr_u32(&m.w, 1) &&
		    !wr_u16(&m.w, EVENTLOG_SHA384) &&
		    !wr_bytes(&m.w, digest, 48) &&
		    !wr_blob(&m.w, event, w.len));
	assert_int_equal(eventlog_print(m.p, m.w.len, EVENTLOG_TDX, &o), 0);
	first = json_array_get(json_object_get(o, "events"), 0);
	second = json_array_get(json_object_get(o, "events"), 1);
	assert_string_equal(text_of(first, "name"), "RTMR0");
	assert_string_equal(text_of(first, "type_name"), "EV_SEPARATOR");
	assert_string_equal(text_of(first, "text"), "one");
	assert_string_equal(text_of(first, "event"), "6f6e65");
	assert_true(
	    json_is_false(json_object_get(first, "digest_is_of_event")));
	assert_string_equal(text_of(second, "name"), "RTMR3");
	assert_string_equal(text_of(second, "text"), tag);
	assert_true(
	    json_is_true(json_object_get(second, "digest_is_of_event")));
	assert_int_equal(
	    strlen(text_of(json_object_get(o, "registers"), "RTMR3")), 96);
	json_decref(o);
	/* A tag that promises more than it has is shown without text. */
	le32_put(m.p + m.w.len - strlen(tag) - 4, 1000);
	assert_int_equal(eventlog_print(m.p, m.w.len, EVENTLOG_TDX, &o), 0);
	second = json_array_get(json_object_get(o, "events"), 1);
	assert_null(json_object_get(second, "text"));
	json_decref(o);
}

static void
refuses_a_giant(void **state)
{
	struct eventlog log;
	uint8_t *p = calloc(1, EVENTLOG_MAX + 1);

	(void)state;
	assert_non_null(p);
	assert_int_equal(
	    eventlog_open(&log, p, EVENTLOG_MAX + 1), CL_ERR_LIMIT);
	free(p);
}

static void
real_log_gives_the_quote_s_registers(void **state)
{
	static struct tdx_quote q;
	struct eventlog_registers regs;
	size_t log_n, quote_n, i;
	uint8_t *log, *quote;

	(void)state;
	shared_need();
	log = shared_read("tdx/ccel/ccel_data.dat", &log_n);
	quote = shared_read("tdx/ccel/cos-113-tdx-quote.dat", &quote_n);
	assert_int_equal(tdx_parse(quote, quote_n, &q), 0);
	assert_int_equal(
	    eventlog_replay(log, log_n, EVENTLOG_TDX, 0, &regs), 0);
	for (i = 0; i < TDX_RTMRS; i++)
		assert_memory_equal(regs.value[i], q.rtmr[i], TDX_MR);
	free(log);
	free(quote);
}

/* No byte of a digest can change, and no event be told in another way,
 * without another register or a refusal — or it was no digest. */
static void
real_log_shows_every_changed_digest(void **state)
{
	struct eventlog_registers want, got;
	struct eventlog log;
	struct eventlog_event e;
	size_t n, i;
	uint8_t *p;

	(void)state;
	shared_need();
	p = shared_read("tdx/ccel/ccel_data.dat", &n);
	assert_int_equal(eventlog_replay(p, n, EVENTLOG_TDX, 0, &want), 0);
	assert_int_equal(eventlog_open(&log, p, n), 0);
	while (eventlog_next(&log, &e) == 0) {
		uint8_t *digest = p + (e.digest[0].p - p);

		if (e.type == EVENTLOG_NO_ACTION)
			continue;
		for (i = 0; i < e.digest[0].n; i += 7) {
			digest[i] ^= 1;
			assert_int_equal(
			    eventlog_replay(p, n, EVENTLOG_TDX, 0, &got), 0);
			assert_memory_not_equal(&got, &want, sizeof(got));
			digest[i] ^= 1;
		}
	}
	assert_true(log.nevents > 10);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_truncation),
	    cmocka_unit_test(refuses_bad_headers),
	    cmocka_unit_test(refuses_bad_records),
	    cmocka_unit_test(refuses_twice_the_same_digest),
	    cmocka_unit_test(refuses_what_cannot_be_replayed),
	    cmocka_unit_test(refuses_a_giant),
	    cmocka_unit_test(ends_where_it_ends),
	    cmocka_unit_test(replays_rtmrs),
	    cmocka_unit_test(replays_csv_and_pcrs),
	    cmocka_unit_test(honours_the_start_locality),
	    cmocka_unit_test(prints),
	    cmocka_unit_test(real_log_gives_the_quote_s_registers),
	    cmocka_unit_test(real_log_shows_every_changed_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
