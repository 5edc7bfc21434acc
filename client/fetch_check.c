#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/fetch_check.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/chain.h"
#include "policy/pcs.h"
#include "policy/verify_csv_cert.h"

#define CN_MAX	  64u
#define CHAIN_WHY 160u

/* One search: the best so far. */
struct search {
	const struct fetch_check *c;
	const struct endorse *bag;
	int64_t until;
	bool found;
	char *why;
};

static void
found(struct search *s, int64_t until)
{
	if (!s->found || until > s->until)
		s->until = until;
	s->found = true;
}

static void
blame(struct search *s, const char *why)
{
	(void)snprintf(s->why, FETCH_WHY, "%s", why);
}

static int64_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool
is_named(X509 *cert, const char *want)
{
	char cn[CN_MAX];

	chain_cn(cert, cn, sizeof(cn));
	return strcmp(cn, want) == 0;
}

static bool
is_root(const struct search *s, X509 *cert, enum root_vendor vendor)
{
	uint8_t spki[32];
	bool is_test;

	return X509_check_ca(cert) == 1 && chain_spki_sha256(cert, spki) == 0 &&
	       roots_trust(s->c->roots, vendor, spki, &is_test) &&
	       X509_verify(cert, X509_get0_pubkey(cert)) == 1;
}

/* A root, or a CA that a root in the bag answers for. */
static bool
is_anchored(const struct search *s, X509 *ca, enum root_vendor vendor)
{
	X509 *root;
	unsigned i;

	if (X509_check_ca(ca) != 1)
		return false;
	if (is_root(s, ca, vendor))
		return true;
	for (i = 0; i < s->bag->ncerts; i++) {
		root = s->bag->certs[i];
		if (is_root(s, root, vendor) &&
		    X509_verify(ca, X509_get0_pubkey(root)) == 1)
			return true;
	}
	return false;
}

static const char *
product(const struct search *s)
{
	return root_name(s->c->w->snp.product) + strlen("AMD ");
}

/* ASK or ASVK, and the ARK that signed it. */
static void
search_amd_chain(struct search *s)
{
	const struct wanted_amd *w = &s->c->w->snp;
	char ask[CN_MAX], ark[CN_MAX];
	X509 *root = NULL;
	unsigned i;

	(void)snprintf(
	    ask, sizeof(ask), "SEV-%s%s", w->vlek ? "VLEK-" : "", product(s));
	(void)snprintf(ark, sizeof(ark), "ARK-%s", product(s));
	for (i = 0; i < s->bag->ncerts; i++)
		if (is_named(s->bag->certs[i], ark) &&
		    is_root(s, s->bag->certs[i], w->product))
			root = s->bag->certs[i];
	blame(s, "no ARK among its certificates whose key is pinned");
	for (i = 0; root && i < s->bag->ncerts; i++) {
		blame(s, "no ASK or ASVK that the ARK signed");
		if (is_named(s->bag->certs[i], ask) &&
		    is_anchored(s, s->bag->certs[i], w->product))
			found(s, seconds(X509_get0_notAfter(s->bag->certs[i])));
	}
}

static void
search_vcek(struct search *s)
{
	char why[CHAIN_WHY];
	struct chain chain;
	unsigned i;

	blame(s, "it is the VCEK of another chip or patch level");
	for (i = 0; i < s->bag->ncerts; i++) {
		if (!is_named(s->bag->certs[i], "SEV-VCEK") ||
		    !wanted_suits_cert(s->c->w, s->bag->certs[i]))
			continue;
		if (chain_build(s->bag->certs[i], s->bag, NULL,
			s->c->w->snp.product, s->c->roots, s->c->time, &chain,
			why) == 0)
			found(s, seconds(X509_get0_notAfter(s->bag->certs[i])));
		else
			blame(s, why);
	}
}

static bool
signed_list(const struct search *s, X509_CRL *crl, enum root_vendor vendor)
{
	X509 *ca;
	unsigned i;

	for (i = 0; i < s->bag->ncerts; i++) {
		ca = s->bag->certs[i];
		if (X509_NAME_cmp(X509_get_subject_name(ca),
			X509_CRL_get_issuer(crl)) == 0 &&
		    is_anchored(s, ca, vendor) &&
		    X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
			return true;
	}
	return false;
}

static void
search_crl(struct search *s, const char *issuer, enum root_vendor vendor)
{
	char cn[CN_MAX];
	X509_CRL *crl;
	unsigned i;

	(void)snprintf(s->why, FETCH_WHY, "it is no list of %s", issuer);
	for (i = 0; i < s->bag->ncrls; i++) {
		crl = s->bag->crls[i];
		cn[0] = '\0';
		(void)X509_NAME_get_text_by_NID(
		    X509_CRL_get_issuer(crl), NID_commonName, cn, sizeof(cn));
		if (strcmp(cn, issuer) != 0)
			continue;
		if (signed_list(s, crl, vendor))
			found(s, seconds(X509_CRL_get0_nextUpdate(crl)));
		else
			blame(s, "nobody up to a pinned root signed it");
	}
}

static void
search_amd_crl(struct search *s)
{
	char ark[CN_MAX];

	(void)snprintf(ark, sizeof(ark), "ARK-%s", product(s));
	search_crl(s, ark, s->c->w->snp.product);
}

/* By any certificate of that name whose chain holds. What is said of the best
 * one stays. */
static bool
signed_doc(struct search *s, const struct endorse_doc *doc, const char *member)
{
	bool is_signed = false;
	char why[CHAIN_WHY];
	struct chain chain;
	X509 *cert;
	unsigned i;

	blame(s, "no certificate of Intel SGX TCB Signing came with it");
	for (i = 0; i < s->bag->ncerts; i++) {
		cert = s->bag->certs[i];
		if (!is_named(cert, "Intel SGX TCB Signing"))
			continue;
		if (pcs_signed_by(
			doc->p, doc->n, member, X509_get0_pubkey(cert)) != 0) {
			if (!is_signed)
				blame(s, "its signature does not verify");
			continue;
		}
		if (chain_build_short(cert, s->bag, NULL, ROOT_INTEL,
			s->c->roots, s->c->time, &chain, why) == 0)
			return true;
		is_signed = true;
		blame(s, why);
	}
	return false;
}

static void
try_tcb_info(struct search *s, const struct endorse_doc *doc)
{
	const struct wanted_intel *w = &s->c->w->tdx;
	struct pcs_tcb_info *t;

	blame(s, "its members are not those of TCB info of TDX");
	if (pcs_tcb_info_parse(doc->p, doc->n, &t) != 0)
		return;
	if (!secmem_equal(t->fmspc, w->fmspc, sizeof(w->fmspc)))
		blame(s, "it is of another FMSPC");
	else if (signed_doc(s, doc, "tcbInfo"))
		found(s, t->head.next_update);
	pcs_tcb_info_free(t);
}

static void
try_qe_identity(struct search *s, const struct endorse_doc *doc)
{
	struct pcs_qe_identity *q;

	blame(s, "its members are not those of an identity of TD_QE");
	if (pcs_qe_identity_parse(doc->p, doc->n, &q) != 0)
		return;
	if (signed_doc(s, doc, "enclaveIdentity"))
		found(s, q->head.next_update);
	pcs_qe_identity_free(q);
}

static void
try_hrk(struct search *s, const struct endorse_doc *doc)
{
	struct csv_cert hrk;
	uint8_t digest[32];
	const char *why;
	bool is_test;

	if (csv_cert_parse(CSV_HRK, doc->p, doc->n, &hrk, &why) != 0)
		blame(s, why);
	else if (csv_cert_digest(&hrk, digest) != 0 ||
		 !roots_trust(s->c->roots, ROOT_HYGON, digest, &is_test))
		blame(s, "its key is not the pinned one of Hygon");
	else
		found(s, FETCH_FOREVER);
}

/* All of them at once: the chain of the report's own PEK. */
static void
search_hsk_cek(struct search *s)
{
	struct appraise_result *rows = secmem_alloc(sizeof(*rows));
	const struct appraise_row *row;
	struct csv_chain chain;

	if (!rows) {
		blame(s, err_text(CL_ERR_MEMORY));
		return;
	}
	if (csv_chain_build(&s->c->w->csv.report.pek, NULL, s->bag, s->c->roots,
		&chain, rows))
		found(s, FETCH_FOREVER);
	else if (rows->nrows) {
		row = &rows->rows[rows->nrows - 1];
		(void)snprintf(s->why, FETCH_WHY,
		    "%s: expected %.80s, came "
		    "%.80s",
		    row->claim, row->expected, row->came);
	}
	secmem_free(rows);
}

static void
search_docs(struct search *s, enum endorse_kind kind,
    void (*f)(struct search *s, const struct endorse_doc *doc))
{
	unsigned i;

	for (i = 0; i < s->bag->ndocs; i++)
		if (s->bag->docs[i].kind == kind)
			f(s, &s->bag->docs[i]);
}

int
fetch_check_held(const struct fetch_check *c, enum fetch_kind kind,
    const struct endorse *bag, int64_t *until, char why[FETCH_WHY])
{
	struct search s = {.c = c, .bag = bag, .why = why};

	why[0] = '\0';
	switch (kind) {
	case FETCH_AMD_CHAIN:
		search_amd_chain(&s);
		break;
	case FETCH_VCEK:
		search_vcek(&s);
		break;
	case FETCH_AMD_CRL:
		search_amd_crl(&s);
		break;
	case FETCH_TCB_INFO:
		search_docs(&s, ENDORSE_TCB_INFO, try_tcb_info);
		break;
	case FETCH_QE_IDENTITY:
		search_docs(&s, ENDORSE_QE_IDENTITY, try_qe_identity);
		break;
	case FETCH_PCK_CRL:
		search_crl(&s,
		    c->w->tdx.platform ? "Intel SGX PCK Platform CA"
				       : "Intel SGX PCK Processor CA",
		    ROOT_INTEL);
		break;
	case FETCH_ROOT_CRL:
		search_crl(&s, "Intel SGX Root CA", ROOT_INTEL);
		break;
	case FETCH_HRK:
		search_docs(&s, ENDORSE_HRK, try_hrk);
		break;
	case FETCH_HSK_CEK:
		search_hsk_cek(&s);
		break;
	case FETCH_KINDS:
		break;
	}
	*until = s.until;
	return s.found ? CL_OK : CL_ERR_NOT_FOUND;
}

bool
fetch_check_form(enum fetch_kind kind, const struct endorse *body)
{
	static const struct {
		unsigned certs, crls;
		enum endorse_kind doc;
	} forms[FETCH_KINDS] = {
	    [FETCH_AMD_CHAIN] = {2, 0, 0},
	    [FETCH_VCEK] = {1, 0, 0},
	    [FETCH_AMD_CRL] = {0, 1, 0},
	    [FETCH_PCK_CRL] = {0, 1, 0},
	    [FETCH_ROOT_CRL] = {0, 1, 0},
	    [FETCH_TCB_INFO] = {0, 0, ENDORSE_TCB_INFO},
	    [FETCH_QE_IDENTITY] = {0, 0, ENDORSE_QE_IDENTITY},
	    [FETCH_HRK] = {0, 0, ENDORSE_HRK},
	    [FETCH_HSK_CEK] = {0, 0, ENDORSE_HSK_CEK},
	};

	return body->ncerts == forms[kind].certs &&
	       body->ncrls == forms[kind].crls &&
	       body->ndocs == (forms[kind].doc ? 1u : 0u) &&
	       (!forms[kind].doc || body->docs[0].kind == forms[kind].doc);
}
