/* policy/evidence, verify_sim and agent/evidence_sim: strict claims,
 * report data, the simulated TEE. Envelopes: test_envelope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <time.h>

#include "agent/evidence_provider.h"
#include "hex.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/evidence.h"
#include "policy/verify_sim.h"
#include "scratch.h"

static struct evidence_claims
sample(void)
{
	struct evidence_claims c = {
	    .tee = "sim",
	    .expires = 1700000000,
	    .version = "0.1.0",
	    .memory = "memfd_secret",
	};

	memset(c.channel_key, 1, 32);
	memset(c.audit_key, 2, 32);
	memset(c.boot, 3, 16);
	memset(c.binary, 'a', 64);
	memset(c.config, '0', 64);
	return c;
}

/* A document with the member at replaced; members are one JSON text each. */
static char *
with(const char *const *members, size_t n, size_t at, const char *instead)
{
	static char text[4096];
	size_t i;

	strcpy(text, "{");
	for (i = 0; i < n; i++) {
		const char *m = i == at ? instead : members[i];

		if (*m && text[1])
			strcat(text, ",");
		strcat(text, m);
	}
	return strcat(text, "}");
}

#define B16 "AAAAAAAAAAAAAAAAAAAAAA"
#define B32 B16 "AAAAAAAAAAAAAAAAAAAAA"
#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const claims[] = {"\"v\":1", "\"tee\":\"sim\"",
    "\"channel_key\":\"" B32 "\"", "\"expires\":1700000000",
    "\"audit_key\":\"" B32 "\"", "\"boot\":\"" B16 "\"",
    "\"version\":\"0.1.0\"", "\"binary\":\"" H64 "\"", "\"config\":\"" H64 "\"",
    "\"posture\":{\"memory\":\"mlock\",\"x\":1}"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct bad {
	size_t at;
	const char *text;
	int err;
};

static int
parse_claims(const char *text)
{
	struct evidence_claims c;

	return evidence_claims_parse(text, strlen(text), &c);
}

static void
refuse_all(int (*parse)(const char *), const char *const *members, size_t n,
    const struct bad *bad, size_t nbad)
{
	size_t i;
	int r;

	assert_int_equal(parse(with(members, n, n, "")), CL_OK);
	for (i = 0; i < n; i++)
		assert_int_equal(parse(with(members, n, i, "")), CL_ERR_FORMAT);
	for (i = 0; i < nbad; i++) {
		r = parse(with(members, n, bad[i].at, bad[i].text));
		if (r != bad[i].err)
			fail_msg("%s: %s", bad[i].text, err_name(r));
	}
}

static void
bad_claims_are_refused(void **state)
{
	static const struct bad bad[] = {
	    {0, "\"v\":2", CL_ERR_VERSION},
	    {0, "\"v\":1,\"v\":1", CL_ERR_FORMAT},
	    {0, "\"v\":1,\"more\":1", CL_ERR_FORMAT},
	    {1, "\"tee\":\"sixteen letters!\"", CL_ERR_FORMAT},
	    {1, "\"tee\":1", CL_ERR_FORMAT},
	    {2, "\"channel_key\":\"" B16 "\"", CL_ERR_FORMAT},
	    {2, "\"channel_key\":\"" B32 "=\"", CL_ERR_FORMAT},
	    {3, "\"expires\":\"1700000000\"", CL_ERR_FORMAT},
	    {3, "\"expires\":-1", CL_ERR_FORMAT},
	    {3, "\"expires\":1,\"issued\":1", CL_OK},
	    {3, "\"expires\":1,\"issued\":0", CL_ERR_FORMAT},
	    {3, "\"expires\":1,\"issued\":-1", CL_ERR_FORMAT},
	    {3, "\"expires\":1,\"issued\":\"1\"", CL_ERR_FORMAT},
	    {4, "\"audit_key\":null", CL_ERR_FORMAT},
	    {5, "\"boot\":\"" B32 "\"", CL_ERR_FORMAT},
	    {6, "\"version\":\"a version text that is too long\"",
		CL_OK}, /* 31 characters: just fits */
	    {6, "\"version\":\"a version text that is too long!\"",
		CL_ERR_FORMAT},
	    {7, "\"binary\":\"0123\"", CL_ERR_FORMAT},
	    {7,
		"\"binary\":\"0123456789ABCDEF0123456789abcdef0123456789abcdef"
		"0123456789abcdef\"",
		CL_ERR_FORMAT},
	    {8, "\"config\":[]", CL_ERR_FORMAT},
	    {9, "\"posture\":{}", CL_ERR_FORMAT},
	    {9, "\"posture\":\"mlock\"", CL_ERR_FORMAT},
	    {9, "\"posture\":{\"memory\":true}", CL_ERR_FORMAT},
	};

	(void)state;
	refuse_all(parse_claims, claims, COUNT(claims), bad, COUNT(bad));
}

static void
claims_are_so_long_at_most(void **state)
{
	struct evidence_claims c;
	size_t n = EVIDENCE_CLAIMS_MAX + 1;
	char *big = malloc(n);

	(void)state;
	assert_non_null(big);
	memset(big, ' ', n);
	assert_int_equal(evidence_claims_parse(big, n, &c), CL_ERR_TOO_LARGE);
	assert_int_equal(evidence_claims_parse(big, n - 1, &c), CL_ERR_FORMAT);
	free(big);
}

static void
claims_come_back(void **state)
{
	struct evidence_claims c = sample(), back;
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(evidence_claims_print(&c, &text, &n), CL_OK);
	assert_int_equal(evidence_claims_parse(text, n, &back), CL_OK);
	assert_memory_equal(&c, &back, sizeof(c));
	secmem_free(text);
}

/* Computed apart with Python's hashlib: claims "{}", nonce of 32 times 7. */
static void
report_data_is_as_documented(void **state)
{
	uint8_t nonce[EVIDENCE_NONCE], got[EVIDENCE_REPORT_DATA], want[64];

	(void)state;
	memset(nonce, 7, sizeof(nonce));
	unhex(
	    "d579114d0bd9afb737b37055e3644a02e9af9c68825106b6efa796811b3691e9"
	    "ad8ee2de75faefabbb93e5a6efb472be7fbe7fcf380358326b99f4256921a15c",
	    want, sizeof(want));
	assert_int_equal(evidence_report_data(nonce, "{}", 2, got), CL_OK);
	assert_memory_equal(got, want, sizeof(want));
	nonce[31] ^= 1;
	assert_int_equal(evidence_report_data(nonce, "{}", 2, got), CL_OK);
	assert_memory_not_equal(got, want, sizeof(want));
	nonce[31] ^= 1;
	assert_int_equal(evidence_report_data(nonce, "{} ", 3, got), CL_OK);
	assert_memory_not_equal(got, want, sizeof(want));
}

static void
sim_evidence_is_signed_whole(void **state)
{
	struct sim_report report = {.time = 1700000000}, got = {.time = 0};
	struct identity *root, *other;
	uint8_t raw[SIM_EVIDENCE + 1] = {0};
	size_t i;

	(void)state;
	memset(report.report_data, 5, 64);
	memset(report.measurement, 6, 32);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &root), CL_OK);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &other), CL_OK);
	assert_int_equal(sim_make(root, &report, raw), CL_OK);
	for (i = 0; i < SIM_EVIDENCE; i++) {
		raw[i] ^= 1;
		assert_int_not_equal(
		    sim_verify(root, raw, SIM_EVIDENCE, &got), CL_OK);
		raw[i] ^= 1;
		assert_int_equal(
		    sim_verify(root, raw, i, &got), CL_ERR_TRUNCATED);
	}
	assert_int_equal(
	    sim_verify(root, raw, SIM_EVIDENCE + 1, &got), CL_ERR_TRAILING);
	assert_int_equal(
	    sim_verify(other, raw, SIM_EVIDENCE, &got), CL_ERR_EVIDENCE);
	assert_int_equal(got.time, 0);
	assert_int_equal(sim_verify(root, raw, SIM_EVIDENCE, &got), CL_OK);
	assert_memory_equal(&got, &report, sizeof(got));
	identity_free(root);
	identity_free(other);
}

static void
a_sim_root_is_ed25519(void **state)
{
	struct sim_report report = {.time = 1};
	struct identity *id;
	uint8_t raw[SIM_EVIDENCE] = "CLSIM1\0";

	(void)state;
	assert_int_equal(identity_generate(IDENTITY_P256, &id), CL_OK);
	assert_int_equal(sim_make(id, &report, raw), CL_ERR_UNSUPPORTED);
	assert_int_equal(
	    sim_verify(id, raw, sizeof(raw), &report), CL_ERR_UNSUPPORTED);
	identity_free(id);
}

/* ---- the provider ---- */

static void
the_provider_needs_its_key(void **state)
{
	const struct evidence_provider *sim = evidence_provider_by_name("sim");
	struct scratch *s = *state;
	struct evidence_config c = {NULL};
	char reason[EVIDENCE_REASON], path[128];
	uint8_t data[64] = {0};
	struct evidence ev = {.nblobs = 0};
	struct identity *id;
	char *pem;

	assert_null(evidence_provider_by_name("sgx"));
	assert_null(evidence_provider_by_name("auto"));
	assert_null(evidence_provider_by_name(""));
	assert_non_null(sim);
	assert_int_equal(sim->probe(&c, reason), CL_ERR_CONFIG);
	assert_non_null(strstr(reason, "--make-sim-key"));
	snprintf(path, sizeof(path), "%s/key", s->path);
	c.sim_key = path;
	assert_int_equal(sim->probe(&c, reason), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(reason, path));
	assert_int_equal(sim->produce(&c, data, &ev, reason), CL_ERR_NOT_FOUND);
	assert_null(ev.raw);
	/* A key of another kind. */
	assert_int_equal(identity_generate(IDENTITY_P256, &id), CL_OK);
	assert_int_equal(identity_private_pem(id, NULL, &pem), CL_OK);
	assert_int_equal(
	    file_write_new(AT_FDCWD, path, pem, strlen(pem), 0600), CL_OK);
	assert_int_equal(sim->probe(&c, reason), CL_ERR_UNSUPPORTED);
	secmem_free(pem);
	identity_free(id);
}

static void
keys_are_made_once(void **state)
{
	struct scratch *s = *state;
	char path[128], pub[136];
	struct stat st;

	snprintf(path, sizeof(path), "%s/key", s->path);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	assert_int_equal(evidence_sim_make_key(path), CL_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(pub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(evidence_sim_make_key(path), CL_ERR_EXISTS);
	assert_int_equal(
	    evidence_sim_make_key("/nowhere/at/all"), CL_ERR_NOT_FOUND);
}

static void
produced_evidence_verifies(void **state)
{
	const struct evidence_provider *sim = evidence_sim();
	struct scratch *s = *state;
	struct evidence_config c;
	struct sim_report report;
	struct crypto_part part;
	struct identity *root;
	struct evidence ev = {.nblobs = 0};
	char path[128], reason[EVIDENCE_REASON];
	uint8_t data[64], measured[32], *p;
	size_t n;

	memset(data, 0x5a, sizeof(data));
	snprintf(path, sizeof(path), "%s/key", s->path);
	assert_int_equal(evidence_sim_make_key(path), CL_OK);
	c.sim_key = path;
	assert_int_equal(sim->probe(&c, reason), CL_OK);
	assert_int_equal(sim->produce(&c, data, &ev, reason), CL_OK);
	assert_int_equal(ev.raw_n, SIM_EVIDENCE);
	assert_int_equal(ev.nblobs, 0);
	assert_int_equal(file_read(s->fd, "key.pub", 4096, &p, &n), CL_OK);
	assert_int_equal(identity_load_public((char *)p, n, &root), CL_OK);
	secmem_free(p);
	assert_int_equal(sim_verify(root, ev.raw, ev.raw_n, &report), CL_OK);
	evidence_clear(&ev);
	assert_memory_equal(report.report_data, data, 64);
	assert_in_range(report.time, time(NULL) - 60, time(NULL) + 1);
	/* The measurement is this program's. */
	assert_int_equal(
	    file_read(AT_FDCWD, "/proc/self/exe", 64 << 20, &p, &n), CL_OK);
	part.p = p;
	part.n = n;
	assert_int_equal(crypto_sha256(&part, 1, measured), CL_OK);
	assert_memory_equal(report.measurement, measured, 32);
	secmem_free(p);
	identity_free(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_claims_are_refused),
	    cmocka_unit_test(claims_are_so_long_at_most),
	    cmocka_unit_test(claims_come_back),
	    cmocka_unit_test(report_data_is_as_documented),
	    cmocka_unit_test(sim_evidence_is_signed_whole),
	    cmocka_unit_test(a_sim_root_is_ed25519),
	    scratch_test(the_provider_needs_its_key),
	    scratch_test(keys_are_made_once),
	    scratch_test(produced_evidence_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
