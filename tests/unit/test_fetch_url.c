/* client/fetch_url, fetch_name, fetch_settings: what evidence says chooses a
 * document and nothing else; what the owner says chooses the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

#include "client/fetch_name.h"
#include "client/fetch_url.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

#define KDS "https://kdsintf.amd.com"
#define PCS "https://api.trustedservices.intel.com"
#define A8  "a0a1a2a3a4a5a6a7"

static const struct fetch_settings vendors;

static const char *
url(const struct fetch_settings *s, enum fetch_kind kind,
    const struct wanted *w)
{
	static char out[FETCH_URL_MAX];

	assert_int_equal(fetch_url(s, kind, w, out), CL_OK);
	return out;
}

static struct wanted *
amd(enum root_vendor product, const char *tcb)
{
	static struct wanted w;
	size_t i;

	memset(&w, 0, sizeof(w));
	w.amd = true;
	w.snp.product = product;
	memcpy(w.snp.tcb, tcb, 8);
	for (i = 0; i < 64; i++)
		w.snp.chip_id[i] = (uint8_t)(0xa0 + i % 8);
	return &w;
}

static void
amd_knows_a_chip_by_its_id_and_levels(void **state)
{
	struct wanted *w = amd(ROOT_AMD_MILAN, "\4\1\0\0\0\0\x18\xdb");

	(void)state;
	assert_string_equal(url(&vendors, FETCH_VCEK, w),
	    KDS "/vcek/v1/Milan/" A8 A8 A8 A8 A8 A8 A8 A8
		"?blSPL=04&teeSPL=01&snpSPL=24&ucodeSPL=219");
	assert_string_equal(
	    url(&vendors, FETCH_AMD_CHAIN, w), KDS "/vcek/v1/Milan/cert_chain");
	assert_string_equal(
	    url(&vendors, FETCH_AMD_CRL, w), KDS "/vcek/v1/Milan/crl");
	w->snp.vlek = true;
	w->snp.product = ROOT_AMD_GENOA;
	assert_string_equal(
	    url(&vendors, FETCH_AMD_CHAIN, w), KDS "/vlek/v1/Genoa/cert_chain");
	w = amd(ROOT_AMD_TURIN, "\2\4\1\x18\0\0\0\xdb");
	assert_string_equal(url(&vendors, FETCH_VCEK, w),
	    KDS "/vcek/v1/Turin/" A8
		"?fmcSPL=02&blSPL=04&teeSPL=01&snpSPL=24&ucodeSPL=219");
}

static void
intel_and_hygon(void **state)
{
	struct wanted w = {.intel = true, .hygon = true};

	(void)state;
	memcpy(w.tdx.fmspc, "\x90\xc0\x6f\0\0\0", 6);
	assert_string_equal(url(&vendors, FETCH_TCB_INFO, &w),
	    PCS "/tdx/certification/v4/tcb?fmspc=90c06f000000");
	assert_string_equal(url(&vendors, FETCH_QE_IDENTITY, &w),
	    PCS "/tdx/certification/v4/qe/identity");
	assert_string_equal(url(&vendors, FETCH_PCK_CRL, &w),
	    PCS "/sgx/certification/v4/pckcrl?ca=processor&encoding=der");
	w.tdx.platform = true;
	assert_string_equal(url(&vendors, FETCH_PCK_CRL, &w),
	    PCS "/sgx/certification/v4/pckcrl?ca=platform&encoding=der");
	assert_string_equal(url(&vendors, FETCH_ROOT_CRL, &w),
	    "https://certificates.trustedservices.intel.com/"
	    "IntelSGXRootCA.der");
	strcpy(w.csv.serial, "TMK0-1_2~x");
	assert_string_equal(url(&vendors, FETCH_HSK_CEK, &w),
	    "https://cert.hygon.cn/hsk_cek?snumber=TMK0-1_2~x");
	assert_string_equal(
	    url(&vendors, FETCH_HRK, &w), "https://cert.hygon.cn/hrk");
}

static void
hostile_serials_stay_one_value(void **state)
{
	struct wanted w = {.hygon = true};
	char name[FETCH_NAME_MAX], all[CSV_SERIAL + 1];
	const char *said;

	(void)state;
	strcpy(w.csv.serial, "../a?b=c&d#e%2f@h:/\\\"'");
	assert_string_equal(url(&vendors, FETCH_HSK_CEK, &w),
	    "https://cert.hygon.cn/hsk_cek?snumber=%2E%2E%2Fa%3Fb%3Dc%26d%23e"
	    "%252f%40h%3A%2F%5C%22%27");
	assert_int_equal(fetch_name(FETCH_HSK_CEK, &w, name), CL_OK);
	assert_string_equal(name, "hygon-hsk-cek-___a_b_c_d_e_2f_h_____.cert");
	/* The longest one, of nothing but what must be escaped. */
	memset(all, '/', CSV_SERIAL);
	all[CSV_SERIAL] = '\0';
	memcpy(w.csv.serial, all, sizeof(all));
	said = url(&vendors, FETCH_HSK_CEK, &w);
	assert_int_equal(strlen(said),
	    strlen("https://cert.hygon.cn/hsk_cek?snumber=") + 3 * CSV_SERIAL);
	assert_int_equal(fetch_name(FETCH_HSK_CEK, &w, name), CL_OK);
	assert_null(strchr(name, '/'));
	/* Bytes that no serial has, should they ever come this far. */
	strcpy(w.csv.serial, "\x80\xff\r\n");
	assert_string_equal(url(&vendors, FETCH_HSK_CEK, &w),
	    "https://cert.hygon.cn/hsk_cek?snumber=%80%FF%0D%0A");
}

static void
names_are_harmless_and_differ(void **state)
{
	struct wanted *w = amd(ROOT_AMD_MILAN, "\4\1\0\0\0\0\x18\xdb");
	char a[FETCH_NAME_MAX], b[FETCH_NAME_MAX];

	(void)state;
	assert_int_equal(fetch_name(FETCH_VCEK, w, a), CL_OK);
	assert_string_equal(a, "amd-vcek-milan-" A8 A8 "-04010000000018db.der");
	w->snp.chip_id[0]++;
	assert_int_equal(fetch_name(FETCH_VCEK, w, b), CL_OK);
	assert_string_not_equal(a, b);
	w->snp.product = ROOT_INTEL;
	assert_int_equal(fetch_name(FETCH_VCEK, w, b), CL_ERR_ARGUMENT);
	assert_int_equal(fetch_name_issuers("one", 3, a), CL_OK);
	assert_int_equal(fetch_name_issuers("two", 3, b), CL_OK);
	assert_string_not_equal(a, b);
}

static void
mirrors_take_the_place_of_hosts(void **state)
{
	struct fetch_settings s = {.fetch = false};
	struct wanted w = {.intel = true};

	(void)state;
	assert_int_equal(
	    fetch_settings_base(&s, "intel=https://pccs.example.org:8081/"),
	    CL_OK);
	assert_string_equal(url(&s, FETCH_QE_IDENTITY, &w),
	    "https://pccs.example.org:8081/tdx/certification/v4/qe/identity");
	/* A PCCS has the root's list, too. */
	assert_string_equal(url(&s, FETCH_ROOT_CRL, &w),
	    "https://pccs.example.org:8081/sgx/certification/v4/rootcacrl");
	assert_int_equal(
	    fetch_settings_base(&s, "intel-root=http://127.0.0.1/x//"), CL_OK);
	assert_string_equal(url(&s, FETCH_ROOT_CRL, &w),
	    "http://127.0.0.1/x/IntelSGXRootCA.der");
}

static void
bad_bases_are_refused(void **state)
{
	static const char *const bad[] = {"", "amd", "=https://x",
	    "arm=https://x", "amd=", "amd=kds", "amd=ftp://x",
	    "amd=file:///etc/passwd", "amd=http://kds.example.org",
	    "amd=http://127.0.0.1.example.org",
	    "amd=http://localhost.example.org", "amd=https://u@x",
	    "amd=https://u:p@x", "amd=https://x/?a=b", "amd=https://x/#f",
	    "amd=https://x y", "amd=https://x\r\nHost: y", "amd=https://",
	    "amd=//x", "amd=http://10.0.0.1"};
	static const char *const good[] = {"amd=https://x", "hygon=https://x/y",
	    "amd=http://localhost:1", "amd=http://127.9.9.9",
	    "amd=http://[::1]:8"};
	struct fetch_settings s = {.fetch = false};
	char large[400] = "amd=https://";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    fetch_settings_base(&s, bad[i]), CL_ERR_ARGUMENT);
		assert_string_equal(fetch_settings_where(&s, FETCH_AMD), KDS);
	}
	memset(large + 12, 'x', FETCH_BASE_MAX - 8);
	assert_int_equal(fetch_settings_base(&s, large), CL_ERR_ARGUMENT);
	large[4 + FETCH_BASE_MAX - 1] = '\0';
	assert_int_equal(fetch_settings_base(&s, large), CL_OK);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(fetch_settings_base(&s, good[i]), CL_OK);
	s.allow_http = true;
	assert_int_equal(
	    fetch_settings_base(&s, "amd=http://kds.example.org"), CL_OK);
	assert_true(fetch_is_loopback("http://127.0.0.1:80/x"));
	assert_false(fetch_is_loopback("https://kds.example.org/127.0.0.1"));
}

static int
load(const struct scratch *dir, const char *text, struct fetch_settings *s)
{
	char path[64];
	const struct home home = {dir->fd, path};

	snprintf(path, sizeof(path), "%s", dir->path);
	if (text)
		assert_int_equal(file_write_atomic(dir->fd, "fetch.json", text,
				     strlen(text), 0600),
		    CL_OK);
	return fetch_settings_load(&home, s);
}

static void
settings_are_read_strictly(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"v\":2}",
	    "{\"v\":1,\"fetchh\":true}", "{\"v\":1,\"fetch\":1}",
	    "{\"v\":1,\"amd\":\"http://kds.example.org\"}",
	    "{\"v\":1,\"amd\":7}", "{\"v\":1,\"ca_file\":false}"};
	const struct scratch *dir = *state;
	struct fetch_settings s;
	size_t i;

	assert_int_equal(load(dir, NULL, &s), CL_OK);
	assert_false(s.fetch || s.allow_http);
	assert_int_equal(fetch_settings_load(NULL, &s), CL_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(load(dir, bad[i], &s), CL_OK);
		assert_non_null(strstr(why_text(), "fetch.json"));
	}
	assert_int_equal(
	    load(dir,
		"{\"v\":1,\"fetch\":true,\"allow_http\":true,"
		"\"amd\":\"http://kds.example.org\",\"ca_file\":\"/ca.pem\"}",
		&s),
	    CL_OK);
	assert_true(s.fetch && s.allow_http);
	assert_string_equal(
	    fetch_settings_where(&s, FETCH_AMD), "http://kds.example.org");
	assert_string_equal(s.ca_file, "/ca.pem");
}

static void
headers_are_decoded(void **state)
{
	static const char *const bad[] = {
	    "%", "%4", "a%", "%zz", "%4g", "%%41"};
	char out[64];
	size_t i, n;

	(void)state;
	assert_int_equal(
	    fetch_url_decode("-%2d+%0A%41%5f", 14, out, &n), CL_OK);
	assert_int_equal(n, 6);
	assert_string_equal(out, "--+\nA_");
	assert_int_equal(fetch_url_decode("", 0, out, &n), CL_OK);
	assert_int_equal(n, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    fetch_url_decode(bad[i], strlen(bad[i]), out, &n),
		    CL_ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(amd_knows_a_chip_by_its_id_and_levels),
	    cmocka_unit_test(intel_and_hygon),
	    cmocka_unit_test(hostile_serials_stay_one_value),
	    cmocka_unit_test(names_are_harmless_and_differ),
	    cmocka_unit_test(mirrors_take_the_place_of_hosts),
	    cmocka_unit_test(bad_bases_are_refused),
	    scratch_test(settings_are_read_strictly),
	    cmocka_unit_test(headers_are_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
