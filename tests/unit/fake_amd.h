/*
 * A vendor of our own in AMD's formats, made when the test runs: ARK, ASK or
 * ASVK, VCEK or VLEK with its extensions, all signed by RSASSA-PSS as AMD
 * signs, a revocation list, reports. Options say what is wrong with them.
 * RSA keys are of 2048 bits, for speed. Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_FAKE_AMD_H
#define CLOISTER_TESTS_FAKE_AMD_H

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "policy/verify_snp.h"

#ifndef FAKE_NOW /* else: live, for programs */
#define FAKE_NOW INT64_C(1800000000)
#endif
#define FAKE_DAY INT64_C(86400)
#define FAKE_OID "1.3.6.1.4.1.3704.1."

/* Zeros are good for all that is not said. */
struct fake_cert {
	const char *cn;	  /* NULL: the right one */
	bool turned_ca;	  /* the other way than is right */
	bool no_sign_use; /* of an issuer: key usage without keyCertSign */
	bool pathlen_0;	  /* of the ARK, whose ASK then goes too far */
	int64_t from, to;
	bool pkcs1;  /* signed in another way */
	int salt;    /* 0: 48 */
	bool sha256; /* for the hash */
	bool mgf256; /* for the mask */
	bool forged; /* signed by a stranger's key */
};

struct fake_amd {
	enum root_vendor product;
	bool vlek;
	uint8_t version; /* 0: 3 */
	struct fake_cert ark, ask, vek;
	bool p256;		  /* the VEK's curve */
	const char *product_name; /* NULL: the right one */
	const char *missing;	  /* suffix of an extension */
	const char *twice;	  /* another one */
	const char *odd;	  /* one whose value is odd_value */
	const char *odd_value;
	size_t odd_n;
	struct snp_tcb spl; /* in the certificate; ucode 0: as reported */
	bool wrap_hwid;
	size_t hwid_n; /* 0: as the product has */
	uint8_t hwid_xor;
	bool crl, revoked, crl_forged, crl_critical;
	struct fake_cert crl_how; /* how it is signed */
	int64_t crl_from, crl_to;
	void (*edit)(uint8_t *report); /* before it is signed */
	/* Made: */
	struct endorse *bag;
	struct roots roots;
	uint8_t report[SNP_REPORT];
};

static inline EVP_PKEY *
fake_amd_key(unsigned which)
{
	static EVP_PKEY *keys[5];

	if (!keys[which])
		keys[which] = which < 3	   ? EVP_RSA_gen(2048)
			      : which == 3 ? EVP_EC_gen("P-384")
					   : EVP_EC_gen("P-256");
	assert_non_null(keys[which]);
	return keys[which];
}

enum { FAKE_ARK, FAKE_ASK, FAKE_STRANGER, FAKE_VEK, FAKE_VEK_256 };

static inline EVP_MD_CTX *
fake_amd_signer(const struct fake_cert *how, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = how->sha256 ? EVP_sha256() : EVP_sha384();
	EVP_PKEY_CTX *p;

	assert_int_equal(EVP_DigestSignInit(ctx, &p, md, NULL, key), 1);
	if (how->pkcs1)
		return ctx;
	assert_true(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(
			p, how->salt ? how->salt : 48) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(
			p, how->mgf256 ? EVP_sha256() : md) > 0);
	return ctx;
}

static inline void
fake_amd_names(X509_NAME *name, const char *cn)
{
	assert_int_equal(
	    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
		(const uint8_t *)"Advanced Micro Devices", -1, -1, 0),
	    1);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const uint8_t *)cn, -1, -1, 0),
	    1);
}

static inline void
fake_amd_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* An extension below AMD's OID, its value as it is. */
static inline void
fake_amd_raw(X509 *cert, const char *suffix, const void *p, size_t n)
{
	char oid[64];
	ASN1_OBJECT *obj;
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	snprintf(oid, sizeof(oid), FAKE_OID "%s", suffix);
	obj = OBJ_txt2obj(oid, 1);
	assert_int_equal(ASN1_OCTET_STRING_set(value, p, (int)n), 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, obj, 0, value);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(obj);
}

static inline X509 *
fake_amd_cert(const struct fake_cert *how, const char *cn, const char *issuer,
    long serial, EVP_PKEY *key)
{
	X509 *cert = X509_new();
	int64_t from = how->from ? how->from : FAKE_NOW - FAKE_DAY;
	int64_t to = how->to ? how->to : FAKE_NOW + FAKE_DAY;

	assert_non_null(cert);
	assert_int_equal(X509_set_version(cert, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	fake_amd_names(X509_get_subject_name(cert), how->cn ? how->cn : cn);
	fake_amd_names(X509_get_issuer_name(cert), issuer);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), from));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), to));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	return cert;
}

static inline void
fake_amd_sign(X509 *cert, const struct fake_cert *how, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = fake_amd_signer(
	    how, how->forged ? fake_amd_key(FAKE_STRANGER) : key);

	assert_true(X509_sign_ctx(cert, ctx) > 0);
	EVP_MD_CTX_free(ctx);
}

/* Into the bag, by way of DER, as everything comes. */
static inline void
fake_amd_keep(struct fake_amd *f, X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	assert_true(n > 0);
	assert_int_equal(endorse_add(f->bag, der, (size_t)n), CL_OK);
	OPENSSL_free(der);
	X509_free(cert);
}

/* "Milan" */
static inline const char *
fake_amd_product(const struct fake_amd *f)
{
	return root_name(f->product) + 4;
}

static inline const char *
fake_amd_cn(const struct fake_amd *f, const char *prefix, char out[32])
{
	snprintf(out, 32, "%s%s", prefix, fake_amd_product(f));
	return out;
}

static inline const char *
fake_amd_ask_cn(const struct fake_amd *f, char out[32])
{
	return fake_amd_cn(f, f->vlek ? "SEV-VLEK-" : "SEV-", out);
}

static inline void
fake_amd_make_ark(struct fake_amd *f)
{
	char cn[32];
	X509 *cert;

	fake_amd_cn(f, "ARK-", cn);
	cert = fake_amd_cert(&f->ark, cn, f->ark.cn ? f->ark.cn : cn, 0x10000,
	    fake_amd_key(FAKE_ARK));
	fake_amd_ext(cert, NID_basic_constraints,
	    f->ark.turned_ca   ? "critical,CA:FALSE"
	    : f->ark.pathlen_0 ? "critical,CA:TRUE,pathlen:0"
			       : "critical,CA:TRUE");
	fake_amd_ext(cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	fake_amd_sign(cert, &f->ark, fake_amd_key(FAKE_ARK));
	f->roots.nextra = 1;
	f->roots.extra[0].vendor = f->product;
	assert_int_equal(
	    chain_spki_sha256(cert, f->roots.extra[0].spki), CL_OK);
	fake_amd_keep(f, cert);
}

static inline void
fake_amd_make_ask(struct fake_amd *f)
{
	char cn[32], issuer[32];
	X509 *cert;

	fake_amd_cn(f, "ARK-", issuer);
	cert = fake_amd_cert(&f->ask, fake_amd_ask_cn(f, cn),
	    f->ark.cn ? f->ark.cn : issuer, 0x10001, fake_amd_key(FAKE_ASK));
	fake_amd_ext(cert, NID_basic_constraints,
	    f->ask.turned_ca ? "critical,CA:FALSE"
			     : "critical,CA:TRUE,pathlen:0");
	fake_amd_ext(cert, NID_key_usage,
	    f->ask.no_sign_use ? "critical,cRLSign" : "critical,keyCertSign");
	fake_amd_sign(cert, &f->ask, fake_amd_key(FAKE_ARK));
	fake_amd_keep(f, cert);
}

static inline void
fake_amd_add(
    struct fake_amd *f, X509 *cert, const char *suffix, const void *p, size_t n)
{
	if (f->missing && strcmp(f->missing, suffix) == 0)
		return;
	if (f->odd && strcmp(f->odd, suffix) == 0)
		fake_amd_raw(cert, suffix, f->odd_value, f->odd_n);
	else
		fake_amd_raw(cert, suffix, p, n);
	if (f->twice && strcmp(f->twice, suffix) == 0)
		fake_amd_raw(cert, suffix, p, n);
}

static inline void
fake_amd_level(
    struct fake_amd *f, X509 *cert, const char *suffix, uint8_t level)
{
	const uint8_t small[] = {2, 1, level}, large[] = {2, 2, 0, level};

	if (level < 0x80)
		fake_amd_add(f, cert, suffix, small, sizeof(small));
	else
		fake_amd_add(f, cert, suffix, large, sizeof(large));
}

static inline void
fake_amd_text(
    struct fake_amd *f, X509 *cert, const char *suffix, const char *text)
{
	uint8_t der[64] = {0x16, (uint8_t)strlen(text)};

	memcpy(der + 2, text, strlen(text));
	fake_amd_add(f, cert, suffix, der, strlen(text) + 2);
}

/* The chip that all reports name. */
static inline size_t
fake_amd_chip(const struct fake_amd *f, uint8_t chip[64])
{
	size_t i, n = f->product == ROOT_AMD_TURIN ? 8 : 64;

	memset(chip, 0, 64);
	for (i = 0; i < n; i++)
		chip[i] = (uint8_t)(0xa0 + i);
	return n;
}

static inline void
fake_amd_identity(struct fake_amd *f, X509 *cert)
{
	uint8_t hwid[66] = {4, 64};
	size_t n;

	if (f->vlek) {
		fake_amd_text(f, cert, "5", "CN=cc.example");
		return;
	}
	n = fake_amd_chip(f, hwid + 2);
	if (f->hwid_n)
		n = f->hwid_n;
	hwid[1] = (uint8_t)n;
	hwid[2 + n - 1] ^= f->hwid_xor;
	if (f->wrap_hwid)
		fake_amd_add(f, cert, "4", hwid, n + 2);
	else
		fake_amd_add(f, cert, "4", hwid + 2, n);
}

static inline void
fake_amd_make_vek(struct fake_amd *f, const struct snp_tcb *reported)
{
	const struct snp_tcb *t = f->spl.ucode ? &f->spl : reported;
	bool turin = f->product == ROOT_AMD_TURIN;
	EVP_PKEY *key = fake_amd_key(f->p256 ? FAKE_VEK_256 : FAKE_VEK);
	char issuer[32];
	X509 *cert;

	fake_amd_ask_cn(f, issuer);
	cert = fake_amd_cert(&f->vek, f->vlek ? "SEV-VLEK" : "SEV-VCEK",
	    f->ask.cn ? f->ask.cn : issuer, 0, key);
	fake_amd_level(f, cert, "1", turin);
	fake_amd_text(f, cert, "2",
	    f->product_name ? f->product_name : fake_amd_product(f));
	fake_amd_level(f, cert, "3.1", t->bl);
	fake_amd_level(f, cert, "3.2", t->tee);
	fake_amd_level(f, cert, "3.3", t->snp);
	if (!turin)
		fake_amd_level(f, cert, "3.4", 0);
	fake_amd_level(f, cert, "3.5", 0);
	fake_amd_level(f, cert, "3.6", 0);
	fake_amd_level(f, cert, "3.7", 0);
	fake_amd_level(f, cert, "3.8", t->ucode);
	if (turin)
		fake_amd_level(f, cert, "3.9", t->fmc);
	fake_amd_identity(f, cert);
	if (f->vek.turned_ca)
		fake_amd_ext(cert, NID_basic_constraints, "critical,CA:TRUE");
	fake_amd_sign(cert, &f->vek, fake_amd_key(FAKE_ASK));
	fake_amd_keep(f, cert);
}

static inline void
fake_amd_make_crl(struct fake_amd *f)
{
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *t = ASN1_TIME_new();
	X509_REVOKED *entry;
	unsigned char *der = NULL;
	char cn[32];
	EVP_MD_CTX *ctx = fake_amd_signer(&f->crl_how,
	    fake_amd_key(f->crl_forged ? FAKE_STRANGER : FAKE_ARK));
	int n;

	fake_amd_names(name, fake_amd_cn(f, "ARK-", cn));
	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl, name), 1);
	ASN1_TIME_set(t, f->crl_from ? f->crl_from : FAKE_NOW - FAKE_DAY);
	X509_CRL_set1_lastUpdate(crl, t);
	ASN1_TIME_set(t, f->crl_to ? f->crl_to : FAKE_NOW + FAKE_DAY);
	X509_CRL_set1_nextUpdate(crl, t);
	if (f->revoked) {
		entry = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		ASN1_INTEGER_set(serial, 0x10001);
		X509_REVOKED_set_serialNumber(entry, serial);
		X509_REVOKED_set_revocationDate(entry, t);
		assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
		ASN1_INTEGER_free(serial);
	}
	if (f->crl_critical) {
		ASN1_INTEGER *base = ASN1_INTEGER_new();

		ASN1_INTEGER_set(base, 1);
		assert_int_equal(
		    X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
		ASN1_INTEGER_free(base);
	}
	assert_true(X509_CRL_sign_ctx(crl, ctx) > 0);
	n = i2d_X509_CRL(crl, &der);
	assert_int_equal(endorse_add(f->bag, der, (size_t)n), CL_OK);
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	ASN1_TIME_free(t);
	X509_NAME_free(name);
	X509_CRL_free(crl);
}

/* R and S as AMD writes them: little endian, 72 bytes each. */
static inline void
fake_amd_sign_report(struct fake_amd *f)
{
	uint8_t der[160], *p = f->report;
	const uint8_t *q = der;
	size_t n = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key = fake_amd_key(f->p256 ? FAKE_VEK_256 : FAKE_VEK);
	ECDSA_SIG *sig;

	assert_int_equal(
	    EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &n, p, 0x2a0), 1);
	sig = d2i_ECDSA_SIG(NULL, &q, (long)n);
	assert_non_null(sig);
	assert_int_equal(
	    BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), p + 0x2a0, 72), 72);
	assert_int_equal(
	    BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), p + 0x2e8, 72), 72);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* bl 4, tee 1, snp 24, ucode 219; on Turin fmc 2. */
static inline void
fake_amd_tcb(const struct fake_amd *f, uint8_t *p)
{
	static const uint8_t old[8] = {4, 1, 0, 0, 0, 0, 24, 219},
			     turin[8] = {2, 4, 1, 24, 0, 0, 0, 219};

	memcpy(p, f->product == ROOT_AMD_TURIN ? turin : old, 8);
}

static inline void
fake_amd_cpuid(const struct fake_amd *f, uint8_t *p)
{
	if (p[0] < 3)
		return;
	p[0x188] = f->product == ROOT_AMD_TURIN ? 0x1a : 0x19;
	p[0x189] = f->product == ROOT_AMD_GENOA ? 0x11 : 1;
	p[0x18a] = 1;
}

static inline void
fake_amd_make_report(struct fake_amd *f)
{
	static const unsigned tcbs[] = {0x38, 0x180, 0x1e0, 0x1f0};
	uint8_t *p = f->report;
	unsigned i;

	memset(p, 0, SNP_REPORT);
	p[0] = f->version ? f->version : 3;
	le32_put(p + 4, 7);
	le64_put(p + 8, 0x3001f);
	p[0x34] = 1;
	p[0x40] = 0x25;
	p[0x48] = f->vlek ? 4 : 0;
	memset(p + 0x50, 0x52, 64);
	memset(p + 0x90, 0x4d, 48);
	memset(p + 0xc0, 0x48, 32);
	memset(p + 0xe0, 0x49, 48);
	memset(p + 0x160, 0xff, 32);
	for (i = 0; i < 4; i++)
		fake_amd_tcb(f, p + tcbs[i]);
	fake_amd_cpuid(f, p);
	if (!f->vlek)
		(void)fake_amd_chip(f, p + 0x1a0);
	memcpy(p + 0x1e8, "\x1d\x37\x01", 3);
	memcpy(p + 0x1ec, "\x1d\x37\x01", 3);
	if (p[0] == 5)
		p[0x1f8] = p[0x200] = 0x0b;
	if (f->edit)
		f->edit(p);
	fake_amd_sign_report(f);
}

/* Everything that the options describe. */
static inline void
fake_amd_make(struct fake_amd *f)
{
	struct snp_tcb reported = {0};

	assert_int_equal(endorse_new(&f->bag), CL_OK);
	fake_amd_make_report(f);
	memcpy(reported.raw, f->report + 0x180, 8);
	snp_tcb_split(&reported, f->product);
	fake_amd_make_ark(f);
	fake_amd_make_ask(f);
	fake_amd_make_vek(f, &reported);
	if (f->crl)
		fake_amd_make_crl(f);
}

static inline void
fake_amd_free(struct fake_amd *f)
{
	endorse_free(f->bag);
	f->bag = NULL;
}

#endif
