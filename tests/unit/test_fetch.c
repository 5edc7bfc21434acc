/* cloister fetch-endorsements against a server of the test's own that has what
 * AMD and Hygon would have: what comes is checked, kept, not asked for again,
 * and verifies the evidence. */
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_amd.h"
#include "fake_hygon.h"
#include "fetch_case.h"

#include "lib/b64.h"

#define CHAIN "/vcek/v1/Milan/cert_chain"
#define CRL   "/vcek/v1/Milan/crl"

static const char html[] = "<html><body>Please log in</body></html>";

struct served {
	struct fake_amd amd;
	struct fetch_case c;
	char vcek_path[256], chain[8192];
	unsigned char *vcek, *crl;
	int vcek_n, crl_n;
};

static struct web_answer
bytes(const void *p, size_t n)
{
	return (struct web_answer){.body = p, .n = n};
}

static void
add_pem(char *text, size_t cap, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	size_t at = strlen(text);
	char *p;
	long n;

	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	n = BIO_get_mem_data(bio, &p);
	assert_true(at + (size_t)n < cap);
	memcpy(text + at, p, (size_t)n);
	text[at + (size_t)n] = '\0';
	BIO_free(bio);
}

/* As AMD's key server names a chip, product aside. */
static void
vcek_path(const struct fake_amd *f, char *out, size_t cap)
{
	bool turin = f->product == ROOT_AMD_TURIN;
	uint8_t chip[64];
	char hwid[129];
	size_t i, n = fake_amd_chip(f, chip);

	for (i = 0; i < n; i++)
		snprintf(hwid + 2 * i, 3, "%02x", chip[i]);
	snprintf(out, cap,
	    "/vcek/v1/%s/%s?%sblSPL=04&teeSPL=01&snpSPL=24"
	    "&ucodeSPL=219",
	    fake_amd_product(f), hwid, turin ? "fmcSPL=02&" : "");
}

/* What it would send; nothing is served yet. */
static struct served *
begin(struct fake_amd how)
{
	struct served *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->amd = how;
	s->amd.crl = true;
	fake_amd_make(&s->amd);
	vcek_path(&s->amd, s->vcek_path, sizeof(s->vcek_path));
	add_pem(s->chain, sizeof(s->chain), s->amd.bag->certs[1]);
	add_pem(s->chain, sizeof(s->chain), s->amd.bag->certs[0]);
	s->vcek_n = i2d_X509(s->amd.bag->certs[2], &s->vcek);
	s->crl_n = i2d_X509_CRL(s->amd.bag->crls[0], &s->crl);
	assert_true(s->vcek_n > 0 && s->crl_n > 0);
	fetch_case_begin(&s->c, s->amd.report, SNP_REPORT);
	fetch_policy(&s->c, "amd-milan", s->amd.roots.extra[0].spki);
	return s;
}

static void
end(struct served *s)
{
	fetch_case_end(&s->c);
	fake_amd_free(&s->amd);
	OPENSSL_free(s->vcek);
	OPENSSL_free(s->crl);
	free(s);
}

static void
serve_all(struct served *s)
{
	struct web *w = s->c.web;

	(void)web_on(w, CHAIN, bytes(s->chain, strlen(s->chain)));
	(void)web_on(w, s->vcek_path, bytes(s->vcek, (size_t)s->vcek_n));
	(void)web_on(w, CRL, bytes(s->crl, (size_t)s->crl_n));
}

static int
verify(struct served *s, const char *endorsements)
{
	return fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW,
	    "--endorsements", endorsements, NULL);
}

#define MILAN ((struct fake_amd){.product = ROOT_AMD_MILAN})

static void
what_amd_says_verifies_a_report(void **state)
{
	struct served *s = begin(MILAN);

	(void)state;
	serve_all(s);
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--out", s->c.out, NULL), 0);
	assert_int_equal(s->c.web->requests, 3);
	assert_int_equal(s->c.web->unknown, 0);
	assert_non_null(strstr(s->c.said, "VCEK"));
	assert_int_equal(verify(s, s->c.out), 0);
	/* The cache has it, too: nobody is asked, nothing is named. */
	assert_int_equal(
	    fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW, NULL), 0);
	assert_int_equal(fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW,
			     "--no-cache", NULL),
	    1);
	assert_int_equal(s->c.web->requests, 3);
	/* And serves a second time, also when the vendor is gone. */
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--out", s->c.out, NULL), 0);
	assert_non_null(strstr(s->c.said, "current"));
	assert_int_equal(s->c.web->requests, 3);
	end(s);
}

static void
a_folder_serves_without_an_owner(void **state)
{
	struct served *s = begin(MILAN);
	char policy[128];

	(void)state;
	serve_all(s);
	snprintf(policy, sizeof(policy), "%s/policy.json", s->c.home);
	assert_int_equal(fetch_get(&s->c, "snp", FAKE_NOW, "--no-cache",
			     "--out", s->c.out, "--policy", policy, NULL),
	    0);
	assert_int_equal(fetch_files(s->c.out), 3);
	assert_int_equal(fetch_files(s->c.home), 1);
	/* What the folder has is not asked for again. */
	assert_int_equal(fetch_get(&s->c, "snp", FAKE_NOW, "--no-cache",
			     "--out", s->c.out, NULL),
	    0);
	assert_int_equal(s->c.web->requests, 3);
	end(s);
}

/* Base64 of the report, as some attesters write it; and text that is none. */
static void
evidence_may_be_wrapped(void **state)
{
	struct served *s = begin(MILAN);
	char text[2 * SNP_REPORT];

	(void)state;
	serve_all(s);
	b64_encode(s->amd.report, SNP_REPORT, text);
	fetch_file(s->c.evidence, text, strlen(text));
	if (fetch_get(&s->c, "snp", FAKE_NOW, NULL) != 0)
		fail_msg("%s", s->c.said);
	assert_int_equal(s->c.web->unknown, 0);
	assert_int_equal(
	    fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW, NULL), 0);
	fetch_file(s->c.evidence, "{\"attestation_report\":7}", 24);
	assert_int_equal(fetch_get(&s->c, "snp", FAKE_NOW, NULL), 1);
	assert_non_null(strstr(s->c.said, s->c.evidence));
	end(s);
}

static void
verify_fetches_when_it_is_told_to(void **state)
{
	struct served *s = begin(MILAN);
	char text[256], path[128];

	(void)state;
	serve_all(s);
	snprintf(
	    text, sizeof(text), "{\"v\":1,\"amd\":\"%s\"}", s->c.web->base);
	snprintf(path, sizeof(path), "%s/fetch.json", s->c.home);
	fetch_file(path, text, strlen(text));
	assert_int_equal(
	    fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW, NULL), 1);
	assert_int_equal(s->c.web->requests, 0);
	assert_int_equal(
	    fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW, "--fetch", NULL),
	    0);
	assert_int_equal(s->c.web->requests, 3);
	assert_int_equal(fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW,
			     "--fetch", "--no-cache", NULL),
	    2);
	end(s);
}

static void
settings_may_allow_it_for_good(void **state)
{
	struct served *s = begin(MILAN);
	char text[256], path[128];

	(void)state;
	serve_all(s);
	snprintf(text, sizeof(text), "{\"v\":1,\"fetch\":true,\"amd\":\"%s\"}",
	    s->c.web->base);
	snprintf(path, sizeof(path), "%s/fetch.json", s->c.home);
	fetch_file(path, text, strlen(text));
	assert_int_equal(fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW,
			     "--no-cache", NULL),
	    1);
	assert_int_equal(s->c.web->requests, 0);
	assert_int_equal(
	    fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW, NULL), 0);
	assert_int_equal(s->c.web->requests, 3);
	end(s);
}

static void
every_product_and_old_reports(void **state)
{
	static const struct {
		enum root_vendor product;
		const char *vendor;
		uint8_t version;
	} rows[] = {{ROOT_AMD_GENOA, "amd-genoa", 3},
	    {ROOT_AMD_TURIN, "amd-turin", 3}, {ROOT_AMD_MILAN, "amd-milan", 2},
	    {ROOT_AMD_GENOA, "amd-genoa", 2}};
	struct served *s;
	char path[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s = begin((struct fake_amd){
		    .product = rows[i].product, .version = rows[i].version});
		fetch_policy(&s->c, rows[i].vendor, s->amd.roots.extra[0].spki);
		snprintf(path, sizeof(path), "/vcek/v1/%s/cert_chain",
		    fake_amd_product(&s->amd));
		(void)web_on(s->c.web, path, bytes(s->chain, strlen(s->chain)));
		(void)web_on(
		    s->c.web, s->vcek_path, bytes(s->vcek, (size_t)s->vcek_n));
		snprintf(path, sizeof(path), "/vcek/v1/%s/crl",
		    fake_amd_product(&s->amd));
		(void)web_on(s->c.web, path, bytes(s->crl, (size_t)s->crl_n));
		if (fetch_get(&s->c, "snp", FAKE_NOW, NULL) != 0)
			fail_msg("row %zu: %s", i, s->c.said);
		assert_int_equal(
		    fetch_command(&s->c, cmd_verify, "snp", FAKE_NOW, NULL), 0);
		end(s);
	}
}

static void
a_vlek_is_not_to_be_had(void **state)
{
	struct served *s =
	    begin((struct fake_amd){.product = ROOT_AMD_MILAN, .vlek = true});
	char vlek[128];

	(void)state;
	(void)web_on(s->c.web, "/vlek/v1/Milan/cert_chain",
	    bytes(s->chain, strlen(s->chain)));
	(void)web_on(
	    s->c.web, "/vlek/v1/Milan/crl", bytes(s->crl, (size_t)s->crl_n));
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--out", s->c.out, NULL), 0);
	assert_int_equal(s->c.web->requests, 2);
	assert_non_null(strstr(s->c.said, "VLEK"));
	assert_int_equal(verify(s, s->c.out), 1);
	snprintf(vlek, sizeof(vlek), "%s/vlek", s->c.out);
	fetch_file(vlek, s->vcek, (size_t)s->vcek_n);
	assert_int_equal(verify(s, s->c.out), 0);
	end(s);
}

/* A server that may be asked anything and answers with the wrong thing. */
static void
refused(const char *path, struct web_answer a, const char *says,
    struct fake_amd how)
{
	struct served *s = begin(how);

	serve_all(s);
	if (!path)
		path = s->vcek_path;
	web_off(s->c.web, path);
	(void)web_on(s->c.web, path, a);
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--out", s->c.out, NULL), 1);
	if (!strstr(s->c.said, says))
		fail_msg("expected \"%s\", came: %s", says, s->c.said);
	/* The others are there, and this one is not. */
	assert_int_equal(fetch_files(s->c.out), 2);
	assert_int_equal(verify(s, s->c.out), strcmp(path, CRL) != 0);
	end(s);
}

static void
wrong_answers_are_not_kept(void **state)
{
	struct served *other =
	    begin((struct fake_amd){.product = ROOT_AMD_MILAN, .hwid_xor = 1});
	struct served *old = begin((struct fake_amd){
	    .product = ROOT_AMD_MILAN, .spl = {.bl = 4, .ucode = 7}});
	static char large[70000];
	char twice[16384];

	(void)state;
	refused(NULL, bytes(html, sizeof(html) - 1), "something else", MILAN);
	refused(CRL, bytes(html, sizeof(html) - 1), "something else", MILAN);
	refused(NULL, bytes(old->vcek, 0), "something else", MILAN);
	refused(NULL, bytes(other->vcek, (size_t)other->vcek_n - 1),
	    "something else", MILAN);
	refused(NULL, bytes(other->vcek, (size_t)other->vcek_n),
	    "another chip or patch level", MILAN);
	refused(NULL, bytes(old->vcek, (size_t)old->vcek_n),
	    "another chip or patch level", MILAN);
	refused(NULL, bytes(other->crl, (size_t)other->crl_n), "something else",
	    MILAN);
	refused(CRL, bytes(other->vcek, (size_t)other->vcek_n),
	    "something else", MILAN);
	refused(NULL, bytes(large, sizeof(large)), "more than 65536", MILAN);
	refused(NULL, (struct web_answer){.status = 404, .body = ""}, "(404)",
	    MILAN);
	refused(CRL,
	    (struct web_answer){.status = 302,
		.headers = "Location: http://127.0.0.2/\r\n",
		.body = ""},
	    "redirect", MILAN);
	/* A third certificate rides along with the VCEK. */
	snprintf(twice, sizeof(twice), "%s", other->chain);
	add_pem(twice, sizeof(twice), other->amd.bag->certs[2]);
	refused(NULL, bytes(twice, strlen(twice)), "something else", MILAN);
	end(other);
	end(old);
}

static void
forged_documents_are_not_kept(void **state)
{
	struct served *s;

	(void)state;
	s = begin(
	    (struct fake_amd){.product = ROOT_AMD_MILAN, .crl_forged = true});
	serve_all(s);
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--out", s->c.out, NULL), 1);
	assert_non_null(strstr(s->c.said, "nobody up to a pinned root"));
	assert_int_equal(fetch_files(s->c.out), 2);
	end(s);
	s = begin((struct fake_amd){
	    .product = ROOT_AMD_MILAN, .vek = {.forged = true}});
	serve_all(s);
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--out", s->c.out, NULL), 1);
	assert_int_equal(fetch_files(s->c.out), 2);
	end(s);
	/* A chain whose root nobody pinned takes everything with it. */
	s = begin(MILAN);
	serve_all(s);
	fetch_policy(&s->c, "amd-genoa", s->amd.roots.extra[0].spki);
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--out", s->c.out, NULL), 1);
	assert_non_null(strstr(s->c.said, "key is pinned"));
	assert_int_equal(fetch_files(s->c.out), 0);
	end(s);
}

static void
a_list_that_ended_is_fetched_anew(void **state)
{
	struct served *s = begin(MILAN);
	struct fake_amd next = {.product = ROOT_AMD_MILAN,
	    .crl = true,
	    .crl_to = FAKE_NOW + 90 * FAKE_DAY,
	    .ark = {.to = FAKE_NOW + 900 * FAKE_DAY}};
	const int64_t later = FAKE_NOW + 2 * FAKE_DAY;
	unsigned char *crl = NULL;
	int n;

	(void)state;
	/* Certificates last, the list does not. */
	fake_amd_free(&s->amd);
	s->amd.ark.to = s->amd.ask.to = s->amd.vek.to =
	    FAKE_NOW + 900 * FAKE_DAY;
	fake_amd_make(&s->amd);
	s->chain[0] = '\0';
	add_pem(s->chain, sizeof(s->chain), s->amd.bag->certs[1]);
	add_pem(s->chain, sizeof(s->chain), s->amd.bag->certs[0]);
	OPENSSL_free(s->vcek);
	s->vcek = NULL;
	s->vcek_n = i2d_X509(s->amd.bag->certs[2], &s->vcek);
	serve_all(s);
	assert_int_equal(fetch_get(&s->c, "snp", FAKE_NOW, NULL), 0);
	assert_int_equal(s->c.web->requests, 3);
	/* The vendor has nothing newer: the old one stays, and is said to be.
	 */
	assert_int_equal(fetch_get(&s->c, "snp", later, NULL), 1);
	assert_int_equal(s->c.web->requests, 4);
	assert_non_null(strstr(s->c.said, "stale"));
	assert_int_equal(
	    fetch_command(&s->c, cmd_verify, "snp", later, NULL), 1);
	assert_non_null(strstr(s->c.said, "revocation"));
	/* Then it has. */
	fake_amd_make(&next);
	n = i2d_X509_CRL(next.bag->crls[0], &crl);
	web_off(s->c.web, CRL);
	(void)web_on(s->c.web, CRL, bytes(crl, (size_t)n));
	assert_int_equal(fetch_get(&s->c, "snp", later, NULL), 0);
	assert_int_equal(s->c.web->requests, 5);
	assert_int_equal(
	    fetch_command(&s->c, cmd_verify, "snp", later, NULL), 0);
	fake_amd_free(&next);
	OPENSSL_free(crl);
	end(s);
}

static void
a_busy_vendor_is_asked_again_and_left_alone(void **state)
{
	const struct web_answer busy = {.status = 429,
	    .headers = "Retry-After: 600\r\n",
	    .body = "later",
	    .n = 5};
	struct served *s = begin(MILAN);

	(void)state;
	(void)web_on(s->c.web, CHAIN,
	    (struct web_answer){.status = 429,
		.headers = "Retry-After: 1\r\n",
		.body = "later",
		.n = 5});
	serve_all(s);
	assert_int_equal(fetch_get(&s->c, "snp", FAKE_NOW, NULL), 0);
	assert_int_equal(s->c.web->requests, 4);
	end(s);
	/* One refusal for long stands for all documents. */
	s = begin(MILAN);
	(void)web_on(s->c.web, CHAIN, busy);
	(void)web_on(s->c.web, s->vcek_path, busy);
	(void)web_on(s->c.web, CRL, busy);
	assert_int_equal(fetch_get(&s->c, "snp", FAKE_NOW, NULL), 1);
	assert_int_equal(s->c.web->requests, 1);
	assert_non_null(strstr(s->c.said, "answered 429"));
	assert_non_null(strstr(s->c.said, "600 seconds"));
	end(s);
}

/* ---- Hygon ---- */

static void
hygon_answers_by_serial(void **state)
{
	struct fake_hygon *h = fake_hygon_new(), *other = fake_hygon_new();
	struct fake_csv how = {.version = 1,
	    .user_data = "",
	    .serial = "TE/ST+0001",
	    .policy = 0x41,
	    .anonce = {1, 2, 3, 4}};
	static const char path[] = "/hsk_cek?snumber=TE%2FST%2B0001";
	uint8_t report[HYGON_BUFFER], both[HYGON_ROOT + HYGON_CERT];
	char zeros[129];
	struct fetch_case c;

	(void)state;
	fake_csv_report(h, &how, report);
	fetch_case_begin(&c, report, sizeof(report));
	fetch_policy(&c, "hygon", h->roots.extra[0].spki);
	memset(zeros, '0', 128);
	zeros[128] = '\0';
	/* Another chip's: nothing of it is kept but the root. */
	memcpy(both, other->hsk, HYGON_ROOT);
	memcpy(both + HYGON_ROOT, other->cek, HYGON_CERT);
	(void)web_on(c.web, "/hrk", bytes(h->hrk, HYGON_ROOT));
	(void)web_on(c.web, path, bytes(both, sizeof(both)));
	assert_int_equal(
	    fetch_get(&c, "csv", FAKE_NOW, "--out", c.out, NULL), 1);
	assert_non_null(strstr(c.said, "sent a wrong one: chain.cek"));
	assert_int_equal(c.web->unknown, 0);
	assert_int_equal(fetch_files(c.out), 1);
	/* Its own. */
	memcpy(both, h->hsk, HYGON_ROOT);
	memcpy(both + HYGON_ROOT, h->cek, HYGON_CERT);
	assert_int_equal(
	    fetch_get(&c, "csv", FAKE_NOW, "--out", c.out, NULL), 0);
	assert_int_equal(c.web->requests, 3);
	assert_int_equal(fetch_files(c.out), 2);
	assert_int_equal(
	    fetch_command(&c, cmd_verify, "csv", FAKE_NOW, "--endorsements",
		c.out, "--report-data", zeros, NULL),
	    0);
	assert_int_equal(fetch_get(&c, "csv", FAKE_NOW, NULL), 0);
	assert_int_equal(c.web->requests, 3);
	fetch_case_end(&c);
	fake_hygon_free(h);
	fake_hygon_free(other);
}

static void
wrong_usage_and_what_is_no_evidence(void **state)
{
	struct served *s = begin(MILAN);
	char *none[] = {(char *)(uintptr_t) "fetch", NULL};

	(void)state;
	assert_int_equal(fetch_run(&s->c, cmd_fetch, none), 2);
	assert_int_equal(fetch_get(&s->c, "enigma", FAKE_NOW, NULL), 2);
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--no-cache", NULL), 2);
	assert_int_equal(fetch_get(&s->c, "snp", FAKE_NOW, "--base-url",
			     "amd=http://kds.example.org", NULL),
	    2);
	assert_int_equal(
	    fetch_get(&s->c, "snp", FAKE_NOW, "--timeout", "0", NULL), 2);
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 1);
	assert_int_equal(fetch_get(&s->c, "csv", FAKE_NOW, NULL), 1);
	assert_int_equal(s->c.web->requests, 0);
	end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_amd_says_verifies_a_report),
	    cmocka_unit_test(a_folder_serves_without_an_owner),
	    cmocka_unit_test(evidence_may_be_wrapped),
	    cmocka_unit_test(verify_fetches_when_it_is_told_to),
	    cmocka_unit_test(settings_may_allow_it_for_good),
	    cmocka_unit_test(every_product_and_old_reports),
	    cmocka_unit_test(a_vlek_is_not_to_be_had),
	    cmocka_unit_test(wrong_answers_are_not_kept),
	    cmocka_unit_test(forged_documents_are_not_kept),
	    cmocka_unit_test(a_list_that_ended_is_fetched_anew),
	    cmocka_unit_test(a_busy_vendor_is_asked_again_and_left_alone),
	    cmocka_unit_test(hygon_answers_by_serial),
	    cmocka_unit_test(wrong_usage_and_what_is_no_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
