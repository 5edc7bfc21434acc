/* Who signed: PCK chain, QE report, attestation key, quote; and revocation. */
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/endorse_blob.h"
#include "policy/p256.h"
#include "policy/sig_alg.h"
#include "policy/verify_tdx_parts.h"

#define CERTS_PEM     5u
#define CERTS_MIN     2u
#define CERTS_MAX     3u
#define CERT_TEXT_MAX 8192u
#define CN_MAX	      64u

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

/* A line without its end. The last one may have none, and a NUL after it. */
static int
next_line(struct rd *in, const uint8_t **p, size_t *n)
{
	const uint8_t *lf = memchr(in->p, '\n', in->left), *skip;
	size_t all = lf ? (size_t)(lf - in->p) + 1 : in->left;

	*p = in->p;
	*n = all - (lf != NULL);
	if (all == in->left && *n && in->p[*n - 1] == '\0')
		--*n;
	if (lf && *n && in->p[*n - 1] == '\r')
		--*n;
	return rd_view(in, &skip, all);
}

static bool
is_line(const uint8_t *p, size_t n, const char *want)
{
	return n == strlen(want) && secmem_equal(p, want, n);
}

static int
add_block(struct endorse *bag, const char *text, size_t n)
{
	uint8_t der[CERT_TEXT_MAX];
	size_t der_n = sizeof(der);

	if (b64_decode(text, n, der, &der_n) != 0)
		return CL_ERR_FORMAT;
	return endorse_add_cert(bag, der, der_n);
}

/* One certificate, from its first dash to the end of its last line. */
static int
parse_block(struct rd *in, struct endorse *bag)
{
	char text[CERT_TEXT_MAX];
	const uint8_t *p;
	size_t n, at = 0;
	int r;

	if ((r = next_line(in, &p, &n)) != 0)
		return r;
	if (!is_line(p, n, begin))
		return CL_ERR_FORMAT;
	for (;;) {
		if (!in->left)
			return CL_ERR_FORMAT;
		if ((r = next_line(in, &p, &n)) != 0)
			return r;
		if (is_line(p, n, end))
			return add_block(bag, text, at);
		if (n > sizeof(text) - at)
			return CL_ERR_FORMAT;
		memcpy(text + at, p, n);
		at += n;
	}
}

int
tdx_certs(const struct tdx_quote *q, struct endorse **out)
{
	struct rd in = rd_make(q->certs, q->certs_n);
	struct endorse *bag = NULL;
	unsigned i;
	int r;

	if (q->cert_type != CERTS_PEM)
		return CL_ERR_UNSUPPORTED;
	if ((r = endorse_new(&bag)) != 0)
		return r;
	for (i = 0; in.left && !(in.left == 1 && !*in.p); i++) {
		r = i == CERTS_MAX ? CL_ERR_LIMIT : parse_block(&in, bag);
		/* The same one twice is no chain. */
		if (r == 0 && bag->ncerts != i + 1)
			r = CL_ERR_FORMAT;
		if (r != 0)
			goto out;
	}
	r = bag->ncerts < CERTS_MIN ? CL_ERR_FORMAT : CL_OK;
out:
	if (r == 0)
		*out = bag;
	else
		endorse_free(bag);
	return r;
}

static bool
check_certs(struct tdx_case *c)
{
	static const char expected[] = "PEM: PCK certificate, its CA, the root";
	int r = tdx_certs(c->q, &c->certs);

	if (r != 0)
		return rows_sayf(c->rows, "tdx.certificates", false, expected,
		    "type %u, %zu bytes: %s", c->q->cert_type, c->q->certs_n,
		    err_text(r));
	return rows_sayf(c->rows, "tdx.certificates", true, expected,
	    "%u certificates", c->certs->ncerts);
}

/* Only the quote's own CA counts: one from elsewhere would hide that the
 * quote's is broken. A root may come from elsewhere: it is pinned. */
static bool
check_chain(struct tdx_case *c)
{
	static const char expected[] = "a chain to the pinned Intel SGX root";
	const struct endorse *rest = c->given ? c->given : c->own;
	char why[160];
	bool deep = c->certs->ncerts == CERTS_MAX;

	if (chain_build(c->certs->certs[0], c->certs, deep ? NULL : rest,
		ROOT_INTEL, c->roots, c->time, &c->chain, why) != 0)
		return rows_say(c->rows, "tdx.pck.chain", false, expected, why);
	return rows_say(c->rows, "tdx.pck.chain",
	    c->chain.intermediate == c->certs->certs[1] &&
		(!deep || c->chain.root == c->certs->certs[2]),
	    expected,
	    c->chain.test_root ? "it holds, to a test root" : "it holds");
}

static bool
check_names(struct tdx_case *c)
{
	char leaf[CN_MAX], ca[CN_MAX], root[CN_MAX];

	chain_cn(c->chain.leaf, leaf, sizeof(leaf));
	chain_cn(c->chain.intermediate, ca, sizeof(ca));
	chain_cn(c->chain.root, root, sizeof(root));
	return rows_sayf(c->rows, "tdx.pck.names",
	    strcmp(leaf, "Intel SGX PCK Certificate") == 0 &&
		(strcmp(ca, "Intel SGX PCK Platform CA") == 0 ||
		    strcmp(ca, "Intel SGX PCK Processor CA") == 0) &&
		strcmp(root, "Intel SGX Root CA") == 0,
	    "Intel SGX PCK Certificate, Platform or Processor CA, Root CA",
	    "%.48s, %.48s, %.48s", leaf, ca, root);
}

/* The root is pinned, so it is as Intel made it. */
static bool
check_algorithms(struct tdx_case *c)
{
	static const char expected[] = "ECDSA P-256 with SHA-256";
	X509 *all[] = {c->chain.leaf, c->chain.intermediate, c->chain.root};
	char cn[CN_MAX];
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (sig_alg_cert(all[i], ROOT_INTEL) &&
		    p256_is(X509_get0_pubkey(all[i])))
			continue;
		chain_cn(all[i], cn, sizeof(cn));
		return rows_sayf(c->rows, "tdx.pck.algorithm", false, expected,
		    "%s is signed in another way", cn);
	}
	return rows_say(
	    c->rows, "tdx.pck.algorithm", true, expected, "the same");
}

static bool
check_extension(struct tdx_case *c)
{
	static const char expected[] = "Intel's SGX extension";
	char fmspc[13], pceid[5];
	int r = pck_parse(c->chain.leaf, &c->pck);

	if (r != 0)
		return rows_say(c->rows, "tdx.pck.extension", false, expected,
		    r == CL_ERR_NOT_FOUND ? "none" : err_text(r));
	rows_hex(c->pck.fmspc, 6, fmspc);
	rows_hex(c->pck.pceid, 2, pceid);
	return rows_sayf(c->rows, "tdx.pck.extension", true, expected,
	    "FMSPC %s, PCE-ID %s", fmspc, pceid);
}

int
tdx_verify_chain(struct tdx_case *c)
{
	return check_certs(c) && check_chain(c) && check_names(c) &&
		       check_algorithms(c) && check_extension(c)
		   ? CL_OK
		   : CL_ERR_EVIDENCE;
}

static bool
check_qe_signature(struct tdx_case *c)
{
	int r = p256_verify(X509_get0_pubkey(c->chain.leaf), c->q->qe_report,
	    TDX_QE_REPORT, c->q->qe_signature);

	return rows_say(c->rows, "tdx.qe.signature", r == 0,
	    "a signature by the PCK certificate's key",
	    r ? err_text(r) : "it verifies");
}

/* The PCK vouches for the attestation key through the QE's report data. */
static bool
check_binding(struct tdx_case *c)
{
	struct crypto_part parts[2] = {
	    {c->q->key, 64}, {c->q->qe_auth, c->q->qe_auth_n}};
	uint8_t want[64] = {0};

	if (crypto_sha256(parts, 2, want) != 0)
		return rows_say(c->rows, "tdx.qe.binding", false, "a digest",
		    "the cryptographic library failed");
	return rows_same(c->rows, "tdx.qe.binding", want, c->q->qe.report_data,
	    sizeof(want));
}

static bool
check_signature(struct tdx_case *c)
{
	EVP_PKEY *key = NULL;
	int r = p256_key(c->q->key, &key);

	if (r == 0)
		r = p256_verify(
		    key, c->q->raw, c->q->signed_n, c->q->signature);
	EVP_PKEY_free(key);
	return rows_say(c->rows, "tdx.signature", r == 0,
	    "a signature by the attestation key",
	    r ? err_text(r) : "it verifies");
}

int
tdx_verify_signatures(struct tdx_case *c)
{
	return check_qe_signature(c) && check_binding(c) && check_signature(c)
		   ? CL_OK
		   : CL_ERR_EVIDENCE;
}

static const char *
crl_text(enum chain_crl state)
{
	switch (state) {
	case CHAIN_CRL_GOOD:
		return "not on the list";
	case CHAIN_CRL_NONE:
		return "no list of its issuer";
	case CHAIN_CRL_STALE:
		return "the list is out of date";
	case CHAIN_CRL_EARLY:
		return "the list is not valid yet";
	case CHAIN_CRL_REVOKED:
		return "revoked";
	default:
		return "the list is not its issuer's";
	}
}

/* A list that is missing refuses unless the policy lives without; a revoked
 * certificate always does. */
static int
check_crl(struct tdx_case *c, const char *claim, X509 *cert, X509 *issuer)
{
	const struct endorse *a = c->own ? c->own : c->certs;
	enum chain_crl state =
	    chain_revoked(cert, issuer, ROOT_INTEL, a, c->given, c->time);
	bool missing = state == CHAIN_CRL_NONE || state == CHAIN_CRL_STALE ||
		       state == CHAIN_CRL_EARLY;

	(void)rows_say(c->rows, claim,
	    state == CHAIN_CRL_GOOD || (missing && c->policy->no_crl),
	    c->policy->no_crl ? "not revoked"
			      : "not revoked, by a current list",
	    crl_text(state));
	return state == CHAIN_CRL_REVOKED ? CL_ERR_EVIDENCE : CL_OK;
}

int
tdx_verify_crls(struct tdx_case *c)
{
	int a =
	    check_crl(c, "tdx.crl.pck", c->chain.leaf, c->chain.intermediate);
	int b =
	    check_crl(c, "tdx.crl.root", c->chain.intermediate, c->chain.root);

	return a ? a : b;
}
