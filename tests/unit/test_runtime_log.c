/* agent/runtime_log: damaged files first, then records in the logs of others,
 * whose registers are computed here by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <sys/stat.h>

#include "agent/runtime_log.h"
#include "lib/buf.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tests/unit/scratch.h"

#define CAP 8192u

static char path[96];
static struct runtime_log log_;

static int
set_up(void **state)
{
	scratch_make(state);
	snprintf(path, sizeof(path), "%s/eventlog",
	    ((struct scratch *)*state)->path);
	memset(&log_, 0, sizeof(log_));
	return 0;
}

/* ---- by hand ---- */

static size_t
hash(const char *name, const void *a, size_t a_n, const void *b, size_t b_n,
    uint8_t *out)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
	unsigned n = 0;

	assert_non_null(md);
	assert_true(
	    EVP_DigestInit_ex(c, md, NULL) && EVP_DigestUpdate(c, a, a_n) &&
	    EVP_DigestUpdate(c, b, b_n) && EVP_DigestFinal_ex(c, out, &n));
	EVP_MD_free(md);
	EVP_MD_CTX_free(c);
	return n;
}

/* The event of digests that are all one byte, written out. */
static size_t
event_of(uint8_t binary, uint8_t config, uint8_t *out)
{
	char text[256], hex[2][65];
	unsigned i;
	int n;

	for (i = 0; i < 32; i++) {
		snprintf(hex[0] + 2 * i, 3, "%02x", binary);
		snprintf(hex[1] + 2 * i, 3, "%02x", config);
	}
	n = snprintf(text, sizeof(text),
	    "cloister start {\"binary\":\"%s\",\"config\":\"%s\"}", hex[0],
	    hex[1]);
	memcpy(out, "\x4c\x45\x41\x41", 4); /* "LEAA": 0x4141454c */
	out[4] = (uint8_t)n;
	out[5] = out[6] = out[7] = 0;
	memcpy(out + 8, text, (size_t)n);
	return 8 + (size_t)n;
}

/* value becomes H(value ‖ H(event)). */
static void
grow(const char *name, uint8_t *value, size_t size, const uint8_t *event,
    size_t n)
{
	uint8_t digest[64];

	assert_int_equal(hash(name, event, n, "", 0, digest), size);
	hash(name, value, size, digest, size, value);
}

static struct runtime_record *
add(enum eventlog_kind kind, uint32_t reg, const uint8_t *before,
    uint8_t binary, uint8_t config)
{
	struct runtime_record *e = &log_.record[log_.n++];

	e->kind = kind;
	e->reg = reg;
	memcpy(e->before, before, runtime_size(kind));
	memset(e->binary, binary, 32);
	memset(e->config, config, 32);
	return e;
}

/* ---- logs of others ---- */

static struct wr
begin(uint8_t *p, unsigned nalgs, const uint16_t (*algs)[2])
{
	struct wr w = wr_make(p, CAP);
	static const uint8_t zeros[20];
	unsigned i;

	assert_true(!wr_u32(&w, 0) && !wr_u32(&w, 3) &&
		    !wr_bytes(&w, zeros, 20) && !wr_u32(&w, 29 + 4 * nalgs) &&
		    !wr_bytes(&w, "Spec ID Event03", 16) && !wr_u32(&w, 0) &&
		    !wr_u32(&w, 0x02000200) && !wr_u32(&w, nalgs));
	for (i = 0; i < nalgs; i++)
		assert_true(!wr_u16(&w, algs[i][0]) && !wr_u16(&w, algs[i][1]));
	assert_int_equal(wr_u8(&w, 0), 0);
	return w;
}

/* A record of SHA-384 alone, whose digest is fill; extends value. */
static void
event(struct wr *w, uint32_t reg, uint8_t fill, uint8_t *value)
{
	uint8_t digest[48];

	memset(digest, fill, sizeof(digest));
	assert_true(!wr_u32(w, reg) && !wr_u32(w, 4) && !wr_u32(w, 1) &&
		    !wr_u16(w, 0x0c) && !wr_bytes(w, digest, 48) &&
		    !wr_blob(w, "other", 5));
	if (value)
		hash("SHA384", value, 48, digest, 48, value);
}

static const uint16_t sha384[][2] = {{0x0c, 48}};

/* ---- the file ---- */

static void
damaged_files_are_refused(void **state)
{
	static const uint8_t zeros[48];
	struct runtime_log got;
	uint8_t *text;
	size_t n, i;

	(void)state;
	add(EVENTLOG_TDX, 4, zeros, 1, 2);
	assert_int_equal(runtime_log_store(path, &log_), CL_OK);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 16, &text, &n), CL_OK);
	for (i = 0; i < n; i++) {
		assert_int_equal(
		    file_write_atomic(AT_FDCWD, path, text, i, 0600), CL_OK);
		assert_int_equal(runtime_log_load(path, &got), CL_ERR_FORMAT);
		assert_int_equal(got.n, 0);
	}
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, "[]", 2, 0600), CL_OK);
	assert_int_equal(runtime_log_load(path, &got), CL_ERR_FORMAT);
	text = secmem_realloc(text, 65537);
	assert_non_null(text);
	memset(text, ' ', 65537);
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, text, 65537, 0600), CL_OK);
	assert_int_equal(runtime_log_load(path, &got), CL_ERR_TOO_LARGE);
	secmem_free(text);
}

static void
replace(const char *from, const char *to)
{
	char *text, *at;
	size_t n;

	assert_int_equal(strlen(from), strlen(to));
	assert_int_equal(
	    file_read(AT_FDCWD, path, 1 << 16, (uint8_t **)&text, &n), CL_OK);
	at = strstr(text, from);
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, text, n, 0600), CL_OK);
	secmem_free(text);
}

static void
strange_members_are_refused(void **state)
{
	static const char *const pairs[][2] = {{"\"tdx\"", "\"tdy\""},
	    {"\"register\":4", "\"register\":5"},
	    {"\"extended\"", "\"exploded\""}, {"\"v\":1", "\"v\":2"},
	    {"\"config\"", "\"confih\""}, {"\"records\"", "\"recorts\""},
	    {"\"register\":4", "\"register\":-"}};
	static const uint8_t zeros[48];
	struct runtime_log got;
	size_t i;

	(void)state;
	add(EVENTLOG_TDX, 4, zeros, 1, 2);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_int_equal(runtime_log_store(path, &log_), CL_OK);
		replace(pairs[i][0], pairs[i][1]);
		/* Register 5 of a guest is another register, no damage. */
		assert_int_equal(runtime_log_load(path, &got),
		    i == 1 ? CL_OK : CL_ERR_FORMAT);
	}
	/* A TPM's value is shorter. */
	assert_int_equal(runtime_log_store(path, &log_), CL_OK);
	replace("\"tdx\"", "\"tpm\"");
	assert_int_equal(runtime_log_load(path, &got), CL_ERR_FORMAT);
}

static void
a_file_of_another_boot_is_empty(void **state)
{
	static const uint8_t zeros[48];
	struct runtime_log got;
	uint8_t *text;
	char *id;
	size_t n;

	(void)state;
	add(EVENTLOG_TDX, 4, zeros, 1, 2);
	assert_int_equal(runtime_log_store(path, &log_), CL_OK);
	assert_int_equal(runtime_log_load(path, &got), CL_OK);
	assert_int_equal(got.n, 1);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 16, &text, &n), CL_OK);
	id = strstr((char *)text, "\"boot\":\"") + 8;
	id[0] = id[0] == '0' ? '1' : '0';
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, text, n, 0600), CL_OK);
	assert_int_equal(runtime_log_load(path, &got), CL_OK);
	assert_int_equal(got.n, 0);
	secmem_free(text);
}

static void
a_file_comes_back(void **state)
{
	struct runtime_log got;
	uint8_t before[64];
	struct stat st;
	unsigned i;

	(void)state;
	assert_int_equal(runtime_log_load(path, &got), CL_OK);
	assert_int_equal(got.n, 0);
	for (i = 0; i < RUNTIME_RECORDS_MAX; i++) {
		memset(before, (int)i, sizeof(before));
		add((enum eventlog_kind)(1 + i % 3), i % 24, before, (uint8_t)i,
		    (uint8_t)~i)
		    ->intended = i % 2;
	}
	assert_int_equal(runtime_log_store(path, &log_), CL_OK);
	assert_int_equal(runtime_log_load(path, &got), CL_OK);
	assert_memory_equal(&got, &log_, sizeof(got));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* ---- merging ---- */

static int
merge(const uint8_t *base, size_t n, uint8_t **out, size_t *out_n)
{
	return runtime_log_merge(&log_, EVENTLOG_TDX, base, n, out, out_n);
}

static void
damaged_bases_do_no_harm(void **state)
{
	uint8_t base[CAP], value[48] = {0}, *copy, *out;
	struct wr w = begin(base, 1, sha384);
	size_t i, n;

	(void)state;
	add(EVENTLOG_TDX, 4, value, 1, 2);
	event(&w, 1, 0x11, NULL);
	event(&w, 4, 0x22, NULL);
	for (i = 0; i < w.len; i++) {
		copy = secmem_alloc(i ? i : 1);
		memcpy(copy, base, i);
		out = NULL;
		if (merge(copy, i, &out, &n) != 0)
			assert_null(out);
		secmem_free(out);
		secmem_free(copy);
	}
	for (i = 0; i < w.len * 8; i++) {
		base[i / 8] ^= (uint8_t)(1 << i % 8);
		out = NULL;
		if (merge(base, w.len, &out, &n) != 0)
			assert_null(out);
		secmem_free(out);
		base[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void
a_record_that_fits_nowhere_is_an_error(void **state)
{
	uint8_t base[CAP], value[48] = {0}, *out = NULL;
	struct wr w = begin(base, 1, sha384);
	size_t n;

	(void)state;
	event(&w, 4, 0x22, NULL);
	value[0] = 1;
	add(EVENTLOG_TDX, 4, value, 1, 2);
	assert_int_equal(merge(base, w.len, &out, &n), CL_ERR_EVIDENCE);
	assert_null(out);
	/* What was only announced, or is of another guest, is not looked at. */
	log_.record[0].intended = true;
	assert_int_equal(merge(base, w.len, &out, &n), CL_OK);
	assert_int_equal(n, w.len);
	assert_memory_equal(out, base, n);
	secmem_free(out);
	log_.record[0].intended = false;
	log_.record[0].kind = EVENTLOG_CSV;
	assert_int_equal(merge(base, w.len, &out, &n), CL_OK);
	assert_int_equal(n, w.len);
	secmem_free(out);
}

static void
records_go_where_they_were_made(void **state)
{
	uint8_t base[CAP], ev[256], value[48] = {0}, *out = NULL;
	static const uint8_t marker[8] = {
	    255, 255, 255, 255, 255, 255, 255, 255};
	struct wr w = begin(base, 1, sha384);
	struct eventlog_registers regs;
	struct eventlog_event e;
	struct eventlog cursor;
	size_t n, ev_n;
	unsigned i;

	(void)state;
	/* theirs, ours, theirs, theirs, ours, ours */
	event(&w, 1, 0x11, NULL);
	event(&w, 4, 0x21, value);
	add(EVENTLOG_TDX, 4, value, 1, 2);
	ev_n = event_of(1, 2, ev);
	grow("SHA384", value, 48, ev, ev_n);
	event(&w, 4, 0x22, value);
	event(&w, 4, 0x23, value);
	for (i = 0; i < 2; i++) {
		add(EVENTLOG_TDX, 4, value, (uint8_t)(3 + i), 4);
		ev_n = event_of((uint8_t)(3 + i), 4, ev);
		grow("SHA384", value, 48, ev, ev_n);
	}
	assert_int_equal(wr_bytes(&w, marker, 8), 0);
	memset(base + w.len, 0, 100);
	assert_int_equal(merge(base, w.len + 100, &out, &n), CL_OK);
	assert_int_equal(eventlog_replay(out, n, EVENTLOG_TDX, 0, &regs), 0);
	assert_memory_equal(regs.value[3], value, 48);
	/* The marker and what followed it are gone; every byte is an event. */
	assert_int_equal(eventlog_open(&cursor, out, n), 0);
	for (i = 0; eventlog_next(&cursor, &e) == 0; i++)
		assert_true(e.reg == 1 || e.reg == 4);
	assert_int_equal(i, 7);
	assert_int_equal(cursor.left, 0);
	/* The last is ours, to the letter. */
	assert_int_equal(n > ev_n, true);
	assert_memory_equal(out + n - ev_n, ev, ev_n);
	secmem_free(out);
}

static void
without_a_base_a_header_is_made(void **state)
{
	static const struct {
		enum eventlog_kind kind;
		const char *name;
		size_t size;
		uint32_t reg, at;
	} kinds[] = {{EVENTLOG_TDX, "SHA384", 48, 4, 3},
	    {EVENTLOG_CSV, "SM3", 32, 4, 4},
	    {EVENTLOG_TPM, "SHA256", 32, 15, 15}};
	uint8_t ev[256], value[64], *out;
	struct eventlog_registers regs;
	size_t i, n;

	(void)state;
	for (i = 0; i < 3; i++) {
		memset(value, 0, sizeof(value));
		log_.n = 0;
		add(kinds[i].kind, kinds[i].reg, value, 0xab, 0xcd);
		grow(kinds[i].name, value, kinds[i].size, ev,
		    event_of(0xab, 0xcd, ev));
		out = NULL;
		assert_int_equal(
		    runtime_log_merge(&log_, kinds[i].kind, NULL, 0, &out, &n),
		    CL_OK);
		assert_int_equal(
		    eventlog_replay(out, n, kinds[i].kind, 0, &regs), 0);
		assert_memory_equal(
		    regs.value[kinds[i].at], value, kinds[i].size);
		secmem_free(out);
	}
}

/* Every bank that the firmware's log has gets its digest; one that nobody
 * here can compute gets none. */
static void
each_bank_has_its_digest(void **state)
{
	static const uint16_t algs[][2] = {
	    {0x04, 20}, {0x7777, 24}, {0x0b, 32}, {0x0c, 48}};
	static const char *const names[] = {"SHA1", NULL, "SHA256", "SHA384"};
	uint8_t base[CAP], ev[256], zeros[32] = {0}, digest[64], *out = NULL;
	struct wr w = begin(base, 4, algs);
	struct eventlog_event e;
	struct eventlog cursor;
	size_t n, ev_n = event_of(5, 6, ev);
	unsigned i;

	(void)state;
	add(EVENTLOG_TPM, 15, zeros, 5, 6);
	assert_int_equal(
	    runtime_log_merge(&log_, EVENTLOG_TPM, base, w.len, &out, &n),
	    CL_OK);
	assert_int_equal(eventlog_open(&cursor, out, n), 0);
	assert_int_equal(eventlog_next(&cursor, &e), 0);
	assert_int_equal(e.reg, 15);
	assert_int_equal(e.type, 6);
	assert_int_equal(e.ndigests, 3);
	for (i = 0; i < 4; i++) {
		if (!names[i]) {
			assert_null(eventlog_digest(&e, algs[i][0]));
			continue;
		}
		assert_int_equal(
		    hash(names[i], ev, ev_n, "", 0, digest), algs[i][1]);
		assert_memory_equal(
		    eventlog_digest(&e, algs[i][0])->p, digest, algs[i][1]);
	}
	secmem_free(out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(damaged_files_are_refused),
	    TEST(strange_members_are_refused),
	    TEST(a_file_of_another_boot_is_empty),
	    TEST(a_file_comes_back),
	    TEST(damaged_bases_do_no_harm),
	    TEST(a_record_that_fits_nowhere_is_an_error),
	    TEST(records_go_where_they_were_made),
	    TEST(without_a_base_a_header_is_made),
	    TEST(each_bank_has_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
