/* appraise_input: u8 kind, then an envelope (0) or a vendor's blob, as
 * `cloister verify` takes them */
#include "fuzz.h"
#include "policy/appraise.h"

static const struct appraise_policy *
policy(void)
{
	static const char text[] = "{\"v\":1,\"accept_sim\":true}";
	static struct appraise_policy *made;

	if (!made)
		fuzz_holds(
		    appraise_policy_parse(text, strlen(text), &made) == 0);
	return made;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const tees[] = {
	    NULL, "snp", "tdx", "csv", "tpm", "sim"};
	static const uint8_t nonce[EVIDENCE_NONCE];
	static struct appraise_result rows;
	struct appraise_input in = {
	    .policy = policy(), .nonce = nonce, .time = FUZZ_TIME};
	struct evidence_claims claims;
	struct evidence e;
	json_t *fields = NULL;

	if (n == 0)
		return 0;
	in.tee = tees[p[0] % 6];
	in.raw = p + 1;
	in.raw_n = n - 1;
	if (!in.tee) {
		if (evidence_parse((const char *)in.raw, in.raw_n, &e) != 0)
			return 0;
		in.evidence = &e;
	}
	memset(&rows, 0, sizeof(rows));
	if (appraise_input(&in, &claims, &rows, &fields) == 0)
		fuzz_holds(rows.authentic && rows.accepted);
	else
		fuzz_holds(!rows.accepted);
	fuzz_holds(rows.nrows && rows.nrows <= APPRAISE_MAX_ROWS);
	json_decref(fields);
	if (in.evidence)
		evidence_clear(&e);
	return 0;
}
