/* What Intel says of platform and QE: which documents in the bags hold, and
 * whether QE and TDX module are those that they describe. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/sig_alg.h"
#include "policy/verify_tdx_parts.h"

#define WHY    160u
#define CN_MAX 64u

/* The checks of one document, in their order. */
enum stage { FORM, SIGNATURE, PLATFORM, DATES, HOLDS };

struct kind {
	enum endorse_kind kind;
	const char *member; /* of the document */
	const char *claim;  /* in rows */
	const char *what;
};

static const struct kind tcb_info = {
    ENDORSE_TCB_INFO, "tcbInfo", "tdx.tcb_info", "TCB info, version 3, of TDX"};
static const struct kind qe_identity = {ENDORSE_QE_IDENTITY, "enclaveIdentity",
    "tdx.qe_identity", "identity, version 2, of TD_QE"};

/* A document, and how far it came. */
struct candidate {
	enum stage stage; /* the first check that failed */
	struct tdx_collateral doc;
	const struct pcs_head *head;
	char why[WHY];
};

void
tdx_collateral_clear(struct tdx_collateral *x)
{
	pcs_tcb_info_free(x->tcb);
	pcs_qe_identity_free(x->qe);
	memset(x, 0, sizeof(*x));
}

static void
time_text(int64_t t, char *out, size_t cap)
{
	time_t at = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&at, &tm) ||
	    !strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)snprintf(out, cap, "%" PRId64, t);
}

static int
parse(
    const struct kind *kind, const struct endorse_doc *doc, struct candidate *x)
{
	int r;

	if (kind->kind == ENDORSE_TCB_INFO) {
		r = pcs_tcb_info_parse(doc->p, doc->n, &x->doc.tcb);
		x->head = r ? NULL : &x->doc.tcb->head;
	} else {
		r = pcs_qe_identity_parse(doc->p, doc->n, &x->doc.qe);
		x->head = r ? NULL : &x->doc.qe->head;
	}
	if (r != 0)
		(void)snprintf(x->why, WHY, "%s (%s)", err_text(r),
		    r == CL_ERR_FORMAT ? json_why() : "document");
	return r;
}

/* Intel renewed the signer with the same key and serial: every certificate of
 * that name is tried. */
static bool
signer_holds(const struct tdx_case *c, X509 *signer, const struct kind *kind,
    const struct endorse_doc *doc, char why[WHY])
{
	const struct endorse *a = c->own ? c->own : c->certs;
	struct chain chain;
	char cn[CN_MAX];
	enum chain_crl crl;

	chain_cn(signer, cn, sizeof(cn));
	if (strcmp(cn, "Intel SGX TCB Signing") != 0)
		return false;
	if (pcs_signed_by(
		doc->p, doc->n, kind->member, X509_get0_pubkey(signer)) != 0) {
		(void)snprintf(why, WHY, "the signature does not verify");
		return false;
	}
	/* The quote's chain brought the root, or what came with it did. */
	if (chain_build_short(signer, c->certs, c->given ? c->given : c->own,
		ROOT_INTEL, c->roots, c->time, &chain, why) != 0)
		return false;
	if (!sig_alg_cert(signer, ROOT_INTEL)) {
		(void)snprintf(why, WHY, "%s: signed in another way", cn);
		return false;
	}
	crl =
	    chain_revoked(signer, chain.root, ROOT_INTEL, a, c->given, c->time);
	if (crl == CHAIN_CRL_REVOKED) {
		(void)snprintf(why, WHY, "%s: revoked", cn);
		return false;
	}
	return true;
}

static bool
is_signed(const struct tdx_case *c, const struct kind *kind,
    const struct endorse_doc *doc, char why[WHY])
{
	const struct endorse *bags[2] = {c->own, c->given};
	unsigned b, i;

	(void)snprintf(why, WHY, "no certificate of Intel SGX TCB Signing");
	for (b = 0; b < 2; b++)
		for (i = 0; bags[b] && i < bags[b]->ncerts; i++)
			if (signer_holds(c, bags[b]->certs[i], kind, doc, why))
				return true;
	return false;
}

static bool
is_of_platform(const struct tdx_case *c, struct candidate *x)
{
	const struct pcs_tcb_info *t = x->doc.tcb;
	char fmspc[13], pceid[5];

	if (!t)
		return true;
	rows_hex(t->fmspc, 6, fmspc);
	rows_hex(t->pceid, 2, pceid);
	(void)snprintf(x->why, WHY, "FMSPC %s, PCE-ID %s", fmspc, pceid);
	return secmem_equal(t->fmspc, c->pck.fmspc, 6) &&
	       secmem_equal(t->pceid, c->pck.pceid, 2);
}

static bool
is_current(const struct tdx_case *c, struct candidate *x)
{
	char from[32], to[32];

	time_text(x->head->issued, from, sizeof(from));
	time_text(x->head->next_update, to, sizeof(to));
	(void)snprintf(x->why, WHY, "%s to %s", from, to);
	return x->head->issued <= c->time && c->time <= x->head->next_update;
}

static void
examine(const struct tdx_case *c, const struct kind *kind,
    const struct endorse_doc *doc, struct candidate *x)
{
	memset(x, 0, sizeof(*x));
	if (parse(kind, doc, x) != 0)
		x->stage = FORM;
	else if (!is_signed(c, kind, doc, x->why))
		x->stage = SIGNATURE;
	else if (!is_of_platform(c, x))
		x->stage = PLATFORM;
	else
		x->stage = is_current(c, x) ? HOLDS : DATES;
}

/* Further, or as far and newer. */
static bool
is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->stage != b->stage)
		return a->stage > b->stage;
	return a->head && b->head && a->head->issued > b->head->issued;
}

static bool
find_best(
    const struct tdx_case *c, const struct kind *kind, struct candidate *best)
{
	const struct endorse *bags[2] = {c->own, c->given};
	struct candidate x;
	bool found = false;
	unsigned b, i;

	for (b = 0; b < 2; b++)
		for (i = 0; bags[b] && i < bags[b]->ndocs; i++) {
			if (bags[b]->docs[i].kind != kind->kind)
				continue;
			examine(c, kind, &bags[b]->docs[i], &x);
			if (found && !is_better(&x, best)) {
				tdx_collateral_clear(&x.doc);
				continue;
			}
			if (found)
				tdx_collateral_clear(&best->doc);
			*best = x;
			found = true;
		}
	return found;
}

static void
expected_text(const struct tdx_case *c, const struct kind *kind,
    enum stage stage, char out[WHY])
{
	char a[32], b[8];

	switch (stage) {
	case FORM:
		(void)snprintf(out, WHY, "%s", kind->what);
		return;
	case SIGNATURE:
		(void)snprintf(
		    out, WHY, "a signature of Intel SGX TCB Signing");
		return;
	case PLATFORM:
		rows_hex(c->pck.fmspc, 6, a);
		rows_hex(c->pck.pceid, 2, b);
		(void)snprintf(out, WHY, "FMSPC %s, PCE-ID %s", a, b);
		return;
	default:
		time_text(c->time, a, sizeof(a));
		(void)snprintf(out, WHY, "valid at %s", a);
	}
}

/* One row a check, up to the one that failed. */
static void
tell(const struct tdx_case *c, const struct kind *kind,
    const struct candidate *x)
{
	static const char *const suffix[] = {
	    "", ".signature", ".platform", ".dates"};
	enum stage i, last = x->stage == HOLDS ? DATES : x->stage;
	char claim[40], expected[WHY];
	const char *came;

	for (i = FORM; i <= last; i++) {
		if (i == PLATFORM && kind->kind != ENDORSE_TCB_INFO)
			continue;
		(void)snprintf(
		    claim, sizeof(claim), "%s%s", kind->claim, suffix[i]);
		expected_text(c, kind, i, expected);
		came = i == SIGNATURE ? "it verifies" : expected;
		if (i == x->stage || i == DATES)
			came = x->why;
		(void)rows_say(c->rows, claim, i != x->stage, expected, came);
	}
}

/* Keeps the document only when all of it holds. */
static void
choose(struct tdx_case *c, const struct kind *kind, struct tdx_collateral *out)
{
	struct candidate best;

	if (!find_best(c, kind, &best)) {
		(void)rows_say(c->rows, kind->claim, false, kind->what,
		    "none: genuine, TCB unknown");
		return;
	}
	tell(c, kind, &best);
	if (best.stage != HOLDS)
		tdx_collateral_clear(&best.doc);
	if (best.doc.tcb)
		out->tcb = best.doc.tcb;
	if (best.doc.qe)
		out->qe = best.doc.qe;
}

void
tdx_collateral(struct tdx_case *c, struct tdx_collateral *out)
{
	choose(c, &tcb_info, out);
	choose(c, &qe_identity, out);
}

/* value & mask = want, byte by byte. */
static bool
masked(struct tdx_case *c, const char *claim, const uint8_t *value,
    const uint8_t *mask, const uint8_t *want, size_t n)
{
	uint8_t got[48];
	size_t i;

	for (i = 0; i < n && i < sizeof(got); i++)
		got[i] = value[i] & mask[i];
	return rows_same(c->rows, claim, want, got, n);
}

int
tdx_match_qe(struct tdx_case *c, const struct pcs_qe_identity *qe)
{
	const struct tdx_qe *is = &c->q->qe;
	char expected[16];
	bool ok;

	(void)snprintf(expected, sizeof(expected), "%u", qe->isvprodid);
	ok = masked(c, "tdx.qe.miscselect", is->miscselect, qe->misc_mask,
	    qe->miscselect, 4);
	ok &= masked(c, "tdx.qe.attributes", is->attributes, qe->mask,
	    qe->attributes, 16);
	ok &= rows_same(
	    c->rows, "tdx.qe.mrsigner", qe->mrsigner, is->mrsigner, 32);
	ok &= rows_sayf(c->rows, "tdx.qe.isvprodid",
	    is->isvprodid == qe->isvprodid, expected, "%u", is->isvprodid);
	return ok ? CL_OK : CL_ERR_EVIDENCE;
}

int
tdx_match_module(struct tdx_case *c, const struct pcs_tcb_info *info)
{
	static const uint8_t zero[8];
	const struct pcs_module *m = &info->module;
	uint8_t version = c->q->tee_tcb_svn[1];
	bool ok;

	if (version)
		m = pcs_module(info, version);
	if (!rows_sayf(c->rows, "tdx.module", m != NULL,
		"a module that the TCB info knows", "TDX_%02X", version))
		return CL_ERR_NOT_FOUND;
	ok = rows_same(c->rows, "tdx.module.mrsigner", m->mrsigner,
	    c->q->mrsigner_seam, TDX_MR);
	ok &= masked(c, "tdx.module.attributes", c->q->seam_attributes, m->mask,
	    m->attributes, 8);
	ok &= rows_same(
	    c->rows, "tdx.module.attributes", zero, c->q->seam_attributes, 8);
	return ok ? CL_OK : CL_ERR_EVIDENCE;
}
