/* policy/appraise: what an owner wants of the claims of a real TEE (age,
 * posture), and of the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log_case.h"

/* The fixture's evidence about other claims. */
static void
claim(struct fixture *f, const char *issued, const char *posture)
{
	static const char b32[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	char digest[65] = "", text[1024];

	memset(digest, 'b', 64);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"tee\":\"tdx\",\"channel_key\":\"%s\",\"expires\":%lld,"
	    "\"audit_key\":\"%s\",\"boot\":\"%.22s\",\"version\":\"1\","
	    "\"binary\":\"%s\",\"config\":\"%s\",%s\"posture\":%s}",
	    b32, (long long)FAKE_NOW + 300, b32, b32, digest, digest, issued,
	    posture);
	secmem_free(f->e.claims);
	f->e.claims_n = strlen(text);
	f->e.claims = secmem_alloc(f->e.claims_n + 1);
	assert_non_null(f->e.claims);
	memcpy(f->e.claims, text, f->e.claims_n);
	assert_int_equal(evidence_report_data(f->nonce, f->e.claims,
			     f->e.claims_n, f->report_data),
	    0);
	memcpy(f->e.raw + BODY + 520, f->report_data, 64);
	quote(f);
}

/* Without the log: it is about other claims. */
static const char *
verdict(struct fixture *f, const char *more)
{
	struct appraise_input in = {.evidence = &f->e};
	char text[1024];

	snprintf(text, sizeof(text), "%s" ANY, more);
	return judge(f, &in, "", text);
}

static const char *
aged(struct fixture *f, int64_t issued)
{
	char member[64];

	snprintf(member, sizeof(member), "\"issued\":%lld,", (long long)issued);
	claim(f, member, "{\"memory\":\"mlock\"}");
	return verdict(f, ",\"max_age\":60");
}

static void
age_is_checked(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(aged(f, FAKE_NOW), "");
	assert_string_equal(aged(f, FAKE_NOW - 60), "");
	assert_string_equal(aged(f, FAKE_NOW + 60), "");
	assert_string_equal(aged(f, FAKE_NOW - 61), "age");
	assert_string_equal(aged(f, FAKE_NOW + 61), "age");
	assert_string_equal(aged(f, 1), "age");
	assert_string_equal(aged(f, INT64_MAX), "age");
	assert_true(f->result.authentic);
	assert_string_equal(verdict(f, ""), "");
	claim(f, "", "{\"memory\":\"mlock\"}");
	assert_string_equal(verdict(f, ",\"max_age\":60"), "age");
	assert_string_equal(verdict(f, ""), "");
}

/* What has no claims has no date. */
static void
raw_evidence_has_no_claims(void **state)
{
	struct fixture *f = *state;
	struct appraise_input in = {.tee = "tdx",
	    .raw = f->e.raw,
	    .raw_n = f->e.raw_n,
	    .report_data = f->report_data};

	quote(f);
	assert_string_equal(judge(f, &in, "", ""), "");
	assert_string_equal(judge(f, &in, "", ",\"max_age\":60"), "age");
	assert_string_equal(
	    judge(f, &in, "", ",\"posture\":{\"memory\":[\"mlock\"]}"),
	    "posture.memory");
	assert_true(f->result.authentic);
}

static void
posture_is_checked(void **state)
{
	static const struct {
		const char *posture, *policy, *refused;
	} all[] = {
	    {"{\"memory\":\"mlock\"}", "{\"memory\":[\"mlock\"]}", ""},
	    {"{\"memory\":\"mlock\"}", "{\"memory\":[\"a\",\"mlock\"]}", ""},
	    {"{\"memory\":\"mlock\"}", "{\"memory\":[\"memfd_secret\"]}",
		"posture.memory"},
	    {"{\"memory\":\"mlock\"}", "{\"memory\":[]}", "posture.memory"},
	    {"{\"memory\":\"mlock\"}", "{}", ""},
	    {"{\"memory\":\"mlock\"}", "{\"guard\":[\"on\"]}", "posture.guard"},
	    {"{\"memory\":\"mlock\",\"guard\":\"on\"}",
		"{\"guard\":[\"on\"],\"memory\":[\"mlock\"]}", ""},
	    {"{\"memory\":\"mlock\",\"guard\":true}", "{\"guard\":[\"true\"]}",
		""},
	    {"{\"memory\":\"mlock\",\"guard\":false}", "{\"guard\":[\"true\"]}",
		"posture.guard"},
	    {"{\"memory\":\"mlock\",\"cpus\":4}", "{\"cpus\":[\"4\"]}", ""},
	    {"{\"memory\":\"mlock\",\"cpus\":[\"4\"]}", "{\"cpus\":[\"4\"]}",
		"posture.cpus"},
	    {"{\"memory\":\"mlock\",\"cpus\":null}", "{\"cpus\":[\"4\"]}",
		"posture.cpus"},
	};
	struct fixture *f = *state;
	char more[256];
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		claim(f, "", all[i].posture);
		snprintf(more, sizeof(more), ",\"posture\":%s", all[i].policy);
		assert_string_equal(verdict(f, more), all[i].refused);
	}
}

static void
machines_are_listed(void **state)
{
#define NINES "9a9a9a9a9a9a"
#define PPID  "07000000000000000000000000000000"
	static const struct {
		const char *policy, *refused;
	} all[] = {{"\"fmspc\":[\"" NINES "\"]", ""},
	    {"\"fmspc\":[\"00000000000f\"]", "tdx.fmspc"},
	    {"\"fmspc\":[]", "tdx.fmspc"}, {"\"ppid\":[\"" PPID "\"]", ""},
	    {"\"ppid\":[\"" FAKE_Z16 "\"]", "tdx.ppid"},
	    {"\"platform_instance\":[\"" PPID "\"]", ""},
	    {"\"platform_instance\":[\"" FAKE_Z16 "\"]",
		"tdx.platform_instance"}};
	struct fixture *f = *state;
	struct appraise_input in = {.tee = "tdx",
	    .raw = f->e.raw,
	    .raw_n = f->e.raw_n,
	    .report_data = f->report_data};
	size_t i;

	quote(f);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_string_equal(
		    judge(f, &in, all[i].policy, ""), all[i].refused);
	assert_string_equal(
	    json_string_value(json_object_get(
		json_object_get(f->fields, "quote"), "pck_ppid")),
	    PPID);
}

static void
bad_policies_are_refused_by_name(void **state)
{
	static const char *const bad[][2] = {{"\"posture\":[]", "posture"},
	    {"\"posture\":{\"\":[]}", "posture"},
	    {"\"posture\":{\"memory\":\"mlock\"}", "memory"},
	    {"\"posture\":{\"memory\":[1]}", "memory"},
	    {"\"posture\":{\"memory\":[\"\"]}", "memory"},
	    {"\"posture\":{\"a name of more than thirty letters\":[]}",
		"posture"},
	    {"\"max_age\":0", "max_age"}, {"\"max_age\":\"60\"", "max_age"},
	    {"\"tdx\":{\"fmspc\":[\"00\"]}", "fmspc"},
	    {"\"tdx\":{\"ppid\":\"00\"}", "ppid"}};
	struct appraise_policy *p;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"v\":1,%s}", bad[i][0]);
		if (appraise_policy_parse(text, strlen(text), &p) !=
		    CL_ERR_FORMAT)
			fail_msg("%s is taken", text);
		assert_string_equal(json_why(), bad[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(age_is_checked),
	    T(raw_evidence_has_no_claims),
	    T(posture_is_checked),
	    T(machines_are_listed),
	    cmocka_unit_test(bad_policies_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
