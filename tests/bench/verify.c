/*
 * What verifying one piece of evidence costs: CPU time of parsing the
 * endorsements, verifying and appraising, against that of the signatures that
 * it cannot do without, timed in the same run through OpenSSL. Vendors' real
 * evidence where shared_evidence.h finds it, else of the tests' own vendors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/shared_evidence.h"
/* Both stand-ins have a struct of that name. */
#define fake_cert amd_cert
#include "tests/unit/fake_amd.h"
#undef fake_cert
#include "tests/unit/fake_pcs.h"

#define ROUNDS 100u
#define GOAL   5.0 /* ms */
#define FILES  16u

struct file {
	uint8_t *p;
	size_t n;
};

/* Evidence and what goes with it, as it comes over the wire. */
struct input {
	const char *of;
	struct file evidence, given[FILES];
	unsigned ngiven;
	struct roots roots;
	int64_t time;
};

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
give(struct input *in, const void *p, size_t n)
{
	struct file *f = &in->given[in->ngiven++];

	assert_true(in->ngiven <= FILES);
	f->p = malloc(n);
	f->n = n;
	assert_non_null(f->p);
	memcpy(f->p, p, n);
}

static void
give_cert(struct input *in, X509 *cert)
{
	uint8_t *der = NULL;
	int n = i2d_X509(cert, &der);

	assert_true(n > 0);
	give(in, der, (size_t)n);
	OPENSSL_free(der);
}

static void
give_bag(struct input *in, const struct endorse *bag)
{
	unsigned i;
	uint8_t *der;
	int n;

	for (i = 0; i < bag->ncerts; i++)
		give_cert(in, bag->certs[i]);
	for (i = 0; i < bag->ncrls; i++) {
		der = NULL;
		n = i2d_X509_CRL(bag->crls[i], &der);
		assert_true(n > 0);
		give(in, der, (size_t)n);
		OPENSSL_free(der);
	}
	for (i = 0; i < bag->ndocs; i++)
		give(in, bag->docs[i].p, bag->docs[i].n);
}

static void
give_files(struct input *in, const char *const *names)
{
	size_t n;

	for (; *names; names++) {
		uint8_t *p = shared_read(*names, &n);

		give(in, p, n);
		free(p);
	}
}

static struct endorse *
bag_of(const struct input *in)
{
	struct endorse *bag;
	unsigned i;

	assert_int_equal(endorse_new(&bag), 0);
	for (i = 0; i < in->ngiven; i++)
		assert_int_equal(
		    endorse_add(bag, in->given[i].p, in->given[i].n), 0);
	return bag;
}

/* ---- SNP ------------------------------------------------------------------
 */

static void
snp_input(struct input *in)
{
	static const char *const names[] = {"snp/virtee-vcek-milan.der",
	    "snp/roots/ask_ark_milan.pem", "snp/roots/milan.crl.der", NULL};
	struct fake_amd f = {.product = ROOT_AMD_MILAN, .crl = true};
	char root[SHARED_PATH];

	memset(in, 0, sizeof(*in));
	if (shared_root(root)) {
		in->of = "SNP, real";
		in->time = INT64_C(1782864000);
		in->evidence.p =
		    shared_read("snp/virtee-report-milan.bin", &in->evidence.n);
		give_files(in, names);
		return;
	}
	in->of = "SNP, synthetic";
	in->time = FAKE_NOW;
	fake_amd_make(&f);
	in->evidence.p = malloc(SNP_REPORT);
	assert_non_null(in->evidence.p);
	memcpy(in->evidence.p, f.report, SNP_REPORT);
	in->evidence.n = SNP_REPORT;
	give_bag(in, f.bag);
	in->roots = f.roots;
	fake_amd_free(&f);
}

static void
snp_once(const struct input *in)
{
	static struct appraise_result rows;
	struct endorse *bag = bag_of(in);
	struct snp_policy policy;
	struct snp_evidence e;

	memset(&rows, 0, sizeof(rows));
	assert_int_equal(snp_policy_parse(NULL, &policy), 0);
	assert_int_equal(snp_verify(in->evidence.p, in->evidence.n, NULL, bag,
			     &in->roots, in->time, &policy, &e, &rows),
	    0);
	assert_int_equal(snp_appraise(&e, &policy, &rows), 0);
	endorse_free(bag);
}

/* ---- TDX ------------------------------------------------------------------
 */

static void
tdx_real(struct input *in)
{
	static const char *const names[] = {"tdx/uptodate/tcbInfo.json",
	    "tdx/uptodate/enclaveIdentity.json",
	    "tdx/uptodate/tcbInfo_issuer_chain.pem",
	    "tdx/uptodate/root_ca_crl.der", "tdx/uptodate/pck_crl.der", NULL};

	in->of = "TDX, real";
	in->time = INT64_C(1772323200);
	in->evidence.p =
	    shared_read("tdx/gotdx/quote_v5_sample.dat", &in->evidence.n);
	give_files(in, names);
}

static void
tdx_input(struct input *in)
{
	struct fake_platform p = fake_good_platform();
	struct fake_collateral c = {0};
	char root[SHARED_PATH];
	struct fake_intel *f;
	struct endorse *bag;

	memset(in, 0, sizeof(*in));
	if (shared_root(root)) {
		tdx_real(in);
		return;
	}
	f = fake_intel_new(&p);
	bag = fake_bag(f, &c);
	in->of = "TDX, synthetic";
	in->time = FAKE_NOW;
	in->evidence.p = malloc(TDX_QUOTE_MAX);
	assert_non_null(in->evidence.p);
	in->evidence.n = fake_quote(f, &p, in->evidence.p, TDX_QUOTE_MAX);
	give_bag(in, bag);
	in->roots = f->roots;
	endorse_free(bag);
	fake_intel_free(f);
}

static void
tdx_once(const struct input *in)
{
	static struct appraise_result rows;
	static struct tdx_quote q;
	struct endorse *bag = bag_of(in);
	struct tdx_policy policy;
	struct tdx_tcb tcb;

	memset(&rows, 0, sizeof(rows));
	tdx_policy_init(&policy);
	assert_int_equal(tdx_verify(in->evidence.p, in->evidence.n, NULL, bag,
			     &in->roots, in->time, &policy, &q, &tcb, &rows),
	    0);
	assert_int_equal(tdx_appraise(&q, &tcb, &policy, &rows), 0);
	endorse_free(bag);
}

/* ---- the signatures alone -------------------------------------------------
 */

struct signature {
	EVP_PKEY *key;
	const EVP_MD *md;
	uint8_t sig[1024], text[1024];
	size_t n;
};

static EVP_MD_CTX *
context(const struct signature *s, bool verify)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;

	assert_int_equal((verify ? EVP_DigestVerifyInit : EVP_DigestSignInit)(
			     ctx, &inner, s->md, NULL, s->key),
	    1);
	if (EVP_PKEY_is_a(s->key, "RSA")) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(
				inner, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, 48) > 0);
	}
	return ctx;
}

/* CPU time of one verification with a new key of the kind. */
static double
signature_ms(EVP_PKEY *key, const EVP_MD *md)
{
	struct signature s = {.key = key, .md = md, .n = sizeof(s.sig)};
	EVP_MD_CTX *ctx = context(&s, false);
	double start;
	unsigned i;

	assert_int_equal(
	    EVP_DigestSign(ctx, s.sig, &s.n, s.text, sizeof(s.text)), 1);
	EVP_MD_CTX_free(ctx);
	start = cpu_ms();
	for (i = 0; i < ROUNDS; i++) {
		ctx = context(&s, true);
		assert_int_equal(
		    EVP_DigestVerify(ctx, s.sig, s.n, s.text, sizeof(s.text)),
		    1);
		EVP_MD_CTX_free(ctx);
	}
	start = (cpu_ms() - start) / ROUNDS;
	EVP_PKEY_free(key);
	return start;
}

/* Certificate, intermediate, root and list by RSA-4096; the report by P-384. */
static double
snp_signatures(void)
{
	return 4 * signature_ms(EVP_RSA_gen(4096), EVP_sha384()) +
	       signature_ms(EVP_EC_gen("P-384"), EVP_sha384());
}

/* PCK, its CA, the root, the signer of the documents, two lists, two
 * documents, the QE's report, the quote. */
static double
tdx_signatures(void)
{
	return 10 * signature_ms(EVP_EC_gen("P-256"), EVP_sha256());
}

/* ---- the table ------------------------------------------------------------
 */

static bool
measure(const struct input *in, void (*once)(const struct input *),
    double signatures)
{
	double start, ms;
	unsigned i;

	once(in); /* what is set up once, is */
	start = cpu_ms();
	for (i = 0; i < ROUNDS; i++)
		once(in);
	ms = (cpu_ms() - start) / ROUNDS;
	printf("| %s | %.2f ms | %.2f ms | %.2f | %s |\n", in->of, ms,
	    signatures, ms / signatures, ms < GOAL ? "met" : "MISSED");
	return ms < GOAL;
}

static void
drop(struct input *in)
{
	unsigned i;

	for (i = 0; i < in->ngiven; i++)
		free(in->given[i].p);
	free(in->evidence.p);
}

int
main(void)
{
	struct input in;
	bool ok;

	printf("CPU time of one verification, mean of %u; endorsements parsed "
	       "each time\n\n",
	    ROUNDS);
	printf("| evidence | verification | its signatures alone | ratio | "
	       "goal: under %.0f ms |\n|---|---|---|---|---|\n",
	    GOAL);
	snp_input(&in);
	ok = measure(&in, snp_once, snp_signatures());
	drop(&in);
	tdx_input(&in);
	ok = measure(&in, tdx_once, tdx_signatures()) && ok;
	drop(&in);
	return !ok;
}
