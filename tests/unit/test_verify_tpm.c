/* policy/verify_tpm: real quotes of vTPMs, and every flipped byte of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/verify_tpm.h"
#include "shared_evidence.h"

#define SNP_TIME 1782864000

static void
add(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	assert_int_equal(json_set_blob(o, key, p, n), 0);
}

static json_t *
pcrs_of(uint32_t mask, const uint8_t *values)
{
	json_t *o = json_object();
	char key[4], text[65];
	unsigned i;

	for (i = 0; i < 24; i++) {
		if (!(mask >> i & 1))
			continue;
		snprintf(key, sizeof(key), "%u", i);
		rows_hex(values, 32, text);
		values += 32;
		json_object_set_new(o, key, json_string(text));
	}
	return o;
}

/* What the verifier says of evidence under a policy; frees o. */
static int
verdict(json_t *o, const char *policy, const uint8_t *about, size_t about_n,
    struct endorse *given, struct appraise_result *result)
{
	uint8_t data[EVIDENCE_REPORT_DATA] = {0};
	struct appraise_policy *p;
	struct appraise_input in = {.tee = "tpm",
	    .given = given,
	    .report_data = about ? data : NULL,
	    .time = SNP_TIME};
	size_t n;
	char *text = json_text(o, &n);
	int r;

	assert_int_equal(appraise_policy_parse(policy, strlen(policy), &p), 0);
	if (about)
		memcpy(data, about, about_n);
	in.policy = p;
	in.raw = (const uint8_t *)text;
	in.raw_n = n;
	r = appraise_input(&in, NULL, result, NULL);
	assert_int_equal(r == CL_OK, result->accepted);
	assert_int_equal(
	    r == CL_OK || r == CL_ERR_APPRAISAL, result->authentic);
	appraise_policy_free(p);
	secmem_free(text);
	json_decref(o);
	return r;
}

static void
refused_for(const struct appraise_result *result, const char *claim)
{
	unsigned i;

	for (i = 0; i < result->nrows; i++)
		if (!result->rows[i].ok) {
			assert_string_equal(result->rows[i].claim, claim);
			return;
		}
	fail_msg("nothing was refused, %s was expected", claim);
}

/* Real quotes. */

static const char *const real[] = {"az-snp-v0", "az-snp-v1",
    "az-snp-vtpm-v1quote", "az-tdx-vtpm-v1quote", "azure-cvm-tooling",
    "trustee-tpm"};

#define REAL (sizeof(real) / sizeof(real[0]))

struct flat {
	uint8_t *attest, *sig, *ak, *pcrs, *nonce;
	size_t attest_n, sig_n, ak_n, pcrs_n, nonce_n;
	char policy[160]; /* that pins the AK */
};

static uint8_t *
flat_file(const char *name, const char *file, size_t *n)
{
	char path[128];

	snprintf(path, sizeof(path), "vtpm/flat/%s/%s", name, file);
	return shared_read(path, n);
}

static void
flat_load(const char *name, struct flat *f)
{
	struct crypto_part part;
	uint8_t hash[32];
	char hex[65];

	f->attest = flat_file(name, "attest.bin", &f->attest_n);
	f->sig = flat_file(name, "sig.tpmt.bin", &f->sig_n);
	f->ak = flat_file(name, "ak.spki.der", &f->ak_n);
	f->pcrs = flat_file(name, "pcrs_sha256.bin", &f->pcrs_n);
	f->nonce = flat_file(name, "nonce.bin", &f->nonce_n);
	assert_int_equal(f->pcrs_n, 24 * 32);
	part = (struct crypto_part){f->ak, f->ak_n};
	assert_int_equal(crypto_sha256(&part, 1, hash), 0);
	rows_hex(hash, 32, hex);
	snprintf(f->policy, sizeof(f->policy),
	    "{\"v\":1,\"tpm\":{\"ak\":[\"%s\"]}}", hex);
}

static void
flat_free(struct flat *f)
{
	free(f->attest);
	free(f->sig);
	free(f->ak);
	free(f->pcrs);
	free(f->nonce);
}

static json_t *
flat_doc(const struct flat *f)
{
	json_t *o = json_object();

	add(o, "attest", f->attest, f->attest_n);
	add(o, "signature", f->sig, f->sig_n);
	add(o, "ak", f->ak, f->ak_n);
	json_object_set_new(o, "pcrs", pcrs_of(0xffffff, f->pcrs));
	return o;
}

static void
real_quotes_hold_under_their_key(void **state)
{
	struct appraise_result result;
	struct flat f;
	size_t i;

	(void)state;
	shared_need();
	for (i = 0; i < REAL; i++) {
		flat_load(real[i], &f);
		assert_int_equal(verdict(flat_doc(&f), f.policy, f.nonce,
				     f.nonce_n, NULL, &result),
		    CL_OK);
		assert_string_equal(result.tcb, "");
		/* Nobody speaks for the key: nothing is believed. */
		assert_int_equal(verdict(flat_doc(&f), "{\"v\":1}", f.nonce,
				     f.nonce_n, NULL, &result),
		    CL_ERR_EVIDENCE);
		refused_for(&result, "ak.pinned");
		flat_free(&f);
	}
}

static void
same(const json_t *want, const json_t *came, const char *key)
{
	if (!json_equal(json_object_get(want, key), json_object_get(came, key)))
		fail_msg("%s differs", key);
}

static void
real_fields_are_as_expected(void **state)
{
	static const char *const keys[] = {"qualified_signer", "extra_data",
	    "clock", "reset_count", "restart_count", "safe", "firmware_version",
	    "pcr_digest", "ak_spki_sha256"};
	struct appraise_result *rows;
	json_t *all, *want, *came, *doc;
	struct tpm_evidence e;
	struct flat f;
	size_t i, k, n;
	char *text;

	(void)state;
	shared_need();
	rows = calloc(1, sizeof(*rows));
	assert_non_null(rows);
	all = shared_json("vtpm/expected.json");
	assert_int_equal(json_object_size(all), REAL);
	for (i = 0; i < REAL; i++) {
		flat_load(real[i], &f);
		doc = flat_doc(&f);
		text = json_text(doc, &n);
		assert_int_equal(tpm_verify((uint8_t *)text, n, &e, rows), 0);
		came = tpm_print(&e);
		want = json_object_get(all, real[i]);
		for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			same(want, came, keys[k]);
		assert_true(json_equal(json_object_get(want, "pcr0"),
		    json_object_get(json_object_get(came, "pcrs"), "0")));
		json_decref(came);
		json_decref(doc);
		secmem_free(text);
		tpm_evidence_clear(&e);
		flat_free(&f);
	}
	json_decref(all);
	free(rows);
}

static void
every_flipped_byte_is_refused(void **state)
{
	struct appraise_result result;
	struct flat f;
	size_t i;

	(void)state;
	shared_need();
	flat_load("az-snp-v0", &f);
	for (i = 0; i < f.attest_n; i++) {
		f.attest[i] ^= 1;
		assert_int_equal(verdict(flat_doc(&f), f.policy, f.nonce,
				     f.nonce_n, NULL, &result),
		    CL_ERR_EVIDENCE);
		f.attest[i] ^= 1;
	}
	for (i = 0; i < f.sig_n; i++) {
		f.sig[i] ^= 1;
		assert_int_equal(verdict(flat_doc(&f), f.policy, f.nonce,
				     f.nonce_n, NULL, &result),
		    CL_ERR_EVIDENCE);
		f.sig[i] ^= 1;
	}
	for (i = 0; i < f.pcrs_n; i++) {
		f.pcrs[i] ^= 0x80;
		assert_int_equal(verdict(flat_doc(&f), f.policy, f.nonce,
				     f.nonce_n, NULL, &result),
		    CL_ERR_EVIDENCE);
		refused_for(&result, "tpm.pcr_digest");
		f.pcrs[i] ^= 0x80;
	}
	for (i = 0; i < f.ak_n; i++) {
		f.ak[i] ^= 1;
		assert_int_equal(verdict(flat_doc(&f), f.policy, f.nonce,
				     f.nonce_n, NULL, &result),
		    CL_ERR_EVIDENCE);
		f.ak[i] ^= 1;
	}
	for (i = 0; i < f.nonce_n; i++) {
		f.nonce[i] ^= 1;
		assert_int_equal(verdict(flat_doc(&f), f.policy, f.nonce,
				     f.nonce_n, NULL, &result),
		    CL_ERR_EVIDENCE);
		refused_for(&result, "report_data");
		f.nonce[i] ^= 1;
	}
	flat_free(&f);
}

/* The paravisor's endorsement. */

struct azure {
	struct flat f;
	uint8_t *hcl;
	size_t hcl_n;
	struct endorse *given;
};

static void
azure_take(struct azure *z, const char *file)
{
	size_t n;
	uint8_t *p = shared_read(file, &n);

	assert_int_equal(endorse_add(z->given, p, n), 0);
	free(p);
}

static void
azure_load(struct azure *z)
{
	flat_load("az-snp-v0", &z->f);
	z->hcl = shared_read("vtpm/az-snp-vtpm/derived-v0-hcl.bin", &z->hcl_n);
	assert_int_equal(endorse_new(&z->given), 0);
	azure_take(z, "snp/az-v0-vcek.der");
	azure_take(z, "snp/roots/ask_ark_milan.pem");
}

static void
azure_free(struct azure *z)
{
	flat_free(&z->f);
	free(z->hcl);
	endorse_free(z->given);
}

static json_t *
azure_doc(const struct azure *z)
{
	json_t *o = flat_doc(&z->f);

	json_object_del(o, "ak");
	add(o, "hcl", z->hcl, z->hcl_n);
	return o;
}

static int
azure_verdict(const struct azure *z, struct appraise_result *result)
{
	return verdict(azure_doc(z), "{\"v\":1}", z->f.nonce, z->f.nonce_n,
	    z->given, result);
}

static void
a_report_endorses_the_key(void **state)
{
	struct appraise_result result;
	struct azure z;
	json_t *o;

	(void)state;
	shared_need();
	azure_load(&z);
	assert_int_equal(azure_verdict(&z, &result), CL_OK);
	assert_string_equal(result.tcb, "ok");
	/* Its policy counts, too. */
	assert_int_equal(
	    verdict(azure_doc(&z), "{\"v\":1,\"snp\":{\"min_guest_svn\":11}}",
		z.f.nonce, z.f.nonce_n, z.given, &result),
	    CL_ERR_APPRAISAL);
	assert_int_equal(
	    verdict(azure_doc(&z), "{\"v\":1,\"tpm\":{\"no_hcl\":true}}",
		z.f.nonce, z.f.nonce_n, z.given, &result),
	    CL_ERR_EVIDENCE);
	refused_for(&result, "ak.pinned");
	/* A key beside it must be the one that it names. */
	flat_free(&z.f);
	flat_load("trustee-tpm", &z.f);
	o = azure_doc(&z);
	add(o, "ak", z.f.ak, z.f.ak_n);
	assert_int_equal(
	    verdict(o, z.f.policy, z.f.nonce, z.f.nonce_n, z.given, &result),
	    CL_ERR_EVIDENCE);
	refused_for(&result, "ak.key");
	azure_free(&z);
}

/* No signature covers the paravisor's own header (its version may be 1 or 2,
 * its reserved bytes anything); everything else that is read is bound. */
static bool
is_loose(const struct azure *z, size_t i)
{
	return (i >= 20 && i < 32) || (i >= 1220 && i < 1224) || i >= z->hcl_n;
}

static void
every_flipped_byte_of_the_endorsement_is_refused(void **state)
{
	struct appraise_result result;
	struct azure z;
	size_t i;
	int r;

	(void)state;
	shared_need();
	azure_load(&z);
	for (i = 0; i < z.hcl_n; i++) {
		z.hcl[i] ^= 1;
		r = azure_verdict(&z, &result);
		if (is_loose(&z, i) ? r != 0 : r != CL_ERR_EVIDENCE)
			fail_msg("byte %zu: %d", i, r);
		z.hcl[i] ^= 1;
	}
	azure_free(&z);
}

static void
trustees_forms_are_read(void **state)
{
	static const struct {
		const char *file;
		int want;
	} forms[] = {{"vtpm/az-snp-vtpm/evidence-v0.json", CL_OK},
	    {"vtpm/az-snp-vtpm/evidence-v1.json", CL_OK},
	    /* Without collateral its TCB is unknown. */
	    {"vtpm/az-tdx-vtpm/evidence-v0.json", CL_ERR_APPRAISAL},
	    {"vtpm/az-tdx-vtpm/evidence-v1.json", CL_ERR_APPRAISAL},
	    {"vtpm/trustee-tpm_evidence.json", CL_ERR_EVIDENCE}};
	struct appraise_result result;
	struct azure z;
	size_t i;

	(void)state;
	shared_need();
	azure_load(&z);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(verdict(shared_json(forms[i].file),
				     "{\"v\":1}", i < 4 ? z.f.nonce : NULL,
				     z.f.nonce_n, z.given, &result),
		    forms[i].want);
	}
	azure_free(&z);
}

static void
policies_are_strict(void **state)
{
	static const char *const bad[] = {"[]", "{\"aks\":[]}", "{\"ak\":{}}",
	    "{\"ak\":[\"00\"]}", "{\"ak_name\":[\"AB\"]}",
	    "{\"pcrs\":{\"24\":[]}}", "{\"pcrs\":{\"01\":[]}}",
	    "{\"pcrs\":{\"1\":[\"00\"]}}", "{\"pcrs\":[]}",
	    "{\"required_pcrs\":[24]}", "{\"required_pcrs\":[-1]}",
	    "{\"required_pcrs\":\"1\"}", "{\"max_reset_count\":-1}",
	    "{\"max_reset_count\":4294967296}", "{\"no_hcl\":1}",
	    "{\"require_eventlog\":\"yes\"}", "{\"firmware_version\":[\"1\"]}"};
	struct tpm_policy p;
	json_t *o;
	size_t i;
	int r;

	(void)state;
	assert_int_equal(tpm_policy_parse(NULL, &p), 0);
	assert_true(!p.ak.given && !p.required && !tpm_policy_measures(&p));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o = json_parse(bad[i], strlen(bad[i]), &r);
		assert_non_null(o);
		if (tpm_policy_parse(o, &p) != CL_ERR_FORMAT)
			fail_msg("%s was taken", bad[i]);
		json_decref(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(real_quotes_hold_under_their_key),
	    cmocka_unit_test(real_fields_are_as_expected),
	    cmocka_unit_test(every_flipped_byte_is_refused),
	    cmocka_unit_test(a_report_endorses_the_key),
	    cmocka_unit_test(every_flipped_byte_of_the_endorsement_is_refused),
	    cmocka_unit_test(trustees_forms_are_read),
	    cmocka_unit_test(policies_are_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
