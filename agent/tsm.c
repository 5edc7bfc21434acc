#include "agent/tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/secmem.h"

/* Pauses of 0.1, 0.2 ... 2 seconds, seven in all: hosts let an SNP guest ask
 * about twice in two seconds. */
#define TRIES	 8
#define FIRST_MS 100
#define MAX_MS	 2000

/* A folder that is ours as long as nobody else with root's power writes. */
struct entry {
	char path[PATH_MAX];
	int dir;
	unsigned long writes; /* that the kernel counts in generation */
	char *reason;
};

static int
code_of(int error)
{
	switch (error) {
	case EBUSY:
	case EAGAIN:
	case EINTR:
		return CL_ERR_BUSY;
	case ENOENT:
	case ENOTDIR:
	case ENXIO:
	case ENODEV:
		return CL_ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return CL_ERR_PERMISSION;
	case ETIMEDOUT:
		return CL_ERR_TIMEOUT;
	case EFBIG:
		return CL_ERR_TOO_LARGE;
	default:
		return CL_ERR_IO;
	}
}

/* errno, told as what was being done. */
static int
blame(struct entry *e, const char *what, const char *name)
{
	int error = errno;

	snprintf(e->reason, TSM_REASON, "%.120s: %s %s: %s", e->path, what,
	    name, strerror(error));
	return code_of(error);
}

/* ---- one attribute ---- */

/* Until the end of the file: one read may give less than there is. */
static int
read_all(int fd, uint8_t *p, size_t cap, size_t *n)
{
	ssize_t got;

	*n = 0;
	while ((got = read(fd, p + *n, cap - *n)) > 0) {
		*n += (size_t)got;
		if (*n == cap) {
			errno = EFBIG;
			return -1;
		}
	}
	return got < 0 ? -1 : 0;
}

/* At most cap - 1 bytes. CL_ERR_NOT_FOUND only when it is not there. */
static int
get(struct entry *e, const char *name, uint8_t *p, size_t cap, size_t *n)
{
	int fd = openat(e->dir, name, O_RDONLY | O_CLOEXEC), r = CL_OK;

	*n = 0;
	if (fd < 0)
		return blame(e, "cannot open", name);
	if (read_all(fd, p, cap, n)) {
		r = blame(e, "cannot read", name);
		if (r == CL_ERR_NOT_FOUND)
			r = CL_ERR_IO; /* ENXIO: the provider has gone */
	}
	close(fd);
	return r;
}

/* Text without its newline. */
static int
get_text(struct entry *e, const char *name, char *text, size_t cap)
{
	size_t n;
	int r;

	if ((r = get(e, name, (uint8_t *)text, cap, &n)) != 0)
		return r;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return CL_OK;
}

static int
get_number(struct entry *e, const char *name, unsigned long *v)
{
	char text[32], *end;
	int r;

	if ((r = get_text(e, name, text, sizeof(text))) != 0)
		return r;
	errno = 0;
	*v = strtoul(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && !*end && !errno)
		return CL_OK;
	snprintf(e->reason, TSM_REASON, "%.120s/%s: expected a number", e->path,
	    name);
	return CL_ERR_FORMAT;
}

/* In one write; a binary attribute takes effect when it is closed. */
static int
put(struct entry *e, const char *name, const void *p, size_t n)
{
	int fd = openat(e->dir, name, O_WRONLY | O_CLOEXEC), r = CL_OK;
	ssize_t put;

	if (fd < 0)
		return blame(e, "cannot open", name);
	put = write(fd, p, n);
	if (put >= 0 && put != (ssize_t)n)
		errno = EIO;
	if (put != (ssize_t)n)
		r = blame(e, "cannot write", name);
	if (close(fd) && !r)
		r = blame(e, "cannot write", name);
	if (r == CL_ERR_NOT_FOUND)
		r = CL_ERR_IO;
	if (!r)
		e->writes++;
	return r;
}

/* ---- the folder ---- */

static int
make_entry(struct entry *e, const char *root, char *reason)
{
	int r;

	memset(e, 0, sizeof(*e));
	e->dir = -1;
	e->reason = reason;
	if ((size_t)snprintf(e->path, sizeof(e->path), "%s/cloister-XXXXXX",
		root) >= sizeof(e->path)) {
		snprintf(reason, TSM_REASON, "the tsm root is too long");
		e->path[0] = '\0';
		return CL_ERR_ARGUMENT;
	}
	if (!mkdtemp(e->path)) {
		r = code_of(errno);
		snprintf(reason, TSM_REASON,
		    "%.160s: cannot make a request: %s", root, strerror(errno));
		e->path[0] = '\0';
		return r;
	}
	e->dir = open(e->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return e->dir < 0 ? blame(e, "cannot open", "the request") : CL_OK;
}

/* Also what make_entry() left half done. */
static void
remove_entry(struct entry *e)
{
	if (e->dir >= 0)
		close(e->dir);
	if (e->path[0] && rmdir(e->path))
		log_warning("%s: cannot remove: %s", e->path, strerror(errno));
}

int
tsm_provider(const char *root, char name[TSM_NAME], char reason[TSM_REASON])
{
	struct entry e;
	int r;

	reason[0] = name[0] = '\0';
	if ((r = make_entry(&e, root, reason)) == CL_OK)
		r = get_text(&e, "provider", name, TSM_NAME);
	remove_entry(&e);
	return r;
}

/* ---- one request ---- */

static int
check_provider(struct entry *e, const char *wanted)
{
	char name[TSM_NAME];
	int r;

	if ((r = get_text(e, "provider", name, sizeof(name))) != 0)
		return r;
	if (!strcmp(name, wanted))
		return CL_OK;
	snprintf(e->reason, TSM_REASON, "%.120s: expected provider %s, got %s",
	    e->path, wanted, name);
	return CL_ERR_UNSUPPORTED;
}

/* The most privileged level that this kernel may ask for: under a paravisor
 * it is not 0, and asking for less than it would fail in the firmware. */
static int
choose_level(struct entry *e)
{
	unsigned long floor;
	char text[24];
	int r;

	r = get_number(e, "privlevel_floor", &floor);
	if (r == CL_ERR_NOT_FOUND)
		return CL_OK; /* this provider has no levels */
	if (r)
		return r;
	snprintf(text, sizeof(text), "%lu", floor);
	return put(e, "privlevel", text, strlen(text));
}

/* Whose report it is to be; then the level is the SVSM's own. */
static int
choose_service(struct entry *e, const char *guid)
{
	int r;

	if (faccessat(e->dir, "service_provider", F_OK, 0)) {
		snprintf(
		    e->reason, TSM_REASON, "%.120s: there is no SVSM", e->path);
		return CL_ERR_UNSUPPORTED;
	}
	if ((r = put(e, "service_provider", "svsm", 4)) != 0 ||
	    (r = put(e, "service_guid", guid, strlen(guid))) != 0)
		return r;
	return put(e, "service_manifest_version", TSM_SVSM_VERSION,
	    strlen(TSM_SVSM_VERSION));
}

/* CL_ERR_BUSY: somebody else wrote, so the report may answer him. */
static int
check_generation(struct entry *e)
{
	unsigned long now;
	int r;

	if ((r = get_number(e, "generation", &now)) != 0)
		return r;
	if (now == e->writes)
		return CL_OK;
	snprintf(e->reason, TSM_REASON,
	    "%.120s: generation is %lu after %lu writes: another process "
	    "uses our request",
	    e->path, now, e->writes);
	return CL_ERR_BUSY;
}

/* *out: as large as its content, which may be nothing. */
static int
get_blob(
    struct entry *e, const char *name, size_t max, uint8_t **out, size_t *n)
{
	uint8_t *all = secmem_alloc(max + 1);
	int r = CL_ERR_MEMORY;

	if (!all)
		return r;
	if ((r = get(e, name, all, max + 1, n)) == CL_OK) {
		r = CL_ERR_MEMORY;
		if ((*out = secmem_alloc(*n ? *n : 1)) != NULL) {
			memcpy(*out, all, *n);
			r = CL_OK;
		}
	}
	secmem_free(all);
	if (r)
		*n = 0;
	return r;
}

/* Certificates help, but a report without them is a report. */
static int
get_aux(struct entry *e, struct tsm_report *report)
{
	int r;

	r = get_blob(e, "auxblob", TSM_AUX_MAX, &report->aux, &report->aux_n);
	if (r == CL_ERR_TOO_LARGE)
		log_warning("%s", e->reason);
	return r == CL_ERR_NOT_FOUND || r == CL_ERR_TOO_LARGE ? CL_OK : r;
}

/* Of a service. */
static int
get_manifest(
    struct entry *e, const struct tsm_request *q, struct tsm_report *report)
{
	return q->service ? get_blob(e, "manifestblob", TSM_MANIFEST_MAX,
				&report->manifest, &report->manifest_n)
			  : CL_OK;
}

static int
ask(struct entry *e, const struct tsm_request *q, struct tsm_report *report)
{
	int r;

	if ((r = check_provider(e, q->provider)) != 0)
		return r;
	/* Options first: what is written last is what is answered. */
	if ((r = q->service ? choose_service(e, q->service)
			    : choose_level(e)) != 0 ||
	    (r = put(e, "inblob", q->data, TSM_DATA)) != 0 ||
	    (r = get_blob(e, "outblob", TSM_OUT_MAX, &report->out,
		 &report->out_n)) != 0 ||
	    (r = get_aux(e, report)) != 0 ||
	    (r = get_manifest(e, q, report)) != 0 ||
	    (r = check_generation(e)) != 0)
		/* The interface is there: it must not look absent. */
		return r == CL_ERR_NOT_FOUND ? CL_ERR_IO : r;
	return q->check(report->out, report->out_n, q->data, e->reason);
}

static int
ask_once(const struct tsm_request *q, struct tsm_report *report, char *reason)
{
	struct entry e;
	int r;

	if ((r = make_entry(&e, q->root, reason)) == CL_OK)
		r = ask(&e, q, report);
	remove_entry(&e);
	if (r)
		tsm_clear(report);
	return r;
}

int
tsm_report(const struct tsm_request *q, struct tsm_report *report,
    char reason[TSM_REASON])
{
	/* Some SVSMs do not survive a request that the host throttles. */
	int ms = q->service ? MAX_MS : FIRST_MS, i, r = CL_ERR_BUSY;
	struct timespec t;

	memset(report, 0, sizeof(*report));
	reason[0] = '\0';
	for (i = 0; i < TRIES && r == CL_ERR_BUSY; i++) {
		if (i) {
			t.tv_sec = ms / 1000;
			t.tv_nsec = ms % 1000 * 1000000L;
			nanosleep(&t, NULL);
			ms = ms * 2 > MAX_MS ? MAX_MS : ms * 2;
		}
		r = ask_once(q, report, reason);
	}
	return r == CL_ERR_BUSY ? CL_ERR_TIMEOUT : r;
}

void
tsm_clear(struct tsm_report *report)
{
	secmem_free(report->out);
	secmem_free(report->aux);
	secmem_free(report->manifest);
	memset(report, 0, sizeof(*report));
}
