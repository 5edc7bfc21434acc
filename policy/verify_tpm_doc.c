#include <stdlib.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/verify_tpm.h"

#define TEXT_MAX  (512u << 10)
#define SIG_HEAD  6u
#define RSA_BYTES 256u

/* What is decoded never is longer than its text was, so one block of the
 * text's size holds all of it. */
struct arena {
	uint8_t *p;
	size_t left;
};

static void
keep(struct arena *a, struct tpm_blob_view *out, size_t n)
{
	*out = (struct tpm_blob_view){a->p, n};
	a->p += n;
	a->left -= n;
}

static int
get_url(const json_t *o, const char *key, bool must, struct arena *a,
    struct tpm_blob_view *out)
{
	size_t n;
	int r;

	if (!json_object_get(o, key))
		return must ? json_blame(key) : CL_OK;
	if ((r = json_get_blob(o, key, a->p, a->left, &n)) != 0)
		return r;
	if (!n)
		return json_blame(key);
	keep(a, out, n);
	return CL_OK;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower-case hex of at most cap bytes. */
static int
unhex(const char *s, size_t len, uint8_t *out, size_t cap, size_t *n)
{
	size_t i;

	if (len % 2 || len / 2 > cap)
		return CL_ERR_FORMAT;
	for (i = 0; i < len; i += 2) {
		if (digit(s[i]) < 0 || digit(s[i + 1]) < 0)
			return CL_ERR_FORMAT;
		out[i / 2] = (uint8_t)(digit(s[i]) << 4 | digit(s[i + 1]));
	}
	*n = len / 2;
	return CL_OK;
}

/* "0" to "23", in one way of writing. */
static int
pcr_number(const char *key, unsigned *at)
{
	size_t len = strlen(key);

	if (!len || len > 2 || strspn(key, "0123456789") != len ||
	    (len == 2 && key[0] == '0'))
		return CL_ERR_FORMAT;
	*at = (unsigned)(len == 2 ? (key[0] - '0') * 10 + key[1] - '0'
				  : key[0] - '0');
	return *at < TPM_PCRS ? CL_OK : CL_ERR_FORMAT;
}

static int
get_pcrs(const json_t *o, struct tpm_doc *doc)
{
	const json_t *pcrs = json_object_get(o, "pcrs"), *value;
	const char *key;
	unsigned at;
	size_t n;

	if (!json_is_object(pcrs))
		return json_blame("pcrs");
	json_object_foreach((json_t *)(uintptr_t)pcrs, key, value)
	{
		if (pcr_number(key, &at) != 0 || !json_is_string(value) ||
		    unhex(json_string_value(value), json_string_length(value),
			doc->pcr[at], 32, &n) != 0 ||
		    n != 32)
			return json_blame("pcrs");
		doc->given |= 1u << at;
	}
	return CL_OK;
}

static int
parse_own(const json_t *o, struct arena *a, struct tpm_doc *doc)
{
	static const char *const known[] = {"attest", "signature", "pcrs", "ak",
	    "ak_public", "hcl", "td_quote", "eventlog", "svsm_report",
	    "svsm_manifest", "svsm_data", NULL};
	int r;

	if ((r = json_only(o, known)) != 0 ||
	    (r = get_url(o, "attest", true, a, &doc->attest)) != 0 ||
	    (r = get_url(o, "signature", true, a, &doc->signature)) != 0 ||
	    (r = get_pcrs(o, doc)) != 0 ||
	    (r = get_url(o, "ak", false, a, &doc->ak)) != 0 ||
	    (r = get_url(o, "ak_public", false, a, &doc->ak_public)) != 0 ||
	    (r = get_url(o, "hcl", false, a, &doc->hcl)) != 0 ||
	    (r = get_url(o, "td_quote", false, a, &doc->td_quote)) != 0)
		return r;
	if ((r = get_url(o, "svsm_report", false, a, &doc->svsm_report)) != 0 ||
	    (r = get_url(o, "svsm_manifest", doc->svsm_report.n > 0, a,
		 &doc->svsm_manifest)) != 0 ||
	    (r = get_url(o, "svsm_data", doc->svsm_report.n > 0, a,
		 &doc->svsm_data)) != 0)
		return r;
	return get_url(o, "eventlog", false, a, &doc->eventlog);
}

/*
 * Trustee's attesters write the same in other ways:
 *   az-snp-vtpm, az-tdx-vtpm	{"version":1,"hcl_report","td_quote","vcek",
 *	"tpm_quote":{"message","signature","pcrs":[value,…]}}
 *	version 0 of it: no "version", "report" and "quote" for AMD
 *   tpm	{"ak_public","tpm_quote":{…}}
 * Byte strings are hex, base64url, base64 or arrays of numbers; signatures are
 * a TPMT_SIGNATURE, or of RSASSA with SHA-256 and nothing around it.
 */
static int
decode_array(const json_t *v, struct arena *a, size_t *n)
{
	const json_t *item;
	size_t i;

	*n = json_array_size(v);
	if (*n > a->left)
		return CL_ERR_FORMAT;
	json_array_foreach((json_t *)(uintptr_t)v, i, item)
	{
		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) > 255)
			return CL_ERR_FORMAT;
		a->p[i] = (uint8_t)json_integer_value(item);
	}
	return CL_OK;
}

static int
decode(const json_t *v, struct arena *a, size_t *n)
{
	const char *s = json_string_value(v);
	size_t len = json_string_length(v);

	if (json_is_array(v))
		return decode_array(v, a, n);
	if (!s || !len)
		return CL_ERR_FORMAT;
	if (strncmp(s, "-----", 5) == 0) {
		if (len > a->left)
			return CL_ERR_FORMAT;
		memcpy(a->p, s, len);
		*n = len;
		return CL_OK;
	}
	if (unhex(s, len, a->p, a->left, n) == 0)
		return CL_OK;
	*n = a->left;
	if (b64_decode(s, len, a->p, n) == 0)
		return CL_OK;
	while (len && s[len - 1] == '=')
		len--;
	*n = a->left;
	return b64url_decode(s, len, a->p, n);
}

static int
get_any(const json_t *o, const char *key, struct arena *a,
    struct tpm_blob_view *out)
{
	const json_t *v = json_object_get(o, key);
	size_t n;

	if (!v || json_is_null(v))
		return CL_OK;
	if (decode(v, a, &n) != 0 || !n)
		return json_blame(key);
	keep(a, out, n);
	return CL_OK;
}

static int
get_trustee_signature(
    const json_t *quote, struct arena *a, struct tpm_blob_view *out)
{
	static const uint8_t head[SIG_HEAD] = {
	    0, TPM_RSASSA, 0, TPM_SHA256, RSA_BYTES >> 8, RSA_BYTES & 0xff};
	uint8_t *at = a->p;
	int r;

	if (a->left < SIG_HEAD)
		return CL_ERR_FORMAT;
	keep(a, out, SIG_HEAD);
	if ((r = get_any(quote, "signature", a, out)) != 0)
		return r;
	if (out->p != at + SIG_HEAD)
		return json_blame("signature");
	if (out->n == RSA_BYTES) {
		memcpy(at, head, SIG_HEAD);
		*out = (struct tpm_blob_view){at, SIG_HEAD + RSA_BYTES};
	}
	return CL_OK;
}

/* Of every PCR, from 0. */
static int
get_trustee_pcrs(const json_t *quote, struct arena *a, struct tpm_doc *doc)
{
	const json_t *pcrs = json_object_get(quote, "pcrs"), *value;
	size_t i, n;

	if (!json_is_array(pcrs) || json_array_size(pcrs) > TPM_PCRS)
		return json_blame("pcrs");
	json_array_foreach((json_t *)(uintptr_t)pcrs, i, value)
	{
		if (decode(value, a, &n) != 0 || n != 32)
			return json_blame("pcrs");
		memcpy(doc->pcr[i], a->p, 32);
		doc->given |= 1u << i;
	}
	return CL_OK;
}

static int
parse_trustee(
    const json_t *o, const json_t *quote, struct arena *a, struct tpm_doc *doc)
{
	static const char *const known[] = {"version", "hcl_report", "report",
	    "td_quote", "vcek", "tpm_quote", "quote", "ak_public", NULL};
	static const char *const inner[] = {
	    "message", "signature", "pcrs", NULL};
	int r;

	if ((r = json_only(o, known)) != 0 ||
	    (r = json_only(quote, inner)) != 0 ||
	    (r = get_any(quote, "message", a, &doc->attest)) != 0 ||
	    (r = get_trustee_signature(quote, a, &doc->signature)) != 0 ||
	    (r = get_trustee_pcrs(quote, a, doc)) != 0 ||
	    (r = get_any(o, "report", a, &doc->hcl)) != 0 ||
	    (r = get_any(o, "hcl_report", a, &doc->hcl)) != 0 ||
	    (r = get_any(o, "td_quote", a, &doc->td_quote)) != 0 ||
	    (r = get_any(o, "vcek", a, &doc->vek)) != 0)
		return r;
	if (!doc->attest.n)
		return json_blame("message");
	return get_any(o, "ak_public", a, &doc->ak);
}

static int
check_sizes(const struct tpm_doc *doc)
{
	if (doc->attest.n > TPM_ATTEST_MAX)
		return json_blame("attest");
	if (doc->signature.n > TPM_SIG_MAX)
		return json_blame("signature");
	if (doc->ak.n > TPM_KEY_MAX || doc->ak_public.n > TPM_KEY_MAX)
		return json_blame("ak");
	if (doc->svsm_manifest.n > TPM_MANIFEST_MAX)
		return json_blame("svsm_manifest");
	return doc->hcl.n > TPM_HCL_MAX ? json_blame("hcl") : CL_OK;
}

int
tpm_doc_parse(const uint8_t *p, size_t n, struct tpm_doc *doc)
{
	const json_t *quote;
	struct arena a;
	json_t *o;
	int r;

	memset(doc, 0, sizeof(*doc));
	if (n > TEXT_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(o = json_parse((const char *)p, n, &r)))
		return r;
	a = (struct arena){secmem_alloc(n + 1), n + 1};
	doc->memory = a.p;
	if (!(quote = json_object_get(o, "tpm_quote")))
		quote = json_object_get(o, "quote");
	if (!a.p)
		r = CL_ERR_MEMORY;
	else
		r = quote ? parse_trustee(o, quote, &a, doc)
			  : parse_own(o, &a, doc);
	if (r == 0)
		r = check_sizes(doc);
	json_decref(o);
	return r;
}

void
tpm_doc_clear(struct tpm_doc *doc)
{
	secmem_free(doc->memory);
	memset(doc, 0, sizeof(*doc));
}
