/* policy/verify_tdx: real quotes and every change of them, malformed quotes,
 * certificate lists. */
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

#define MARCH_2026 INT64_C(1772323200)
#define V5	   "tdx/gotdx/quote_v5_sample.dat"
#define V4	   "tdx/ccel/cos-113-tdx-quote.dat"
/* Auth data of version 5, TD 1.5. */
#define AUTH_5 (48u + 6u + TDX_BODY_15)

static struct fake_verdict v;

/* ---- real quotes ----------------------------------------------------------
 */

static void
load(const char *name)
{
	uint8_t *p = shared_read(name, &v.quote_n);

	assert_true(v.quote_n <= sizeof(v.quote));
	memcpy(v.quote, p, v.quote_n);
	free(p);
	tdx_policy_init(&v.policy);
}

static struct endorse *
bag_of(const char *folder)
{
	char root[SHARED_PATH], path[SHARED_PATH + 64];
	struct endorse *e;
	unsigned skipped;

	assert_true(shared_root(root));
	snprintf(path, sizeof(path), "%s/%s", root, folder);
	assert_int_equal(endorse_new(&e), 0);
	assert_int_equal(endorse_add_path(e, path, &skipped), 0);
	return e;
}

/* Verification only: no bag, at the vectors' time. */
static int
check(const uint8_t *p, size_t n)
{
	static struct appraise_result rows;
	static struct tdx_quote q;
	struct tdx_tcb tcb;

	memset(&rows, 0, sizeof(rows));
	return tdx_verify(
	    p, n, NULL, NULL, NULL, MARCH_2026, &v.policy, &q, &tcb, &rows);
}

static void
real_quote_is_up_to_date(void **state)
{
	struct endorse *e;

	(void)state;
	shared_need();
	load(V5);
	e = bag_of("tdx/uptodate");
	fake_judge(&v, e, NULL, MARCH_2026);
	fake_show(&v.rows);
	assert_int_equal(v.verify, 0);
	assert_int_equal(v.appraise, 0);
	assert_string_equal(v.rows.tcb, "UpToDate");
	assert_int_equal(v.tcb.evaluation, 18);
	/* A month later the collateral is stale, and nothing is known. */
	fake_judge(&v, e, NULL, MARCH_2026 + 30 * FAKE_DAY);
	assert_int_equal(v.verify, 0);
	assert_int_equal(v.appraise, CL_ERR_APPRAISAL);
	assert_string_equal(v.rows.tcb, "unknown");
	/* Before the PCK certificate was made, it is not genuine. */
	fake_judge(&v, e, NULL, MARCH_2026 - 60 * FAKE_DAY);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	endorse_free(e);
}

static void
real_quote_with_old_collateral(void **state)
{
	struct endorse *e;

	(void)state;
	shared_need();
	load(V5);
	e = bag_of("tdx/gotdx");
	fake_judge(&v, e, NULL, MARCH_2026);
	assert_int_equal(v.verify, 0);
	assert_int_equal(v.appraise, CL_ERR_APPRAISAL);
	assert_string_equal(v.rows.tcb, "unknown");
	assert_non_null(fake_row(&v.rows, "tdx.crl.pck", false));
	endorse_free(e);
}

static void
real_quote_without_collateral(void **state)
{
	static const char *const name[] = {
	    V5, V4, "vtpm/az-tdx-vtpm/td-quote.bin"};
	size_t i;

	(void)state;
	shared_need();
	for (i = 0; i < 3; i++) {
		load(name[i]);
		fake_judge(&v, NULL, NULL, MARCH_2026);
		assert_int_equal(v.verify, 0);
		assert_int_equal(v.appraise, CL_ERR_APPRAISAL);
		assert_string_equal(v.rows.tcb, "unknown");
		assert_non_null(fake_row(&v.rows, "tdx.tcb_info", false));
	}
}

static void
intel_s_sample_is_refused(void **state)
{
	struct endorse *e;

	(void)state;
	shared_need();
	load("tdx/intel-qvl-sample/quote.dat");
	e = bag_of("tdx/intel-qvl-sample");
	fake_judge(&v, e, NULL, MARCH_2026);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	assert_non_null(fake_row(&v.rows, "tdx.certificates", false));
	endorse_free(e);
}

static void
prints_what_is_expected(void **state)
{
	json_t *all, *got, *want, *value;
	const char *name, *key;

	(void)state;
	shared_need();
	all = shared_json("tdx/expected.json");
	json_object_foreach(all, name, want)
	{
		char path[128];

		snprintf(path, sizeof(path), "tdx/%s", name);
		load(path);
		assert_int_equal(tdx_parse(v.quote, v.quote_n, &v.q), 0);
		assert_non_null(got = tdx_print(&v.q));
		json_object_foreach(want, key, value)
		{
			size_t n = strlen(key);

			/* Verdicts are not fields. */
			if (n > 6 && strcmp(key + n - 6, "_valid") == 0)
				continue;
			if (!json_equal(json_object_get(got, key), value))
				fail_msg("%s: %s differs", name, key);
		}
		json_decref(got);
	}
	json_decref(all);
}

static void
refuses_the_listed_mutations(void **state)
{
	(void)state;
	shared_need();
	load(V5);
	v.quote[0] = 3;
	assert_int_equal(check(v.quote, v.quote_n), CL_ERR_EVIDENCE);
	load(V5);
	v.quote[0x3c] = 0x32;
	assert_int_equal(check(v.quote, v.quote_n), CL_ERR_EVIDENCE);
	load(V4);
	assert_int_not_equal(v.quote[0x278], 0x10);
	v.quote[0x278] = 0x10;
	assert_int_equal(check(v.quote, v.quote_n), CL_ERR_EVIDENCE);
	load(V4);
	v.quote[0x3c] = 0x32;
	assert_int_equal(check(v.quote, v.quote_n), CL_ERR_EVIDENCE);
}

/* A version 5 quote ends with its PEM chain: no byte of it is free. */
static void
refuses_every_flipped_byte(void **state)
{
	static const uint8_t flip[] = {0x01, 0x20, 0x80};
	size_t i, k;

	(void)state;
	shared_need();
	load(V5);
	assert_int_equal(check(v.quote, v.quote_n), 0);
	for (i = 0; i < v.quote_n; i++)
		for (k = 0; k < sizeof(flip); k++) {
			/* What is signed shows any change alike. */
			if (i < AUTH_5 && k)
				continue;
			v.quote[i] ^= flip[k];
			if (check(v.quote, v.quote_n) != CL_ERR_EVIDENCE)
				fail_msg("byte %zu ^ 0x%02x holds", i, flip[k]);
			v.quote[i] ^= flip[k];
		}
	assert_int_equal(check(v.quote, v.quote_n), 0);
}

/* The padding of the other one is nobody's, and refuses nothing. */
static void
ignores_padding_only(void **state)
{
	size_t end, i;

	(void)state;
	shared_need();
	load(V4);
	assert_int_equal(tdx_parse(v.quote, v.quote_n, &v.q), 0);
	end = v.quote_n - v.q.trailing_n;
	memset(v.quote + end, 0xa5, v.q.trailing_n);
	assert_int_equal(check(v.quote, v.quote_n), 0);
	assert_int_equal(check(v.quote, end), 0);
	assert_int_equal(check(v.quote, end - 1), CL_ERR_EVIDENCE);
	for (i = 0; i < 700; i++) {
		v.quote[i] ^= 1;
		assert_int_equal(check(v.quote, end), CL_ERR_EVIDENCE);
		v.quote[i] ^= 1;
	}
}

/* ---- malformed -------------------------------------------------------------
 */

static struct fake_platform p;
static struct fake_intel *f;

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

static void
refuses_every_truncation(void **state)
{
	struct tdx_quote q;
	uint8_t *copy;
	size_t n;

	(void)state;
	v.quote_n = fake_quote(f, &p, v.quote, sizeof(v.quote));
	for (n = 0; n < v.quote_n; n++) {
		copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, v.quote, n);
		assert_int_not_equal(tdx_parse(copy, n, &q), 0);
		assert_null(q.raw);
		free(copy);
	}
	assert_int_equal(tdx_parse(v.quote, n, &q), 0);
}

struct patch {
	size_t at;
	unsigned n;
	uint32_t value;
	int err;
};

static void
refuses_bad_fields(void **state)
{
	static const struct patch patches[] = {
	    {0, 2, 3, CL_ERR_VERSION},
	    {0, 2, 6, CL_ERR_VERSION},
	    {0, 2, 0x0105, CL_ERR_VERSION},
	    {2, 2, 3, CL_ERR_UNSUPPORTED},
	    {4, 4, 0, CL_ERR_UNSUPPORTED},
	    {4, 4, 0x82, CL_ERR_UNSUPPORTED},
	    {12, 4, 0, CL_ERR_UNSUPPORTED},
	    {48, 2, 1, CL_ERR_UNSUPPORTED},
	    {48, 2, 4, CL_ERR_UNSUPPORTED},
	    {48, 2, 2, CL_ERR_FORMAT},
	    {50, 4, TDX_BODY_10, CL_ERR_FORMAT},
	    {50, 4, 0xffffffff, CL_ERR_FORMAT},
	    {AUTH_5, 4, 0xffffffff, CL_ERR_TRUNCATED},
	    {AUTH_5, 4, 0, CL_ERR_TRUNCATED},
	    {AUTH_5, 4, 133, CL_ERR_TRUNCATED},
	    {AUTH_5 + 4 + 128, 2, 5, CL_ERR_UNSUPPORTED},
	    {AUTH_5 + 4 + 128, 2, 1, CL_ERR_UNSUPPORTED},
	    {AUTH_5 + 4 + 130, 4, 0xffffffff, CL_ERR_TRUNCATED},
	    {AUTH_5 + 4 + 130, 4, 16, CL_ERR_TRAILING},
	    {AUTH_5 + 4 + 134 + 448, 2, 0xffff, CL_ERR_TRUNCATED},
	    {AUTH_5 + 4 + 134 + 450 + 32 + 2, 4, 16, CL_ERR_TRAILING},
	    {AUTH_5 + 4 + 134 + 450 + 32 + 2, 4, 0x7fffffff, CL_ERR_TRUNCATED},
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
		v.quote_n = fake_quote(f, &p, v.quote, sizeof(v.quote));
		for (k = 0; k < patches[i].n; k++)
			v.quote[patches[i].at + k] =
			    (uint8_t)(patches[i].value >> 8 * k);
		if (tdx_parse(v.quote, v.quote_n, &v.q) != patches[i].err)
			fail_msg("patch %zu: %d", i,
			    tdx_parse(v.quote, v.quote_n, &v.q));
	}
	assert_int_equal(
	    tdx_parse(v.quote, TDX_QUOTE_MAX + 1, &v.q), CL_ERR_TOO_LARGE);
}

/* Replaces the certificates; the sizes above them follow. */
static void
recertify(uint16_t type, const char *text, size_t n)
{
	size_t at = AUTH_5 + 4 + 134 + 450 + 32;

	v.quote_n = fake_quote(f, &p, v.quote, sizeof(v.quote));
	le16_put(v.quote + at, type);
	le32_put(v.quote + at + 2, (uint32_t)n);
	memcpy(v.quote + at + 6, text, n);
	le32_put(v.quote + AUTH_5 + 4 + 130, (uint32_t)(450 + 32 + 6 + n));
	le32_put(v.quote + AUTH_5, (uint32_t)(134 + 450 + 32 + 6 + n));
	v.quote_n = at + 6 + n;
	tdx_policy_init(&v.policy);
}

static int
certified(const char *text, size_t n, const struct endorse *bag)
{
	recertify(5, text, n);
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	return v.verify;
}

static void
reads_pem_and_no_more(void **state)
{
	static const struct {
		const char *tail;
		size_t n;
		int r;
	} tails[] = {
	    {"", 0, 0},
	    {"\0", 1, 0},
	    {"\0\0", 2, CL_ERR_EVIDENCE},
	    {"\n", 1, CL_ERR_EVIDENCE},
	    {"x", 1, CL_ERR_EVIDENCE},
	    {"\0x", 2, CL_ERR_EVIDENCE},
	};
	char pem[8192], other[16384];
	size_t n = fake_pem(f, false, pem, sizeof(pem)), m = 0, i;
	unsigned char *der = NULL;
	int der_n;

	(void)state;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		memcpy(other, pem, n);
		memcpy(other + n, tails[i].tail, tails[i].n);
		assert_int_equal(
		    certified(other, n + tails[i].n, NULL), tails[i].r);
	}
	/* The last line's end may be missing, its last dash may not. */
	assert_int_equal(certified(pem, n - 1, NULL), 0);
	assert_int_equal(certified(pem, n - 2, NULL), CL_ERR_EVIDENCE);
	memcpy(other, pem, n);
	memcpy(other + n - 1, "\0\n", 2);
	assert_int_equal(certified(other, n + 1, NULL), 0);
	/* Lines end in the manner of any system. */
	for (i = 0; i < n; i++) {
		if (pem[i] == '\n')
			other[m++] = '\r';
		other[m++] = pem[i];
	}
	assert_int_equal(certified(other, m, NULL), 0);
	/* DER, and certification data of the forms that need a look-up. */
	der_n = i2d_X509(f->pck, &der);
	assert_int_equal(
	    certified((char *)der, (size_t)der_n, NULL), CL_ERR_EVIDENCE);
	OPENSSL_free(der);
	recertify(3, pem, n);
	fake_judge(&v, NULL, &f->roots, FAKE_NOW);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	assert_int_equal(certified("", 0, NULL), CL_ERR_EVIDENCE);
}

/* Certificates by letter: leaf, CA, root, and a stranger. */
static size_t
listed(const char *which, char *out, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	for (; *which; which++)
		assert_int_equal(
		    PEM_write_bio_X509(bio, *which == 'L'   ? f->pck
					    : *which == 'C' ? f->ca
					    : *which == 'R' ? f->root
							    : f->tcb),
		    1);
	n = BIO_read(bio, out, (int)cap);
	assert_true(n > 0);
	BIO_free(bio);
	return (size_t)n;
}

static void
wants_leaf_ca_and_root(void **state)
{
	static const struct {
		const char *which;
		bool ok;
	} cases[] = {{"LCR", true}, {"LC", true}, {"L", false}, {"LR", false},
	    {"LRC", false}, {"CRL", false}, {"CLR", false}, {"LCRC", false},
	    {"LCC", false}, {"LLCR", false}, {"LCRS", false}, {"LCS", false},
	    {"LSCR", false}, {"SCR", false}, {"CR", false}};
	char text[16384];
	struct endorse *bag;
	size_t i;

	(void)state;
	/* Whatever else is at hand. */
	assert_int_equal(endorse_new(&bag), 0);
	fake_add_cert(bag, f->ca);
	fake_add_cert(bag, f->root);
	fake_add_cert(bag, f->pck);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if ((certified(text, listed(cases[i].which, text, sizeof(text)),
			 bag) == 0) != cases[i].ok)
			fail_msg("%s", cases[i].which);
	endorse_free(bag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		refuses_every_truncation, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		refuses_bad_fields, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		reads_pem_and_no_more, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		wants_leaf_ca_and_root, setup, teardown),
	    cmocka_unit_test(real_quote_is_up_to_date),
	    cmocka_unit_test(real_quote_with_old_collateral),
	    cmocka_unit_test(real_quote_without_collateral),
	    cmocka_unit_test(intel_s_sample_is_refused),
	    cmocka_unit_test(prints_what_is_expected),
	    cmocka_unit_test(refuses_the_listed_mutations),
	    cmocka_unit_test(refuses_every_flipped_byte),
	    cmocka_unit_test(ignores_padding_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
