/*
 * A vendor of our own in Intel's formats, made anew for each test: root, PCK
 * platform CA, PCK certificate with the SGX extension, TCB signing, CRLs, TCB
 * info, QE identity, quotes. Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_FAKE_INTEL_H
#define CLOISTER_TESTS_FAKE_INTEL_H

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "policy/verify_tdx.h"

#ifndef FAKE_NOW /* else: live, for programs */
#define FAKE_NOW INT64_C(1800000000)
#endif
#define FAKE_DAY  INT64_C(86400)
#define FAKE_DOC  32768u
#define FAKE_SPAN (400 * FAKE_DAY)

/* Zeros are good for all that is not said. */
struct fake_platform {
	uint8_t comp[16], svn[16], svn2[16], fmspc[6], pceid[2];
	uint8_t mrsigner_seam[48], seam_attributes[8], mr_servicetd[48];
	uint64_t td_attributes;
	uint16_t pcesvn, qe_isvsvn, qe_isvprodid;
	uint16_t version;   /* 4 or 5 */
	uint16_t body_type; /* of version 5: 2 or 3 */
	uint8_t qe_mrsigner, qe_attributes;
	unsigned padding;	    /* bytes after the quote */
	const uint8_t *report_data; /* 64 bytes; NULL: some */
	bool bare_root;		    /* without the root in the quote */
	void (*edit)(uint8_t *body, size_t n); /* before it is signed */
};

struct fake_intel {
	EVP_PKEY *root_key, *ca_key, *pck_key, *tcb_key, *ak;
	X509 *root, *ca, *pck, *tcb;
	struct roots roots; /* the root, as a test root */
};

static inline EVP_PKEY *
fake_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

static inline void
fake_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static inline void
fake_name(X509_NAME *name, const char *cn)
{
	static const char *const rest[][2] = {{"O", "Intel Corporation"},
	    {"L", "Santa Clara"}, {"ST", "CA"}, {"C", "US"}};
	size_t i;

	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const unsigned char *)cn, -1, -1, 0),
	    1);
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    X509_NAME_add_entry_by_txt(name, rest[i][0], MBSTRING_ASC,
			(const unsigned char *)rest[i][1], -1, -1, 0),
		    1);
}

/* path < 0: not a CA. issuer NULL: self-signed. */
struct fake_cert {
	const char *cn;
	EVP_PKEY *key;
	X509 *issuer;
	EVP_PKEY *issuer_key;
	long serial;
	int path;
	int64_t from, to;
	const EVP_MD *md; /* NULL: SHA-256 */
};

static inline X509 *
fake_begin(const struct fake_cert *f)
{
	X509 *cert = X509_new();
	char text[32];

	assert_non_null(cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), f->serial);
	ASN1_TIME_set(X509_getm_notBefore(cert),
	    (time_t)(f->from ? f->from : FAKE_NOW - FAKE_SPAN));
	ASN1_TIME_set(X509_getm_notAfter(cert),
	    (time_t)(f->to ? f->to : FAKE_NOW + FAKE_SPAN));
	fake_name(X509_get_subject_name(cert), f->cn);
	X509_set_issuer_name(
	    cert, X509_get_subject_name(f->issuer ? f->issuer : cert));
	X509_set_pubkey(cert, f->key);
	snprintf(text, sizeof(text), "critical,CA:TRUE,pathlen:%d", f->path);
	fake_ext(cert, NID_basic_constraints,
	    f->path < 0 ? "critical,CA:FALSE" : text);
	fake_ext(cert, NID_key_usage,
	    f->path < 0 ? "critical,digitalSignature"
			: "critical,keyCertSign,cRLSign");
	return cert;
}

static inline X509 *
fake_make_cert(const struct fake_cert *f)
{
	X509 *cert = fake_begin(f);

	assert_true(X509_sign(cert, f->issuer_key ? f->issuer_key : f->key,
			f->md ? f->md : EVP_sha256()) > 0);
	return cert;
}

/* ---- the SGX extension, DER by hand ------------------------------------ */

static inline size_t
fake_tlv(uint8_t tag, const uint8_t *p, size_t n, uint8_t *out)
{
	size_t at = 0;

	out[at++] = tag;
	if (n >= 256) {
		out[at++] = 0x82;
		out[at++] = (uint8_t)(n >> 8);
	} else if (n >= 128) {
		out[at++] = 0x81;
	}
	out[at++] = (uint8_t)n;
	memcpy(out + at, p, n);
	return at + n;
}

/* SEQUENCE {OID …13.1.a[.b], value}; b 0: none. */
static inline size_t
fake_member(
    uint8_t a, uint8_t b, uint8_t tag, const uint8_t *p, size_t n, uint8_t *out)
{
	uint8_t oid[11] = {
	    0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, a, b};
	uint8_t inner[2048];
	size_t at = fake_tlv(V_ASN1_OBJECT, oid, b ? 11 : 10, inner);

	at += fake_tlv(tag, p, n, inner + at);
	return fake_tlv(0x30, inner, at, out);
}

static inline size_t
fake_number(uint16_t v, uint8_t out[3])
{
	out[0] = 0;
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return 3;
}

static inline size_t
fake_member_int(uint8_t a, uint8_t b, uint16_t v, uint8_t *out)
{
	uint8_t be[3];
	size_t skip = 0;

	fake_number(v, be);
	while (skip < 2 && !be[skip] && !(be[skip + 1] & 0x80))
		skip++;
	return fake_member(a, b, V_ASN1_INTEGER, be + skip, 3 - skip, out);
}

static inline size_t
fake_sgx_extension(const struct fake_platform *p, uint8_t *out)
{
	static const uint8_t ppid[16] = {7}, standard = 0, yes = 0xff;
	uint8_t tcb[2048], all[4096];
	size_t t = 0, n;
	uint8_t i;

	for (i = 0; i < 16; i++)
		t += fake_member_int(2, (uint8_t)(i + 1), p->comp[i], tcb + t);
	t += fake_member_int(2, 17, p->pcesvn, tcb + t);
	t += fake_member(2, 18, V_ASN1_OCTET_STRING, p->comp, 16, tcb + t);
	n = fake_member(1, 0, V_ASN1_OCTET_STRING, ppid, 16, all);
	n += fake_member(2, 0, 0x30, tcb, t, all + n);
	n += fake_member(3, 0, V_ASN1_OCTET_STRING, p->pceid, 2, all + n);
	n += fake_member(4, 0, V_ASN1_OCTET_STRING, p->fmspc, 6, all + n);
	n += fake_member(5, 0, V_ASN1_ENUMERATED, &standard, 1, all + n);
	n += fake_member(6, 0, V_ASN1_OCTET_STRING, ppid, 16, all + n);
	t = fake_member(7, 1, V_ASN1_BOOLEAN, &yes, 1, tcb);
	n += fake_member(7, 0, 0x30, tcb, t, all + n);
	return fake_tlv(0x30, all, n, out);
}

static inline void
fake_add_sgx(X509 *cert, const uint8_t *der, size_t n)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113741.1.13.1", 1);
	ASN1_OCTET_STRING *text = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	assert_int_equal(ASN1_OCTET_STRING_set(text, der, (int)n), 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, text);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(text);
	ASN1_OBJECT_free(oid);
}

static inline X509 *
fake_pck(const struct fake_intel *f, const struct fake_platform *p)
{
	struct fake_cert leaf = {.cn = "Intel SGX PCK Certificate",
	    .key = f->pck_key,
	    .issuer = f->ca,
	    .issuer_key = f->ca_key,
	    .serial = 3,
	    .path = -1};
	X509 *cert = fake_begin(&leaf);
	uint8_t der[4096];

	fake_add_sgx(cert, der, fake_sgx_extension(p, der));
	assert_true(X509_sign(cert, f->ca_key, EVP_sha256()) > 0);
	return cert;
}

static inline struct fake_intel *
fake_intel_new(const struct fake_platform *p)
{
	struct fake_intel *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(crypto_ready(), 0);
	f->root_key = fake_key();
	f->ca_key = fake_key();
	f->pck_key = fake_key();
	f->tcb_key = fake_key();
	f->ak = fake_key();
	f->root = fake_make_cert(&(struct fake_cert){.cn = "Intel SGX Root CA",
	    .key = f->root_key,
	    .serial = 1,
	    .path = 1});
	f->ca = fake_make_cert(
	    &(struct fake_cert){.cn = "Intel SGX PCK Platform CA",
		.key = f->ca_key,
		.issuer = f->root,
		.issuer_key = f->root_key,
		.serial = 2,
		.path = 0});
	f->tcb =
	    fake_make_cert(&(struct fake_cert){.cn = "Intel SGX TCB Signing",
		.key = f->tcb_key,
		.issuer = f->root,
		.issuer_key = f->root_key,
		.serial = 4,
		.path = -1});
	f->pck = fake_pck(f, p);
	f->roots.nextra = 1;
	f->roots.extra[0].vendor = ROOT_INTEL;
	assert_int_equal(chain_spki_sha256(f->root, f->roots.extra[0].spki), 0);
	return f;
}

static inline void
fake_intel_free(struct fake_intel *f)
{
	EVP_PKEY_free(f->root_key);
	EVP_PKEY_free(f->ca_key);
	EVP_PKEY_free(f->pck_key);
	EVP_PKEY_free(f->tcb_key);
	EVP_PKEY_free(f->ak);
	X509_free(f->root);
	X509_free(f->ca);
	X509_free(f->pck);
	X509_free(f->tcb);
	free(f);
}

/* ---- signing ------------------------------------------------------------ */

static inline void
fake_sign(EVP_PKEY *key, const void *p, size_t n, uint8_t sig[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *at = der;
	size_t der_n = sizeof(der);
	ECDSA_SIG *s;

	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, der, &der_n, p, n), 1);
	assert_non_null(s = d2i_ECDSA_SIG(NULL, &at, (long)der_n));
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32), 32);
	ECDSA_SIG_free(s);
	EVP_MD_CTX_free(ctx);
}

/* x‖y */
static inline void
fake_point(EVP_PKEY *key, uint8_t xy[64])
{
	uint8_t point[65];
	size_t n;

	assert_int_equal(EVP_PKEY_get_octet_string_param(
			     key, "pub", point, sizeof(point), &n),
	    1);
	assert_int_equal(n, 65);
	memcpy(xy, point + 1, 64);
}

/* ---- collateral --------------------------------------------------------- */

static inline const char *
fake_time(int64_t t, char out[32])
{
	time_t at = (time_t)t;
	struct tm tm;

	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	return out;
}

/* {"name":body,"signature":"…"} */
static inline size_t
fake_document(
    EVP_PKEY *key, const char *name, const char *body, char out[FAKE_DOC])
{
	uint8_t sig[64];
	char hex[129];
	int n;

	fake_sign(key, body, strlen(body), sig);
	rows_hex(sig, 64, hex);
	n = snprintf(
	    out, FAKE_DOC, "{\"%s\":%s,\"signature\":\"%s\"}", name, body, hex);
	assert_true(n > 0 && n < (int)FAKE_DOC);
	return (size_t)n;
}

static inline void
fake_add(struct endorse *e, const void *p, size_t n)
{
	assert_int_equal(endorse_add(e, p, n), 0);
}

static inline void
fake_add_cert(struct endorse *e, X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	assert_true(n > 0);
	fake_add(e, der, (size_t)n);
	OPENSSL_free(der);
}

/* A list that names one serial; 0: none. */
static inline void
fake_add_crl(struct endorse *e, X509 *issuer, EVP_PKEY *key, long serial,
    int64_t from, int64_t to)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	unsigned char *der = NULL;
	X509_REVOKED *entry;
	ASN1_INTEGER *number;
	int n;

	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, ASN1_TIME_set(t, (time_t)from));
	X509_CRL_set1_nextUpdate(crl, ASN1_TIME_set(t, (time_t)to));
	if (serial) {
		number = ASN1_INTEGER_new();
		ASN1_INTEGER_set(number, serial);
		entry = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(entry, number);
		X509_REVOKED_set_revocationDate(entry, t);
		assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
		ASN1_INTEGER_free(number);
	}
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	n = i2d_X509_CRL(crl, &der);
	assert_true(n > 0);
	fake_add(e, der, (size_t)n);
	OPENSSL_free(der);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
}

/* ---- quotes ------------------------------------------------------------- */

static inline size_t
fake_pem(const struct fake_intel *f, bool bare_root, char *out, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	assert_int_equal(PEM_write_bio_X509(bio, f->pck), 1);
	assert_int_equal(PEM_write_bio_X509(bio, f->ca), 1);
	if (!bare_root)
		assert_int_equal(PEM_write_bio_X509(bio, f->root), 1);
	n = BIO_read(bio, out, (int)cap);
	assert_true(n > 0 && n < (int)cap);
	BIO_free(bio);
	return (size_t)n;
}

static inline void
fake_body(struct wr *w, const struct fake_platform *p)
{
	uint8_t *body;
	size_t size = p->body_type == 3 ? TDX_BODY_15 : TDX_BODY_10;
	size_t i;

	if (p->version == 5) {
		assert_int_equal(wr_u16(w, p->body_type), 0);
		assert_int_equal(wr_u32(w, (uint32_t)size), 0);
	}
	assert_int_equal(wr_reserve(w, &body, size), 0);
	for (i = 0; i < size; i++)
		body[i] = (uint8_t)(i * 7 + 1);
	memcpy(body, p->svn, 16);
	memcpy(body + 64, p->mrsigner_seam, 48);
	memcpy(body + 112, p->seam_attributes, 8);
	le64_put(body + 120, p->td_attributes);
	if (p->report_data)
		memcpy(body + 520, p->report_data, 64);
	if (size == TDX_BODY_15) {
		memcpy(body + 584, p->svn2, 16);
		memcpy(body + 600, p->mr_servicetd, 48);
	}
	if (p->edit)
		p->edit(body, size);
}

static inline void
fake_qe(const struct fake_intel *f, const struct fake_platform *p,
    const uint8_t xy[64], const uint8_t *auth, size_t auth_n, struct wr *w)
{
	struct crypto_part parts[2] = {{xy, 64}, {auth, auth_n}};
	uint8_t *report, *sig;

	assert_int_equal(wr_reserve(w, &report, TDX_QE_REPORT), 0);
	memset(report, 0, TDX_QE_REPORT);
	report[48] = p->qe_attributes;
	memset(report + 128, p->qe_mrsigner, 32);
	le16_put(report + 256, p->qe_isvprodid);
	le16_put(report + 258, p->qe_isvsvn);
	assert_int_equal(crypto_sha256(parts, 2, report + 320), 0);
	assert_int_equal(wr_reserve(w, &sig, 64), 0);
	fake_sign(f->pck_key, report, TDX_QE_REPORT, sig);
}

/* Gives the length. */
static inline size_t
fake_quote(const struct fake_intel *f, const struct fake_platform *p,
    uint8_t *out, size_t cap)
{
	static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
	    0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
	static const uint8_t user[20], auth[32] = {9, 9, 9};
	struct wr w = wr_make(out, cap);
	uint8_t xy[64], sig[64];
	char pem[8192];
	size_t n = fake_pem(f, p->bare_root, pem, sizeof(pem)), signed_n;
	uint32_t data = (uint32_t)(TDX_QE_REPORT + 64 + 2 + 32 + 6 + n);

	fake_point(f->ak, xy);
	assert_true(!wr_u16(&w, p->version) && !wr_u16(&w, 2) &&
		    !wr_u32(&w, 0x81) && !wr_u32(&w, 0) &&
		    !wr_bytes(&w, vendor, 16) && !wr_bytes(&w, user, 20));
	fake_body(&w, p);
	signed_n = w.len;
	fake_sign(f->ak, out, signed_n, sig);
	assert_true(!wr_u32(&w, 64 + 64 + 6 + data) && !wr_bytes(&w, sig, 64) &&
		    !wr_bytes(&w, xy, 64) && !wr_u16(&w, 6) &&
		    !wr_u32(&w, data));
	fake_qe(f, p, xy, auth, sizeof(auth), &w);
	assert_true(!wr_u16(&w, 32) && !wr_bytes(&w, auth, 32) &&
		    !wr_u16(&w, 5) && !wr_blob(&w, pem, n));
	for (n = 0; n < p->padding; n++)
		assert_int_equal(wr_u8(&w, 0xa5), 0);
	return w.len;
}

#endif
