/* policy/verify_csv on made-up machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv_case.h"

static void
every_version_and_export_verifies(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct csv_evidence e;
	struct csv_report r;
	uint8_t report[HYGON_BUFFER];
	struct fake_csv f = plain_v1;
	unsigned i;
	size_t end;

	(void)state;
	for (i = 0; i < 12; i++) {
		f.version = 1 + i % 3;
		f.sealing_key = i / 3 & 1;
		f.plain = i / 6;
		end = f.version == 1 ? REPORT : 0xd34;
		fake_csv_report(h, &f, report);
		assert_string_equal(
		    verdict(report, end, bag, &h->roots, &e), "");
		assert_string_equal(
		    verdict(report, HYGON_BUFFER, bag, &h->roots, &e), "");
		assert_int_equal(e.version, f.version);
		assert_int_equal(e.sealing_key, f.sealing_key);
		assert_int_equal(
		    e.mac, f.sealing_key ? CSV_MAC_GOOD : CSV_MAC_NONE);
		assert_true(e.chain.test_root);
		assert_string_equal(e.serial, "TEST0001");
		assert_int_equal(csv_open(&e, asked, NULL, &r), 0);
		assert_int_equal(r.policy, 0x41);
		assert_int_equal(r.measure[31], 0x55);
		assert_int_equal(r.has_rtmr, f.version > 1);
		assert_int_equal(r.build, f.version > 1 ? 2337 : 0);
		assert_int_equal(r.rtmr[4][31], f.version > 1 ? 0x64 : 0);
		assert_int_equal(r.has_host_data, f.version == 3);
		assert_int_equal(r.host_data[63], f.version == 3 ? 0x77 : 0);
	}
	/* Cut short, it is nothing. */
	assert_string_not_equal(verdict(report, 0xd33, bag, &h->roots, &e), "");
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
each_signed_byte_of_version_2_counts(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct fake_csv f = plain_v1;
	struct csv_evidence e;
	uint8_t report[HYGON_BUFFER];
	unsigned i;

	(void)state;
	f.version = 2;
	fake_csv_report(h, &f, report);
	for (i = 0; i < 0x490; i++) {
		report[i] ^= 1u << i % 8;
		if (!verdict(report, 0xd34, bag, &h->roots, &e)[0])
			fail_msg("byte 0x%x does not count", i);
		report[i] ^= 1u << i % 8;
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
lengths_are_bounded(void **state)
{
	static const size_t bad[] = {0, 1, 4, 0xbf, 0xc0, REPORT - 1, 4097};
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct csv_evidence e;
	uint8_t report[HYGON_BUFFER], *exact;
	unsigned i;
	size_t n;

	(void)state;
	fake_csv_report(h, &plain_v1, report);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		exact = calloc(1, bad[i] + 1);
		memcpy(exact, report,
		    bad[i] < HYGON_BUFFER ? bad[i] : HYGON_BUFFER);
		assert_string_equal(
		    verdict(exact, bad[i], bag, &h->roots, &e), "report.form");
		free(exact);
	}
	for (n = REPORT; n <= HYGON_BUFFER; n += 129) {
		exact = malloc(n);
		memset(exact, 0x5a, n);
		assert_string_equal(
		    verdict(exact, n, bag, &h->roots, &e), "report.signature");
		free(exact);
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

/* One thing wrong in a certificate that is signed all the same. */
static const struct fault {
	const char *what, *refused, *why;
	char cert; /* r: HRK, s: HSK, c: CEK, p: PEK */
	unsigned at;
	uint8_t value;
} faults[] = {
    {"HRK's usage", "chain.hrk", "another usage word", 'r', 36, 1},
    {"HSK's usage", "chain.hsk", "another usage word", 's', 36, 0x14},
    {"CEK's usage", "chain.cek", "another usage word", 'c', 8, 0x03},
    {"HRK's curve", "chain.hrk", "a curve that", 'r', 64, 2},
    {"HSK's curve", "chain.hsk", "a curve that", 's', 64, 2},
    {"CEK's curve", "chain.cek", "a curve that", 'c', 16, 2},
    {"PEK's curve", "report.signature", "a curve that", 'p', 16, 2},
    {"CEK's algorithm", "chain.cek", "an algorithm", 'c', 12, 5},
    {"PEK's algorithm", "report.signature", "an algorithm", 'p', 12, 5},
    {"HSK's long id", "chain.hsk", "a user id", 's', 212, 255},
    {"HSK's no id", "chain.hsk", "a user id", 's', 212, 0},
    {"CEK's long id", "chain.cek", "a user id", 'c', 164, 255},
    {"CEK's longer id", "chain.cek", "a user id", 'c', 165, 1},
    {"PEK's long id", "report.signature", "a user id", 'p', 164, 255},
    {"HSK's other id", "chain.hsk", "a signature", 's', 214, 'h'},
    {"CEK's other id", "chain.cek", "a signature", 'c', 166, 'h'},
    {"PEK's other id", "report.signature", "a signature", 'p', 166, 'h'},
    {"HSK's signer", "chain.hrk", "a signer of another", 's', 20, 0xa9},
    {"HRK's signer", "chain.root", "a signer of another", 'r', 20, 0xa9},
    {"HRK's key id", "chain.hrk", "a signer of another", 'r', 4, 0xa9},
    {"HSK's key id", "chain.hsk", "a signer of another", 's', 4, 0xa9},
    {"CEK's signer", "chain.hsk", "a signer of another", 'c', 420, 0xa9},
    {"CEK off curve", "chain.cek", "a key that is no", 'c', 20, 0x5a},
    {"HSK off curve", "chain.hsk", "a key that is no", 's', 68, 0x5a},
    {"PEK off curve", "report.signature", "a key that is no", 'p', 20, 0x5a},
    {"CEK's long X", "chain.cek", "a number of more", 'c', 20 + 32, 1},
    {"CEK's signature", "chain.cek", "another usage word of", 'c', 0x414, 4},
    {"CEK's sig. algorithm", "chain.cek", "a signature that", 'c', 0x418, 5},
    {"PEK's signature", "report.signature", "another usage word of", 'p', 0x414,
	0x13},
    {"CEK's second signer", "chain.cek", "bytes that are not", 'c', 0x61c, 1},
    {"HSK's padding", "chain.hsk", "bytes that are not", 's', 831, 1},
    {"PEK's padding", "report.signature", "bytes that are not", 'p', 0x4ac, 1},
};

static void
damage(struct fake_hygon *h, const struct fault *f)
{
	switch (f->cert) {
	case 'r':
		h->hrk[f->at] = f->value;
		hygon_sign_root(h->hrk, h->hrk_key);
		break;
	case 's':
		h->hsk[f->at] = f->value;
		hygon_sign_root(h->hsk, h->hrk_key);
		break;
	case 'c':
		h->cek[f->at] = f->value;
		hygon_sign_cert(h->cek, h->hsk_key, "HYGON-SSD-HSK");
		break;
	default:
		h->pek[f->at] = f->value;
		hygon_sign_cert(h->pek, h->cek_key, "HYGON-SSD-CEK");
	}
}

static void
certificates_with_a_fault_are_refused(void **state)
{
	struct appraise_result rows;
	struct fake_csv f = plain_v1;
	struct csv_evidence e;
	uint8_t report[HYGON_BUFFER];
	struct fake_hygon *h;
	struct endorse *bag;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		h = fake_hygon_new();
		bag = fake_hygon_bag(h);
		damage(h, &faults[i]);
		/* Past the bag's own look at usage words. */
		memcpy(bag->docs[0].p, h->hrk, HYGON_ROOT);
		memcpy(bag->docs[1].p, h->hsk, HYGON_ROOT);
		memcpy(bag->docs[1].p + HYGON_ROOT, h->cek, HYGON_CERT);
		f.version = 1 + i % 3;
		fake_csv_report(h, &f, report);
		memset(&rows, 0, sizeof(rows));
		assert_int_equal(csv_verify(report, HYGON_BUFFER, bag, NULL,
				     &h->roots, &e, &rows),
		    CL_ERR_EVIDENCE);
		if (strcmp(refused(&rows), faults[i].refused) != 0 ||
		    strncmp(came(&rows, faults[i].refused), faults[i].why,
			strlen(faults[i].why)) != 0)
			fail_msg("%s: %s, %s", faults[i].what, refused(&rows),
			    came(&rows, refused(&rows)));
		endorse_free(bag);
		fake_hygon_free(h);
	}
}

/* Which key signs what, and the word for it. */
static void
reports_with_a_fault_are_refused(void **state)
{
	static const struct {
		unsigned at;
		const char *refused;
	} words[] = {
	    {0xb4, "report.signing_key"}, {0xb8, "report.signature_algorithm"}};
	struct fake_hygon *h = fake_hygon_new(), *other = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h), *mixed;
	struct fake_csv f = plain_v1;
	struct csv_evidence e;
	uint8_t report[HYGON_BUFFER];
	unsigned i;

	(void)state;
	/* Version 1 does not sign the two words. */
	for (i = 0; i < 2; i++) {
		fake_csv_report(h, &plain_v1, report);
		report[words[i].at] ^= 1;
		assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e),
		    words[i].refused);
	}
	/* A usage word of the PEK that is neither plain nor masked. */
	fake_csv_report(h, &plain_v1, report);
	report[0x158] ^= 1;
	assert_string_equal(
	    verdict(report, REPORT, bag, &h->roots, &e), "report.signature");
	/* Neither reading of the serial is text. */
	fake_csv_report(h, &plain_v1, report);
	report[0x974 + 20] ^= 1;
	assert_string_equal(
	    verdict(report, REPORT, bag, &h->roots, &e), "report.serial");
	assert_string_equal(e.serial, "");
	/* Another machine's report under this machine's chip. */
	f.version = 2;
	fake_csv_report(other, &f, report);
	assert_string_equal(
	    verdict(report, 0xd34, bag, &h->roots, &e), "chain.cek");
	/* Everything of a stranger's, beside the owner's. */
	mixed = fake_hygon_bag(other);
	assert_string_equal(
	    verdict(report, 0xd34, mixed, &h->roots, &e), "chain.root");
	endorse_free(mixed);
	endorse_free(bag);
	fake_hygon_free(h);
	fake_hygon_free(other);
}

/* Of many machines' certificates the right ones are found. */
static void
the_right_chip_is_found(void **state)
{
	struct fake_hygon *h = fake_hygon_new(), *other = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(other);
	struct csv_evidence e;
	uint8_t report[HYGON_BUFFER];

	(void)state;
	assert_int_equal(endorse_add(bag, h->cek, HYGON_CERT), 0);
	assert_int_equal(endorse_add(bag, h->hsk, HYGON_ROOT), 0);
	assert_int_equal(endorse_add(bag, h->hrk, HYGON_ROOT), 0);
	fake_csv_report(h, &plain_v1, report);
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e), "");
	assert_memory_equal(e.chain.cek.raw, h->cek, HYGON_CERT);
	endorse_free(bag);
	fake_hygon_free(h);
	fake_hygon_free(other);
}

/* A serial number without padding may be text both ways; then it is as the
 * PEK is. */
static void
an_ambiguous_serial_is_as_the_pek_is(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct fake_csv f = {.version = 1,
	    .user_data = "a nonce",
	    .serial = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    .policy = 1,
	    .anonce = {1, 2, 3, 4}};
	struct csv_evidence e;
	uint8_t report[HYGON_BUFFER];
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		f.plain = i & 1;
		f.sealing_key = i & 2;
		fake_csv_report(h, &f, report);
		assert_string_equal(
		    verdict(report, REPORT, bag, &h->roots, &e), "");
		assert_int_equal(e.serial_plain, f.plain);
		assert_string_equal(e.serial, f.serial);
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
a_leaked_sealing_key_is_told(void **state)
{
	static const unsigned mac_at[] = {0, 0x9d4, 0xd14, 0xd14};
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct appraise_result rows;
	struct fake_csv f = plain_v1;
	struct csv_evidence e;
	struct csv_report r;
	uint8_t report[HYGON_BUFFER];
	json_t *fields;
	char *text;

	(void)state;
	f.sealing_key = true;
	for (f.version = 1; f.version <= 3; f.version++) {
		fake_csv_report(h, &f, report);
		memset(&rows, 0, sizeof(rows));
		assert_int_equal(csv_verify(report, HYGON_BUFFER, bag, NULL,
				     &h->roots, &e, &rows),
		    0);
		assert_string_equal(came(&rows, "report.sealing_key"),
		    "sealing key leaked by the attester");
		assert_string_equal(came(&rows, "report.serial"), "TEST0001");
		assert_int_equal(csv_open(&e, asked, NULL, &r), 0);
		fields = csv_print(&e, &r);
		text = json_dumps(fields, 0);
		assert_null(strstr(text, "5e5e5e5e"));
		free(text);
		json_decref(fields);
		report[mac_at[f.version]] ^= 1;
		assert_string_equal(
		    verdict(report, HYGON_BUFFER, bag, &h->roots, &e),
		    "report.mac");
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_version_and_export_verifies),
	    cmocka_unit_test(each_signed_byte_of_version_2_counts),
	    cmocka_unit_test(lengths_are_bounded),
	    cmocka_unit_test(certificates_with_a_fault_are_refused),
	    cmocka_unit_test(reports_with_a_fault_are_refused),
	    cmocka_unit_test(the_right_chip_is_found),
	    cmocka_unit_test(an_ambiguous_serial_is_as_the_pek_is),
	    cmocka_unit_test(a_leaked_sealing_key_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
