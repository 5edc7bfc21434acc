/*
 * Evidence from guest devices, behind stand-ins that take the ioctls apart as
 * the kernel's drivers do, and a quote service on a socket pair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/evidence_provider.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tests/unit/scratch.h"

#define SEV_REPORT 0xC0205300ul
#define SEV_EXT	   0xC0205302ul
#define TDX_REPORT 0xC4405401ul
#define CSV_REPORT 0xC0104401ul
#define CSV_RTMR   0xC0184402ul
#define QUOTE	   1336u
#define PEK_USAGE  0x1002u

/* What the fake machine does, and what it was asked. */
static struct {
	const char *has; /* path of its one device */
	int open_errno;	 /* for other paths; 0: ENOENT */
	unsigned plain, extended, calls;
	uint32_t vmpl; /* of the last SNP request */
	/* SNP */
	int error;	      /* errno of every call */
	int plain_error;      /* errno of GET_REPORT */
	uint32_t fw, vmm;     /* with it */
	uint32_t certs_need;  /* room below this does not fit */
	uint32_t status, lie; /* lie: report data is another's */
	const uint8_t *certs;
	size_t certs_n;
	/* CSV */
	bool registers, refuse_extended, silent, bad_mnonce, bad_data;
	bool positive; /* failures are positive results */
	uint8_t *page; /* where the last request was */
	/* quote service */
	unsigned port;
	int service; /* its end of the pair */
	pthread_t thread;
	uint32_t service_error, quote_extra;
	uint8_t quote_version, message_type;
	bool hang_up, huge;
} m;

static uint8_t data[64];

static int
open_it(void *arg, const char *path)
{
	assert_ptr_equal(arg, &m);
	if (m.has && strcmp(path, m.has) == 0)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	errno = m.open_errno ? m.open_errno : ENOENT;
	return -1;
}

/* ---- /dev/sev-guest ---- */

static int
sev_fail(uint8_t *arg, int error, uint32_t fw, uint32_t vmm)
{
	le32_put(arg + 24, fw);
	le32_put(arg + 28, vmm);
	errno = error;
	return -1;
}

static void
sev_answer(uint8_t *arg, const uint8_t *request, uint8_t *response)
{
	le32_put(arg + 24, 0);
	le32_put(arg + 28, 0);
	le32_put(response, m.status);
	le32_put(response + 4, 1184);
	le32_put(response + 32, 2);
	memcpy(response + 32 + 0x50, request, 64);
	response[32 + 0x50] ^= (uint8_t)m.lie;
}

static int
sev(uint8_t *arg, bool extended)
{
	uint8_t *request = (uint8_t *)(uintptr_t)le64_get(arg + 8);
	uint8_t *response = (uint8_t *)(uintptr_t)le64_get(arg + 16);
	uint8_t *certs;
	uint32_t room;
	size_t i;

	extended ? m.extended++ : m.plain++;
	assert_int_equal(arg[0], 1);
	m.vmpl = le32_get(request + 64);
	for (i = 68; i < 96; i++)
		assert_int_equal(request[i], 0);
	if (m.error)
		return sev_fail(arg, m.error, m.fw, m.vmm);
	if (!extended && m.plain_error)
		return sev_fail(arg, m.plain_error, m.fw, m.vmm);
	if (extended) {
		certs = (uint8_t *)(uintptr_t)le64_get(request + 96);
		room = le32_get(request + 104);
		assert_int_equal((uintptr_t)certs % 4096, 0);
		assert_int_equal(room % 4096, 0);
		assert_in_range(room, 4096, 0x4000);
		if (room < m.certs_need) {
			le32_put(request + 104, m.certs_need);
			return sev_fail(arg, EIO, 0, 1);
		}
		if (m.certs_n)
			memcpy(certs, m.certs, m.certs_n);
	}
	sev_answer(arg, request, response);
	return 0;
}

/* ---- /dev/csv-guest ---- */

static void
csv_hide(uint8_t *page, size_t from, size_t to, const uint8_t anonce[4])
{
	for (; from < to; from++)
		page[from] ^= anonce[from % 4];
}

static void
csv_check_request(const uint8_t *page)
{
	uint8_t hash[32];

	assert_int_equal(EVP_Digest(page, 80, hash, NULL, EVP_sm3(), NULL), 1);
	assert_memory_equal(page + 80, hash, 32);
}

static void
csv_answer(uint8_t *page, bool extended)
{
	static const uint8_t anonce[4] = {0xde, 0xad, 0xbe, 0xef};
	uint8_t user[64], mnonce[16];
	size_t pek = extended ? 0x490 : 0x150;

	memcpy(user, page, 64);
	memcpy(mnonce, page + 64, 16);
	if (m.bad_mnonce)
		mnonce[15] ^= 1;
	if (m.bad_data)
		user[63] ^= 1;
	memset(page, 0x33, 4096);
	memcpy(page + 0x40, user, 64);
	memcpy(page + 0x80, mnonce, 16);
	le32_put(page + pek + 8, PEK_USAGE);
	memset(page + (extended ? 0xcf4 : 0x9b4), 0xa5, 32); /* sealing key */
	if (extended) {
		memset(page + 0xbc, 0, 4);
		return;
	}
	csv_hide(page, 0, 0xbc, anonce);
	memcpy(page + 0xbc, anonce, 4);
	csv_hide(page, 0x150, 0x9b4, anonce);
}

static int
csv(uint8_t *arg)
{
	uint8_t *page = (uint8_t *)(uintptr_t)le64_get(arg);
	bool extended;

	m.page = page;
	assert_int_equal((uintptr_t)page % 4096, 0);
	assert_int_equal(le32_get(arg + 8), 4096);
	csv_check_request(page);
	extended = memcmp(page + 112, "ATTESTATION_EXT", 16) == 0;
	extended ? m.extended++ : m.plain++;
	if (extended)
		assert_int_equal(le32_get(page + 128), 1);
	if (m.error || (extended && m.refuse_extended)) {
		errno = m.error ? m.error : EIO;
		return m.positive ? 1 : -1;
	}
	if (!m.silent)
		csv_answer(page, extended);
	return 0;
}

static int
ioctl_it(void *arg, int fd, unsigned long request, void *p)
{
	uint8_t *body = p;

	assert_ptr_equal(arg, &m);
	assert_true(fd >= 0);
	m.calls++;
	switch (request) {
	case SEV_EXT:
	case SEV_REPORT:
		return sev(body, request == SEV_EXT);
	case TDX_REPORT:
		if (m.error) {
			errno = m.error;
			return -1;
		}
		body[64] = 0x81;
		memcpy(body + 64 + 128, body, 64);
		body[64 + 128] ^= (uint8_t)m.lie;
		return 0;
	case CSV_RTMR:
		assert_int_equal(body[16], 1);
		if (m.registers)
			return 0;
		errno = ENOTTY;
		return -1;
	case CSV_REPORT:
		return csv(body);
	default:
		fail_msg("unknown request %#lx", request);
		return -1;
	}
}

/* ---- the quote service ---- */

static size_t
make_quote(uint8_t *p, const uint8_t *user)
{
	memset(p, 0x77, QUOTE + m.quote_extra);
	memset(p, 0, 48);
	p[0] = m.quote_version;
	memcpy(p + 48 + 520, user, 64);
	le32_put(p + 632, QUOTE - 636);
	return QUOTE + m.quote_extra;
}

static void
be32_put(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void *
serve(void *arg)
{
	uint8_t in[4 + 24 + 1024], out[8192] = {0}, *p = out + 4;
	static const uint8_t head[] = {0, 0, 4, 0x18, 1, 0, 0, 0, 0, 0, 0, 0,
	    0x18, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0};
	size_t n;

	(void)arg;
	if (recv(m.service, in, sizeof(in), MSG_WAITALL) !=
		(ssize_t)sizeof(in) ||
	    memcmp(in, head, sizeof(head)) || m.hang_up)
		goto out;
	n = make_quote(p + 24 + 5, in + 28 + 128);
	le16_put(p, 1);
	le32_put(p + 4, m.message_type);
	le32_put(p + 8, (uint32_t)(24 + 5 + n));
	le32_put(p + 12, m.service_error);
	le32_put(p + 16, 5);
	le32_put(p + 20, (uint32_t)n);
	n += 24 + 5;
	be32_put(out, m.huge ? 0x7fffffff : n);
	/* In two parts, as streams do. */
	if (send(m.service, out, 9, MSG_NOSIGNAL) != 9 ||
	    send(m.service, out + 9, n - 5, MSG_NOSIGNAL) < 0)
		goto out;
out:
	shutdown(m.service, SHUT_RDWR);
	return NULL;
}

static int
dial_it(void *arg, unsigned port)
{
	int p[2];

	assert_ptr_equal(arg, &m);
	m.port = port;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p), 0);
	m.service = p[1];
	assert_int_equal(pthread_create(&m.thread, NULL, serve, NULL), 0);
	return p[0];
}

/* ---- every test ---- */

static const struct device fake = {&m, open_it, ioctl_it, dial_it};

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
	/* What follows it is still what came. */
	assert_int_equal(ev->raw[sealing + 32], 0x33);
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
	assert_null(strstr(reason, "sim"));
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
	    device_test(a_csv_report_has_no_sealing_key),
	    device_test(a_newer_csv_report_has_none_either),
	    device_test(auto_never_takes_sim),
	    device_test(auto_takes_what_is_there),
	    device_test(a_named_tee_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
