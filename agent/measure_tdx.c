/*
 * RTMR3 of TDX guests: a file of 48 bytes. Reading it gives the register,
 * writing 48 bytes at once extends it with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/measure.h"

#define FILE_NAME "rtmr3:sha384"
#define SIZE	  48u
#define RTMR3	  4u /* in logs 0 is MRTD */

static int
failed(const char *path, char *reason)
{
	int e = errno;

	(void)snprintf(reason, EVIDENCE_REASON,
	    "cannot be extended: %.300s: %s%s", path, strerror(e),
	    e == ENOENT ? " (kernels have it from 6.16 on)" : "");
	return e == ENOENT				 ? CL_ERR_NOT_FOUND
	       : e == EACCES || e == EPERM || e == EROFS ? CL_ERR_PERMISSION
							 : CL_ERR_IO;
}

/* path has PATH_MAX bytes. */
static int
open_it(const struct measure_register *r, int flags, char *path)
{
	(void)snprintf(path, PATH_MAX, "%.4000s/%s",
	    r->config->tdx_measurements, FILE_NAME);
	return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

static int
tdx_read(const struct measure_register *r, uint8_t *value, char *reason)
{
	uint8_t got[SIZE + 1];
	char path[PATH_MAX];
	ssize_t n;
	int fd, err = CL_OK;

	if ((fd = open_it(r, O_RDONLY, path)) < 0)
		return failed(path, reason);
	do
		n = read(fd, got, sizeof(got));
	while (n < 0 && errno == EINTR);
	if (n == SIZE)
		memcpy(value, got, SIZE);
	else if (n < 0)
		err = failed(path, reason);
	else {
		(void)snprintf(reason, EVIDENCE_REASON,
		    "%.300s: expected 48 bytes, got %zd", path, n);
		err = CL_ERR_FORMAT;
	}
	close(fd);
	return err;
}

static int
tdx_extend(const struct measure_register *r, const uint8_t *event, size_t n,
    const uint8_t *digest, char *reason)
{
	char path[PATH_MAX];
	ssize_t put;
	int fd, err = CL_OK;

	(void)event;
	(void)n;
	if ((fd = open_it(r, O_WRONLY, path)) < 0)
		return failed(path, reason);
	/* Once: a second try could be a second extension. The caller reads
	 * what came of it. */
	put = write(fd, digest, SIZE);
	if (put < 0)
		err = failed(path, reason);
	else if (put != SIZE)
		err = CL_ERR_IO;
	close(fd);
	return err;
}

static int
tdx_probe(const struct measure_register *r, char *reason)
{
	char path[PATH_MAX];
	int fd = open_it(r, O_WRONLY, path);

	if (fd < 0)
		return failed(path, reason);
	close(fd);
	(void)snprintf(reason, EVIDENCE_REASON, "through %.300s", path);
	return CL_OK;
}

struct measure_register
measure_tdx(const struct evidence_config *c)
{
	return (struct measure_register){.name = "RTMR3",
	    .kind = EVENTLOG_TDX,
	    .reg = RTMR3,
	    .config = c,
	    .probe = tdx_probe,
	    .read = tdx_read,
	    .extend = tdx_extend};
}
