/* client/policy_init on SNP evidence: the policy accepts what it was made of
 * and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/policy_init.h"
#include "client/why.h"
#include "fake_amd.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "scratch.h"

static uint64_t guest_policy;
static uint8_t changed_at;

static void
edit(uint8_t *report)
{
	if (guest_policy)
		le64_put(report + 8, guest_policy);
	if (changed_at)
		report[changed_at] ^= 1;
}

struct fixture {
	struct fake_amd amd;
	void *dir;
	char base[256];
	struct appraisal_ask ask;
	struct text policy;
};

static int
begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	guest_policy = 0;
	changed_at = 0;
	f->amd.product = ROOT_AMD_GENOA;
	f->amd.edit = edit;
	fake_amd_make(&f->amd);
	(void)scratch_make(&f->dir);
	snprintf(f->base, sizeof(f->base), "%s/base.json",
	    ((struct scratch *)f->dir)->path);
	f->ask = (struct appraisal_ask){.policy = f->base,
	    .tee = "snp",
	    .given = f->amd.bag,
	    .time = FAKE_NOW};
	*state = f;
	return 0;
}

static int
end(void **state)
{
	struct fixture *f = *state;

	text_clear(&f->policy);
	fake_amd_free(&f->amd);
	(void)scratch_remove(&f->dir);
	free(f);
	return 0;
}

/* The policy to begin with: the fake's root and this. */
static void
base_is(struct fixture *f, const char *more)
{
	FILE *out = fopen(f->base, "w");
	char root[65];

	assert_non_null(out);
	rows_hex(f->amd.roots.extra[0].spki, 32, root);
	fprintf(out, "{\"v\":1,\"test_roots\":{\"amd-genoa\":[\"%s\"]}%s}",
	    root, more);
	assert_int_equal(fclose(out), 0);
}

static int
make(struct fixture *f)
{
	text_clear(&f->policy);
	return policy_init_make(
	    &f->ask, (const char *)f->amd.report, SNP_REPORT, &f->policy);
}

/* Another report of the same vendor under the policy that was made: the first
 * refused claim, "" when there is none. */
static const char *
judge_other(struct fixture *f)
{
	static struct appraisal a;
	struct appraise_policy *p;
	unsigned i;
	int r;

	fake_amd_free(&f->amd);
	fake_amd_make(&f->amd);
	f->ask.given = f->amd.bag;
	assert_int_equal(
	    appraise_policy_parse(f->policy.p, f->policy.n, &p), CL_OK);
	r = appraisal_under(
	    p, &f->ask, (const char *)f->amd.report, SNP_REPORT, &a, NULL);
	appraise_policy_free(p);
	for (i = 0; i < a.result.nrows; i++)
		if (!a.result.rows[i].ok)
			return a.result.rows[i].claim;
	assert_int_equal(r, CL_OK);
	return "";
}

static void
policy_is_for_this_guest_only(void **state)
{
	static const struct {
		uint8_t at;
		const char *claim;
	} changes[] = {{0, ""}, {0x90, "measurement"}, {0xbf, "measurement"},
	    {0xc0, "host_data"}, {0xe0, "id_key_digest"}};
	struct fixture *f = *state;
	size_t i;

	base_is(f, "");
	if (make(f) != CL_OK)
		fail_msg("%s", why_text());
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		changed_at = changes[i].at;
		assert_string_equal(judge_other(f), changes[i].claim);
	}
	/* 6 instead of 7. */
	changed_at = 4;
	assert_string_equal(judge_other(f), "guest_svn");
}

static void
values_are_those_that_came(void **state)
{
	struct fixture *f = *state;
	json_t *o, *snp, *tcb;
	const char *s;
	int r;

	base_is(f, "");
	if (make(f) != CL_OK)
		fail_msg("%s", why_text());
	o = json_parse(f->policy.p, f->policy.n, &r);
	snp = json_object_get(o, "snp");
	s = json_string_value(
	    json_array_get(json_object_get(snp, "measurement"), 0));
	assert_int_equal(strspn(s, "4d"), 96);
	/* No author key came: there is nothing to demand. */
	assert_null(json_object_get(snp, "author_key_digest"));
	tcb = json_object_get(json_object_get(snp, "min_tcb"), "genoa");
	assert_int_equal(json_integer_value(json_object_get(tcb, "snp")), 24);
	assert_int_equal(
	    json_integer_value(json_object_get(tcb, "ucode")), 219);
	assert_int_equal(
	    json_integer_value(json_object_get(snp, "min_guest_svn")), 7);
	json_decref(o);
}

/* Values are replaced, what else the owner wanted stays. */
static void
base_is_kept(void **state)
{
	struct fixture *f = *state;
	json_t *o, *snp;
	int r;

	base_is(f, ",\"allow_unknown_software\":true,\"snp\":{\"allow_debug\":"
		   "true,\"host_data\":[]}");
	guest_policy = 0xb001f;
	fake_amd_free(&f->amd);
	fake_amd_make(&f->amd);
	f->ask.given = f->amd.bag;
	if (make(f) != CL_OK)
		fail_msg("%s", why_text());
	o = json_parse(f->policy.p, f->policy.n, &r);
	snp = json_object_get(o, "snp");
	assert_true(json_is_true(json_object_get(snp, "allow_debug")));
	assert_int_equal(json_array_size(json_object_get(snp, "host_data")), 1);
	assert_true(json_is_true(json_object_get(o, "allow_unknown_software")));
	assert_non_null(json_object_get(o, "test_roots"));
	json_decref(o);
}

static void
no_permission_is_added(void **state)
{
	struct fixture *f = *state;

	base_is(f, "");
	guest_policy = 0xb001f;
	fake_amd_free(&f->amd);
	fake_amd_make(&f->amd);
	f->ask.given = f->amd.bag;
	assert_int_equal(make(f), CL_ERR_APPRAISAL);
	assert_non_null(strstr(why_text(), "policy.debug"));
}

static void
forgeries_make_no_policy(void **state)
{
	struct fixture *f = *state;

	base_is(f, "");
	f->amd.report[0x90] ^= 1;
	assert_int_equal(make(f), CL_ERR_EVIDENCE);
	assert_int_equal(f->policy.n, 0);
	/* Genuine, but of nobody that is trusted. */
	f->amd.report[0x90] ^= 1;
	f->ask.policy = NULL;
	assert_int_equal(make(f), CL_ERR_EVIDENCE);
	assert_int_equal(f->policy.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		policy_is_for_this_guest_only, begin, end),
	    cmocka_unit_test_setup_teardown(
		values_are_those_that_came, begin, end),
	    cmocka_unit_test_setup_teardown(base_is_kept, begin, end),
	    cmocka_unit_test_setup_teardown(no_permission_is_added, begin, end),
	    cmocka_unit_test_setup_teardown(
		forgeries_make_no_policy, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
