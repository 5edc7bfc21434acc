/* policy/verify_tpm_cert: certificates of attestation keys below a CA that the
 * owner pins, made here with everything that may be wrong with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "fake_tpm.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/chain.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

/* One certificate; zeros are good. */
struct how {
	const char *basic, *usage, *eku; /* NULL: right; "": not there */
	int64_t from, to;
	EVP_PKEY *of, *by; /* NULL: the right ones */
	bool sha1;
};

struct fake {
	struct how root, mid, leaf;
	bool flat, revoked; /* flat: the leaf is right below the root */
	bool no_leaf, no_mid, no_root, twice;
	const char *more; /* members of "tpm" */
	const char *pins; /* NULL: the root's */
	struct endorse *bag;
};

enum { ROOT, MID, STRANGER };
static EVP_PKEY *keys[3];

static void
extend(X509 *cert, int nid, const char *text, const char *right)
{
	X509_EXTENSION *ext;

	if (!text)
		text = right;
	if (!text || !*text)
		return;
	ext = X509V3_EXT_conf_nid(NULL, NULL, nid, text);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static void
name(X509_NAME *n, const char *cn)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
			     (const uint8_t *)cn, -1, -1, 0),
	    1);
}

static X509 *
make_cert(const struct how *h, const char *cn, const char *issuer, long serial,
    EVP_PKEY *key, EVP_PKEY *signer, bool ca)
{
	X509 *x = X509_new();

	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), serial), 1);
	assert_non_null(ASN1_TIME_set(
	    X509_getm_notBefore(x), (time_t)(h->from ? h->from : NOW - DAY)));
	assert_non_null(ASN1_TIME_set(
	    X509_getm_notAfter(x), (time_t)(h->to ? h->to : NOW + DAY)));
	name(X509_get_subject_name(x), cn);
	name(X509_get_issuer_name(x), issuer);
	assert_int_equal(X509_set_pubkey(x, h->of ? h->of : key), 1);
	extend(x, NID_basic_constraints, h->basic,
	    ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extend(x, NID_key_usage, h->usage,
	    ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	extend(x, NID_ext_key_usage, h->eku, ca ? NULL : "2.23.133.8.3");
	assert_true(X509_sign(x, h->by ? h->by : signer,
			h->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
	return x;
}

static void
keep(struct fake *f, X509 *x, bool missing)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	assert_true(n > 0);
	if (!missing)
		assert_int_equal(endorse_add(f->bag, der, (size_t)n), 0);
	OPENSSL_free(der);
}

/* Revokes serial 3, the leaf's. */
static void
revoke(struct fake *f)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)NOW - 60);
	unsigned char *der = NULL;
	int n;

	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	name(X509_CRL_get_issuer(crl), "mid");
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, t), 1);
	assert_int_equal(ASN1_INTEGER_set(serial, 3), 1);
	assert_int_equal(X509_REVOKED_set_serialNumber(entry, serial), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(entry, t), 1);
	assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
	assert_non_null(ASN1_TIME_set(t, (time_t)NOW + DAY));
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, t), 1);
	assert_true(X509_CRL_sign(crl, keys[MID], EVP_sha256()) > 0);
	n = i2d_X509_CRL(crl, &der);
	assert_int_equal(endorse_add(f->bag, der, (size_t)n), 0);
	OPENSSL_free(der);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(serial);
	X509_CRL_free(crl);
}

static void
make(struct fake *f, EVP_PKEY *ak, char pin[65])
{
	X509 *root = make_cert(
		 &f->root, "root", "root", 1, keys[ROOT], keys[ROOT], true),
	     *mid = make_cert(
		 &f->mid, "mid", "root", 2, keys[MID], keys[ROOT], true),
	     *leaf = make_cert(&f->leaf, "leaf", f->flat ? "root" : "mid", 3,
		 ak, keys[f->flat ? ROOT : MID], false),
	     *old;
	struct how over = {.from = NOW - 9 * DAY, .to = NOW - 8 * DAY};
	uint8_t spki[32];

	assert_int_equal(endorse_new(&f->bag), 0);
	if (f->twice) {
		old = make_cert(&over, "leaf", "mid", 9, ak, keys[MID], false);
		keep(f, old, false);
		X509_free(old);
	}
	keep(f, leaf, f->no_leaf);
	keep(f, mid, f->no_mid || f->flat);
	keep(f, root, f->no_root);
	if (f->revoked)
		revoke(f);
	assert_int_equal(chain_spki_sha256(root, spki), 0);
	rows_hex(spki, 32, pin);
	X509_free(root);
	X509_free(mid);
	X509_free(leaf);
}

/* "": accepted, else the first row that says no. */
static const char *
verdict(struct fake f, const char **why)
{
	static struct appraise_result result;
	struct fake_tpm tpm = fake_tpm_good();
	struct appraise_policy *p;
	struct appraise_input in = {.tee = "tpm", .time = NOW};
	char pin[65], text[1024];
	json_t *o = fake_tpm_doc(&tpm);
	unsigned i;
	size_t n;
	int r;

	make(&f, tpm.key, pin);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"tpm\":{\"ak_roots\":[%s%s%s]%s}}", f.pins ? "" : "\"",
	    f.pins ? f.pins : pin, f.pins ? "" : "\"", f.more ? f.more : "");
	if (appraise_policy_parse(text, strlen(text), &p) != 0)
		fail_msg("%s: %s", text, json_why());
	in.policy = p;
	in.given = f.bag;
	in.raw = (uint8_t *)json_text(o, &n);
	in.raw_n = n;
	r = appraise_input(&in, NULL, &result, NULL);
	assert_int_equal(r == CL_OK, result.accepted);
	/* Nobody speaks for a platform. */
	if (result.accepted)
		assert_string_equal(result.tcb, "");
	appraise_policy_free(p);
	secmem_free((void *)(uintptr_t)in.raw);
	json_decref(o);
	endorse_free(f.bag);
	for (i = 0; i < result.nrows && result.rows[i].ok; i++)
		;
	if (why)
		*why = i < result.nrows ? result.rows[i].came : "";
	return i < result.nrows ? result.rows[i].claim : "";
}

#define FAKE(...) ((struct fake){__VA_ARGS__})
#define is(claim, ...)                                                         \
	assert_string_equal(claim, verdict(FAKE(__VA_ARGS__), NULL))

static void
validity_is_that_of_the_time(void **state)
{
	const char *why;

	(void)state;
	is("ak.chain", .leaf = {.to = NOW - 1});
	is("ak.chain", .leaf = {.from = NOW + 60});
	is("ak.chain", .mid = {.to = NOW - 1});
	is("ak.chain", .root = {.to = NOW - 1});
	assert_string_equal(
	    "ak.chain", verdict(FAKE(.leaf = {.to = NOW - 1}), &why));
	assert_non_null(strstr(why, "expired"));
}

static void
another_ca_is_no_ca(void **state)
{
	static const char other[] =
	    "\"abababababababababababababababababababababababababababababababab"
	    "\"";

	(void)state;
	is("ak.chain", .pins = other);
	is("ak.chain", .pins = "");
	is("ak.chain", .leaf = {.by = keys[STRANGER]});
	is("ak.chain", .mid = {.by = keys[STRANGER]});
	is("ak.chain", .root = {.by = keys[STRANGER]});
	is("ak.chain", .mid = {.of = keys[STRANGER]});
	is("ak.chain", .no_mid = true);
	is("ak.chain", .no_root = true);
	/* The owner's pin is of the CA, not of whatever it signed. */
	is("ak.chain", .flat = true, .leaf = {.by = keys[STRANGER]});
}

static void
ca_flags_are_needed(void **state)
{
	(void)state;
	is("ak.chain", .mid = {.basic = ""});
	is("ak.chain", .mid = {.basic = "critical,CA:FALSE"});
	is("ak.chain", .mid = {.usage = "critical,digitalSignature"});
	is("ak.chain", .root = {.basic = ""});
	is("ak.chain", .root = {.basic = "critical,CA:TRUE,pathlen:0"});
	is("ak.chain", .leaf = {.basic = "critical,CA:TRUE"});
}

static void
the_key_must_be_that_of_the_quote(void **state)
{
	(void)state;
	is("ak.certificate", .leaf = {.of = rsa});
	is("ak.certificate", .leaf = {.of = keys[STRANGER]});
	is("ak.certificate", .no_leaf = true);
}

static void
only_attestation_keys_attest(void **state)
{
	(void)state;
	is("ak.key_usage", .leaf = {.usage = ""});
	is("ak.key_usage", .leaf = {.usage = "critical,keyEncipherment"});
	is("ak.key_usage",
	    .leaf = {.usage = "critical,digitalSignature,keyCertSign"});
	/* An endorsement key's, a web server's, any. */
	is("ak.extended_key_usage", .leaf = {.eku = "2.23.133.8.1"});
	is("ak.extended_key_usage", .leaf = {.eku = "serverAuth"});
	is("ak.extended_key_usage", .leaf = {.eku = "anyExtendedKeyUsage"});
}

static void
weak_signatures_are_refused(void **state)
{
	const char *why;

	(void)state;
	is("ak.chain", .mid = {.sha1 = true});
	assert_string_equal(
	    "ak.chain", verdict(FAKE(.leaf = {.sha1 = true}), &why));
	assert_non_null(strstr(why, "SHA-1"));
}

static void
a_revoked_certificate_is_refused(void **state)
{
	(void)state;
	is("ak.crl", .revoked = true);
}

static void
certificates_need_a_pin(void **state)
{
	struct fake_tpm tpm = fake_tpm_good();
	struct appraise_result result;
	struct appraise_policy *p;
	struct appraise_input in = {.tee = "tpm", .time = NOW};
	struct fake f = {0};
	char pin[65], why[512];
	json_t *o = fake_tpm_doc(&tpm);
	size_t n;

	(void)state;
	make(&f, tpm.key, pin);
	assert_int_equal(appraise_policy_parse("{\"v\":1}", 7, &p), 0);
	in.policy = p;
	in.given = f.bag;
	in.raw = (uint8_t *)json_text(o, &n);
	in.raw_n = n;
	assert_int_equal(
	    appraise_input(&in, NULL, &result, NULL), CL_ERR_EVIDENCE);
	appraise_first_refusal(&result, why, sizeof(why));
	assert_memory_equal(why, "ak.pinned:", 10);
	appraise_policy_free(p);
	secmem_free((void *)(uintptr_t)in.raw);
	json_decref(o);
	endorse_free(f.bag);
}

static void
policies_are_strict(void **state)
{
	static const char *const bad[] = {"\"ab\"", "1",
	    "\"ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB"
	    "\""};
	struct appraise_policy *p;
	char text[1024] = "{\"v\":1,\"tpm\":{\"ak_roots\":[";
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
		    "{\"v\":1,\"tpm\":{\"ak_roots\":[%s]}}", bad[i]);
		assert_int_not_equal(
		    appraise_policy_parse(text, strlen(text), &p), 0);
		assert_non_null(strstr(json_why(), "ak_roots"));
	}
	strcpy(text, "{\"v\":1,\"tpm\":{\"ak_roots\":[");
	for (i = 0; i < 9; i++) /* one more than there is room for */
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s\"%064u\"", i ? "," : "", i);
	strcat(text, "]}}");
	assert_int_not_equal(appraise_policy_parse(text, strlen(text), &p), 0);
}

static void
a_certificate_below_a_pinned_ca_is_believed(void **state)
{
	(void)state;
	is("");
	is("", .flat = true);
	is("", .leaf = {.eku = ""});
	is("", .mid = {.usage = ""}); /* limits nothing (RFC 5280, 4.2.1.3) */
	is("", .leaf = {.eku = "clientAuth,2.23.133.8.3"});
	is("", .root = {.basic = "critical,CA:TRUE,pathlen:1"});
	/* A renewed one, beside the old. */
	is("", .twice = true);
	/* Reference values decide as for a pinned key. */
	is("pcr2", .more = ",\"pcrs\":{\"2\":[]}");
}

static int
start(void **state)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		if (!(keys[i] = EVP_EC_gen("P-256")))
			return -1;
	return fake_tpm_keys(state);
}

static int
end(void **state)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		EVP_PKEY_free(keys[i]);
	return fake_tpm_free_keys(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(validity_is_that_of_the_time),
	    cmocka_unit_test(another_ca_is_no_ca),
	    cmocka_unit_test(ca_flags_are_needed),
	    cmocka_unit_test(the_key_must_be_that_of_the_quote),
	    cmocka_unit_test(only_attestation_keys_attest),
	    cmocka_unit_test(weak_signatures_are_refused),
	    cmocka_unit_test(a_revoked_certificate_is_refused),
	    cmocka_unit_test(certificates_need_a_pin),
	    cmocka_unit_test(policies_are_strict),
	    cmocka_unit_test(a_certificate_below_a_pinned_ca_is_believed),
	};

	return cmocka_run_group_tests(tests, start, end);
}
