/*
 * Runtime registers of Hygon CSV3 guests: an ioctl of /dev/csv-guest. All
 * integers are little endian.
 *
 * ioctl argument, 24 bytes: u64 address of a buffer, u64 its length, u16
 * sub-command, u16 0, u32 error of the firmware. Buffers
 *	1 status	u16 version, u8 state (0: not started), u8 0
 *	2 start		u16 version
 *	3 read		u32 bit map of registers, 32 bytes for each of them
 *	4 extend	u8 register, u8 0, u16 32, digest[32]
 * A guest may extend registers 3 and 4: SM3(value ‖ digest).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/measure.h"
#include "lib/buf.h"

#define RTMR	0xC0184402ul
#define STATUS	1u
#define START	2u
#define READ	3u
#define EXTEND	4u
#define VERSION 1u
#define REG	4u
#define SIZE	32u

static int
failed(const struct measure_register *r, const char *what, char *reason)
{
	int e = errno;

	(void)snprintf(reason, EVIDENCE_REASON,
	    "cannot be extended: %.120s: %s: %s%s", r->config->csv_guest, what,
	    strerror(e),
	    e == ENOTTY || e == ENODEV
		? " (only CSV3 guests of newer firmware have registers)"
		: "");
	return e == ENOENT || e == ENOTTY || e == ENODEV ? CL_ERR_NOT_FOUND
	       : e == EACCES || e == EPERM		 ? CL_ERR_PERMISSION
							 : CL_ERR_IO;
}

/* One sub-command, on a device of its own. */
static int
ask(const struct measure_register *r, uint16_t command, const char *what,
    uint8_t *buf, size_t n, char *reason)
{
	const struct device *d = r->config->device;
	uint8_t arg[24] = {0};
	int fd, err = CL_OK;

	if ((fd = d->open(d->arg, r->config->csv_guest)) < 0)
		return failed(r, "open", reason);
	le64_put(arg, (uint64_t)(uintptr_t)buf);
	le64_put(arg + 8, n);
	le16_put(arg + 16, command);
	errno = EIO;
	if (d->ioctl(d->arg, fd, RTMR, arg) != 0)
		err = failed(r, what, reason);
	else if (le32_get(arg + 20)) {
		(void)snprintf(reason, EVIDENCE_REASON,
		    "cannot be extended: %.120s: %s: firmware error %#x",
		    r->config->csv_guest, what, (unsigned)le32_get(arg + 20));
		err = CL_ERR_IO;
	}
	close(fd);
	return err;
}

static int
get_state(const struct measure_register *r, uint8_t *state, char *reason)
{
	uint8_t buf[4] = {0};
	int err = ask(r, STATUS, "status", buf, sizeof(buf), reason);

	*state = buf[2];
	return err;
}

static int
csv_read(const struct measure_register *r, uint8_t *value, char *reason)
{
	uint8_t buf[4 + SIZE] = {0}, version[4] = {VERSION}, state;
	int err;

	if ((err = get_state(r, &state, reason)) != 0)
		return err;
	if (!state && (err = ask(r, START, "start", version, sizeof(version),
			   reason)) != 0)
		return err;
	le32_put(buf, 1u << REG);
	if ((err = ask(r, READ, "read", buf, sizeof(buf), reason)) != 0)
		return err;
	if (le32_get(buf) != 1u << REG) {
		(void)snprintf(reason, EVIDENCE_REASON,
		    "cannot be extended: %.120s gives other registers: %#x",
		    r->config->csv_guest, (unsigned)le32_get(buf));
		return CL_ERR_FORMAT;
	}
	memcpy(value, buf + 4, SIZE);
	return CL_OK;
}

static int
csv_extend(const struct measure_register *r, const uint8_t *event, size_t n,
    const uint8_t *digest, char *reason)
{
	uint8_t buf[4 + SIZE] = {REG};

	(void)event;
	(void)n;
	le16_put(buf + 2, SIZE);
	memcpy(buf + 4, digest, SIZE);
	return ask(r, EXTEND, "extend", buf, sizeof(buf), reason);
}

static int
csv_probe(const struct measure_register *r, char *reason)
{
	uint8_t state;
	int err = get_state(r, &state, reason);

	if (!err)
		(void)snprintf(reason, EVIDENCE_REASON, "through %.120s",
		    r->config->csv_guest);
	return err;
}

struct measure_register
measure_csv(const struct evidence_config *c)
{
	return (struct measure_register){.name = "CSV register 4",
	    .kind = EVENTLOG_CSV,
	    .reg = REG,
	    .config = c,
	    .probe = csv_probe,
	    .read = csv_read,
	    .extend = csv_extend};
}
