/* policy/verify_tdx: quotes that a vendor of our own signs wrongly, QEs and
 * modules that are not Intel's, and the owner's policy. */
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

/* Auth data of version 5, TD 1.5. */
#define AUTH_5 (48u + 6u + TDX_BODY_15)

/* TDX_01, by a signer that begins so. */
#define MODULE_BY(first)                                                       \
	"{\"id\":\"TDX_01\",\"mrsigner\":\"" first                             \
	"0000000000000000000000000000000000000000000000000000000000000000"     \
	"000000000000000000000000000000\",\"attributes\":"                     \
	"\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\","        \
	"\"tcbLevels\":[" FAKE_SVN_LEVEL(4, "UpToDate") "]}"

static struct fake_verdict v;
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

/* ---- what is signed wrongly ------------------------------------------------
 */

static void
accepts_every_form(void **state)
{
	static const struct {
		uint16_t version, body_type;
		unsigned padding;
	} forms[] = {{4, 0, 0}, {4, 0, 39}, {5, 2, 70}, {5, 3, 3065}};
	struct fake_collateral c = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		p.version = forms[i].version;
		p.body_type = forms[i].body_type;
		p.padding = forms[i].padding;
		fake_try(&v, f, &p, &c);
		fake_show(&v.rows);
		assert_int_equal(v.verify, 0);
		assert_int_equal(v.appraise, 0);
		assert_string_equal(v.rows.tcb, "UpToDate");
		assert_int_equal(v.q.trailing_n, forms[i].padding);
	}
}

static void
wants_the_pinned_root(void **state)
{
	struct fake_collateral c = {0};
	struct endorse *bag = fake_bag(f, &c), *empty;
	struct roots none = {0}, amd = f->roots;

	(void)state;
	fake_try(&v, f, &p, &c);
	assert_int_equal(v.verify, 0);
	fake_judge(&v, bag, &none, FAKE_NOW);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	fake_judge(&v, bag, NULL, FAKE_NOW);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	amd.extra[0].vendor = ROOT_AMD_MILAN;
	fake_judge(&v, bag, &amd, FAKE_NOW);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	/* Without it in the quote, it must come from elsewhere. */
	p.bare_root = true;
	fake_try(&v, f, &p, &c);
	assert_int_equal(v.appraise, 0);
	assert_int_equal(endorse_new(&empty), 0);
	fake_judge(&v, empty, &f->roots, FAKE_NOW);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	/* Such as what came with the quote. */
	memset(&v.rows, 0, sizeof(v.rows));
	assert_int_equal(tdx_verify(v.quote, v.quote_n, bag, NULL, &f->roots,
			     FAKE_NOW, &v.policy, &v.q, &v.tcb, &v.rows),
	    0);
	assert_string_equal(v.rows.tcb, "UpToDate");
	endorse_free(empty);
	endorse_free(bag);
}

/* Certificates that are well signed and still not Intel's. */
static void
wants_intel_s_names_and_times(void **state)
{
	static const struct {
		const char *cn;
		int64_t from, to;
		bool ok;
	} cases[] = {
	    {"Intel SGX PCK Platform CA", 0, 0, true},
	    {"Intel SGX PCK Processor CA", 0, 0, true},
	    {"Intel SGX PCK Other CA", 0, 0, false},
	    {"Intel SGX PCK Platform CA", 0, FAKE_NOW - 1, false},
	    {"Intel SGX PCK Platform CA", FAKE_NOW + 9, 0, false},
	};
	struct fake_collateral c = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		X509_free(f->ca);
		X509_free(f->pck);
		f->ca = fake_make_cert(&(struct fake_cert){.cn = cases[i].cn,
		    .key = f->ca_key,
		    .issuer = f->root,
		    .issuer_key = f->root_key,
		    .serial = 2,
		    .path = 0,
		    .from = cases[i].from,
		    .to = cases[i].to});
		f->pck = fake_pck(f, &p);
		fake_try(&v, f, &p, &c);
		assert_int_equal(v.verify, cases[i].ok ? 0 : CL_ERR_EVIDENCE);
	}
}

/* The right keys, used in another way; another kind of key. */
static void
wants_intel_s_algorithm(void **state)
{
	struct fake_cert ca = {.cn = "Intel SGX PCK Platform CA",
	    .key = f->ca_key,
	    .issuer = f->root,
	    .issuer_key = f->root_key,
	    .serial = 2,
	    .path = 0};
	EVP_PKEY *p384 = EVP_EC_gen("P-384"), *good = f->ca_key;
	struct fake_collateral c = {0};
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++) {
		ca.md = i == 1 ? EVP_sha384() : NULL;
		ca.key = f->ca_key = i == 2 ? p384 : good;
		X509_free(f->ca);
		X509_free(f->pck);
		f->ca = fake_make_cert(&ca);
		f->pck = fake_pck(f, &p);
		fake_try(&v, f, &p, &c);
		assert_int_equal(v.verify, i ? CL_ERR_EVIDENCE : 0);
		assert_non_null(fake_row(&v.rows, "tdx.pck.algorithm", i == 0));
	}
	f->ca_key = good;
	EVP_PKEY_free(p384);
}

/* Its collateral's signer, and a list, likewise: no verdict then. */
static void
wants_it_of_signer_and_lists(void **state)
{
	struct fake_cert tcb = {.cn = "Intel SGX TCB Signing",
	    .key = f->tcb_key,
	    .issuer = f->root,
	    .issuer_key = f->root_key,
	    .serial = 4,
	    .path = -1,
	    .md = EVP_sha512()};
	struct fake_collateral c = {0}, no_list = {.no_pck_crl = true};
	X509 *good = f->tcb;
	struct endorse *bag;
	X509_CRL *crl;

	(void)state;
	f->tcb = fake_make_cert(&tcb);
	fake_try(&v, f, &p, &c);
	assert_int_equal(v.verify, 0);
	assert_string_equal(v.rows.tcb, "unknown");
	assert_non_null(fake_row(&v.rows, "tdx.tcb_info.signature", false));
	X509_free(f->tcb);
	f->tcb = good;
	bag = fake_bag(f, &no_list);
	fake_add_crl(
	    bag, f->ca, f->ca_key, 0, FAKE_NOW - FAKE_DAY, FAKE_NOW + FAKE_DAY);
	crl = bag->crls[bag->ncrls - 1];
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	assert_int_equal(v.appraise, 0);
	assert_true(X509_CRL_sign(crl, f->ca_key, EVP_sha384()) > 0);
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	assert_int_equal(v.appraise, CL_ERR_APPRAISAL);
	assert_non_null(fake_row(&v.rows, "tdx.crl.pck", false));
	endorse_free(bag);
}

/* Each key in its place: nothing else may have signed. */
static void
wants_each_signature(void **state)
{
	EVP_PKEY **const keys[] = {&f->pck_key, &f->ca_key, &f->ak};
	static const char *const rows[] = {
	    "tdx.qe.signature", "tdx.crl.pck", "tdx.signature"};
	struct fake_collateral c = {0};
	EVP_PKEY *good, *bad = fake_key();
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		good = *keys[i];
		*keys[i] = bad;
		fake_try(&v, f, &p, &c);
		*keys[i] = good;
		assert_int_not_equal(v.appraise, 0);
		assert_non_null(fake_row(&v.rows, rows[i], false));
	}
	/* An attestation key that the QE did not vouch for. */
	fake_try(&v, f, &p, &c);
	fake_point(bad, v.quote + AUTH_5 + 4 + 64);
	fake_sign(bad, v.quote, AUTH_5, v.quote + AUTH_5 + 4);
	fake_judge(&v, NULL, &f->roots, FAKE_NOW);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	assert_non_null(fake_row(&v.rows, "tdx.qe.binding", false));
	EVP_PKEY_free(bad);
}

static void
honours_revocation(void **state)
{
	static const struct {
		struct fake_collateral c;
		int verify;
		const char *row;
	} cases[] = {
	    {{.revoked_pck = 3}, CL_ERR_EVIDENCE, "tdx.crl.pck"},
	    {{.revoked_ca = 2}, CL_ERR_EVIDENCE, "tdx.crl.root"},
	    {{.revoked_pck = 99, .revoked_ca = 98}, 0, NULL},
	    {{.no_pck_crl = true}, 0, "tdx.crl.pck"},
	    {{.no_root_crl = true}, 0, "tdx.crl.root"},
	    {{.crl_to = FAKE_NOW - 1}, 0, "tdx.crl.pck"},
	    {{.crl_from = FAKE_NOW + 9}, 0, "tdx.crl.root"},
	    /* However old the list. */
	    {{.revoked_pck = 3, .crl_to = FAKE_NOW - 1}, CL_ERR_EVIDENCE,
		"tdx.crl.pck"},
	    /* The signer of the collateral. */
	    {{.revoked_ca = 4}, 0, "tdx.tcb_info.signature"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_try(&v, f, &p, &cases[i].c);
		assert_int_equal(v.verify, cases[i].verify);
		assert_int_equal(v.appraise == 0, !cases[i].row);
		if (cases[i].row)
			assert_non_null(fake_row(&v.rows, cases[i].row, false));
	}
}

/* A policy may live without lists, never with a revoked certificate. */
static void
can_do_without_lists(void **state)
{
	struct fake_collateral c = {.no_pck_crl = true, .no_root_crl = true};
	struct endorse *bag = fake_bag(f, &c);

	(void)state;
	fake_try(&v, f, &p, &c);
	assert_int_equal(v.appraise, CL_ERR_APPRAISAL);
	v.policy.no_crl = true;
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	assert_int_equal(v.appraise, 0);
	fake_add_crl(bag, f->ca, f->ca_key, 3, FAKE_NOW - 9, FAKE_NOW + 9);
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	endorse_free(bag);
}

/* A QE or a module of somebody else's signs well, and is not genuine. */
static void
wants_intel_s_qe_and_module(void **state)
{
	static const struct {
		struct fake_collateral c;
		const char *row;
	} cases[] = {
	    {{.qe_mrsigner = FAKE_Z16 FAKE_Z16}, "tdx.qe.mrsigner"},
	    {{.qe_isvprodid = 3}, "tdx.qe.isvprodid"},
	    {{.qe_miscselect = "01000000"}, "tdx.qe.miscselect"},
	    {{.qe_attributes = FAKE_Z16}, "tdx.qe.attributes"},
	    {{.modules = "[" MODULE_BY("01") "]"}, "tdx.module.mrsigner"},
	};
	struct fake_collateral good = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_try(&v, f, &p, &cases[i].c);
		assert_int_equal(v.verify, CL_ERR_EVIDENCE);
		assert_string_equal(v.rows.tcb, "unknown");
		assert_non_null(fake_row(&v.rows, cases[i].row, false));
	}
	/* Bits that the mask leaves out do not count; others do. */
	p.qe_attributes = 0x11 | 0x04;
	fake_try(&v, f, &p, &good);
	assert_int_equal(v.appraise, 0);
	p.qe_attributes = 0x11 | 0x02;
	fake_try(&v, f, &p, &good);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	p.qe_attributes = 0x11;
	p.seam_attributes[7] = 1;
	fake_try(&v, f, &p, &good);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	p.seam_attributes[7] = 0;
	p.mrsigner_seam[47] = 1;
	fake_try(&v, f, &p, &good);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	/* Version 0 of the module is described apart. */
	p.svn[1] = 0;
	fake_try(&v, f, &p, &good);
	assert_int_equal(v.verify, CL_ERR_EVIDENCE);
	p.mrsigner_seam[47] = 0;
	fake_try(&v, f, &p, &good);
	assert_int_equal(v.appraise, 0);
	assert_false(v.tcb.has_module);
}

/* The collateral does not know the module: no verdict, and no acceptance. */
static void
knows_when_it_does_not_know_the_module(void **state)
{
	struct fake_collateral c = {
	    .modules = "[" FAKE_MODULE(
		"TDX_01", FAKE_SVN_LEVEL(6, "UpToDate") "," FAKE_SVN_LEVEL(
			      4, "OutOfDate")) "]"};

	(void)state;
	p.svn[1] = 2;
	fake_try(&v, f, &p, &c);
	assert_int_equal(v.verify, 0);
	assert_int_equal(v.appraise, CL_ERR_APPRAISAL);
	assert_string_equal(v.rows.tcb, "unknown");
	assert_non_null(fake_row(&v.rows, "tdx.module", false));
	/* Likewise the one that runs now, once it would be asked for. */
	p.svn[1] = 1;
	p.svn2[1] = 2;
	fake_try(&v, f, &p, &c);
	assert_int_equal(v.appraise, CL_ERR_APPRAISAL);
	assert_string_equal(v.rows.tcb, "unknown");
	assert_non_null(fake_row(&v.rows, "tdx.module.current", false));
	c.modules = NULL;
	fake_try(&v, f, &p, &c);
	assert_int_equal(v.appraise, 0);
}

/* Of several documents the newest good one counts. */
static void
chooses_the_best_collateral(void **state)
{
	struct fake_collateral c = {0},
			       old = {.issued = FAKE_NOW - 9 * FAKE_DAY,
				   .levels = "[" FAKE_LEVEL(
				       5, 13, 0, 3, "OutOfDate") "]"},
			       stale = old, other = {.fmspc = "111111111111"};
	static char doc[FAKE_DOC];
	struct endorse *bag = fake_bag(f, &old);
	EVP_PKEY *stranger = fake_key();
	struct fake_collateral forged = {.signing_key = stranger};

	(void)state;
	stale.next_update = FAKE_NOW - 1;
	fake_add(bag, doc, fake_tcb_info(f, &other, doc));
	fake_add(bag, doc, fake_tcb_info(f, &stale, doc));
	fake_add(bag, doc, fake_tcb_info(f, &forged, doc));
	v.quote_n = fake_quote(f, &p, v.quote, sizeof(v.quote));
	tdx_policy_init(&v.policy);
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	assert_string_equal(v.rows.tcb, "OutOfDate");
	fake_add(bag, doc, fake_tcb_info(f, &c, doc));
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	assert_string_equal(v.rows.tcb, "UpToDate");
	assert_int_equal(v.appraise, 0);
	EVP_PKEY_free(stranger);
	endorse_free(bag);
}

static void
wants_the_right_signer(void **state)
{
	struct fake_collateral c = {0};
	X509 *good = f->tcb;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct fake_cert cert = {.cn = "Intel SGX TCB Signing",
		    .key = f->tcb_key,
		    .issuer = f->root,
		    .issuer_key = f->root_key,
		    .serial = 4,
		    .path = -1};

		if (i == 0)
			cert.cn = "Intel SGX PCK Certificate";
		else if (i == 1)
			cert.to = FAKE_NOW - 1;
		else
			cert.issuer_key = f->ca_key;
		f->tcb = fake_make_cert(&cert);
		fake_try(&v, f, &p, &c);
		assert_int_equal(v.verify, 0);
		assert_string_equal(v.rows.tcb, "unknown");
		assert_non_null(
		    fake_row(&v.rows, "tdx.tcb_info.signature", false));
		X509_free(f->tcb);
	}
	f->tcb = good;
	c.signing_key = f->ak;
	fake_try(&v, f, &p, &c);
	assert_string_equal(v.rows.tcb, "unknown");
	assert_non_null(fake_row(&v.rows, "tdx.qe_identity.signature", false));
}

/* ---- the owner's policy
 * ------------------------------------------------------ */

static void
refuses_bad_policies(void **state)
{
	static const char *const bad[] = {"[]", "{\"mr_tdd\":[]}",
	    "{\"mr_td\":\"00\"}", "{\"mr_td\":[\"00\"]}", "{\"mr_td\":[1]}",
	    "{\"rtmr3\":[\"" FAKE_Z48 "0\"]}",
	    "{\"rtmr3\":[\"A" FAKE_Z48 "\"]}", "{\"xfam\":[\"" FAKE_Z16 "\"]}",
	    "{\"tcb_status\":\"UpToDate\"}", "{\"tcb_status\":[\"uptodate\"]}",
	    "{\"tcb_status\":[\"Revoked\"]}",
	    "{\"tcb_status\":[\"NotSupported\"]}",
	    "{\"tcb_status\":[\"unknown\"]}", "{\"tcb_status\":[null]}",
	    "{\"allow_debug\":1}", "{\"require_crl\":null}",
	    "{\"require_sept_ve_disable\":\"yes\"}",
	    "{\"min_tcb_evaluation\":-1}",
	    "{\"min_tcb_evaluation\":4294967296}"};
	struct tdx_policy policy;
	json_t *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(o = json_loads(bad[i], 0, NULL));
		if (tdx_policy_parse(o, &policy) != CL_ERR_FORMAT)
			fail_msg("%s is taken", bad[i]);
		json_decref(o);
	}
	assert_int_equal(tdx_policy_parse(NULL, &policy), 0);
	assert_true(policy.accept[PCS_UP_TO_DATE] && !policy.no_crl &&
		    !policy.accept[PCS_SW_HARDENING_NEEDED]);
}

/* What a policy text says of the quote of p. */
static int
judged(const char *text)
{
	struct fake_collateral c = {0};
	struct endorse *bag = fake_bag(f, &c);
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	v.quote_n = fake_quote(f, &p, v.quote, sizeof(v.quote));
	assert_int_equal(tdx_policy_parse(o, &v.policy), 0);
	fake_judge(&v, bag, &f->roots, FAKE_NOW);
	assert_int_equal(v.verify, 0);
	json_decref(o);
	endorse_free(bag);
	return v.appraise;
}

static void
judges_attributes(void **state)
{
	unsigned bit;

	(void)state;
	for (bit = 0; bit < 8; bit++) {
		p.td_attributes = TDX_ATTR_SEPT_VE_DISABLE | 1u << bit;
		assert_int_equal(judged("{}"), CL_ERR_APPRAISAL);
		assert_int_equal(judged("{\"allow_debug\":true}"),
		    bit ? CL_ERR_APPRAISAL : 0);
	}
	p.td_attributes = 0;
	assert_int_equal(judged("{}"), 0);
	assert_int_equal(
	    judged("{\"require_sept_ve_disable\":true}"), CL_ERR_APPRAISAL);
	p.td_attributes = TDX_ATTR_SEPT_VE_DISABLE;
	assert_int_equal(judged("{\"require_sept_ve_disable\":true}"), 0);
	p.td_attributes |= TDX_ATTR_MIGRATABLE;
	assert_int_equal(judged("{}"), CL_ERR_APPRAISAL);
	assert_int_equal(judged("{\"mr_servicetd\":[\"" FAKE_Z48 "\"]}"), 0);
	/* A service TD that nobody named. */
	p.td_attributes = TDX_ATTR_SEPT_VE_DISABLE;
	p.mr_servicetd[47] = 1;
	assert_int_equal(judged("{}"), CL_ERR_APPRAISAL);
	assert_int_equal(
	    judged("{\"mr_servicetd\":[\"" FAKE_Z48 "\"]}"), CL_ERR_APPRAISAL);
}

static void
judges_reference_values(void **state)
{
	static const struct {
		const char *key;
		size_t at, n; /* in the body */
	} fields[] = {{"mr_seam", 16, 48}, {"xfam", 128, 8}, {"mr_td", 136, 48},
	    {"mr_config_id", 184, 48}, {"mr_owner", 232, 48},
	    {"mr_owner_config", 280, 48}, {"rtmr0", 328, 48},
	    {"rtmr1", 376, 48}, {"rtmr2", 424, 48}, {"rtmr3", 472, 48}};
	char text[512], hex[97];
	uint8_t value[48];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (k = 0; k < fields[i].n; k++)
			value[k] = (uint8_t)((fields[i].at + k) * 7 + 1);
		rows_hex(value, fields[i].n, hex);
		snprintf(text, sizeof(text), "{\"%s\":[\"%0*d\",\"%s\"]}",
		    fields[i].key, (int)(2 * fields[i].n), 0, hex);
		assert_int_equal(judged(text), 0);
		value[fields[i].n - 1] ^= 1;
		rows_hex(value, fields[i].n, hex);
		snprintf(text, sizeof(text), "{\"%s\":[\"%s\"]}", fields[i].key,
		    hex);
		assert_int_equal(judged(text), CL_ERR_APPRAISAL);
		snprintf(text, sizeof(text), "{\"%s\":[]}", fields[i].key);
		assert_int_equal(judged(text), CL_ERR_APPRAISAL);
	}
	/* The lower of both documents' numbers counts. */
	assert_int_equal(judged("{\"min_tcb_evaluation\":17}"), 0);
	assert_int_equal(
	    judged("{\"min_tcb_evaluation\":18}"), CL_ERR_APPRAISAL);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(wants_the_pinned_root),
	    T(wants_intel_s_names_and_times),
	    T(wants_intel_s_algorithm),
	    T(wants_it_of_signer_and_lists),
	    T(wants_each_signature),
	    T(honours_revocation),
	    T(can_do_without_lists),
	    T(wants_intel_s_qe_and_module),
	    T(knows_when_it_does_not_know_the_module),
	    T(chooses_the_best_collateral),
	    T(wants_the_right_signer),
	    T(refuses_bad_policies),
	    T(judges_attributes),
	    T(judges_reference_values),
	    T(accepts_every_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
