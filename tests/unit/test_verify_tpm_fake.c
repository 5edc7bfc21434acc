/* policy/verify_tpm on quotes made here: the schemes, and everything that a
 * TPM or somebody else might sign but a verifier must not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_tpm.h"
#include "lib/secmem.h"
#include "policy/appraise.h"

/* Adds the AK to f->policy, which holds further members of "tpm". */
static void
pin(struct fake_tpm *f, const char *more)
{
	uint8_t *spki = NULL, hash[32];
	char hex[65];
	struct crypto_part part;
	int n = i2d_PUBKEY(f->key, &spki);

	part = (struct crypto_part){spki, (size_t)n};
	assert_int_equal(crypto_sha256(&part, 1, hash), 0);
	OPENSSL_free(spki);
	rows_hex(hash, 32, hex);
	snprintf(f->policy, sizeof(f->policy),
	    "{\"v\":1,\"tpm\":{\"ak\":[\"%s\"]%s}}", hex, more);
}

static int
judge(const struct fake_tpm *f, const uint8_t *about,
    struct appraise_result *result)
{
	struct appraise_policy *p = NULL;
	struct appraise_input in = {.tee = "tpm", .report_data = about};
	json_t *o = fake_tpm_doc(f);
	size_t n;
	char *text = json_text(o, &n);
	int r;

	assert_int_equal(
	    appraise_policy_parse(f->policy, strlen(f->policy), &p), 0);
	in.policy = p;
	in.raw = (uint8_t *)text;
	in.raw_n = n;
	r = appraise_input(&in, NULL, result, NULL);
	assert_int_equal(r == CL_OK, result->accepted);
	appraise_policy_free(p);
	secmem_free(text);
	json_decref(o);
	return r;
}

/* want: CL_OK, or the first row that says no. */
static void
expect(struct fake_tpm *f, const char *more, int want, const char *claim)
{
	struct appraise_result result;
	char why[512];

	if (!f->policy[0])
		pin(f, more);
	if (judge(f, NULL, &result) != want) {
		appraise_first_refusal(&result, why, sizeof(why));
		fail_msg("%s", why);
	}
	if (want == CL_OK)
		return;
	appraise_first_refusal(&result, why, sizeof(why));
	if (strncmp(why, claim, strlen(claim)) != 0 ||
	    why[strlen(claim)] != ':')
		fail_msg("expected %s, came %s", claim, why);
}

static void
every_scheme_holds(void **state)
{
	struct fake_tpm f = fake_tpm_good();

	(void)state;
	expect(&f, "", CL_OK, NULL);
	f = fake_tpm_good();
	f.key = rsa, f.scheme = TPM_RSASSA;
	expect(&f, "", CL_OK, NULL);
	f = fake_tpm_good();
	f.key = rsa, f.scheme = TPM_RSAPSS, f.salt = RSA_PSS_SALTLEN_DIGEST;
	expect(&f, "", CL_OK, NULL);
	f.salt = RSA_PSS_SALTLEN_MAX;
	expect(&f, "", CL_OK, NULL);
	f.no_public = true;
	expect(&f, "", CL_OK, NULL);
}

static void
schemes_are_not_exchanged(void **state)
{
	struct fake_tpm f = fake_tpm_good();

	(void)state;
	f.hash = 0x0c;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.signature");
	f = fake_tpm_good();
	f.scheme = TPM_RSASSA;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.signature.format");
	f = fake_tpm_good();
	f.scheme = 0x1a;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.signature.format");
}

static void
only_a_quote_of_a_tpm_is_taken(void **state)
{
	struct fake_tpm f = fake_tpm_good();

	(void)state;
	f.magic ^= 1;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.magic");
	f = fake_tpm_good();
	f.type = 0x8017; /* certify: also signed by the AK */
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.type");
	f = fake_tpm_good();
	f.tail = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.attest");
	f = fake_tpm_good();
	f.safe = 2;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.attest");
}

static void
selections_are_of_one_bank(void **state)
{
	struct fake_tpm f = fake_tpm_good();

	(void)state;
	f.twice = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.attest");
	f = fake_tpm_good();
	f.more_banks = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.bank");
	f = fake_tpm_good();
	f.bank = 4;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.bank");
	f = fake_tpm_good();
	f.mask = 0;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.bank");
	f = fake_tpm_good();
	f.no_value = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.selection");
}

static void
keys_must_be_restricted(void **state)
{
	static const uint32_t bits[] = {TPM_FIXED_TPM, TPM_FIXED_PARENT,
	    TPM_ORIGIN, TPM_RESTRICTED, TPM_SIGN, TPM_DECRYPT};
	struct fake_tpm f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		f = fake_tpm_good();
		f.attributes ^= bits[i];
		expect(&f, "", CL_ERR_EVIDENCE, "ak.attributes");
	}
}

static void
keys_are_pinned_by_name(void **state)
{
	struct fake_tpm f = fake_tpm_good();
	uint8_t area[512], name[34] = {0, 11};
	struct crypto_part part = {
	    area, fake_tpm_public(&f, area, sizeof(area))};
	char hex[69];

	(void)state;
	assert_int_equal(crypto_sha256(&part, 1, name + 2), 0);
	rows_hex(name, sizeof(name), hex);
	snprintf(f.policy, sizeof(f.policy),
	    "{\"v\":1,\"tpm\":{\"ak_name\":[\"%s\"]}}", hex);
	expect(&f, "", CL_OK, NULL);
	/* The name is that of the attributes, too: they must come. */
	f.no_public = true;
	expect(&f, "", CL_ERR_EVIDENCE, "ak.pinned");
	f.no_public = false;
	f.attributes |= 1u << 6;
	expect(&f, "", CL_ERR_EVIDENCE, "ak.pinned");
	strcpy(f.policy, "{\"v\":1}");
	expect(&f, "", CL_ERR_EVIDENCE, "ak.pinned");
}

static void
reference_values_decide(void **state)
{
	static const char three[] =
	    "0303030303030303030303030303030303030303030303030303030303030303";
	struct fake_tpm f = fake_tpm_good();
	char more[160];

	(void)state;
	snprintf(more, sizeof(more), ",\"pcrs\":{\"2\":[\"%s\"]}", three);
	expect(&f, more, CL_OK, NULL);
	f = fake_tpm_good();
	f.pcr[2][31] ^= 1;
	expect(&f, more, CL_ERR_APPRAISAL, "pcr2");
	f = fake_tpm_good();
	f.mask &= ~4u;
	expect(&f, more, CL_ERR_APPRAISAL, "pcrs");
	f = fake_tpm_good();
	expect(&f, ",\"required_pcrs\":[12]", CL_ERR_APPRAISAL, "pcrs");
	f = fake_tpm_good();
	expect(&f, ",\"pcrs\":{\"2\":[]}", CL_ERR_APPRAISAL, "pcr2");
	f = fake_tpm_good();
	f.safe = 0;
	expect(&f, "", CL_ERR_APPRAISAL, "clock.safe");
	f.policy[0] = '\0';
	expect(&f, ",\"allow_unsafe_clock\":true", CL_OK, NULL);
	f = fake_tpm_good();
	expect(
	    &f, ",\"max_reset_count\":3,\"max_restart_count\":1", CL_OK, NULL);
	f = fake_tpm_good();
	expect(&f, ",\"max_reset_count\":2", CL_ERR_APPRAISAL, "reset_count");
	f = fake_tpm_good();
	expect(
	    &f, ",\"max_restart_count\":0", CL_ERR_APPRAISAL, "restart_count");
	f = fake_tpm_good();
	expect(&f, ",\"firmware_version\":[\"0102030405060708\"]", CL_OK, NULL);
	f = fake_tpm_good();
	expect(&f, ",\"firmware_version\":[\"0102030405060709\"]",
	    CL_ERR_APPRAISAL, "firmware_version");
}

static void
logs_must_replay(void **state)
{
	static const char digest[] =
	    "abababababababababababababababababababababababababababababababab";
	uint8_t both[64] = {0};
	struct crypto_part part = {both, 64};
	struct fake_tpm f = fake_tpm_good();

	(void)state;
	memset(both + 32, 0xab, 32);
	assert_int_equal(crypto_sha256(&part, 1, f.pcr[4]), 0);
	f.log = digest;
	expect(&f, ",\"require_eventlog\":true", CL_OK, NULL);
	f.pcr[4][0] ^= 1;
	expect(&f, "", CL_ERR_APPRAISAL, "eventlog");
	f = fake_tpm_good();
	expect(&f, ",\"require_eventlog\":true", CL_ERR_APPRAISAL, "eventlog");
}

static void
quotes_are_about_something(void **state)
{
	struct appraise_result result;
	uint8_t about[64];
	struct crypto_part part = {about, 64};
	struct fake_tpm f = fake_tpm_good();

	(void)state;
	memset(about, 'r', sizeof(about));
	assert_int_equal(crypto_sha256(&part, 1, f.extra), 0);
	pin(&f, "");
	assert_int_equal(judge(&f, about, &result), CL_OK);
	about[63] ^= 1;
	assert_int_equal(judge(&f, about, &result), CL_ERR_EVIDENCE);
	/* As it is, with zeros behind. */
	memset(about, 0, sizeof(about));
	memcpy(about, f.extra, 32);
	assert_int_equal(judge(&f, about, &result), CL_OK);
	about[40] = 1;
	assert_int_equal(judge(&f, about, &result), CL_ERR_EVIDENCE);
	/* Nothing is about nothing. */
	memset(about, 0, sizeof(about));
	f.extra_n = 0;
	assert_int_equal(judge(&f, about, &result), CL_ERR_EVIDENCE);
}

static void
every_cut_is_refused(void **state)
{
	struct tpm_attest a;
	struct tpm_signature s;
	struct tpm_ak ak;
	struct tpm_doc doc;
	struct fake_tpm f = fake_tpm_good();
	uint8_t p[512], q[512], area[512];
	size_t n = fake_tpm_attest(&f, p, sizeof(p)), m, i, k;
	json_t *o = fake_tpm_doc(&f);
	char *text = json_text(o, &k), *copy;

	(void)state;
	m = fake_tpm_signature(&f, p, n, q, sizeof(q));
	for (i = 0; i < n; i++)
		assert_int_not_equal(tpm_attest_parse(p, i, &a), 0);
	for (i = 0; i < m; i++)
		assert_int_not_equal(tpm_signature_parse(q, i, &s), 0);
	m = fake_tpm_public(&f, area, sizeof(area));
	for (i = 0; i < m; i++)
		assert_int_not_equal(tpm_ak_public(area, i, &ak), 0);
	for (i = 0; i < k; i++) {
		copy = malloc(i + 1);
		memcpy(copy, text, i);
		assert_int_not_equal(
		    tpm_doc_parse((uint8_t *)copy, i, &doc), 0);
		tpm_doc_clear(&doc);
		free(copy);
	}
	secmem_free(text);
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_scheme_holds),
	    cmocka_unit_test(schemes_are_not_exchanged),
	    cmocka_unit_test(only_a_quote_of_a_tpm_is_taken),
	    cmocka_unit_test(selections_are_of_one_bank),
	    cmocka_unit_test(keys_must_be_restricted),
	    cmocka_unit_test(keys_are_pinned_by_name),
	    cmocka_unit_test(reference_values_decide),
	    cmocka_unit_test(logs_must_replay),
	    cmocka_unit_test(quotes_are_about_something),
	    cmocka_unit_test(every_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, fake_tpm_keys, fake_tpm_free_keys);
}
