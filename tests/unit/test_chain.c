/* policy/chain on chains of our own; what AMD adds is in test_verify_snp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_amd.h"
#include "policy/chain.h"

/* A good chain: root, intermediate, leaf in this order. */
static int
make(void **state)
{
	struct fake_amd *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->product = ROOT_AMD_MILAN;
	f->crl = true;
	fake_amd_make(f);
	assert_int_equal(f->bag->ncerts, 3);
	*state = f;
	return 0;
}

static int
drop(void **state)
{
	struct fake_amd *f = *state;

	fake_amd_free(f);
	free(f);
	return 0;
}

static int
build(const struct fake_amd *f, X509 *leaf, int64_t time, struct chain *c,
    char why[160])
{
	return chain_build(
	    leaf, f->bag, NULL, f->product, &f->roots, time, c, why);
}

static void
the_three_are_found(void **state)
{
	struct fake_amd *f = *state;
	struct endorse *none;
	struct chain c;
	char why[160];

	assert_int_equal(build(f, f->bag->certs[2], FAKE_NOW, &c, why), CL_OK);
	assert_ptr_equal(c.root, f->bag->certs[0]);
	assert_ptr_equal(c.intermediate, f->bag->certs[1]);
	assert_ptr_equal(c.leaf, f->bag->certs[2]);
	assert_true(c.test_root);
	/* From either bag, or one of them missing. */
	assert_int_equal(endorse_new(&none), CL_OK);
	assert_int_equal(chain_build(f->bag->certs[2], none, f->bag, f->product,
			     &f->roots, FAKE_NOW, &c, why),
	    CL_OK);
	assert_int_equal(chain_build(f->bag->certs[2], NULL, f->bag, f->product,
			     &f->roots, FAKE_NOW, &c, why),
	    CL_OK);
	assert_int_equal(chain_build(f->bag->certs[2], NULL, NULL, f->product,
			     &f->roots, FAKE_NOW, &c, why),
	    CL_ERR_EVIDENCE);
	endorse_free(none);
}

static void
the_time_is_the_callers(void **state)
{
	struct fake_amd *f = *state;
	struct chain c;
	char why[160];
	const int64_t bad[] = {INT64_MIN, -1, 0, FAKE_NOW - FAKE_DAY - 1,
	    FAKE_NOW + FAKE_DAY + 1, INT64_C(1) << 40};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(build(f, f->bag->certs[2], bad[i], &c, why),
		    CL_ERR_EVIDENCE);
		assert_true(why[0]);
		assert_null(c.root);
	}
}

static void
ca_certificates_are_no_leaves(void **state)
{
	struct fake_amd *f = *state;
	struct chain c;
	char why[160];

	assert_int_equal(
	    build(f, f->bag->certs[0], FAKE_NOW, &c, why), CL_ERR_EVIDENCE);
	assert_int_equal(
	    build(f, f->bag->certs[1], FAKE_NOW, &c, why), CL_ERR_EVIDENCE);
	assert_non_null(strstr(why, "no CA certificate"));
}

/* A signer directly under the root. */
static void
short_chains_have_no_intermediate(void **state)
{
	struct fake_amd *f = *state;
	struct fake_cert how = {0};
	struct chain c;
	char why[160];
	X509 *cert = fake_amd_cert(
	    &how, "Signer", "ARK-Milan", 5, fake_amd_key(FAKE_VEK));

	fake_amd_sign(cert, &how, fake_amd_key(FAKE_ARK));
	fake_amd_keep(f, cert);
	cert = f->bag->certs[3];
	assert_int_equal(chain_build_short(cert, f->bag, NULL, f->product,
			     &f->roots, FAKE_NOW, &c, why),
	    CL_OK);
	assert_null(c.intermediate);
	assert_ptr_equal(c.root, f->bag->certs[0]);
	assert_int_equal(chain_build_short(cert, f->bag, NULL, ROOT_INTEL,
			     &f->roots, FAKE_NOW, &c, why),
	    CL_ERR_EVIDENCE);
	assert_non_null(strstr(why, "not the pinned one"));
	assert_int_equal(chain_build_short(cert, f->bag, NULL, f->product, NULL,
			     FAKE_NOW, &c, why),
	    CL_ERR_EVIDENCE);
	/* The deep one's leaf is no child of the root, and back. */
	assert_int_equal(chain_build_short(f->bag->certs[2], f->bag, NULL,
			     f->product, &f->roots, FAKE_NOW, &c, why),
	    CL_ERR_EVIDENCE);
	assert_int_equal(build(f, cert, FAKE_NOW, &c, why), CL_ERR_EVIDENCE);
}

/* Namesakes that are expired or foreign do not hide the right one. */
static void
a_bad_namesake_hides_nothing(void **state)
{
	struct fake_amd *f = *state;
	struct fake_amd g = {.product = ROOT_AMD_MILAN,
	    .ask.to = FAKE_NOW - 1,
	    .ark.forged = true};
	struct fake_amd h = {.product = ROOT_AMD_MILAN, .ask.forged = true};
	struct chain c;
	char why[160];

	fake_amd_make(&g);
	fake_amd_make(&h);
	assert_int_equal(chain_build(f->bag->certs[2], g.bag, f->bag,
			     f->product, &f->roots, FAKE_NOW, &c, why),
	    CL_OK);
	assert_ptr_equal(c.intermediate, f->bag->certs[1]);
	assert_int_equal(chain_build(f->bag->certs[2], h.bag, f->bag,
			     f->product, &f->roots, FAKE_NOW, &c, why),
	    CL_OK);
	assert_int_equal(chain_build(f->bag->certs[2], g.bag, NULL, f->product,
			     &f->roots, FAKE_NOW, &c, why),
	    CL_ERR_EVIDENCE);
	fake_amd_free(&g);
	fake_amd_free(&h);
}

static enum chain_crl
listed(struct fake_amd *with, int64_t time)
{
	enum chain_crl v;

	with->product = ROOT_AMD_MILAN;
	with->crl = true;
	fake_amd_make(with);
	v = chain_revoked(with->bag->certs[1], with->bag->certs[0],
	    ROOT_AMD_MILAN, with->bag, NULL, time);
	fake_amd_free(with);
	return v;
}

#define crl(...) listed(&(struct fake_amd){__VA_ARGS__}, FAKE_NOW)

static void
revocation_lists_have_their_time(void **state)
{
	const int64_t before = FAKE_NOW - 1, after = FAKE_NOW + 1;

	(void)state;
	assert_int_equal(crl(.vlek = false), CHAIN_CRL_GOOD);
	assert_int_equal(crl(.crl_to = before), CHAIN_CRL_STALE);
	assert_int_equal(crl(.crl_from = after), CHAIN_CRL_EARLY);
	assert_int_equal(crl(.revoked = true), CHAIN_CRL_REVOKED);
	assert_int_equal(
	    crl(.revoked = true, .crl_to = before), CHAIN_CRL_REVOKED);
	assert_int_equal(crl(.crl_forged = true), CHAIN_CRL_BAD);
	assert_int_equal(
	    crl(.revoked = true, .crl_forged = true), CHAIN_CRL_BAD);
	assert_int_equal(crl(.crl_critical = true), CHAIN_CRL_BAD);
}

static void
lists_are_signed_as_the_vendor_signs(void **state)
{
	(void)state;
	assert_int_equal(crl(.crl_how.pkcs1 = true), CHAIN_CRL_BAD);
	assert_int_equal(crl(.crl_how.salt = 32), CHAIN_CRL_BAD);
	assert_int_equal(crl(.crl_how.sha256 = true), CHAIN_CRL_BAD);
	assert_int_equal(crl(.crl_how.mgf256 = true), CHAIN_CRL_BAD);
}

/* A list whose signed part names another algorithm than the one that it is
 * signed with. */
static void
lists_say_one_algorithm_only(void **state)
{
	static const uint8_t salt_48[] = {0xa2, 3, 2, 1, 48};
	struct fake_amd *f = *state;
	uint8_t der[4096], *p = der, *salt, sig[256];
	struct fake_cert how = {0};
	EVP_MD_CTX *ctx = fake_amd_signer(&how, fake_amd_key(FAKE_ARK));
	size_t n = (size_t)i2d_X509_CRL(f->bag->crls[0], &p), sig_n = 256, tbs;
	struct endorse *e;

	tbs = der[5] == 0x81 ? 3u + der[6] /* from its head on */
			     : 4u + (size_t)(der[6] << 8 | der[7]);
	salt = memmem(der, n, salt_48, sizeof(salt_48));
	assert_non_null(salt);
	assert_true(salt < der + 4 + tbs);
	salt[4] = 32;
	assert_int_equal(EVP_DigestSign(ctx, sig, &sig_n, der + 4, tbs), 1);
	memcpy(der + n - 256, sig, 256);
	assert_int_equal(endorse_new(&e), CL_OK);
	assert_int_equal(endorse_add(e, der, n), CL_OK);
	assert_int_equal(chain_revoked(f->bag->certs[1], f->bag->certs[0],
			     ROOT_AMD_MILAN, e, NULL, FAKE_NOW),
	    CHAIN_CRL_BAD);
	endorse_free(e);
	EVP_MD_CTX_free(ctx);
}

static void
the_gravest_list_counts(void **state)
{
	struct fake_amd *f = *state;
	struct fake_amd revoked = {
	    .product = ROOT_AMD_MILAN, .crl = true, .revoked = true};
	struct fake_amd forged = {
	    .product = ROOT_AMD_MILAN, .crl = true, .crl_forged = true};
	X509 *ask = f->bag->certs[1], *ark = f->bag->certs[0];

	fake_amd_make(&revoked);
	fake_amd_make(&forged);
	assert_int_equal(
	    chain_revoked(ask, ark, ROOT_AMD_MILAN, f->bag, NULL, FAKE_NOW),
	    CHAIN_CRL_GOOD);
	assert_int_equal(chain_revoked(ask, ark, ROOT_AMD_MILAN, f->bag,
			     revoked.bag, FAKE_NOW),
	    CHAIN_CRL_REVOKED);
	/* Anybody can forge one: it hides no good one. */
	assert_int_equal(chain_revoked(ask, ark, ROOT_AMD_MILAN, forged.bag,
			     f->bag, FAKE_NOW),
	    CHAIN_CRL_GOOD);
	assert_int_equal(
	    chain_revoked(ask, ark, ROOT_AMD_MILAN, NULL, NULL, FAKE_NOW),
	    CHAIN_CRL_NONE);
	/* Another issuer's says nothing. */
	assert_int_equal(chain_revoked(f->bag->certs[2], ask, ROOT_AMD_MILAN,
			     f->bag, NULL, FAKE_NOW),
	    CHAIN_CRL_NONE);
	fake_amd_free(&revoked);
	fake_amd_free(&forged);
}

static void
names_fit_and_are_printable(void **state)
{
	struct fake_amd *f = *state;
	struct fake_cert how = {0};
	X509 *cert =
	    fake_amd_cert(&how, "a\nb\033c", "x", 1, fake_amd_key(FAKE_VEK));
	char cn[32];

	chain_cn(cert, cn, sizeof(cn));
	assert_string_equal(cn, "a?b?c");
	X509_free(cert);
	chain_cn(f->bag->certs[0], cn, sizeof(cn));
	assert_string_equal(cn, "ARK-Milan");
	chain_cn(f->bag->certs[0], cn, 5);
	assert_string_equal(cn, "");
	cert = X509_new();
	chain_cn(cert, cn, sizeof(cn));
	assert_string_equal(cn, "");
	X509_free(cert);
}

#define chained(f) cmocka_unit_test_setup_teardown(f, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    chained(the_three_are_found),
	    chained(the_time_is_the_callers),
	    chained(ca_certificates_are_no_leaves),
	    chained(short_chains_have_no_intermediate),
	    chained(a_bad_namesake_hides_nothing),
	    cmocka_unit_test(revocation_lists_have_their_time),
	    cmocka_unit_test(lists_are_signed_as_the_vendor_signs),
	    chained(lists_say_one_algorithm_only),
	    chained(the_gravest_list_counts),
	    chained(names_fit_and_are_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
