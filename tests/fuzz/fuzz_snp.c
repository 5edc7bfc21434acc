/* snp_unwrap, snp_parse, snp_print, snp_verify, snp_appraise, and endorse_add
 * of what stands behind the report: certificates or a certificate table */
#include "fuzz.h"
#include "policy/verify_snp.h"

static void
verify(const uint8_t *report, const struct endorse *bag)
{
	static const struct snp_policy policy;
	static struct appraise_result rows;
	struct snp_evidence e;

	memset(&rows, 0, sizeof(rows));
	if (snp_verify(report, SNP_REPORT, bag, NULL, NULL, FUZZ_TIME, &policy,
		&e, &rows) != 0)
		fuzz_holds(!rows_all_ok(&rows));
	else if (snp_appraise(&e, &policy, &rows) != 0)
		fuzz_holds(!rows_all_ok(&rows));
	fuzz_holds(rows.nrows && rows.nrows <= APPRAISE_MAX_ROWS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t have = n < SNP_REPORT ? n : SNP_REPORT;
	uint8_t *copy = fuzz_copy(p, have);
	struct endorse *bag;
	struct snp_report r;
	const uint8_t *report;

	if (snp_unwrap(p, n, &report) == 0 &&
	    snp_parse(report, SNP_REPORT, &r) == 0)
		json_decref(snp_print(&r));
	if (snp_parse(copy, have, &r) == 0) {
		fuzz_holds(endorse_new(&bag) == 0);
		if (endorse_add(bag, p + have, n - have) != 0)
			fuzz_holds(bag->ncerts + bag->ncrls + bag->ndocs == 0);
		verify(copy, bag);
		endorse_free(bag);
	}
	free(copy);
	return 0;
}
