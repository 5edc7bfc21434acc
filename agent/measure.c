#include "agent/measure.h"

#include <stdarg.h>
#include <string.h>

#include "agent/evidence_log.h"
#include "lib/log.h"
#include "lib/secmem.h"

#define REGISTERS 2u /* that one kind of TEE may have */

static int say(char *reason, int r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int
say(char *reason, int r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(reason, EVIDENCE_REASON, format, ap);
	va_end(ap);
	return r;
}

/* ---- one register ---- */

static bool
is_of(const struct runtime_record *e, const struct measure_register *r)
{
	return e->kind == r->kind && e->reg == r->reg;
}

/* The newest record about the register; NULL when there is none. */
static struct runtime_record *
newest(struct runtime_log *log, const struct measure_register *r)
{
	unsigned i;

	for (i = log->n; i > 0; i--)
		if (is_of(&log->record[i - 1], r))
			return &log->record[i - 1];
	return NULL;
}

static void
remove_record(struct runtime_log *log, struct runtime_record *e)
{
	size_t after = (size_t)(log->record + log->n - (e + 1));

	memmove(e, e + 1, after * sizeof(*e));
	log->n--;
}

/* A register of zeros was never extended: what the log says about it is of a
 * TPM that was reset since. */
static bool
forget_reset(struct runtime_log *log, const struct measure_register *r,
    const uint8_t *value)
{
	static const uint8_t zeros[EVENTLOG_DIGEST_MAX];
	struct runtime_record *e;
	bool any = false;

	if (!secmem_equal(value, zeros, runtime_size(r->kind)))
		return false;
	for (; (e = newest(log, r)) != NULL; any = true)
		remove_record(log, e);
	return any;
}

/* What became of an extension that an earlier start only announced: *changed
 * when the log has to be written. */
static int
settle(struct runtime_log *log, const struct measure_register *r,
    const uint8_t *value, bool *changed)
{
	uint8_t digest[EVENTLOG_DIGEST_MAX], after[EVENTLOG_DIGEST_MAX];
	size_t size = runtime_size(r->kind);
	struct runtime_record *e;
	int err;

	*changed = forget_reset(log, r, value);
	if (!(e = newest(log, r)) || !e->intended)
		return CL_OK;
	if ((err = runtime_digest(e, digest, after)) != 0)
		return err;
	*changed = true;
	if (secmem_equal(value, after, size)) {
		e->intended = false;
		return CL_OK;
	}
	if (!secmem_equal(value, e->before, size))
		log_warning("%s: an earlier start was interrupted, and "
			    "something else has extended the register since: "
			    "whether that start is in it is unknown, so it is "
			    "not recorded",
		    r->name);
	remove_record(log, e);
	return CL_OK;
}

/* Does the register hold this start, and nothing behind it that no log
 * explains? */
static bool
holds(const struct runtime_log *log, const struct measure_register *r,
    const struct runtime_record *last, const struct runtime_record *wanted,
    const uint8_t *value)
{
	uint8_t digest[EVENTLOG_DIGEST_MAX], after[EVENTLOG_DIGEST_MAX];

	if (!last || runtime_digest(last, digest, after) != 0)
		return false;
	if (!secmem_equal(after, value, runtime_size(r->kind)) &&
	    !evidence_log_explains(r->config, log, r->kind, r->reg, value)) {
		log_warning("%s was extended by something else since the last "
			    "start, and no log says by what",
		    r->name);
		return false;
	}
	return secmem_equal(last->binary, wanted->binary, 32) &&
	       secmem_equal(last->config, wanted->config, 32);
}

/* After the extension was asked for, with result err. */
static int
confirm(struct runtime_log *log, const struct measure_register *r, int err,
    const uint8_t *after, char *reason)
{
	struct runtime_record *e = newest(log, r);
	uint8_t now[EVENTLOG_DIGEST_MAX];
	size_t size = runtime_size(r->kind);
	char why[EVIDENCE_REASON] = "";

	/* The record stays as it is: the next start will look again. */
	if (r->read(r, now, why) != 0)
		return say(reason, CL_ERR_IO,
		    "cannot be read after it was extended: %.400s", why);
	if (secmem_equal(now, after, size)) {
		e->intended = false;
		return say(reason, CL_OK, "extended with this start");
	}
	if (secmem_equal(now, e->before, size)) {
		remove_record(log, e);
		return err ? err
			   : say(reason, CL_ERR_IO,
				 "is unchanged after it was extended");
	}
	if (err)
		remove_record(log, e);
	else
		e->intended = false;
	return say(reason, err ? err : CL_ERR_EVIDENCE,
	    "was extended by something else at the same time");
}

/* The record first, durably, then the register, then the record again. */
static int
extend(struct runtime_log *log, const struct measure_register *r,
    const struct runtime_record *wanted, const char *path, char *reason)
{
	uint8_t digest[EVENTLOG_DIGEST_MAX], after[EVENTLOG_DIGEST_MAX],
	    event[RUNTIME_EVENT_MAX];
	size_t n = runtime_event(wanted, event);
	int err, stored;

	if (log->n == RUNTIME_RECORDS_MAX)
		return say(reason, CL_ERR_LIMIT,
		    "not extended: %.300s has %u records since boot", path,
		    log->n);
	if ((err = runtime_digest(wanted, digest, after)) != 0)
		return say(reason, err, "no digest: %s", err_text(err));
	log->record[log->n++] = *wanted;
	if ((err = runtime_log_store(path, log)) != 0)
		return say(reason, err,
		    "not extended, for its record cannot be written to "
		    "%.300s: %s",
		    path, err_text(err));
	err = r->extend(r, event, n, digest, reason);
	err = confirm(log, r, err, after, reason);
	if ((stored = runtime_log_store(path, log)) != 0)
		log_warning("%s: %s: the next start will see what was extended",
		    path, err_text(stored));
	return err;
}

static int
load(const char *path, struct runtime_log *log, char *reason)
{
	int r = runtime_log_load(path, log);

	if (r == CL_ERR_FORMAT || r == CL_ERR_TOO_LARGE) {
		log_warning("%s is damaged: starts before this one are lost "
			    "from the log",
		    path);
		return CL_OK;
	}
	return r ? say(reason, r, "not extended: %.300s: %s", path, err_text(r))
		 : CL_OK;
}

static int
measure(const struct measure_register *r, struct runtime_log *log,
    const char *path, struct runtime_record *wanted, char *reason)
{
	struct runtime_record *last;
	bool changed;
	int err;

	if ((err = load(path, log, reason)) != 0 ||
	    (err = r->read(r, wanted->before, reason)) != 0)
		return err;
	if ((err = settle(log, r, wanted->before, &changed)) != 0)
		return say(reason, err, "no digest: %s", err_text(err));
	last = newest(log, r);
	if (!holds(log, r, last, wanted, wanted->before))
		return extend(log, r, wanted, path, reason);
	if (changed && (err = runtime_log_store(path, log)) != 0)
		log_warning("%s: %s", path, err_text(err));
	return say(reason, CL_OK, "holds this start since an earlier one");
}

int
measure_register(const struct measure_register *r, const char *path,
    const uint8_t binary[32], const uint8_t config[32],
    char reason[EVIDENCE_REASON])
{
	struct runtime_record wanted = {
	    .kind = r->kind, .reg = r->reg, .intended = true};
	struct runtime_log *log = secmem_alloc(sizeof(*log));
	int err;

	reason[0] = '\0';
	if (!log)
		return say(reason, CL_ERR_MEMORY, "%s", "out of memory");
	memcpy(wanted.binary, binary, 32);
	memcpy(wanted.config, config, 32);
	err = measure(r, log, path, &wanted, reason);
	secmem_free(log);
	return err;
}

/* ---- which registers ---- */

static unsigned
choose(const struct evidence_config *c, const char *tee,
    struct measure_register out[REGISTERS])
{
	unsigned n = 0;

	if (!strcmp(tee, "tdx"))
		out[n++] = measure_tdx(c);
	if (!strcmp(tee, "csv"))
		out[n++] = measure_csv(c);
	if (c->measure_pcr)
		out[n++] = measure_tpm(c);
	return n;
}

void
measure_start(const struct evidence_config *c, const char *tee,
    const uint8_t binary[32], const uint8_t config[32])
{
	struct measure_register r[REGISTERS];
	char reason[EVIDENCE_REASON];
	unsigned i, n = choose(c, tee, r);

	for (i = 0; i < n; i++) {
		if (measure_register(
			&r[i], c->runtime_log, binary, config, reason))
			log_warning("not measured: %s %s", r[i].name, reason);
		else
			log_info("measured: %s %s", r[i].name, reason);
	}
}

void
measure_explain(const struct evidence_config *c, const char *tee, FILE *f)
{
	struct measure_register r[REGISTERS];
	char reason[EVIDENCE_REASON];
	unsigned i, n = choose(c, tee, r);

	for (i = 0; i < n; i++) {
		if (r[i].probe(&r[i], reason))
			fprintf(f, "measured start = none: %s %s\n", r[i].name,
			    reason);
		else
			fprintf(
			    f, "measured start = %s: %s\n", r[i].name, reason);
	}
	if (!n)
		fprintf(f,
		    "measured start = none: %s has no register for it, and "
		    "[tpm] measure_pcr names no PCR\n",
		    tee);
}
