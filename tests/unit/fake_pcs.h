/*
 * Intel-shaped collateral for tests: TCB info and QE identity as JSON, signed,
 * and the bag that goes with a quote. Include after fake_intel.h.
 */
#ifndef CLOISTER_TESTS_FAKE_PCS_H
#define CLOISTER_TESTS_FAKE_PCS_H

#include "fake_intel.h"

/* What the documents say; a NULL or 0 member is what is good. */
struct fake_collateral {
	/* tcbLevels, tdxModuleIdentities and the QE's tcbLevels as JSON. */
	const char *levels, *modules, *qe_levels;
	int64_t issued, next_update;
	const char *fmspc, *pceid, *tcb_id, *qe_id;
	int tcb_version, qe_version;
	const char *qe_mrsigner, *qe_attributes, *qe_miscselect;
	int qe_isvprodid;
	const char *module_mrsigner;
	/* Lists: when they hold; who is on them. */
	int64_t crl_from, crl_to;
	long revoked_pck, revoked_ca;
	bool no_tcb, no_qe, no_pck_crl, no_root_crl, no_signer;
	EVP_PKEY *signing_key; /* another one signs the documents */
};

#define FAKE_Z16  "00000000000000000000000000000000"
#define FAKE_Z48  FAKE_Z16 FAKE_Z16 FAKE_Z16
#define FAKE_S(n) "{\"svn\":" #n "}"
#define FAKE_0(n) FAKE_S(n) "," FAKE_S(n) "," FAKE_S(n) "," FAKE_S(n)

#define FAKE_SGX(n) "[" FAKE_0(n) "," FAKE_0(n) "," FAKE_0(n) "," FAKE_0(n) "]"
#define FAKE_TDX(t0, t2)                                                       \
	"[" FAKE_S(t0) "," FAKE_S(0) "," FAKE_S(t2) "," FAKE_S(0) "," FAKE_0(  \
	    0) "," FAKE_0(0) "," FAKE_0(0) "]"
#define FAKE_DATE "\"tcbDate\":\"2026-01-01T00:00:00Z\","

/* One level: SGX components all s, PCESVN p, TDX components module t0, 0 and
 * microcode t2, the rest 0. */
/* clang-format off */
#define FAKE_LEVEL(s, p, t0, t2, status)                                       \
	"{\"tcb\":{\"sgxtcbcomponents\":" FAKE_SGX(s)                          \
	",\"pcesvn\":" #p ",\"tdxtcbcomponents\":" FAKE_TDX(t0, t2) "},"       \
	FAKE_DATE "\"tcbStatus\":\"" status "\","                              \
	"\"advisoryIDs\":[\"INTEL-SA-" status "\"]}"
/* clang-format on */
#define FAKE_SVN_LEVEL(svn, status)                                            \
	"{\"tcb\":{\"isvsvn\":" #svn "}," FAKE_DATE "\"tcbStatus\":\"" status  \
	"\"}"
#define FAKE_MODULE(id, levels)                                                \
	"{\"id\":\"" id "\",\"mrsigner\":\"" FAKE_Z48                          \
	"\",\"attributes\":\"0000000000000000\",\"attributesMask\":"           \
	"\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[" levels "]}"

/* The platform that all of it is good for. */
static inline struct fake_platform
fake_good_platform(void)
{
	struct fake_platform p = {.version = 5,
	    .body_type = 3,
	    .pcesvn = 13,
	    .qe_isvsvn = 6,
	    .qe_isvprodid = 2,
	    .qe_mrsigner = 0xdc,
	    .qe_attributes = 0x11,
	    .td_attributes = TDX_ATTR_SEPT_VE_DISABLE};

	memset(p.comp, 5, sizeof(p.comp));
	memset(p.fmspc, 0x9a, sizeof(p.fmspc));
	p.svn[0] = p.svn2[0] = 4; /* module 1, SVN 4, microcode 3 */
	p.svn[1] = p.svn2[1] = 1;
	p.svn[2] = p.svn2[2] = 3;
	return p;
}

static inline const char *
fake_or(const char *s, const char *good)
{
	return s ? s : good;
}

static inline void
fake_dates(const struct fake_collateral *c, char from[32], char to[32])
{
	fake_time(c->issued ? c->issued : FAKE_NOW - FAKE_DAY, from);
	fake_time(c->next_update ? c->next_update : FAKE_NOW + FAKE_DAY, to);
}

static inline size_t
fake_tcb_info(const struct fake_intel *f, const struct fake_collateral *c,
    char out[FAKE_DOC])
{
	static char body[FAKE_DOC];
	char from[32], to[32];
	int n;

	fake_dates(c, from, to);
	n = snprintf(body, sizeof(body),
	    "{\"id\":\"%s\",\"version\":%d,\"issueDate\":\"%s\","
	    "\"nextUpdate\":\"%s\",\"fmspc\":\"%s\",\"pceId\":\"%s\","
	    "\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tdxModule\":{"
	    "\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\","
	    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},"
	    "\"tdxModuleIdentities\":%s,\"tcbLevels\":%s}",
	    fake_or(c->tcb_id, "TDX"), c->tcb_version ? c->tcb_version : 3,
	    from, to, fake_or(c->fmspc, "9A9a9A9a9A9a"),
	    fake_or(c->pceid, "0000"), fake_or(c->module_mrsigner, FAKE_Z48),
	    fake_or(c->modules,
		"[" FAKE_MODULE("TDX_01", FAKE_SVN_LEVEL(4, "UpToDate")) "]"),
	    fake_or(c->levels, "[" FAKE_LEVEL(5, 13, 0, 3, "UpToDate") "]"));
	assert_true(n > 0 && n < (int)sizeof(body));
	return fake_document(
	    c->signing_key ? c->signing_key : f->tcb_key, "tcbInfo", body, out);
}

static inline size_t
fake_qe_identity(const struct fake_intel *f, const struct fake_collateral *c,
    char out[FAKE_DOC])
{
	static char body[FAKE_DOC];
	char from[32], to[32];
	int n;

	fake_dates(c, from, to);
	n = snprintf(body, sizeof(body),
	    "{\"id\":\"%s\",\"version\":%d,\"issueDate\":\"%s\","
	    "\"nextUpdate\":\"%s\",\"tcbEvaluationDataNumber\":18,"
	    "\"miscselect\":\"%s\",\"miscselectMask\":\"FFFFFFFF\","
	    "\"attributes\":\"%s\",\"attributesMask\":"
	    "\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%s\","
	    "\"isvprodid\":%d,\"tcbLevels\":%s}",
	    fake_or(c->qe_id, "TD_QE"), c->qe_version ? c->qe_version : 2, from,
	    to, fake_or(c->qe_miscselect, "00000000"),
	    fake_or(c->qe_attributes, "11000000000000000000000000000000"),
	    fake_or(c->qe_mrsigner, "dcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdc"
				    "DCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDC"),
	    c->qe_isvprodid ? c->qe_isvprodid : 2,
	    fake_or(c->qe_levels, "[" FAKE_SVN_LEVEL(6, "UpToDate") "]"));
	assert_true(n > 0 && n < (int)sizeof(body));
	return fake_document(c->signing_key ? c->signing_key : f->tcb_key,
	    "enclaveIdentity", body, out);
}

/* Documents, signer, root and lists. */
static inline struct endorse *
fake_bag(const struct fake_intel *f, const struct fake_collateral *c)
{
	int64_t from = c->crl_from ? c->crl_from : FAKE_NOW - FAKE_DAY;
	int64_t to = c->crl_to ? c->crl_to : FAKE_NOW + FAKE_DAY;
	static char doc[FAKE_DOC];
	struct endorse *e;

	assert_int_equal(endorse_new(&e), 0);
	if (!c->no_tcb)
		fake_add(e, doc, fake_tcb_info(f, c, doc));
	if (!c->no_qe)
		fake_add(e, doc, fake_qe_identity(f, c, doc));
	if (!c->no_signer)
		fake_add_cert(e, f->tcb);
	fake_add_cert(e, f->root);
	if (!c->no_pck_crl)
		fake_add_crl(e, f->ca, f->ca_key, c->revoked_pck, from, to);
	if (!c->no_root_crl)
		fake_add_crl(e, f->root, f->root_key, c->revoked_ca, from, to);
	return e;
}

/* One verification, from platform and collateral to a verdict. */
struct fake_verdict {
	struct appraise_result rows;
	struct tdx_quote q;
	struct tdx_tcb tcb;
	struct tdx_policy policy;
	int verify, appraise; /* appraise: CL_ERR_STATE when not asked */
	uint8_t quote[16384];
	size_t quote_n;
};

static inline const struct appraise_row *
fake_row(const struct appraise_result *rows, const char *claim, bool ok)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (strcmp(rows->rows[i].claim, claim) == 0 &&
		    rows->rows[i].ok == ok)
			return &rows->rows[i];
	return NULL;
}

static inline void
fake_show(const struct appraise_result *rows)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (!rows->rows[i].ok)
			print_error("%s: expected %s, came %s\n",
			    rows->rows[i].claim, rows->rows[i].expected,
			    rows->rows[i].came);
}

/* The quote in v is judged with the bag at time. */
static inline void
fake_judge(struct fake_verdict *v, const struct endorse *bag,
    const struct roots *roots, int64_t time)
{
	memset(&v->rows, 0, sizeof(v->rows));
	v->appraise = CL_ERR_STATE;
	v->verify = tdx_verify(v->quote, v->quote_n, NULL, bag, roots, time,
	    &v->policy, &v->q, &v->tcb, &v->rows);
	if (v->verify == 0)
		v->appraise =
		    tdx_appraise(&v->q, &v->tcb, &v->policy, &v->rows);
}

static inline void
fake_try(struct fake_verdict *v, const struct fake_intel *f,
    const struct fake_platform *p, const struct fake_collateral *c)
{
	struct endorse *bag = fake_bag(f, c);

	tdx_policy_init(&v->policy);
	v->quote_n = fake_quote(f, p, v->quote, sizeof(v->quote));
	fake_judge(v, bag, &f->roots, FAKE_NOW);
	endorse_free(bag);
}

#endif
