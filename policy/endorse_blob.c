#include <openssl/x509v3.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/secmem.h"
#include "policy/endorse_blob.h"

#define ENTRY	    24u
#define ENTRIES_MAX 32u

/* One line of a text: its bytes without the line's end. */
struct line {
	const char *p;
	size_t n;
};

static bool
next_line(struct rd *in, struct line *out)
{
	const uint8_t *end;

	if (!in->left)
		return false;
	end = memchr(in->p, '\n', in->left);
	out->p = (const char *)in->p;
	out->n = end ? (size_t)(end - in->p) : in->left;
	in->left -= end ? out->n + 1 : out->n;
	in->p += end ? out->n + 1 : out->n;
	/* Text that C programs wrote may have a NUL at its very end. */
	if (!in->left && out->n && out->p[out->n - 1] == '\0')
		out->n--;
	if (out->n && out->p[out->n - 1] == '\r')
		out->n--;
	return true;
}

static bool
is(const struct line *line, const char *text)
{
	return line->n == strlen(text) && memcmp(line->p, text, line->n) == 0;
}

static bool
is_text(const struct line *line)
{
	size_t i;

	for (i = 0; i < line->n; i++)
		if ((line->p[i] < ' ' || line->p[i] > '~') &&
		    line->p[i] != '\t')
			return false;
	return !memmem(line->p, line->n, "-----", 5);
}

bool
endorse_is_pem(const uint8_t *p, size_t n)
{
	return memmem(p, n, "-----BEGIN ", 11) != NULL;
}

/* Base64 lines up to the END line, joined in text; *n characters. */
static int
read_block(struct rd *in, const char *end, char *text, size_t *n)
{
	struct line line;

	for (*n = 0; next_line(in, &line); *n += line.n) {
		if (is(&line, end))
			return CL_OK;
		if (!line.n)
			return CL_ERR_FORMAT;
		memcpy(text + *n, line.p, line.n);
	}
	return CL_ERR_FORMAT;
}

/* scratch has room for all that is left in the text. */
static int
add_block(
    struct endorse *e, struct rd *in, const struct line *begin, char *scratch)
{
	bool crl = is(begin, "-----BEGIN X509 CRL-----");
	size_t n, der_n;
	uint8_t *der;
	int r;

	if (!crl && !is(begin, "-----BEGIN CERTIFICATE-----"))
		return CL_ERR_FORMAT;
	if ((r = read_block(in,
		 crl ? "-----END X509 CRL-----" : "-----END CERTIFICATE-----",
		 scratch, &n)) != 0)
		return r;
	der_n = n;
	if (!(der = secmem_alloc(n + 1)))
		return CL_ERR_MEMORY;
	r = b64_decode(scratch, n, der, &der_n);
	if (r == 0)
		r = crl ? endorse_add_crl(e, der, der_n)
			: endorse_add_cert(e, der, der_n);
	secmem_free(der);
	return r;
}

int
endorse_add_pem(struct endorse *e, const uint8_t *p, size_t n)
{
	struct rd in = rd_make(p, n);
	char *scratch = secmem_alloc(n + 1);
	struct line line;
	int r = CL_OK;

	if (!scratch)
		return CL_ERR_MEMORY;
	while (r == 0 && next_line(&in, &line)) {
		if (line.n >= 11 && memcmp(line.p, "-----BEGIN ", 11) == 0)
			r = add_block(e, &in, &line, scratch);
		else if (!is_text(&line))
			r = CL_ERR_FORMAT;
	}
	secmem_free(scratch);
	return r;
}

enum payload {
	PAYLOAD_OTHER,
	PAYLOAD_VEK, /* VCEK or VLEK */
	PAYLOAD_ASK, /* or ASVK */
	PAYLOAD_ARK,
	PAYLOAD_CRL
};

static enum payload
payload_of(const uint8_t guid[16])
{
	static const struct {
		uint8_t guid[16];
		enum payload payload;
	} known[] = {
	    /* VCEK 63da758d-e664-4564-adc5-f4b93be8accd */
	    {{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4,
		 0xb9, 0x3b, 0xe8, 0xac, 0xcd},
		PAYLOAD_VEK},
	    /* VLEK a8074bc2-a25a-483e-aae6-39c045a0b8a1 */
	    {{0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39,
		 0xc0, 0x45, 0xa0, 0xb8, 0xa1},
		PAYLOAD_VEK},
	    /* ASK or ASVK 4ab7b379-bbac-4fe4-a02f-05aef327c782 */
	    {{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05,
		 0xae, 0xf3, 0x27, 0xc7, 0x82},
		PAYLOAD_ASK},
	    /* ARK c0b406a4-a803-4952-9743-3fb6014cd0ae */
	    {{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f,
		 0xb6, 0x01, 0x4c, 0xd0, 0xae},
		PAYLOAD_ARK},
	    /* CRL 92f81bc3-5811-4d3d-97ff-d19f88dc67ea */
	    {{0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1,
		 0x9f, 0x88, 0xdc, 0x67, 0xea},
		PAYLOAD_CRL},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (memcmp(guid, known[i].guid, 16) == 0)
			return known[i].payload;
	return PAYLOAD_OTHER;
}

struct entry {
	const uint8_t *guid;
	uint32_t offset, length;
};

/* CL_ERR_NOT_FOUND at the entry of zeros. */
static int
next_entry(struct rd *in, struct entry *out)
{
	static const uint8_t none[16];
	int r;

	if ((r = rd_view(in, &out->guid, 16)) != 0 ||
	    (r = rd_u32(in, &out->offset)) != 0 ||
	    (r = rd_u32(in, &out->length)) != 0)
		return r;
	if (memcmp(out->guid, none, 16) != 0)
		return CL_OK;
	return out->offset || out->length ? CL_ERR_FORMAT : CL_ERR_NOT_FOUND;
}

/* No certificate, no JSON and nothing of Hygon's can be one by accident: an
 * entry with a GUID that we know is among the first ones. */
bool
endorse_is_table(const uint8_t *p, size_t n)
{
	struct rd in = rd_make(p, n);
	struct entry at;
	unsigned i;

	for (i = 0; i < ENTRIES_MAX && next_entry(&in, &at) == 0; i++)
		if (payload_of(at.guid) != PAYLOAD_OTHER)
			return true;
	return false;
}

/* What the GUID promises. Signatures are checked when a chain is built. */
static bool
keeps_promise(X509 *cert, enum payload payload)
{
	bool self = X509_NAME_cmp(X509_get_subject_name(cert),
			X509_get_issuer_name(cert)) == 0;
	bool ca = X509_check_ca(cert) == 1;

	return payload == PAYLOAD_VEK	? !ca && !self
	       : payload == PAYLOAD_ASK ? ca && !self
					: payload == PAYLOAD_ARK && ca && self;
}

static int
add_payload(struct endorse *e, enum payload payload, const uint8_t *p, size_t n)
{
	struct endorse *one;
	unsigned i;
	int r;

	if ((r = endorse_new(&one)) != 0)
		return r;
	r = endorse_add_atom(one, p, n);
	if (r == 0 && (payload == PAYLOAD_CRL) != (one->ncrls != 0))
		r = CL_ERR_FORMAT;
	for (i = 0; r == 0 && i < one->ncerts; i++)
		if (!keeps_promise(one->certs[i], payload))
			r = CL_ERR_FORMAT;
	if (r == 0)
		r = endorse_add_bag(e, one);
	endorse_free(one);
	return r;
}

int
endorse_add_named(
    struct endorse *e, const char *name, const uint8_t *p, size_t n)
{
	static const struct {
		const char *name;
		enum payload payload;
	} known[] = {{"VCEK", PAYLOAD_VEK}, {"VLEK", PAYLOAD_VEK},
	    {"ASK", PAYLOAD_ASK}, {"ASVK", PAYLOAD_ASK}, {"ARK", PAYLOAD_ARK},
	    {"CRL", PAYLOAD_CRL}};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return add_payload(e, known[i].payload, p, n);
	return CL_OK;
}

int
endorse_add_table(struct endorse *e, const uint8_t *p, size_t n)
{
	struct rd in = rd_make(p, n);
	enum payload payload;
	struct entry at;
	unsigned i;
	int r;

	for (i = 0; (r = next_entry(&in, &at)) == 0; i++) {
		if (i == ENTRIES_MAX)
			return CL_ERR_LIMIT;
		if (at.offset > n || at.length > n - at.offset)
			return CL_ERR_FORMAT;
		payload = payload_of(at.guid);
		if (payload == PAYLOAD_OTHER || !at.length)
			continue;
		r = add_payload(e, payload, p + at.offset, at.length);
		if (r != 0)
			return r;
	}
	return r == CL_ERR_NOT_FOUND ? CL_OK : CL_ERR_FORMAT;
}
