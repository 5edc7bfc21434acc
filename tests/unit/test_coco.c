/* policy/coco: what comes out of the wrappers of others is what went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coco_json.h"
#include "fake_amd.h"
#include "fake_hygon.h"
#include "lib/b64.h"
#include "lib/json.h"
#include "policy/coco.h"
#include "policy/verify_csv.h"

/* Opening this as a tee's gives r; takes the reference. */
static void
opens(const char *tee, json_t *o, int r, struct coco *out)
{
	char *text = json_dumps(o, 0);

	assert_non_null(text);
	assert_int_equal(coco_open(tee, text, strlen(text), out), r);
	free(text);
	json_decref(o);
}

static void
fails(const char *tee, json_t *o, const char *member)
{
	struct coco x;

	opens(tee, o, CL_ERR_FORMAT, &x);
	assert_string_equal(json_why(), member);
	assert_null(x.raw);
	assert_null(x.own);
}

static void
snp_reports_are_put_together(void **state)
{
	static const enum root_vendor products[] = {
	    ROOT_AMD_MILAN, ROOT_AMD_TURIN};
	struct coco x;
	unsigned i, v;

	(void)state;
	for (i = 0; i < 2; i++)
		for (v = 2 + i; v <= 5; v++) {
			struct fake_amd f = {
			    .product = products[i], .version = (uint8_t)v};

			fake_amd_make(&f);
			opens("snp", coco_snp(f.report), CL_OK, &x);
			assert_int_equal(x.raw_n, SNP_REPORT);
			assert_memory_equal(x.raw, f.report, SNP_REPORT);
			assert_int_equal(x.own->ncerts, 0);
			assert_null(x.log);
			coco_clear(&x);
			fake_amd_free(&f);
		}
}

static json_t *
link_of(const char *type, X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	json_t *o = json_pack(
	    "{s:s,s:o}", "cert_type", type, "data", coco_bytes(der, (size_t)n));

	OPENSSL_free(der);
	return o;
}

/* Names that certificates do not deserve are refused. */
static void
chains_are_what_they_say(void **state)
{
	static const char *const types[] = {"ARK", "ASK", "VCEK"};
	struct fake_amd f = {.product = ROOT_AMD_MILAN};
	json_t *o, *chain;
	struct coco x;
	unsigned i, k;

	(void)state;
	fake_amd_make(&f);
	for (k = 0; k < 4; k++) {
		o = coco_snp(f.report);
		chain = json_array();
		for (i = 0; i < 3; i++)
			json_array_append_new(chain,
			    link_of(types[k < 3 && i != k ? 3 - k - i : i],
				f.bag->certs[i]));
		json_array_append_new(chain, link_of("OTHER", f.bag->certs[0]));
		json_object_set_new(o, "cert_chain", chain);
		if (k < 3) {
			fails("snp", o, "cert_chain");
			continue;
		}
		opens("snp", o, CL_OK, &x);
		assert_int_equal(x.own->ncerts, 3);
		coco_clear(&x);
	}
	o = coco_snp(f.report);
	json_object_set_new(o, "cert_chain", json_string("x"));
	fails("snp", o, "cert_chain");
	fake_amd_free(&f);
}

static void
broken_reports_are_refused(void **state)
{
	static const struct {
		const char *member, *value;
	} cases[] = {{"version", "\"3\""}, {"version", "-1"},
	    {"guest_svn", "4294967296"}, {"cpuid_step", "256"},
	    {"policy", "1.5"}, {"chip_id", "[1,2]"}, {"chip_id", "null"},
	    {"measurement", "[256]"}, {"current_tcb", "null"},
	    {"launch_tcb", "[]"}};
	struct fake_amd f = {.product = ROOT_AMD_MILAN};
	json_t *o;
	unsigned i;

	(void)state;
	fake_amd_make(&f);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o = coco_snp(f.report);
		json_object_set_new(json_object_get(o, "attestation_report"),
		    cases[i].member,
		    json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		fails("snp", o, cases[i].member);
	}
	fails("snp", json_pack("{}"), "family_id");
	fake_amd_free(&f);
}

static void
quotes_and_logs_are_unwrapped(void **state)
{
	static const uint8_t quote[900] = {4, 0, 0xff}, log[300] = {0xff};
	char q[1300], l[500];
	struct coco x;

	(void)state;
	b64_encode(quote, sizeof(quote), q);
	b64_encode(log, sizeof(log), l);
	opens(
	    "tdx", json_pack("{s:s,s:s}", "quote", q, "cc_eventlog", l), 0, &x);
	assert_int_equal(x.raw_n, sizeof(quote));
	assert_memory_equal(x.raw, quote, sizeof(quote));
	assert_int_equal(x.log_n, sizeof(log));
	assert_memory_equal(x.log, log, sizeof(log));
	coco_clear(&x);
	opens("tdx", json_pack("{s:n,s:s}", "cc_eventlog", "quote", q), 0, &x);
	assert_null(x.log);
	coco_clear(&x);
	fails("tdx", json_pack("{s:s,s:s}", "cc_eventlog", q, "x", q), "quote");
	fails("tdx", json_pack("{s:s,s:s}", "quote", q, "cc_eventlog", "."),
	    "cc_eventlog");
	/* An envelope of ours has a verifier of its own. */
	opens("tdx", json_pack("{s:s,s:s}", "tee", "tdx", "x", q),
	    CL_ERR_NOT_FOUND, &x);
}

static void
csv_reports_come_in_two_forms(void **state)
{
	struct fake_hygon *h = fake_hygon_new();
	struct fake_csv f = {.version = 1,
	    .user_data = "u",
	    .serial = "S1",
	    .policy = 1,
	    .anonce = {1, 2, 3, 4},
	    .plain = true};
	uint8_t p[HYGON_BUFFER];
	struct coco x;
	json_t *o;

	(void)state;
	fake_csv_report(h, &f, p);
	memset(p + CSV_REPORT_MIN - 32, 0, 32); /* the MAC does not travel */
	opens("csv", coco_csv_parts(p), CL_OK, &x);
	assert_int_equal(x.raw_n, CSV_REPORT_MIN);
	assert_memory_equal(x.raw, p, CSV_REPORT_MIN);
	coco_clear(&x);
	f.version = 2;
	fake_csv_report(h, &f, p);
	o = coco_csv(p, sizeof(p), 1);
	json_object_set_new(o, "cert_chain",
	    json_pack("{s:{s:o,s:o}}", "hsk_cek", "hsk", coco_root(h->hsk),
		"cek", coco_cert(h->cek)));
	opens("csv", o, CL_OK, &x);
	assert_int_equal(x.raw_n, sizeof(p));
	assert_memory_equal(x.raw, p, sizeof(p));
	assert_int_equal(x.own->ndocs, 2);
	coco_clear(&x);
	fails("csv", coco_csv(p, sizeof(p), 2), "flags");
	o = coco_csv(p, sizeof(p), 0);
	json_object_set_new(json_object_get(o, "attestation_report"), "magic",
	    coco_bytes((const uint8_t *)"ATTESTATION_EXTx", 16));
	fails("csv", o, "magic");
	o = coco_csv(p, sizeof(p), 0);
	json_object_set_new(o, "cert_chain",
	    json_pack(
		"{s:{s:o,s:{}}}", "hsk_cek", "hsk", coco_root(h->hsk), "cek"));
	fails("csv", o, "cek");
	fake_hygon_free(h);
}

static void
hex_and_base64_are_read(void **state)
{
	static const uint8_t report[SNP_REPORT] = {2, 0, 0, 0, 0xfe};
	char text[2 * SNP_REPORT + 2];
	struct coco x;

	(void)state;
	rows_hex(report, sizeof(report), text);
	strcat(text, "\n");
	assert_int_equal(coco_open("snp", text, strlen(text), &x), CL_OK);
	assert_int_equal(x.raw_n, sizeof(report));
	assert_memory_equal(x.raw, report, sizeof(report));
	coco_clear(&x);
	b64_encode(report, sizeof(report), text);
	assert_int_equal(coco_open("snp", text, strlen(text), &x), CL_OK);
	assert_memory_equal(x.raw, report, sizeof(report));
	coco_clear(&x);
	/* The report itself, other kinds, other text, hardly any. */
	assert_int_equal(
	    coco_open("snp", (const char *)report, sizeof(report), &x),
	    CL_ERR_NOT_FOUND);
	assert_int_equal(
	    coco_open("tpm", text, strlen(text), &x), CL_ERR_NOT_FOUND);
	text[5] = '!';
	assert_int_equal(
	    coco_open("snp", text, strlen(text), &x), CL_ERR_NOT_FOUND);
	assert_int_equal(coco_open("snp", "00", 2, &x), CL_ERR_NOT_FOUND);
	assert_int_equal(coco_open("snp", "{}", 2, &x), CL_ERR_FORMAT);
	memset(text, '{', 1500);
	assert_int_equal(coco_open("snp", text, 1500, &x), CL_ERR_LIMIT);
}

/* A table behind a report is its own; other bytes there are not for us. */
static void
extended_reports_are_parted(void **state)
{
	static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64,
	    0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
	struct fake_amd f = {.product = ROOT_AMD_MILAN};
	uint8_t p[SNP_REPORT + 8192] = {0}, *table = p + SNP_REPORT, *der;
	struct coco x;
	int n;

	(void)state;
	fake_amd_make(&f);
	memcpy(p, f.report, SNP_REPORT);
	memcpy(table, vcek, 16);
	le32_put(table + 16, 48);
	der = table + 48;
	n = i2d_X509(f.bag->certs[2], &der);
	le32_put(table + 20, (uint32_t)n);
	assert_int_equal(coco_open("snp", (char *)p, sizeof(p), &x), CL_OK);
	assert_int_equal(x.raw_n, SNP_REPORT);
	assert_memory_equal(x.raw, f.report, SNP_REPORT);
	assert_int_equal(x.own->ncerts, 1);
	coco_clear(&x);
	le32_put(table + 20, 8192);
	assert_int_equal(
	    coco_open("snp", (char *)p, sizeof(p), &x), CL_ERR_FORMAT);
	assert_int_equal(
	    coco_open("csv", (char *)p, sizeof(p), &x), CL_ERR_NOT_FOUND);
	table[0] ^= 1;
	assert_int_equal(
	    coco_open("snp", (char *)p, sizeof(p), &x), CL_ERR_NOT_FOUND);
	fake_amd_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(snp_reports_are_put_together),
	    cmocka_unit_test(chains_are_what_they_say),
	    cmocka_unit_test(broken_reports_are_refused),
	    cmocka_unit_test(quotes_and_logs_are_unwrapped),
	    cmocka_unit_test(csv_reports_come_in_two_forms),
	    cmocka_unit_test(hex_and_base64_are_read),
	    cmocka_unit_test(extended_reports_are_parted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
