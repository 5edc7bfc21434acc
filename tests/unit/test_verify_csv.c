/* policy/verify_csv on Hygon's own report and on made-up machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_hygon.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/verify_csv.h"
#include "shared_evidence.h"

#define REPORT 2548u

static const uint8_t real_user_data[64] = "user data";

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

static const char *
came(const struct appraise_result *rows, const char *claim)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (strcmp(rows->rows[i].claim, claim) == 0)
			return rows->rows[i].came;
	return "no such row";
}

/* ---- Hygon's own -------------------------------------------------------- */

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

/* Its refusal; "" for a genuine one. */
static const char *
verdict(const uint8_t *p, size_t n, const struct endorse *bag,
    const struct roots *roots, struct csv_evidence *e)
{
	static struct appraise_result rows;
	int r;

	memset(&rows, 0, sizeof(rows));
	r = csv_verify(p, n, NULL, bag, roots, e, &rows);
	assert_int_equal(r, rows_all_ok(&rows) ? CL_OK : CL_ERR_EVIDENCE);
	assert_int_equal(e->genuine, r == CL_OK);
	return refused(&rows);
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
				fail_msg(
				    "%s: byte 0x%zx does not count", files[f], i);
			endorse_free(damaged);
		}
		free(p);
	}
	endorse_free(bag);
}

/* ---- the anonce trap ---------------------------------------------------- */

static const struct fake_csv plain_v1 = {.version = 1,
    .user_data = "a nonce",
    .serial = "TEST0001",
    .policy = 0x41,
    .anonce = {0xde, 0xad, 0xbe, 0xef},
    .plain = true};

static const uint8_t asked[64] = "a nonce";

/* Without the masks on PEK and serial, and with the unsigned words put right,
 * a report with another anonce verifies. Only user_data tells. */
static void
another_anonce_is_caught_by_user_data(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct csv_policy policy;
	struct appraise_result rows;
	struct csv_evidence e;
	struct csv_report r, none;
	uint8_t report[HYGON_BUFFER], forged[64];
	unsigned i, k;

	(void)state;
	memset(&none, 0, sizeof(none));
	assert_int_equal(csv_policy_parse(NULL, &policy), 0);
	for (i = 0; i < 4; i++) {
		fake_csv_report(h, &plain_v1, report);
		report[0xbc + i] ^= 0x20;
		report[0xb4 + i] ^= 0x20;
		report[0xb8 + i] ^= 0x20;
		assert_string_equal(
		    verdict(report, REPORT, bag, &h->roots, &e), "");
		assert_int_equal(
		    csv_open(&e, asked, NULL, &r), CL_ERR_EVIDENCE);
		assert_memory_equal(&r, &none, sizeof(r));
		memset(&rows, 0, sizeof(rows));
		assert_int_equal(
		    csv_appraise(&e, asked, &policy, &r, &rows),
		    CL_ERR_APPRAISAL);
		assert_string_equal(refused(&rows), "user_data");
		/* The padding is compared too: its zeros are 0x20 now. */
		memcpy(forged, e.user_data, 64);
		for (k = 0; k < 8; k++)
			forged[k] = asked[k];
		assert_int_equal(
		    csv_open(&e, forged, NULL, &r), CL_ERR_EVIDENCE);
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
nothing_is_believed_without_user_data(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct csv_policy policy;
	struct appraise_result rows = {0};
	struct csv_evidence e;
	struct csv_report r;
	uint8_t report[HYGON_BUFFER], mnonce[16];

	(void)state;
	assert_int_equal(csv_policy_parse(NULL, &policy), 0);
	fake_csv_report(h, &plain_v1, report);
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e), "");
	assert_int_equal(csv_appraise(&e, NULL, &policy, &r, &rows),
	    CL_ERR_APPRAISAL);
	assert_string_equal(refused(&rows), "user_data");
	assert_int_equal(r.policy, 0);
	/* The challenger's mnonce, if it has one. */
	memset(mnonce, 0x44, sizeof(mnonce));
	assert_int_equal(csv_open(&e, asked, mnonce, &r), 0);
	mnonce[15]++;
	assert_int_equal(csv_open(&e, asked, mnonce, &r), CL_ERR_EVIDENCE);
	/* Nor from a report that is not genuine. */
	assert_string_equal(
	    verdict(report, REPORT, bag, NULL, &e), "chain.root");
	assert_int_equal(csv_open(&e, asked, NULL, &r), CL_ERR_EVIDENCE);
	endorse_free(bag);
	fake_hygon_free(h);
}

/* ---- made-up machines --------------------------------------------------- */

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
	assert_string_not_equal(
	    verdict(report, 0xd33, bag, &h->roots, &e), "");
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
    {"PEK's signature", "report.signature", "another usage word of", 'p',
	0x414, 0x13},
    {"CEK's second signer", "chain.cek", "bytes that are not", 'c', 0x61c, 1},
    {"HSK's padding", "chain.hsk", "bytes that are not", 's', 831, 1},
    {"PEK's padding", "report.signature", "bytes that are not", 'p', 0x4ac,
	1},
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
	} words[] = {{0xb4, "report.signing_key"},
	    {0xb8, "report.signature_algorithm"}};
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
		assert_string_equal(
		    verdict(report, REPORT, bag, &h->roots, &e),
		    words[i].refused);
	}
	/* A usage word of the PEK that is neither plain nor masked. */
	fake_csv_report(h, &plain_v1, report);
	report[0x158] ^= 1;
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e),
	    "report.signature");
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

/* ---- policy ------------------------------------------------------------- */

#define HEX16(x) x x x x x x x x x x x x x x x x
#define HEX32(x) HEX16(x) HEX16(x)

/* What a policy makes of the machine: the first refusal, "" for none. */
static const struct wish {
	unsigned version;
	const char *policy, *refused, *tcb;
} wishes[] = {
    {1, "{}", "", "unpublished"},
    {1, "{\"measure\":[\"" HEX32("55") "\"]}", "", "unpublished"},
    {1, "{\"measure\":[\"" HEX32("56") "\"]}", "measure", "unpublished"},
    {1, "{\"measure\":[]}", "measure", "unpublished"},
    {1, "{\"vm_id\":[\"" HEX16("22") "\"]}", "", "unpublished"},
    {1, "{\"vm_id\":[\"" HEX16("23") "\"]}", "vm_id", "unpublished"},
    {1, "{\"vm_version\":[\"" HEX16("33") "\"]}", "", "unpublished"},
    {1, "{\"vm_version\":[\"" HEX16("34") "\"]}", "vm_version",
	"unpublished"},
    {1, "{\"user_pubkey_digest\":[\"" HEX32("11") "\"]}", "", "unpublished"},
    {1, "{\"user_pubkey_digest\":[\"" HEX32("12") "\"]}",
	"user_pubkey_digest", "unpublished"},
    {1, "{\"serial\":[\"OTHER\",\"TEST0001\"]}", "", "unpublished"},
    {1, "{\"serial\":[\"OTHER\"]}", "serial", "unpublished"},
    {1, "{\"serial\":[\"TEST00010\"]}", "serial", "unpublished"},
    {1, "{\"cek\":[\"" HEX32("00") "\"]}", "cek", "unpublished"},
    {1, "{\"min_api\":\"1.3\"}", "", "ok"},
    {1, "{\"min_api\":\"1.4\"}", "pek.api", "out of date"},
    {1, "{\"min_api\":\"2.0\"}", "pek.api", "out of date"},
    {2, "{\"min_build\":2337}", "", "ok"},
    {2, "{\"min_build\":2338}", "build", "out of date"},
    {2, "{\"min_api\":\"1.3\",\"min_build\":2338}", "build", "out of date"},
    {2, "{\"min_api\":\"1.4\",\"min_build\":1}", "pek.api", "out of date"},
    {1, "{\"min_build\":1}", "build", "out of date"},
    {1, "{\"min_version\":2}", "version", "unpublished"},
    {2, "{\"min_version\":2}", "", "unpublished"},
    {2, "{\"rtmr4\":[\"" HEX32("64") "\"]}", "", "unpublished"},
    {2, "{\"rtmr4\":[\"" HEX32("63") "\"]}", "rtmr4", "unpublished"},
    {1, "{\"rtmr0\":[\"" HEX32("00") "\"]}", "rtmr0", "unpublished"},
    {3, "{\"host_data\":[\"" HEX32("77") HEX32("77") "\"]}", "",
	"unpublished"},
    {2, "{\"host_data\":[\"" HEX32("77") HEX32("77") "\"]}", "host_data",
	"unpublished"},
    {1, "{\"host_data\":[\"" HEX32("00") HEX32("00") "\"]}", "host_data",
	"unpublished"},
    {1, "{\"required_policy\":\"0x41\"}", "", "unpublished"},
    {1, "{\"required_policy\":\"0x43\"}", "policy.bits", "unpublished"},
    {1, "{\"min_generation\":1}", "", "unpublished"},
    {1, "{\"min_generation\":2}", "policy.csv2", "unpublished"},
    {2, "{\"min_generation\":3}", "policy.csv3", "unpublished"},
    {1, "{\"require_no_sealing_key\":true}", "sealing_key", "unpublished"},
    {1, "{\"require_no_sealing_key\":false}", "", "unpublished"},
};

static json_t *
policy_of(const char *text, struct csv_policy *p)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	assert_int_equal(csv_policy_parse(o, p), 0);
	return o;
}

static void
the_policy_is_kept(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct fake_csv f = plain_v1;
	uint8_t report[HYGON_BUFFER];
	struct appraise_result rows;
	struct csv_evidence e;
	struct csv_report r;
	struct csv_policy p;
	unsigned i;
	json_t *o;
	int got;

	(void)state;
	f.sealing_key = true;
	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		f.version = wishes[i].version;
		fake_csv_report(h, &f, report);
		o = policy_of(wishes[i].policy, &p);
		memset(&rows, 0, sizeof(rows));
		assert_int_equal(csv_verify(report, HYGON_BUFFER, bag, NULL,
				     &h->roots, &e, &rows),
		    0);
		got = csv_appraise(&e, asked, &p, &r, &rows);
		if (strcmp(refused(&rows), wishes[i].refused) != 0 ||
		    strcmp(rows.tcb, wishes[i].tcb) != 0)
			fail_msg("%s: refused by '%s', tcb %s",
			    wishes[i].policy, refused(&rows), rows.tcb);
		assert_int_equal(
		    got, wishes[i].refused[0] ? CL_ERR_APPRAISAL : CL_OK);
		json_decref(o);
	}
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
debugging_is_refused(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	struct fake_csv f = plain_v1;
	uint8_t report[HYGON_BUFFER];
	struct appraise_result rows = {0};
	struct csv_evidence e;
	struct csv_report r;
	struct csv_policy p;
	json_t *o;

	(void)state;
	f.policy = 0x40000000;
	fake_csv_report(h, &f, report);
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e), "");
	assert_int_equal(csv_policy_parse(NULL, &p), 0);
	assert_int_equal(
	    csv_appraise(&e, asked, &p, &r, &rows), CL_ERR_APPRAISAL);
	assert_string_equal(refused(&rows), "policy.debug");
	o = policy_of("{\"allow_debug\":true}", &p);
	memset(&rows, 0, sizeof(rows));
	assert_int_equal(csv_appraise(&e, asked, &p, &r, &rows), CL_OK);
	json_decref(o);
	endorse_free(bag);
	fake_hygon_free(h);
}

/* The chip itself, by its key. */
static void
a_chip_is_pinned_by_its_key(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	uint8_t report[HYGON_BUFFER], xy[64], digest[32];
	struct crypto_part part = {xy, sizeof(xy)};
	struct appraise_result rows = {0};
	char hex[65], text[128];
	struct csv_evidence e;
	struct csv_report r;
	struct csv_policy p;
	json_t *o;

	(void)state;
	hygon_point(h->cek_key, xy);
	assert_int_equal(crypto_sha256(&part, 1, digest), 0);
	rows_hex(digest, 32, hex);
	snprintf(text, sizeof(text), "{\"cek\":[\"%s\"]}", hex);
	o = policy_of(text, &p);
	fake_csv_report(h, &plain_v1, report);
	assert_string_equal(verdict(report, REPORT, bag, &h->roots, &e), "");
	assert_int_equal(csv_appraise(&e, asked, &p, &r, &rows), CL_OK);
	json_decref(o);
	endorse_free(bag);
	fake_hygon_free(h);
}

static void
policies_are_read_strictly(void **state)
{
	static const char *const bad[] = {"[]", "7", "{\"what\":1}",
	    "{\"measure\":\"" HEX32("55") "\"}", "{\"measure\":[\"55\"]}",
	    "{\"measure\":[\"" HEX32("5A") "\"]}", "{\"measure\":[7]}",
	    "{\"vm_id\":[\"" HEX32("22") "\"]}", "{\"serial\":[\"\"]}",
	    "{\"serial\":[\"" HEX32("22") "2\"]}",
	    "{\"host_data\":[\"" HEX32("22") "\"]}", "{\"min_api\":1.3}",
	    "{\"min_api\":\"1\"}", "{\"min_api\":\"1.256\"}",
	    "{\"min_api\":\"1.3.\"}", "{\"min_api\":\"-1.3\"}",
	    "{\"min_build\":-1}", "{\"min_build\":4294967296}",
	    "{\"min_version\":0}", "{\"min_version\":4}",
	    "{\"min_generation\":4}", "{\"required_policy\":65}",
	    "{\"required_policy\":\"41\"}", "{\"required_policy\":\"0x\"}",
	    "{\"required_policy\":\"0x100000000\"}",
	    "{\"required_policy\":\"0xg\"}", "{\"allow_debug\":1}",
	    "{\"require_no_sealing_key\":\"yes\"}", "{\"rtmr5\":[]}"};
	struct csv_policy p;
	unsigned i;
	json_t *o;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o = json_loads(bad[i], JSON_DECODE_ANY, NULL);
		assert_non_null(o);
		if (csv_policy_parse(o, &p) != CL_ERR_FORMAT)
			fail_msg("%s is taken", bad[i]);
		json_decref(o);
	}
}

/* ---- through the appraisal ---------------------------------------------- */

static int
appraise_text(const char *text, const struct endorse *bag,
    const uint8_t *report, const uint8_t *report_data,
    struct appraise_result *rows, json_t **fields)
{
	struct appraise_input in = {.tee = "csv",
	    .raw = report,
	    .raw_n = REPORT,
	    .given = bag,
	    .report_data = report_data,
	    .time = 1};
	struct appraise_policy *p;
	int r;

	assert_int_equal(appraise_policy_parse(text, strlen(text), &p), 0);
	in.policy = p;
	r = appraise_input(&in, NULL, rows, fields);
	appraise_policy_free(p);
	return r;
}

static void
appraisal_wants_user_data(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct endorse *bag = fake_hygon_bag(h);
	uint8_t report[HYGON_BUFFER], other[64] = "a nonce\0x";
	struct appraise_result rows;
	char text[160], root[65];
	json_t *fields, *measure;

	(void)state;
	rows_hex(h->roots.extra[0].spki, 32, root);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"csv\":{},\"test_roots\":{\"hygon\":[\"%s\"]}}", root);
	fake_csv_report(h, &plain_v1, report);
	assert_int_equal(
	    appraise_text(text, bag, report, asked, &rows, &fields), CL_OK);
	assert_true(rows.authentic && rows.accepted);
	assert_string_equal(rows.tcb, "unpublished");
	measure = json_object_get(fields, "measure");
	assert_string_equal(json_string_value(measure), HEX32("55"));
	json_decref(fields);

	assert_int_equal(
	    appraise_text(text, bag, report, NULL, &rows, &fields),
	    CL_ERR_APPRAISAL);
	assert_true(rows.authentic && !rows.accepted);
	assert_string_equal(refused(&rows), "user_data");
	assert_null(json_object_get(fields, "measure"));
	json_decref(fields);

	assert_int_equal(
	    appraise_text(text, bag, report, other, &rows, &fields),
	    CL_ERR_EVIDENCE);
	assert_false(rows.authentic || rows.accepted);
	assert_null(json_object_get(fields, "measure"));
	json_decref(fields);
	/* The test root is trusted only by name. */
	assert_int_equal(appraise_text(
			     "{\"v\":1}", bag, report, asked, &rows, &fields),
	    CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "chain.root");
	json_decref(fields);
	endorse_free(bag);
	fake_hygon_free(h);
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
	    cmocka_unit_test(another_anonce_is_caught_by_user_data),
	    cmocka_unit_test(nothing_is_believed_without_user_data),
	    cmocka_unit_test(every_version_and_export_verifies),
	    cmocka_unit_test(each_signed_byte_of_version_2_counts),
	    cmocka_unit_test(lengths_are_bounded),
	    cmocka_unit_test(certificates_with_a_fault_are_refused),
	    cmocka_unit_test(reports_with_a_fault_are_refused),
	    cmocka_unit_test(the_right_chip_is_found),
	    cmocka_unit_test(a_leaked_sealing_key_is_told),
	    cmocka_unit_test(the_policy_is_kept),
	    cmocka_unit_test(debugging_is_refused),
	    cmocka_unit_test(a_chip_is_pinned_by_its_key),
	    cmocka_unit_test(policies_are_read_strictly),
	    cmocka_unit_test(appraisal_wants_user_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
