/* Evidence from guest devices, behind stand-ins for the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "agent/evidence_provider.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tests/unit/fake_devices.h"
#include "tests/unit/scratch.h"

static uint8_t data[64];

static int
set_up(void **state)
{
	size_t i;

	memset(&m, 0, sizeof(m));
	m.service = -1;
	m.quote_version = 4;
	m.message_type = 1;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 11 + 3);
	return scratch_make(state);
}

static struct evidence_config
config(void)
{
	return (struct evidence_config){.tsm_root = "/nonexistent",
	    .sev_guest = "/dev/sev",
	    .tdx_guest = "/dev/tdx",
	    .csv_guest = "/dev/csv",
	    .tdx_attest = "/nonexistent",
	    .tdx_quotes = "vsock",
	    .sev_vmpl = "/nonexistent",
	    .device = &fake};
}

static char reason[EVIDENCE_REASON];

static int
produce_with(
    const struct evidence_config *c, const char *tee, struct evidence *ev)
{
	const struct evidence_provider *p = evidence_provider_by_name(tee);
	int r;

	memset(ev, 0, sizeof(*ev));
	memset(reason, 0, sizeof(reason));
	assert_non_null(p);
	r = p->produce(c, data, ev, reason);
	if (m.service >= 0) {
		pthread_join(m.thread, NULL);
		close(m.service);
		m.service = -1;
	}
	if (r) {
		assert_null(ev->raw);
		assert_int_equal(ev->nblobs, 0);
		assert_true(reason[0] != '\0');
	}
	return r;
}

static int
produce(const char *tee, struct evidence *ev)
{
	struct evidence_config c = config();

	return produce_with(&c, tee, ev);
}

/* ---- SNP ---- */

static void
a_failed_snp_request_is_the_last(void **state)
{
	static const int errors[] = {
	    EIO, EBADMSG, EINVAL, ETIMEDOUT, EBUSY, EAGAIN, EINTR};
	struct evidence ev;
	size_t i;

	(void)state;
	m.has = "/dev/sev";
	m.fw = 0x16;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		m.error = errors[i];
		m.vmm = errors[i] == ETIMEDOUT ? 2 : 0;
		m.calls = 0;
		assert_int_equal(produce("snp", &ev),
		    errors[i] == ETIMEDOUT ? CL_ERR_TIMEOUT : CL_ERR_IO);
		assert_int_equal(m.calls, 1);
		assert_non_null(strstr(reason, "firmware error 0x16"));
		assert_non_null(strstr(reason, strerror(errors[i])));
	}
}

static void
a_lost_snp_key_is_named(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/sev";
	m.error = ENOTTY;
	assert_int_equal(produce("snp", &ev), CL_ERR_IO);
	assert_non_null(strstr(reason, "next boot"));
}

static void
bad_snp_answers_are_refused(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/sev";
	m.status = 0x16;
	assert_int_equal(produce("snp", &ev), CL_ERR_IO);
	assert_non_null(strstr(reason, "status 0x16"));
	m.status = 0;
	m.lie = 1;
	assert_int_equal(produce("snp", &ev), CL_ERR_EVIDENCE);
	assert_int_equal(m.plain, 0);
}

static void
an_snp_report_comes_with_certificates(void **state)
{
	/* One entry of 5 bytes at 48, the last of them zero. */
	uint8_t certs[53] = {0x63, 0xda};
	struct evidence ev;

	(void)state;
	le32_put(certs + 16, 48);
	le32_put(certs + 20, 5);
	memcpy(certs + 48, "\x30\x03\x02\x01", 5);
	m.has = "/dev/sev";
	m.certs = certs;
	m.certs_n = sizeof(certs);
	assert_int_equal(produce("snp", &ev), CL_OK);
	assert_int_equal(m.calls, 1);
	assert_int_equal(m.vmpl, 0);
	assert_int_equal(ev.raw_n, 1184);
	assert_memory_equal(ev.raw + 0x50, data, 64);
	assert_int_equal(ev.nblobs, 1);
	assert_int_equal(ev.blobs[0].n, sizeof(certs));
	assert_memory_equal(ev.blobs[0].p, certs, sizeof(certs));
	evidence_clear(&ev);
	/* A table that leads outside is left where it is. */
	le32_put(certs + 20, 0xffffffff);
	assert_int_equal(produce("snp", &ev), CL_OK);
	assert_int_equal(ev.nblobs, 0);
	evidence_clear(&ev);
}

static void
short_room_for_certificates_is_mended_once(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/sev";
	m.certs_need = 0x3000;
	assert_int_equal(produce("snp", &ev), CL_OK);
	assert_int_equal(m.extended, 2);
	assert_int_equal(m.plain, 0);
	evidence_clear(&ev);
	/* More than the driver takes: then without. */
	m.certs_need = 0x8000;
	m.extended = 0;
	assert_int_equal(produce("snp", &ev), CL_OK);
	assert_int_equal(m.extended, 1);
	assert_int_equal(m.plain, 1);
	assert_memory_equal(ev.raw + 0x50, data, 64);
	assert_int_equal(ev.nblobs, 0);
	evidence_clear(&ev);
	/* And where that fails, it is the end. */
	m.plain_error = EIO;
	m.calls = 0;
	assert_int_equal(produce("snp", &ev), CL_ERR_IO);
	assert_int_equal(m.calls, 2);
}

static void
snp_asks_at_its_own_level(void **state)
{
	struct scratch *s = *state;
	struct evidence_config c = config();
	struct evidence ev;
	char path[96];

	snprintf(path, sizeof(path), "%s/vmpl", s->path);
	assert_int_equal(file_write_new(s->fd, "vmpl", "2\n", 2, 0600), CL_OK);
	c.sev_vmpl = path;
	m.has = "/dev/sev";
	assert_int_equal(produce_with(&c, "snp", &ev), CL_OK);
	assert_int_equal(m.vmpl, 2);
	evidence_clear(&ev);
}

/* ---- TDX ---- */

static void
bad_quote_services_are_refused(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/tdx";
	m.service_error = 0x12001;
	assert_int_equal(produce("tdx", &ev), CL_ERR_IO);
	assert_non_null(strstr(reason, "0x12001"));
	m.service_error = 0;
	m.message_type = 3;
	assert_int_equal(produce("tdx", &ev), CL_ERR_FORMAT);
	m.message_type = 1;
	m.quote_version = 6;
	assert_int_equal(produce("tdx", &ev), CL_ERR_VERSION);
	assert_non_null(strstr(reason, "version 6"));
	m.quote_version = 4;
	m.huge = true;
	assert_int_equal(produce("tdx", &ev), CL_ERR_FORMAT);
	m.huge = false;
	m.hang_up = true;
	assert_int_equal(produce("tdx", &ev), CL_ERR_IO);
	assert_non_null(strstr(reason, "quote service"));
}

static void
bad_tdx_reports_are_refused(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/tdx";
	m.error = EIO;
	assert_int_equal(produce("tdx", &ev), CL_ERR_IO);
	assert_non_null(strstr(reason, "/dev/tdx"));
	m.error = 0;
	m.lie = 1;
	assert_int_equal(produce("tdx", &ev), CL_ERR_EVIDENCE);
	assert_int_equal(m.port, 0); /* the host was not asked */
}

static void
a_quote_comes_without_its_padding(void **state)
{
	struct scratch *s = *state;
	struct evidence_config c = config();
	struct evidence ev;
	char path[96];

	m.has = "/dev/tdx";
	m.quote_extra = 39;
	assert_int_equal(produce_with(&c, "tdx", &ev), CL_OK);
	assert_int_equal(m.port, 4050);
	assert_int_equal(ev.raw_n, QUOTE);
	assert_memory_equal(ev.raw + 48 + 520, data, 64);
	evidence_clear(&ev);
	snprintf(path, sizeof(path), "%s/conf", s->path);
	assert_int_equal(
	    file_write_new(s->fd, "conf", "# QGS\nport = 1234\n", 18, 0600),
	    CL_OK);
	c.tdx_attest = path;
	assert_int_equal(produce_with(&c, "tdx", &ev), CL_OK);
	assert_int_equal(m.port, 1234);
	evidence_clear(&ev);
}

/* ---- CSV ---- */

static void
bad_csv_answers_are_refused(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/csv";
	m.bad_mnonce = true;
	assert_int_equal(produce("csv", &ev), CL_ERR_EVIDENCE);
	assert_non_null(strstr(reason, "mnonce"));
	m.bad_mnonce = false;
	m.bad_data = true;
	assert_int_equal(produce("csv", &ev), CL_ERR_EVIDENCE);
	m.bad_data = false;
	m.silent = true; /* success, and the page as it was */
	assert_int_equal(produce("csv", &ev), CL_ERR_FORMAT);
	m.silent = false;
	m.error = ENOTTY;
	assert_int_equal(produce("csv", &ev), CL_ERR_IO);
	m.positive = true; /* a hypercall's result, passed on raw */
	assert_int_equal(produce("csv", &ev), CL_ERR_IO);
	assert_non_null(strstr(reason, "result 1"));
}

/* From the first byte of the certificate to the last of the MAC. */
static void
a_damaged_csv_report_is_refused(void **state)
{
	static const size_t old[] = {
	    0x150, 0x200, 0x974, 0x9b3, 0x9b4, 0x9d3, 0x9d4, 0x9f3};
	static const size_t new[] = {
	    0x490, 0x500, 0xcb4, 0xcf3, 0xcf4, 0xd13, 0xd14, 0xd33};
	struct evidence ev;
	size_t i;

	(void)state;
	m.has = "/dev/csv";
	for (i = 0; i < 8; i++) {
		m.damage = old[i];
		m.registers = false;
		assert_int_equal(produce("csv", &ev), CL_ERR_EVIDENCE);
		assert_non_null(strstr(reason, "MAC"));
		m.damage = new[i];
		m.registers = true;
		assert_int_equal(produce("csv", &ev), CL_ERR_EVIDENCE);
		assert_non_null(strstr(reason, "MAC"));
	}
	m.damage = 0xd34; /* behind it */
	assert_int_equal(produce("csv", &ev), CL_OK);
	evidence_clear(&ev);
}

static bool
contains(const struct evidence *ev, uint8_t byte, size_t run)
{
	size_t i, n = 0;

	for (i = 0; i < ev->raw_n && n < run; i++)
		n = ev->raw[i] == byte ? n + 1 : 0;
	return n == run;
}

/* The fake's sealing key is 32 times 0xa5; nothing of it may be seen. */
static void
must_be_csv(struct evidence *ev, size_t size, size_t sealing)
{
	static const uint8_t zeros[32];

	assert_int_equal(ev->raw_n, size);
	assert_memory_equal(ev->raw + sealing, zeros, 32);
	assert_false(contains(ev, 0xa5, 4));
	/* The MAC after it is still what came. */
	assert_memory_not_equal(ev->raw + sealing + 32, zeros, 32);
	assert_int_equal(ev->nblobs, 0);
	evidence_clear(ev);
}

static void
a_csv_report_has_no_sealing_key(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/csv";
	assert_int_equal(produce("csv", &ev), CL_OK);
	assert_int_equal(m.plain, 1);
	assert_int_equal(m.extended, 0);
	must_be_csv(&ev, 0x9f4, 0x9b4);
}

static void
a_newer_csv_report_has_none_either(void **state)
{
	struct evidence ev;

	(void)state;
	m.has = "/dev/csv";
	m.registers = true;
	assert_int_equal(produce("csv", &ev), CL_OK);
	assert_int_equal(m.extended, 1);
	must_be_csv(&ev, 0xd34, 0xcf4);
	/* Firmware that knows registers but not the request. */
	m.refuse_extended = true;
	m.extended = 0;
	assert_int_equal(produce("csv", &ev), CL_OK);
	assert_int_equal(m.extended, 1);
	assert_int_equal(m.plain, 1);
	must_be_csv(&ev, 0x9f4, 0x9b4);
}

/* ---- choosing ---- */

static void
auto_never_takes_sim(void **state)
{
	struct evidence_config c = config();
	const struct evidence_provider *p;

	(void)state;
	c.sim_key = "/nonexistent";
	assert_int_equal(
	    evidence_provider_choose("auto", &c, &p, reason), CL_ERR_NOT_FOUND);
	assert_null(p);
	assert_non_null(strstr(reason, "/dev/sev"));
	assert_non_null(strstr(reason, "/dev/tdx"));
	assert_non_null(strstr(reason, "/dev/csv"));
	/* Kinds that were tried come behind a semicolon. */
	assert_non_null(strstr(reason, "; csv: "));
	assert_null(strstr(reason, "; sim: "));
	assert_null(strstr(reason, "; tpm: "));
	assert_non_null(strstr(reason, "set tee = tpm"));
	assert_int_equal(m.calls, 0);
}

static void
auto_takes_what_is_there(void **state)
{
	static const char *const pairs[][2] = {
	    {"/dev/sev", "snp"}, {"/dev/tdx", "tdx"}, {"/dev/csv", "csv"}};
	struct evidence_config c = config();
	const struct evidence_provider *p;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		m.has = pairs[i][0];
		assert_int_equal(
		    evidence_provider_choose("auto", &c, &p, reason), CL_OK);
		assert_string_equal(p->tee, pairs[i][1]);
		assert_non_null(strstr(reason, pairs[i][0]));
	}
	assert_int_equal(m.calls, 0); /* choosing asks nothing */
}

static void
a_named_tee_must_be_there(void **state)
{
	struct evidence_config c = config();
	const struct evidence_provider *p;
	struct evidence ev;

	(void)state;
	m.has = "/dev/sev";
	assert_int_equal(
	    evidence_provider_choose("csv", &c, &p, reason), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "/dev/csv"));
	assert_int_equal(
	    evidence_provider_choose("sgx", &c, &p, reason), CL_ERR_CONFIG);
	assert_non_null(strstr(reason, "'sgx'"));
	assert_int_equal(produce("csv", &ev), CL_ERR_NOT_FOUND);
	m.open_errno = EACCES;
	assert_int_equal(
	    evidence_provider_choose("tdx", &c, &p, reason), CL_ERR_PERMISSION);
	assert_int_equal(produce("tdx", &ev), CL_ERR_PERMISSION);
	assert_int_equal(produce("csv", &ev), CL_ERR_PERMISSION);
}

#define device_test(f)                                                         \
	cmocka_unit_test_setup_teardown(f, set_up, scratch_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    device_test(a_failed_snp_request_is_the_last),
	    device_test(a_lost_snp_key_is_named),
	    device_test(bad_snp_answers_are_refused),
	    device_test(an_snp_report_comes_with_certificates),
	    device_test(short_room_for_certificates_is_mended_once),
	    device_test(snp_asks_at_its_own_level),
	    device_test(bad_quote_services_are_refused),
	    device_test(bad_tdx_reports_are_refused),
	    device_test(a_quote_comes_without_its_padding),
	    device_test(bad_csv_answers_are_refused),
	    device_test(a_damaged_csv_report_is_refused),
	    device_test(a_csv_report_has_no_sealing_key),
	    device_test(a_newer_csv_report_has_none_either),
	    device_test(auto_never_takes_sim),
	    device_test(auto_takes_what_is_there),
	    device_test(a_named_tee_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
