#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "policy/sm2.h"
#include "policy/verify_csv_cert.h"

/*
 * HRK and HSK, 832 bytes, little endian. Bytes 0 to 0x23f are signed.
 *
 *	0x000 u32 version		0x0d4 u16 length of the user id
 *	0x004 key id[16]		0x0d6 user id[254]
 *	0x014 certifying key id[16]	0x1d4 reserved[108]
 *	0x024 u32 usage			0x240 R[72]
 *	0x028 reserved[24]		0x288 S[72]
 *	0x040 u32 curve			0x2d0 zero[112]
 *	0x044 X[72]
 *	0x08c Y[72]
 *
 * CEK and PEK, 2084 bytes. Bytes 0 to 0x413 are signed.
 *
 *	0x000 u32 version		0x414 u32 usage of signer 1
 *	0x004 u8 API major, minor	0x418 u32 algorithm
 *	0x006 reserved[2]		0x41c R[72]
 *	0x008 u32 usage			0x464 S[72]
 *	0x00c u32 algorithm		0x4ac zero[368]
 *	0x010 u32 curve			0x61c u32 usage of signer 2
 *	0x014 X[72]			0x620 u32 algorithm
 *	0x05c Y[72]			0x624 R[72]
 *	0x0a4 u16 length of user id	0x66c S[72]
 *	0x0a6 user id[254]		0x6b4 zero[368]
 *	0x1a4 signer id[16]
 *	0x1b4 reserved[608]
 *
 * Signer 2 of a CEK is nobody. Signer 2 of a PEK is the machine's owner
 * (OCA), whose key is not at hand and gives no trust: the 520 bytes from 0x61c
 * of a PEK are not looked at.
 */
#define ROOT_SIGNED 0x240u
#define ROOT_TAIL   0x2d0u
#define CSV_SIGNED  0x414u
#define CSV_TAIL_1  0x4acu
#define CSV_SIG_2   0x61cu

#define CURVE_SM2    3u
#define USAGE_HRK    0u
#define USAGE_HSK    0x13u
#define USAGE_CEK    0x1004u
#define USAGE_NOBODY 0x1000u

/* What a certificate of each kind says of itself and of its signer. */
static const struct {
	const char *name;
	uint32_t usage, signer;
} kinds[] = {
    [CSV_HRK] = {"HRK", USAGE_HRK, USAGE_HRK},
    [CSV_HSK] = {"HSK", USAGE_HSK, USAGE_HRK},
    [CSV_CEK] = {"CEK", USAGE_CEK, USAGE_HSK},
    [CSV_PEK] = {"PEK", CSV_USAGE_PEK, USAGE_CEK},
};

/* cert.hygon.cn/hrk */
static const struct csv_cert built_in = {
    .kind = CSV_HRK,
    .version = 1,
    .curve = CURVE_SM2,
    .key_id = {0x3a, 0xe8, 0x6a, 0x97, 0x01, 0x35, 0x5c, 0xce, 0x33, 0x3a, 0x58,
	0x9d, 0xe2, 0x15, 0x83, 0xd7},
    .signer_id = {0x3a, 0xe8, 0x6a, 0x97, 0x01, 0x35, 0x5c, 0xce, 0x33, 0x3a,
	0x58, 0x9d, 0xe2, 0x15, 0x83, 0xd7},
    .xy = {0xbe, 0x62, 0xe1, 0x4d, 0x62, 0xa4, 0xf1, 0x4c, 0xf3, 0xd7, 0x02,
	0xdb, 0x09, 0x56, 0x3a, 0x75, 0xc8, 0x09, 0x35, 0xe7, 0x85, 0xcd, 0x1f,
	0x50, 0x2a, 0xf5, 0xf2, 0x1d, 0x92, 0xc2, 0xf6, 0x2d, 0x3b, 0xab, 0x12,
	0x3a, 0x57, 0xbb, 0x70, 0x15, 0x58, 0x4f, 0x8b, 0x97, 0x16, 0x4e, 0x95,
	0x38, 0x4a, 0x64, 0x0c, 0x10, 0xb9, 0xbe, 0x88, 0x47, 0x38, 0x74, 0x4d,
	0x68, 0xb4, 0x1e, 0xb9, 0x46},
    .uid = "HYGON-SSD-HRK",
    .uid_n = 13,
};

static bool
is_zero(const uint8_t *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return n == 0;
}

static int
read_number(const uint8_t le[72], uint8_t out[32])
{
	unsigned i;

	if (!is_zero(le + 32, 40))
		return CL_ERR_FORMAT;
	for (i = 0; i < 32; i++)
		out[i] = le[31 - i];
	return CL_OK;
}

int
csv_number_pair(const uint8_t r[72], const uint8_t s[72], uint8_t out[64])
{
	int e = read_number(r, out);

	return e ? e : read_number(s, out + 32);
}

static int
read_pair(struct rd *in, uint8_t out[64])
{
	const uint8_t *a, *b;
	int r;

	if ((r = rd_view(in, &a, 72)) || (r = rd_view(in, &b, 72)))
		return r;
	return csv_number_pair(a, b, out);
}

static int
read_root(struct rd *in, struct csv_cert *c)
{
	const uint8_t *reserved;
	int r;

	if ((r = rd_u32(in, &c->version)) ||
	    (r = rd_bytes(in, c->key_id, 16)) ||
	    (r = rd_bytes(in, c->signer_id, 16)) ||
	    (r = rd_u32(in, &c->usage)) || (r = rd_view(in, &reserved, 24)) ||
	    (r = rd_u32(in, &c->curve)) || (r = read_pair(in, c->xy)) ||
	    (r = rd_u16(in, &c->uid_n)) ||
	    (r = rd_bytes(in, c->uid, CSV_UID_MAX)) ||
	    (r = rd_view(in, &reserved, 108)))
		return r;
	c->algorithm = c->sig_algorithm = CSV_SM2_SIGN; /* no words for them */
	c->sig_usage = kinds[c->kind].signer;
	return read_pair(in, c->sig);
}

static int
read_csv(struct rd *in, struct csv_cert *c)
{
	const uint8_t *reserved;
	int r;

	if ((r = rd_u32(in, &c->version)) || (r = rd_u8(in, &c->api_major)) ||
	    (r = rd_u8(in, &c->api_minor)) || (r = rd_view(in, &reserved, 2)) ||
	    (r = rd_u32(in, &c->usage)) || (r = rd_u32(in, &c->algorithm)) ||
	    (r = rd_u32(in, &c->curve)) || (r = read_pair(in, c->xy)) ||
	    (r = rd_u16(in, &c->uid_n)) ||
	    (r = rd_bytes(in, c->uid, CSV_UID_MAX)) ||
	    (r = rd_bytes(in, c->signer_id, 16)) ||
	    (r = rd_view(in, &reserved, 608)) ||
	    (r = rd_u32(in, &c->sig_usage)) ||
	    (r = rd_u32(in, &c->sig_algorithm)))
		return r;
	return read_pair(in, c->sig);
}

static bool
is_root_format(enum csv_kind kind)
{
	return kind == CSV_HRK || kind == CSV_HSK;
}

/* What no signature covers and must be zero. */
static bool
has_clean_tail(const struct csv_cert *c)
{
	const uint8_t *p = c->raw;

	if (is_root_format(c->kind))
		return is_zero(p + ROOT_TAIL, CSV_ROOT_CERT - ROOT_TAIL);
	if (!is_zero(p + CSV_TAIL_1, CSV_SIG_2 - CSV_TAIL_1))
		return false;
	return c->kind == CSV_PEK ||
	       (le32_get(p + CSV_SIG_2) == USAGE_NOBODY &&
		   is_zero(p + CSV_SIG_2 + 4, CSV_CERT - CSV_SIG_2 - 4));
}

static const char *
find_fault(const struct csv_cert *c)
{
	if (c->usage != kinds[c->kind].usage)
		return "another usage word";
	if (c->algorithm != CSV_SM2_SIGN)
		return "an algorithm that is not SM2 signature";
	if (c->curve != CURVE_SM2)
		return "a curve that is not SM2";
	if (!c->uid_n || c->uid_n > CSV_UID_MAX)
		return "a user id that is not of 1 to 254 bytes";
	if (c->sig_usage != kinds[c->kind].signer)
		return "another usage word of its signer";
	if (c->sig_algorithm != CSV_SM2_SIGN)
		return "a signature that is not SM2";
	if (!has_clean_tail(c))
		return "bytes that are not zero in its padding";
	return NULL;
}

int
csv_cert_parse(enum csv_kind kind, const uint8_t *p, size_t n,
    struct csv_cert *out, const char **why)
{
	bool root = is_root_format(kind);
	struct rd in = rd_make(p, n);

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	out->raw = p;
	*why = "a number of more than 32 bytes, or another length";
	if (n != (root ? CSV_ROOT_CERT : CSV_CERT) ||
	    (root ? read_root(&in, out) : read_csv(&in, out)) != 0)
		return CL_ERR_FORMAT;
	*why = find_fault(out);
	return *why ? CL_ERR_FORMAT : CL_OK;
}

int
csv_cert_verify(
    const struct csv_cert *key, const void *p, size_t n, const uint8_t sig[64])
{
	EVP_PKEY *pkey = NULL;
	int r;

	if ((r = sm2_key(key->xy, &pkey)) == 0)
		r = sm2_verify(pkey, key->uid, key->uid_n, p, n, sig);
	EVP_PKEY_free(pkey);
	return r;
}

int
csv_cert_digest(const struct csv_cert *c, uint8_t out[32])
{
	const struct crypto_part point = {c->xy, sizeof(c->xy)};

	return crypto_sha256(&point, 1, out);
}

/* Is c's signature issuer's, and does c name that issuer? */
static const char *
find_broken_link(const struct csv_cert *c, const struct csv_cert *issuer)
{
	size_t n = is_root_format(c->kind) ? ROOT_SIGNED : CSV_SIGNED;
	int r;

	/* A PEK names no signer; a CEK has no key id. */
	if (c->kind != CSV_PEK && memcmp(c->signer_id, issuer->key_id, 16) != 0)
		return "a signer of another key id";
	r = csv_cert_verify(issuer, c->raw, n, c->sig);
	if (r == CL_ERR_FORMAT)
		return "a key that is no point of the curve";
	if (r == CL_ERR_SIGNATURE)
		return "a signature that does not hold";
	return r ? err_text(r) : NULL;
}

/* The certificate of a kind in a document, NULL: none. */
static const uint8_t *
in_doc(const struct endorse_doc *doc, enum csv_kind kind)
{
	static const enum endorse_kind alone[] = {[CSV_HRK] = ENDORSE_HRK,
	    [CSV_HSK] = ENDORSE_HSK,
	    [CSV_CEK] = ENDORSE_CEK};

	if (doc->kind == alone[kind])
		return doc->n ==
			       (is_root_format(kind) ? CSV_ROOT_CERT : CSV_CERT)
			   ? doc->p
			   : NULL;
	if (doc->kind != ENDORSE_HSK_CEK || doc->n != CSV_ROOT_CERT + CSV_CERT)
		return NULL;
	if (kind == CSV_HSK)
		return doc->p;
	return kind == CSV_CEK ? doc->p + CSV_ROOT_CERT : NULL;
}

/* The first one in a bag that signed child; *why: what the last one had. */
static bool
search(const struct endorse *bag, enum csv_kind kind,
    const struct csv_cert *child, struct csv_cert *out, const char **why)
{
	const uint8_t *p;
	unsigned i;

	for (i = 0; bag && i < bag->ndocs; i++) {
		if (!(p = in_doc(&bag->docs[i], kind)))
			continue;
		if (csv_cert_parse(kind, p,
			is_root_format(kind) ? CSV_ROOT_CERT : CSV_CERT, out,
			why) != 0)
			continue;
		if (!(*why = find_broken_link(child, out)))
			return true;
	}
	return false;
}

static bool
has_hrk(const struct endorse *bag)
{
	return bag && endorse_find(bag, ENDORSE_HRK);
}

/* The signer of child in either bag. */
static bool
find_signer(enum csv_kind kind, const struct csv_cert *child,
    const struct endorse *own, const struct endorse *given,
    struct csv_cert *out, struct appraise_result *rows)
{
	static const char *const claims[] = {
	    "chain.hrk", "chain.hsk", "chain.cek"};
	const char *why = "none among the endorsements";
	char expected[48];
	bool ok;

	(void)snprintf(expected, sizeof(expected), "the %s that signed the %s",
	    kinds[kind].name, kinds[child->kind].name);
	if (kind == CSV_HRK && !has_hrk(own) && !has_hrk(given)) {
		*out = built_in;
		ok = !(why = find_broken_link(child, out));
	} else
		ok = search(given, kind, child, out, &why) ||
		     search(own, kind, child, out, &why);
	return rows_say(
	    rows, claims[kind], ok, expected, ok ? "the same" : why);
}

static bool
check_root(const struct csv_cert *hrk, const struct roots *roots,
    bool *test_root, struct appraise_result *rows)
{
	const char *why = hrk->raw ? find_broken_link(hrk, hrk) : NULL;
	uint8_t digest[32];
	char text[65];

	if (why)
		return rows_say(rows, "chain.root", false,
		    "an HRK that signed itself", why);
	if (csv_cert_digest(hrk, digest) != 0)
		return rows_say(rows, "chain.root", false, "a digest",
		    "the cryptographic library failed");
	rows_hex(digest, sizeof(digest), text);
	if (!roots_trust(roots, ROOT_HYGON, digest, test_root))
		return rows_sayf(rows, "chain.root", false, "the root of Hygon",
		    "the key %s", text);
	return rows_say(rows, "chain.root", true, "the root of Hygon",
	    *test_root ? "a test root that the policy names"
		       : "the vendor's root");
}

bool
csv_chain_build(const struct csv_cert *pek, const struct endorse *own,
    const struct endorse *given, const struct roots *roots,
    struct csv_chain *out, struct appraise_result *rows)
{
	memset(out, 0, sizeof(*out));
	if (!find_signer(CSV_CEK, pek, own, given, &out->cek, rows) ||
	    !find_signer(CSV_HSK, &out->cek, own, given, &out->hsk, rows) ||
	    !find_signer(CSV_HRK, &out->hsk, own, given, &out->hrk, rows) ||
	    !check_root(&out->hrk, roots, &out->test_root, rows))
		return false;
	return out->there = true;
}
