/* policy/roots and policy/rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"
#include "policy/chain.h"
#include "policy/roots.h"
#include "policy/rows.h"
#include "shared_evidence.h"

static const struct {
	enum root_vendor vendor;
	const char *name, *spki;
} known[] = {
    {ROOT_AMD_MILAN, "AMD Milan",
	"9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"},
    {ROOT_AMD_GENOA, "AMD Genoa",
	"429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"},
    {ROOT_AMD_TURIN, "AMD Turin",
	"4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"},
    {ROOT_INTEL, "Intel SGX",
	"a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"},
    {ROOT_HYGON, "Hygon",
	"cfb7744bde61a72690c5d46410131a53ce3de8702f178c64d3152ea1e4194282"},
};

#define NKNOWN (sizeof(known) / sizeof(known[0]))

static void
each_vendor_has_its_own_root(void **state)
{
	uint8_t spki[32];
	bool test = true;
	unsigned i, k;

	(void)state;
	for (i = 0; i < NKNOWN; i++) {
		assert_string_equal(root_name(known[i].vendor), known[i].name);
		assert_int_equal(unhex(known[i].spki, spki, 32), 32);
		for (k = 0; k < NKNOWN; k++)
			assert_int_equal(
			    roots_trust(NULL, known[k].vendor, spki, &test),
			    i == k);
		assert_false(test);
		spki[31] ^= 1;
		assert_false(roots_trust(NULL, known[i].vendor, spki, &test));
		assert_false(roots_trust(NULL, 0, spki, &test));
	}
	assert_string_equal(root_name(0), "unknown vendor");
}

static void
test_roots_are_named_as_such(void **state)
{
	struct roots roots = {.nextra = 1};
	uint8_t spki[32];
	bool test = false;

	(void)state;
	memset(spki, 7, 32);
	roots.extra[0].vendor = ROOT_INTEL;
	memset(roots.extra[0].spki, 7, 32);
	assert_true(roots_trust(&roots, ROOT_INTEL, spki, &test));
	assert_true(test);
	assert_false(roots_trust(&roots, ROOT_HYGON, spki, &test));
	assert_false(test);
	roots.nextra = 0;
	assert_false(roots_trust(&roots, ROOT_INTEL, spki, &test));
	/* A vendor's own root is no test root, whoever else names it. */
	roots.nextra = 1;
	(void)unhex(known[3].spki, roots.extra[0].spki, 32);
	assert_true(
	    roots_trust(&roots, ROOT_INTEL, roots.extra[0].spki, &test));
	assert_false(test);
}

/* The pins against the vendors' certificates. */
static void
pins_are_those_of_the_vendors(void **state)
{
	static const struct {
		const char *file;
		enum root_vendor vendor;
	} files[] = {{"snp/roots/ask_ark_milan.pem", ROOT_AMD_MILAN},
	    {"snp/roots/ask_ark_genoa.pem", ROOT_AMD_GENOA},
	    {"snp/roots/ask_ark_turin_vcek.pem", ROOT_AMD_TURIN},
	    {"tdx/roots/intel_sgx_root_ca.der", ROOT_INTEL}};
	struct endorse *bag;
	uint8_t *p, spki[32];
	unsigned i, k, trusted;
	size_t n;
	bool test;

	(void)state;
	shared_need();
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		p = shared_read(files[i].file, &n);
		assert_int_equal(endorse_new(&bag), CL_OK);
		assert_int_equal(endorse_add(bag, p, n), CL_OK);
		for (k = trusted = 0; k < bag->ncerts; k++) {
			assert_int_equal(
			    chain_spki_sha256(bag->certs[k], spki), CL_OK);
			trusted +=
			    roots_trust(NULL, files[i].vendor, spki, &test);
		}
		assert_int_equal(trusted, 1);
		endorse_free(bag);
		free(p);
	}
}

static void
rows_say_what_was_expected_and_came(void **state)
{
	struct appraise_result r = {0};
	const char *two[] = {"aa", "bb"};
	struct rows_list list = {.given = true};
	const uint8_t byte[] = {0xbb};
	char text[5];

	(void)state;
	assert_true(rows_listed(&r, "a", &(struct rows_list){0}, "x"));
	assert_string_equal(r.rows[0].expected, "anything");
	assert_false(rows_listed(&r, "b", &list, "x"));
	assert_string_equal(r.rows[1].expected, "nothing");
	list.n = 2;
	memcpy(list.value, two, sizeof(two));
	assert_true(rows_listed_hex(&r, "c", &list, byte, 1));
	assert_string_equal(r.rows[2].came, "bb");
	assert_false(rows_listed(&r, "d", &list, "b"));
	assert_true(rows_least(&r, "e", 3, 3));
	assert_false(rows_least(&r, "f", 4, 3));
	assert_string_equal(r.rows[5].expected, "at least 4");
	assert_true(rows_same(&r, "g", byte, byte, 1));
	assert_false(rows_sayf(&r, "h", false, "x", "%d%%", 5));
	assert_string_equal(r.rows[7].came, "5%");
	assert_false(rows_all_ok(&r));
	rows_hex((const uint8_t *)"\x01\xfe", 2, text);
	assert_string_equal(text, "01fe");
}

static void
rows_show_where_bytes_differ(void **state)
{
	struct appraise_result r = {0};
	uint8_t a[64] = {0}, b[64] = {0};

	(void)state;
	assert_true(rows_same(&r, "a", a, b, 64));
	assert_string_equal(r.rows[0].came, "00000000000000000000000000000000");
	b[63] = 1;
	assert_false(rows_same(&r, "b", a, b, 64));
	assert_string_equal(
	    r.rows[1].expected, "...00000000000000000000000000000000");
	assert_string_equal(
	    r.rows[1].came, "...00000000000000000000000000000001");
	assert_true(rows_same(&r, "c", a, b, 63));
	b[48] = 7;
	assert_false(rows_same(&r, "d", a, b, 49));
	assert_string_equal(r.rows[3].came, "...07");
	b[0] = 9;
	assert_false(rows_same(&r, "e", a, b, 64));
	assert_string_equal(r.rows[4].came, "09000000000000000000000000000000");
}

static void
a_full_list_forgets_no_refusal(void **state)
{
	struct appraise_result r = {0};
	unsigned i;

	(void)state;
	for (i = 0; i < APPRAISE_MAX_ROWS; i++)
		(void)rows_say(&r, "fine", true, "", "");
	assert_true(rows_all_ok(&r));
	assert_false(rows_say(&r, "bad", false, "", ""));
	assert_false(rows_all_ok(&r));
	(void)rows_say(&r, "fine", true, "", "");
	assert_false(rows_all_ok(&r));
	assert_int_equal(r.nrows, APPRAISE_MAX_ROWS);
	(void)rows_say(&r, "worse", false, "", "");
	assert_string_equal(r.rows[APPRAISE_MAX_ROWS - 1].claim, "worse");
}

static void
long_texts_are_cut(void **state)
{
	struct appraise_result r = {0};
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_true(rows_say(&r, text, true, text, text));
	assert_int_equal(strlen(r.rows[0].claim), 39);
	assert_int_equal(strlen(r.rows[0].expected), 159);
	assert_int_equal(strlen(r.rows[0].came), 159);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_vendor_has_its_own_root),
	    cmocka_unit_test(test_roots_are_named_as_such),
	    cmocka_unit_test(pins_are_those_of_the_vendors),
	    cmocka_unit_test(rows_say_what_was_expected_and_came),
	    cmocka_unit_test(rows_show_where_bytes_differ),
	    cmocka_unit_test(a_full_list_forgets_no_refusal),
	    cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
