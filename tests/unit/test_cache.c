/* client/wanted, client/cache, client/appraisal: a cache has documents of many
 * machines; only those of the one at hand are used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fake_amd.h"
#include "fake_hygon.h"
#include "hex.h"
#include "scratch.h"

#include "client/appraisal.h"
#include "client/cache.h"
#include "client/text.h"
#include "client/why.h"
#include "lib/b64.h"
#include "lib/file.h"
#include "policy/verify_snp_vek.h"

struct fixture {
	struct scratch *dir;
	struct home home;
	struct fake_amd amd;
	char policy[96];
};

static void
put(const struct fixture *f, const char *name, const void *p, size_t n)
{
	char path[160];

	snprintf(path, sizeof(path), CACHE_DIR "/%s", name);
	assert_int_equal(
	    file_write_atomic(f->home.dirfd, path, p, n, 0600), CL_OK);
}

static void
put_cert(const struct fixture *f, const char *name, X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	assert_true(n > 0);
	put(f, name, der, (size_t)n);
	OPENSSL_free(der);
}

/* The bag's certificates as files PREFIX0, PREFIX1, … */
static void
put_certs(const struct fixture *f, const char *prefix, const struct endorse *e)
{
	char name[32];
	unsigned i;

	for (i = 0; i < e->ncerts; i++) {
		snprintf(name, sizeof(name), "%s%u", prefix, i);
		put_cert(f, name, e->certs[i]);
	}
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char text[256], spki[65];

	assert_non_null(f);
	(void)scratch_make((void **)&f->dir);
	f->home = (struct home){f->dir->fd, f->dir->path};
	assert_int_equal(mkdirat(f->dir->fd, CACHE_DIR, 0700), 0);
	f->amd.product = ROOT_AMD_MILAN;
	fake_amd_make(&f->amd);
	rows_hex(f->amd.roots.extra[0].spki, 32, spki);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"test_roots\":{\"amd-milan\":[\"%s\"]}}", spki);
	assert_int_equal(file_write_atomic(f->dir->fd, "policy.json", text,
			     strlen(text), 0600),
	    CL_OK);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	fake_amd_free(&f->amd);
	(void)scratch_remove((void **)&f->dir);
	free(f);
	return 0;
}

static int
judge(const struct fixture *f, const struct endorse *given, bool cache,
    struct appraisal *a)
{
	const struct appraisal_ask ask = {.home = &f->home,
	    .tee = "snp",
	    .given = given,
	    .cache = cache ? &f->home : NULL,
	    .time = FAKE_NOW};

	return appraisal_ask(
	    &ask, (const char *)f->amd.report, SNP_REPORT, a, NULL);
}

static void
evidence_is_accepted_by_what_the_cache_has(void **state)
{
	struct fixture *f = *state;
	struct endorse *none;
	struct appraisal a;

	assert_int_equal(judge(f, NULL, true, &a), CL_ERR_EVIDENCE);
	put_certs(f, "any", f->amd.bag);
	assert_int_equal(judge(f, NULL, true, &a), CL_OK);
	assert_true(a.result.accepted);
	/* Not asked for, or something else was given. */
	assert_int_equal(judge(f, NULL, false, &a), CL_ERR_EVIDENCE);
	assert_int_equal(endorse_new(&none), CL_OK);
	assert_int_equal(judge(f, none, true, &a), CL_ERR_EVIDENCE);
	endorse_free(none);
}

static void
other_machines_do_not_crowd_it_out(void **state)
{
	struct fixture *f = *state;
	struct fake_amd other = {.product = ROOT_AMD_MILAN};
	struct endorse *bag;
	struct wanted w;
	struct appraisal a;
	char name[16];
	unsigned i;

	for (i = 1; i < 40; i++) {
		other.hwid_xor = (uint8_t)i;
		fake_amd_make(&other);
		snprintf(name, sizeof(name), "a%u", i);
		put_cert(f, name, other.bag->certs[2]);
		fake_amd_free(&other);
	}
	/* Same chip, other patch level. */
	other = (struct fake_amd){
	    .product = ROOT_AMD_MILAN, .spl = {.bl = 4, .ucode = 100}};
	fake_amd_make(&other);
	put_cert(f, "b", other.bag->certs[2]);
	fake_amd_free(&other);
	/* Another product's chain, a stranger's file, a folder. */
	other = (struct fake_amd){.product = ROOT_AMD_GENOA};
	fake_amd_make(&other);
	put_certs(f, "genoa", other.bag);
	fake_amd_free(&other);
	put(f, "README", "not an endorsement", 18);
	assert_int_equal(mkdirat(f->dir->fd, CACHE_DIR "/folder", 0700), 0);
	put_certs(f, "mine", f->amd.bag);

	assert_int_equal(judge(f, NULL, true, &a), CL_OK);
	assert_int_equal(
	    wanted_find("snp", f->amd.report, SNP_REPORT, NULL, &w), CL_OK);
	assert_int_equal(endorse_new(&bag), CL_OK);
	assert_int_equal(cache_load(&f->home, &w, bag), CL_OK);
	assert_int_equal(bag->ncerts, 3);
	endorse_free(bag);
}

static void
a_report_says_which_chip_it_wants(void **state)
{
	struct fixture *f = *state;
	uint8_t chip[64];
	struct wanted w;

	(void)fake_amd_chip(&f->amd, chip);
	assert_int_equal(
	    wanted_find("snp", f->amd.report, SNP_REPORT, NULL, &w), CL_OK);
	assert_true(w.amd && !w.intel && !w.hygon && !w.snp.vlek);
	assert_int_equal(w.snp.product, ROOT_AMD_MILAN);
	assert_memory_equal(w.snp.chip_id, chip, 64);
	assert_memory_equal(w.snp.tcb, "\4\1\0\0\0\0\x18\xdb", 8);
	/* Version 2 does not tell its product; certificates do. */
	f->amd.report[0] = 2;
	assert_int_equal(
	    wanted_find("snp", f->amd.report, SNP_REPORT, NULL, &w), CL_OK);
	assert_int_equal(w.snp.product, 0);
	assert_true(wanted_suits(&w, f->amd.bag));
	assert_int_equal(
	    wanted_find("snp", f->amd.report, SNP_REPORT, f->amd.bag, &w),
	    CL_OK);
	assert_int_equal(w.snp.product, ROOT_AMD_MILAN);
}

/* Appends a member that is base64url of bytes. */
static void
add_blob(struct text *t, const char *key, const void *p, size_t n)
{
	char *b64 = calloc(1, 2 * n + 8);

	assert_non_null(b64);
	b64url_encode(p, n, b64);
	assert_int_equal(text_str(t, ",\""), 0);
	assert_int_equal(text_str(t, key), 0);
	assert_int_equal(text_str(t, "\":\""), 0);
	assert_int_equal(text_str(t, b64), 0);
	assert_int_equal(text_str(t, "\""), 0);
	free(b64);
}

/* {"attest":…,"signature":…,"pcrs":{…}} and one more; what it wants. */
static int
want_of_tpm(const char *key, const void *p, size_t n, struct wanted *w)
{
	static const char pcr[] = "{\"pcrs\":{\"0\":\""
				  "00000000000000000000000000000000"
				  "00000000000000000000000000000000\"}";
	struct text t = {0};
	int r;

	assert_int_equal(text_str(&t, pcr), 0);
	add_blob(&t, "attest", "a", 1);
	add_blob(&t, "signature", "s", 1);
	if (strcmp(key, "svsm_report") == 0) {
		add_blob(&t, "svsm_manifest", "m", 1);
		add_blob(&t, "svsm_data", "d", 1);
	}
	add_blob(&t, key, p, n);
	assert_int_equal(text_str(&t, "}"), 0);
	r = wanted_find("tpm", (const uint8_t *)t.p, t.n, NULL, w);
	text_clear(&t);
	return r;
}

static void
a_tpm_wants_what_endorses_it(void **state)
{
	static const char data[] = "{\"keys\":[]}";
	struct fixture *f = *state;
	uint8_t hcl[1236 + sizeof(data) - 1] = "HCLA";
	const uint32_t n = sizeof(data) - 1;
	struct wanted w;

	assert_int_equal(
	    want_of_tpm("svsm_report", f->amd.report, SNP_REPORT, &w), CL_OK);
	assert_true(w.amd && wanted_suits(&w, f->amd.bag));
	le32_put(hcl + 4, 2);
	le32_put(hcl + 8, 1216 + 20 + n);
	le32_put(hcl + 12, 2);
	memcpy(hcl + 32, f->amd.report, SNP_REPORT);
	le32_put(hcl + 1216, 20 + n);
	le32_put(hcl + 1220, 1);
	le32_put(hcl + 1224, 2);
	le32_put(hcl + 1228, 1);
	le32_put(hcl + 1232, n);
	memcpy(hcl + 1236, data, n);
	assert_int_equal(want_of_tpm("hcl", hcl, sizeof(hcl), &w), CL_OK);
	assert_true(w.amd && wanted_suits(&w, f->amd.bag));
	/* Of TDX, whose quote did not come. */
	le32_put(hcl + 1224, 4);
	assert_int_equal(want_of_tpm("hcl", hcl, sizeof(hcl), &w), CL_OK);
	assert_false(w.amd || w.intel);
	hcl[0] = 'X';
	assert_int_equal(
	    want_of_tpm("hcl", hcl, sizeof(hcl), &w), CL_ERR_FORMAT);
	/* A key that is only pinned: no vendor has a say. */
	assert_int_equal(want_of_tpm("ak", "k", 1, &w), CL_OK);
	assert_false(w.amd || w.intel || w.hygon);
}

static void
what_is_no_evidence_wants_nothing(void **state)
{
	static const char *const kinds[] = {"snp", "tdx", "csv", "tpm"};
	struct fixture *f = *state;
	struct wanted w;
	unsigned i;

	for (i = 0; i < 4; i++) {
		assert_int_equal(wanted_find(kinds[i], f->amd.report,
				     SNP_REPORT - 1, NULL, &w),
		    CL_ERR_FORMAT);
		assert_int_equal(
		    wanted_find(kinds[i], (const uint8_t *)"", 0, NULL, &w),
		    CL_ERR_FORMAT);
	}
	assert_int_equal(
	    wanted_find("sim", (const uint8_t *)"{}", 2, NULL, &w), CL_OK);
	assert_false(w.amd || w.intel || w.hygon);
	assert_false(wanted_suits(&w, f->amd.bag));
}

static void
a_cek_suits_its_own_chip_only(void **state)
{
	struct fake_hygon *mine = fake_hygon_new(), *other = fake_hygon_new();
	struct endorse *my_bag = fake_hygon_bag(mine);
	struct endorse *other_bag = fake_hygon_bag(other), *bag;
	struct fake_csv how = {.user_data = "asked",
	    .serial = "TEST0001",
	    .policy = 0x41,
	    .anonce = {1, 2, 3, 4}};
	struct fixture *f = *state;
	uint8_t report[HYGON_BUFFER];
	struct wanted w;

	put(f, "a", other_bag->docs[1].p, other_bag->docs[1].n);
	put(f, "b", my_bag->docs[1].p, my_bag->docs[1].n);
	put_certs(f, "amd", f->amd.bag);
	for (how.version = 1; how.version <= 3; how.version++) {
		fake_csv_report(mine, &how, report);
		assert_int_equal(
		    wanted_find("csv", report, sizeof(report), NULL, &w),
		    CL_OK);
		assert_true(w.hygon && !w.amd);
		assert_string_equal(w.csv.serial, "TEST0001");
		assert_int_equal(endorse_new(&bag), CL_OK);
		assert_int_equal(cache_load(&f->home, &w, bag), CL_OK);
		assert_int_equal(bag->ndocs, 1);
		assert_int_equal(bag->ncerts, 0);
		assert_memory_equal(
		    bag->docs[0].p, my_bag->docs[1].p, my_bag->docs[1].n);
		endorse_free(bag);
	}
	endorse_free(my_bag);
	endorse_free(other_bag);
	fake_hygon_free(mine);
	fake_hygon_free(other);
}

static void
a_cache_that_cannot_be_read_is_named(void **state)
{
	struct fixture *f = *state;
	struct appraisal a;

	assert_int_equal(unlinkat(f->dir->fd, CACHE_DIR, AT_REMOVEDIR), 0);
	assert_int_equal(judge(f, NULL, true, &a), CL_ERR_EVIDENCE);
	assert_int_equal(
	    file_write_atomic(f->dir->fd, CACHE_DIR, "file", 4, 0600), CL_OK);
	assert_int_equal(judge(f, NULL, true, &a), CL_ERR_IO);
	assert_non_null(strstr(why_text(), f->dir->path));
	assert_non_null(strstr(why_text(), "cache"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(evidence_is_accepted_by_what_the_cache_has),
	    T(other_machines_do_not_crowd_it_out),
	    T(a_report_says_which_chip_it_wants),
	    T(a_tpm_wants_what_endorses_it),
	    T(what_is_no_evidence_wants_nothing),
	    T(a_cek_suits_its_own_chip_only),
	    T(a_cache_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
