#include <string.h>

#include "client/wanted.h"
#include "lib/buf.h"
#include "lib/secmem.h"
#include "policy/pck.h"
#include "policy/pcs.h"
#include "policy/verify_snp_vek.h"
#include "policy/verify_tdx.h"
#include "policy/verify_tpm.h"

#define CN_MAX	   64u
#define CSV_SIGNED 1044u /* of a PEK, by its CEK */

static bool
starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* "ARK-Milan", "SEV-VLEK-Milan"; 0: none of AMD's. */
static enum root_vendor
product_of_cn(const char *cn)
{
	static const enum root_vendor all[] = {
	    ROOT_AMD_MILAN, ROOT_AMD_GENOA, ROOT_AMD_TURIN};
	const char *name = strrchr(cn, '-');
	size_t i;

	for (i = 0; name && i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(name + 1, root_name(all[i]) + strlen("AMD ")) == 0)
			return all[i];
	return 0;
}

/* A report of version 2 does not name its product; certificates may. */
static enum root_vendor
product_of_bag(const struct endorse *own)
{
	enum root_vendor product = 0;
	char cn[CN_MAX];
	unsigned i;

	for (i = 0; own && !product && i < own->ncerts; i++) {
		chain_cn(own->certs[i], cn, sizeof(cn));
		product = product_of_cn(cn);
	}
	return product;
}

static int
find_amd(
    const uint8_t *raw, size_t n, const struct endorse *own, struct wanted *out)
{
	struct snp_report r;
	const uint8_t *p;

	if (snp_unwrap(raw, n, &p) != 0 || snp_parse(p, SNP_REPORT, &r) != 0)
		return CL_ERR_FORMAT;
	out->amd = true;
	out->snp.product = r.product ? r.product : product_of_bag(own);
	out->snp.vlek = SNP_KEY_SIGNING(r.key_info) == SNP_KEY_VLEK;
	memcpy(out->snp.chip_id, r.chip_id, sizeof(out->snp.chip_id));
	memcpy(out->snp.tcb, r.reported.raw, sizeof(out->snp.tcb));
	return CL_OK;
}

/* Its CA is one of two. */
static bool
is_of_platform_ca(X509 *cert)
{
	char cn[CN_MAX] = "";

	(void)X509_NAME_get_text_by_NID(
	    X509_get_issuer_name(cert), NID_commonName, cn, sizeof(cn));
	return strcmp(cn, "Intel SGX PCK Platform CA") == 0;
}

/* The PCK certificate is the one that has the extension. */
static bool
find_pck(const struct endorse *bag, struct wanted_intel *out)
{
	struct pck pck;
	unsigned i;

	for (i = 0; i < bag->ncerts; i++) {
		if (pck_parse(bag->certs[i], &pck) != 0)
			continue;
		memcpy(out->fmspc, pck.fmspc, sizeof(out->fmspc));
		out->platform = is_of_platform_ca(bag->certs[i]);
		return true;
	}
	return false;
}

static int
find_intel(const uint8_t *raw, size_t n, struct wanted *out)
{
	struct tdx_quote q;
	struct endorse *bag;
	int r;

	if (tdx_parse(raw, n, &q) != 0)
		return CL_ERR_FORMAT;
	if ((r = endorse_new(&bag)) != 0)
		return r;
	r = endorse_add(bag, q.certs, q.certs_n);
	if (r != CL_ERR_MEMORY)
		r = r == 0 && find_pck(bag, &out->tdx) ? CL_OK : CL_ERR_FORMAT;
	out->intel = r == 0;
	endorse_free(bag);
	return r;
}

/* csv_verify() tells masked from plain; its verdict comes later, elsewhere. */
static int
find_hygon(const uint8_t *raw, size_t n, struct wanted *out)
{
	struct csv_evidence *e = &out->csv.report;
	struct appraise_result *rows = secmem_alloc(sizeof(*rows));
	int r;

	if (!rows)
		return CL_ERR_MEMORY;
	r = csv_verify(raw, n, NULL, NULL, NULL, e, rows);
	secmem_free(rows);
	if ((r != 0 && r != CL_ERR_EVIDENCE) || !e->version || !e->serial[0])
		return CL_ERR_FORMAT;
	memcpy(out->csv.serial, e->serial, sizeof(out->csv.serial));
	out->hygon = true;
	return CL_OK;
}

static int
find_hcl(
    const struct tpm_doc *doc, const struct endorse *own, struct wanted *out)
{
	struct tpm_hcl hcl;
	int r = tpm_hcl_parse(doc->hcl.p, doc->hcl.n, &hcl);

	if (r != 0)
		return r;
	if (!hcl.tdx)
		return find_amd(hcl.report.p, hcl.report.n, own, out);
	return doc->td_quote.n
		   ? find_intel(doc->td_quote.p, doc->td_quote.n, out)
		   : CL_OK;
}

/* A TPM's vendor is no help; that of the TEE which endorses it may be. */
static int
find_tpm(
    const uint8_t *raw, size_t n, const struct endorse *own, struct wanted *out)
{
	struct tpm_doc doc;
	int r = tpm_doc_parse(raw, n, &doc);

	if (r == 0 && doc.hcl.n)
		r = find_hcl(&doc, own, out);
	else if (r == 0 && doc.svsm_report.n)
		r = find_amd(doc.svsm_report.p, doc.svsm_report.n, own, out);
	tpm_doc_clear(&doc);
	return r == 0 || r == CL_ERR_MEMORY ? r : CL_ERR_FORMAT;
}

int
wanted_find(const char *tee, const uint8_t *raw, size_t n,
    const struct endorse *own, struct wanted *out)
{
	memset(out, 0, sizeof(*out));
	if (strcmp(tee, "snp") == 0)
		return find_amd(raw, n, own, out);
	if (strcmp(tee, "tdx") == 0)
		return find_intel(raw, n, out);
	if (strcmp(tee, "csv") == 0)
		return find_hygon(raw, n, out);
	if (strcmp(tee, "tpm") == 0)
		return find_tpm(raw, n, own, out);
	return CL_OK;
}

static bool
is_product(const struct wanted_amd *w, enum root_vendor product)
{
	return product && (!w->product || w->product == product);
}

static bool
is_vcek(const struct wanted_amd *w, X509 *cert)
{
	struct snp_tcb tcb = {0};
	struct snp_vek vek;
	char why[SNP_WHY];

	if (snp_vek_parse(cert, false, &vek, why) != 0)
		return false;
	memcpy(tcb.raw, w->tcb, sizeof(tcb.raw));
	snp_tcb_split(&tcb, vek.product);
	return is_product(w, vek.product) &&
	       snp_vek_is_chip(&vek, w->chip_id) && snp_vek_is_tcb(&vek, &tcb);
}

bool
wanted_suits_cert(const struct wanted *w, X509 *cert)
{
	char cn[CN_MAX];

	chain_cn(cert, cn, sizeof(cn));
	if (strcmp(cn, "SEV-VCEK") == 0)
		return w->amd && !w->snp.vlek && is_vcek(&w->snp, cert);
	if (strcmp(cn, "SEV-VLEK") == 0)
		return w->amd && w->snp.vlek;
	if (starts(cn, "ARK-") || starts(cn, "SEV-"))
		return w->amd && is_product(&w->snp, product_of_cn(cn));
	return w->intel && starts(cn, "Intel SGX ");
}

static bool
suits_crl(const struct wanted *w, const X509_CRL *crl)
{
	char cn[CN_MAX] = "";

	(void)X509_NAME_get_text_by_NID(
	    X509_CRL_get_issuer(crl), NID_commonName, cn, sizeof(cn));
	if (starts(cn, "ARK-"))
		return w->amd && is_product(&w->snp, product_of_cn(cn));
	return w->intel && starts(cn, "Intel SGX ");
}

static bool
suits_tcb_info(const struct wanted_intel *w, const struct endorse_doc *doc)
{
	struct pcs_tcb_info *t;
	bool ok;

	if (pcs_tcb_info_parse(doc->p, doc->n, &t) != 0)
		return false;
	ok = secmem_equal(t->fmspc, w->fmspc, sizeof(w->fmspc));
	pcs_tcb_info_free(t);
	return ok;
}

/* The CEK of the very chip: the one that signed its PEK. */
static bool
is_cek(const struct wanted_hygon *w, const uint8_t *p)
{
	struct csv_cert cek;
	const char *why;

	return csv_cert_parse(CSV_CEK, p, CSV_CERT, &cek, &why) == 0 &&
	       csv_cert_verify(
		   &cek, w->report.pek_raw, CSV_SIGNED, w->report.pek.sig) == 0;
}

static bool
suits_doc(const struct wanted *w, const struct endorse_doc *doc)
{
	switch (doc->kind) {
	case ENDORSE_TCB_INFO:
		return w->intel && suits_tcb_info(&w->tdx, doc);
	case ENDORSE_QE_IDENTITY:
		return w->intel;
	case ENDORSE_HSK_CEK:
		return w->hygon && is_cek(&w->csv, doc->p + CSV_ROOT_CERT);
	case ENDORSE_CEK:
		return w->hygon && is_cek(&w->csv, doc->p);
	case ENDORSE_HRK:
	case ENDORSE_HSK:
		return w->hygon;
	}
	return false;
}

bool
wanted_suits(const struct wanted *w, const struct endorse *bag)
{
	unsigned i;

	for (i = 0; i < bag->ncerts; i++)
		if (wanted_suits_cert(w, bag->certs[i]))
			return true;
	for (i = 0; i < bag->ncrls; i++)
		if (suits_crl(w, bag->crls[i]))
			return true;
	for (i = 0; i < bag->ndocs; i++)
		if (suits_doc(w, &bag->docs[i]))
			return true;
	return false;
}
