/* policy/verify_tpm on quotes made here: the schemes, and everything that a
 * TPM or somebody else might sign but a verifier must not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/verify_tpm.h"

#define GOOD                                                                   \
	(TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN | TPM_RESTRICTED |      \
	    TPM_SIGN)

/* A TPM, and what it is to do wrong. */
struct fake {
	EVP_PKEY *key;
	uint16_t scheme, hash, type, bank;
	uint32_t magic, mask, attributes;
	uint8_t extra[64], pcr[24][32], safe, extra_n;
	bool twice, more_banks, tail, no_public, no_value;
	int salt;
	const char *log; /* hex of an event log's event digest */
	char policy[512];
};

static EVP_PKEY *rsa, *ec;

static void
be(struct wr *out, uint64_t v, unsigned n)
{
	while (n--)
		assert_int_equal(wr_u8(out, (uint8_t)(v >> (8 * n))), 0);
}

static void
sized(struct wr *out, const void *p, size_t n)
{
	be(out, n, 2);
	assert_int_equal(wr_bytes(out, p, n), 0);
}

static void
put_bank(struct wr *out, uint16_t bank, uint32_t mask)
{
	be(out, bank, 2);
	be(out, 3, 1);
	be(out, mask & 0xff, 1);
	be(out, mask >> 8 & 0xff, 1);
	be(out, mask >> 16 & 0xff, 1);
}

static size_t
make_attest(const struct fake *f, uint8_t *p, size_t cap)
{
	struct crypto_part part[24];
	struct wr out = wr_make(p, cap);
	uint8_t digest[32], name[34] = {0, 11};
	unsigned i, n = 0;

	be(&out, f->magic, 4);
	be(&out, f->type, 2);
	sized(&out, name, sizeof(name));
	sized(&out, f->extra, f->extra_n);
	be(&out, 1000, 8);
	be(&out, 3, 4);
	be(&out, 1, 4);
	be(&out, f->safe, 1);
	be(&out, 0x0102030405060708, 8);
	be(&out, 1u + f->twice + f->more_banks, 4);
	put_bank(&out, f->bank, f->mask);
	if (f->twice)
		put_bank(&out, f->bank, f->mask);
	if (f->more_banks)
		put_bank(&out, 4, 1);
	for (i = 0; i < 24; i++)
		if (f->mask >> i & 1)
			part[n++] = (struct crypto_part){f->pcr[i], 32};
	assert_int_equal(crypto_sha256(part, n, digest), 0);
	sized(&out, digest, 32);
	if (f->tail)
		be(&out, 0, 1);
	return out.len;
}

static void
put_ecdsa(struct wr *out, const uint8_t *der, size_t n)
{
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)n);
	uint8_t b[32];

	assert_non_null(s);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), b, 32), 32);
	sized(out, b, 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), b, 32), 32);
	sized(out, b, 32);
	ECDSA_SIG_free(s);
}

static size_t
make_signature(
    const struct fake *f, const uint8_t *p, size_t n, uint8_t *to, size_t cap)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	struct wr out = wr_make(to, cap);
	uint8_t sig[512];
	size_t len = sizeof(sig);

	assert_int_equal(EVP_DigestSignInit_ex(
			     ctx, &how, "SHA256", NULL, NULL, f->key, NULL),
	    1);
	if (f->scheme == TPM_RSAPSS) {
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, f->salt);
	}
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, p, n), 1);
	EVP_MD_CTX_free(ctx);
	be(&out, f->scheme, 2);
	be(&out, f->hash, 2);
	if (f->key == ec)
		put_ecdsa(&out, sig, len);
	else
		sized(&out, sig, len);
	return out.len;
}

static size_t
make_public(const struct fake *f, uint8_t *p, size_t cap)
{
	struct wr out = wr_make(p, cap);
	uint8_t b[256], point[65];
	BIGNUM *n = NULL;
	size_t len;

	be(&out, f->key == ec ? 0x23 : 1, 2);
	be(&out, 11, 2);
	be(&out, f->attributes, 4);
	be(&out, 0, 2);
	be(&out, 0x10, 2);
	be(&out, f->scheme, 2);
	be(&out, 11, 2);
	if (f->key == ec) {
		assert_int_equal(EVP_PKEY_get_octet_string_param(f->key,
				     "encoded-pub-key", point, 65, &len),
		    1);
		be(&out, 3, 2);
		be(&out, 0x10, 2);
		sized(&out, point + 1, 32);
		sized(&out, point + 33, 32);
		return out.len;
	}
	assert_int_equal(EVP_PKEY_get_bn_param(f->key, "n", &n), 1);
	assert_int_equal(BN_bn2binpad(n, b, 256), 256);
	BN_free(n);
	be(&out, 2048, 2);
	be(&out, 0, 4);
	sized(&out, b, 256);
	return out.len;
}

/* A log that extends PCR 4 once. */
static void
add_log(json_t *o, const char *digest)
{
	uint8_t log[256], d[32];
	struct wr out = wr_make(log, sizeof(log));
	static const uint8_t zero[20];
	unsigned i, v;

	for (i = 0; i < 32; i++) {
		assert_int_equal(sscanf(digest + 2 * i, "%2x", &v), 1);
		d[i] = (uint8_t)v;
	}
	assert_int_equal(wr_u32(&out, 0) | wr_u32(&out, 3) |
			     wr_bytes(&out, zero, 20) | wr_u32(&out, 33) |
			     wr_bytes(&out, "Spec ID Event03", 16) |
			     wr_u32(&out, 0) | wr_bytes(&out, "\0\2\0\2", 4) |
			     wr_u32(&out, 1) | wr_u16(&out, 11) |
			     wr_u16(&out, 32) | wr_u8(&out, 0),
	    0);
	assert_int_equal(wr_u32(&out, 4) | wr_u32(&out, 0x80000003) |
			     wr_u32(&out, 1) | wr_u16(&out, 11) |
			     wr_bytes(&out, d, 32) | wr_u32(&out, 0),
	    0);
	assert_int_equal(json_set_blob(o, "eventlog", log, out.len), 0);
}

static json_t *
make_pcrs(const struct fake *f)
{
	json_t *o = json_object();
	char key[4], text[65];
	unsigned i;

	for (i = 0; i < 24; i++) {
		if (!(f->mask >> i & 1) || (f->no_value && i == 4))
			continue;
		snprintf(key, sizeof(key), "%u", i);
		rows_hex(f->pcr[i], 32, text);
		json_object_set_new(o, key, json_string(text));
	}
	return o;
}

static json_t *
make_doc(const struct fake *f)
{
	uint8_t attest[512], other[1024], *spki = NULL;
	size_t n = make_attest(f, attest, sizeof(attest));
	json_t *o = json_object();
	int len;

	assert_int_equal(json_set_blob(o, "attest", attest, n), 0);
	n = make_signature(f, attest, n, other, sizeof(other));
	assert_int_equal(json_set_blob(o, "signature", other, n), 0);
	if (!f->no_public) {
		n = make_public(f, other, sizeof(other));
		assert_int_equal(json_set_blob(o, "ak_public", other, n), 0);
	}
	len = i2d_PUBKEY(f->key, &spki);
	assert_int_equal(json_set_blob(o, "ak", spki, (size_t)len), 0);
	OPENSSL_free(spki);
	if (f->log)
		add_log(o, f->log);
	json_object_set_new(o, "pcrs", make_pcrs(f));
	return o;
}

static struct fake
good(void)
{
	struct fake f = {.key = ec,
	    .scheme = TPM_ECDSA,
	    .hash = TPM_SHA256,
	    .type = TPM_QUOTE,
	    .bank = TPM_SHA256,
	    .magic = TPM_MAGIC,
	    .mask = 0x0fff,
	    .attributes = GOOD,
	    .safe = 1,
	    .extra_n = 32};
	unsigned i;

	for (i = 0; i < 24; i++)
		memset(f.pcr[i], (int)i + 1, 32);
	memset(f.extra, 'x', sizeof(f.extra));
	return f;
}

/* Adds the AK to f->policy, which holds further members of "tpm". */
static void
pin(struct fake *f, const char *more)
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
judge(
    const struct fake *f, const uint8_t *about, struct appraise_result *result)
{
	struct appraise_policy *p = NULL;
	struct appraise_input in = {.tee = "tpm", .report_data = about};
	json_t *o = make_doc(f);
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
expect(struct fake *f, const char *more, int want, const char *claim)
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
	struct fake f = good();

	(void)state;
	expect(&f, "", CL_OK, NULL);
	f = good();
	f.key = rsa, f.scheme = TPM_RSASSA;
	expect(&f, "", CL_OK, NULL);
	f = good();
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
	struct fake f = good();

	(void)state;
	f.hash = 0x0c;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.signature");
	f = good();
	f.scheme = TPM_RSASSA;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.signature.format");
	f = good();
	f.scheme = 0x1a;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.signature.format");
}

static void
only_a_quote_of_a_tpm_is_taken(void **state)
{
	struct fake f = good();

	(void)state;
	f.magic ^= 1;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.magic");
	f = good();
	f.type = 0x8017; /* certify: also signed by the AK */
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.type");
	f = good();
	f.tail = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.attest");
	f = good();
	f.safe = 2;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.attest");
}

static void
selections_are_of_one_bank(void **state)
{
	struct fake f = good();

	(void)state;
	f.twice = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.attest");
	f = good();
	f.more_banks = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.bank");
	f = good();
	f.bank = 4;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.bank");
	f = good();
	f.mask = 0;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.bank");
	f = good();
	f.no_value = true;
	expect(&f, "", CL_ERR_EVIDENCE, "tpm.selection");
}

static void
keys_must_be_restricted(void **state)
{
	static const uint32_t bits[] = {TPM_FIXED_TPM, TPM_FIXED_PARENT,
	    TPM_ORIGIN, TPM_RESTRICTED, TPM_SIGN, TPM_DECRYPT};
	struct fake f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		f = good();
		f.attributes ^= bits[i];
		expect(&f, "", CL_ERR_EVIDENCE, "ak.attributes");
	}
}

static void
keys_are_pinned_by_name(void **state)
{
	struct fake f = good();
	uint8_t area[512], name[34] = {0, 11};
	struct crypto_part part = {area, make_public(&f, area, sizeof(area))};
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
	struct fake f = good();
	char more[160];

	(void)state;
	snprintf(more, sizeof(more), ",\"pcrs\":{\"2\":[\"%s\"]}", three);
	expect(&f, more, CL_OK, NULL);
	f = good();
	f.pcr[2][31] ^= 1;
	expect(&f, more, CL_ERR_APPRAISAL, "pcr2");
	f = good();
	f.mask &= ~4u;
	expect(&f, more, CL_ERR_APPRAISAL, "pcrs");
	f = good();
	expect(&f, ",\"required_pcrs\":[12]", CL_ERR_APPRAISAL, "pcrs");
	f = good();
	expect(&f, ",\"pcrs\":{\"2\":[]}", CL_ERR_APPRAISAL, "pcr2");
	f = good();
	f.safe = 0;
	expect(&f, "", CL_ERR_APPRAISAL, "clock.safe");
	f.policy[0] = '\0';
	expect(&f, ",\"allow_unsafe_clock\":true", CL_OK, NULL);
	f = good();
	expect(
	    &f, ",\"max_reset_count\":3,\"max_restart_count\":1", CL_OK, NULL);
	f = good();
	expect(&f, ",\"max_reset_count\":2", CL_ERR_APPRAISAL, "reset_count");
	f = good();
	expect(
	    &f, ",\"max_restart_count\":0", CL_ERR_APPRAISAL, "restart_count");
	f = good();
	expect(&f, ",\"firmware_version\":[\"0102030405060708\"]", CL_OK, NULL);
	f = good();
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
	struct fake f = good();

	(void)state;
	memset(both + 32, 0xab, 32);
	assert_int_equal(crypto_sha256(&part, 1, f.pcr[4]), 0);
	f.log = digest;
	expect(&f, ",\"require_eventlog\":true", CL_OK, NULL);
	f.pcr[4][0] ^= 1;
	expect(&f, "", CL_ERR_APPRAISAL, "eventlog");
	f = good();
	expect(&f, ",\"require_eventlog\":true", CL_ERR_APPRAISAL, "eventlog");
}

static void
quotes_are_about_something(void **state)
{
	struct appraise_result result;
	uint8_t about[64];
	struct crypto_part part = {about, 64};
	struct fake f = good();

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
	struct fake f = good();
	uint8_t p[512], q[512], area[512];
	size_t n = make_attest(&f, p, sizeof(p)), m, i, k;
	json_t *o = make_doc(&f);
	char *text = json_text(o, &k), *copy;

	(void)state;
	m = make_signature(&f, p, n, q, sizeof(q));
	for (i = 0; i < n; i++)
		assert_int_not_equal(tpm_attest_parse(p, i, &a), 0);
	for (i = 0; i < m; i++)
		assert_int_not_equal(tpm_signature_parse(q, i, &s), 0);
	m = make_public(&f, area, sizeof(area));
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

static int
make_keys(void **state)
{
	(void)state;
	if (crypto_ready() != 0)
		return -1;
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	return rsa && ec ? 0 : -1;
}

static int
free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	return 0;
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

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
