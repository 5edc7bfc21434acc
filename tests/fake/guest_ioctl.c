/*
 * /dev/sev-guest, /dev/tdx_guest and /dev/csv-guest, taken apart as the
 * kernel's drivers do. Pointers in an argument lead into the caller's memory.
 */
#include "tests/fake/guest.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "lib/buf.h"

#define SEV_REPORT	0xC0205300u
#define SEV_EXT_REPORT	0xC0205302u
#define TDX_REPORT	0xC4405401u
#define CSV_REPORT	0xC0104401u
#define CSV_RTMR	0xC0184402u
#define SEV_REQUEST	96u
#define SEV_EXT_REQUEST 112u
#define SEV_RESPONSE	4000u
#define CERTS_MAX	0x4000u
#define NOT_FITTING	1u
#define FIRMWARE_ERROR	0x16u

static int
get(pid_t caller, uint64_t at, void *p, size_t n)
{
	struct iovec here = {p, n}, there = {(void *)(uintptr_t)at, n};

	return process_vm_readv(caller, &here, 1, &there, 1, 0) == (ssize_t)n
		   ? 0
		   : -EFAULT;
}

static int
put(pid_t caller, uint64_t at, const void *p, size_t n)
{
	struct iovec here = {(void *)(uintptr_t)p, n};
	struct iovec there = {(void *)(uintptr_t)at, n};

	return process_vm_writev(caller, &here, 1, &there, 1, 0) == (ssize_t)n
		   ? 0
		   : -EFAULT;
}

/* ---- SNP ---- */

/* The driver says what went wrong in the argument, also when it fails. */
static int
sev_fail(pid_t caller, uint64_t arg, int error, uint32_t fw, uint32_t vmm)
{
	uint8_t info[8];

	le32_put(info, fw);
	le32_put(info + 4, vmm);
	(void)put(caller, arg + 24, info, sizeof(info));
	return -error;
}

/* The certificates, when there is room; 1: there is none, and now the request
 * says what is needed. */
static int
sev_certs(pid_t caller, const struct how *how, uint64_t at, uint8_t *request)
{
	static uint8_t certs[CERTS_MAX];
	uint64_t address = le64_get(request + 96);
	uint32_t room = le32_get(request + 104);
	size_t n;

	if (room % 4096 || room > CERTS_MAX || (room && address % 4096))
		return -EINVAL;
	memset(certs, 0, sizeof(certs));
	n = how->no_certs ? 0 : amd_certs(certs, sizeof(certs));
	n = (n + 4095) / 4096 * 4096;
	if (room < n) {
		le32_put(request + 104, (uint32_t)n);
		return put(caller, at + 104, request + 104, 4) ? -EFAULT : 1;
	}
	return n ? put(caller, address, certs, n) : 0;
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	while (n && !*p++)
		n--;
	return n == 0;
}

static int
sev(const struct how *how, pid_t caller, uint64_t arg, const uint8_t *a,
    bool extended)
{
	static bool lost; /* the guest's key, until the next boot */
	uint8_t request[SEV_EXT_REQUEST] = {0}, response[SEV_RESPONSE] = {0};
	uint64_t at = le64_get(a + 8), to = le64_get(a + 16);
	size_t n = extended ? SEV_EXT_REQUEST : SEV_REQUEST;
	int r;

	if (lost)
		return -ENOTTY;
	if (!a[0] || get(caller, at, request, n))
		return a[0] ? -EFAULT : -EINVAL;
	if (how->fail)
		return sev_fail(caller, arg, how->fail, 0, 0);
	if (extended) {
		r = sev_certs(caller, how, at, request);
		if (r)
			return r < 0
				   ? r
				   : sev_fail(caller, arg, EIO, 0, NOT_FITTING);
	}
	if (le32_get(request + 64) > 3 || !is_zero(request + 68, 28)) {
		lost = true;
		return sev_fail(caller, arg, EIO, FIRMWARE_ERROR, 0);
	}
	if (how->silent)
		return 0;
	le32_put(response + 4, VENDOR_REPORT);
	amd_report(request, le32_get(request + 64), how, response + 32);
	if (put(caller, to, response, sizeof(response)))
		return -EFAULT;
	return sev_fail(caller, arg, 0, 0, 0);
}

/* ---- TDX ---- */

static int
tdx(const struct how *how, uint8_t *a)
{
	uint8_t data[VENDOR_DATA];

	if (how->fail)
		return -how->fail;
	memcpy(data, a, sizeof(data));
	if (!how->silent)
		intel_tdreport(data, how, a + VENDOR_DATA);
	return 0;
}

/* ---- CSV ---- */

static int
csv(const struct how *how, pid_t caller, const uint8_t *a)
{
	uint8_t page[VENDOR_PAGE];
	uint64_t at = le64_get(a);

	if (le32_get(a + 8) != VENDOR_PAGE || at % VENDOR_PAGE)
		return -EINVAL;
	if (get(caller, at, page, sizeof(page)))
		return -EFAULT;
	if (how->fail)
		return how->positive ? how->fail : -how->fail;
	if (how->silent)
		return 0;
	if (!hygon_report(page, how))
		return -EIO;
	return put(caller, at, page, sizeof(page));
}

/* Bits of the first word: which registers follow it. */
static int
csv_read(pid_t caller, uint64_t at, uint64_t room)
{
	uint8_t out[4 + 5 * 32];
	size_t n = 4;
	uint32_t bits;
	unsigned i;

	if (room < 4 || get(caller, at, out, 4))
		return -EFAULT;
	bits = le32_get(out);
	if (!bits || bits >> 5)
		return -EINVAL;
	for (i = 0; i < 5; i++)
		if (bits >> i & 1) {
			memcpy(out + n, hygon_register(i), 32);
			n += 32;
		}
	return n > room ? -EINVAL : put(caller, at, out, n);
}

static int
csv_extend(pid_t caller, uint64_t at, uint64_t room)
{
	uint8_t in[36];

	if (room < sizeof(in) || get(caller, at, in, sizeof(in)))
		return -EINVAL;
	if (in[0] < 3 || in[0] > 4 || in[1] || le16_get(in + 2) != 32)
		return -EINVAL;
	hygon_extend(in[0], in + 4);
	return 0;
}

static int
csv_rtmr(const struct how *how, pid_t caller, const uint8_t *a)
{
	static const uint8_t status[4] = {1, 0, 2, 0};
	uint64_t at = le64_get(a), room = le64_get(a + 8);

	if (how->version < 2)
		return -ENODEV;
	switch (le16_get(a + 16)) {
	case 1:
		return room < 3 ? -EINVAL : put(caller, at, status, 3);
	case 2:
		return 0;
	case 3:
		return csv_read(caller, at, room);
	case 4:
		return csv_extend(caller, at, room);
	default:
		return -EINVAL;
	}
}

int
guest_ioctl(enum guest_kind kind, const struct how *how, pid_t caller,
    unsigned request, uint64_t arg, uint8_t *data)
{
	if (kind == GUEST_SNP &&
	    (request == SEV_REPORT || request == SEV_EXT_REPORT))
		return sev(how, caller, arg, data, request == SEV_EXT_REPORT);
	if (kind == GUEST_TDX && request == TDX_REPORT)
		return tdx(how, data);
	if (kind == GUEST_CSV && request == CSV_REPORT)
		return csv(how, caller, data);
	if (kind == GUEST_CSV && request == CSV_RTMR)
		return csv_rtmr(how, caller, data);
	return -ENOTTY;
}
