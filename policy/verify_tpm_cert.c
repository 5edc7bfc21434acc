#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/chain.h"
#include "policy/verify_tpm.h"

/*
 * Certificates of attestation keys (TCG, "Attestation Key Identity
 * Certificate"): X.509, key usage digitalSignature, extended key usage
 * tcg-kp-AIKCertificate where there is one, issued by whoever made the TPM.
 * For a cloud's TPM that is the cloud: its word, not the CPU's.
 */
#define AIK_OID	     "2.23.133.8.3"
#define STRENGTH_MIN 112 /* bits: SHA-1 and MD5 are below */
#define CANDIDATES   8u
#define WHY	     160u

/* Certificates of the AK's own key, of two bags. */
struct found {
	unsigned n;
	X509 *cert[CANDIDATES];
};

static void
look(const struct endorse *bag, EVP_PKEY *key, struct found *f)
{
	EVP_PKEY *theirs;
	unsigned i;

	for (i = 0; bag && i < bag->ncerts && f->n < CANDIDATES; i++) {
		theirs = X509_get0_pubkey(bag->certs[i]);
		if (theirs && EVP_PKEY_eq(theirs, key) == 1)
			f->cert[f->n++] = bag->certs[i];
	}
	ERR_clear_error();
}

static bool
is_strong(X509 *cert)
{
	int bits;

	return X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1 &&
	       bits >= STRENGTH_MIN;
}

/* Through a CA between, or right below the root. */
static int
build(X509 *leaf, const struct endorse *a, const struct endorse *b,
    const struct roots *roots, int64_t time, struct chain *c, char why[WHY])
{
	char other[WHY];
	int r;

	/* Whatever its key usage says. */
	if (X509_get_extension_flags(leaf) & EXFLAG_CA) {
		(void)snprintf(why, WHY, "basic constraints of a CA");
		return CL_ERR_EVIDENCE;
	}
	r = chain_build(leaf, a, b, ROOT_AK, roots, time, c, why);
	if (r != 0 &&
	    chain_build_short(leaf, a, b, ROOT_AK, roots, time, c, other) == 0)
		r = CL_OK;
	else if (r != 0)
		return r;
	if (is_strong(leaf) && (!c->intermediate || is_strong(c->intermediate)))
		return CL_OK;
	(void)snprintf(why, WHY, "a signature over SHA-1 or weaker");
	return CL_ERR_EVIDENCE;
}

/* No extended key usage limits nothing. */
static bool
is_aik(X509 *cert)
{
	EXTENDED_KEY_USAGE *all;
	char oid[64];
	bool ok = false;
	int i, critical;

	all = X509_get_ext_d2i(cert, NID_ext_key_usage, &critical, NULL);
	if (!all) {
		ERR_clear_error();
		return critical == -1;
	}
	for (i = 0; i < sk_ASN1_OBJECT_num(all); i++)
		if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(all, i),
			1) > 0 &&
		    strcmp(oid, AIK_OID) == 0)
			ok = true;
	EXTENDED_KEY_USAGE_free(all);
	return ok;
}

static bool
check_usage(X509 *cert, struct appraise_result *rows)
{
	uint32_t usage = X509_get_key_usage(cert);
	bool given = (X509_get_extension_flags(cert) & EXFLAG_KUSAGE) != 0;

	if (!rows_sayf(rows, "ak.key_usage",
		given && (usage & KU_DIGITAL_SIGNATURE) &&
		    !(usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)),
		"digitalSignature, and not that of a CA", "0x%04" PRIx32,
		given ? usage : 0))
		return false;
	return rows_say(rows, "ak.extended_key_usage", is_aik(cert),
	    "none, or " AIK_OID " (TCG attestation key) among them",
	    is_aik(cert) ? "as expected" : "other ones");
}

static bool
check_lists(const struct chain *c, const struct endorse *a,
    const struct endorse *b, int64_t time, struct appraise_result *rows)
{
	X509 *issuer = c->intermediate ? c->intermediate : c->root;
	bool listed =
	    chain_revoked(c->leaf, issuer, ROOT_AK, a, b, time) ==
		CHAIN_CRL_REVOKED ||
	    (c->intermediate && chain_revoked(c->intermediate, c->root, ROOT_AK,
				    a, b, time) == CHAIN_CRL_REVOKED);

	return rows_say(rows, "ak.crl", !listed, "on no list that is at hand",
	    listed ? "revoked" : "on no list that is at hand");
}

bool
tpm_ak_certified(const struct tpm_evidence *e, const struct endorse *a,
    const struct endorse *b, const struct tpm_policy *policy, int64_t time,
    struct appraise_result *rows)
{
	static const char want[] = "one that leads to a CA of ak_roots";
	struct found f = {0};
	struct chain c;
	char why[WHY] = "", spki[65], cn[64];
	unsigned i;
	int r = CL_ERR_NOT_FOUND;

	look(a, e->ak.key, &f);
	look(b, e->ak.key, &f);
	rows_hex(e->ak.spki, 32, spki);
	if (!rows_sayf(rows, "ak.certificate", f.n > 0,
		"a certificate of the AK", "%s for key %.16s…",
		f.n ? "one" : "none", spki))
		return false;
	for (i = 0; i < f.n && r != 0; i++)
		r = build(f.cert[i], a, b, &policy->ak_roots, time, &c, why);
	if (r == 0)
		chain_cn(c.root, cn, sizeof(cn));
	return rows_say(rows, "ak.chain", r == 0, want, r ? why : cn) &&
	       check_usage(c.leaf, rows) && check_lists(&c, a, b, time, rows);
}
