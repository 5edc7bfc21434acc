/* policy/pck: the SGX extension, which no byte may leave unsaid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_intel.h"
#include "fake_pcs.h"

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

/* Parses a certificate with this extension. */
static int
extension(const uint8_t *der, size_t n, struct pck *out)
{
	struct fake_cert leaf = {
	    .cn = "x", .key = f->pck_key, .serial = 3, .path = -1};
	X509 *cert = fake_begin(&leaf);
	int r;

	fake_add_sgx(cert, der, n);
	assert_true(X509_sign(cert, f->pck_key, EVP_sha256()) > 0);
	r = pck_parse(cert, out);
	X509_free(cert);
	return r;
}

static void
is_strict_about_the_extension(void **state)
{
	uint8_t der[4096], bad[4096];
	size_t n, i;
	struct pck pck;

	(void)state;
	p.pcesvn = 0xfffe;
	p.comp[15] = 0x80;
	n = fake_sgx_extension(&p, der);
	assert_int_equal(extension(der, n, &pck), 0);
	assert_memory_equal(pck.comp, p.comp, 16);
	assert_memory_equal(pck.fmspc, p.fmspc, 6);
	assert_int_equal(pck.pcesvn, 0xfffe);
	assert_true(pck.platform && pck.dynamic && !pck.smt);
	for (i = 0; i < n; i++)
		assert_int_not_equal(extension(der, i, &pck), 0);
	/* No changed byte upsets anybody. */
	for (i = 0; i < n; i++) {
		memcpy(bad, der, n);
		bad[i] ^= 0x40;
		(void)extension(bad, n, &pck);
	}
	memcpy(bad, der, n);
	bad[n] = 0;
	assert_int_equal(extension(bad, n + 1, &pck), CL_ERR_FORMAT);
	assert_int_equal(pck_parse(f->root, &pck), CL_ERR_NOT_FOUND);
}

/* The extension with cut bytes less at its end, and more instead. */
static int
reformed(size_t cut, const uint8_t *more, size_t more_n)
{
	uint8_t der[4096], content[4096];
	size_t n = fake_sgx_extension(&p, der) - 4 - cut;
	struct pck pck;
	int r;

	memcpy(content, der + 4, n);
	if (more_n)
		memcpy(content + n, more, more_n);
	n = fake_tlv(0x30, content, n + more_n, der);
	r = extension(der, n, &pck);
	if (r == 0)
		assert_false(pck.platform);
	return r;
}

static void
wants_each_member_once(void **state)
{
	static const uint8_t zeros[16], two = 2, three = 3, yes = 0xff;
	uint8_t more[256], flags[64];
	size_t config, instance, n, cut;

	(void)state;
	n = fake_member(7, 1, V_ASN1_BOOLEAN, &yes, 1, flags);
	config = fake_member(7, 0, 0x30, flags, n, more);
	instance = fake_member(6, 0, V_ASN1_OCTET_STRING, zeros, 16, more);
	/* A processor's CA leaves both out; one alone is neither. */
	assert_int_equal(reformed(config + instance, NULL, 0), 0);
	assert_int_equal(reformed(config, NULL, 0), CL_ERR_FORMAT);
	/* Twice; of a kind that is not known; out of range. */
	n = fake_member(5, 0, V_ASN1_ENUMERATED, &two, 1, more);
	assert_int_equal(reformed(config + instance, more, n), CL_ERR_FORMAT);
	assert_int_equal(reformed(config + instance + n, more, n), 0);
	n = fake_member(5, 0, V_ASN1_ENUMERATED, &three, 1, more);
	assert_int_equal(
	    reformed(config + instance + n, more, n), CL_ERR_FORMAT);
	n = fake_member(8, 0, V_ASN1_OCTET_STRING, zeros, 1, more);
	assert_int_equal(reformed(config + instance, more, n), CL_ERR_FORMAT);
	/* A number in more bytes than it needs, or below zero. */
	n = fake_member(5, 0, V_ASN1_ENUMERATED, &two, 1, more);
	cut = config + instance + n;
	n = fake_member(5, 0, V_ASN1_ENUMERATED, zeros, 2, more);
	assert_int_equal(reformed(cut, more, n), CL_ERR_FORMAT);
	n = fake_member(5, 0, V_ASN1_ENUMERATED, zeros, 1, more);
	assert_int_equal(reformed(cut, more, n), 0);
	n = fake_member(5, 0, V_ASN1_ENUMERATED, &yes, 1, more);
	assert_int_equal(reformed(cut, more, n), CL_ERR_FORMAT);
	/* A member of the TCB where a top one belongs. */
	n = fake_member(2, 5, V_ASN1_INTEGER, zeros, 1, more);
	assert_int_equal(reformed(config + instance, more, n), CL_ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_strict_about_the_extension),
	    cmocka_unit_test(wants_each_member_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
