/* policy/verify_tdx: the TCB of a TD by Intel's collateral: every status word,
 * convergence with module and QE, advice to relaunch, and collateral that does
 * not hold. All of it signed by a vendor of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_intel.h"
#include "fake_pcs.h"

static struct fake_verdict v;

/* ---- TCB levels --------------------------------------------------------- */

struct status_case {
	const char *name;
	struct fake_collateral c;
	const char *status;
	/* What differs from the good platform. */
	uint8_t comp3, module, version, microcode;
	uint8_t module2, version2, microcode2;
	uint16_t pcesvn, qe_isvsvn, body_type;
};

#define LEVELS(text)	.c.levels = "[" text "]"
#define MODULES(text)	.c.modules = "[" text "]"
#define QE_LEVELS(text) .c.qe_levels = "[" text "]"
#define ONE(word)	LEVELS(FAKE_LEVEL(5, 13, 0, 3, word))
#define MODULE_IS(word) MODULES(FAKE_MODULE("TDX_01", FAKE_SVN_LEVEL(4, word)))
#define QE_IS(word)	QE_LEVELS(FAKE_SVN_LEVEL(6, word))
/* A module that was replaced: SVN 4 is old, 6 is new. */
#define OLD_MODULE                                                             \
	MODULES(FAKE_MODULE("TDX_01",                                          \
	    FAKE_SVN_LEVEL(6, "UpToDate") "," FAKE_SVN_LEVEL(4, "OutOfDate")))

static const struct status_case words[] = {
    {"up to date", ONE("UpToDate"), .status = "UpToDate"},
    {"hardening", ONE("SWHardeningNeeded"), .status = "SWHardeningNeeded"},
    {"configuration", ONE("ConfigurationNeeded"),
	.status = "ConfigurationNeeded"},
    {"both", ONE("ConfigurationAndSWHardeningNeeded"),
	.status = "ConfigurationAndSWHardeningNeeded"},
    {"old", ONE("OutOfDate"), .status = "OutOfDate"},
    {"old configuration", ONE("OutOfDateConfigurationNeeded"),
	.status = "OutOfDateConfigurationNeeded"},
    {"revoked", ONE("Revoked"), .status = "Revoked"},
};

static const struct status_case levels[] = {
    {"one component too low", ONE("UpToDate"), .comp3 = 4,
	.status = "NotSupported"},
    {"PCESVN too low", ONE("UpToDate"), .pcesvn = 12, .status = "NotSupported"},
    {"microcode too low", ONE("UpToDate"), .microcode = 2,
	.status = "NotSupported"},
    {"PCESVN higher", ONE("UpToDate"), .pcesvn = 900, .status = "UpToDate"},
    {"second level",
	LEVELS(FAKE_LEVEL(6, 13, 0, 3, "UpToDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "OutOfDate")),
	.status = "OutOfDate"},
    {"levels in the wrong order",
	LEVELS(FAKE_LEVEL(2, 5, 0, 1, "OutOfDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "UpToDate")),
	.status = "UpToDate"},
    {"order by PCESVN",
	LEVELS(FAKE_LEVEL(5, 5, 0, 3, "OutOfDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "UpToDate")),
	.status = "UpToDate"},
    {"order by TDX components",
	LEVELS(FAKE_LEVEL(5, 13, 0, 1, "OutOfDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "UpToDate")),
	.status = "UpToDate"},
    /* The SGX part would reach the first; the TDX part only the second. */
    {"TDX part decides",
	LEVELS(FAKE_LEVEL(5, 13, 0, 4, "UpToDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "OutOfDate")),
	.status = "OutOfDate"},
    /* With an identity of its own, the module's SVN is not a component. */
    {"module SVN beside the level", LEVELS(FAKE_LEVEL(5, 13, 9, 3, "UpToDate")),
	.status = "UpToDate"},
    {"module of version 0", LEVELS(FAKE_LEVEL(5, 13, 4, 3, "UpToDate")),
	.version = 0xff, .status = "UpToDate"},
    {"module of version 0, too low",
	LEVELS(FAKE_LEVEL(5, 13, 5, 3, "UpToDate")), .version = 0xff,
	.status = "NotSupported"},
};

static const struct status_case parts[] = {
    {"module old", ONE("UpToDate"), OLD_MODULE, .status = "OutOfDate",
	.body_type = 2},
    {"module old, hardening", ONE("SWHardeningNeeded"), OLD_MODULE,
	.status = "OutOfDate", .body_type = 2},
    {"module old, configuration", ONE("ConfigurationNeeded"), OLD_MODULE,
	.status = "OutOfDateConfigurationNeeded", .body_type = 2},
    {"module old, both", ONE("ConfigurationAndSWHardeningNeeded"), OLD_MODULE,
	.status = "OutOfDateConfigurationNeeded", .body_type = 2},
    {"module old, platform old", ONE("OutOfDate"), OLD_MODULE,
	.status = "OutOfDate", .body_type = 2},
    {"module old, platform revoked", ONE("Revoked"), OLD_MODULE,
	.status = "Revoked", .body_type = 2},
    {"module revoked", ONE("UpToDate"), MODULE_IS("Revoked"),
	.status = "Revoked"},
    {"module below all levels", ONE("UpToDate"), MODULE_IS("UpToDate"),
	.module = 3, .status = "NotSupported"},
    {"module of the newest level", ONE("UpToDate"), OLD_MODULE, .module = 9,
	.status = "UpToDate"},
    {"QE old", ONE("UpToDate"), QE_IS("OutOfDate"), .status = "OutOfDate"},
    {"QE old, configuration", ONE("ConfigurationNeeded"), QE_IS("OutOfDate"),
	.status = "OutOfDateConfigurationNeeded"},
    {"QE in need of configuration", ONE("UpToDate"),
	QE_IS("ConfigurationNeeded"), .status = "OutOfDate"},
    {"QE revoked", ONE("UpToDate"), QE_IS("Revoked"), .status = "Revoked"},
    {"QE below all levels", ONE("UpToDate"), .qe_isvsvn = 5,
	.status = "NotSupported"},
    {"QE levels in the wrong order", ONE("UpToDate"),
	QE_LEVELS(
	    FAKE_SVN_LEVEL(1, "OutOfDate") "," FAKE_SVN_LEVEL(6, "UpToDate")),
	.status = "UpToDate"},
};

static const struct status_case relaunch[] = {
    {"advised", ONE("UpToDate"), OLD_MODULE, .module2 = 6,
	.status = "TDRelaunchAdvised"},
    {"advised, hardening", ONE("SWHardeningNeeded"), OLD_MODULE, .module2 = 7,
	.status = "TDRelaunchAdvised"},
    {"advised, configuration", ONE("ConfigurationNeeded"), OLD_MODULE,
	.module2 = 6, .status = "TDRelaunchAdvisedConfigurationNeeded"},
    {"advised, both", ONE("ConfigurationAndSWHardeningNeeded"), OLD_MODULE,
	.module2 = 6, .status = "TDRelaunchAdvisedConfigurationNeeded"},
    /* SGX level current, TDX level old. */
    {"advised, old microcode at launch",
	LEVELS(FAKE_LEVEL(5, 13, 0, 4, "UpToDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "OutOfDate")),
	OLD_MODULE, .module2 = 6, .microcode2 = 4,
	.status = "TDRelaunchAdvised"},
    {"microcode still old",
	LEVELS(FAKE_LEVEL(5, 13, 0, 4, "UpToDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "OutOfDate")),
	OLD_MODULE, .module2 = 6, .status = "OutOfDate"},
    {"newest module is of another version", ONE("UpToDate"),
	MODULES(FAKE_MODULE(
	    "TDX_01", FAKE_SVN_LEVEL(6, "UpToDate") "," FAKE_SVN_LEVEL(
			  4, "OutOfDate")) "," FAKE_MODULE("tdx_0a",
	    FAKE_SVN_LEVEL(2, "UpToDate"))),
	.version2 = 10, .module2 = 2, .status = "TDRelaunchAdvised"},
    {"module now of version 0", LEVELS(FAKE_LEVEL(5, 13, 6, 3, "UpToDate")),
	OLD_MODULE, .version2 = 0xff, .module2 = 6,
	.status = "TDRelaunchAdvised"},
    {"module now of version 0, too low",
	LEVELS(FAKE_LEVEL(5, 13, 6, 3, "UpToDate")), OLD_MODULE,
	.version2 = 0xff, .module2 = 5, .status = "OutOfDate"},
    {"module not the newest", ONE("UpToDate"), OLD_MODULE, .module2 = 5,
	.status = "OutOfDate"},
    {"a TD 1.0 cannot tell", ONE("UpToDate"), OLD_MODULE, .module2 = 6,
	.body_type = 2, .status = "OutOfDate"},
    {"QE old too", ONE("UpToDate"), OLD_MODULE, QE_IS("OutOfDate"),
	.module2 = 6, .status = "OutOfDate"},
    {"QE revoked too", ONE("UpToDate"), OLD_MODULE, QE_IS("Revoked"),
	.module2 = 6, .status = "Revoked"},
    {"QE not supported", ONE("UpToDate"), OLD_MODULE, .qe_isvsvn = 5,
	.module2 = 6, .status = "NotSupported"},
    {"platform old too", ONE("OutOfDate"), OLD_MODULE, .module2 = 6,
	.status = "OutOfDate"},
    {"platform revoked", ONE("Revoked"), OLD_MODULE, .module2 = 6,
	.status = "Revoked"},
    /* Only the microcode was old, not the module. */
    {"module current, microcode updated",
	LEVELS(FAKE_LEVEL(5, 13, 0, 4, "UpToDate") "," FAKE_LEVEL(
	    5, 13, 0, 3, "OutOfDate")),
	MODULE_IS("UpToDate"), .module2 = 4, .microcode2 = 4,
	.status = "OutOfDate"},
    {"module of version 0 at launch",
	LEVELS(FAKE_LEVEL(5, 13, 6, 3, "UpToDate") "," FAKE_LEVEL(
	    5, 13, 4, 3, "OutOfDate")),
	.version = 0xff, .version2 = 0xff, .module2 = 6, .status = "OutOfDate"},
    {"module up to date at launch", ONE("UpToDate"), MODULE_IS("UpToDate"),
	.module2 = 6, .status = "UpToDate"},
};

static struct fake_platform
platform_of(const struct status_case *s)
{
	struct fake_platform p = fake_good_platform();

	if (s->comp3)
		p.comp[3] = s->comp3;
	if (s->module)
		p.svn[0] = s->module;
	if (s->version)
		p.svn[1] = s->version == 0xff ? 0 : s->version;
	if (s->microcode)
		p.svn[2] = s->microcode;
	if (s->module2)
		p.svn2[0] = s->module2;
	if (s->version2)
		p.svn2[1] = s->version2 == 0xff ? 0 : s->version2;
	if (s->microcode2)
		p.svn2[2] = s->microcode2;
	if (s->pcesvn)
		p.pcesvn = s->pcesvn;
	if (s->qe_isvsvn)
		p.qe_isvsvn = s->qe_isvsvn;
	if (s->body_type)
		p.body_type = s->body_type;
	return p;
}

static void
run(const struct status_case *s, size_t n)
{
	for (; n; n--, s++) {
		struct fake_platform p = platform_of(s);
		struct fake_intel *f = fake_intel_new(&p);
		bool good = strcmp(s->status, "UpToDate") == 0;

		fake_try(&v, f, &p, &s->c);
		if (v.verify != 0 || strcmp(v.rows.tcb, s->status) != 0 ||
		    v.appraise != (good ? 0 : CL_ERR_APPRAISAL)) {
			fake_show(&v.rows);
			fail_msg("%s: expected %s, came %s (%d, %d)", s->name,
			    s->status, v.rows.tcb, v.verify, v.appraise);
		}
		assert_non_null(fake_row(&v.rows, "tdx.tcb", good));
		fake_intel_free(f);
	}
}

#define RUN(cases) run(cases, sizeof(cases) / sizeof((cases)[0]))

static void
gives_every_word(void **state)
{
	(void)state;
	RUN(words);
	RUN(levels);
}

static void
converges_module_and_qe(void **state)
{
	(void)state;
	RUN(parts);
}

static void
advises_relaunch(void **state)
{
	(void)state;
	RUN(relaunch);
}

/* The policy's list decides, and relaunch is OutOfDate with a reason. */
static void
accepts_what_is_listed(void **state)
{
	static const struct {
		const char *list, *word;
		bool ok;
	} cases[] = {
	    {"[]", "UpToDate", false},
	    {"[\"UpToDate\"]", "UpToDate", true},
	    {"[\"UpToDate\"]", "SWHardeningNeeded", false},
	    {"[\"SWHardeningNeeded\"]", "SWHardeningNeeded", true},
	    {"[\"SWHardeningNeeded\"]", "UpToDate", false},
	    {"[\"OutOfDate\"]", "OutOfDate", true},
	    {"[\"OutOfDate\"]", "TDRelaunchAdvised", true},
	    {"[\"TDRelaunchAdvised\"]", "TDRelaunchAdvised", true},
	    {"[\"TDRelaunchAdvised\"]", "OutOfDate", false},
	    {"[\"OutOfDate\"]", "TDRelaunchAdvisedConfigurationNeeded", false},
	    {"[\"OutOfDateConfigurationNeeded\"]",
		"TDRelaunchAdvisedConfigurationNeeded", true},
	    {"[\"OutOfDate\"]", "Revoked", false},
	};
	struct appraise_result rows;
	struct tdx_quote q = {.version = 5};
	struct tdx_policy policy;
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tdx_tcb tcb = {.known = true};
		json_t *o;
		int r;

		snprintf(
		    text, sizeof(text), "{\"tcb_status\":%s}", cases[i].list);
		assert_non_null(o = json_loads(text, 0, NULL));
		assert_int_equal(tdx_policy_parse(o, &policy), 0);
		assert_int_equal(
		    pcs_status_parse(cases[i].word, &tcb.status), 0);
		memset(&rows, 0, sizeof(rows));
		r = tdx_appraise(&q, &tcb, &policy, &rows);
		assert_int_equal(r, cases[i].ok ? 0 : CL_ERR_APPRAISAL);
		/* Whatever is accepted, not to know is not. */
		tcb.known = false;
		memset(&rows, 0, sizeof(rows));
		assert_int_equal(
		    tdx_appraise(&q, &tcb, &policy, &rows), CL_ERR_APPRAISAL);
		json_decref(o);
	}
}

/* ---- collateral that does not hold --------------------------------------- */

struct bad_collateral {
	const char *name;
	struct fake_collateral c;
	const char *row; /* that fails */
};

/* The quote stays genuine; nothing is known of its TCB. */
static const struct bad_collateral unknown[] = {
    {"no TCB info", {.no_tcb = true}, "tdx.tcb_info"},
    {"no QE identity", {.no_qe = true}, "tdx.qe_identity"},
    {"none of them", {.no_qe = true, .no_tcb = true}, "tdx.tcb_info"},
    {"no signer", {.no_signer = true}, "tdx.tcb_info.signature"},
    {"expired",
	{.issued = FAKE_NOW - 9 * FAKE_DAY, .next_update = FAKE_NOW - 1},
	"tdx.tcb_info.dates"},
    {"not yet valid",
	{.issued = FAKE_NOW + 1, .next_update = FAKE_NOW + FAKE_DAY},
	"tdx.qe_identity.dates"},
    {"another FMSPC", {.fmspc = "9a9a9a9a9a9b"}, "tdx.tcb_info.platform"},
    {"another PCE-ID", {.pceid = "0100"}, "tdx.tcb_info.platform"},
    {"TCB info of SGX", {.tcb_id = "SGX"}, "tdx.tcb_info"},
    {"TCB info version 2", {.tcb_version = 2}, "tdx.tcb_info"},
    {"QE identity of SGX", {.qe_id = "QE"}, "tdx.qe_identity"},
    {"QE identity version 1", {.qe_version = 1}, "tdx.qe_identity"},
    {"a word that Intel has not",
	{.levels = "[" FAKE_LEVEL(5, 13, 0, 3, "Fine") "]"}, "tdx.tcb_info"},
};

static void
leaves_the_tcb_unknown(void **state)
{
	struct fake_platform p = fake_good_platform();
	struct fake_intel *f = fake_intel_new(&p);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		fake_try(&v, f, &p, &unknown[i].c);
		if (v.verify != 0 || v.appraise != CL_ERR_APPRAISAL ||
		    strcmp(v.rows.tcb, "unknown") != 0 || v.tcb.known ||
		    !fake_row(&v.rows, unknown[i].row, false)) {
			fake_show(&v.rows);
			fail_msg("%s: %d, %d, %s", unknown[i].name, v.verify,
			    v.appraise, v.rows.tcb);
		}
	}
	fake_intel_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(leaves_the_tcb_unknown),
	    cmocka_unit_test(gives_every_word),
	    cmocka_unit_test(converges_module_and_qe),
	    cmocka_unit_test(advises_relaunch),
	    cmocka_unit_test(accepts_what_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
