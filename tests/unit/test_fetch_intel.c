/* cloister fetch-endorsements against a server of the test's own that has what
 * Intel's PCS, or a PCCS, would have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_pcs.h"
#include "fetch_case.h"

#define TCB  "/tdx/certification/v4/tcb?fmspc=9a9a9a9a9a9a"
#define QE   "/tdx/certification/v4/qe/identity"
#define PCK  "/sgx/certification/v4/pckcrl?ca=platform&encoding=der"
#define ROOT "/IntelSGXRootCA.der"
#define PCCS "/sgx/certification/v4/rootcacrl"

static const char html[] = "<html><body>Please log in</body></html>";

/* A header line: its name, and certificates as PEM in a URL's text. */
struct header {
	char text[16384];
};

struct served {
	struct fake_intel *f;
	struct fetch_case c;
	struct header tcb_issuers, qe_issuers, pck_issuers;
	char tcb[FAKE_DOC], qe[FAKE_DOC];
	unsigned char *pck_crl, *root_crl;
	size_t tcb_n, qe_n, pck_crl_n, root_crl_n;
};

static struct web_answer
bytes(const void *p, size_t n, const struct header *h)
{
	return (struct web_answer){
	    .body = p, .n = n, .headers = h ? h->text : NULL};
}

static void
add_encoded(struct header *h, X509 *cert)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t at = strlen(h->text);
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long i, n;

	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	n = BIO_get_mem_data(bio, &p);
	for (i = 0; i < n; i++) {
		assert_true(at + 4 < sizeof(h->text));
		if (strchr("\n /+=", p[i])) {
			h->text[at++] = '%';
			h->text[at++] = digits[(uint8_t)p[i] >> 4];
			h->text[at++] = digits[p[i] & 15];
		} else
			h->text[at++] = p[i];
	}
	h->text[at] = '\0';
	BIO_free(bio);
}

static void
make_header(struct header *h, const char *name, X509 *signer, X509 *root)
{
	snprintf(h->text, sizeof(h->text), "%s: ", name);
	add_encoded(h, signer);
	add_encoded(h, root);
	strcat(h->text, "\r\n");
}

static unsigned char *
crl_of(struct served *s, X509 *issuer, EVP_PKEY *key, int64_t to, size_t *n)
{
	struct endorse *e;
	unsigned char *der = NULL;
	int len;

	(void)s;
	assert_int_equal(endorse_new(&e), CL_OK);
	fake_add_crl(e, issuer, key, 0, FAKE_NOW - FAKE_DAY, to);
	len = i2d_X509_CRL(e->crls[0], &der);
	assert_true(len > 0);
	*n = (size_t)len;
	endorse_free(e);
	return der;
}

static struct served *
begin(const struct fake_collateral *how)
{
	struct fake_platform p = fake_good_platform();
	struct served *s = calloc(1, sizeof(*s));
	struct fake_intel *f = fake_intel_new(&p);
	static uint8_t quote[16384];

	assert_non_null(s);
	s->f = f;
	fetch_case_begin(&s->c, quote, fake_quote(f, &p, quote, sizeof(quote)));
	fetch_policy(&s->c, "intel", f->roots.extra[0].spki);
	make_header(&s->tcb_issuers, "TCB-Info-Issuer-Chain", f->tcb, f->root);
	make_header(&s->qe_issuers, "SGX-Enclave-Identity-Issuer-Chain", f->tcb,
	    f->root);
	make_header(
	    &s->pck_issuers, "SGX-PCK-CRL-Issuer-Chain", f->ca, f->root);
	s->tcb_n = fake_tcb_info(f, how, s->tcb);
	s->qe_n = fake_qe_identity(f, how, s->qe);
	s->pck_crl =
	    crl_of(s, f->ca, f->ca_key, FAKE_NOW + FAKE_DAY, &s->pck_crl_n);
	s->root_crl = crl_of(
	    s, f->root, f->root_key, FAKE_NOW + FAKE_DAY, &s->root_crl_n);
	return s;
}

static void
end(struct served *s)
{
	fetch_case_end(&s->c);
	fake_intel_free(s->f);
	OPENSSL_free(s->pck_crl);
	OPENSSL_free(s->root_crl);
	free(s);
}

static void
serve_all(struct served *s)
{
	struct web *w = s->c.web;

	(void)web_on(w, TCB, bytes(s->tcb, s->tcb_n, &s->tcb_issuers));
	(void)web_on(w, QE, bytes(s->qe, s->qe_n, &s->qe_issuers));
	(void)web_on(w, PCK, bytes(s->pck_crl, s->pck_crl_n, &s->pck_issuers));
	(void)web_on(w, ROOT, bytes(s->root_crl, s->root_crl_n, NULL));
}

static const struct fake_collateral good;

static int
verify(struct served *s, int64_t time)
{
	return fetch_command(&s->c, cmd_verify, "tdx", time, NULL);
}

static void
what_intel_says_verifies_a_quote(void **state)
{
	struct served *s = begin(&good);

	(void)state;
	serve_all(s);
	assert_int_equal(verify(s, FAKE_NOW), 1);
	assert_non_null(strstr(s->c.said, "TCB unknown"));
	if (fetch_get(&s->c, "tdx", FAKE_NOW, "--out", s->c.out, NULL) != 0)
		fail_msg("%s", s->c.said);
	assert_int_equal(s->c.web->requests, 4);
	assert_int_equal(s->c.web->unknown, 0);
	assert_int_equal(verify(s, FAKE_NOW), 0);
	assert_int_equal(fetch_command(&s->c, cmd_verify, "tdx", FAKE_NOW,
			     "--endorsements", s->c.out, NULL),
	    0);
	/* All is there: nobody is asked again. */
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 0);
	assert_int_equal(s->c.web->requests, 4);
	end(s);
}

static void
a_pccs_gives_lists_as_digits(void **state)
{
	struct served *s = begin(&good);
	char *root = calloc(1, 2 * s->root_crl_n + 2);
	char *pck = calloc(1, 2 * s->pck_crl_n + 1);

	(void)state;
	assert_true(root && pck);
	rows_hex(s->root_crl, s->root_crl_n, root);
	rows_hex(s->pck_crl, s->pck_crl_n, pck);
	strcat(root, "\n");
	serve_all(s);
	web_off(s->c.web, PCK);
	(void)web_on(s->c.web, PCK, bytes(pck, strlen(pck), &s->pck_issuers));
	(void)web_on(s->c.web, PCCS, bytes(root, strlen(root), NULL));
	if (fetch_command(&s->c, cmd_fetch, "tdx", FAKE_NOW, "--base-url",
		s->c.base[1], NULL) != 0)
		fail_msg("%s", s->c.said);
	assert_int_equal(s->c.web->requests, 4);
	assert_int_equal(s->c.web->unknown, 0);
	assert_int_equal(verify(s, FAKE_NOW), 0);
	free(root);
	free(pck);
	end(s);
}

/* One document is wrong, the other three come. */
static void
refused(const char *path, struct web_answer a, const char *says)
{
	struct served *s = begin(&good);

	serve_all(s);
	web_off(s->c.web, path);
	(void)web_on(s->c.web, path, a);
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 1);
	if (!strstr(s->c.said, says))
		fail_msg("expected \"%s\", came: %s", says, s->c.said);
	assert_int_equal(s->c.web->requests, 4);
	assert_int_equal(verify(s, FAKE_NOW), 1);
	end(s);
}

static void
wrong_answers_are_not_kept(void **state)
{
	const struct fake_collateral elsewhere = {.fmspc = "000000000000"};
	struct served *other = begin(&elsewhere);
	struct header broken = {"TCB-Info-Issuer-Chain: %2"};
	struct header junk = {"TCB-Info-Issuer-Chain: hello\r\n"};
	static char large[(1u << 20) + 2];

	(void)state;
	strcat(broken.text, "\r\n");
	memset(large, ' ', sizeof(large));
	refused(TCB, bytes(html, sizeof(html) - 1, NULL), "something else");
	refused(QE, bytes(other->tcb, other->tcb_n, &other->qe_issuers),
	    "something else");
	refused(TCB, bytes(other->tcb, other->tcb_n - 1, &other->tcb_issuers),
	    "something else");
	refused(TCB, bytes(other->tcb, other->tcb_n, &other->tcb_issuers),
	    "another FMSPC");
	/* Another Intel's: its root is not the one that is pinned. */
	refused(QE, bytes(other->qe, other->qe_n, &other->qe_issuers),
	    "root Intel SGX Root CA");
	refused(PCK,
	    bytes(other->pck_crl, other->pck_crl_n, &other->pck_issuers),
	    "nobody up to a pinned root");
	refused(ROOT, bytes(other->root_crl, other->root_crl_n, NULL),
	    "nobody up to a pinned root");
	refused(ROOT, bytes(html, sizeof(html) - 1, NULL), "something else");
	refused(ROOT, bytes("30", 2, NULL), "something else");
	refused(
	    TCB, bytes(other->tcb, other->tcb_n, &broken), "cannot be read");
	refused(TCB, bytes(other->tcb, other->tcb_n, &junk), "cannot be read");
	refused(TCB, bytes(large, sizeof(large), NULL), "more than 1048576");
	refused(PCK, (struct web_answer){.status = 404, .body = ""}, "(404)");
	end(other);
}

/* Issuers that came with another document serve, too. */
static void
a_document_without_issuers_waits_for_them(void **state)
{
	struct served *s = begin(&good);

	(void)state;
	s->tcb_issuers.text[0] = '\0';
	serve_all(s);
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 1);
	assert_non_null(
	    strstr(s->c.said, "no certificate of Intel SGX TCB Signing"));
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 0);
	assert_int_equal(s->c.web->requests, 5);
	assert_int_equal(verify(s, FAKE_NOW), 0);
	end(s);
}

/* A byte of a signed document, changed on the way. */
static void
changed_documents_are_not_kept(void **state)
{
	struct served *s = begin(&good);
	char *at;

	(void)state;
	serve_all(s);
	/* Data that parse, and say another thing. */
	at = strstr(s->tcb, "\"svn\":5");
	assert_non_null(at);
	at[6] = '4';
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 1);
	assert_non_null(strstr(s->c.said, "signature does not verify"));
	at[6] = '5';
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 0);
	/* Only the one that was refused was asked for again. */
	assert_int_equal(s->c.web->requests, 5);
	end(s);
}

static void
spoil(const char *folder, const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/endorsements/%s", folder, name);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 60, SEEK_SET), 0);
	assert_int_equal(fputc('~', f), '~');
	assert_int_equal(fclose(f), 0);
}

static void
what_rotted_in_the_cache_is_fetched_anew(void **state)
{
	struct served *s = begin(&good);

	(void)state;
	serve_all(s);
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 0);
	spoil(s->c.home, "intel-qe-identity.json");
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 0);
	assert_int_equal(s->c.web->requests, 5);
	assert_int_equal(verify(s, FAKE_NOW), 0);
	end(s);
}

static void
collateral_that_ended_is_fetched_anew(void **state)
{
	const int64_t later = FAKE_NOW + 2 * FAKE_DAY;
	const struct fake_collateral newer = {
	    .issued = FAKE_NOW + FAKE_DAY, .next_update = later + FAKE_DAY};
	struct served *s = begin(&good);
	struct web *w = s->c.web;
	unsigned char *pck, *root;
	size_t pck_n, root_n;

	(void)state;
	serve_all(s);
	assert_int_equal(fetch_get(&s->c, "tdx", FAKE_NOW, NULL), 0);
	/* Nothing newer: stale, shown, and the verdict says so. */
	assert_int_equal(fetch_get(&s->c, "tdx", later, NULL), 1);
	assert_int_equal(w->requests, 8);
	assert_non_null(strstr(s->c.said, "stale"));
	assert_non_null(strstr(s->c.said, "ended 24 hours ago"));
	assert_int_equal(verify(s, later), 1);
	assert_non_null(strstr(s->c.said, "tdx.tcb_info.dates"));
	/* Offline, too. */
	assert_int_equal(
	    fetch_command(&s->c, cmd_fetch, "tdx", later, "--base-url",
		"intel=http://127.0.0.1:1", "--base-url",
		"intel-root=http://127.0.0.1:1", "--timeout", "1", NULL),
	    1);
	assert_non_null(strstr(s->c.said, "stale"));
	assert_non_null(strstr(s->c.said, "cannot be asked"));
	/* Everything newer. */
	s->tcb_n = fake_tcb_info(s->f, &newer, s->tcb);
	s->qe_n = fake_qe_identity(s->f, &newer, s->qe);
	pck = crl_of(s, s->f->ca, s->f->ca_key, later + FAKE_DAY, &pck_n);
	root = crl_of(s, s->f->root, s->f->root_key, later + FAKE_DAY, &root_n);
	web_off(w, TCB);
	web_off(w, QE);
	web_off(w, PCK);
	web_off(w, ROOT);
	(void)web_on(w, TCB, bytes(s->tcb, s->tcb_n, &s->tcb_issuers));
	(void)web_on(w, QE, bytes(s->qe, s->qe_n, &s->qe_issuers));
	(void)web_on(w, PCK, bytes(pck, pck_n, &s->pck_issuers));
	(void)web_on(w, ROOT, bytes(root, root_n, NULL));
	assert_int_equal(fetch_get(&s->c, "tdx", later, NULL), 0);
	assert_int_equal(w->requests, 12);
	assert_int_equal(verify(s, later), 0);
	/* The newer ones took the old ones' places. */
	assert_int_equal(fetch_get(&s->c, "tdx", later, NULL), 0);
	assert_int_equal(w->requests, 12);
	OPENSSL_free(pck);
	OPENSSL_free(root);
	end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_intel_says_verifies_a_quote),
	    cmocka_unit_test(a_pccs_gives_lists_as_digits),
	    cmocka_unit_test(wrong_answers_are_not_kept),
	    cmocka_unit_test(a_document_without_issuers_waits_for_them),
	    cmocka_unit_test(changed_documents_are_not_kept),
	    cmocka_unit_test(what_rotted_in_the_cache_is_fetched_anew),
	    cmocka_unit_test(collateral_that_ended_is_fetched_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
