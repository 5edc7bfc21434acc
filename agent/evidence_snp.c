/*
 * AMD SEV-SNP guests: configfs-tsm, else /dev/sev-guest. All integers are
 * little endian.
 *
 * ioctl argument, 32 bytes (linux/sev-guest.h)
 *	  0	 8	message version: 1
 *	  8	 8	address of the request
 *	 16	 8	address of the response
 *	 24	 4	firmware error
 *	 28	 4	hypervisor error: 1 certificates do not fit, 2 busy
 * report request, 96 bytes
 *	  0	64	report data
 *	 64	 4	VMPL
 *	 68	28	zero
 * extended request, 112 bytes: a report request, then
 *	 96	 8	address for certificates, page aligned
 *	104	 4	their room, then what they need
 * response, 4000 bytes
 *	  0	 4	status: 0
 *	  4	 4	size of the report: 1184
 *	 32		the report, with report data at 80
 *
 * A request that fails in the firmware makes the driver forget the guest's key
 * until the next boot. So there is one request, well formed, and a second one
 * only where the driver says what is wrong with the first and keeps the key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/evidence_provider.h"
#include "agent/tsm.h"
#include "lib/buf.h"
#include "lib/secmem.h"
#include "policy/verify_snp.h"

#define PROVIDER	"sev_guest"
#define GET_REPORT	0xC0205300ul
#define GET_EXT_REPORT	0xC0205302ul
#define ARGUMENT	32u
#define REQUEST		96u
#define EXT_REQUEST	112u
#define RESPONSE_REPORT 32u
#define REPORT_DATA_AT	80u
#define PAGE		4096u
#define CERTS_FIRST	(2 * PAGE)
#define CERTS_MAX	0x4000u /* that the driver takes */
#define NOT_FITTING	1u
#define NO_CALL		0xffffffffu

struct exchange {
	const struct evidence_config *c;
	int fd;
	uint32_t vmpl;
	uint8_t response[SNP_RESPONSE];
	uint8_t *certs; /* page aligned, CERTS_MAX */
	uint32_t certs_n;
	uint32_t fw_error, vmm_error;
	char *reason;
};

static int
check_report(const uint8_t *p, size_t n,
    const uint8_t data[EVIDENCE_REPORT_DATA], char *reason)
{
	if (n != SNP_REPORT) {
		snprintf(reason, TSM_REASON,
		    "expected an SNP report of %u bytes, got %zu", SNP_REPORT,
		    n);
		return CL_ERR_FORMAT;
	}
	if (!secmem_equal(p + REPORT_DATA_AT, data, EVIDENCE_REPORT_DATA)) {
		snprintf(reason, TSM_REASON,
		    "the SNP report answers other report data");
		return CL_ERR_EVIDENCE;
	}
	return CL_OK;
}

/* ---- configfs-tsm ---- */

static int
from_tsm(const struct evidence_config *c, const uint8_t *data,
    struct evidence *out, char *reason)
{
	const struct tsm_request q = {
	    c->tsm_root, PROVIDER, data, check_report, NULL};
	struct tsm_report report;
	int r;

	if ((r = tsm_report(&q, &report, reason)) != 0)
		return r;
	r = evidence_provider_give(out, report.out, report.out_n);
	if (!r && report.aux_n)
		r = evidence_add_blob(out, report.aux, report.aux_n);
	tsm_clear(&report);
	return r;
}

/* ---- /dev/sev-guest ---- */

/* The level that the kernel runs at, where it tells; others are 0. A lower
 * one would be refused by the firmware. */
static uint32_t
own_level(const struct evidence_config *c)
{
	char text[8] = "";
	ssize_t n;
	int fd = open(c->sev_vmpl, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && text[0] >= '0' && text[0] <= '3'
		   ? (uint32_t)(text[0] - '0')
		   : 0;
}

/* errno of the call, 0 when it succeeded. */
static int
call(struct exchange *x, unsigned long request, uint8_t *body)
{
	const struct device *d = x->c->device;
	uint8_t arg[ARGUMENT] = {1};
	int r;

	le64_put(arg + 8, (uint64_t)(uintptr_t)body);
	le64_put(arg + 16, (uint64_t)(uintptr_t)x->response);
	memset(arg + 24, 0xff, 8);
	memset(x->response, 0, sizeof(x->response));
	errno = 0;
	r = d->ioctl(d->arg, x->fd, request, arg);
	x->fw_error = le32_get(arg + 24);
	x->vmm_error = le32_get(arg + 28);
	if (r == 0)
		return 0;
	return r < 0 && errno ? errno : EIO;
}

static void
put_request(const struct exchange *x, const uint8_t *data, uint8_t *body)
{
	memcpy(body, data, EVIDENCE_REPORT_DATA);
	le32_put(body + 64, x->vmpl);
}

/* With certificates; again, once, with the room that they need. */
static int
call_extended(struct exchange *x, const uint8_t *data)
{
	uint8_t body[EXT_REQUEST] = {0};
	uint32_t room = CERTS_FIRST, needed;
	int error;

	put_request(x, data, body);
	le64_put(body + 96, (uint64_t)(uintptr_t)x->certs);
	le32_put(body + 104, room);
	error = call(x, GET_EXT_REPORT, body);
	needed = le32_get(body + 104);
	if (error == EIO && x->vmm_error == NOT_FITTING && needed > room &&
	    needed <= CERTS_MAX) {
		room = (needed + PAGE - 1) / PAGE * PAGE;
		le32_put(body + 104, room);
		error = call(x, GET_EXT_REPORT, body);
	}
	x->certs_n = error ? 0 : room;
	return error;
}

/* Did the driver keep the key, and would a plain request do better? */
static bool
may_ask_plainly(const struct exchange *x, int error)
{
	if (error == ENOTTY)
		return true; /* nothing was sent: there is no such call */
	return error == EIO && x->vmm_error == NOT_FITTING;
}

static int
blame(struct exchange *x, int error)
{
	const char *advice = "";

	if (error == ENOTTY)
		advice = ": the guest's key is gone until the next boot";
	else if (error == EBADMSG)
		advice = ": the answer does not decrypt";
	snprintf(x->reason, EVIDENCE_REASON,
	    "%.120s: %s%s (firmware error %#x, hypervisor error %#x)",
	    x->c->sev_guest, strerror(error), advice, x->fw_error,
	    x->vmm_error);
	return error == ETIMEDOUT ? CL_ERR_TIMEOUT : CL_ERR_IO;
}

static int
exchange(struct exchange *x, const uint8_t *data)
{
	uint8_t body[REQUEST] = {0};
	int error = call_extended(x, data);

	if (error && may_ask_plainly(x, error)) {
		put_request(x, data, body);
		error = call(x, GET_REPORT, body);
	}
	return error ? blame(x, error) : CL_OK;
}

/* Length of the host's certificate table, entries of GUID[16], u32 offset, u32
 * length up to one of zeros; 0 when it is empty or leads outside. */
static size_t
certs_length(const uint8_t *p, size_t n)
{
	static const uint8_t none[16];
	struct rd in = rd_make(p, n);
	uint32_t offset, length;
	size_t end = 0;
	uint8_t guid[16];

	while (rd_bytes(&in, guid, sizeof(guid)) == CL_OK &&
	       rd_u32(&in, &offset) == CL_OK && rd_u32(&in, &length) == CL_OK) {
		if (secmem_equal(guid, none, sizeof(none)))
			return end && end < n - in.left ? n - in.left : end;
		if (offset > n || length > n - offset)
			return 0;
		if (offset + length > end)
			end = offset + length;
	}
	return 0;
}

static int
take(struct exchange *x, const uint8_t *data, struct evidence *out)
{
	const uint8_t *report = x->response + RESPONSE_REPORT;
	uint32_t status = le32_get(x->response),
		 size = le32_get(x->response + 4);
	size_t n = certs_length(x->certs, x->certs_n);
	int r;

	if (status || size != SNP_REPORT) {
		snprintf(x->reason, EVIDENCE_REASON,
		    "%.120s: status %#x with a report of %u bytes, expected 0 "
		    "with %u",
		    x->c->sev_guest, status, size, SNP_REPORT);
		return CL_ERR_IO;
	}
	if ((r = check_report(report, size, data, x->reason)) != 0 ||
	    (r = evidence_provider_give(out, report, size)) != 0)
		return r;
	return n ? evidence_add_blob(out, x->certs, n) : CL_OK;
}

static int
from_device(const struct evidence_config *c, const uint8_t *data,
    struct evidence *out, char *reason)
{
	struct exchange x = {.c = c, .reason = reason};
	int r;

	x.fd = c->device->open(c->device->arg, c->sev_guest);
	if (x.fd < 0) {
		snprintf(reason, EVIDENCE_REASON, "%.120s: %s", c->sev_guest,
		    strerror(errno));
		return errno == EACCES || errno == EPERM ? CL_ERR_PERMISSION
							 : CL_ERR_NOT_FOUND;
	}
	x.vmpl = own_level(c);
	r = CL_ERR_MEMORY;
	x.certs = mmap(NULL, CERTS_MAX, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (x.certs != MAP_FAILED) {
		if ((r = exchange(&x, data)) == CL_OK)
			r = take(&x, data, out);
		munmap(x.certs, CERTS_MAX);
	}
	close(x.fd);
	return r;
}

static int
snp_probe(const struct evidence_config *c, char *reason)
{
	return evidence_provider_find(c, PROVIDER, c->sev_guest, reason);
}

static int
snp_produce(const struct evidence_config *c,
    const uint8_t data[EVIDENCE_REPORT_DATA], struct evidence *out,
    char *reason)
{
	int r = from_tsm(c, data, out, reason);

	/* Nothing was asked there. Any other failure is an answer. */
	if (r == CL_ERR_NOT_FOUND || r == CL_ERR_UNSUPPORTED)
		r = from_device(c, data, out, reason);
	return r;
}

const struct evidence_provider *
evidence_snp(void)
{
	static const struct evidence_provider snp = {
	    "snp", 1000, snp_probe, snp_produce};

	return &snp;
}
