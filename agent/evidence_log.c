#include "agent/evidence_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/secmem.h"

#define FIRST_READ (64u << 10)

/* What can be wrong, apart from each other. */
enum topic { BASE_READ, BASE_USE, OURS_READ, OURS_USE, TOPICS };

static void say_once(enum topic topic, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Evidence may be asked for every second; what is wrong with the log does not
 * change as often. NULL: nothing is wrong any more. */
static void
say_once(enum topic topic, const char *format, ...)
{
	static char said[TOPICS][EVIDENCE_REASON];
	char text[EVIDENCE_REASON] = "";
	va_list ap;

	if (format) {
		va_start(ap, format);
		(void)vsnprintf(text, sizeof(text), format, ap);
		va_end(ap);
	}
	if (*text && strcmp(text, said[topic]) != 0)
		log_warning("%s", text);
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
		say_once(BASE_READ,
		    "evidence goes without the event log %s: %s", path,
		    strerror(errno));
		return NULL;
	}
	r = read_whole(fd, &p, n);
	close(fd);
	if (r)
		say_once(BASE_READ,
		    "evidence goes without the event log %s: %s", path,
		    err_text(r));
	else
		say_once(BASE_READ, NULL);
	return p;
}

/* ---- what proves something ---- */

/* Does the log give what was quoted of the registers that it extends? Those
 * that firmware began with something else are for reading only. */
static bool
replays(const uint8_t *log, size_t n, enum eventlog_kind kind,
    const struct eventlog_registers *quoted)
{
	struct eventlog_registers got;
	unsigned i;

	if (eventlog_replay(log, n, kind, 0, &got) != 0)
		return false;
	for (i = kind == EVENTLOG_CSV; i < got.n; i++)
		if (got.extended[i] && quoted->extended[i] &&
		    !secmem_equal(got.value[i], quoted->value[i], got.size))
			return false;
	return true;
}

/* One way to make the log: kept in *out when it proves something. */
static bool
try(const struct runtime_log *log, enum eventlog_kind kind, const uint8_t *base,
    size_t base_n, const struct eventlog_registers *quoted, size_t max,
    uint8_t **out, size_t *out_n)
{
	if (*out || runtime_log_merge(log, kind, base, base_n, out, out_n) != 0)
		return false;
	if (*out_n <= max && replays(*out, *out_n, kind, quoted))
		return true;
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
choose(const struct runtime_log *log, enum eventlog_kind kind, const char *path,
    const uint8_t *base, size_t base_n, const struct eventlog_registers *quoted,
    size_t max, uint8_t **out, size_t *out_n)
{
	static const char why[] = "something else extended the register that "
				  "this agent extends";
	bool whole, part, ours = has_kind(log, kind), mine;

	whole = base && try(log, kind, base, base_n, quoted, max, out, out_n);
	part = !whole && base && ours &&
	       try(NULL, kind, base, base_n, quoted, max, out, out_n);
	mine = !whole && !part && ours &&
	       try(log, kind, NULL, 0, quoted, max, out, out_n);
	if (base && !whole && !part)
		say_once(BASE_USE,
		    "evidence goes without the event log %s: it is malformed, "
		    "larger than %zu bytes, or does not give the registers",
		    path, max);
	else
		say_once(BASE_USE, NULL);
	if (part)
		say_once(OURS_USE,
		    "evidence goes without what this agent extended: %s, and "
		    "%s does not say it",
		    why, path);
	else if (ours && !whole && !mine)
		say_once(
		    OURS_USE, "evidence goes without an event log: %s", why);
	else
		say_once(OURS_USE, NULL);
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
		say_once(OURS_READ,
		    "evidence goes without what this agent extended: %s: %s",
		    c->runtime_log, err_text(r));
	else
		say_once(OURS_READ, NULL);
}

int
evidence_log_make(const struct evidence_config *c, enum eventlog_kind kind,
    const struct eventlog_registers *quoted, size_t max, uint8_t **out,
    size_t *out_n)
{
	struct runtime_log *log = secmem_alloc(sizeof(*log));
	const char *path = path_of(c, kind);
	size_t base_n = 0;
	uint8_t *base;

	*out = NULL;
	*out_n = 0;
	if (!log)
		return CL_ERR_MEMORY;
	load(c, log);
	base = read_base(path, &base_n);
	choose(log, kind, path, base, base_n, quoted, max, out, out_n);
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
