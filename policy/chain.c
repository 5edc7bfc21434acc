#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto.h"
#include "policy/chain.h"
#include "policy/sig_alg.h"

#define WHY 160u
#define CN  64u

/* Two bags as one list; either may be missing. */
struct pile {
	const struct endorse *a, *b;
};

static unsigned
pile_certs(const struct pile *p)
{
	return (p->a ? p->a->ncerts : 0) + (p->b ? p->b->ncerts : 0);
}

static X509 *
pile_cert(const struct pile *p, unsigned i)
{
	unsigned first = p->a ? p->a->ncerts : 0;

	return i < first ? p->a->certs[i] : p->b->certs[i - first];
}

static unsigned
pile_crls(const struct pile *p)
{
	return (p->a ? p->a->ncrls : 0) + (p->b ? p->b->ncrls : 0);
}

static X509_CRL *
pile_crl(const struct pile *p, unsigned i)
{
	unsigned first = p->a ? p->a->ncrls : 0;

	return i < first ? p->a->crls[i] : p->b->crls[i - first];
}

static int
fail(char why[WHY], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, WHY, format, ap);
	va_end(ap);
	return CL_ERR_EVIDENCE;
}

void
chain_cn(X509 *cert, char *out, size_t cap)
{
	X509_NAME *name = X509_get_subject_name(cert);
	int i, n = X509_NAME_get_text_by_NID(name, NID_commonName, NULL, 0);

	if (!cap)
		return;
	out[0] = '\0';
	if (n <= 0 || (size_t)n >= cap ||
	    X509_NAME_get_text_by_NID(name, NID_commonName, out, (int)cap) != n)
		return;
	/* It is shown to people and compared as text. */
	for (i = 0; i < n; i++)
		if (out[i] < ' ' || out[i] > '~')
			out[i] = '?';
}

int
chain_spki_sha256(X509 *cert, uint8_t out[32])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der), r;
	struct crypto_part part = {der, n > 0 ? (size_t)n : 0};

	r = n > 0 ? crypto_sha256(&part, 1, out) : CL_ERR_CRYPTO;
	OPENSSL_free(der);
	ERR_clear_error();
	return r;
}

/* By name and by signature. */
static bool
issued(X509 *issuer, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool ok;

	if (!key || X509_NAME_cmp(X509_get_subject_name(issuer),
			X509_get_issuer_name(cert)) != 0)
		return false;
	ok = X509_verify(cert, key) == 1;
	ERR_clear_error();
	return ok;
}

static bool
is_ca(X509 *cert)
{
	/* Said by the extension itself, not by OpenSSL's indulgence. */
	return (X509_get_extension_flags(cert) & EXFLAG_BCONS) != 0 &&
	       X509_check_ca(cert) == 1 &&
	       (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) != 0;
}

/* A root's key is the vendor's, and it signed itself. */
static int
check_root(X509 *root, enum root_vendor vendor, const struct roots *roots,
    bool *is_test, char why[WHY])
{
	uint8_t spki[32];
	char cn[CN];

	chain_cn(root, cn, sizeof(cn));
	if (chain_spki_sha256(root, spki) != 0)
		return fail(why, "root %s: its key cannot be read", cn);
	if (!roots_trust(roots, vendor, spki, is_test))
		return fail(why, "root %s: its key is not the pinned one of %s",
		    cn, root_name(vendor));
	if (!issued(root, root))
		return fail(why, "root %s: it did not sign itself", cn);
	return is_ca(root)
		   ? CL_OK
		   : fail(why, "root %s: it is not a CA certificate", cn);
}

static int
explain(X509_STORE_CTX *ctx, char why[WHY])
{
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	char cn[CN] = "";

	if (at)
		chain_cn(at, cn, sizeof(cn));
	return fail(why, "%s: %s", cn[0] ? cn : "certificate",
	    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

static int
prepare(X509_STORE_CTX *ctx, X509_STORE *store, STACK_OF(X509) * between,
    const struct chain *c, int64_t time)
{
	X509_VERIFY_PARAM *param;

	if (c->intermediate && !sk_X509_push(between, c->intermediate))
		return CL_ERR_MEMORY;
	if (X509_STORE_add_cert(store, c->root) != 1 ||
	    X509_STORE_CTX_init(ctx, store, c->leaf, between) != 1)
		return CL_ERR_CRYPTO;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)time);
	if (X509_VERIFY_PARAM_set_flags(
		param, X509_V_FLAG_CHECK_SS_SIGNATURE) != 1)
		return CL_ERR_CRYPTO;
	X509_VERIFY_PARAM_set_depth(param, c->intermediate ? 1 : 0);
	return CL_OK;
}

/* Signatures, validity, CA flags, path lengths: OpenSSL on exactly these. */
static int
verify(const struct chain *c, int64_t time, char why[WHY])
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *between = sk_X509_new_null();
	int r = CL_ERR_MEMORY;

	if (store && ctx && between)
		r = prepare(ctx, store, between, c, time);
	if (r != 0)
		(void)fail(why, "%s", err_text(r));
	else if (X509_verify_cert(ctx) != 1)
		r = explain(ctx, why);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(between);
	X509_STORE_free(store);
	ERR_clear_error();
	return r;
}

struct search {
	struct pile pile;
	enum root_vendor vendor;
	const struct roots *roots;
	int64_t time;
	char *why;
};

/* Is there a root over last (the intermediate, or the leaf itself)? */
static int
find_root(const struct search *s, X509 *last, struct chain *c)
{
	char cn[CN];
	unsigned i;
	int r = CL_ERR_NOT_FOUND;

	for (i = 0; i < pile_certs(&s->pile); i++) {
		c->root = pile_cert(&s->pile, i);
		if (c->root == last || !issued(c->root, last))
			continue;
		r = check_root(
		    c->root, s->vendor, s->roots, &c->test_root, s->why);
		if (r == 0 && (r = verify(c, s->time, s->why)) == 0)
			return CL_OK;
	}
	chain_cn(last, cn, sizeof(cn));
	return r == CL_ERR_NOT_FOUND
		   ? fail(s->why, "%s: no root of %s signed it", cn,
			 root_name(s->vendor))
		   : r;
}

static int
check_leaf(X509 *leaf, char why[WHY])
{
	char cn[CN];

	chain_cn(leaf, cn, sizeof(cn));
	if (X509_get_version(leaf) != 2)
		return fail(why, "%s: expected X.509 version 3", cn);
	if (X509_check_ca(leaf) != 0)
		return fail(why, "%s: expected no CA certificate", cn);
	return CL_OK;
}

static int
find_intermediate(const struct search *s, struct chain *c)
{
	char cn[CN];
	unsigned i;
	int r = CL_ERR_NOT_FOUND;

	for (i = 0; i < pile_certs(&s->pile); i++) {
		c->intermediate = pile_cert(&s->pile, i);
		if (c->intermediate == c->leaf ||
		    !issued(c->intermediate, c->leaf))
			continue;
		chain_cn(c->intermediate, cn, sizeof(cn));
		if (!is_ca(c->intermediate))
			r = fail(s->why, "%s: it is not a CA certificate", cn);
		else if ((r = find_root(s, c->intermediate, c)) == 0)
			return CL_OK;
	}
	chain_cn(c->leaf, cn, sizeof(cn));
	return r == CL_ERR_NOT_FOUND
		   ? fail(s->why, "%s: no certificate at hand signed it", cn)
		   : r;
}

/* deep: through an intermediate. */
static int
build(X509 *leaf, const struct search *s, bool deep, struct chain *out)
{
	struct chain c = {.leaf = leaf};
	int r;

	memset(out, 0, sizeof(*out));
	s->why[0] = '\0';
	if ((r = crypto_ready()) != 0)
		return r;
	if ((r = check_leaf(leaf, s->why)) != 0)
		return r;
	r = deep ? find_intermediate(s, &c) : find_root(s, leaf, &c);
	if (r == 0)
		*out = c;
	return r;
}

int
chain_build(X509 *leaf, const struct endorse *a, const struct endorse *b,
    enum root_vendor vendor, const struct roots *roots, int64_t time,
    struct chain *out, char why[160])
{
	struct search s = {{a, b}, vendor, roots, time, why};

	return build(leaf, &s, true, out);
}

int
chain_build_short(X509 *signer, const struct endorse *a,
    const struct endorse *b, enum root_vendor vendor, const struct roots *roots,
    int64_t time, struct chain *out, char why[160])
{
	struct search s = {{a, b}, vendor, roots, time, why};

	return build(signer, &s, false, out);
}

/* Deltas, indirect lists and what we do not know are marked critical. */
static bool
has_critical(const X509_CRL *crl)
{
	int i;

	for (i = 0; i < X509_CRL_get_ext_count(crl); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
			return true;
	return false;
}

/* Only for a time that is given: X509_cmp_time reads the clock for NULL. */
static int
compare(const ASN1_TIME *t, int64_t time)
{
	time_t at = (time_t)time;

	return X509_cmp_time(t, &at);
}

static enum chain_crl
look_up(X509_CRL *crl, X509 *cert, X509 *issuer, enum root_vendor vendor,
    int64_t time)
{
	const ASN1_TIME *last = X509_CRL_get0_lastUpdate(crl),
			*next = X509_CRL_get0_nextUpdate(crl);
	X509_REVOKED *entry;
	int begun, over;

	if (!sig_alg_crl(crl, vendor) ||
	    X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1 ||
	    has_critical(crl))
		return CHAIN_CRL_BAD;
	if (X509_CRL_get0_by_serial(
		crl, &entry, X509_get0_serialNumber(cert)) != 0)
		return CHAIN_CRL_REVOKED;
	if (!last || !next || !(begun = compare(last, time)) ||
	    !(over = compare(next, time)))
		return CHAIN_CRL_BAD;
	if (begun > 0)
		return CHAIN_CRL_EARLY;
	return over < 0 ? CHAIN_CRL_STALE : CHAIN_CRL_GOOD;
}

/* A verdict counts over those to its right. */
static enum chain_crl
better(enum chain_crl a, enum chain_crl b)
{
	static const enum chain_crl order[] = {CHAIN_CRL_REVOKED,
	    CHAIN_CRL_GOOD, CHAIN_CRL_BAD, CHAIN_CRL_STALE, CHAIN_CRL_EARLY};
	unsigned i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return CHAIN_CRL_NONE;
}

enum chain_crl
chain_revoked(X509 *cert, X509 *issuer, enum root_vendor vendor,
    const struct endorse *a, const struct endorse *b, int64_t time)
{
	struct pile pile = {a, b};
	enum chain_crl best = CHAIN_CRL_NONE;
	X509_CRL *crl;
	unsigned i;

	for (i = 0; i < pile_crls(&pile); i++) {
		crl = pile_crl(&pile, i);
		if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
			X509_get_subject_name(issuer)) == 0)
			best = better(
			    best, look_up(crl, cert, issuer, vendor, time));
	}
	ERR_clear_error();
	return best;
}
