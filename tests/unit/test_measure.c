/* agent/measure: crashes and strangers first. The register is a few bytes of
 * shared memory that outlive the processes that die here; what it should hold
 * is computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "agent/evidence_log.h"
#include "agent/measure.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/secmem.h"
#include "tests/unit/scratch.h"

#define SIZE 48u

/* Where a start dies, before and after each thing that it does. */
enum step {
	NEVER,
	BEFORE_READ,
	BEFORE_EXTEND,
	AFTER_EXTEND,
	AFTER_CONFIRMING,
	STEPS
};

/* Shared with children. */
static struct machine {
	uint8_t value[SIZE];
	unsigned reads, extensions;
	enum step die;
	int extend_error; /* is given, and what it says has happened or not */
	bool extend_anyway, deaf, blind;
	bool intrude; /* somebody extends while we do */
} * m;

static char path[96], reason[EVIDENCE_REASON], warnings[8192];
static uint8_t binary[32], config[32];
static struct evidence_config c;

static void
hash(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n,
    uint8_t out[SIZE])
{
	EVP_MD_CTX *x = EVP_MD_CTX_new();

	assert_true(EVP_DigestInit_ex(x, EVP_sha384(), NULL) &&
		    EVP_DigestUpdate(x, a, a_n) &&
		    EVP_DigestUpdate(x, b, b_n) &&
		    EVP_DigestFinal_ex(x, out, NULL));
	EVP_MD_CTX_free(x);
}

static void
stranger(uint8_t *value, uint8_t fill)
{
	uint8_t digest[SIZE];

	memset(digest, fill, SIZE);
	hash(value, SIZE, digest, SIZE, value);
}

/* value after a start, from the text of the event on. */
static void
started(uint8_t *value)
{
	char text[256] = "\x4c\x45\x41\x41";
	uint8_t digest[SIZE];
	int n = 8, i, k;

	n += sprintf(text + n, "cloister start {\"binary\":\"");
	for (k = 0; k < 2; k++) {
		for (i = 0; i < 32; i++)
			n += sprintf(
			    text + n, "%02x", k ? config[i] : binary[i]);
		n += sprintf(text + n, k ? "\"}" : "\",\"config\":\"");
	}
	text[4] = (char)(n - 8);
	hash((uint8_t *)text, (size_t)n, NULL, 0, digest);
	hash(value, SIZE, digest, SIZE, value);
}

/* ---- the register ---- */

static int
fake_read(const struct measure_register *r, uint8_t *value, char *why)
{
	(void)r;
	if (m->die == BEFORE_READ || (m->die == AFTER_EXTEND && m->reads))
		_exit(7);
	if (m->blind && m->reads) {
		snprintf(why, EVIDENCE_REASON, "blind");
		return CL_ERR_IO;
	}
	m->reads++;
	memcpy(value, m->value, SIZE);
	return CL_OK;
}

static int
fake_extend(const struct measure_register *r, const uint8_t *event, size_t n,
    const uint8_t *digest, char *why)
{
	uint8_t own[SIZE];

	(void)r;
	if (m->die == BEFORE_EXTEND)
		_exit(7);
	hash(event, n, NULL, 0, own);
	assert_memory_equal(own, digest, SIZE);
	if (!m->deaf && (!m->extend_error || m->extend_anyway)) {
		hash(m->value, SIZE, digest, SIZE, m->value);
		m->extensions++;
	}
	if (m->intrude)
		stranger(m->value, 0x99);
	if (m->extend_error)
		snprintf(why, EVIDENCE_REASON, "fails");
	return m->extend_error;
}

static int
no_probe(const struct measure_register *r, char *why)
{
	(void)r;
	(void)why;
	return CL_ERR_INTERNAL;
}

static const struct measure_register fake = {.name = "RTMR3",
    .kind = EVENTLOG_TDX,
    .reg = 4,
    .config = &c,
    .probe = no_probe,
    .read = fake_read,
    .extend = fake_extend};

static void
keep(enum log_level level, const char *line)
{
	size_t n = strlen(warnings);

	if (level == LOG_LEVEL_WARNING)
		snprintf(warnings + n, sizeof(warnings) - n, "%s\n", line);
}

static int
set_up(void **state)
{
	scratch_make(state);
	snprintf(path, sizeof(path), "%s/eventlog",
	    ((struct scratch *)*state)->path);
	memset(m, 0, sizeof(*m));
	memset(binary, 0xb1, sizeof(binary));
	memset(config, 0xc1, sizeof(config));
	memset(&c, 0, sizeof(c));
	c.runtime_log = path;
	warnings[0] = '\0';
	log_start("test", LOG_LEVEL_DEBUG, keep);
	return 0;
}

static int
start(void)
{
	m->reads = 0;
	return measure_register(&fake, path, binary, config, reason);
}

/* A start that dies at a step; true when it did. */
static bool
start_and_die(enum step step)
{
	pid_t pid;
	int status;

	m->die = step;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(start() == CL_OK ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	m->die = NEVER;
	return WEXITSTATUS(status) == 7;
}

/* The log that would go with evidence gives the register. */
static void
log_must_explain(const char *base, unsigned events)
{
	struct eventlog_quoted quoted = {.kind = EVENTLOG_TDX};
	struct eventlog_registers got;
	struct eventlog_event e;
	struct eventlog cursor;
	uint8_t *p = NULL;
	size_t n;

	c.ccel = base;
	quoted.value[3] = m->value;
	assert_int_equal(
	    evidence_log_make(&c, &quoted, 1 << 20, &p, &n), CL_OK);
	if (!p)
		fail_msg("no log explains the register: %s", warnings);
	assert_int_equal(eventlog_replay(p, n, EVENTLOG_TDX, 0, &got), CL_OK);
	assert_memory_equal(got.value[3], m->value, SIZE);
	assert_int_equal(eventlog_open(&cursor, p, n), CL_OK);
	while (eventlog_next(&cursor, &e) == 0)
		events--;
	assert_int_equal(events, 0);
	secmem_free(p);
}

static void
no_log_must_explain(void)
{
	struct eventlog_quoted quoted = {.kind = EVENTLOG_TDX};
	uint8_t *p = NULL;
	size_t n;

	quoted.value[3] = m->value;
	assert_int_equal(
	    evidence_log_make(&c, &quoted, 1 << 20, &p, &n), CL_OK);
	assert_null(p);
}

/* ---- crashes ---- */

static void
a_crash_at_any_step_is_settled(void **state)
{
	uint8_t once[SIZE];
	enum step step, again;

	(void)state;
	for (step = BEFORE_READ; step < STEPS; step++)
		for (again = BEFORE_READ; again < STEPS; again++) {
			(void)unlink(path);
			memset(m, 0, sizeof(*m));
			memset(once, 0, sizeof(once));
			started(once);
			assert_int_equal(
			    start_and_die(step), step != AFTER_CONFIRMING);
			(void)start_and_die(again);
			assert_int_equal(start(), CL_OK);
			/* Whatever happened: one start, measured once. */
			assert_memory_equal(m->value, once, SIZE);
			assert_int_equal(m->extensions, 1);
			log_must_explain("", 1);
			assert_string_equal(warnings, "");
		}
}

static void
a_crash_before_another_start_is_settled(void **state)
{
	uint8_t expected[SIZE];
	enum step step;

	(void)state;
	for (step = BEFORE_READ; step < STEPS; step++) {
		(void)unlink(path);
		memset(m, 0, sizeof(*m));
		memset(expected, 0, sizeof(expected));
		memset(config, 0xc1, sizeof(config));
		(void)start_and_die(step);
		if (step >= AFTER_EXTEND)
			started(expected);
		memset(config, 0xc2, sizeof(config));
		started(expected);
		assert_int_equal(start(), CL_OK);
		assert_memory_equal(m->value, expected, SIZE);
		log_must_explain("", step >= AFTER_EXTEND ? 2 : 1);
	}
}

/* Nobody can tell then whether the start is in the register. */
static void
a_stranger_after_a_crash_is_said(void **state)
{
	enum step step;

	(void)state;
	for (step = BEFORE_EXTEND; step <= AFTER_EXTEND; step++) {
		(void)unlink(path);
		memset(m, 0, sizeof(*m));
		warnings[0] = '\0';
		assert_true(start_and_die(step));
		stranger(m->value, 0x77);
		assert_int_equal(start(), CL_OK);
		assert_non_null(strstr(warnings, "interrupted"));
		no_log_must_explain();
	}
}

/* ---- strangers ---- */

static void
a_stranger_is_said_and_not_hidden(void **state)
{
	unsigned i;

	(void)state;
	assert_int_equal(start(), CL_OK);
	log_must_explain("", 1);
	stranger(m->value, 0x77);
	no_log_must_explain();
	assert_non_null(strstr(warnings, "eventlog.rtmr3: expected"));
	warnings[0] = '\0';
	no_log_must_explain();
	assert_string_equal(warnings, "");
	assert_int_equal(start(), CL_OK);
	assert_non_null(strstr(warnings, "RTMR3 was extended by something"));
	/* Once for each extension of a stranger, not once for each start. */
	assert_int_equal(m->extensions, 2);
	for (i = 0; i < 3; i++)
		assert_int_equal(start(), CL_OK);
	assert_int_equal(m->extensions, 2);
	no_log_must_explain();
}

static void
a_stranger_at_the_same_time_is_said(void **state)
{
	(void)state;
	m->intrude = true;
	assert_int_equal(start(), CL_ERR_EVIDENCE);
	assert_non_null(strstr(reason, "at the same time"));
	no_log_must_explain();
	m->intrude = false;
	assert_int_equal(start(), CL_OK);
	no_log_must_explain();
}

/* Appends to the copy of a log that another agent keeps. */
static void
note(const char *file, uint8_t fill)
{
	uint8_t head[16] = {4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x0c, 0},
		digest[SIZE], none[4] = {0};
	FILE *f = fopen(file, "ab");

	assert_non_null(f);
	memset(digest, fill, SIZE);
	assert_int_equal(fwrite(head, 1, 14, f), 14);
	assert_int_equal(fwrite(digest, 1, SIZE, f), SIZE);
	assert_int_equal(fwrite(none, 1, 4, f), 4);
	fclose(f);
	stranger(m->value, fill);
}

static void
a_stranger_who_keeps_a_log_is_explained(void **state)
{
	struct scratch *s = *state;
	uint8_t *head = NULL;
	char aael[96];
	size_t n;

	snprintf(aael, sizeof(aael), "%s/aael", s->path);
	assert_int_equal(
	    runtime_log_merge(NULL, EVENTLOG_TDX, NULL, 0, &head, &n), CL_OK);
	assert_int_equal(file_write_new(AT_FDCWD, aael, head, n, 0600), CL_OK);
	secmem_free(head);
	c.aael = aael;
	note(aael, 0x31);
	assert_int_equal(start(), CL_OK);
	log_must_explain("/nonexistent", 2);
	note(aael, 0x32);
	log_must_explain("/nonexistent", 3);
	/* It explains the register, so the start still stands in it. */
	assert_int_equal(start(), CL_OK);
	assert_int_equal(m->extensions, 1);
	memset(config, 0xc2, sizeof(config));
	assert_int_equal(start(), CL_OK);
	assert_int_equal(m->extensions, 2);
	note(aael, 0x33);
	log_must_explain("/nonexistent", 5);
	assert_string_equal(warnings, "");
}

/* ---- registers that fail ---- */

static void
failures_are_not_recorded(void **state)
{
	struct runtime_log log;

	(void)state;
	m->extend_error = CL_ERR_PERMISSION;
	assert_int_equal(start(), CL_ERR_PERMISSION);
	assert_string_equal(reason, "fails");
	assert_int_equal(runtime_log_load(path, &log), CL_OK);
	assert_int_equal(log.n, 0);
	/* It says that it failed, and did it. */
	m->extend_anyway = true;
	assert_int_equal(start(), CL_OK);
	log_must_explain("", 1);
	/* It says that it did it, and failed. */
	m->extend_error = 0;
	m->deaf = true;
	config[0] ^= 1;
	assert_int_equal(start(), CL_ERR_IO);
	assert_non_null(strstr(reason, "unchanged"));
	log_must_explain("", 1);
	m->deaf = false;
	/* It did it, and cannot say. */
	m->blind = true;
	assert_int_equal(start(), CL_ERR_IO);
	assert_non_null(strstr(reason, "blind"));
	m->blind = false;
	assert_int_equal(start(), CL_OK);
	assert_int_equal(m->extensions, 2);
	log_must_explain("", 2);
	/* Both fail, and a stranger came. */
	config[0] ^= 2;
	m->extend_error = CL_ERR_TPM;
	m->extend_anyway = false;
	m->intrude = true;
	assert_int_equal(start(), CL_ERR_TPM);
	assert_int_equal(runtime_log_load(path, &log), CL_OK);
	assert_int_equal(log.n, 2);
}

static void
nothing_is_extended_that_cannot_be_recorded(void **state)
{
	static const uint8_t zeros[SIZE];
	char good[96];

	(void)state;
	memcpy(good, path, sizeof(good));
	snprintf(path, sizeof(path), "/nonexistent/eventlog");
	assert_int_not_equal(start(), CL_OK);
	assert_non_null(strstr(reason, "/nonexistent/eventlog"));
	assert_memory_equal(m->value, zeros, SIZE);
	memcpy(path, good, sizeof(good));
	/* A folder in the place of the file. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(start(), CL_OK);
	assert_memory_equal(m->value, zeros, SIZE);
	assert_int_equal(m->extensions, 0);
}

static void
a_damaged_file_is_said(void **state)
{
	(void)state;
	assert_int_equal(start(), CL_OK);
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, "{", 1, 0600), CL_OK);
	no_log_must_explain();
	assert_int_equal(start(), CL_OK);
	assert_non_null(strstr(warnings, "damaged"));
	assert_int_equal(m->extensions, 2);
	no_log_must_explain();
}

static void
a_reset_register_begins_anew(void **state)
{
	uint8_t expected[SIZE] = {0};

	(void)state;
	assert_int_equal(start(), CL_OK);
	memset(m->value, 0, SIZE);
	assert_int_equal(start(), CL_OK);
	started(expected);
	assert_memory_equal(m->value, expected, SIZE);
	log_must_explain("", 1);
}

/* ---- starts ---- */

static void
each_new_start_is_measured_once(void **state)
{
	uint8_t expected[SIZE] = {0};
	unsigned i, k;

	(void)state;
	for (i = 0; i < 4; i++) {
		(i & 1 ? config : binary)[i] ^= 1;
		started(expected);
		for (k = 0; k < 3; k++) {
			assert_int_equal(start(), CL_OK);
			assert_non_null(
			    strstr(reason, k ? "earlier" : "extended"));
			assert_memory_equal(m->value, expected, SIZE);
			log_must_explain("", i + 1);
		}
	}
	/* Back to the first is another start again. */
	config[1] ^= 1;
	config[3] ^= 1;
	started(expected);
	assert_int_equal(start(), CL_OK);
	assert_memory_equal(m->value, expected, SIZE);
	assert_string_equal(warnings, "");
}

static void
one_more_start_than_the_file_holds(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < RUNTIME_RECORDS_MAX; i++) {
		config[0] = (uint8_t)i;
		assert_int_equal(start(), CL_OK);
	}
	assert_int_equal(start(), CL_OK);
	config[0] = (uint8_t)i;
	assert_int_equal(start(), CL_ERR_LIMIT);
	assert_int_equal(m->extensions, RUNTIME_RECORDS_MAX);
	log_must_explain("", RUNTIME_RECORDS_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_crash_at_any_step_is_settled),
	    TEST(a_crash_before_another_start_is_settled),
	    TEST(a_stranger_after_a_crash_is_said),
	    TEST(a_stranger_is_said_and_not_hidden),
	    TEST(a_stranger_at_the_same_time_is_said),
	    TEST(a_stranger_who_keeps_a_log_is_explained),
	    TEST(failures_are_not_recorded),
	    TEST(nothing_is_extended_that_cannot_be_recorded),
	    TEST(a_damaged_file_is_said),
	    TEST(a_reset_register_begins_anew),
	    TEST(each_new_start_is_measured_once),
	    TEST(one_more_start_than_the_file_holds),
	};

	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return 1;
	evidence_log_remember();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
