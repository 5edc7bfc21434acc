/* tdx_parse, tdx_print, tdx_verify, tdx_appraise */
#include "fuzz.h"
#include "policy/verify_tdx.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct appraise_result rows;
	static struct tdx_quote q;
	struct tdx_policy policy;
	struct tdx_tcb tcb;

	if (tdx_parse(p, n, &q) != 0)
		return 0;
	json_decref(tdx_print(&q));
	tdx_policy_init(&policy);
	memset(&rows, 0, sizeof(rows));
	if (tdx_verify(p, n, NULL, NULL, NULL, FUZZ_TIME, &policy, &q, &tcb,
		&rows) != 0)
		fuzz_holds(!rows_all_ok(&rows));
	else /* no collateral, no known TCB */
		fuzz_holds(tdx_appraise(&q, &tcb, &policy, &rows) != 0);
	fuzz_holds(rows.nrows && rows.nrows <= APPRAISE_MAX_ROWS);
	return 0;
}
