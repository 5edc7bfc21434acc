/* agent/tpm_svsm, the manifests of policy/verify_tpm_svsm: an SVSM behind
 * tests/fake/tsmfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <time.h>

#include "agent/tpm_svsm.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "policy/verify_tpm.h"
#include "scratch.h"
#include "tsmfs.h"

struct fixture {
	struct scratch *dir;
	struct tsmfs fs;
	uint8_t about[EVIDENCE_REPORT_DATA];
};

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir;

	assert_non_null(f);
	assert_int_equal(crypto_ready(), 0);
	assert_int_equal(scratch_make(&dir), 0);
	f->dir = dir;
	memset(f->about, 'a', sizeof(f->about));
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	tsmfs_stop(&f->fs);
	scratch_remove(&dir);
	free(f);
	return 0;
}

static const char manifest[] = "what the SVSM says of its TPM";

/* Mounts, or skips the test. */
#define MOUNT(f, ...)                                                          \
	do {                                                                   \
		const char *missing_ = tsmfs_missing();                        \
                                                                               \
		if (missing_) {                                                \
			print_message("skipped: %s\n", missing_);              \
			skip();                                                \
		}                                                              \
		tsmfs_start(&(f)->fs, (f)->dir, __VA_ARGS__);                  \
	} while (0)

static const char *
manifest_file(struct fixture *f)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/manifest", f->dir->path);
	assert_int_equal(file_write_new(f->dir->fd, "manifest", manifest,
			     sizeof(manifest), 0600),
	    0);
	return path;
}

static int
attest(struct fixture *f, struct tsm_report *out, char *reason)
{
	int r;

	reason[0] = '\0';
	r = tpm_svsm_attest(f->fs.root, 0, f->about, out, reason);
	assert_int_equal(tsmfs_left(&f->fs), 0);
	if (r) {
		assert_null(out->out);
		assert_true(reason[0] != '\0');
	}
	return r;
}

static void
no_svsm_is_no_error(void **state)
{
	struct fixture *f = *state;
	struct tsm_report got;
	char reason[TSM_REASON];

	assert_int_equal(
	    tpm_svsm_attest("/nonexistent", 0, f->about, &got, reason),
	    CL_ERR_NOT_FOUND);
	MOUNT(f, "--floor", "0", NULL);
	assert_int_equal(attest(f, &got, reason), CL_ERR_UNSUPPORTED);
	assert_non_null(strstr(reason, "no SVSM"));
}

static void
another_answer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct tsm_report got;
	char reason[TSM_REASON];

	MOUNT(f, "--svsm", manifest_file(f), "--floor", "2", "--lie", NULL);
	assert_int_equal(attest(f, &got, reason), CL_ERR_EVIDENCE);
	assert_non_null(strstr(reason, "other data"));
}

static void
a_failure_is_no_absence(void **state)
{
	struct fixture *f = *state;
	struct tsm_report got;
	char reason[TSM_REASON];

	MOUNT(f, "--svsm", manifest_file(f), "--floor", "2", "--fail", "6",
	    NULL); /* ENXIO */
	assert_int_equal(attest(f, &got, reason), CL_ERR_IO);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* In small pieces, while another process writes to the first request. */
static void
an_svsm_answers_and_certificates_follow(void **state)
{
	struct fixture *f = *state;
	struct crypto_part part[2] = {
	    {f->about, 64}, {manifest, sizeof(manifest)}};
	struct tsm_report got;
	char reason[TSM_REASON], aux[PATH_MAX];
	uint8_t digest[64];
	int64_t began;

	assert_int_equal(
	    file_write_new(f->dir->fd, "aux", "table", 5, 0600), 0);
	snprintf(aux, sizeof(aux), "%s/aux", f->dir->path);
	MOUNT(f, "--svsm", manifest_file(f), "--floor", "2", "--aux", aux,
	    "--chunk", "700", "--race", "1", NULL);
	began = now_ms();
	if (attest(f, &got, reason) != 0)
		fail_msg("%s", reason);
	/* Asked again after one pause, for certificates after another. */
	assert_true(now_ms() - began >= 4000);
	assert_int_equal(got.out_n, 1184);
	assert_int_equal(got.out[0x30], 0);
	assert_int_equal(crypto_sha512(part, 2, digest), 0);
	assert_memory_equal(got.out + 0x50, digest, 64);
	assert_int_equal(got.manifest_n, sizeof(manifest));
	assert_memory_equal(got.manifest, manifest, sizeof(manifest));
	assert_int_equal(got.aux_n, 5);
	assert_memory_equal(got.aux, "table", 5);
	tsm_clear(&got);
}

/* ---- manifests ---- */

static void
put_guid(struct wr *out, const char *hex)
{
	unsigned i, v;

	for (i = 0; i < 16; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		assert_int_equal(wr_u8(out, (uint8_t)v), 0);
	}
}

#define SERVICES "bb9e8463923d7046a1ff58f9c94b87bb"
#define VTPM	 "ebf176c42301a5459641b4e7dde5bfe3"
#define OTHER	 "00112233445566778899aabbccddeeff"

/* Two services with the bytes "one" and "four". */
static size_t
all_services(uint8_t *p, size_t cap, const char *first, const char *second)
{
	struct wr out = wr_make(p, cap);

	put_guid(&out, SERVICES);
	assert_int_equal(wr_u32(&out, 24 + 48 + 7) | wr_u32(&out, 2), 0);
	put_guid(&out, first);
	assert_int_equal(wr_u32(&out, 72) | wr_u32(&out, 3), 0);
	put_guid(&out, second);
	assert_int_equal(wr_u32(&out, 75) | wr_u32(&out, 4), 0);
	assert_int_equal(wr_bytes(&out, "onefour", 7), 0);
	return out.len;
}

static void
manifests_of_all_services_are_searched(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
	} bad[] = {{16, 0x50}, {16, 0x4e}, {19, 1}, {20, 1}, {20, 3}, {20, 65},
	    {23, 0x80}, {40, 71}, {40, 80}, {43, 0xff}, {44, 8}, {44, 0xff},
	    {47, 0xff}, {64, 0}};
	struct tpm_blob_view v;
	uint8_t p[128];
	size_t n = all_services(p, sizeof(p), OTHER, VTPM), i;
	uint8_t was;

	(void)state;
	assert_int_equal(tpm_svsm_manifest(p, n, &v), 0);
	assert_int_equal(v.n, 4);
	assert_memory_equal(v.p, "four", 4);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		was = p[bad[i].at];
		p[bad[i].at] = bad[i].value;
		if (tpm_svsm_manifest(p, n, &v) == 0)
			fail_msg("%u: %u", bad[i].at, bad[i].value);
		p[bad[i].at] = was;
	}
	for (i = 16; i < n; i++)
		assert_int_not_equal(tpm_svsm_manifest(p, i, &v), 0);
	n = all_services(p, sizeof(p), VTPM, VTPM);
	assert_int_equal(tpm_svsm_manifest(p, n, &v), CL_ERR_FORMAT);
	n = all_services(p, sizeof(p), OTHER, OTHER);
	assert_int_equal(tpm_svsm_manifest(p, n, &v), CL_ERR_NOT_FOUND);
	assert_int_equal(tpm_svsm_manifest(p, 0, &v), CL_ERR_FORMAT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_svsm_is_no_error),
	    TEST(another_answer_is_refused),
	    TEST(a_failure_is_no_absence),
	    TEST(an_svsm_answers_and_certificates_follow),
	    TEST(manifests_of_all_services_are_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
