/* What the SNP verifier says of evidence that fake_amd.h describes. Include
 * after cmocka.h. */
#ifndef CLOISTER_TESTS_SNP_VERDICT_H
#define CLOISTER_TESTS_SNP_VERDICT_H

#include <stdlib.h>

#include "fake_amd.h"
#include "lib/json.h"

static inline const char *
refused(const struct appraise_result *rows)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (!rows->rows[i].ok)
			return rows->rows[i].claim;
	return "";
}

static inline const char *
came(const struct appraise_result *rows)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (!rows->rows[i].ok)
			return rows->rows[i].came;
	return "";
}

/* Makes what f describes and verifies it, then appraises under policy (JSON,
 * NULL: the default). "": accepted, else the first refused claim. */
static inline const char *
verdict(struct fake_amd *f, const char *policy)
{
	static char claim[40];
	static struct appraise_result rows;
	struct snp_policy p;
	struct snp_evidence e;
	json_t *o = NULL;
	int r;

	if (policy) {
		o = json_parse(policy, strlen(policy), &r);
		assert_non_null(o);
	}
	if (snp_policy_parse(o, &p) != 0)
		fail_msg("%s: %s", policy, json_why());
	memset(&rows, 0, sizeof(rows));
	fake_amd_make(f);
	r = snp_verify(f->report, SNP_REPORT, f->bag, NULL, &f->roots, FAKE_NOW,
	    &p, &e, &rows);
	assert_int_equal(r, refused(&rows)[0] ? CL_ERR_EVIDENCE : CL_OK);
	if (r == 0) {
		r = snp_appraise(&e, &p, &rows);
		assert_int_equal(
		    r, refused(&rows)[0] ? CL_ERR_APPRAISAL : CL_OK);
	}
	fake_amd_free(f);
	json_decref(o);
	snprintf(claim, sizeof(claim), "%s", refused(&rows));
	if (claim[0] && getenv("VERBOSE"))
		print_message("%s: %s\n", claim, came(&rows));
	return claim;
}

#define MILAN(...) (&(struct fake_amd){.product = ROOT_AMD_MILAN, __VA_ARGS__})
#define TURIN(...)                                                             \
	(&(struct fake_amd){                                                   \
	    .product = ROOT_AMD_TURIN, .version = 5, __VA_ARGS__})
#define is(claim, f, policy) assert_string_equal(claim, verdict(f, policy))

#endif
