/* policy/pcs: collateral as bytes that were signed, and as a strict document.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_intel.h"
#include "fake_pcs.h"
#include "lib/json.h"
#include "shared_evidence.h"

static struct fake_platform p;
static struct fake_intel *f;
static const struct fake_collateral good;

static int
setup(void **state)
{
	(void)state;
	p = fake_good_platform();
	f = fake_intel_new(&p);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_intel_free(f);
	return 0;
}

/* Parses text as TCB info, from memory that ends where it does. */
static int
tcb_info(const char *text, size_t n)
{
	struct pcs_tcb_info *t = NULL;
	uint8_t *copy = malloc(n ? n : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, n);
	r = pcs_tcb_info_parse(copy, n, &t);
	assert_int_equal(r == 0, t != NULL);
	pcs_tcb_info_free(t);
	free(copy);
	return r;
}

static int
qe_identity(const char *text, size_t n)
{
	struct pcs_qe_identity *q = NULL;
	int r = pcs_qe_identity_parse((const uint8_t *)text, n, &q);

	assert_int_equal(r == 0, q != NULL);
	pcs_qe_identity_free(q);
	return r;
}

/* The document with from replaced by to, once. */
static size_t
with(char *doc, size_t n, const char *from, const char *to)
{
	static char old[FAKE_DOC];
	char *at;
	size_t head;

	doc[n] = '\0';
	memcpy(old, doc, n + 1);
	at = strstr(old, from);
	assert_non_null(at);
	head = (size_t)(at - old);
	return head + (size_t)snprintf(doc + head, FAKE_DOC - head, "%s%s", to,
			  at + strlen(from));
}

static int
signed_by(const char *doc, size_t n, EVP_PKEY *key)
{
	return pcs_signed_by((const uint8_t *)doc, n, "tcbInfo", key);
}

static void
signs_exact_bytes(void **state)
{
	static char doc[FAKE_DOC];
	size_t n = fake_tcb_info(f, &good, doc), m, i;

	(void)state;
	assert_int_equal(tcb_info(doc, n), 0);
	assert_int_equal(signed_by(doc, n, f->tcb_key), 0);
	assert_int_equal(signed_by(doc, n, f->root_key), CL_ERR_SIGNATURE);
	/* The same JSON in other bytes is another document. */
	m = with(doc, n, "\"version\":3", "\"version\": 3");
	assert_int_equal(tcb_info(doc, m), 0);
	assert_int_equal(signed_by(doc, m, f->tcb_key), CL_ERR_SIGNATURE);
	n = fake_tcb_info(f, &good, doc);
	m = with(doc, n, "9A9a9A9a9A9a", "9a9a9A9a9A9a");
	assert_int_equal(tcb_info(doc, m), 0);
	assert_int_equal(signed_by(doc, m, f->tcb_key), CL_ERR_SIGNATURE);
	/* Every byte, to the last digit of the signature. */
	n = fake_tcb_info(f, &good, doc);
	for (i = 0; i < n; i++) {
		doc[i] ^= 1;
		if (signed_by(doc, n, f->tcb_key) == 0)
			fail_msg("byte %zu is free", i);
		doc[i] ^= 1;
	}
	assert_int_equal(signed_by(doc, n, f->tcb_key), 0);
}

static void
takes_one_form_only(void **state)
{
	static const char *const swaps[][2] = {
	    {"{\"tcbInfo\":", " {\"tcbInfo\":"},
	    {"{\"tcbInfo\":", "{ \"tcbInfo\":"},
	    {"{\"tcbInfo\":", "{\"tcbInfo\": "},
	    {"{\"tcbInfo\":", "{\"x\":1,\"tcbInfo\":"},
	    {"{\"tcbInfo\":", "{\"signature\":\"00\",\"tcbInfo\":"},
	    {"{\"tcbInfo\":", "{\"enclaveIdentity\":"},
	    {",\"signature\":", ", \"signature\":"},
	    {",\"signature\":\"", ",\"signature\":\"0"},
	    {",\"signature\":", ",\"signature\":\"00\",\"signature\":"},
	    {",\"signature\":", ",\"tcbInfo\":{},\"signature\":"},
	    {"\"id\":\"TDX\"", "\"id\":\"TDX\",\"id\":\"TDX\""},
	    {"\"tcbType\":0", "\"tcbType\":0,\"tcbType\":0"},
	    {"\"svn\":5", "\"svn\":5,\"svn\":5"},
	};
	static char doc[FAKE_DOC];
	size_t n, i;

	(void)state;
	for (i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
		n = fake_tcb_info(f, &good, doc);
		n = with(doc, n, swaps[i][0], swaps[i][1]);
		if (tcb_info(doc, n) != CL_ERR_FORMAT)
			fail_msg("%s is taken", swaps[i][1]);
	}
	n = fake_tcb_info(f, &good, doc);
	for (i = 0; i < n; i++)
		assert_int_not_equal(tcb_info(doc, i), 0);
	/* A file ends with a line's end; with nothing else. */
	memcpy(doc + n, "\r\n", 2);
	assert_int_equal(tcb_info(doc, n + 2), 0);
	assert_int_equal(signed_by(doc, n + 2, f->tcb_key), 0);
	doc[n] = ' ';
	assert_int_equal(tcb_info(doc, n + 1), CL_ERR_FORMAT);
	doc[n] = '\0';
	assert_int_equal(tcb_info(doc, n + 1), CL_ERR_FORMAT);
	doc[n] = '}';
	assert_int_equal(tcb_info(doc, n + 1), CL_ERR_FORMAT);
}

static void
refuses_bad_tcb_info(void **state)
{
	static const char *const swaps[][2] = {
	    {"\"id\":\"TDX\"", "\"id\":\"SGX\""},
	    {"\"id\":\"TDX\",", ""},
	    {"\"version\":3", "\"version\":2"},
	    {"\"version\":3", "\"version\":\"3\""},
	    {"\"tcbType\":0", "\"tcbType\":1"},
	    {"\"tcbEvaluationDataNumber\":17",
		"\"tcbEvaluationDataNumber\":-1"},
	    {"9A9a9A9a9A9a", "9A9a9A9a9A9"},
	    {"9A9a9A9a9A9a", "9A9a9A9a9A9g"},
	    {"\"pceId\":\"0000\"", "\"pceId\":\"000\""},
	    {"\"tdxModule\":{", "\"tdxModule\":[],\"y\":{"},
	    {"\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[1,"},
	    {"TDX_01", "TDX_1"},
	    {"TDX_01", "TDX_00"},
	    {"TDX_01", "TDX_0g"},
	    {"TDX_01", "TDX_011"},
	    {"\"isvsvn\":4", "\"isvsvn\":65536"},
	    {"\"isvsvn\":4", "\"isvsvn\":-1"},
	    {"\"pcesvn\":13", "\"pcesvn\":13.0"},
	    {"\"pcesvn\":13", "\"pcesvn\":65536"},
	    {"{\"svn\":5}", "{\"svn\":65536}"},
	    {"{\"svn\":5},", ""},
	    {"{\"svn\":5},", "{\"svn\":5},{\"svn\":5},"},
	    {"\"UpToDate\"", "\"TDRelaunchAdvised\""},
	    {"\"UpToDate\"", "\"NotSupported\""},
	    {"\"UpToDate\"", "null"},
	    {"2026-01-01T00:00:00Z", "2026-13-01T00:00:00Z"},
	    {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00"},
	    {"\"advisoryIDs\":[", "\"advisoryIDs\":[1,"},
	    {"\"advisoryIDs\":[", "\"advisoryIDs\":{},\"z\":["},
	};
	static char doc[FAKE_DOC];
	size_t n, i;

	(void)state;
	for (i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
		n = fake_tcb_info(f, &good, doc);
		n = with(doc, n, swaps[i][0], swaps[i][1]);
		if (tcb_info(doc, n) != CL_ERR_FORMAT || !*json_why())
			fail_msg("%s is taken", swaps[i][1]);
	}
}

/* No order and no repetition may choose between two verdicts. */
static void
refuses_ambiguous_levels(void **state)
{
	static const struct fake_collateral bad[] = {
	    {.levels = "[]"},
	    {.levels = "{}"},
	    {.levels = "[" FAKE_LEVEL(5, 13, 0, 3, "UpToDate") "," FAKE_LEVEL(
		 5, 13, 0, 3, "OutOfDate") "]"},
	    {.modules = "[" FAKE_MODULE(
		 "TDX_01", FAKE_SVN_LEVEL(4, "UpToDate") "," FAKE_SVN_LEVEL(
			       4, "OutOfDate")) "]"},
	    {.modules = "[" FAKE_MODULE("TDX_01",
		 FAKE_SVN_LEVEL(4, "UpToDate")) "," FAKE_MODULE("tdx_01",
		 FAKE_SVN_LEVEL(4, "UpToDate")) "]"},
	    {.modules = "[" FAKE_MODULE("TDX_01", "") "]"},
	};
	static char doc[FAKE_DOC];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (tcb_info(doc, fake_tcb_info(f, &bad[i], doc)) !=
		    CL_ERR_FORMAT)
			fail_msg("case %zu is taken", i);
}

static void
bounds_every_list(void **state)
{
	static char levels[PCS_DOC_MAX / 2], doc[PCS_DOC_MAX + 2];
	unsigned i, at;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct fake_collateral c = {.qe_levels = levels};
		static char text[FAKE_DOC];
		unsigned k;

		at = (unsigned)snprintf(levels, sizeof(levels), "[");
		for (k = 0; k < PCS_LEVELS_MAX + i; k++)
			at += (unsigned)sprintf(levels + at,
			    "%s{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":"
			    "\"2026-01-01T00:00:00Z\",\"tcbStatus\":"
			    "\"UpToDate\"}",
			    k ? "," : "", k);
		sprintf(levels + at, "]");
		assert_int_equal(
		    qe_identity(text, fake_qe_identity(f, &c, text)),
		    i ? CL_ERR_FORMAT : 0);
	}
	memset(doc, ' ', sizeof(doc));
	assert_int_equal(tcb_info(doc, sizeof(doc)), CL_ERR_FORMAT);
}

static void
refuses_bad_qe_identity(void **state)
{
	static const char *const swaps[][2] = {
	    {"\"TD_QE\"", "\"QE\""},
	    {"\"version\":2", "\"version\":1"},
	    {"\"miscselect\":\"00000000\"", "\"miscselect\":\"0000000\""},
	    {"\"isvprodid\":2", "\"isvprodid\":65536"},
	    {"\"isvprodid\":2", "\"isvprodid\":true"},
	    {"dcdc", "dc"},
	    {"FBFFFF", "FBFF"},
	    {"\"tcbLevels\"", "\"tcblevels\""},
	};
	static char doc[FAKE_DOC];
	size_t n, i;

	(void)state;
	for (i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
		n = fake_qe_identity(f, &good, doc);
		n = with(doc, n, swaps[i][0], swaps[i][1]);
		if (qe_identity(doc, n) != CL_ERR_FORMAT)
			fail_msg("%s is taken", swaps[i][1]);
	}
	n = fake_qe_identity(f, &good, doc);
	assert_int_equal(qe_identity(doc, n), 0);
	assert_int_equal(tcb_info(doc, n), CL_ERR_FORMAT);
}

static void
reads_times(void **state)
{
	static const struct {
		const char *text;
		int64_t t; /* -1: refused */
	} cases[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2026-03-01T00:00:00Z", 1772323200},
	    {"2024-02-29T23:59:59Z", 1709251199},
	    {"2023-02-29T23:59:59Z", -1},
	    {"2026-04-31T00:00:00Z", -1},
	    {"2026-00-01T00:00:00Z", -1},
	    {"2026-01-00T00:00:00Z", -1},
	    {"2026-01-01T24:00:00Z", -1},
	    {"2026-01-01T00:60:00Z", -1},
	    {"2026-01-01T00:00:60Z", -1},
	    {"2026-01-01 00:00:00Z", -1},
	    {"2026-01-01T00:00:00+", -1},
	    {"2026-01-01T00:00:00Z ", -1},
	    {"2026-1-01T00:00:00Z", -1},
	    {"-026-01-01T00:00:00Z", -1},
	    {"", -1},
	};
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		t = -1;
		if ((pcs_time_parse(cases[i].text, &t) == 0) !=
			(cases[i].t >= 0) ||
		    t != cases[i].t)
			fail_msg("%s: %lld", cases[i].text, (long long)t);
	}
}

static X509 *
real_signer(const char *name)
{
	size_t n;
	uint8_t *text = shared_read(name, &n);
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_non_null(cert);
	BIO_free(bio);
	free(text);
	return cert;
}

/* Intel's own, with the signature over the bytes that a reference cut out. */
static void
reads_intel_s_own(void **state)
{
	struct pcs_tcb_info *t;
	struct pcs_qe_identity *q;
	const uint8_t *body;
	uint8_t sig[64], *doc, *want;
	size_t n, body_n, want_n;
	X509 *signer;

	(void)state;
	shared_need();
	signer = real_signer("tdx/uptodate/tcbInfo_issuer_chain.pem");
	doc = shared_read("tdx/uptodate/tcbInfo.json", &n);
	assert_int_equal(
	    pcs_signed_by(doc, n, "tcbInfo", X509_get0_pubkey(signer)), 0);
	assert_int_equal(pcs_split(doc, n, "tcbInfo", &body, &body_n, sig), 0);
	want = shared_read("tdx/uptodate/tcbInfo.body.json", &want_n);
	assert_int_equal(body_n, want_n);
	assert_memory_equal(body, want, want_n);
	free(want);
	want = shared_read("tdx/uptodate/tcbInfo.sig.bin", &want_n);
	assert_int_equal(want_n, 64);
	assert_memory_equal(sig, want, 64);
	free(want);
	assert_int_equal(pcs_tcb_info_parse(doc, n, &t), 0);
	assert_int_equal(t->head.evaluation, 18);
	assert_int_equal(t->nmodules, 2);
	assert_non_null(pcs_module(t, 1));
	assert_null(pcs_module(t, 2));
	assert_int_equal(
	    pcs_svn_level(&pcs_module(t, 1)->levels, 5)->isvsvn, 4);
	assert_null(pcs_svn_level(&pcs_module(t, 1)->levels, 1));
	pcs_tcb_info_free(t);
	free(doc);
	doc = shared_read("tdx/uptodate/enclaveIdentity.json", &n);
	assert_int_equal(
	    pcs_signed_by(doc, n, "enclaveIdentity", X509_get0_pubkey(signer)),
	    0);
	assert_int_equal(pcs_qe_identity_parse(doc, n, &q), 0);
	assert_int_equal(q->isvprodid, 2);
	pcs_qe_identity_free(q);
	free(doc);
	X509_free(signer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signs_exact_bytes),
	    cmocka_unit_test(takes_one_form_only),
	    cmocka_unit_test(refuses_bad_tcb_info),
	    cmocka_unit_test(refuses_ambiguous_levels),
	    cmocka_unit_test(bounds_every_list),
	    cmocka_unit_test(refuses_bad_qe_identity),
	    cmocka_unit_test(reads_times),
	    cmocka_unit_test(reads_intel_s_own),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
