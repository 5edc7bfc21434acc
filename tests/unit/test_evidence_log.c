/* agent/evidence_log: the log beside a quote or report of fake devices. Bad
 * logs first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>

#include "agent/evidence_log.h"
#include "agent/measure.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/secmem.h"
#include "policy/verify_tdx.h"
#include "tests/unit/fake_devices.h"
#include "tests/unit/scratch.h"
#include "tests/unit/shared_evidence.h"

#define AREA 65536u

static char ccel[96], aael[96], runtime[96], reason[EVIDENCE_REASON],
    warnings[8192];
static struct evidence_config c;
static uint8_t binary[32], config[32], data[64];

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
	struct scratch *s;

	scratch_make(state);
	s = *state;
	memset(&m, 0, sizeof(m));
	m.service = -1;
	m.quote_version = 4;
	m.message_type = 1;
	m.registers = true;
	m.has = "/dev/tdx";
	snprintf(ccel, sizeof(ccel), "%s/CCEL", s->path);
	snprintf(aael, sizeof(aael), "%s/aael", s->path);
	snprintf(runtime, sizeof(runtime), "%s/eventlog", s->path);
	c = (struct evidence_config){.tsm_root = "/nonexistent",
	    .tdx_guest = "/dev/tdx",
	    .csv_guest = "/dev/csv",
	    .tdx_attest = "/nonexistent",
	    .tdx_quotes = "vsock",
	    .device = &fake,
	    .ccel = ccel,
	    .runtime_log = runtime};
	memset(binary, 0xb1, sizeof(binary));
	memset(config, 0xc1, sizeof(config));
	memset(data, 0xda, sizeof(data));
	warnings[0] = '\0';
	log_start("test", LOG_LEVEL_DEBUG, keep);
	return 0;
}

/* ---- registers ---- */

static void
grow(uint8_t *value, size_t n, const EVP_MD *md, const uint8_t *digest)
{
	uint8_t both[96];

	memcpy(both, value, n);
	memcpy(both + n, digest, n);
	assert_int_equal(EVP_Digest(both, 2 * n, value, NULL, md, NULL), 1);
}

static int
rtmr3_read(const struct measure_register *r, uint8_t *value, char *why)
{
	(void)r;
	(void)why;
	memcpy(value, m.rtmr[3], 48);
	return CL_OK;
}

static int
rtmr3_extend(const struct measure_register *r, const uint8_t *event, size_t n,
    const uint8_t *digest, char *why)
{
	(void)r;
	(void)event;
	(void)n;
	(void)why;
	grow(m.rtmr[3], 48, EVP_sha384(), digest);
	return CL_OK;
}

static void
start(bool tdx)
{
	struct measure_register r = tdx ? measure_tdx(&c) : measure_csv(&c);

	if (tdx) {
		r.read = rtmr3_read;
		r.extend = rtmr3_extend;
	}
	if (measure_register(&r, runtime, binary, config, reason) != 0)
		fail_msg("%s", reason);
}

/* ---- a firmware's log ---- */

struct made {
	uint8_t p[AREA];
	struct wr w;
	bool tdx;
};

static void
begin(struct made *l, bool tdx)
{
	static const uint8_t zeros[20];

	l->tdx = tdx;
	memset(l->p, 0, sizeof(l->p));
	l->w = wr_make(l->p, sizeof(l->p));
	assert_true(!wr_u32(&l->w, 0) && !wr_u32(&l->w, 3) &&
		    !wr_bytes(&l->w, zeros, 20) && !wr_u32(&l->w, 33) &&
		    !wr_bytes(&l->w, "Spec ID Event03", 16) &&
		    !wr_u32(&l->w, 0) && !wr_u32(&l->w, 0x02000200) &&
		    !wr_u32(&l->w, 1) && !wr_u16(&l->w, tdx ? 0x0c : 0x12) &&
		    !wr_u16(&l->w, tdx ? 48 : 32) && !wr_u8(&l->w, 0));
}

/* Extends the machine's register as well; not MRTD, nor CSV's launch digest. */
static void
event(struct made *l, uint32_t reg, uint8_t fill)
{
	size_t n = l->tdx ? 48 : 32;
	uint8_t digest[48];

	memset(digest, fill, sizeof(digest));
	assert_true(!wr_u32(&l->w, reg) && !wr_u32(&l->w, 4) &&
		    !wr_u32(&l->w, 1) && !wr_u16(&l->w, l->tdx ? 0x0c : 0x12) &&
		    !wr_bytes(&l->w, digest, n) && !wr_blob(&l->w, "boot", 4));
	if (reg && l->tdx)
		grow(m.rtmr[reg - 1], 48, EVP_sha384(), digest);
	else if (reg)
		grow(m.reg[reg], 32, EVP_sm3(), digest);
}

static void
save(const struct made *l, size_t n)
{
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, ccel, l->p, n, 0600), CL_OK);
}

/* Boots: events in every register that firmware extends. */
static void
boot(struct made *l, bool tdx)
{
	uint32_t reg;

	begin(l, tdx);
	for (reg = 0; reg < 4; reg++) {
		event(l, reg, (uint8_t)(0x10 + reg));
		event(l, reg, (uint8_t)(0x20 + reg));
	}
	save(l, AREA);
}

/* ---- evidence ---- */

static struct evidence ev;

static void
produce(const char *tee)
{
	const struct evidence_provider *p = evidence_provider_by_name(tee);

	memset(&ev, 0, sizeof(ev));
	if (p->produce(&c, data, &ev, reason) != 0)
		fail_msg("%s", reason);
	if (m.service >= 0) {
		pthread_join(m.thread, NULL);
		close(m.service);
		m.service = -1;
	}
}

/* Evidence with a log of so many events; 0: without one. The log is replayed
 * to the machine's registers. */
static void
must_have(const char *tee, unsigned events)
{
	bool tdx = strcmp(tee, "tdx") == 0;
	struct eventlog_registers got;
	struct eventlog_event e;
	struct eventlog cursor;
	unsigned i;

	produce(tee);
	if (!ev.log != !events)
		fail_msg("%s", warnings);
	if (ev.log) {
		assert_int_equal(
		    eventlog_replay(ev.log, ev.log_n,
			tdx ? EVENTLOG_TDX : EVENTLOG_CSV, 0, &got),
		    CL_OK);
		for (i = tdx ? 0 : 1; i < got.n; i++)
			if (got.extended[i])
				assert_memory_equal(got.value[i],
				    tdx ? m.rtmr[i] : m.reg[i], got.size);
		assert_int_equal(
		    eventlog_open(&cursor, ev.log, ev.log_n), CL_OK);
		while (eventlog_next(&cursor, &e) == 0)
			events--;
		assert_int_equal(events, 0);
		assert_int_equal(cursor.left, 0); /* nothing behind it */
	}
	evidence_clear(&ev);
}

/* One line about it, however often evidence is asked for. */
static void
said_once(const char *part)
{
	char *first = strstr(warnings, part);

	if (!first)
		fail_msg("'%s' is not in '%s'", part, warnings);
	assert_null(strstr(first + 1, part));
	warnings[0] = '\0';
}

/* The same in a process of its own, which adds to what was said. */
static void
in_child_must_have_none(void)
{
	int status, p[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		warnings[0] = '\0';
		produce("tdx");
		n = (ssize_t)strlen(warnings);
		_exit(ev.log || write(p[1], warnings, (size_t)n) != n);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(p[1]);
	n = (ssize_t)strlen(warnings);
	assert_true(
	    read(p[0], warnings + n, sizeof(warnings) - (size_t)n) >= 0);
	close(p[0]);
}

/* ---- tests ---- */

static void
bad_logs_are_left_out(void **state)
{
	static struct made l;
	size_t i;

	(void)state;
	/* Missing. */
	must_have("tdx", 0);
	must_have("tdx", 0);
	said_once("CCEL: No such file");
	boot(&l, true);
	must_have("tdx", 8);
	/* Cut anywhere but behind a record. */
	for (i = 1; i < 60; i += 7) {
		save(&l, l.w.len - i);
		must_have("tdx", 0);
		must_have("tdx", 0);
	}
	said_once("CCEL): it is malformed");
	/* Of other registers: as if firmware had measured something else. */
	l.p[l.w.len - 60] ^= 1;
	save(&l, AREA);
	must_have("tdx", 0);
	l.p[l.w.len - 60] ^= 1;
	/* A header of the old form. */
	l.p[32] = 'X';
	save(&l, AREA);
	must_have("tdx", 0);
	/* A folder, and what never ends. */
	c.ccel = "/";
	must_have("tdx", 0);
	c.ccel = "/dev/zero";
	must_have("tdx", 0);
	assert_non_null(strstr(warnings, "/dev/zero"));
}

static void
a_log_above_the_limit_is_left_out(void **state)
{
	struct eventlog_quoted quoted = {.kind = EVENTLOG_TDX};
	static struct made l;
	uint8_t *p = NULL;
	size_t n;

	(void)state;
	boot(&l, true);
	n = l.w.len;
	assert_int_equal(evidence_log_make(&c, &quoted, n, &p, &n), CL_OK);
	assert_int_equal(n, l.w.len);
	assert_memory_equal(p, l.p, n);
	secmem_free(p);
	assert_int_equal(evidence_log_make(&c, &quoted, n - 1, &p, &n), CL_OK);
	assert_null(p);
	assert_int_equal(n, 0);
	said_once("bytes are more than");
}

/* Verifiers of TDX and CSV want every register, so half a log is none. */
static void
half_a_log_is_none(void **state)
{
	static struct made l;

	(void)state;
	boot(&l, true);
	start(true);
	must_have("tdx", 9);
	m.rtmr[0][0] ^= 1;
	must_have("tdx", 0);
	must_have("tdx", 0);
	/* Evidence may be made by a child. */
	in_child_must_have_none();
	in_child_must_have_none();
	said_once("eventlog.rtmr0: expected");
	m.rtmr[0][0] ^= 1;
	m.rtmr[3][0] ^= 1;
	must_have("tdx", 0);
	said_once("eventlog.rtmr3: expected");
	m.rtmr[3][0] ^= 1;
	must_have("tdx", 9);
	assert_string_equal(warnings, "");
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, runtime, "{}", 2, 0600), CL_OK);
	must_have("tdx", 0);
	must_have("tdx", 0);
	said_once("eventlog: malformed");
}

static void
a_log_ends_where_it_ends(void **state)
{
	static struct made l;
	size_t n;

	(void)state;
	boot(&l, true);
	n = l.w.len;
	memset(l.p + n, 0xff, AREA - n);
	save(&l, AREA);
	must_have("tdx", 8);
	memset(l.p + n + 8, 0x41, 100);
	save(&l, AREA);
	must_have("tdx", 8);
	save(&l, n);
	must_have("tdx", 8);
	start(true);
	must_have("tdx", 9);
	assert_string_equal(warnings, "");
}

/* Where the firmware measures nothing, ours is the whole log. */
static void
ours_may_be_the_whole(void **state)
{
	(void)state;
	start(true);
	c.ccel = "";
	must_have("tdx", 1);
	assert_string_equal(warnings, "");
	c.ccel = ccel;
	must_have("tdx", 1);
	said_once("CCEL: No such file");
	/* It does, and has no log. */
	m.rtmr[1][7] = 1;
	must_have("tdx", 0);
	said_once("gives none): eventlog.rtmr1");
}

static void
another_agents_copy_is_used(void **state)
{
	static struct made l;

	(void)state;
	c.aael = aael;
	boot(&l, true);
	must_have("tdx", 8); /* it has not begun */
	event(&l, 4, 0x61);
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, aael, l.p, l.w.len, 0600), CL_OK);
	start(true);
	event(&l, 4, 0x62);
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, aael, l.p, l.w.len, 0600), CL_OK);
	must_have("tdx", 11);
	assert_string_equal(warnings, "");
}

static void
csv_reports_have_their_log(void **state)
{
	static struct made l;

	(void)state;
	m.has = "/dev/csv";
	m.reg_state = 1;
	boot(&l, false);
	memset(m.reg[0], 0x4d, 32); /* the launch digest; not from zeros */
	must_have("csv", 8);
	start(false);
	must_have("csv", 9);
	m.reg[4][0] ^= 1;
	must_have("csv", 0);
	said_once("eventlog.rtmr4");
	m.reg[4][0] ^= 1;
	/* Reports without registers prove no log. */
	m.refuse_extended = true;
	must_have("csv", 0);
	assert_string_equal(warnings, "");
}

/* The log and the registers of a real machine, on which an agent starts. */
static void
a_real_log_and_a_start(void **state)
{
	struct eventlog_quoted quoted = {.kind = EVENTLOG_TDX};
	struct eventlog_registers got;
	uint8_t *log, *quote, *p = NULL;
	size_t log_n, quote_n, n;
	unsigned i;

	(void)state;
	shared_need();
	log = shared_read("tdx/ccel/ccel_data.dat", &log_n);
	quote = shared_read("tdx/ccel/cos-113-tdx-quote.dat", &quote_n);
	assert_true(quote_n > 632);
	memcpy(m.rtmr, quote + 48 + 328, sizeof(m.rtmr));
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, ccel, log, log_n, 0600), CL_OK);
	start(true);
	for (i = 0; i < 4; i++)
		quoted.value[i] = m.rtmr[i];
	assert_int_equal(
	    evidence_log_make(&c, &quoted, EVIDENCE_LOG_MAX, &p, &n), CL_OK);
	assert_non_null(p);
	assert_true(n < log_n + 512);
	assert_int_equal(eventlog_replay(p, n, EVENTLOG_TDX, 0, &got), CL_OK);
	for (i = 0; i < 4; i++)
		assert_memory_equal(got.value[i], m.rtmr[i], 48);
	secmem_free(p);
	free(log);
	free(quote);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(bad_logs_are_left_out),
	    TEST(a_log_above_the_limit_is_left_out),
	    TEST(half_a_log_is_none),
	    TEST(a_log_ends_where_it_ends),
	    TEST(ours_may_be_the_whole),
	    TEST(another_agents_copy_is_used),
	    TEST(csv_reports_have_their_log),
	    TEST(a_real_log_and_a_start),
	};

	evidence_log_remember();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
