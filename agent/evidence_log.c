#include "agent/evidence_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/secmem.h"

#define FIRST_READ (64u << 10)
#define WHY	   300u

/* What a log has to fit. */
struct want {
	const struct eventlog_quoted *quoted;
	size_t max;
};

/* What can be wrong, apart from each other. */
enum topic { BASE, OURS, USE, TOPICS };

static void say_once(enum topic topic, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What was said last of each. */
static char (*said)[EVIDENCE_REASON];

void
evidence_log_remember(void)
{
	void *p = mmap(NULL, TOPICS * sizeof(*said), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	said = p == MAP_FAILED ? NULL : p;
}

/* Evidence may be asked for every second; what is wrong with the log does not
 * change as often. NULL: nothing is wrong any more. */
static void
say_once(enum topic topic, const char *format, ...)
{
	char text[EVIDENCE_REASON] = "";
	va_list ap;

	if (format) {
		va_start(ap, format);
		(void)vsnprintf(text, sizeof(text), format, ap);
		va_end(ap);
	}
	if (*text && (!said || strcmp(text, said[topic]) != 0))
		log_warning("%s", text);
	if (said)
		memcpy(said[topic], text, sizeof(text));
}

/* ---- the base ---- */

/* Reads on until the end or cap bytes. */
static int
fill(int fd, uint8_t *p, size_t cap, size_t *n)
{
	ssize_t got;

	while (*n < cap && (got = read(fd, p + *n, cap - *n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return CL_ERR_IO;
		*n += (size_t)got;
	}
	return CL_OK;
}

/* Files of the kernel do not always say how long they are. */
static int
read_whole(int fd, uint8_t **out, size_t *n)
{
	uint8_t *p = NULL, *more;
	size_t cap = FIRST_READ;
	int r;

	*n = 0;
	do {
		if (!(more = secmem_realloc(p, cap *= 2))) {
			secmem_free(p);
			return CL_ERR_MEMORY;
		}
		p = more;
		r = fill(fd, p, cap, n);
	} while (r == 0 && *n == cap && cap < EVENTLOG_MAX);
	if (r == 0 && *n == cap)
		r = CL_ERR_TOO_LARGE;
	*out = r ? NULL : p;
	if (r)
		secmem_free(p);
	return r;
}

/* Where the base is; "" for none. */
static const char *
path_of(const struct evidence_config *c, enum eventlog_kind kind)
{
	const char *path = c->ccel;

	if (kind == EVENTLOG_TPM)
		path = c->tpm_eventlog;
	else if (c->aael && *c->aael && access(c->aael, F_OK) == 0)
		path = c->aael;
	return path ? path : "";
}

/* NULL: there is none, or none that can be read, which is said. */
static uint8_t *
read_base(const char *path, size_t *n)
{
	uint8_t *p = NULL;
	int fd, r;

	if (!*path)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		say_once(BASE, "evidence goes without the event log %s: %s",
		    path, strerror(errno));
		return NULL;
	}
	r = read_whole(fd, &p, n);
	close(fd);
	if (r)
		say_once(BASE, "evidence goes without the event log %s: %s",
		    path, err_text(r));
	else
		say_once(BASE, NULL);
	return p;
}

/* ---- what proves something ---- */

/* Would a verifier take it? why: the first register that differs. */
static int
join(const uint8_t *log, size_t n, const struct eventlog_quoted *quoted,
    char why[WHY])
{
	struct appraise_result *rows = secmem_alloc(sizeof(*rows));
	uint32_t explained;
	unsigned i = 0;
	int r;

	if (!rows)
		return CL_ERR_MEMORY;
	r = eventlog_join(log, n, quoted, rows, &explained);
	while (i < rows->nrows && rows->rows[i].ok)
		i++;
	if (i < rows->nrows)
		(void)snprintf(why, WHY, "%s: expected %.100s, came %.100s",
		    rows->rows[i].claim, rows->rows[i].expected,
		    rows->rows[i].came);
	secmem_free(rows);
	return r;
}

/* One way to make the log: kept in *out when a verifier would take it. */
static bool
try(const struct runtime_log *log, const uint8_t *base, size_t base_n,
    const struct want *want, uint8_t **out, size_t *out_n, char why[WHY])
{
	int r;

	why[0] = '\0';
	r = runtime_log_merge(
	    log, want->quoted->kind, base, base_n, out, out_n);
	if (r == CL_ERR_EVIDENCE)
		(void)snprintf(why, WHY, "%s",
		    "something else extended the register that this agent "
		    "extends");
	else if (!r && *out_n > want->max)
		r = CL_ERR_TOO_LARGE;
	else if (!r)
		r = join(*out, *out_n, want->quoted, why);
	if (!r)
		return true;
	if (r == CL_ERR_TOO_LARGE)
		(void)snprintf(
		    why, WHY, "%zu bytes are more than %zu", *out_n, want->max);
	else if (!why[0])
		(void)snprintf(why, WHY, "it is malformed: %s", err_text(r));
	secmem_free(*out);
	*out = NULL;
	return false;
}

static bool
has_kind(const struct runtime_log *log, enum eventlog_kind kind)
{
	unsigned i;

	for (i = 0; i < log->n; i++)
		if (log->record[i].kind == kind && !log->record[i].intended)
			return true;
	return false;
}

/* The whole; or the firmware's part of it; or ours. */
static void
choose(const struct runtime_log *log, const char *path, const uint8_t *base,
    size_t base_n, const struct want *want, uint8_t **out, size_t *out_n)
{
	bool ours = has_kind(log, want->quoted->kind);
	char why[WHY] = "", other[WHY];
	const char *lost = NULL;

	if (!base && ours && !try(log, NULL, 0, want, out, out_n, why))
		lost = "an event log";
	if (base && !try(log, base, base_n, want, out, out_n, why)) {
		if (ours && try(NULL, base, base_n, want, out, out_n, other))
			lost = "what this agent extended";
		else if (ours && try(log, NULL, 0, want, out, out_n, other))
			lost = "the firmware's event log";
		else
			lost = "an event log";
	}
	if (lost)
		say_once(USE, "evidence goes without %s (%s): %s", lost,
		    base ? path : "the firmware gives none", why);
	else
		say_once(USE, NULL);
}

/* ---- for providers ---- */

static void
load(const struct evidence_config *c, struct runtime_log *log)
{
	int r = CL_OK;

	memset(log, 0, sizeof(*log));
	if (c->runtime_log && *c->runtime_log)
		r = runtime_log_load(c->runtime_log, log);
	if (r)
		say_once(OURS,
		    "evidence goes without what this agent extended: %s: %s",
		    c->runtime_log, err_text(r));
	else
		say_once(OURS, NULL);
}

int
evidence_log_make(const struct evidence_config *c,
    const struct eventlog_quoted *quoted, size_t max, uint8_t **out,
    size_t *out_n)
{
	struct runtime_log *log = secmem_alloc(sizeof(*log));
	const char *path = path_of(c, quoted->kind);
	const struct want want = {quoted, max};
	size_t base_n = 0;
	uint8_t *base;

	*out = NULL;
	if (!log)
		return CL_ERR_MEMORY;
	load(c, log);
	base = read_base(path, &base_n);
	choose(log, path, base, base_n, &want, out, out_n);
	if (!*out)
		*out_n = 0;
	secmem_free(base);
	secmem_free(log);
	return CL_OK;
}

bool
evidence_log_explains(const struct evidence_config *c,
    const struct runtime_log *log, enum eventlog_kind kind, uint32_t reg,
    const uint8_t *value)
{
	struct eventlog_registers got;
	uint32_t at = reg - (kind == EVENTLOG_TDX); /* 0 is MRTD there */
	uint8_t *base, *p = NULL;
	size_t base_n = 0, n = 0;
	bool ok;

	base = read_base(path_of(c, kind), &base_n);
	ok = runtime_log_merge(log, kind, base, base_n, &p, &n) == 0 &&
	     eventlog_replay(p, n, kind, 0, &got) == 0 && at < got.n &&
	     secmem_equal(got.value[at], value, got.size);
	secmem_free(base);
	secmem_free(p);
	return ok;
}
