/* csv_verify, csv_open, csv_appraise, csv_print: a report of Hygon's */
#include "fuzz.h"
#include "policy/verify_csv.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct csv_policy policy;
	static struct appraise_result rows;
	static struct csv_evidence e;
	static struct csv_report r;

	memset(&rows, 0, sizeof(rows));
	if (csv_verify(p, n, NULL, NULL, NULL, &e, &rows) != 0)
		fuzz_holds(!rows_all_ok(&rows));
	json_decref(csv_print(&e, NULL));
	if (csv_open(&e, e.user_data, NULL, &r) == 0)
		json_decref(csv_print(&e, &r));
	if (csv_appraise(&e, e.user_data, &policy, &r, &rows) != 0)
		fuzz_holds(!rows_all_ok(&rows));
	fuzz_holds(rows.nrows <= APPRAISE_MAX_ROWS);
	return 0;
}
