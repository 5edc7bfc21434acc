/* appraise_policy_parse, and through it snp_policy_parse, tdx_policy_parse,
 * csv_policy_parse, tpm_policy_parse */
#include "fuzz.h"
#include "lib/json.h"
#include "policy/appraise.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct appraise_policy *policy = NULL;

	if (appraise_policy_parse((const char *)p, n, &policy) == 0)
		appraise_policy_free(policy);
	else
		fuzz_holds(json_why());
	return 0;
}
