/* Parsing and printing; the order of verification. */
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/verify_tdx_parts.h"

#define KEY_P256    2u
#define TEE_TDX	    0x81u
#define BODY_TD10   2u
#define BODY_TD15   3u
#define CERTS_OF_QE 6u
#define SHOWN_MAX   128u

static const uint8_t intel_qe[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c,
    0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static int
parse_header(struct rd *in, struct tdx_quote *q)
{
	uint32_t reserved;
	uint16_t key_type;
	int r;

	if ((r = rd_u16(in, &q->version)) != 0 ||
	    (r = rd_u16(in, &key_type)) != 0 ||
	    (r = rd_u32(in, &q->tee_type)) != 0 ||
	    (r = rd_u32(in, &reserved)) != 0 ||
	    (r = rd_bytes(in, q->vendor_id, 16)) != 0 ||
	    (r = rd_bytes(in, q->user_data, 20)) != 0)
		return r;
	if (q->version != 4 && q->version != 5)
		return CL_ERR_VERSION;
	if (key_type != KEY_P256 || q->tee_type != TEE_TDX ||
	    !secmem_equal(q->vendor_id, intel_qe, sizeof(intel_qe)))
		return CL_ERR_UNSUPPORTED;
	return CL_OK;
}

/* Version 5 says which body follows. */
static int
parse_body_type(struct rd *in, struct tdx_quote *q)
{
	uint32_t size;
	int r;

	if (q->version == 4)
		return CL_OK;
	if ((r = rd_u16(in, &q->body_type)) != 0 ||
	    (r = rd_u32(in, &size)) != 0)
		return r;
	if (q->body_type != BODY_TD10 && q->body_type != BODY_TD15)
		return CL_ERR_UNSUPPORTED;
	q->td15 = q->body_type == BODY_TD15;
	return size == (q->td15 ? TDX_BODY_15 : TDX_BODY_10) ? CL_OK
							     : CL_ERR_FORMAT;
}

static int
parse_body(struct rd *in, struct tdx_quote *q)
{
	int r;

	if ((r = rd_bytes(in, q->tee_tcb_svn, 16)) != 0 ||
	    (r = rd_bytes(in, q->mr_seam, TDX_MR)) != 0 ||
	    (r = rd_bytes(in, q->mrsigner_seam, TDX_MR)) != 0 ||
	    (r = rd_bytes(in, q->seam_attributes, 8)) != 0 ||
	    (r = rd_bytes(in, q->td_attributes, 8)) != 0 ||
	    (r = rd_bytes(in, q->xfam, 8)) != 0 ||
	    (r = rd_bytes(in, q->mr_td, TDX_MR)) != 0 ||
	    (r = rd_bytes(in, q->mr_config_id, TDX_MR)) != 0 ||
	    (r = rd_bytes(in, q->mr_owner, TDX_MR)) != 0 ||
	    (r = rd_bytes(in, q->mr_owner_config, TDX_MR)) != 0 ||
	    (r = rd_bytes(in, q->rtmr, sizeof(q->rtmr))) != 0 ||
	    (r = rd_bytes(in, q->report_data, 64)) != 0)
		return r;
	if (!q->td15)
		return CL_OK;
	if ((r = rd_bytes(in, q->tee_tcb_svn2, 16)) != 0)
		return r;
	return rd_bytes(in, q->mr_servicetd, TDX_MR);
}

static int
parse_qe_report(const uint8_t *p, struct tdx_qe *qe)
{
	struct rd in = rd_make(p, TDX_QE_REPORT);
	const uint8_t *skip;
	int r;

	if ((r = rd_bytes(&in, qe->cpusvn, 16)) != 0 ||
	    (r = rd_bytes(&in, qe->miscselect, 4)) != 0 ||
	    (r = rd_view(&in, &skip, 28)) != 0 ||
	    (r = rd_bytes(&in, qe->attributes, 16)) != 0 ||
	    (r = rd_bytes(&in, qe->mrenclave, 32)) != 0 ||
	    (r = rd_view(&in, &skip, 32)) != 0 ||
	    (r = rd_bytes(&in, qe->mrsigner, 32)) != 0 ||
	    (r = rd_view(&in, &skip, 96)) != 0 ||
	    (r = rd_u16(&in, &qe->isvprodid)) != 0 ||
	    (r = rd_u16(&in, &qe->isvsvn)) != 0 ||
	    (r = rd_view(&in, &skip, 60)) != 0 ||
	    (r = rd_bytes(&in, qe->report_data, 64)) != 0)
		return r;
	return rd_end(&in);
}

/* u16 type, u32 size, and so many bytes to the end. */
static int
parse_cert_data(struct rd *in, uint16_t *type, struct rd *out)
{
	uint32_t size;
	int r;

	if ((r = rd_u16(in, type)) != 0 || (r = rd_u32(in, &size)) != 0)
		return r;
	if (size != in->left)
		return size > in->left ? CL_ERR_TRUNCATED : CL_ERR_TRAILING;
	*out = *in;
	return CL_OK;
}

static int
parse_auth(struct rd in, struct tdx_quote *q)
{
	uint16_t type, n;
	struct rd data;
	int r;

	if ((r = rd_view(&in, &q->signature, 64)) != 0 ||
	    (r = rd_view(&in, &q->key, 64)) != 0 ||
	    (r = parse_cert_data(&in, &type, &data)) != 0)
		return r;
	if (type != CERTS_OF_QE)
		return CL_ERR_UNSUPPORTED;
	if ((r = rd_view(&data, &q->qe_report, TDX_QE_REPORT)) != 0 ||
	    (r = parse_qe_report(q->qe_report, &q->qe)) != 0 ||
	    (r = rd_view(&data, &q->qe_signature, 64)) != 0 ||
	    (r = rd_u16(&data, &n)) != 0 ||
	    (r = rd_view(&data, &q->qe_auth, n)) != 0 ||
	    (r = parse_cert_data(&data, &q->cert_type, &in)) != 0)
		return r;
	q->qe_auth_n = n;
	q->certs = in.p;
	q->certs_n = in.left;
	return CL_OK;
}

static int
parse(const uint8_t *p, size_t n, struct tdx_quote *q)
{
	struct rd in = rd_make(p, n);
	const uint8_t *auth;
	uint32_t size;
	int r;

	if (n > TDX_QUOTE_MAX)
		return CL_ERR_TOO_LARGE;
	if ((r = parse_header(&in, q)) != 0 ||
	    (r = parse_body_type(&in, q)) != 0 || (r = parse_body(&in, q)) != 0)
		return r;
	q->raw = p;
	q->signed_n = n - in.left;
	if ((r = rd_u32(&in, &size)) != 0 ||
	    (r = rd_view(&in, &auth, size)) != 0)
		return r;
	q->auth_n = size;
	q->trailing_n = in.left;
	return parse_auth(rd_make(auth, size), q);
}

int
tdx_parse(const uint8_t *p, size_t n, struct tdx_quote *q)
{
	int r;

	memset(q, 0, sizeof(*q));
	/* Half a quote is none. */
	if ((r = parse(p, n, q)) != 0)
		memset(q, 0, sizeof(*q));
	return r;
}

static int
put_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	char text[2 * SHOWN_MAX + 1];

	if (n > SHOWN_MAX)
		return -1;
	rows_hex(p, n, text);
	return json_object_set_new(o, key, json_string(text));
}

static int
put_int(json_t *o, const char *key, uint64_t v)
{
	return json_object_set_new(o, key, json_integer((json_int_t)v));
}

static int
put_time(json_t *o, const char *key, const ASN1_TIME *t)
{
	char text[40];
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S+00:00", &tm))
		return -1;
	return json_object_set_new(o, key, json_string(text));
}

static int
put_serial(json_t *o, const char *key, X509 *cert)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	uint8_t bytes[SHOWN_MAX];
	int n = bn ? BN_num_bytes(bn) : -1, r = -1;

	if (n > 0 && n <= (int)sizeof(bytes) && BN_bn2bin(bn, bytes) == n)
		r = put_hex(o, key, bytes, (size_t)n);
	BN_free(bn);
	return r;
}

static int
put_comps(json_t *o, const struct pck *pck)
{
	json_t *a = json_array();
	unsigned i;

	for (i = 0; a && i < 16; i++)
		if (json_array_append_new(a, json_integer(pck->comp[i])) != 0) {
			json_decref(a);
			return -1;
		}
	return json_object_set_new(o, "pck_comps", a);
}

/* Nothing when the quote's certificates cannot be read: verification says
 * why. */
static int
print_pck(json_t *o, const struct tdx_quote *q)
{
	struct endorse *certs = NULL;
	struct pck pck;
	X509 *leaf;
	int r = 0;

	if (tdx_certs(q, &certs) != 0)
		return 0;
	leaf = certs->certs[0];
	if (pck_parse(leaf, &pck) == 0 &&
	    (put_hex(o, "pck_fmspc", pck.fmspc, 6) != 0 ||
		put_hex(o, "pck_ppid", pck.ppid, 16) != 0 ||
		(pck.platform &&
		    put_hex(o, "pck_instance", pck.instance, 16) != 0) ||
		put_hex(o, "pck_pceid", pck.pceid, 2) != 0 ||
		put_comps(o, &pck) != 0 ||
		put_int(o, "pck_pcesvn", pck.pcesvn) != 0 ||
		put_time(o, "pck_not_before", X509_get0_notBefore(leaf)) ||
		put_time(o, "pck_not_after", X509_get0_notAfter(leaf)) ||
		put_serial(o, "pck_serial", leaf) != 0))
		r = -1;
	endorse_free(certs);
	return r;
}

static int
print_body(json_t *o, const struct tdx_quote *q)
{
	char name[8];
	unsigned i;

	if (put_hex(o, "tee_tcb_svn", q->tee_tcb_svn, 16) != 0 ||
	    put_hex(o, "mr_seam", q->mr_seam, TDX_MR) != 0 ||
	    put_hex(o, "mrsigner_seam", q->mrsigner_seam, TDX_MR) != 0 ||
	    put_hex(o, "seam_attr", q->seam_attributes, 8) != 0 ||
	    put_hex(o, "td_attr", q->td_attributes, 8) != 0 ||
	    put_hex(o, "xfam", q->xfam, 8) != 0 ||
	    put_hex(o, "mr_td", q->mr_td, TDX_MR) != 0 ||
	    put_hex(o, "mr_config_id", q->mr_config_id, TDX_MR) != 0 ||
	    put_hex(o, "mr_owner", q->mr_owner, TDX_MR) != 0 ||
	    put_hex(o, "mr_owner_config", q->mr_owner_config, TDX_MR) != 0 ||
	    put_hex(o, "report_data", q->report_data, 64) != 0)
		return -1;
	for (i = 0; i < TDX_RTMRS; i++) {
		(void)snprintf(name, sizeof(name), "rtmr%u", i);
		if (put_hex(o, name, q->rtmr[i], TDX_MR) != 0)
			return -1;
	}
	if (!q->td15)
		return 0;
	return put_hex(o, "tee_tcb_svn2", q->tee_tcb_svn2, 16) != 0 ||
		       put_hex(o, "mr_servicetd", q->mr_servicetd, TDX_MR) != 0
		   ? -1
		   : 0;
}

static int
print_qe(json_t *o, const struct tdx_quote *q)
{
	if (put_int(o, "qe_isvsvn", q->qe.isvsvn) != 0 ||
	    put_int(o, "qe_isvprodid", q->qe.isvprodid) != 0 ||
	    put_hex(o, "qe_mrsigner", q->qe.mrsigner, 32) != 0 ||
	    put_hex(o, "qe_mrenclave", q->qe.mrenclave, 32) != 0 ||
	    put_int(o, "qe_auth_len", q->qe_auth_n) != 0 ||
	    put_int(o, "inner_cert_type", q->cert_type) != 0)
		return -1;
	return 0;
}

json_t *
tdx_print(const struct tdx_quote *q)
{
	json_t *o = json_object();
	const uint8_t *rest = q->raw + q->signed_n + 4 + q->auth_n;
	bool zero = true;
	size_t i;

	if (!o)
		return NULL;
	for (i = 0; i < q->trailing_n; i++)
		zero = zero && !rest[i];
	if (put_int(o, "version", q->version) != 0 ||
	    json_object_set_new(o, "body_type",
		q->body_type ? json_integer(q->body_type) : json_null()) ||
	    json_object_set_new(o, "tee_type", json_string("0x81")) != 0 ||
	    put_hex(o, "user_data", q->user_data, 20) != 0 ||
	    put_int(o, "sig_data_len", q->auth_n) != 0 ||
	    put_int(o, "trailing_bytes", q->trailing_n) != 0 ||
	    json_object_set_new(o, "trailing_all_zero", json_boolean(zero)) !=
		0 ||
	    print_body(o, q) != 0 || print_qe(o, q) != 0 ||
	    print_pck(o, q) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

json_t *
tdx_print_tcb(const struct tdx_tcb *tcb)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "status",
	    pcs_status_text(tcb->status), "platform",
	    pcs_status_text(tcb->platform), "module",
	    tcb->has_module ? pcs_status_text(tcb->module) : "", "qe",
	    pcs_status_text(tcb->qe), "evaluation", (json_int_t)tcb->evaluation,
	    "advisories", tcb->advisories);
}

static bool
check_format(const uint8_t *p, size_t n, struct tdx_quote *q,
    struct appraise_result *rows)
{
	static const char expected[] =
	    "an Intel TDX quote, version 4 or 5, ECDSA P-256";
	int r = tdx_parse(p, n, q);

	if (r != 0)
		return rows_sayf(rows, "tdx.quote", false, expected,
		    "%zu bytes: %s", n, err_text(r));
	return rows_sayf(rows, "tdx.quote", true, expected,
	    "version %u, TD %s, %zu bytes after it", q->version,
	    q->td15 ? "1.5" : "1.0", q->trailing_n);
}

/* What it comes to, once QE and module are those of the collateral. */
static void
evaluate(
    struct tdx_case *c, const struct tdx_collateral *x, struct tdx_tcb *tcb)
{
	struct tdx_svns svns = {c->pck.comp, c->pck.pcesvn, c->q->tee_tcb_svn,
	    c->q->td15 ? c->q->tee_tcb_svn2 : NULL, c->q->qe.isvsvn};

	if (tdx_evaluate(&svns, x->tcb, x->qe, tcb) != 0) {
		(void)rows_sayf(c->rows, "tdx.module.current", false,
		    "a module that the TCB info knows", "TDX_%02X",
		    c->q->tee_tcb_svn2[1]);
		return;
	}
	(void)snprintf(c->rows->tcb, sizeof(c->rows->tcb), "%s",
	    pcs_status_text(tcb->status));
}

/* Intel's word on QE, module and TCB. A quote of a strange QE or module is no
 * genuine one; without collateral nobody can tell. */
static int
judge(struct tdx_case *c, struct tdx_tcb *tcb)
{
	struct tdx_collateral x = {NULL, NULL};
	int qe = CL_OK, module = CL_OK;

	tdx_collateral(c, &x);
	if (x.qe)
		qe = tdx_match_qe(c, x.qe);
	if (x.tcb)
		module = tdx_match_module(c, x.tcb);
	if (x.qe && x.tcb && qe == 0 && module == 0)
		evaluate(c, &x, tcb);
	tdx_collateral_clear(&x);
	/* Collateral that lacks a module says nothing against it. */
	return qe ? qe : module == CL_ERR_NOT_FOUND ? CL_OK : module;
}

int
tdx_verify(const uint8_t *p, size_t n, const struct endorse *own,
    const struct endorse *given, const struct roots *roots, int64_t time,
    const struct tdx_policy *policy, struct tdx_quote *q, struct tdx_tcb *tcb,
    struct appraise_result *rows)
{
	struct tdx_case c = {.q = q,
	    .policy = policy,
	    .own = own,
	    .given = given,
	    .roots = roots,
	    .time = time,
	    .rows = rows};
	int r;

	memset(q, 0, sizeof(*q));
	memset(tcb, 0, sizeof(*tcb));
	(void)snprintf(rows->tcb, sizeof(rows->tcb), "unknown");
	if ((r = crypto_ready()) != 0)
		return r;
	if (!check_format(p, n, q, rows))
		return CL_ERR_EVIDENCE;
	if ((r = tdx_verify_chain(&c)) != 0 ||
	    (r = tdx_verify_signatures(&c)) != 0 ||
	    (r = tdx_verify_crls(&c)) != 0)
		goto out;
	q->pck = c.pck;
	r = judge(&c, tcb);
out:
	endorse_free(c.certs);
	return r;
}
