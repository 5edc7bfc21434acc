/* agent/tpm_signer, tpm_speaker, tpm_nv: keys and what speaks for them, as
 * clouds leave them in a guest's TPM. The TPM is a swtpm, the paravisor's
 * report is signed by a vendor of our own, the owner's verifier judges.
 * Skipped where there is no swtpm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/config.h"
#include "agent/evidence_provider.h"
#include "agent/tpm_nv.h"
#include "agent/tpm_signer.h"
#include "fake_amd.h"
#include "lib/b64.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/chain.h"
#include "scratch.h"
#include "swtpm.h"

#define AK	    0x81000003u
#define REPORT	    0x01400001u
#define USER_DATA   0x01400002u
#define CERTIFICATE 0x01c101d0u
#define GOOGLE_RSA  0x01c10001u
#define HCL_MAX	    4096u

struct fixture {
	void *scratch;
	pid_t swtpm;
	char tcti[128], reason[EVIDENCE_REASON];
	struct evidence_config config;
	struct evidence e;
	struct fake_amd amd;
	TPM2B_PUBLIC ak;
	uint8_t about[EVIDENCE_REPORT_DATA];
	char json[2048]; /* the paravisor's */
	uint8_t hcl[HCL_MAX];
	size_t hcl_n;
};

static uint8_t bound[64]; /* the report data of the next SNP report */

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct scratch *s;

	assert_non_null(f);
	assert_int_equal(crypto_ready(), 0);
	scratch_make(&f->scratch);
	s = f->scratch;
	snprintf(f->tcti, sizeof(f->tcti), "swtpm:path=%s/t", s->path);
	if (swtpm_have("swtpm"))
		f->swtpm = swtpm_start(s->path);
	f->config = (struct evidence_config){.tpm_tcti = f->tcti,
	    .tpm_pcrs = 1u << 4 | 1u << 11,
	    .tpm_ak = "auto",
	    .tpm_ak_certificate = "auto"};
	memset(f->about, 'a', sizeof(f->about));
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;

	swtpm_stop(f->swtpm);
	evidence_clear(&f->e);
	if (f->amd.bag)
		fake_amd_free(&f->amd);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

/* ---- the paravisor's report ---- */

static void
about_the_json(uint8_t *report)
{
	memcpy(report + 0x50, bound, sizeof(bound));
}

static void
make_json(struct fixture *f, const uint8_t user[64])
{
	const TPM2B_PUBLIC_KEY_RSA *rsa = &f->ak.publicArea.unique.rsa;
	char n[400], hex[129];

	memset(n, 0, sizeof(n));
	b64url_encode(rsa->buffer, rsa->size, n);
	rows_hex(user, 64, hex);
	snprintf(f->json, sizeof(f->json),
	    "{\"keys\":[{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],\"kty\":"
	    "\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}],\"vm-configuration\":{},"
	    "\"user-data\":\"%s\"}",
	    n, hex);
}

static void
make_hcl(struct fixture *f)
{
	struct crypto_part part = {f->json, strlen(f->json)};
	struct wr out = wr_make(f->hcl, sizeof(f->hcl));
	static const uint8_t none[12];
	uint32_t n = (uint32_t)part.n;

	memset(bound, 0, sizeof(bound));
	assert_int_equal(crypto_sha256(&part, 1, bound), 0);
	if (f->amd.bag)
		fake_amd_free(&f->amd);
	f->amd = (struct fake_amd){
	    .product = ROOT_AMD_MILAN, .edit = about_the_json};
	fake_amd_make(&f->amd);
	assert_int_equal(wr_bytes(&out, "HCLA", 4), 0);
	assert_int_equal(wr_u32(&out, 2), 0);
	assert_int_equal(wr_u32(&out, 32 + 1184 + 20 + n), 0);
	assert_int_equal(wr_u32(&out, 2), 0);
	assert_int_equal(wr_u32(&out, 0), 0);
	assert_int_equal(wr_bytes(&out, none, 12), 0);
	assert_int_equal(wr_bytes(&out, f->amd.report, 1184), 0);
	assert_int_equal(wr_u32(&out, 20 + n), 0);
	assert_int_equal(wr_u32(&out, 1), 0);
	assert_int_equal(wr_u32(&out, 2), 0);
	assert_int_equal(wr_u32(&out, 1), 0);
	assert_int_equal(wr_u32(&out, n), 0);
	assert_int_equal(wr_bytes(&out, f->json, n), 0);
	f->hcl_n = out.len;
}

/* A guest of Azure's: key and report. */
static void
azure(struct fixture *f)
{
	static const uint8_t none[64];

	if (!f->swtpm)
		skip();
	swtpm_persist(f->tcti, ESYS_TR_RH_ENDORSEMENT, AK, &f->ak);
	make_json(f, none);
	make_hcl(f);
	swtpm_nv(f->tcti, REPORT, f->hcl, f->hcl_n);
}

/* ---- agent and owner ---- */

static int
produce(struct fixture *f)
{
	if (!f->swtpm)
		skip();
	evidence_clear(&f->e);
	memset(&f->e, 0, sizeof(f->e));
	f->reason[0] = '\0';
	return evidence_tpm()->produce(&f->config, f->about, &f->e, f->reason);
}

static void
must_produce(struct fixture *f)
{
	if (produce(f) != 0)
		fail_msg("%s", f->reason);
}

static int
judge(struct fixture *f, const char *tpm, struct appraise_result *result)
{
	struct appraise_policy *p;
	struct appraise_input in = {.tee = "tpm",
	    .raw = f->e.raw,
	    .raw_n = f->e.raw_n,
	    .given = f->amd.bag,
	    .report_data = f->about,
	    .time = FAKE_NOW};
	char text[640], spki[65];
	unsigned i;
	int r;

	spki[0] = '\0';
	for (i = 0; i < f->amd.roots.nextra; i++)
		rows_hex(f->amd.roots.extra[i].spki, 32, spki);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"tpm\":{%s},\"test_roots\":{\"amd-milan\":[%s%s%s]}}",
	    tpm, *spki ? "\"" : "", spki, *spki ? "\"" : "");
	if (appraise_policy_parse(text, strlen(text), &p) != 0)
		fail_msg("%s: %s", text, json_why());
	in.policy = p;
	r = appraise_input(&in, NULL, result, NULL);
	appraise_policy_free(p);
	return r;
}

static void
refused_for(struct fixture *f, const char *tpm, int code, const char *claim)
{
	struct appraise_result result;
	unsigned i;

	assert_int_equal(judge(f, tpm, &result), code);
	for (i = 0; i < result.nrows && result.rows[i].ok; i++)
		;
	assert_true(i < result.nrows);
	assert_string_equal(result.rows[i].claim, claim);
}

static void
accepted(struct fixture *f, const char *tpm)
{
	struct appraise_result result;
	char why[512];

	if (judge(f, tpm, &result) != 0) {
		appraise_first_refusal(&result, why, sizeof(why));
		fail_msg("%s", why);
	}
}

/* ---- what must not pass ---- */

static void
a_missing_key_is_named(void **state)
{
	struct fixture *f = *state;
	static const uint8_t junk[40] = "HCLA";

	if (!f->swtpm)
		skip();
	f->config.tpm_ak = "0x81000003";
	assert_int_equal(produce(f), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(f->reason, "0x81000003"));
	/* A paravisor's report without its key: auto takes no other. */
	swtpm_nv(f->tcti, REPORT, junk, sizeof(junk));
	f->config.tpm_ak = "auto";
	assert_int_equal(produce(f), CL_ERR_NOT_FOUND);
	f->config.tpm_ak = "0x01c10001";
	assert_int_equal(produce(f), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(f->reason, "0x01c10001"));
	f->config.tpm_ak = "0x01400001"; /* no template */
	assert_int_equal(produce(f), CL_ERR_FORMAT);
	f->config.tpm_ak = "0x80000000"; /* a transient one */
	assert_int_equal(produce(f), CL_ERR_CONFIG);
	f->config.tpm_ak = "primary";
	assert_int_equal(produce(f), CL_OK);
}

static void
a_report_that_is_too_long_is_refused(void **state)
{
	static const uint8_t zeros[TPM_HCL_MAX + 1];
	struct fixture *f = *state;
	uint8_t *p;
	size_t n;
	struct tpm t;
	char why[TPM_NV_REASON];

	if (!f->swtpm)
		skip();
	/* swtpm has no index so large; the limit is the caller's. */
	swtpm_nv(f->tcti, USER_DATA, zeros, 1500);
	swtpm_open(&t, f->tcti);
	assert_int_equal(tpm_nv_read(t.esys, USER_DATA, 1499, &p, &n, why),
	    CL_ERR_TOO_LARGE);
	assert_null(p);
	assert_non_null(strstr(why, "1500"));
	assert_int_equal(
	    tpm_nv_read(t.esys, USER_DATA, 1500, &p, &n, why), CL_OK);
	assert_int_equal(n, 1500);
	assert_memory_equal(p, zeros, n);
	secmem_free(p);
	assert_int_equal(tpm_nv_read(t.esys, 0x01400077, 1500, &p, &n, why),
	    CL_ERR_NOT_FOUND);
	tpm_close(&t);
}

/* Every part is needed, and each must belong to the others. */
static void
a_strangers_report_endorses_nothing(void **state)
{
	struct fixture *f = *state;
	static const uint8_t none[64];
	TPM2B_PUBLIC other;

	azure(f);
	/* A report of another guest, whose key is another. */
	other = f->ak;
	f->ak.publicArea.unique.rsa.buffer[40] ^= 1;
	make_json(f, none);
	make_hcl(f);
	swtpm_nv(f->tcti, REPORT, f->hcl, f->hcl_n);
	must_produce(f);
	refused_for(f, "", CL_ERR_EVIDENCE, "ak.key");
	/* Our key in data that no report speaks of. */
	f->ak = other;
	make_json(f, none);
	memcpy(f->hcl + 1236, f->json, strlen(f->json));
	swtpm_nv(f->tcti, REPORT, f->hcl, f->hcl_n);
	must_produce(f);
	refused_for(f, "", CL_ERR_EVIDENCE, "ak.endorsed");
	/* A report that nobody signed. */
	make_hcl(f);
	f->hcl[32 + 0x90] ^= 1;
	swtpm_nv(f->tcti, REPORT, f->hcl, f->hcl_n);
	must_produce(f);
	refused_for(f, "", CL_ERR_EVIDENCE, "report.signature");
}

/* Of an earlier day: its user data is not what was asked now. */
static void
an_old_report_is_not_fresh(void **state)
{
	struct fixture *f = *state;

	azure(f);
	must_produce(f);
	accepted(f, "");
	refused_for(
	    f, "\"require_fresh_hcl\":true", CL_ERR_APPRAISAL, "hcl.user_data");
}

static void
a_certificate_that_was_asked_for_is_missed(void **state)
{
	struct fixture *f = *state;
	static const uint8_t junk[64] = {0x30, 0x82, 0xff, 0xff};

	azure(f);
	f->config.tpm_ak_certificate = "0x01c101d0";
	assert_int_equal(produce(f), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(f->reason, "ak_certificate"));
	swtpm_nv(f->tcti, CERTIFICATE, junk, sizeof(junk));
	assert_int_equal(produce(f), CL_ERR_FORMAT);
	assert_non_null(strstr(f->reason, "0x01c101d0"));
	/* By itself it is left out; the paravisor speaks anyway. */
	f->config.tpm_ak_certificate = "auto";
	must_produce(f);
	assert_int_equal(f->e.nblobs, 0);
	accepted(f, "");
}

static void
a_quote_file_that_is_not_there_is_missed(void **state)
{
	struct fixture *f = *state;
	struct scratch *s = f->scratch;
	char path[128];
	struct tpm_doc doc;

	azure(f);
	snprintf(path, sizeof(path), "%s/quote", s->path);
	f->config.tpm_td_quote = path;
	assert_int_equal(produce(f), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(f->reason, path));
	assert_int_equal(file_write_new(s->fd, "quote", "QUOTE", 5, 0600), 0);
	must_produce(f);
	assert_int_equal(tpm_doc_parse(f->e.raw, f->e.raw_n, &doc), 0);
	assert_int_equal(doc.td_quote.n, 5);
	assert_memory_equal(doc.td_quote.p, "QUOTE", 5);
	tpm_doc_clear(&doc);
}

static void
configuration_is_strict(void **state)
{
	static const char *const good[] = {"ak = auto", "ak = primary",
	    "ak = 0x81000003", "ak = 0x01C10001", "ak_certificate = none",
	    "ak_certificate = 0x01C101D0", "hcl_fresh = yes",
	    "td_quote = /run/cloister/quote"};
	static const char *const bad[] = {"ak = 0x8100000", "ak = 81000003",
	    "ak = 0x810000030", "ak = 0x80000001", "ak = -x81000003",
	    "ak = 0x8100000g", "ak_certificate = yes",
	    "ak_certificate = 0x81000003", "ak_certificate = 0x1c101d0",
	    "hcl_fresh = maybe"};
	char text[128], error[CONFIG_ERROR];
	struct config *c = calloc(1, sizeof(*c));
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text),
		    "[access]\nallow_uids = 0\n[tpm]\n%s\n", good[i]);
		if (config_parse("c", text, c, error) != 0)
			fail_msg("%s", error);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
		    "[access]\nallow_uids = 0\n[tpm]\n%s\n", bad[i]);
		if (config_parse("c", text, c, error) != CL_ERR_CONFIG)
			fail_msg("%s was taken", bad[i]);
	}
	free(c);
}

/* ---- what must work ---- */

static void
an_owner_takes_an_azure_guest(void **state)
{
	struct fixture *f = *state;
	char reason[EVIDENCE_REASON];

	azure(f);
	assert_int_equal(evidence_tpm()->probe(&f->config, reason), 0);
	assert_non_null(strstr(reason, "paravisor"));
	must_produce(f);
	accepted(f, "");
	refused_for(f, "\"no_hcl\":true", CL_ERR_EVIDENCE, "ak.pinned");
	/* By its handle it is the same. */
	f->config.tpm_ak = "0x81000003";
	must_produce(f);
	accepted(f, "");
	/* Another key in the same TPM is not the one that was endorsed. */
	f->config.tpm_ak = "primary";
	must_produce(f);
	refused_for(f, "", CL_ERR_EVIDENCE, "ak.pinned");
}

static void
a_fresh_report_names_the_request(void **state)
{
	struct fixture *f = *state;
	char why[TPM_NV_REASON];
	struct tpm t;
	uint8_t *p;
	size_t n;

	azure(f);
	/* This paravisor knows what it will be told. */
	make_json(f, f->about);
	make_hcl(f);
	swtpm_nv(f->tcti, REPORT, f->hcl, f->hcl_n);
	f->config.tpm_hcl_fresh = true;
	must_produce(f);
	accepted(f, "\"require_fresh_hcl\":true");
	swtpm_open(&t, f->tcti);
	assert_int_equal(tpm_nv_read(t.esys, USER_DATA, 64, &p, &n, why), 0);
	assert_int_equal(n, 64);
	assert_memory_equal(p, f->about, 64);
	secmem_free(p);
	tpm_close(&t);
	/* The index is there now, and is written again. */
	f->about[0] ^= 1;
	must_produce(f);
	refused_for(
	    f, "\"require_fresh_hcl\":true", CL_ERR_APPRAISAL, "hcl.user_data");
}

/* Google's guests: the template is in one index, the certificate in the one
 * before; the index is larger than the certificate. */
static void
a_template_makes_the_clouds_key(void **state)
{
	struct fixture *f = *state;
	const TPM2B_PUBLIC rsa = swtpm_rsa();
	struct fake_amd amd = {.product = ROOT_AMD_MILAN};
	uint8_t template[512], cert[4096] = {0}, *der = NULL;
	struct tpm_doc doc;
	struct tpm_ak ak;
	size_t n = 0;
	int len;

	if (!f->swtpm)
		skip();
	assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(
			     &rsa.publicArea, template, sizeof(template), &n),
	    0);
	swtpm_nv(f->tcti, GOOGLE_RSA, template, n);
	fake_amd_make(&amd);
	len = i2d_X509(amd.bag->certs[0], &der);
	assert_in_range(len, 1, sizeof(cert));
	memcpy(cert, der, (size_t)len);
	swtpm_nv(f->tcti, GOOGLE_RSA - 1, cert, (size_t)len + 100);
	must_produce(f);
	assert_int_equal(f->e.nblobs, 1);
	assert_int_equal(f->e.blobs[0].n, len);
	assert_memory_equal(f->e.blobs[0].p, der, (size_t)len);
	assert_int_equal(tpm_doc_parse(f->e.raw, f->e.raw_n, &doc), 0);
	assert_int_equal(
	    tpm_ak_public(doc.ak_public.p, doc.ak_public.n, &ak), 0);
	assert_true(EVP_PKEY_is_a(ak.key, "RSA"));
	/* The same key as the template makes by other hands. */
	swtpm_persist(f->tcti, ESYS_TR_RH_ENDORSEMENT, AK, &f->ak);
	n = 0;
	assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(
			     &f->ak.publicArea, template, sizeof(template), &n),
	    0);
	assert_int_equal(n, doc.ak_public.n);
	assert_memory_equal(template, doc.ak_public.p, n);
	tpm_ak_clear(&ak);
	tpm_doc_clear(&doc);
	/* None is a word, too. */
	f->config.tpm_ak_certificate = "none";
	must_produce(f);
	assert_int_equal(f->e.nblobs, 0);
	OPENSSL_free(der);
	fake_amd_free(&amd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_missing_key_is_named),
	    TEST(a_report_that_is_too_long_is_refused),
	    TEST(a_strangers_report_endorses_nothing),
	    TEST(an_old_report_is_not_fresh),
	    TEST(a_certificate_that_was_asked_for_is_missed),
	    TEST(a_quote_file_that_is_not_there_is_missed),
	    TEST(configuration_is_strict),
	    TEST(an_owner_takes_an_azure_guest),
	    TEST(a_fresh_report_names_the_request),
	    TEST(a_template_makes_the_clouds_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
