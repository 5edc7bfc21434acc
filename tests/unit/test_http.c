/* client/http: what servers do, and what becomes of it. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "fake_web.h"
#include "scratch.h"

#include "client/http.h"
#include "client/why.h"

/* Pauses short enough for a test, time enough for a slow machine. */
static const struct http_options quick = {.timeout_ms = 20000, .pause_ms = 1};

struct got {
	int r;
	struct http_answer a;
};

static struct got
get(const struct web *w, const struct http_options *o, const char *path)
{
	char url[256];
	struct http_request q = {
	    .who = "The server", .url = url, .max = 1000, .header = "X-Wanted"};
	struct got g;
	struct http *h;

	snprintf(url, sizeof(url), "%s%s", w->base, path);
	assert_int_equal(http_open(o, &h), CL_OK);
	g.r = http_get(h, &q, &g.a);
	http_close(h);
	return g;
}

/* get(), of which only the result counts. */
static int
result(const struct web *w, const struct http_options *o, const char *path)
{
	struct got g = get(w, o, path);

	http_answer_clear(&g.a);
	return g.r;
}

static struct web_answer
text(int status, const char *headers, const char *body)
{
	return (struct web_answer){.status = status,
	    .headers = headers,
	    .body = body,
	    .n = strlen(body)};
}

static struct web *
serving(const char *path, const struct web_answer *answers, unsigned n)
{
	struct web *w = web_new();
	unsigned i;

	for (i = 0; i < n; i++)
		(void)web_on(w, path, answers[i]);
	web_start(w);
	return w;
}

static void
body_and_header_come(void **state)
{
	const struct web_answer a = text(200,
	    "x-wanted: \t a value \r\nX-Wanted-Not: other\r\n", "the body");
	struct web *w = serving("/a?b=c", &a, 1);
	struct got g = get(w, &quick, "/a?b=c");

	(void)state;
	assert_int_equal(g.r, CL_OK);
	assert_int_equal(g.a.body.n, 8);
	assert_string_equal(g.a.body.p, "the body");
	assert_string_equal(g.a.header.p, "a value");
	http_answer_clear(&g.a);
	assert_int_equal(w->requests, 1);
	web_stop(w);
}

static void
a_busy_server_is_asked_again(void **state)
{
	static const int passing[] = {429, 500, 502, 503, 504};
	struct web_answer a[2];
	struct web *w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		a[0] = text(passing[i], NULL, "later");
		a[1] = text(200, NULL, "now");
		w = serving("/", a, 2);
		assert_int_equal(result(w, &quick, "/"), CL_OK);
		assert_int_equal(w->requests, 2);
		web_stop(w);
	}
}

static void
four_refusals_are_enough(void **state)
{
	const struct web_answer a = text(429, NULL, "later");
	struct web *w = serving("/", &a, 1);

	(void)state;
	assert_int_equal(result(w, &quick, "/"), CL_ERR_BUSY);
	assert_int_equal(w->requests, 4);
	assert_non_null(strstr(why_text(), "The server answered 429 4 times"));
	assert_non_null(strstr(why_text(), "try again in"));
	web_stop(w);
}

static int64_t
ms(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
retry_after_is_waited_for(void **state)
{
	const struct web_answer a[] = {
	    text(429, "Retry-After: 1\r\n", "later"), text(200, NULL, "now")};
	struct web *w = serving("/", a, 2);
	int64_t start = ms();

	(void)state;
	assert_int_equal(result(w, &quick, "/"), CL_OK);
	assert_true(ms() - start >= 1000);
	assert_int_equal(w->requests, 2);
	web_stop(w);
}

static void
nobody_waits_for_an_hour(void **state)
{
	const struct web_answer a = text(503, "Retry-After: 3600\r\n", "later");
	struct web *w = serving("/", &a, 1);

	(void)state;
	assert_int_equal(result(w, &quick, "/"), CL_ERR_BUSY);
	assert_int_equal(w->requests, 1);
	assert_non_null(strstr(why_text(), "in 3600 seconds"));
	web_stop(w);
}

/* Pauses included, a document costs no more than this. */
static void
there_is_an_end_to_trying(void **state)
{
	const struct web_answer a = text(500, NULL, "later");
	const struct http_options o = {
	    .timeout_ms = 20000, .pause_ms = 60000, .total_ms = 100};
	struct web *w = serving("/", &a, 1);

	(void)state;
	assert_int_equal(result(w, &o, "/"), CL_ERR_BUSY);
	assert_int_equal(w->requests, 1);
	web_stop(w);
}

static void
other_answers_are_final(void **state)
{
	static const struct {
		int status, r;
	} rows[] = {{404, CL_ERR_NOT_FOUND}, {403, CL_ERR_REFUSED},
	    {401, CL_ERR_REFUSED}, {400, CL_ERR_REFUSED}, {204, CL_ERR_REFUSED},
	    {501, CL_ERR_REFUSED}};
	struct web_answer a;
	struct web *w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = text(rows[i].status, NULL, "");
		w = serving("/", &a, 1);
		assert_int_equal(result(w, &quick, "/"), rows[i].r);
		assert_int_equal(w->requests, 1);
		web_stop(w);
	}
}

static void
redirects_are_not_followed(void **state)
{
	const struct web_answer good = text(200, NULL, "elsewhere");
	struct web *other = serving("/", &good, 1), *w;
	struct web_answer a = {.status = 302, .body = "", .n = 0};
	char location[128];

	(void)state;
	snprintf(location, sizeof(location), "Location: %s/\r\n", other->base);
	a.headers = location;
	w = serving("/", &a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_REFUSED);
	assert_non_null(strstr(why_text(), "redirect (302)"));
	assert_int_equal(w->requests, 1);
	assert_int_equal(other->requests, 0);
	web_stop(w);
	/* Neither to a file. */
	a.headers = "Location: file:///etc/hostname\r\n";
	w = serving("/", &a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_REFUSED);
	web_stop(w);
	web_stop(other);
}

static void
sizes_are_bounded(void **state)
{
	static char body[1001], headers[200000];
	struct web_answer a = {.body = body, .n = 1000};
	struct web *w = serving("/", &a, 1);
	size_t i;

	(void)state;
	assert_int_equal(result(w, &quick, "/"), CL_OK);
	web_stop(w);
	a.n = 1001;
	w = serving("/", &a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_TOO_LARGE);
	assert_int_equal(w->requests, 1);
	web_stop(w);
	a.manner = WEB_ENDLESS;
	w = serving("/", &a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_TOO_LARGE);
	web_stop(w);
	for (i = 0; i + 24 < sizeof(headers); i += 23)
		memcpy(headers + i, "X-Filler: xxxxxxxxxxx\r\n", 24);
	a = text(200, headers, "body");
	w = serving("/", &a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_TOO_LARGE);
	web_stop(w);
}

/* The page that comes with a refusal is not what the bound is for. */
static void
large_refusals_are_refusals(void **state)
{
	static char page[5000];
	struct web_answer a[2] = {
	    {.status = 503, .body = page, .n = sizeof(page)},
	    text(200, NULL, "now")};
	struct web *w = serving("/", a, 2);
	struct got g = get(w, &quick, "/");

	(void)state;
	assert_int_equal(g.r, CL_OK);
	assert_string_equal(g.a.body.p, "now");
	http_answer_clear(&g.a);
	web_stop(w);
	a[0].status = 404;
	w = serving("/", a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_NOT_FOUND);
	web_stop(w);
	a[0].manner = WEB_ENDLESS;
	w = serving("/", a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_TOO_LARGE);
	web_stop(w);
}

static void
slow_servers_are_given_up(void **state)
{
	const struct http_options o = {
	    .timeout_ms = 300, .attempts = 2, .pause_ms = 1};
	struct web_answer a = {.manner = WEB_DRIP};
	struct web *w = serving("/", &a, 1);

	(void)state;
	assert_int_equal(result(w, &o, "/"), CL_ERR_TIMEOUT);
	assert_true(w->requests <= 2);
	web_stop(w);
	a.manner = WEB_SILENT;
	w = serving("/", &a, 1);
	assert_int_equal(result(w, &o, "/"), CL_ERR_TIMEOUT);
	web_stop(w);
}

static void
what_was_cut_short_is_asked_for_again(void **state)
{
	struct web_answer a[2] = {
	    text(200, NULL, "the whole body"), text(200, NULL, "the body")};
	struct web *w;
	struct got g;

	(void)state;
	a[0].manner = WEB_CUT;
	w = serving("/", a, 2);
	g = get(w, &quick, "/");
	assert_int_equal(g.r, CL_OK);
	assert_string_equal(g.a.body.p, "the body");
	http_answer_clear(&g.a);
	web_stop(w);
	w = serving("/", a, 1);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_IO);
	assert_int_equal(w->requests, 4);
	web_stop(w);
}

static void
nobody_there(void **state)
{
	struct web *w = web_new();

	(void)state;
	web_start(w);
	(void)shutdown(w->fd, SHUT_RDWR);
	assert_int_equal(result(w, &quick, "/"), CL_ERR_IO);
	assert_non_null(strstr(why_text(), "cannot be asked"));
	web_stop(w);
}

/* ---- TLS ---- */

/* Signs itself; for a host of this name. */
static void
make_certificate(const char *alt, EVP_PKEY **key, X509 **cert)
{
	X509_EXTENSION *ext =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	X509_NAME *name;

	*key = EVP_EC_gen("P-256");
	*cert = X509_new();
	assert_true(*key && *cert && ext);
	X509_set_version(*cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(*cert), 7);
	X509_gmtime_adj(X509_getm_notBefore(*cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(*cert), 3600);
	name = X509_get_subject_name(*cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"a mirror", -1, -1, 0);
	X509_set_issuer_name(*cert, name);
	X509_add_ext(*cert, ext, -1);
	X509_EXTENSION_free(ext);
	X509_set_pubkey(*cert, *key);
	assert_true(X509_sign(*cert, *key, EVP_sha256()) > 0);
}

static struct web *
serving_tls(const char *alt, const char *ca_file)
{
	const struct web_answer a = text(200, NULL, "over TLS");
	struct web *w = web_new();
	EVP_PKEY *key;
	X509 *cert;
	FILE *f;

	make_certificate(alt, &key, &cert);
	w->tls = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(w->tls, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(w->tls, key), 1);
	f = fopen(ca_file, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	assert_int_equal(fclose(f), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
	memmove(w->base + 5, w->base + 4, strlen(w->base + 4) + 1);
	w->base[4] = 's';
	(void)web_on(w, "/", a);
	web_start(w);
	return w;
}

static void
certificates_are_checked(void **state)
{
	const struct scratch *dir = *state;
	struct http_options o = quick;
	char ca[96];
	struct web *w;

	snprintf(ca, sizeof(ca), "%s/ca.pem", dir->path);
	w = serving_tls("IP:127.0.0.1", ca);
	assert_int_equal(result(w, &o, "/"), CL_ERR_IO);
	assert_non_null(strstr(why_text(), "not to be trusted"));
	assert_non_null(strstr(why_text(), "ca_file"));
	assert_int_equal(w->requests, 0);
	o.ca_file = ca;
	assert_int_equal(result(w, &o, "/"), CL_OK);
	assert_int_equal(w->requests, 1);
	web_stop(w);
	/* A trusted certificate of another machine. */
	w = serving_tls("DNS:other.example.org", ca);
	assert_int_equal(result(w, &o, "/"), CL_ERR_IO);
	assert_int_equal(w->requests, 0);
	web_stop(w);
}

/* SIGINT ends a wait as it ends anything else. */
static void
interrupted(void **state)
{
	const struct web_answer a = {.manner = WEB_SILENT};
	struct web *w = serving("/", &a, 1);
	int status, i;
	pid_t pid;

	(void)state;
	web_wait_idle(w);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGINT, SIG_DFL);
		(void)result(w, &quick, "/");
		_exit(0);
	}
	for (i = 0; i < 2000 && !w->requests; i++)
		(void)poll(NULL, 0, 10);
	assert_int_equal(w->requests, 1);
	assert_int_equal(kill(pid, SIGINT), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	web_stop(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(body_and_header_come),
	    cmocka_unit_test(a_busy_server_is_asked_again),
	    cmocka_unit_test(four_refusals_are_enough),
	    cmocka_unit_test(retry_after_is_waited_for),
	    cmocka_unit_test(nobody_waits_for_an_hour),
	    cmocka_unit_test(there_is_an_end_to_trying),
	    cmocka_unit_test(other_answers_are_final),
	    cmocka_unit_test(redirects_are_not_followed),
	    cmocka_unit_test(sizes_are_bounded),
	    cmocka_unit_test(large_refusals_are_refusals),
	    cmocka_unit_test(slow_servers_are_given_up),
	    cmocka_unit_test(what_was_cut_short_is_asked_for_again),
	    cmocka_unit_test(nobody_there),
	    scratch_test(certificates_are_checked),
	    cmocka_unit_test(interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
