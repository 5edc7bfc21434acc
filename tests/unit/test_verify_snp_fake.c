/* policy/verify_snp on a vendor of our own: what no real report shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snp_verdict.h"

static void
genuine_reports_of_all_kinds_are_accepted(void **state)
{
	static const enum root_vendor products[] = {
	    ROOT_AMD_MILAN, ROOT_AMD_GENOA, ROOT_AMD_TURIN};
	unsigned i;
	uint8_t v;

	(void)state;
	for (i = 0; i < 3; i++)
		for (v = 2; v <= 5; v++) {
			if (v == 2 && i == 2)
				continue;
			is("",
			    (&(struct fake_amd){
				.product = products[i], .version = v}),
			    NULL);
			is("",
			    (&(struct fake_amd){.product = products[i],
				.version = v,
				.vlek = true}),
			    NULL);
		}
	is("", MILAN(.wrap_hwid = true), NULL);
	is("", TURIN(.wrap_hwid = true), NULL);
	is("", MILAN(.product_name = "Milan-B1"), NULL);
	is("",
	    (&(struct fake_amd){
		.product = ROOT_AMD_GENOA, .product_name = "Siena-A0"}),
	    NULL);
}

static void
turin_has_no_version_2(void **state)
{
	(void)state;
	is("vek.product",
	    (&(struct fake_amd){.product = ROOT_AMD_TURIN, .version = 2}),
	    NULL);
}

/* The processor that the report names decides about root and layout. */
static void
set_venice(uint8_t *p)
{
	p[0x188] = 0x1a;
	p[0x189] = 0x50;
}

static void
set_unknown(uint8_t *p)
{
	p[0x188] = 0x18;
}

static void
set_genoa(uint8_t *p)
{
	p[0x189] = 0xa0;
}

static void
set_turin(uint8_t *p)
{
	p[0x188] = 0x1a;
}

static void
the_product_must_agree(void **state)
{
	(void)state;
	is("report.product", MILAN(.edit = set_venice), NULL);
	is("report.product", MILAN(.edit = set_unknown), NULL);
	is("vek.product", MILAN(.edit = set_genoa), NULL);
	is("vek.product", MILAN(.edit = set_turin), NULL);
	is("vek.product", MILAN(.product_name = "Genoa"), NULL);
	is("vek.product", MILAN(.product_name = "Milano"), NULL);
	is("vek.product", MILAN(.product_name = ""), NULL);
	is("vek.product", MILAN(.version = 2, .product_name = "Rome"), NULL);
	/* A version 2 report goes where its certificate's name says. */
	is("chain", MILAN(.version = 2, .product_name = "Genoa"), NULL);
}

static void
names_must_be_right(void **state)
{
	(void)state;
	is("chain.names", MILAN(.ark.cn = "ARK-Genoa"), NULL);
	is("chain.names", MILAN(.ask.cn = "SEV-Genoa"), NULL);
	is("chain.names", MILAN(.ask.cn = "SEV-VLEK-Milan"), NULL);
	is("chain.names", MILAN(.vlek = true, .ask.cn = "SEV-Milan"), NULL);
	is("vek", MILAN(.vek.cn = "SEV-VLEK"), NULL);
	is("vek", MILAN(.vek.cn = "VCEK"), NULL);
	is("vek", MILAN(.vlek = true, .vek.cn = "SEV-VCEK"), NULL);
}

static void
certificates_must_be_what_they_are_for(void **state)
{
	(void)state;
	is("chain", MILAN(.ask.turned_ca = true), NULL);
	is("chain", MILAN(.ask.no_sign_use = true), NULL);
	is("chain", MILAN(.ark.turned_ca = true), NULL);
	is("chain", MILAN(.ark.pathlen_0 = true), NULL);
	is("chain", MILAN(.vek.turned_ca = true), NULL);
	is("report.signature", MILAN(.p256 = true), NULL);
}

static void
certificates_must_be_valid_now(void **state)
{
	const int64_t before = FAKE_NOW - 1, after = FAKE_NOW + 1;

	(void)state;
	is("chain", MILAN(.ark.to = before), NULL);
	is("chain", MILAN(.ask.to = before), NULL);
	is("chain", MILAN(.vek.to = before), NULL);
	is("chain", MILAN(.ark.from = after), NULL);
	is("chain", MILAN(.ask.from = after), NULL);
	is("chain", MILAN(.vek.from = after), NULL);
	is("", MILAN(.vek.from = FAKE_NOW, .vek.to = after), NULL);
}

static void
signatures_must_hold(void **state)
{
	(void)state;
	is("chain", MILAN(.ark.forged = true), NULL);
	is("chain", MILAN(.ask.forged = true), NULL);
	is("chain", MILAN(.vek.forged = true), NULL);
}

static void
only_amds_way_of_signing_will_do(void **state)
{
	struct fake_cert bad[] = {{.pkcs1 = true}, {.salt = 32}, {.salt = 47},
	    {.sha256 = true}, {.mgf256 = true}};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is("chain.algorithm", MILAN(.ark = bad[i]), NULL);
		is("chain.algorithm", MILAN(.ask = bad[i]), NULL);
		is("chain.algorithm", MILAN(.vek = bad[i]), NULL);
	}
}

/* A root that nobody named; one that is named for another product. */
static void
unknown_roots_are_refused(void **state)
{
	struct fake_amd f = {.product = ROOT_AMD_MILAN};
	struct appraise_result rows = {0};
	struct snp_policy p;
	struct snp_evidence e;

	(void)state;
	assert_int_equal(snp_policy_parse(NULL, &p), CL_OK);
	fake_amd_make(&f);
	assert_int_equal(snp_verify(f.report, SNP_REPORT, f.bag, NULL, NULL,
			     FAKE_NOW, &p, &e, &rows),
	    CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "chain");
	f.roots.extra[0].vendor = ROOT_AMD_GENOA;
	memset(&rows, 0, sizeof(rows));
	assert_int_equal(snp_verify(f.report, SNP_REPORT, f.bag, NULL, &f.roots,
			     FAKE_NOW, &p, &e, &rows),
	    CL_ERR_EVIDENCE);
	assert_string_equal(refused(&rows), "chain");
	/* In which bag something is makes no difference. */
	f.roots.extra[0].vendor = ROOT_AMD_MILAN;
	memset(&rows, 0, sizeof(rows));
	assert_int_equal(snp_verify(f.report, SNP_REPORT, NULL, f.bag, &f.roots,
			     FAKE_NOW, &p, &e, &rows),
	    CL_OK);
	fake_amd_free(&f);
}

static void
revocation_lists_are_heeded(void **state)
{
	const char *need = "{\"require_crl\":true}",
		   *stale = "{\"allow_stale_crl\":true}";
	const int64_t before = FAKE_NOW - 1, after = FAKE_NOW + 1;

	(void)state;
	is("", MILAN(.crl = true), NULL);
	is("", MILAN(.crl = true), need);
	is("chain.revocation_list", MILAN(.crl = false), need);
	is("chain.crl", MILAN(.crl = true, .revoked = true), NULL);
	is("chain.crl", MILAN(.crl = true, .revoked = true, .vlek = true),
	    stale);
	/* What an old list says of a key stays true. */
	is("chain.crl", MILAN(.crl = true, .revoked = true, .crl_to = before),
	    stale);
	is("chain.revocation_list", MILAN(.crl = true, .crl_to = before), NULL);
	is("", MILAN(.crl = true, .crl_to = before), stale);
	is("", MILAN(.crl = true, .crl_from = after), NULL);
	is("chain.revocation_list", MILAN(.crl = true, .crl_from = after),
	    need);
	is("chain.crl", MILAN(.crl = true, .crl_forged = true), NULL);
	is("chain.crl", MILAN(.crl = true, .crl_critical = true), NULL);
}

static void
the_chip_must_be_the_one_of_the_certificate(void **state)
{
	(void)state;
	is("vek.chip", MILAN(.hwid_xor = 1), NULL);
	is("vek.chip", TURIN(.hwid_xor = 0x80), NULL);
	is("vek.chip", MILAN(.hwid_n = 8), NULL);
	is("vek", MILAN(.hwid_n = 63), NULL);
	is("vek", MILAN(.hwid_n = 9, .wrap_hwid = true), NULL);
	is("vek", MILAN(.missing = "4"), NULL);
	is("vek.csp_id", MILAN(.vlek = true, .missing = "5"), NULL);
}

static void
set_tail_of_chip(uint8_t *p)
{
	p[0x1a0 + 63] = 1;
}

static void
mask_chip(uint8_t *p)
{
	p[0x48] |= 2;
	memset(p + 0x1a0, 0, 64);
}

static void
empty_chip(uint8_t *p)
{
	memset(p + 0x1a0, 0, 64);
}

static void
masked_chips_need_the_owners_word(void **state)
{
	const char *allow = "{\"allow_masked_chip\":true}";

	(void)state;
	is("vek.chip", TURIN(.edit = set_tail_of_chip), NULL);
	is("vek.chip", MILAN(.edit = mask_chip), NULL);
	is("", MILAN(.edit = mask_chip), allow);
	is("vek.chip", MILAN(.edit = empty_chip), allow);
	is("vek.chip", MILAN(.edit = empty_chip), NULL);
}

static void
extensions_are_read_strictly(void **state)
{
	static const char *const levels[] = {"1", "3.1", "3.2", "3.3", "3.8"};
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {{"\x02\x02\x01\x00", 4}, {"\x02\x01\xff", 3},
	    {"\x02\x01\x04\x00", 4}, {"\x02\x02\x00\x04", 4},
	    {"\x04\x01\x04", 3}, {"\x02\x02\x04", 3}, {"\x04", 1}, {"", 0}};
	unsigned i, k;

	(void)state;
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		is("vek", MILAN(.missing = levels[i]), NULL);
		is("vek", MILAN(.twice = levels[i]), NULL);
		for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
			is("vek",
			    MILAN(.odd = levels[i], .odd_value = bad[k].p,
				.odd_n = bad[k].n),
			    NULL);
	}
	is("vek", MILAN(.twice = "4"), NULL);
	is("vek", MILAN(.odd = "3.5", .odd_value = "\x02\x01\x01", .odd_n = 3),
	    NULL);
	is("vek", MILAN(.odd = "1", .odd_value = "\x02\x01\x02", .odd_n = 3),
	    NULL);
	is("vek", MILAN(.odd = "2", .odd_value = "Milan", .odd_n = 5), NULL);
	is("vek", MILAN(.odd = "2", .odd_value = "\x16\x05Mi\nan", .odd_n = 7),
	    NULL);
	is("vek.tcb", TURIN(.missing = "3.9"), NULL);
}

static void
the_tcb_must_be_the_one_of_the_certificate(void **state)
{
	const struct snp_tcb good = {
	    .fmc = 2, .bl = 4, .tee = 1, .snp = 24, .ucode = 219};
	struct snp_tcb t;
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++) {
		t = good;
		t.fmc += i == 0;
		t.bl += i == 1;
		t.tee += i == 2;
		t.snp += i == 3;
		t.ucode += i == 4;
		is("vek.tcb", TURIN(.spl = t), NULL);
		t = good;
		t.bl -= i == 1;
		t.tee -= i == 2;
		t.snp -= i == 3;
		t.ucode -= i == 4;
		if (i)
			is("vek.tcb", MILAN(.spl = t), NULL);
	}
	is("", TURIN(.spl = good), NULL);
	is("", MILAN(.spl = good), NULL);
}

static unsigned reserved_at;

static void
set_reserved(uint8_t *p)
{
	p[reserved_at] = 1;
}

/* Each byte that must be zero, where a correct signature covers it. */
static void
reserved_bytes_must_be_zero(void **state)
{
	(void)state;
	for (reserved_at = 0x4c; reserved_at < 0x50; reserved_at++)
		is("report.reserved", MILAN(.edit = set_reserved), NULL);
	for (reserved_at = 0x188; reserved_at < 0x1a0; reserved_at++)
		is("report.reserved", MILAN(.version = 2, .edit = set_reserved),
		    NULL);
	for (reserved_at = 0x18b; reserved_at < 0x1a0; reserved_at++)
		is("report.reserved", MILAN(.version = 4, .edit = set_reserved),
		    NULL);
	reserved_at = 0x1eb;
	is("report.reserved", MILAN(.edit = set_reserved), NULL);
	reserved_at = 0x1ef;
	is("report.reserved", MILAN(.edit = set_reserved), NULL);
	for (reserved_at = 0x1f8; reserved_at < 0x2a0; reserved_at += 5) {
		is("report.reserved", MILAN(.version = 4, .edit = set_reserved),
		    NULL);
		if (reserved_at >= 0x208)
			is("report.reserved", TURIN(.edit = set_reserved),
			    NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(genuine_reports_of_all_kinds_are_accepted),
	    cmocka_unit_test(turin_has_no_version_2),
	    cmocka_unit_test(the_product_must_agree),
	    cmocka_unit_test(names_must_be_right),
	    cmocka_unit_test(certificates_must_be_what_they_are_for),
	    cmocka_unit_test(certificates_must_be_valid_now),
	    cmocka_unit_test(signatures_must_hold),
	    cmocka_unit_test(only_amds_way_of_signing_will_do),
	    cmocka_unit_test(unknown_roots_are_refused),
	    cmocka_unit_test(revocation_lists_are_heeded),
	    cmocka_unit_test(the_chip_must_be_the_one_of_the_certificate),
	    cmocka_unit_test(masked_chips_need_the_owners_word),
	    cmocka_unit_test(extensions_are_read_strictly),
	    cmocka_unit_test(the_tcb_must_be_the_one_of_the_certificate),
	    cmocka_unit_test(reserved_bytes_must_be_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
