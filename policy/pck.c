#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/secmem.h"
#include "policy/pck.h"

#define SGX_OID	    "1.2.840.113741.1.13.1"
#define SUFFIX_MAX  2u
#define TCB_COMPS   16u
#define TCB_PCESVN  17u
#define TCB_CPUSVN  18u
#define TCB_MEMBERS 18u

static const uint8_t sgx_prefix[] = {
    0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

/* One element of the wanted universal tag; its content is lent. Lengths must
 * be in their shortest form. */
static int
element(struct rd *in, int want, const uint8_t **content, size_t *n)
{
	const uint8_t *p = in->p, *start = in->p;
	bool constructed = want == V_ASN1_SEQUENCE;
	int tag, class, flags;
	long len;

	if (in->left > LONG_MAX)
		return CL_ERR_TOO_LARGE;
	flags = ASN1_get_object(&p, &len, &tag, &class, (long)in->left);
	ERR_clear_error();
	if (flags & 0x81 || len < 0 || tag != want ||
	    class != V_ASN1_UNIVERSAL ||
	    (flags & V_ASN1_CONSTRUCTED) !=
		(constructed ? V_ASN1_CONSTRUCTED : 0))
		return CL_ERR_FORMAT;
	if (ASN1_object_size(constructed, (int)len, tag) != p - start + len)
		return CL_ERR_FORMAT;
	*content = p;
	*n = (size_t)len;
	return rd_view(in, &start, (size_t)(p - start) + (size_t)len);
}

/* SEQUENCE {OID under the prefix, value}: last is the OID's last arc; depth
 * arcs follow the prefix, all but the last are branch. */
static int
member(struct rd *in, unsigned depth, uint8_t branch, uint8_t *last,
    struct rd *value)
{
	const uint8_t *p, *oid;
	struct rd inner;
	size_t n;
	int r;

	if ((r = element(in, V_ASN1_SEQUENCE, &p, &n)) != 0)
		return r;
	inner = rd_make(p, n);
	if ((r = element(&inner, V_ASN1_OBJECT, &oid, &n)) != 0)
		return r;
	if (n != sizeof(sgx_prefix) + depth || depth > SUFFIX_MAX ||
	    !secmem_equal(oid, sgx_prefix, sizeof(sgx_prefix)) ||
	    (depth == 2 && oid[n - 2] != branch))
		return CL_ERR_FORMAT;
	*last = oid[n - 1];
	*value = inner;
	return CL_OK;
}

static int
octets(struct rd *value, uint8_t *out, size_t want)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = element(value, V_ASN1_OCTET_STRING, &p, &n)) != 0)
		return r;
	if (n != want)
		return CL_ERR_FORMAT;
	memcpy(out, p, n);
	return rd_end(value);
}

static int
number(struct rd *value, int tag, uint32_t max, uint32_t *out)
{
	const uint8_t *p;
	uint32_t v = 0;
	size_t n, i;
	int r;

	if ((r = element(value, tag, &p, &n)) != 0)
		return r;
	/* Not negative, no superfluous zero. */
	if (!n || n > 4 || p[0] & 0x80 || (n > 1 && !p[0] && !(p[1] & 0x80)))
		return CL_ERR_FORMAT;
	for (i = 0; i < n; i++)
		v = v << 8 | p[i];
	if (v > max)
		return CL_ERR_FORMAT;
	*out = v;
	return rd_end(value);
}

static int
boolean(struct rd *value, bool *out)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = element(value, V_ASN1_BOOLEAN, &p, &n)) != 0)
		return r;
	if (n != 1 || (p[0] != 0 && p[0] != 0xff))
		return CL_ERR_FORMAT;
	*out = p[0] != 0;
	return rd_end(value);
}

/* Marks a member as seen; a second one is refused. */
static int
once(uint32_t *seen, uint8_t id, uint8_t max)
{
	if (!id || id > max || *seen & 1u << id)
		return CL_ERR_FORMAT;
	*seen |= 1u << id;
	return CL_OK;
}

static int
tcb_member(uint8_t id, struct rd *value, struct pck *out)
{
	uint32_t v = 0;
	int r;

	if (id == TCB_CPUSVN)
		return octets(value, out->cpusvn, sizeof(out->cpusvn));
	r = number(value, V_ASN1_INTEGER, id == TCB_PCESVN ? 0xffff : 0xff, &v);
	if (r != 0)
		return r;
	if (id == TCB_PCESVN)
		out->pcesvn = (uint16_t)v;
	else
		out->comp[id - 1] = (uint8_t)v;
	return CL_OK;
}

static int
tcb(struct rd *value, struct pck *out)
{
	const uint8_t *p;
	struct rd in, v;
	uint32_t seen = 0;
	uint8_t id;
	size_t n;
	int r;

	if ((r = element(value, V_ASN1_SEQUENCE, &p, &n)) != 0)
		return r;
	for (in = rd_make(p, n); in.left;)
		if ((r = member(&in, 2, 2, &id, &v)) != 0 ||
		    (r = once(&seen, id, TCB_MEMBERS)) != 0 ||
		    (r = tcb_member(id, &v, out)) != 0)
			return r;
	if (seen != (1u << (TCB_MEMBERS + 1)) - 2)
		return CL_ERR_FORMAT;
	return rd_end(value);
}

static int
configuration(struct rd *value, struct pck *out)
{
	bool *const flag[] = {&out->dynamic, &out->cached_keys, &out->smt};
	const uint8_t *p;
	struct rd in, v;
	uint32_t seen = 0;
	uint8_t id;
	size_t n;
	int r;

	if ((r = element(value, V_ASN1_SEQUENCE, &p, &n)) != 0)
		return r;
	for (in = rd_make(p, n); in.left;)
		if ((r = member(&in, 2, 7, &id, &v)) != 0 ||
		    (r = once(&seen, id, 3)) != 0 ||
		    (r = boolean(&v, flag[id - 1])) != 0)
			return r;
	return rd_end(value);
}

static int
top_member(uint8_t id, struct rd *value, struct pck *out)
{
	uint32_t v = 0;
	int r;

	switch (id) {
	case 1:
		return octets(value, out->ppid, sizeof(out->ppid));
	case 2:
		return tcb(value, out);
	case 3:
		return octets(value, out->pceid, sizeof(out->pceid));
	case 4:
		return octets(value, out->fmspc, sizeof(out->fmspc));
	case 5:
		r = number(value, V_ASN1_ENUMERATED, 2, &v);
		out->sgx_type = (uint8_t)v;
		return r;
	case 6:
		return octets(value, out->instance, sizeof(out->instance));
	default:
		return configuration(value, out);
	}
}

static int
parse(const uint8_t *p, size_t n, struct pck *out)
{
	const uint32_t needed = 0x3e, platform = 0xc0; /* bits by member */
	struct rd in = rd_make(p, n), v;
	uint32_t seen = 0;
	uint8_t id;
	int r;

	if ((r = element(&in, V_ASN1_SEQUENCE, &p, &n)) != 0 ||
	    (r = rd_end(&in)) != 0)
		return r;
	for (in = rd_make(p, n); in.left;)
		if ((r = member(&in, 1, 0, &id, &v)) != 0 ||
		    (r = once(&seen, id, 7)) != 0 ||
		    (r = top_member(id, &v, out)) != 0)
			return r;
	out->platform = (seen & platform) != 0;
	if ((seen & needed) != needed)
		return CL_ERR_FORMAT;
	return out->platform && (seen & platform) != platform ? CL_ERR_FORMAT
							      : CL_OK;
}

int
pck_parse(X509 *cert, struct pck *out)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(SGX_OID, 1);
	const ASN1_OCTET_STRING *text;
	struct pck got = {0};
	int at, r;

	if (!oid)
		return CL_ERR_MEMORY;
	at = X509_get_ext_by_OBJ(cert, oid, -1);
	r = at < 0 ? CL_ERR_NOT_FOUND : CL_OK;
	/* A second one would leave open which was meant. */
	if (at >= 0 && X509_get_ext_by_OBJ(cert, oid, at) >= 0)
		r = CL_ERR_FORMAT;
	ASN1_OBJECT_free(oid);
	if (r != 0)
		return r;
	text = X509_EXTENSION_get_data(X509_get_ext(cert, at));
	r = parse(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text),
	    &got);
	if (r == 0)
		*out = got;
	return r == CL_ERR_TRUNCATED || r == CL_ERR_TRAILING ? CL_ERR_FORMAT
							     : r;
}
