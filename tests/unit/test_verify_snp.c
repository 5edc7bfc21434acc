/* policy/verify_snp on AMD's own reports and certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/verify_snp.h"
#include "policy/verify_snp_vek.h"
#include "shared_evidence.h"

#define T_2026 INT64_C(1782864000) /* 2026-07-01T00:00Z */
#define T_2025 INT64_C(1751328000) /* 2025-07-01T00:00Z */

/* The reports, their chains, and what to expect at which time. */
static const struct vector {
	const char *name, *chain;
	int64_t time;
	const char *refused; /* by the default policy: first row */
} vectors[] = {
    {"gosev", "snp/roots/ask_ark_milan.pem", T_2026, "policy.debug"},
    {"virtee", "snp/roots/ask_ark_milan.pem", T_2026, NULL},
    {"trustee-e2e", "snp/roots/ask_ark_genoa.pem", T_2026, NULL},
    {"ms-genoa", "snp/roots/genoa_ask_ark_asvk.pem", T_2026, NULL},
    {"ms-turin", "snp/roots/ask_ark_turin_vcek.pem", T_2026, NULL},
    {"trustee-vlek", "snp/roots/ask_ark_milan_vlek.pem", T_2025, "vmpl"},
    {"az-v0", "snp/roots/milan_ask_ark_asvk.pem", T_2026, NULL},
};

#define NVECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* One of them, read. */
struct real {
	const struct vector *v;
	json_t *all;
	const json_t *expected;
	uint8_t report[SNP_REPORT];
	struct endorse *bag;
};

static struct endorse *
bag_of(const char *const files[], unsigned n)
{
	struct endorse *bag;
	unsigned i;
	size_t len;
	uint8_t *p;

	assert_int_equal(endorse_new(&bag), CL_OK);
	for (i = 0; i < n; i++) {
		p = shared_read(files[i], &len);
		assert_int_equal(endorse_add(bag, p, len), CL_OK);
		free(p);
	}
	return bag;
}

static void
load(struct real *r, const struct vector *v)
{
	const char *files[2];
	uint8_t *p;
	size_t n;

	memset(r, 0, sizeof(*r));
	r->v = v;
	r->all = shared_json("snp/expected.json");
	r->expected = json_object_get(r->all, v->name);
	assert_non_null(r->expected);
	p = shared_read(
	    json_string_value(json_object_get(r->expected, "report")), &n);
	assert_int_equal(n, SNP_REPORT);
	memcpy(r->report, p, n);
	free(p);
	files[0] = json_string_value(json_object_get(r->expected, "vek"));
	files[1] = v->chain;
	r->bag = bag_of(files, 2);
}

static void
unload(struct real *r)
{
	endorse_free(r->bag);
	json_decref(r->all);
}

static int
verify(const uint8_t *report, const struct endorse *bag, int64_t time,
    struct snp_evidence *e, struct appraise_result *rows)
{
	struct snp_policy policy;

	assert_int_equal(snp_policy_parse(NULL, &policy), CL_OK);
	memset(rows, 0, sizeof(*rows));
	return snp_verify(
	    report, SNP_REPORT, NULL, bag, NULL, time, &policy, e, rows);
}

/* First refused row; "" when there is none. */
static const char *
refused(const struct appraise_result *rows)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (!rows->rows[i].ok)
			return rows->rows[i].claim;
	return "";
}

static void
every_vector_gives_its_result(void **state)
{
	struct snp_policy policy;
	struct appraise_result rows;
	struct snp_evidence e;
	struct real r;
	unsigned i;

	(void)state;
	shared_need();
	assert_int_equal(snp_policy_parse(NULL, &policy), CL_OK);
	for (i = 0; i < NVECTORS; i++) {
		load(&r, &vectors[i]);
		assert_int_equal(
		    verify(r.report, r.bag, r.v->time, &e, &rows), CL_OK);
		assert_string_equal(refused(&rows), "");
		assert_int_equal(snp_appraise(&e, &policy, &rows),
		    r.v->refused ? CL_ERR_APPRAISAL : CL_OK);
		assert_string_equal(
		    refused(&rows), r.v->refused ? r.v->refused : "");
		unload(&r);
	}
}

static void
same_json(const json_t *a, const json_t *b)
{
	char *x, *y;

	if (json_equal(a, b))
		return;
	x = json_dumps(a, JSON_SORT_KEYS);
	y = json_dumps(b, JSON_SORT_KEYS);
	fail_msg("%s\nis not\n%s", x, y);
}

static void
fields_are_as_the_vectors_say(void **state)
{
	struct appraise_result rows;
	struct snp_evidence e;
	json_t *report, *vek;
	struct real r;
	unsigned i;

	(void)state;
	shared_need();
	for (i = 0; i < NVECTORS; i++) {
		load(&r, &vectors[i]);
		assert_int_equal(
		    verify(r.report, r.bag, r.v->time, &e, &rows), CL_OK);
		report = snp_print(&e.report);
		vek = snp_vek_print(&e.vek);
		same_json(report, json_object_get(r.expected, "fields"));
		same_json(vek, json_object_get(r.expected, "vek_cert"));
		json_decref(report);
		json_decref(vek);
		unload(&r);
	}
}

/* Verification with another chain, or at another time. */
static void
refuses_with(const char *name, const char *chain, int64_t time)
{
	struct appraise_result rows;
	struct snp_evidence e;
	struct vector v = {name, chain, time, NULL};
	struct real r;

	load(&r, &v);
	assert_int_equal(
	    verify(r.report, r.bag, time, &e, &rows), CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "chain");
	unload(&r);
}

static void
other_chains_and_times_are_refused(void **state)
{
	(void)state;
	shared_need();
	refuses_with("az-v0", "snp/roots/ask_ark_genoa.pem", T_2026);
	refuses_with("az-v0", "snp/roots/ask_ark_milan_vlek.pem", T_2026);
	refuses_with("ms-turin", "snp/roots/ask_ark_turin_vlek.pem", T_2026);
	/* The VLEK is no child of the ASK. */
	refuses_with("trustee-vlek", "snp/roots/ask_ark_milan.pem", T_2025);
	/* Too late for the VLEK, before any VCEK, after all of it. */
	refuses_with(
	    "trustee-vlek", "snp/roots/ask_ark_milan_vlek.pem", T_2026);
	refuses_with("virtee", "snp/roots/ask_ark_milan.pem", 1650000000);
	refuses_with("virtee", "snp/roots/ask_ark_milan.pem", 2500000000);
	refuses_with("virtee", "snp/roots/ask_ark_milan.pem", 0);
}

/* Reports as a certificate of another chip, another time, other levels. */
static void
other_peoples_certificates_are_refused(void **state)
{
	const char *const files[] = {"snp/virtee-vcek-milan.der",
	    "snp/gosev-vcek.der", "snp/roots/ask_ark_milan.pem"};
	struct endorse *bag;
	struct appraise_result rows;
	struct snp_evidence e;
	struct real r;

	(void)state;
	shared_need();
	load(&r, &vectors[6]);
	bag = bag_of(files, 3);
	assert_int_equal(
	    verify(r.report, bag, T_2026, &e, &rows), CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "report.signature");
	endorse_free(bag);
	bag = bag_of(files + 2, 1);
	assert_int_equal(
	    verify(r.report, bag, T_2026, &e, &rows), CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "vek");
	endorse_free(bag);
	assert_int_equal(
	    verify(r.report, NULL, T_2026, &e, &rows), CL_ERR_EVIDENCE);
	unload(&r);
}

/* The certificate that suits is found among many. */
static void
certificates_are_chosen_by_content(void **state)
{
	const char *const files[] = {"snp/virtee-vcek-milan.der",
	    "snp/gosev-vcek.der", "snp/ms-turin-vcek.der",
	    "snp/ms-genoa-vcek.der", "snp/trustee-vlek.der",
	    "snp/trustee-e2e-vcek.der", "snp/az-v0-vcek.der",
	    "snp/roots/milan_ask_ark_asvk.pem",
	    "snp/roots/genoa_ask_ark_asvk.pem",
	    "snp/roots/turin_ask_ark_asvk.pem", "snp/roots/milan.crl.der"};
	struct endorse *bag;
	struct appraise_result rows;
	struct snp_evidence e;
	struct real r;
	unsigned i;

	(void)state;
	shared_need();
	bag = bag_of(files, sizeof(files) / sizeof(files[0]));
	for (i = 0; i < NVECTORS; i++) {
		load(&r, &vectors[i]);
		assert_int_equal(
		    verify(r.report, bag, r.v->time, &e, &rows), CL_OK);
		/* The list is AMD's for Milan, of summer 2026. */
		if (strcmp(r.v->name, "trustee-vlek") == 0)
			assert_int_equal(e.crl, CHAIN_CRL_EARLY);
		else if (e.report.product == ROOT_AMD_MILAN)
			assert_int_equal(e.crl, CHAIN_CRL_GOOD);
		else
			assert_int_equal(e.crl, CHAIN_CRL_NONE);
		unload(&r);
	}
	endorse_free(bag);
}

static void
mutation(const struct real *r, unsigned at, int add, const char *claim)
{
	struct appraise_result rows;
	struct snp_evidence e;
	uint8_t report[SNP_REPORT];
	unsigned i;

	memcpy(report, r->report, SNP_REPORT);
	report[at] = (uint8_t)(report[at] + add);
	assert_int_equal(
	    verify(report, r->bag, T_2026, &e, &rows), CL_ERR_EVIDENCE);
	for (i = 0; i < rows.nrows; i++)
		if (strcmp(rows.rows[i].claim, claim) == 0 && !rows.rows[i].ok)
			return;
	fail_msg("byte %u: %s is not refused", at, claim);
}

static void
listed_mutations_are_refused(void **state)
{
	struct real r;

	(void)state;
	shared_need();
	load(&r, &vectors[1]);
	mutation(&r, 42, 1, "report.signature");
	mutation(&r, 0x90, 1, "report.signature");
	mutation(&r, 384, 1, "vek.tcb");
	mutation(&r, 0x1a0, 1, "vek.chip");
	mutation(&r, 0, 4, "report.version");
	mutation(&r, 0, -1, "report.version");
	mutation(&r, 0x34, 1, "report.signature_algorithm");
	mutation(&r, 0x48, 4, "vek"); /* a VLEK is wanted then */
	mutation(&r, 0x48, 8, "report.signing_key");
	mutation(&r, 0x48, 28, "report.signing_key");
	mutation(&r, 0x188, 1, "report.reserved");
	mutation(&r, 0x2a0 + 48, 1, "report.reserved");
	mutation(&r, 0x2e8 + 71, 1, "report.reserved");
	mutation(&r, 0x49f, 1, "report.reserved");
	unload(&r);
}

static void
every_flipped_byte_of_a_report_is_refused(void **state)
{
	struct appraise_result rows;
	struct snp_evidence e;
	struct real r;
	unsigned i;

	(void)state;
	shared_need();
	load(&r, &vectors[4]);
	for (i = 0; i < SNP_REPORT; i++) {
		r.report[i] ^= (uint8_t)(1u << i % 8);
		if (verify(r.report, r.bag, T_2026, &e, &rows) !=
		    CL_ERR_EVIDENCE)
			fail_msg("byte %u", i);
		r.report[i] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(verify(r.report, r.bag, T_2026, &e, &rows), CL_OK);
	unload(&r);
}

/* The n-th certificate of the bag, its DER. */
static uint8_t *
der_of(const struct endorse *bag, unsigned at, size_t *n)
{
	unsigned char *der = NULL;
	int len = i2d_X509(bag->certs[at], &der);

	assert_true(len > 0);
	*n = (size_t)len;
	return der;
}

static void
every_flipped_byte_of_a_certificate_is_refused(void **state)
{
	struct appraise_result rows;
	struct snp_evidence e;
	struct endorse *bag;
	struct real r;
	unsigned at, k;
	size_t n, i, m;
	uint8_t *der, *other;

	(void)state;
	shared_need();
	load(&r, &vectors[1]);
	assert_int_equal(r.bag->ncerts, 3);
	for (at = 0; at < 3; at++) {
		der = der_of(r.bag, at, &n);
		for (i = 0; i < n; i++) {
			der[i] ^= (uint8_t)(1u << i % 8);
			assert_int_equal(endorse_new(&bag), CL_OK);
			for (k = 0; k < 3; k++) {
				if (k == at) {
					(void)!endorse_add(bag, der, n);
					continue;
				}
				other = der_of(r.bag, k, &m);
				assert_int_equal(
				    endorse_add(bag, other, m), CL_OK);
				OPENSSL_free(other);
			}
			if (verify(r.report, bag, T_2026, &e, &rows) !=
			    CL_ERR_EVIDENCE)
				fail_msg("certificate %u, byte %zu", at, i);
			endorse_free(bag);
			der[i] ^= (uint8_t)(1u << i % 8);
		}
		OPENSSL_free(der);
	}
	unload(&r);
}

static void
a_devices_response_is_unwrapped(void **state)
{
	uint8_t response[SNP_RESPONSE] = {0};
	const uint8_t *report;

	(void)state;
	response[4] = 0xa0;
	response[5] = 0x04;
	assert_int_equal(snp_unwrap(response, SNP_RESPONSE, &report), CL_OK);
	assert_ptr_equal(report, response + 32);
	assert_int_equal(snp_unwrap(response, SNP_REPORT, &report), CL_OK);
	assert_ptr_equal(report, response);
	assert_int_equal(
	    snp_unwrap(response, SNP_RESPONSE - 1, &report), CL_ERR_FORMAT);
	assert_int_equal(
	    snp_unwrap(response, SNP_REPORT + 1, &report), CL_ERR_FORMAT);
	assert_int_equal(snp_unwrap(response, 0, &report), CL_ERR_FORMAT);
	response[0] = 0x16; /* refused by the firmware */
	assert_int_equal(
	    snp_unwrap(response, SNP_RESPONSE, &report), CL_ERR_FORMAT);
	response[0] = 0;
	response[4] = 0xa1;
	assert_int_equal(
	    snp_unwrap(response, SNP_RESPONSE, &report), CL_ERR_FORMAT);
}

static void
other_lengths_are_no_reports(void **state)
{
	struct appraise_result rows = {0};
	struct snp_policy policy;
	struct snp_evidence e;
	uint8_t p[SNP_REPORT + 1] = {3};
	size_t n;

	(void)state;
	assert_int_equal(snp_policy_parse(NULL, &policy), CL_OK);
	for (n = 0; n <= SNP_REPORT + 1; n++)
		if (n != SNP_REPORT)
			assert_int_equal(snp_verify(p, n, NULL, NULL, NULL,
					     T_2026, &policy, &e, &rows),
			    CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "report.form");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_vector_gives_its_result),
	    cmocka_unit_test(fields_are_as_the_vectors_say),
	    cmocka_unit_test(other_chains_and_times_are_refused),
	    cmocka_unit_test(other_peoples_certificates_are_refused),
	    cmocka_unit_test(certificates_are_chosen_by_content),
	    cmocka_unit_test(listed_mutations_are_refused),
	    cmocka_unit_test(every_flipped_byte_of_a_report_is_refused),
	    cmocka_unit_test(every_flipped_byte_of_a_certificate_is_refused),
	    cmocka_unit_test(a_devices_response_is_unwrapped),
	    cmocka_unit_test(other_lengths_are_no_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
