#include "agent/runtime_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/eventlog_aael.h"
#include "policy/rows.h"

#define FILE_MAX_BYTES (64u << 10)
/* Head of a record, digests of every algorithm, event. */
#define RECORD_MAX                                                             \
	(16u + EVENTLOG_DIGESTS * (2u + EVENTLOG_DIGEST_MAX) +                 \
	    RUNTIME_EVENT_MAX)
#define HEADER_MAX 128u

static const struct {
	const char *name;
	uint16_t alg;
	size_t size;
} kinds[] = {
    [EVENTLOG_TDX] = {"tdx", EVENTLOG_SHA384, 48},
    [EVENTLOG_CSV] = {"csv", EVENTLOG_SM3, 32},
    [EVENTLOG_TPM] = {"tpm", EVENTLOG_SHA256, 32},
};

size_t
runtime_size(enum eventlog_kind kind)
{
	return kinds[kind].size;
}

/* ---- the file ---- */

/* A file of the kernel says nothing about its size. */
static int
get_boot_id(uint8_t boot[16])
{
	char text[UUID_TEXT + 1] = "";
	FILE *f = fopen(RUNTIME_BOOT_ID, "re");

	if (!f)
		return CL_ERR_NOT_FOUND;
	if (fgets(text, sizeof(text), f))
		text[strcspn(text, "\n")] = '\0';
	fclose(f);
	return uuid_parse(text, boot);
}

static int
get_kind(const json_t *o, enum eventlog_kind *kind)
{
	const char *name;
	int r, k;

	if ((r = json_get_str(o, "kind", &name)) != 0)
		return r;
	for (k = EVENTLOG_TDX; k <= EVENTLOG_TPM; k++)
		if (!strcmp(name, kinds[k].name)) {
			*kind = (enum eventlog_kind)k;
			return CL_OK;
		}
	return json_blame("kind");
}

static int
get_record(const json_t *o, struct runtime_record *e)
{
	static const char *const known[] = {
	    "kind", "register", "before", "binary", "config", "state", NULL};
	const char *state;
	int64_t reg;
	int r;

	if ((r = json_only(o, known)) != 0 ||
	    (r = get_kind(o, &e->kind)) != 0 ||
	    (r = json_get_int(
		 o, "register", 0, EVENTLOG_REGISTERS - 1, &reg)) != 0 ||
	    (r = json_get_bytes(o, "before", e->before, kinds[e->kind].size)) !=
		0 ||
	    (r = json_get_bytes(o, "binary", e->binary, 32)) != 0 ||
	    (r = json_get_bytes(o, "config", e->config, 32)) != 0 ||
	    (r = json_get_str(o, "state", &state)) != 0)
		return r;
	e->reg = (uint32_t)reg;
	e->intended = !strcmp(state, "intended");
	return e->intended || !strcmp(state, "extended") ? CL_OK
							 : json_blame("state");
}

static int
get_records(const json_t *list, struct runtime_log *log)
{
	size_t i;
	int r;

	if (!json_is_array(list) || json_array_size(list) > RUNTIME_RECORDS_MAX)
		return json_blame("records");
	for (i = 0; i < json_array_size(list); i++)
		if ((r = get_record(
			 json_array_get(list, i), &log->record[i])) != 0)
			return r;
	log->n = (unsigned)i;
	return CL_OK;
}

static int
parse(const char *text, size_t n, struct runtime_log *log)
{
	static const char *const known[] = {"v", "boot", "records", NULL};
	uint8_t boot[16], now[16];
	json_t *o;
	int64_t v;
	int r = CL_ERR_FORMAT;

	if (!(o = json_parse(text, n, &r)))
		return r;
	if ((r = json_only(o, known)) == 0 &&
	    (r = json_get_int(o, "v", 1, 1, &v)) == 0 &&
	    (r = json_get_uuid(o, "boot", boot)) == 0 &&
	    (r = get_boot_id(now)) == 0 &&
	    secmem_equal(boot, now, sizeof(boot)))
		r = get_records(json_object_get(o, "records"), log);
	json_decref(o);
	return r;
}

int
runtime_log_load(const char *path, struct runtime_log *log)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int r;

	memset(log, 0, sizeof(*log));
	r = file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text, &n);
	if (r == CL_ERR_NOT_FOUND)
		return CL_OK;
	if (!r && (r = parse((const char *)text, n, log)) != 0)
		memset(log, 0, sizeof(*log));
	secmem_free(text);
	return r;
}

static int
put_record(json_t *list, const struct runtime_record *e)
{
	json_t *o = json_object();
	int r;

	/* The list owns it from here. */
	if (json_array_append_new(list, o) ||
	    json_object_set_new(o, "kind", json_string(kinds[e->kind].name)) ||
	    json_object_set_new(o, "register", json_integer(e->reg)) ||
	    json_object_set_new(
		o, "state", json_string(e->intended ? "intended" : "extended")))
		return CL_ERR_MEMORY;
	if ((r = json_set_blob(o, "before", e->before, kinds[e->kind].size)) !=
		0 ||
	    (r = json_set_blob(o, "binary", e->binary, 32)) != 0)
		return r;
	return json_set_blob(o, "config", e->config, 32);
}

static int
put_log(json_t *o, const struct runtime_log *log)
{
	json_t *list = json_array();
	uint8_t boot[16];
	unsigned i;
	int r;

	if ((r = get_boot_id(boot)) != 0 ||
	    (r = json_set_uuid(o, "boot", boot)) != 0) {
		json_decref(list);
		return r;
	}
	if (json_object_set_new(o, "v", json_integer(1)) ||
	    json_object_set_new(o, "records", list))
		return CL_ERR_MEMORY;
	for (i = 0; i < log->n && !r; i++)
		r = put_record(list, &log->record[i]);
	return r;
}

int
runtime_log_store(const char *path, const struct runtime_log *log)
{
	json_t *o = json_object();
	char *text = NULL;
	size_t n;
	int r;

	if ((r = put_log(o, log)) == 0) {
		text = json_text(o, &n);
		r = text ? file_write_atomic(AT_FDCWD, path, text, n, 0600)
			 : CL_ERR_MEMORY;
	}
	secmem_free(text);
	json_decref(o);
	return r;
}

/* ---- records ---- */

size_t
runtime_event(
    const struct runtime_record *record, uint8_t out[RUNTIME_EVENT_MAX])
{
	char binary[65], config[65];
	int n;

	rows_hex(record->binary, 32, binary);
	rows_hex(record->config, 32, config);
	n = snprintf((char *)out + 8, RUNTIME_EVENT_MAX - 8,
	    "cloister start {\"binary\":\"%s\",\"config\":\"%s\"}", binary,
	    config);
	le32_put(out, EVENTLOG_AAEL_MAGIC);
	le32_put(out + 4, (uint32_t)n);
	return 8 + (size_t)n;
}

static int
extend(uint16_t alg, uint8_t *value, size_t size, const uint8_t *digest)
{
	uint8_t both[2 * EVENTLOG_DIGEST_MAX];
	size_t n;

	memcpy(both, value, size);
	memcpy(both + size, digest, size);
	return eventlog_hash(alg, both, 2 * size, value, &n);
}

int
runtime_digest(const struct runtime_record *record,
    uint8_t digest[EVENTLOG_DIGEST_MAX], uint8_t after[EVENTLOG_DIGEST_MAX])
{
	uint16_t alg = kinds[record->kind].alg;
	size_t size = kinds[record->kind].size, n;
	uint8_t event[RUNTIME_EVENT_MAX];
	int r;

	n = runtime_event(record, event);
	if ((r = eventlog_hash(alg, event, n, digest, &n)) != 0)
		return r;
	memcpy(after, record->before, size);
	return extend(alg, after, size, digest);
}

/* ---- the log ---- */

/* A log in the making: what was written, and what it makes of registers. */
struct merge {
	const struct runtime_log *log;
	enum eventlog_kind kind;
	const struct eventlog *base; /* for its algorithms */
	struct wr out;
	bool done[RUNTIME_RECORDS_MAX];
	uint8_t value[EVENTLOG_REGISTERS][EVENTLOG_DIGEST_MAX];
};

/* As an empty firmware log would begin. */
static int
put_header(struct wr *out, enum eventlog_kind kind)
{
	static const uint8_t zeros[20];
	int r;

	if ((r = wr_u32(out, 0)) != 0 ||
	    (r = wr_u32(out, EVENTLOG_NO_ACTION)) != 0 ||
	    (r = wr_bytes(out, zeros, sizeof(zeros))) != 0 ||
	    (r = wr_u32(out, 33)) != 0 ||
	    (r = wr_bytes(out, "Spec ID Event03", 16)) != 0 ||
	    (r = wr_u32(out, 0)) != 0 ||
	    (r = wr_bytes(out, "\0\2\0\2", 4)) != 0 ||
	    (r = wr_u32(out, 1)) != 0 ||
	    (r = wr_u16(out, kinds[kind].alg)) != 0 ||
	    (r = wr_u16(out, (uint16_t)kinds[kind].size)) != 0)
		return r;
	return wr_u8(out, 0);
}

/* One digest for each algorithm of the log that can be computed here. */
static int
put_digests(struct merge *m, const uint8_t *event, size_t n)
{
	uint8_t digest[EVENTLOG_DIGEST_MAX], *count;
	uint32_t done = 0;
	unsigned i;
	size_t size;
	int r;

	if ((r = wr_reserve(&m->out, &count, 4)) != 0)
		return r;
	for (i = 0; i < m->base->nalgs; i++) {
		r = eventlog_hash(m->base->alg[i].id, event, n, digest, &size);
		if (r == CL_ERR_UNSUPPORTED)
			continue;
		if (r || (r = wr_u16(&m->out, m->base->alg[i].id)) != 0 ||
		    (r = wr_bytes(&m->out, digest, size)) != 0)
			return r;
		done++;
	}
	le32_put(count, done);
	return done ? CL_OK : CL_ERR_UNSUPPORTED;
}

static int
put_record_of(struct merge *m, unsigned i)
{
	const struct runtime_record *e = &m->log->record[i];
	uint8_t event[RUNTIME_EVENT_MAX], digest[EVENTLOG_DIGEST_MAX];
	size_t n = runtime_event(e, event);
	int r;

	if ((r = wr_u32(&m->out, e->reg)) != 0 ||
	    (r = wr_u32(&m->out, EVENTLOG_EVENT_TAG)) != 0 ||
	    (r = put_digests(m, event, n)) != 0 ||
	    (r = wr_blob(&m->out, event, n)) != 0)
		return r;
	m->done[i] = true;
	return runtime_digest(e, digest, m->value[e->reg]);
}

/* Records that found the register (EVENTLOG_REGISTERS: any) as it is now. */
static int
put_due(struct merge *m, uint32_t reg)
{
	const struct runtime_record *e;
	unsigned i;
	int r;

	for (i = 0; m->log && i < m->log->n; i++) {
		e = &m->log->record[i];
		if (m->done[i] || e->intended || e->kind != m->kind ||
		    (reg != EVENTLOG_REGISTERS && e->reg != reg) ||
		    !secmem_equal(
			e->before, m->value[e->reg], kinds[m->kind].size))
			continue;
		if ((r = put_record_of(m, i)) != 0)
			return r;
	}
	return CL_OK;
}

/* A record of the base log, as it is, behind those of ours that came before. */
static int
copy_event(struct merge *m, const struct eventlog_event *event,
    const uint8_t *p, size_t n)
{
	const struct eventlog_digest *d;
	int r;

	if (event->type == EVENTLOG_NO_ACTION ||
	    event->reg >= EVENTLOG_REGISTERS)
		return wr_bytes(&m->out, p, n);
	if ((r = put_due(m, event->reg)) != 0 ||
	    (r = wr_bytes(&m->out, p, n)) != 0)
		return r;
	d = eventlog_digest(event, kinds[m->kind].alg);
	return d ? extend(d->alg, m->value[event->reg], d->n, d->p) : CL_OK;
}

static int
merge(struct merge *m, struct eventlog cursor)
{
	struct eventlog_event event;
	const uint8_t *at;
	unsigned i;
	int r;

	for (at = cursor.p; (r = eventlog_next(&cursor, &event)) == 0;
	     at = cursor.p)
		if ((r = copy_event(m, &event, at, (size_t)(cursor.p - at))) !=
		    0)
			return r;
	if (r != CL_ERR_NOT_FOUND)
		return r;
	if ((r = put_due(m, EVENTLOG_REGISTERS)) != 0)
		return r;
	for (i = 0; m->log && i < m->log->n; i++)
		if (!m->done[i] && !m->log->record[i].intended &&
		    m->log->record[i].kind == m->kind)
			return CL_ERR_EVIDENCE;
	return CL_OK;
}

int
runtime_log_merge(const struct runtime_log *log, enum eventlog_kind kind,
    const uint8_t *base, size_t base_n, uint8_t **out, size_t *out_n)
{
	uint8_t head[HEADER_MAX];
	struct wr header = wr_make(head, sizeof(head));
	struct merge m = {.log = log, .kind = kind};
	struct eventlog cursor;
	size_t cap;
	int r;

	*out = NULL;
	if (!base) {
		if ((r = put_header(&header, kind)) != 0)
			return r;
		base = head;
		base_n = header.len;
	}
	if ((r = eventlog_open(&cursor, base, base_n)) != 0)
		return r;
	m.base = &cursor;
	cap = base_n + (log ? log->n : 0) * RECORD_MAX;
	if (!(*out = secmem_alloc(cap)))
		return CL_ERR_MEMORY;
	m.out = wr_make(*out, cap);
	if ((r = wr_bytes(&m.out, base, (size_t)(cursor.p - base))) == 0)
		r = merge(&m, cursor);
	*out_n = m.out.len;
	if (r) {
		secmem_free(*out);
		*out = NULL;
	}
	return r;
}
