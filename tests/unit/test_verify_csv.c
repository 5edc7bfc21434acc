/* policy/verify_csv on Hygon's own report and certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv_case.h"
#include "shared_evidence.h"

static const uint8_t real_user_data[64] = "user data";

static void
add_file(struct endorse *bag, const char *name)
{
	size_t n;
	uint8_t *p = shared_read(name, &n);

	assert_int_equal(endorse_add(bag, p, n), 0);
	free(p);
}

static struct endorse *
real_bag(void)
{
	struct endorse *bag;

	assert_int_equal(endorse_new(&bag), 0);
	add_file(bag, "csv/hrk.cert");
	add_file(bag, "csv/hsk.cert");
	add_file(bag, "csv/cek.cert");
	return bag;
}

static void
real_report(const char *name, uint8_t out[REPORT])
{
	size_t n;
	uint8_t *p = shared_read(name, &n);

	assert_int_equal(n, REPORT);
	memcpy(out, p, n);
	free(p);
}

static void
real_reports_are_genuine(void **state)
{
	uint8_t report[4096] = {0};
	struct endorse *bag, *short_bag;
	struct csv_evidence e;

	(void)state;
	shared_need();
	bag = real_bag();
	real_report("csv/report.cert", report);
	assert_string_equal(verdict(report, REPORT, bag, NULL, &e), "");
	assert_int_equal(e.version, 1);
	assert_int_equal(e.mac, CSV_MAC_GOOD);
	assert_true(e.sealing_key);
	assert_false(e.pek_plain || e.serial_plain || e.chain.test_root);
	assert_string_equal(e.serial, "NZA9T14052605");
	/* As the device gives it. */
	assert_string_equal(verdict(report, 4096, bag, NULL, &e), "");

	real_report("csv/derived_report_sealkey_zeroed.bin", report);
	assert_string_equal(verdict(report, REPORT, bag, NULL, &e), "");
	assert_int_equal(e.mac, CSV_MAC_NONE);
	assert_false(e.sealing_key);
	/* The root is known without a file of it. */
	assert_int_equal(endorse_new(&short_bag), 0);
	add_file(short_bag, "csv/hsk_cek.cert");
	assert_string_equal(verdict(report, REPORT, short_bag, NULL, &e), "");
	assert_string_equal(
	    verdict(report, REPORT, NULL, NULL, &e), "chain.cek");
	endorse_free(short_bag);
	endorse_free(bag);
}

static void
real_fields_are_as_expected(void **state)
{
	json_t *all, *expected, *fields, *value, *got;
	struct csv_evidence e;
	struct csv_report r;
	uint8_t report[REPORT];
	struct endorse *bag;
	const char *key;

	(void)state;
	shared_need();
	all = shared_json("csv/expected.json");
	expected = json_object_get(all, "report.cert");
	assert_non_null(expected);
	bag = real_bag();
	real_report("csv/report.cert", report);
	assert_string_equal(verdict(report, REPORT, bag, NULL, &e), "");
	assert_int_equal(csv_open(&e, real_user_data, NULL, &r), 0);
	fields = csv_print(&e, &r);
	json_object_foreach(expected, key, value)
	{
		got = json_object_get(fields, key);
		if (!got || !json_equal(got, value))
			fail_msg("%s differs", key);
	}
	json_decref(fields);
	/* Before user_data was compared there is no measure to read. */
	fields = csv_print(&e, NULL);
	assert_null(json_object_get(fields, "measure"));
	assert_null(json_object_get(fields, "policy"));
	assert_non_null(json_object_get(fields, "user_data"));
	json_decref(fields);
	json_decref(all);
	endorse_free(bag);
}

static void
each_signed_byte_counts(void **state)
{
	uint8_t report[REPORT];
	struct csv_evidence e;
	struct endorse *bag;
	unsigned i;

	(void)state;
	shared_need();
	bag = real_bag();
	real_report("csv/derived_report_sealkey_zeroed.bin", report);
	for (i = 0; i < 0x150; i++) {
		report[i] ^= 1u << i % 8;
		if (verdict(report, REPORT, bag, NULL, &e)[0] == '\0')
			fail_msg("byte 0x%x does not count", i);
		report[i] ^= 1u << i % 8;
	}
	assert_string_equal(verdict(report, REPORT, bag, NULL, &e), "");
	endorse_free(bag);
}

/* Of a PEK nothing answers for signature 2, the owner's own (0x61c to 0x823),
 * once the sealing key is out: a MAC could be made by anybody anyway. */
static void
each_byte_of_the_pek_counts(void **state)
{
	static const char *const files[] = {
	    "csv/derived_report_sealkey_zeroed.bin", "csv/report.cert"};
	uint8_t report[REPORT];
	struct csv_evidence e;
	struct endorse *bag;
	unsigned i, f, bad = 0;
	bool free_byte, genuine;

	(void)state;
	shared_need();
	bag = real_bag();
	for (f = 0; f < 2; f++) {
		real_report(files[f], report);
		for (i = 0; i < CSV_CERT; i += i < 0x4ac ? 1 : 7) {
			report[0x150 + i] ^= 0x10;
			genuine = !verdict(report, REPORT, bag, NULL, &e)[0];
			free_byte = f == 0 && i >= 0x61c;
			bad += genuine != free_byte;
			report[0x150 + i] ^= 0x10;
		}
	}
	assert_int_equal(bad, 0);
	endorse_free(bag);
}

static void
each_byte_of_a_certificate_counts(void **state)
{
	static const char *const files[] = {
	    "csv/hrk.cert", "csv/hsk.cert", "csv/cek.cert"};
	struct appraise_result rows;
	struct csv_chain chain;
	struct csv_evidence e;
	uint8_t report[REPORT], *p;
	struct endorse *bag, *damaged;
	unsigned f, g;
	size_t n, i;

	(void)state;
	shared_need();
	bag = real_bag();
	real_report("csv/report.cert", report);
	assert_string_equal(verdict(report, REPORT, bag, NULL, &e), "");
	for (f = 0; f < 3; f++) {
		p = shared_read(files[f], &n);
		for (i = 0; i < n; i++) {
			assert_int_equal(endorse_new(&damaged), 0);
			for (g = 0; g < 3; g++)
				if (g != f)
					add_file(damaged, files[g]);
			p[i] ^= 1u << i % 8;
			(void)!endorse_add(damaged, p, n);
			p[i] ^= 1u << i % 8;
			memset(&rows, 0, sizeof(rows));
			if (csv_chain_build(
				&e.pek, NULL, damaged, NULL, &chain, &rows))
				fail_msg("%s: byte 0x%zx does not count",
				    files[f], i);
			endorse_free(damaged);
		}
		free(p);
	}
	endorse_free(bag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(real_reports_are_genuine),
	    cmocka_unit_test(real_fields_are_as_expected),
	    cmocka_unit_test(each_signed_byte_counts),
	    cmocka_unit_test(each_byte_of_the_pek_counts),
	    cmocka_unit_test(each_byte_of_a_certificate_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
