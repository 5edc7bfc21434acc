#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/verify_snp_vek.h"

/*
 * Extensions of a VCEK or VLEK, below 1.3.6.1.4.1.3704.1:
 *
 *	.1	structure version, INTEGER: 0; 1 on Turin
 *	.2	product name, IA5String: "Milan-B0", "Genoa"
 *	.3.1 .3.2 .3.3	boot loader, TEE, SNP security patch level, INTEGER
 *	.3.4 to .3.7	reserved levels, INTEGER 0 (.3.4 not on Turin)
 *	.3.8 .3.9	microcode, FMC (Turin only), INTEGER
 *	.4	HWID of the chip (VCEK): 64 bytes, 8 on Turin, as they are or in
 *		an OCTET STRING
 *	.5	cloud provider, IA5String (VLEK)
 */
#define AMD_OID	     "1.3.6.1.4.1.3704.1."
#define SIGNED_BYTES 0x2a0u
#define COMPONENT    72u
#define P384_BYTES   48u

static int fail(char why[SNP_WHY], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
fail(char why[SNP_WHY], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, SNP_WHY, format, ap);
	va_end(ap);
	return CL_ERR_EVIDENCE;
}

/* The value of an extension; *p NULL: there is none. Two are one too many. */
static int
find(X509 *cert, const char *suffix, const unsigned char **p, long *n,
    char why[SNP_WHY])
{
	char oid[48];
	ASN1_OBJECT *obj;
	ASN1_OCTET_STRING *value;
	int at, again = -1;

	*p = NULL;
	*n = 0;
	(void)snprintf(oid, sizeof(oid), AMD_OID "%s", suffix);
	if (!(obj = OBJ_txt2obj(oid, 1)))
		return fail(why, "the cryptographic library failed");
	if ((at = X509_get_ext_by_OBJ(cert, obj, -1)) >= 0)
		again = X509_get_ext_by_OBJ(cert, obj, at);
	ASN1_OBJECT_free(obj);
	if (again >= 0)
		return fail(why, "extension %s is there twice", oid);
	if (at < 0)
		return CL_OK;
	value = X509_EXTENSION_get_data(X509_get_ext(cert, at));
	*p = ASN1_STRING_get0_data(value);
	*n = ASN1_STRING_length(value);
	return CL_OK;
}

/* An INTEGER of 0 to 255 and not a byte more. given NULL: it must be there. */
static int
get_level(X509 *cert, const char *suffix, uint8_t *level, bool *given,
    char why[SNP_WHY])
{
	const unsigned char *p, *q;
	ASN1_INTEGER *number;
	int64_t v = -1;
	long n;
	int r;

	if ((r = find(cert, suffix, &p, &n, why)) != 0)
		return r;
	if (given)
		*given = p != NULL;
	if (!p)
		return given ? CL_OK
			     : fail(why, "extension " AMD_OID "%s is missing",
				   suffix);
	q = p;
	number = d2i_ASN1_INTEGER(NULL, &q, n);
	if (!number || ASN1_INTEGER_get_int64(&v, number) != 1 || q != p + n)
		v = -1;
	ASN1_INTEGER_free(number);
	ERR_clear_error();
	if (v < 0 || v > 255)
		return fail(
		    why, "extension " AMD_OID "%s is not 0 to 255", suffix);
	*level = (uint8_t)v;
	return CL_OK;
}

/* An IA5String of printable characters; "" when there is none. */
static int
get_text(
    X509 *cert, const char *suffix, char *out, size_t cap, char why[SNP_WHY])
{
	const unsigned char *p, *q;
	ASN1_IA5STRING *text;
	long n, i, len = -1;
	int r;

	out[0] = '\0';
	if ((r = find(cert, suffix, &p, &n, why)) != 0 || !p)
		return r;
	q = p;
	text = d2i_ASN1_IA5STRING(NULL, &q, n);
	if (text && q == p + n && (size_t)ASN1_STRING_length(text) < cap) {
		len = ASN1_STRING_length(text);
		memcpy(out, ASN1_STRING_get0_data(text), (size_t)len);
		out[len] = '\0';
	}
	ASN1_IA5STRING_free(text);
	ERR_clear_error();
	for (i = 0; i < len; i++)
		if (out[i] < ' ' || out[i] > '~')
			len = -1;
	if (len >= 0)
		return CL_OK;
	out[0] = '\0';
	return fail(why, "extension " AMD_OID "%s is not an IA5String", suffix);
}

static int
get_hwid(X509 *cert, struct snp_vek *vek, char why[SNP_WHY])
{
	const unsigned char *p;
	long n;
	int r;

	if ((r = find(cert, "4", &p, &n, why)) != 0)
		return r;
	if (!p)
		return fail(why, "extension " AMD_OID "4 is missing");
	if ((n == 66 || n == 10) && p[0] == V_ASN1_OCTET_STRING &&
	    p[1] == n - 2)
		p += 2, n -= 2;
	if (n != 64 && n != 8)
		return fail(why, "HWID: expected 64 or 8 bytes, came %ld", n);
	memcpy(vek->hwid, p, (size_t)n);
	vek->hwid_n = (size_t)n;
	return CL_OK;
}

static enum root_vendor
product_by_name(const char *name)
{
	static const struct {
		const char *name;
		enum root_vendor vendor;
	} lines[] = {{"Milan", ROOT_AMD_MILAN}, {"Genoa", ROOT_AMD_GENOA},
	    {"Bergamo", ROOT_AMD_GENOA}, {"Siena", ROOT_AMD_GENOA},
	    {"Turin", ROOT_AMD_TURIN}};
	size_t i, n = strcspn(name, "-");

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strlen(lines[i].name) == n &&
		    memcmp(lines[i].name, name, n) == 0)
			return lines[i].vendor;
	return 0;
}

static int
get_levels(X509 *cert, struct snp_vek *vek, char why[SNP_WHY])
{
	static const char *const reserved[] = {"3.4", "3.5", "3.6", "3.7"};
	uint8_t level = 0;
	bool given;
	unsigned i;
	int r;

	for (i = 0; i < 4; i++) {
		r = get_level(cert, reserved[i], &level, &given, why);
		if (r != 0)
			return r;
		if (given && level)
			return fail(why, "extension " AMD_OID "%s is not 0",
			    reserved[i]);
	}
	if ((r = get_level(cert, "3.1", &vek->tcb.bl, NULL, why)) ||
	    (r = get_level(cert, "3.2", &vek->tcb.tee, NULL, why)) ||
	    (r = get_level(cert, "3.3", &vek->tcb.snp, NULL, why)) ||
	    (r = get_level(cert, "3.8", &vek->tcb.ucode, NULL, why)))
		return r;
	return get_level(cert, "3.9", &vek->tcb.fmc, &vek->has_fmc, why);
}

int
snp_vek_parse(X509 *cert, bool vlek, struct snp_vek *vek, char why[SNP_WHY])
{
	int r;

	memset(vek, 0, sizeof(*vek));
	vek->vlek = vlek;
	if ((r = get_level(cert, "1", &vek->struct_version, NULL, why)) ||
	    (r = get_text(cert, "2", vek->product_name,
		 sizeof(vek->product_name), why)) ||
	    (r = get_levels(cert, vek, why)) ||
	    (r = get_text(cert, "5", vek->csp_id, sizeof(vek->csp_id), why)) ||
	    (!vlek && (r = get_hwid(cert, vek, why))))
		return r;
	if (vek->struct_version > 1)
		return fail(why, "structure version %u is not known",
		    vek->struct_version);
	vek->product = product_by_name(vek->product_name);
	vek->cert = cert;
	return CL_OK;
}

/* "2030-04-03T19:23:43+00:00" */
static json_t *
print_time(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return NULL;
	return json_sprintf("%04d-%02d-%02dT%02d:%02d:%02d+00:00",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
}

static json_t *
text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

json_t *
snp_vek_print(const struct snp_vek *vek)
{
	char cn[64], issuer[64] = "", hwid[129];
	const struct snp_tcb *t = &vek->tcb;

	chain_cn(vek->cert, cn, sizeof(cn));
	(void)X509_NAME_get_text_by_NID(X509_get_issuer_name(vek->cert),
	    NID_commonName, issuer, sizeof(issuer));
	rows_hex(vek->hwid, vek->hwid_n, hwid);
	return json_pack(
	    "{s:s, s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o}",
	    "subject_cn", cn, "issuer_cn", issuer, "not_before",
	    print_time(X509_get0_notBefore(vek->cert)), "not_after",
	    print_time(X509_get0_notAfter(vek->cert)), "product",
	    text_or_null(vek->product_name), "struct_version",
	    vek->struct_version, "bl", t->bl, "tee", t->tee, "snp", t->snp,
	    "ucode", t->ucode, "fmc",
	    vek->has_fmc ? json_integer(t->fmc) : json_null(), "hwid",
	    text_or_null(hwid), "csp_id", text_or_null(vek->csp_id));
}

/* The DER form of a signature that is two little-endian numbers. */
static int
to_der(const uint8_t *p, unsigned char **der)
{
	BIGNUM *r = BN_lebin2bn(p, COMPONENT, NULL);
	BIGNUM *s = BN_lebin2bn(p + COMPONENT, COMPONENT, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int n = -1;

	*der = NULL;
	if (r && s && sig && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* transferred */
		n = i2d_ECDSA_SIG(sig, der);
	}
	ECDSA_SIG_free(sig);
	BN_free(r);
	BN_free(s);
	return n;
}

static bool
is_p384(EVP_PKEY *key)
{
	char group[32];
	size_t n;

	return key &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	       strcmp(group, "secp384r1") == 0;
}

/* ECDSA itself refuses r and s outside 1 to n-1. */
bool
snp_vek_signed(X509 *cert, const uint8_t *p)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	bool ok = false;
	int n;

	if (ctx && is_p384(key) && (n = to_der(p + SIGNED_BYTES, &der)) > 0 &&
	    EVP_DigestVerifyInit_ex(
		ctx, NULL, "SHA384", NULL, NULL, key, NULL) == 1)
		ok =
		    EVP_DigestVerify(ctx, der, (size_t)n, p, SIGNED_BYTES) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

bool
snp_vek_is_chip(const struct snp_vek *vek, const uint8_t chip_id[64])
{
	size_t i;

	if (!vek->hwid_n || memcmp(vek->hwid, chip_id, vek->hwid_n) != 0)
		return false;
	for (i = vek->hwid_n; i < 64; i++)
		if (chip_id[i])
			return false;
	/* Turin's 8 bytes are no prefix of an older chip's 64, and back. */
	return (vek->hwid_n == 8) == (vek->product == ROOT_AMD_TURIN);
}

bool
snp_vek_is_tcb(const struct snp_vek *vek, const struct snp_tcb *tcb)
{
	const struct snp_tcb *t = &vek->tcb;

	return t->fmc == tcb->fmc && t->bl == tcb->bl && t->tee == tcb->tee &&
	       t->snp == tcb->snp && t->ucode == tcb->ucode && !tcb->reserved;
}

/* How well a certificate suits: by signature, chip, patch levels. */
static unsigned
suits(X509 *cert, bool vlek, const uint8_t *p, const struct snp_report *r)
{
	struct snp_vek vek;
	char why[SNP_WHY];

	if (snp_vek_parse(cert, vlek, &vek, why) != 0)
		return 1;
	return 2u + snp_vek_is_tcb(&vek, &r->reported) +
	       2u * snp_vek_is_chip(&vek, r->chip_id) +
	       4u * snp_vek_signed(cert, p);
}

/* Those of the kind, in both bags; at most cap. */
static unsigned
candidates(
    const struct endorse *const bags[2], bool vlek, X509 **out, unsigned cap)
{
	unsigned b, i, n = 0;
	char cn[32];

	for (b = 0; b < 2; b++)
		for (i = 0; bags[b] && i < bags[b]->ncerts && n < cap; i++) {
			chain_cn(bags[b]->certs[i], cn, sizeof(cn));
			if (strcmp(cn, vlek ? "SEV-VLEK" : "SEV-VCEK") == 0)
				out[n++] = bags[b]->certs[i];
		}
	return n;
}

X509 *
snp_vek_choose(const struct endorse *own, const struct endorse *given,
    bool vlek, const uint8_t *p, const struct snp_report *r)
{
	const struct endorse *const bags[2] = {own, given};
	X509 *all[2 * ENDORSE_CERTS_MAX], *chosen;
	unsigned n = candidates(bags, vlek, all, 2 * ENDORSE_CERTS_MAX);
	unsigned i, score, best = 0;

	chosen = n ? all[0] : NULL;
	for (i = 0; n > 1 && i < n; i++)
		if ((score = suits(all[i], vlek, p, r)) > best) {
			best = score;
			chosen = all[i];
		}
	return chosen;
}
