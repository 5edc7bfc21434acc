/*
 * Guest devices for tests: stand-ins that take the ioctls apart as the
 * kernel's drivers do, and a quote service on a socket pair. Include after
 * cmocka.h.
 */
#ifndef CLOISTER_TESTS_FAKE_DEVICES_H
#define CLOISTER_TESTS_FAKE_DEVICES_H

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/evidence_provider.h"
#include "lib/buf.h"

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
	size_t damage; /* this byte of the finished report is flipped */
	bool positive; /* failures are positive results */
	uint8_t *page; /* where the last request was */
	uint8_t reg[5][32], reg_state;
	unsigned reg_calls[5]; /* of each sub-command */
	uint16_t reg_fail;     /* sub-command that fails, with error */
	uint32_t reg_fw;       /* and with this error of the firmware */
	bool reg_other;	       /* reads give another register */
	uint8_t rtmr[4][48];   /* in quotes */
	/* quote service */
	unsigned port;
	int service; /* its end of the pair */
	pthread_t thread;
	uint32_t service_error, quote_extra;
	uint8_t quote_version, message_type;
	bool hang_up, huge;
} m;

static inline int
open_it(void *arg, const char *path)
{
	assert_ptr_equal(arg, &m);
	if (m.has && strcmp(path, m.has) == 0)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	errno = m.open_errno ? m.open_errno : ENOENT;
	return -1;
}

/* ---- /dev/sev-guest ---- */

static inline int
sev_fail(uint8_t *arg, int error, uint32_t fw, uint32_t vmm)
{
	le32_put(arg + 24, fw);
	le32_put(arg + 28, vmm);
	errno = error;
	return -1;
}

static inline void
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

static inline int
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

static inline void
csv_hide(uint8_t *page, size_t from, size_t to, const uint8_t anonce[4])
{
	for (; from < to; from++)
		page[from] ^= anonce[from % 4];
}

static inline void
csv_check_request(const uint8_t *page)
{
	uint8_t hash[32];

	assert_int_equal(EVP_Digest(page, 80, hash, NULL, EVP_sm3(), NULL), 1);
	assert_memory_equal(page + 80, hash, 32);
}

/* Over the certificate, the serial number and the sealing key, as they lie. */
static inline void
csv_mac(uint8_t *page, size_t pek, const uint8_t mnonce[16])
{
	size_t n;

	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SM3", NULL, mnonce, 16,
	    page + pek, 2084 + 64 + 32, page + pek + 2084 + 64 + 32, 32, &n));
	assert_int_equal(n, 32);
}

static inline void
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
		memcpy(page + 0x90, m.reg[0], 32); /* measure */
		memcpy(page + 0xd0, m.reg, sizeof(m.reg));
	} else {
		csv_hide(page, 0, 0xbc, anonce);
		memcpy(page + 0xbc, anonce, 4);
		csv_hide(page, 0x150, 0x9b4, anonce);
	}
	csv_mac(page, pek, mnonce);
	if (m.damage)
		page[m.damage] ^= 0x10;
}

static inline int
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

/* reg becomes SM3(reg ‖ digest). */
static inline void
csv_grow(uint8_t reg[32], const uint8_t *digest)
{
	uint8_t both[64];

	memcpy(both, reg, 32);
	memcpy(both + 32, digest, 32);
	assert_int_equal(EVP_Digest(both, 64, reg, NULL, EVP_sm3(), NULL), 1);
}

/* Sub-commands, checked as Hygon's driver checks them; an errno, or 0. */
static inline int
csv_registers(uint16_t command, uint8_t *buf, uint64_t n)
{
	static const uint64_t least[] = {0, 4, 2, 36, 36};
	uint32_t map, i, at = 4;

	if (command < 1 || command > 4 || n < least[command])
		return EINVAL;
	m.reg_calls[command]++;
	if (m.reg_fail == command && m.error)
		return m.error;
	switch (command) {
	case 1:
		le16_put(buf, 1);
		buf[2] = m.reg_state;
		return 0;
	case 2:
		if (le16_get(buf) != 1 || m.reg_state)
			return EINVAL;
		m.reg_state = 1;
		return 0;
	case 3:
		map = le32_get(buf);
		for (i = 0; i < 5; i++)
			if (map >> i & 1) {
				if (n < at + 32)
					return EINVAL;
				memcpy(buf + at, m.reg[i], 32);
				at += 32;
			}
		le32_put(buf, m.reg_other ? 1 : map);
		return m.reg_state && at > 4 ? 0 : EINVAL;
	default:
		if (buf[0] < 3 || buf[0] > 4 || buf[1] ||
		    le16_get(buf + 2) != 32 || !m.reg_state)
			return EINVAL;
		csv_grow(m.reg[buf[0]], buf + 4);
		m.reg_state = 2;
		return 0;
	}
}

static inline int
csv_rtmr(uint8_t *arg)
{
	uint16_t command = le16_get(arg + 16);

	assert_int_equal(le16_get(arg + 18), 0);
	errno = m.registers ? csv_registers(command,
				  (uint8_t *)(uintptr_t)le64_get(arg),
				  le64_get(arg + 8))
			    : ENOTTY;
	if (errno)
		return -1;
	le32_put(arg + 20, m.reg_fail == command ? m.reg_fw : 0);
	return 0;
}

static inline int
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
		return csv_rtmr(body);
	case CSV_REPORT:
		return csv(body);
	default:
		fail_msg("unknown request %#lx", request);
		return -1;
	}
}

/* ---- the quote service ---- */

static inline size_t
make_quote(uint8_t *p, const uint8_t *user)
{
	memset(p, 0x77, QUOTE + m.quote_extra);
	memset(p, 0, 48);
	p[0] = m.quote_version;
	memcpy(p + 48 + 328, m.rtmr, sizeof(m.rtmr));
	memcpy(p + 48 + 520, user, 64);
	le32_put(p + 632, QUOTE - 636);
	return QUOTE + m.quote_extra;
}

static inline void
be32_put(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void *
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

static inline int
dial_it(void *arg, const char *where, unsigned port)
{
	int p[2];

	assert_string_equal(where, "vsock");
	assert_ptr_equal(arg, &m);
	m.port = port;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p), 0);
	m.service = p[1];
	assert_int_equal(pthread_create(&m.thread, NULL, serve, NULL), 0);
	return p[0];
}

static const struct device fake = {&m, open_it, ioctl_it, dial_it};

#endif
