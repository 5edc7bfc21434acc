#include <string.h>

#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/endorse.h"
#include "policy/evidence.h"
#include "policy/evidence_record.h"

#define LABEL "cloister evidence v1" /* hashed with its NUL */

int
evidence_claims_hash(const char *claims, size_t claims_n, uint8_t out[32])
{
	struct crypto_part part = {claims, claims_n};

	return crypto_sha256(&part, 1, out);
}

int
evidence_report_data(const uint8_t nonce[EVIDENCE_NONCE], const char *claims,
    size_t claims_n, uint8_t out[EVIDENCE_REPORT_DATA])
{
	uint8_t hash[CRYPTO_SHA256];
	struct crypto_part parts[] = {
	    {LABEL, sizeof(LABEL)}, {nonce, EVIDENCE_NONCE}, {hash, 32}};
	int r;

	if ((r = evidence_claims_hash(claims, claims_n, hash)) != 0)
		return r;
	return crypto_sha512(parts, 3, out);
}

/* Gives a JSON object's text in secmem and drops the object; r is what
 * filling it came to. */
static int
print_object(json_t *o, int r, char **text, size_t *n)
{
	if (r == 0 && !(*text = json_text(o, n)))
		r = CL_ERR_MEMORY;
	json_decref(o);
	return r;
}

static int
new_object(json_t **o)
{
	int r;

	if ((r = json_warmup()) != 0)
		return r;
	return (*o = json_object()) ? CL_OK : CL_ERR_MEMORY;
}

/* Members that are text or numbers. */
static int
fill_claims(json_t *o, const struct evidence_claims *c)
{
	json_t *posture = json_object();

	if (!posture ||
	    json_object_set_new(posture, "memory", json_string(c->memory))) {
		json_decref(posture);
		return CL_ERR_MEMORY;
	}
	if (json_object_set_new(o, "posture", posture) ||
	    (c->issued &&
		json_object_set_new(o, "issued", json_integer(c->issued))) ||
	    json_object_set_new(o, "v", json_integer(1)) ||
	    json_object_set_new(o, "tee", json_string(c->tee)) ||
	    json_object_set_new(o, "expires", json_integer(c->expires)) ||
	    json_object_set_new(o, "version", json_string(c->version)) ||
	    json_object_set_new(o, "binary", json_string(c->binary)) ||
	    json_object_set_new(o, "config", json_string(c->config)))
		return CL_ERR_MEMORY;
	return CL_OK;
}

int
evidence_claims_print(const struct evidence_claims *c, char **text, size_t *n)
{
	json_t *o;
	int r;

	if ((r = new_object(&o)) != 0)
		return r;
	if ((r = fill_claims(o, c)) == 0 &&
	    (r = json_set_blob(o, "channel_key", c->channel_key, 32)) == 0 &&
	    (r = json_set_blob(o, "audit_key", c->audit_key, 32)) == 0)
		r = json_set_blob(o, "boot", c->boot, 16);
	return print_object(o, r, text, n);
}

/* A string member that fits cap bytes with its NUL. */
static int
get_text(const json_t *o, const char *key, char *out, size_t cap)
{
	const char *s;
	int r;

	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	if (strlen(s) >= cap)
		return json_blame(key);
	memcpy(out, s, strlen(s) + 1);
	return CL_OK;
}

static int
get_sha256(const json_t *o, const char *key, char out[65])
{
	int r;

	if ((r = get_text(o, key, out, 65)) != 0)
		return r;
	if (strlen(out) != 64 || strspn(out, "0123456789abcdef") != 64)
		return json_blame(key);
	return CL_OK;
}

static int
get_version(const json_t *o)
{
	int64_t v;
	int r;

	if ((r = json_get_int(o, "v", INT64_MIN, INT64_MAX, &v)) != 0)
		return r;
	return v == 1 ? CL_OK : CL_ERR_VERSION;
}

static int
parse_claims(const json_t *o, struct evidence_claims *c)
{
	static const char *const known[] = {"v", "tee", "channel_key",
	    "expires", "audit_key", "boot", "version", "binary", "config",
	    "posture", "issued", NULL};
	int r;

	if ((r = get_version(o)) != 0 || (r = json_only(o, known)) != 0 ||
	    (r = get_text(o, "tee", c->tee, sizeof(c->tee))) != 0 ||
	    (r = json_get_bytes(o, "channel_key", c->channel_key, 32)) != 0 ||
	    (r = json_get_int(o, "expires", 0, INT64_MAX, &c->expires)) != 0 ||
	    (json_object_get(o, "issued") &&
		(r = json_get_int(o, "issued", 1, INT64_MAX, &c->issued)) !=
		    0) ||
	    (r = json_get_bytes(o, "audit_key", c->audit_key, 32)) != 0 ||
	    (r = json_get_bytes(o, "boot", c->boot, 16)) != 0 ||
	    (r = get_text(o, "version", c->version, sizeof(c->version))) != 0 ||
	    (r = get_sha256(o, "binary", c->binary)) != 0 ||
	    (r = get_sha256(o, "config", c->config)) != 0)
		return r;
	/* More about the machine may be added beside memory. */
	o = json_object_get(o, "posture");
	if (!json_is_object(o))
		return json_blame("posture");
	return get_text(o, "memory", c->memory, sizeof(c->memory));
}

int
evidence_claims_parse(const char *text, size_t n, struct evidence_claims *c)
{
	struct evidence_claims got;
	json_t *o;
	int r;

	if (n > EVIDENCE_CLAIMS_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(o = json_parse(text, n, &r)))
		return r;
	memset(&got, 0, sizeof(got));
	if ((r = parse_claims(o, &got)) == 0)
		*c = got;
	json_decref(o);
	return r;
}

int
evidence_add_blob(struct evidence *e, const void *p, size_t n)
{
	struct evidence_blob *blob = &e->blobs[e->nblobs];

	if (e->nblobs == EVIDENCE_BLOBS_MAX)
		return CL_ERR_LIMIT;
	if (!(blob->p = secmem_alloc(n ? n : 1)))
		return CL_ERR_MEMORY;
	memcpy(blob->p, p, n);
	blob->n = n;
	e->nblobs++;
	return CL_OK;
}

const char *
evidence_type(const char *tee)
{
	static const char *const types[][2] = {
	    {"snp", "application/vnd.cloister.snp-report"},
	    {"tdx", "application/vnd.cloister.tdx-quote"},
	    {"csv", "application/vnd.cloister.csv-report"},
	    {"tpm", "application/vnd.cloister.tpm-quote+json"},
	    {"sim", "application/vnd.cloister.sim-report"},
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(tee, types[i][0]) == 0)
			return types[i][1];
	return NULL;
}

static int
print_blobs(json_t *o, const struct evidence *e)
{
	json_t *list = json_array();
	struct record rec = {.ind = RECORD_ENDORSEMENTS};
	unsigned i;

	if (json_object_set_new(o, "endorsements", list) != 0)
		return CL_ERR_MEMORY;
	for (i = 0; i < e->nblobs; i++) {
		rec.p = e->blobs[i].p;
		rec.n = e->blobs[i].n;
		if (!(rec.type = endorse_type(rec.p, rec.n)))
			return json_blame("endorsements");
		if (json_array_append_new(list, record_print(&rec)) != 0)
			return CL_ERR_MEMORY;
	}
	return CL_OK;
}

static int
print_records(json_t *o, const struct evidence *e)
{
	struct record raw = {
	    evidence_type(e->tee), RECORD_EVIDENCE, e->raw, e->raw_n};
	struct record log = {
	    EVIDENCE_LOG_TYPE, RECORD_EVIDENCE, e->log, e->log_n};

	if (!raw.type)
		return CL_ERR_UNSUPPORTED;
	if (json_object_set_new(o, "evidence", record_print(&raw)) != 0 ||
	    (e->log_n &&
		json_object_set_new(o, "eventlog", record_print(&log)) != 0))
		return CL_ERR_MEMORY;
	return print_blobs(o, e);
}

int
evidence_print(const struct evidence *e, char **text, size_t *n)
{
	json_t *o;
	int r;

	if ((r = new_object(&o)) != 0)
		return r;
	r = CL_ERR_MEMORY;
	if (json_object_set_new(o, "v", json_integer(1)) == 0 &&
	    json_object_set_new(o, "tee", json_string(e->tee)) == 0 &&
	    json_object_set_new(
		o, "claims", json_stringn(e->claims, e->claims_n)) == 0 &&
	    (r = json_set_blob(o, "nonce", e->nonce, EVIDENCE_NONCE)) == 0)
		r = print_records(o, e);
	if ((r = print_object(o, r, text, n)) != 0 || *n <= EVIDENCE_TEXT_MAX)
		return r;
	secmem_free(*text);
	*text = NULL;
	return CL_ERR_TOO_LARGE;
}

static int
parse_claims_text(const json_t *o, struct evidence *e)
{
	const json_t *claims = json_object_get(o, "claims");
	size_t n = json_string_length(claims);

	if (!json_is_string(claims) || n > EVIDENCE_CLAIMS_MAX)
		return json_blame("claims");
	if (!(e->claims = secmem_alloc(n + 1)))
		return CL_ERR_MEMORY;
	memcpy(e->claims, json_string_value(claims), n);
	e->claims_n = n;
	return CL_OK;
}

/* A record of the envelope that has to be of one type. */
static int
parse_record(const json_t *o, const char *key, const char *type, size_t max,
    uint8_t **p, size_t *n)
{
	struct record rec;
	int r;

	if ((r = record_parse(json_object_get(o, key), key, RECORD_EVIDENCE,
		 max, &rec)) != 0)
		return r;
	*p = rec.p;
	*n = rec.n;
	return record_is(&rec, key, type);
}

static int
parse_raw(const json_t *o, struct evidence *e)
{
	const char *type = evidence_type(e->tee);
	int r;

	if (!type) {
		(void)json_blame("tee: expected snp, tdx, csv, tpm or sim");
		return CL_ERR_UNSUPPORTED;
	}
	if ((r = parse_record(o, "evidence", type, EVIDENCE_RAW_MAX, &e->raw,
		 &e->raw_n)) != 0 ||
	    !json_object_get(o, "eventlog"))
		return r;
	return parse_record(o, "eventlog", EVIDENCE_LOG_TYPE, EVIDENCE_LOG_MAX,
	    &e->log, &e->log_n);
}

static int
parse_blob(const json_t *item, struct evidence *e)
{
	static const char key[] = "endorsements";
	struct record rec;
	const char *type;
	int r;

	if ((r = record_parse(
		 item, key, RECORD_ENDORSEMENTS, EVIDENCE_BLOB_MAX, &rec)) != 0)
		return r;
	e->blobs[e->nblobs].p = rec.p;
	e->blobs[e->nblobs++].n = rec.n;
	if (!(type = endorse_type(rec.p, rec.n)))
		return json_blame("endorsements: unknown content");
	return record_is(&rec, key, type);
}

static int
parse_blobs(const json_t *o, struct evidence *e)
{
	const json_t *list = json_object_get(o, "endorsements"), *item;
	size_t i;
	int r;

	if (!json_is_array(list) || json_array_size(list) > EVIDENCE_BLOBS_MAX)
		return json_blame("endorsements");
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		if ((r = parse_blob(item, e)) != 0)
			return r;
	}
	return CL_OK;
}

static int
parse_envelope(const json_t *o, struct evidence *e)
{
	static const char *const known[] = {"v", "tee", "nonce", "claims",
	    "evidence", "eventlog", "endorsements", NULL};
	int r;

	if ((r = get_version(o)) != 0 || (r = json_only(o, known)) != 0 ||
	    (r = get_text(o, "tee", e->tee, sizeof(e->tee))) != 0 ||
	    (r = json_get_bytes(o, "nonce", e->nonce, EVIDENCE_NONCE)) != 0 ||
	    (r = parse_claims_text(o, e)) != 0 || (r = parse_raw(o, e)) != 0)
		return r;
	return parse_blobs(o, e);
}

int
evidence_parse(const char *text, size_t n, struct evidence *e)
{
	json_t *o;
	int r;

	memset(e, 0, sizeof(*e));
	if (n > EVIDENCE_TEXT_MAX) {
		(void)json_blame("expected at most 2 MiB");
		return CL_ERR_TOO_LARGE;
	}
	if (!(o = json_parse(text, n, &r)))
		return r;
	if ((r = parse_envelope(o, e)) != 0)
		evidence_clear(e);
	json_decref(o);
	return r;
}

void
evidence_clear(struct evidence *e)
{
	secmem_free(e->claims);
	secmem_free(e->raw);
	secmem_free(e->log);
	while (e->nblobs)
		secmem_free(e->blobs[--e->nblobs].p);
	memset(e, 0, sizeof(*e));
}
