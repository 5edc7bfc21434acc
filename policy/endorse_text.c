/*
 * Endorsements inside of text: what services and tools write into files. Every
 * piece that is found goes through endorse_add(), so nothing is believed that
 * would not be believed alone.
 */
#include <ctype.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/bytes_text.h"
#include "policy/csv_json.h"
#include "policy/endorse_blob.h"
#include "policy/pcs.h"
#include "policy/rows.h"

#define DEPTH_MAX  6u /* of text in text in JSON … */
#define PIECES_MAX 4096u
#define SHORTEST   128u /* nothing that we know is smaller */
#define KEY_MAX	   64u

struct search {
	struct endorse *bag;
	unsigned found, pieces;
};

static int look(struct search *s, const uint8_t *p, size_t n, unsigned depth);

/* Adds one piece; what is none of ours is no error. */
static int
try_piece(struct search *s, const uint8_t *p, size_t n, bool *taken)
{
	int r = endorse_add(s->bag, p, n);

	*taken = r == 0;
	s->found += r == 0;
	return r == CL_ERR_FORMAT || r == CL_ERR_TOO_LARGE ? CL_OK : r;
}

/* Bytes of the DER object that p begins with; 0: none that fits. */
static size_t
der_size(const uint8_t *p, size_t n)
{
	const unsigned char *q = p;
	int tag, class, flags;
	long len;

	flags = ASN1_get_object(&q, &len, &tag, &class, (long)n);
	ERR_clear_error();
	return flags != V_ASN1_CONSTRUCTED || tag != V_ASN1_SEQUENCE
		   ? 0
		   : (size_t)(q - p) + (size_t)len;
}

/* DER objects one after another: all of them, or none. */
static int
look_at_ders(struct search *s, const uint8_t *p, size_t n, bool *taken)
{
	struct endorse *one;
	size_t size;
	int r;

	*taken = false;
	if (!(size = der_size(p, n)) || size == n)
		return CL_OK;
	if ((r = endorse_new(&one)) != 0)
		return r;
	for (; r == 0 && n; p += size, n -= size) {
		size = der_size(p, n);
		r = size ? endorse_add(one, p, size) : CL_ERR_FORMAT;
	}
	if (r == 0)
		r = endorse_add_bag(s->bag, one);
	*taken = r == 0;
	s->found += r == 0;
	endorse_free(one);
	return r == CL_ERR_FORMAT ? CL_OK : r;
}

/* The end of the object that p begins with; 0: it has none. */
static size_t
object_size(const uint8_t *p, size_t n)
{
	unsigned depth = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && p[i] == '{')
			depth++;
		else if (!quoted && p[i] == '}' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* Intel's documents as members of something larger. Their signatures are over
 * bytes, so they are cut out of the text. */
static int
look_for_documents(struct search *s, const uint8_t *p, size_t n)
{
	static const char *const heads[] = {
	    "{\"tcbInfo\":{", "{\"enclaveIdentity\":{"};
	const uint8_t *at, *end = p + n;
	size_t size;
	unsigned i;
	bool taken;
	int r = CL_OK;

	for (i = 0; i < 2; i++)
		for (at = p; r == 0 && (at = memmem(at, (size_t)(end - at),
					    heads[i], strlen(heads[i])));
		     at += size ? size : 1) {
			if (++s->pieces > PIECES_MAX)
				return CL_ERR_LIMIT;
			size = object_size(at, (size_t)(end - at));
			if (size && size < n)
				r = try_piece(s, at, size, &taken);
		}
	return r;
}

/* {"K":"{…}","K_signature":…}: body and signature of a document apart. */
static int
look_for_pair(struct search *s, const json_t *o, const char *key,
    const json_t *body, bool *taken)
{
	static const char middle[] = ",\"signature\":\"", tail[] = "\"}";
	const char *name =
	    strcasestr(key, "tcb") ? "tcbInfo" : "enclaveIdentity";
	size_t n = json_string_length(body), sig_n, size;
	char sig_key[KEY_MAX + 16];
	const json_t *member;
	uint8_t *sig;
	char *text;
	int r, at;

	*taken = false;
	if (strlen(key) > KEY_MAX || json_string_value(body)[0] != '{')
		return CL_OK;
	(void)snprintf(sig_key, sizeof(sig_key), "%s_signature", key);
	if (!(member = json_object_get(o, sig_key))) {
		(void)snprintf(sig_key, sizeof(sig_key), "%sSignature", key);
		member = json_object_get(o, sig_key);
	}
	if (!member || bytes_json(member, &sig, &sig_n) != 0)
		return CL_OK;
	size = n + KEY_MAX + sizeof(middle) + sizeof(tail) + 2 * 64;
	text = sig_n == 64 && n <= PCS_DOC_MAX ? secmem_alloc(size) : NULL;
	r = CL_OK;
	if (text) {
		at = snprintf(text, size, "{\"%s\":%s%s", name,
		    json_string_value(body), middle);
		rows_hex(sig, 64, text + at);
		memcpy(text + at + 128, tail, sizeof(tail));
		r = try_piece(s, (uint8_t *)text, strlen(text), taken);
	}
	secmem_free(text);
	secmem_free(sig);
	return r;
}

static int
look_at_certificate(struct search *s, const json_t *o, bool *taken)
{
	uint8_t cert[CSV_CERT];
	size_t n;

	*taken = false;
	if (csv_json_cert(o, cert, &n) != 0)
		return CL_OK;
	return try_piece(s, cert, n, taken);
}

static int look_at(struct search *s, const json_t *j, unsigned depth);

static int
look_at_members(struct search *s, const json_t *o, unsigned depth)
{
	const json_t *member;
	const char *key;
	bool taken;
	int r;

	if ((r = look_at_certificate(s, o, &taken)) != 0 || taken)
		return r;
	json_object_foreach((json_t *)(uintptr_t)o, key, member)
	{
		taken = false;
		if (json_is_string(member))
			r = look_for_pair(s, o, key, member, &taken);
		if (r == 0 && !taken)
			r = look_at(s, member, depth);
		if (r != 0)
			return r;
	}
	return CL_OK;
}

/* An array may be a byte string, or hold further things. */
static int
look_at_array(struct search *s, const json_t *a, unsigned depth)
{
	const json_t *item;
	uint8_t *p;
	size_t i, n;
	int r = CL_OK;

	if (json_is_integer(json_array_get(a, 0))) {
		if (bytes_json(a, &p, &n) != 0)
			return CL_OK;
		r = look(s, p, n, depth + 1);
		secmem_free(p);
		return r;
	}
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if ((r = look_at(s, item, depth)) != 0)
			break;
	}
	return r;
}

/* json_parse() has bounded how deep it nests. */
static int
look_at(struct search *s, const json_t *j, unsigned depth)
{
	if (json_is_object(j))
		return look_at_members(s, j, depth);
	if (json_is_array(j))
		return look_at_array(s, j, depth);
	if (json_is_string(j))
		return look(s, (const uint8_t *)json_string_value(j),
		    json_string_length(j), depth + 1);
	return CL_OK;
}

static int
look_at_json(struct search *s, const uint8_t *p, size_t n, unsigned depth)
{
	json_t *j;
	int r;

	if (!(j = json_parse((const char *)p, n, &r)))
		return r == CL_ERR_MEMORY ? r : CL_OK;
	if ((r = look_for_documents(s, p, n)) == 0)
		r = look_at(s, j, depth);
	json_decref(j);
	return r;
}

/* A URL's text to bytes; *n: bytes of it, then bytes written. Its end is the
 * first character that it cannot have. */
static const uint8_t *
unescape(const uint8_t *p, const uint8_t *end, uint8_t *out, size_t *n)
{
	static const char plain[] = "-._~+/=*()";

	for (*n = 0; p < end; p++) {
		if (*p == '%' && end - p > 2 &&
		    bytes_hex((const char *)p + 1, out + *n, 1) == 0) {
			*n += 1;
			p += 2;
		} else if (isalnum(*p) || (*p && strchr(plain, *p)))
			out[(*n)++] = *p;
		else
			break;
	}
	return p;
}

/* The headers of an answer: chains as a URL's text in their values; its body,
 * a document, on a line of its own. */
static int
look_at_headers(struct search *s, const uint8_t *p, size_t n, unsigned depth)
{
	static const char begin[] = "-----BEGIN%20";
	const uint8_t *at = p, *end = p + n, *lf;
	uint8_t *text = secmem_alloc(n + 1);
	size_t got;
	int r = CL_OK;

	if (!text)
		return CL_ERR_MEMORY;
	while (r == 0 && (at = memmem(at, (size_t)(end - at), begin,
			      sizeof(begin) - 1))) {
		at = unescape(at, end, text, &got);
		r = look(s, text, got, depth + 1);
	}
	secmem_free(text);
	for (at = p; r == 0 && at < end; at = lf + 1) {
		if (!(lf = memchr(at, '\n', (size_t)(end - at))))
			lf = end;
		if (*at == '{' && (at != p || lf != end))
			r = look(s, at, (size_t)(lf - at), depth + 1);
	}
	return r;
}

static int
look_at_encoded(struct search *s, const uint8_t *p, size_t n, unsigned depth)
{
	uint8_t *inner;
	size_t inner_n;
	int r = bytes_text((const char *)p, n, &inner, &inner_n);

	if (r != 0)
		return r == CL_ERR_MEMORY ? r : CL_OK;
	r = look(s, inner, inner_n, depth + 1);
	secmem_free(inner);
	return r;
}

static int
look(struct search *s, const uint8_t *p, size_t n, unsigned depth)
{
	unsigned before;
	bool taken;
	int r;

	if (n < SHORTEST || depth > DEPTH_MAX)
		return CL_OK;
	if (++s->pieces > PIECES_MAX)
		return CL_ERR_LIMIT;
	if ((r = try_piece(s, p, n, &taken)) != 0 || taken ||
	    (r = look_at_ders(s, p, n, &taken)) != 0 || taken)
		return r;
	before = s->found;
	if (memmem(p, n, "-----BEGIN%20", 13) &&
	    ((r = look_at_headers(s, p, n, depth)) != 0 || s->found > before))
		return r;
	while (n && isspace(*p))
		p++, n--;
	if (n && (*p == '{' || *p == '['))
		return look_at_json(s, p, n, depth);
	return look_at_encoded(s, p, n, depth);
}

int
endorse_add_text(struct endorse *e, const uint8_t *p, size_t n)
{
	struct search s = {0};
	int r = endorse_add(e, p, n);

	if (r != CL_ERR_FORMAT)
		return r;
	if ((r = endorse_new(&s.bag)) != 0)
		return r;
	r = look(&s, p, n, 1);
	if (r == 0)
		r = s.found ? endorse_add_bag(e, s.bag) : CL_ERR_FORMAT;
	endorse_free(s.bag);
	return r;
}
