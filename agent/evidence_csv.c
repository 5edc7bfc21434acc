/*
 * Hygon CSV guests: /dev/csv-guest. All integers are little endian.
 *
 * ioctl argument, 16 bytes: u64 address of a page, u32 its length, u32 0. The
 * page is request, then report.
 * request, 112 bytes
 *	  0	64	user data
 *	 64	16	mnonce: random
 *	 80	32	SM3(user data ‖ mnonce)
 * extended request, 132 bytes, where the firmware has runtime registers
 *	112	16	"ATTESTATION_EXT\0"
 *	128	 4	flags: 1
 * report	V1 (2548 bytes)	V2 (3380)
 *	user data	0x040	0x040	64
 *	mnonce		0x080	0x080	16
 *	measure		0x090	0x090	32
 *	anonce		0x0bc		 4, with which most words are XORed
 *	registers		0x0d0	5 of 32
 *	PEK certificate	0x150	0x490	its usage, 0x1002, at +8
 *	reserved2	0x9b4	0xcf4	32
 *	MAC		0x9d4	0xd14	32: HMAC-SM3, keyed with mnonce, from
 *					the certificate to reserved2
 *
 * reserved2 is the guest's sealing key: whoever has it opens what the guest
 * has sealed. It is zero before the report leaves the page.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "agent/evidence_log.h"
#include "agent/evidence_provider.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/sm2.h"

#define GET_REPORT  0xC0104401ul
#define RTMR	    0xC0184402ul
#define RTMR_STATUS 1u
#define PAGE	    4096u
#define MNONCE	    16u
#define MNONCE_AT   0x080u
#define DATA_AT	    0x040u
#define ANONCE_AT   0x0bcu
#define MEASURE_AT  0x090u
#define REGS_AT	    0x0d0u
#define REGS	    5u
#define REG	    32u
#define PEK_USAGE   0x1002u
#define SEALING_KEY 32u
#define MAC	    32u
#define EXT_MAGIC   "ATTESTATION_EXT" /* with its NUL: 16 bytes */

struct shape {
	size_t pek, reserved2, size;
	bool hidden; /* words are XORed with anonce */
};

static const struct shape v1 = {0x150, 0x9b4, 0x9f4, true};
static const struct shape v2 = {0x490, 0xcf4, 0xd34, false};

/* Does this firmware know runtime registers, and so the newer report? */
static bool
has_registers(const struct device *d, int fd)
{
	uint8_t arg[24] = {0}, status[4] = {0};

	le64_put(arg, (uint64_t)(uintptr_t)status);
	le64_put(arg + 8, sizeof(status));
	le16_put(arg + 16, RTMR_STATUS);
	return d->ioctl(d->arg, fd, RTMR, arg) == 0;
}

static int
put_request(uint8_t *page, const uint8_t *data, const uint8_t mnonce[MNONCE],
    bool extended)
{
	uint8_t *hash = page + EVIDENCE_REPORT_DATA + MNONCE;
	int r;

	memset(page, 0, PAGE);
	memcpy(page, data, EVIDENCE_REPORT_DATA);
	memcpy(page + EVIDENCE_REPORT_DATA, mnonce, MNONCE);
	if ((r = crypto_ready()) != 0)
		return r;
	if (EVP_Digest(page, EVIDENCE_REPORT_DATA + MNONCE, hash, NULL,
		EVP_sm3(), NULL) != 1)
		return CL_ERR_CRYPTO;
	if (extended) {
		memcpy(hash + 32, EXT_MAGIC, sizeof(EXT_MAGIC));
		le32_put(hash + 48, 1);
	}
	return CL_OK;
}

static int
ask(const struct evidence_config *c, int fd, uint8_t *page, char *reason)
{
	const struct device *d = c->device;
	uint8_t arg[16] = {0};
	int r;

	le64_put(arg, (uint64_t)(uintptr_t)page);
	le32_put(arg + 8, PAGE);
	errno = 0;
	r = d->ioctl(d->arg, fd, GET_REPORT, arg);
	if (r == 0)
		return CL_OK;
	snprintf(reason, EVIDENCE_REASON, "%.120s: %s (result %d)",
	    c->csv_guest, r < 0 ? strerror(errno) : "the request failed", r);
	return CL_ERR_IO;
}

/* n bytes at a multiple of 4, as they were before they were XORed. */
static void
reveal(const uint8_t *page, const struct shape *s, size_t at, uint8_t *out,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] =
		    page[at + i] ^ (s->hidden ? page[ANONCE_AT + i % 4] : 0);
}

static bool
has_shape(const uint8_t *page, const struct shape *s)
{
	uint8_t usage[4];

	reveal(page, s, s->pek + 8, usage, sizeof(usage));
	return le32_get(usage) == PEK_USAGE;
}

/* Afterwards nobody can: the sealing key is part of what it is over. */
static int
check_mac(const uint8_t *page, const struct shape *s,
    const uint8_t mnonce[MNONCE], char *reason)
{
	size_t end = s->reserved2 + SEALING_KEY;
	uint8_t mac[MAC];
	int r;

	r = sm2_hmac(mnonce, MNONCE, page + s->pek, end - s->pek, mac);
	if (r != 0 || secmem_equal(mac, page + end, sizeof(mac)))
		return r;
	snprintf(reason, EVIDENCE_REASON,
	    "the MAC of the CSV report does not hold: its certificate, serial "
	    "number or sealing key was damaged");
	return CL_ERR_EVIDENCE;
}

/* Is the page an answer to this request, and whole? */
static int
check(const uint8_t *page, const struct shape *s, const uint8_t *data,
    const uint8_t mnonce[MNONCE], char *reason)
{
	uint8_t got[EVIDENCE_REPORT_DATA];

	reveal(page, s, MNONCE_AT, got, MNONCE);
	if (!secmem_equal(got, mnonce, MNONCE)) {
		snprintf(reason, EVIDENCE_REASON,
		    "the CSV report has another mnonce: the device did not "
		    "answer this request");
		return CL_ERR_EVIDENCE;
	}
	reveal(page, s, DATA_AT, got, sizeof(got));
	if (!secmem_equal(got, data, sizeof(got))) {
		snprintf(reason, EVIDENCE_REASON,
		    "the CSV report answers other user data");
		return CL_ERR_EVIDENCE;
	}
	return check_mac(page, s, mnonce, reason);
}

static int
take(uint8_t *page, const uint8_t *data, const uint8_t mnonce[MNONCE],
    struct evidence *out, char *reason)
{
	const struct shape *s = has_shape(page, &v2)   ? &v2
				: has_shape(page, &v1) ? &v1
						       : NULL;
	int r;

	if (!s) {
		snprintf(reason, EVIDENCE_REASON,
		    "the device's answer is no CSV report: there is no PEK "
		    "certificate in it");
		return CL_ERR_FORMAT;
	}
	if ((r = check(page, s, data, mnonce, reason)) != 0)
		return r;
	secmem_wipe(page + s->reserved2, SEALING_KEY);
	return evidence_provider_give(out, page, s->size);
}

/* Firmware that chokes on the newer request is asked in the older way. */
static int
exchange(const struct evidence_config *c, int fd, uint8_t *page,
    const uint8_t *data, struct evidence *out, char *reason)
{
	bool extended = has_registers(c->device, fd);
	uint8_t mnonce[MNONCE];
	int r;

	if ((r = crypto_random(mnonce, sizeof(mnonce))) != 0 ||
	    (r = put_request(page, data, mnonce, extended)) != 0)
		return r;
	r = ask(c, fd, page, reason);
	if (r && extended &&
	    (r = put_request(page, data, mnonce, false)) == CL_OK)
		r = ask(c, fd, page, reason);
	return r ? r : take(page, data, mnonce, out, reason);
}

/* The event log that gives the report's registers; beside a report without
 * registers nothing proves it. */
static int
add_log(const struct evidence_config *c, struct evidence *out)
{
	struct eventlog_quoted quoted = {.kind = EVENTLOG_CSV};
	unsigned i;

	if (out->raw_n != v2.size)
		return CL_OK;
	quoted.launch = out->raw + MEASURE_AT;
	for (i = 0; i < REGS; i++)
		quoted.value[i] = out->raw + REGS_AT + i * REG;
	return evidence_log_make(
	    c, &quoted, EVIDENCE_LOG_MAX, &out->log, &out->log_n);
}

static int
csv_produce(const struct evidence_config *c,
    const uint8_t data[EVIDENCE_REPORT_DATA], struct evidence *out,
    char *reason)
{
	int fd = c->device->open(c->device->arg, c->csv_guest), r;
	uint8_t *page;

	if (fd < 0) {
		snprintf(reason, EVIDENCE_REASON, "%.120s: %s", c->csv_guest,
		    strerror(errno));
		return errno == EACCES || errno == EPERM ? CL_ERR_PERMISSION
							 : CL_ERR_NOT_FOUND;
	}
	r = CL_ERR_MEMORY;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED) {
		/* Not to disk, where that is allowed. */
		(void)mlock(page, PAGE);
		r = exchange(c, fd, page, data, out, reason);
		secmem_wipe(page, PAGE);
		munmap(page, PAGE);
	}
	close(fd);
	if (!r && (r = add_log(c, out)) != 0)
		snprintf(
		    reason, EVIDENCE_REASON, "the event log: %s", err_text(r));
	return r;
}

static int
csv_probe(const struct evidence_config *c, char *reason)
{
	return evidence_provider_find(c, NULL, c->csv_guest, reason);
}

const struct evidence_provider *
evidence_csv(void)
{
	static const struct evidence_provider csv = {
	    "csv", 200, csv_probe, csv_produce};

	return &csv;
}
