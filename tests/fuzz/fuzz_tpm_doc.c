/* tpm_doc_parse, tpm_verify, tpm_print, tpm_appraise: a quote with all that
 * comes with it, as JSON */
#include "fuzz.h"
#include "policy/verify_tpm.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct tpm_policy policy;
	static struct appraise_result rows;
	struct tpm_evidence e;

	memset(&e, 0, sizeof(e));
	memset(&rows, 0, sizeof(rows));
	if (tpm_verify(p, n, &e, &rows) != 0) {
		fuzz_holds(!rows_all_ok(&rows));
	} else {
		json_decref(tpm_print(&e));
		/* Without a pin in the policy no AK is believed. */
		fuzz_holds(!tpm_ak_pinned(&e, &policy, true, &rows));
		if (tpm_appraise(&e, &policy, &rows) != 0)
			fuzz_holds(!rows_all_ok(&rows));
	}
	fuzz_holds(rows.nrows <= APPRAISE_MAX_ROWS);
	tpm_evidence_clear(&e);
	return 0;
}
