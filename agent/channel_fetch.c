#include "agent/channel_fetch.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "agent/link.h"
#include "lib/log.h"
#include "lib/secmem.h"
#include "policy/endorse.h"
#include "policy/tpm_credential.h"

#define LOOK_FIRST_MS 2
#define LOOK_MAX_MS   100
#define WAIT_MAX_MS   1000 /* then the broker is asked again */

/* n 0: none. */
struct credential {
	const uint8_t *p;
	size_t n;
};

static void
nap(uint32_t ms)
{
	poll(NULL, 0, (int)ms);
}

/* A call whose reply is count numbers. */
static int
call_numbers(struct engine *e, enum broker_op op, const struct wr *body,
    uint32_t *numbers, unsigned count, char why[ENGINE_REASON])
{
	uint8_t reply[16];
	size_t n = sizeof(reply);
	struct rd in;
	unsigned i;
	int r;

	r = link_call(e->link, op, body->p, body->len, reply, &n, why);
	in = rd_make(reply, n);
	for (i = 0; i < count && !r; i++)
		r = rd_u32(&in, &numbers[i]);
	return r ? r : rd_end(&in);
}

/* Until the broker has set the device to work, which it does at its pace. */
static int
begin(struct engine *e, const char *tee, const uint8_t *report_data,
    const struct credential *credential, uint32_t *ticket,
    char why[ENGINE_REASON])
{
	uint8_t room[EVIDENCE_REPORT_DATA + 4 + SETUP_NAME_MAX + 4 +
		     TPM_CREDENTIAL_MAX];
	struct wr body = wr_make(room, sizeof(room));
	uint32_t got[2];
	int r;

	if ((r = wr_bytes(&body, report_data, EVIDENCE_REPORT_DATA)) != 0 ||
	    (r = wr_blob(&body, tee, strlen(tee))) != 0 ||
	    (r = wr_blob(&body, credential->p, credential->n)) != 0)
		return r;
	for (;;) {
		r = call_numbers(e, BROKER_EVIDENCE, &body, got, 2, why);
		*ticket = got[1];
		if (r || !got[0])
			return r;
		nap(got[0] < WAIT_MAX_MS ? got[0] : WAIT_MAX_MS);
	}
}

/* Until the device is done. */
static int
await(
    struct engine *e, uint32_t ticket, uint32_t *size, char why[ENGINE_REASON])
{
	uint8_t room[4];
	struct wr body = wr_make(room, sizeof(room));
	uint32_t ms = LOOK_FIRST_MS;
	int r;

	if ((r = wr_u32(&body, ticket)) != 0)
		return r;
	for (;;) {
		r = call_numbers(e, BROKER_EVIDENCE_SIZE, &body, size, 1, why);
		if (r || *size)
			return r;
		nap(ms);
		ms = ms * 2 < LOOK_MAX_MS ? ms * 2 : LOOK_MAX_MS;
	}
}

static int
take_part(struct engine *e, uint32_t ticket, uint8_t *reply, uint32_t at,
    uint32_t want, char why[ENGINE_REASON])
{
	uint8_t room[12];
	struct wr body = wr_make(room, sizeof(room));
	size_t n = want;
	int r;

	if ((r = wr_u32(&body, ticket)) != 0 || (r = wr_u32(&body, at)) != 0 ||
	    (r = wr_u32(&body, want)) != 0 ||
	    (r = link_call(e->link, BROKER_EVIDENCE_PART, body.p, body.len,
		 reply + at, &n, why)) != 0)
		return r;
	return n == want ? CL_OK : CL_ERR_FORMAT;
}

static int
take_parts(struct engine *e, uint32_t ticket, uint32_t size, struct fetched *f,
    char why[ENGINE_REASON])
{
	uint32_t at, n;
	int r = CL_OK;

	if (size > BROKER_EVIDENCE_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(f->reply = secmem_alloc(size)))
		return CL_ERR_MEMORY;
	for (at = 0; at < size && !r; at += n) {
		n = size - at < BROKER_PART_MAX ? size - at : BROKER_PART_MAX;
		r = take_part(e, ticket, f->reply, at, n, why);
	}
	return r;
}

/* Until the end of the broker's reply. */
static int
view_blobs(struct rd *in, struct evidence *ev)
{
	struct evidence_blob *blob;
	const uint8_t *p;
	uint32_t count, i;
	size_t n;
	int r;

	if ((r = rd_u32(in, &count)) != 0)
		return r;
	for (i = 0; i < count; i++) {
		if ((r = rd_blob(in, &p, &n, EVIDENCE_BLOB_MAX)) != 0)
			return r;
		/* A host may give anything; owners can look elsewhere. */
		if (!endorse_type(p, n)) {
			log_warning("endorsement %u of the platform is of an "
				    "unknown form and left out",
			    i);
			continue;
		}
		if (ev->nblobs == EVIDENCE_BLOBS_MAX)
			return CL_ERR_LIMIT;
		blob = &ev->blobs[ev->nblobs++];
		blob->p = (uint8_t *)(uintptr_t)p;
		blob->n = n;
	}
	return rd_end(in);
}

static int
view(struct fetched *f, size_t n, const char *tee)
{
	struct rd in = rd_make(f->reply, n);
	struct evidence *ev = &f->ev;
	const uint8_t *name, *raw, *log;
	size_t name_n;
	int r;

	if ((r = rd_blob(&in, &name, &name_n, sizeof(ev->tee) - 1)) != 0 ||
	    (r = rd_blob(&in, &raw, &ev->raw_n, EVIDENCE_RAW_MAX)) != 0 ||
	    (r = rd_blob(&in, &log, &ev->log_n, EVIDENCE_LOG_MAX)) != 0 ||
	    (r = view_blobs(&in, ev)) != 0)
		return r;
	/* The claims have said so already. */
	if (name_n != strlen(tee) || strncmp((const char *)name, tee, name_n))
		return CL_ERR_FORMAT;
	memcpy(ev->tee, tee, name_n + 1);
	ev->raw = (uint8_t *)(uintptr_t)raw;
	ev->log = ev->log_n ? (uint8_t *)(uintptr_t)log : NULL;
	return CL_OK;
}

int
channel_fetch(struct engine *e, const char *tee,
    const uint8_t report_data[EVIDENCE_REPORT_DATA], struct fetched *out,
    char why[ENGINE_REASON])
{
	const struct credential none = {report_data, 0};
	uint32_t ticket, size = 0;
	int r;

	memset(out, 0, sizeof(*out));
	why[0] = '\0';
	if ((r = begin(e, tee, report_data, &none, &ticket, why)) != 0 ||
	    (r = await(e, ticket, &size, why)) != 0 ||
	    (r = take_parts(e, ticket, size, out, why)) != 0)
		return r;
	return view(out, size, tee);
}

int
channel_activate(struct engine *e, const char *tee, const uint8_t *p, size_t n,
    uint8_t nonce[EVIDENCE_NONCE], char why[ENGINE_REASON])
{
	static const uint8_t nothing[EVIDENCE_REPORT_DATA];
	const struct credential credential = {p, n};
	uint8_t secret[TPM_CREDENTIAL_SECRET];
	uint32_t ticket, size = 0;
	int r;

	why[0] = '\0';
	if ((r = begin(e, tee, nothing, &credential, &ticket, why)) != 0 ||
	    (r = await(e, ticket, &size, why)) != 0)
		return r;
	r = size == sizeof(secret) ? take_part(e, ticket, secret, 0, size, why)
				   : CL_ERR_FORMAT;
	if (r == 0)
		r = tpm_credential_nonce(nonce, secret, nonce);
	secmem_wipe(secret, sizeof(secret));
	return r;
}

void
channel_fetch_end(struct fetched *f)
{
	secmem_free(f->reply);
	memset(f, 0, sizeof(*f));
}
