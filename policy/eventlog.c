#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/eventlog.h"

#define SPEC_ID "Spec ID Event03" /* with its NUL */
#define END	0xffffffffu
#define PCRS	24u

static const struct {
	uint16_t id, size;
	const char *name;
} algs[] = {
    {EVENTLOG_SHA1, 20, "SHA1"},
    {EVENTLOG_SHA256, 32, "SHA256"},
    {EVENTLOG_SHA384, 48, "SHA384"},
    {EVENTLOG_SHA512, 64, "SHA512"},
    {EVENTLOG_SM3, 32, "SM3"},
};
#define NALGS (sizeof(algs) / sizeof(algs[0]))

static const struct {
	uint16_t alg;
	unsigned first, n; /* index of the first register, their number */
} kinds[] = {
    [EVENTLOG_TDX] = {EVENTLOG_SHA384, 1, 4},
    [EVENTLOG_CSV] = {EVENTLOG_SM3, 0, 5},
    [EVENTLOG_TPM] = {EVENTLOG_SHA256, 0, PCRS},
};

static bool
add_alg(struct eventlog *log, uint16_t id, uint16_t size)
{
	size_t i;

	for (i = 0; i < NALGS; i++)
		if (algs[i].id == id && algs[i].size != size)
			return false;
	for (i = 0; i < log->nalgs; i++)
		if (log->alg[i].id == id)
			return false;
	log->alg[log->nalgs].id = id;
	log->alg[log->nalgs++].size = size;
	return size && size <= EVENTLOG_DIGEST_MAX;
}

static int
parse_algs(struct eventlog *log, struct rd *in)
{
	uint32_t n, i;
	uint16_t id, size;
	int r;

	if ((r = rd_u32(in, &n)) != 0)
		return r;
	if (!n || n > EVENTLOG_DIGESTS)
		return CL_ERR_FORMAT;
	for (i = 0; i < n; i++) {
		if ((r = rd_u16(in, &id)) != 0 || (r = rd_u16(in, &size)) != 0)
			return r;
		if (!add_alg(log, id, size))
			return CL_ERR_FORMAT;
	}
	return CL_OK;
}

/* The header's event: which algorithms follow. */
static int
parse_spec(struct eventlog *log, struct rd in)
{
	const uint8_t *id, *versions, *vendor;
	uint32_t class;
	uint8_t vendor_n;
	int r;

	if ((r = rd_view(&in, &id, sizeof(SPEC_ID))) != 0)
		return CL_ERR_UNSUPPORTED;
	if (!secmem_equal(id, SPEC_ID, sizeof(SPEC_ID)))
		return CL_ERR_UNSUPPORTED;
	if ((r = rd_u32(&in, &class)) != 0 ||
	    (r = rd_view(&in, &versions, 4)) != 0 ||
	    (r = parse_algs(log, &in)) != 0 ||
	    (r = rd_u8(&in, &vendor_n)) != 0 ||
	    (r = rd_view(&in, &vendor, vendor_n)) != 0)
		return r;
	return rd_end(&in);
}

int
eventlog_open(struct eventlog *log, const uint8_t *p, size_t n)
{
	struct rd in = rd_make(p, n);
	const uint8_t *digest, *data;
	uint32_t reg, type, size;
	int r;

	memset(log, 0, sizeof(*log));
	if (n > EVENTLOG_MAX)
		return CL_ERR_LIMIT;
	if ((r = rd_u32(&in, &reg)) != 0 || (r = rd_u32(&in, &type)) != 0 ||
	    (r = rd_view(&in, &digest, 20)) != 0 ||
	    (r = rd_u32(&in, &size)) != 0 ||
	    (r = rd_view(&in, &data, size)) != 0)
		return r;
	if (type != EVENTLOG_NO_ACTION)
		return CL_ERR_UNSUPPORTED;
	if ((r = parse_spec(log, rd_make(data, size))) != 0)
		return r;
	log->p = in.p;
	log->left = in.left;
	return CL_OK;
}

/* Zeros as far as a record's head would reach, or fewer to the end. */
static bool
is_padding(const struct rd *in)
{
	size_t i, n = in->left < 12 ? in->left : 12;

	for (i = 0; i < n; i++)
		if (in->p[i])
			return false;
	return true;
}

static bool
at_end(const struct rd *in)
{
	struct rd peek = *in;
	uint32_t reg;

	return is_padding(in) || (rd_u32(&peek, &reg) == 0 && reg == END);
}

static int
parse_digest(
    const struct eventlog *log, struct rd *in, struct eventlog_event *event)
{
	struct eventlog_digest *d = &event->digest[event->ndigests];
	unsigned i;
	int r;

	if ((r = rd_u16(in, &d->alg)) != 0)
		return r;
	if (eventlog_digest(event, d->alg))
		return CL_ERR_FORMAT;
	for (i = 0; i < log->nalgs; i++)
		if (log->alg[i].id == d->alg) {
			d->n = log->alg[i].size;
			event->ndigests++;
			return rd_view(in, &d->p, d->n);
		}
	return CL_ERR_FORMAT;
}

int
eventlog_next(struct eventlog *log, struct eventlog_event *event)
{
	struct rd in = rd_make(log->p, log->left);
	uint32_t n, size;
	int r;

	memset(event, 0, sizeof(*event));
	if (at_end(&in))
		return CL_ERR_NOT_FOUND;
	if (log->nevents == EVENTLOG_EVENTS_MAX)
		return CL_ERR_LIMIT;
	if ((r = rd_u32(&in, &event->reg)) != 0 ||
	    (r = rd_u32(&in, &event->type)) != 0 || (r = rd_u32(&in, &n)) != 0)
		return r;
	if (!n || n > log->nalgs)
		return CL_ERR_FORMAT;
	for (; n; n--)
		if ((r = parse_digest(log, &in, event)) != 0)
			return r;
	if ((r = rd_u32(&in, &size)) != 0 ||
	    (r = rd_view(&in, &event->data, size)) != 0)
		return r;
	event->n = size;
	log->p = in.p;
	log->left = in.left;
	log->nevents++;
	return CL_OK;
}

const struct eventlog_digest *
eventlog_digest(const struct eventlog_event *event, uint16_t alg)
{
	unsigned i;

	for (i = 0; i < event->ndigests; i++)
		if (event->digest[i].alg == alg)
			return &event->digest[i];
	return NULL;
}

/* NULL with the algorithm unknown here, or to the cryptographic library. */
static EVP_MD *
fetch(uint16_t alg)
{
	EVP_MD *md = NULL;
	size_t i;

	if (crypto_ready() != 0)
		return NULL;
	for (i = 0; i < NALGS; i++)
		if (algs[i].id == alg)
			md = EVP_MD_fetch(NULL, algs[i].name, NULL);
	ERR_clear_error();
	return md;
}

int
eventlog_hash(uint16_t alg, const void *p, size_t n,
    uint8_t out[EVENTLOG_DIGEST_MAX], size_t *size)
{
	EVP_MD *md = fetch(alg);
	unsigned got = 0;
	int r = CL_ERR_UNSUPPORTED;

	if (md)
		r = EVP_Digest(p, n, out, &got, md, NULL) == 1 ? CL_OK
							       : CL_ERR_CRYPTO;
	EVP_MD_free(md);
	*size = got;
	return r;
}

bool
eventlog_digest_is_of_data(
    const struct eventlog_event *event, const struct eventlog_digest *digest)
{
	uint8_t got[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_MD *md = fetch(digest->alg);
	bool ok = md && EVP_Digest(event->data, event->n, got, &n, md, NULL);

	EVP_MD_free(md);
	return ok && n == digest->n && secmem_equal(got, digest->p, n);
}

static int
extend(EVP_MD *md, uint8_t *value, size_t n, const uint8_t *digest)
{
	uint8_t both[2 * EVENTLOG_DIGEST_MAX];
	unsigned got = 0;

	memcpy(both, value, n);
	memcpy(both + n, digest, n);
	return EVP_Digest(both, 2 * n, value, &got, md, NULL) == 1 && got == n
		   ? CL_OK
		   : CL_ERR_CRYPTO;
}

/* A TPM that was started at a locality says so, and PCR 0 began with it (PC
 * Client profile, EFI_TCG2 startup locality). */
static void
start_locality(const struct eventlog_event *e, struct eventlog_registers *out)
{
	static const char magic[] = "StartupLocality"; /* with its NUL */

	if (e->reg == 0 && e->n == sizeof(magic) + 1 && !out->extended[0] &&
	    secmem_equal(e->data, magic, sizeof(magic)))
		out->value[0][out->size - 1] = e->data[e->n - 1];
}

/* The TDX module alone extends MRTD; its records are for reading. */
bool
eventlog_extends(
    enum eventlog_kind kind, const struct eventlog_event *e, unsigned *at)
{
	if (e->type == EVENTLOG_NO_ACTION || e->reg < kinds[kind].first ||
	    e->reg - kinds[kind].first >= kinds[kind].n)
		return false;
	*at = e->reg - kinds[kind].first;
	return true;
}

static int
apply(EVP_MD *md, enum eventlog_kind kind, const struct eventlog_event *e,
    struct eventlog_registers *out)
{
	const struct eventlog_digest *d = eventlog_digest(e, out->alg);
	unsigned at;

	if (e->type == EVENTLOG_NO_ACTION) {
		if (kind == EVENTLOG_TPM)
			start_locality(e, out);
		return CL_OK;
	}
	if (!eventlog_extends(kind, e, &at))
		return e->reg < kinds[kind].first ? CL_OK : CL_ERR_FORMAT;
	if (!d || d->n != out->size)
		return CL_ERR_FORMAT;
	out->extended[at] = true;
	return extend(md, out->value[at], out->size, d->p);
}

int
eventlog_replay_from(const uint8_t *p, size_t n, enum eventlog_kind kind,
    uint16_t alg, const uint8_t *start, struct eventlog_registers *out)
{
	struct eventlog log;
	struct eventlog_event event;
	EVP_MD *md = NULL;
	int r;

	memset(out, 0, sizeof(*out));
	if (kind < EVENTLOG_TDX || kind > EVENTLOG_TPM)
		return CL_ERR_ARGUMENT;
	out->n = kinds[kind].n;
	out->alg = alg ? alg : kinds[kind].alg;
	if ((r = eventlog_open(&log, p, n)) != 0)
		return r;
	if (!(md = fetch(out->alg)))
		return CL_ERR_UNSUPPORTED;
	out->size = (size_t)EVP_MD_get_size(md);
	if (start)
		memcpy(out->value[0], start, out->size);
	while ((r = eventlog_next(&log, &event)) == 0)
		if ((r = apply(md, kind, &event, out)) != 0)
			break;
	EVP_MD_free(md);
	return r == CL_ERR_NOT_FOUND ? CL_OK : r;
}

int
eventlog_replay(const uint8_t *p, size_t n, enum eventlog_kind kind,
    uint16_t alg, struct eventlog_registers *out)
{
	return eventlog_replay_from(p, n, kind, alg, NULL, out);
}

unsigned
eventlog_registers_of(enum eventlog_kind kind)
{
	return kinds[kind].n;
}

uint16_t
eventlog_alg_of(enum eventlog_kind kind)
{
	return kinds[kind].alg;
}

size_t
eventlog_size_of(enum eventlog_kind kind)
{
	size_t i;

	for (i = 0; i < NALGS; i++)
		if (algs[i].id == kinds[kind].alg)
			return algs[i].size;
	return 0;
}
