#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/bytes_text.h"
#include "policy/verify_tpm.h"

/*
 * The report of Azure's paravisor (NV index 0x01400001). Little endian.
 *	   0	   4	"HCLA"
 *	   4	   4	version: 1, 2
 *	   8	   4	size: 1216 + size of the data below
 *	  12	   4	request type: 2
 *	  16	   4	status: 0
 *	  20	  12	reserved
 *	  32	1184	SEV-SNP report; or TDREPORT, 1024 bytes, and zeros
 *	1216	   4	size: 20 + n
 *	1220	   4	version: 1
 *	1224	   4	type: 2 SEV-SNP, 4 TDX
 *	1228	   4	hash: 1, SHA-256
 *	1232	   4	n
 *	1236	   n	JSON: {"keys":[JWK,…],…}
 * then zeros. No signature covers any of it but the report's own; the hash of
 * the JSON's exact bytes is the first half of the report data, zeros follow.
 */
#define MAGIC	    0x414c4348u
#define REPORT	    1184u
#define HEAD	    32u
#define DATA_HEAD   20u
#define REQUEST	    2u
#define TYPE_SNP    2u
#define TYPE_TDX    4u
#define HASH_SHA256 1u

static int
get_head(struct rd *in, uint32_t *size)
{
	uint32_t magic, version, request, status;
	const uint8_t *reserved;
	int r;

	if ((r = rd_u32(in, &magic)) != 0 || (r = rd_u32(in, &version)) != 0 ||
	    (r = rd_u32(in, size)) != 0 || (r = rd_u32(in, &request)) != 0 ||
	    (r = rd_u32(in, &status)) != 0 ||
	    (r = rd_view(in, &reserved, 12)) != 0)
		return r;
	if (magic != MAGIC || request != REQUEST || status != 0)
		return CL_ERR_FORMAT;
	return version == 1 || version == 2 ? CL_OK : CL_ERR_VERSION;
}

static int
get_data(struct rd *in, uint32_t whole, struct tpm_hcl *hcl)
{
	uint32_t size, version, type, hash, n;
	int r;

	if ((r = rd_u32(in, &size)) != 0 || (r = rd_u32(in, &version)) != 0 ||
	    (r = rd_u32(in, &type)) != 0 || (r = rd_u32(in, &hash)) != 0 ||
	    (r = rd_u32(in, &n)) != 0)
		return r;
	if (n > TPM_HCL_MAX || size != DATA_HEAD + n ||
	    whole != HEAD + REPORT + size)
		return CL_ERR_FORMAT;
	if ((type != TYPE_SNP && type != TYPE_TDX) || hash != HASH_SHA256)
		return CL_ERR_UNSUPPORTED;
	hcl->tdx = type == TYPE_TDX;
	hcl->data.n = n;
	return rd_view(in, &hcl->data.p, n);
}

int
tpm_hcl_parse(const uint8_t *p, size_t n, struct tpm_hcl *hcl)
{
	struct rd in = rd_make(p, n);
	struct crypto_part part;
	uint32_t size;
	int r;

	memset(hcl, 0, sizeof(*hcl));
	hcl->report.n = REPORT;
	if ((r = get_head(&in, &size)) != 0 ||
	    (r = rd_view(&in, &hcl->report.p, REPORT)) != 0 ||
	    (r = get_data(&in, size, hcl)) != 0)
		return r;
	for (; in.left; in.p++, in.left--)
		if (*in.p)
			return CL_ERR_TRAILING;
	part = (struct crypto_part){hcl->data.p, hcl->data.n};
	return crypto_sha256(&part, 1, hcl->hash);
}

/* NULL unless there is just one. */
static const json_t *
find_ak(const json_t *keys)
{
	const json_t *item, *found = NULL;
	const char *kid;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)keys, i, item)
	{
		kid = json_string_value(json_object_get(item, "kid"));
		if (!kid || strcmp(kid, "HCLAkPub") != 0)
			continue;
		if (found)
			return NULL;
		found = item;
	}
	return found;
}

int
tpm_hcl_ak(const struct tpm_hcl *hcl, struct tpm_ak *ak)
{
	const json_t *jwk;
	json_t *o;
	int r;

	memset(ak, 0, sizeof(*ak));
	o = json_parse((const char *)hcl->data.p, hcl->data.n, &r);
	if (!o)
		return r;
	jwk = find_ak(json_object_get(o, "keys"));
	r = jwk ? tpm_ak_jwk(jwk, ak) : json_blame("keys");
	json_decref(o);
	return r;
}

bool
tpm_hcl_bound(const struct tpm_evidence *e, const uint8_t report_data[64],
    struct appraise_result *rows)
{
	uint8_t want[64] = {0};

	memcpy(want, e->hcl.hash, sizeof(e->hcl.hash));
	/* Rows show how values begin; all of it is compared. */
	return rows_same(rows, "ak.endorsed", want, report_data, 64);
}

/* "user-data" of the JSON: 64 bytes in hex, of either case. */
static int
user_data(const struct tpm_hcl *hcl, uint8_t out[64])
{
	const char *s;
	json_t *o;
	int r = CL_OK;

	o = json_parse((const char *)hcl->data.p, hcl->data.n, &r);
	if (!o)
		return r;
	s = json_string_value(json_object_get(o, "user-data"));
	r = s && strlen(s) == 128 ? bytes_hex(s, out, 64) : CL_ERR_FORMAT;
	json_decref(o);
	return r;
}

bool
tpm_hcl_fresh(const struct tpm_evidence *e, const uint8_t want[64],
    struct appraise_result *rows)
{
	uint8_t came[64];

	if (user_data(&e->hcl, came) != 0)
		return rows_say(rows, "hcl.user_data", false,
		    "what this evidence is about", "none");
	return rows_same(rows, "hcl.user_data", want, came, sizeof(came));
}
