#include <ctype.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "client/cache.h"
#include "client/fetch.h"
#include "client/fetch_check.h"
#include "client/fetch_name.h"
#include "client/why.h"
#include "lib/secmem.h"
#include "policy/chain.h"

#define CHAIN_MAX 65536u /* of a header, encoded */

static const struct kind {
	const char *what, *expected;
	size_t max;
	const char *header; /* with the chain of its issuers */
} kinds[FETCH_KINDS] = {
    [FETCH_AMD_CHAIN] = {"AMD's chain", "an ASK or ASVK and an ARK as PEM",
	65536, NULL},
    [FETCH_VCEK] = {"VCEK", "a certificate", 65536, NULL},
    [FETCH_AMD_CRL] = {"AMD's revocation list", "a revocation list", 1u << 20,
	NULL},
    [FETCH_TCB_INFO] = {"TCB info", "TCB info as JSON", 1u << 20,
	"TCB-Info-Issuer-Chain"},
    [FETCH_QE_IDENTITY] = {"QE identity", "an enclave's identity as JSON",
	1u << 20, "SGX-Enclave-Identity-Issuer-Chain"},
    [FETCH_PCK_CRL] = {"PCK revocation list", "a revocation list", 1u << 20,
	"SGX-PCK-CRL-Issuer-Chain"},
    [FETCH_ROOT_CRL] = {"Intel's root revocation list", "a revocation list",
	1u << 20, NULL},
    [FETCH_HRK] = {"HRK", "a root certificate of Hygon", 4096, NULL},
    [FETCH_HSK_CEK] = {"HSK and CEK", "two certificates of Hygon", 4096, NULL},
};

/* One run. */
struct run {
	const struct fetch_job *job;
	struct wanted *w;
	struct fetch_check check;
	int dirfd;
	struct http *http;
	struct endorse *held; /* what the folder has by now */
	bool down[FETCH_HOSTS];
	bool guessing; /* the product: a wrong guess is no news */
	int r;	       /* the first failure */
	char first[512];
};

static void
tell(struct run *run, enum fetch_kind kind, enum fetch_state state,
    int64_t until, const char *why)
{
	const struct fetch_note note = {kinds[kind].what, state, until, why};

	if (run->job->told)
		run->job->told(run->job->arg, &note);
}

static void
fail(struct run *run, enum fetch_kind kind, int r)
{
	if (run->r)
		return;
	run->r = r;
	(void)snprintf(run->first, sizeof(run->first), "%s: %s",
	    kinds[kind].what, why_text());
}

static const char *
who(const struct run *run, enum fetch_kind kind)
{
	return fetch_host_name(fetch_url_host(run->job->settings, kind));
}

/* A PCCS gives lists as hex digits. */
static void
unhex(struct text *t)
{
	static const char digits[] = "0123456789abcdef";
	size_t i, n = t->n;
	const char *hi, *lo;

	while (n && isspace((unsigned char)t->p[n - 1]))
		n--;
	for (i = 0; i < n; i++)
		if (!isxdigit((unsigned char)t->p[i]))
			return;
	for (i = 0; i < n / 2; i++) {
		hi = strchr(digits, tolower((unsigned char)t->p[2 * i]));
		lo = strchr(digits, tolower((unsigned char)t->p[2 * i + 1]));
		t->p[i] = (char)((hi - digits) << 4 | (lo - digits));
	}
	t->n = n / 2;
}

/* What travelled: the document, and the chain of its issuers as PEM. */
struct arrival {
	struct http_answer answer;
	char *chain; /* secmem; NULL: none */
	size_t chain_n;
};

static int
open_chain(struct arrival *a)
{
	const struct text *header = &a->answer.header;

	if (!header->n)
		return CL_OK;
	if (header->n > CHAIN_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(a->chain = secmem_alloc(header->n + 1)))
		return CL_ERR_MEMORY;
	return fetch_url_decode(header->p, header->n, a->chain, &a->chain_n);
}

/* Certificates that may answer for others; not those that are looked for. */
static int
lend(struct endorse *to, const struct endorse *from)
{
	unsigned char *der;
	char cn[64];
	unsigned i;
	int n, r = CL_OK;

	for (i = 0; r == 0 && i < from->ncerts; i++) {
		chain_cn(from->certs[i], cn, sizeof(cn));
		if (X509_check_ca(from->certs[i]) != 1 &&
		    strcmp(cn, "Intel SGX TCB Signing") != 0)
			continue;
		der = NULL;
		n = i2d_X509(from->certs[i], &der);
		r = n > 0 ? endorse_add(to, der, (size_t)n) : CL_ERR_MEMORY;
		OPENSSL_free(der);
	}
	for (i = 0; r == 0 && i < from->ndocs; i++)
		if (from->docs[i].kind == ENDORSE_HRK)
			r = endorse_add(to, from->docs[i].p, from->docs[i].n);
	return r;
}

/* Is it one document of its kind, and does its vendor answer for it? */
static int
examine(const struct run *run, enum fetch_kind kind, struct arrival *a,
    int64_t *until)
{
	const struct text *body = &a->answer.body;
	struct endorse *bag;
	char why[FETCH_WHY];
	int r;

	if (endorse_new(&bag) != 0)
		return why_memory();
	r = body->n ? endorse_add(bag, (const uint8_t *)body->p, body->n)
		    : CL_ERR_FORMAT;
	if (r != 0 || !fetch_check_form(kind, bag)) {
		r = why_set(CL_ERR_FORMAT,
		    "%s sent something else: expected %s, came %zu bytes that "
		    "are none",
		    who(run, kind), kinds[kind].expected, body->n);
		goto out;
	}
	r = open_chain(a);
	if (r == 0 && a->chain_n)
		r = endorse_add(bag, (const uint8_t *)a->chain, a->chain_n);
	if (r != 0) {
		r = why_set(CL_ERR_FORMAT,
		    "%s sent a chain of issuers that cannot be read: %s",
		    who(run, kind), err_text(r));
		goto out;
	}
	if (kind != FETCH_AMD_CHAIN && (r = lend(bag, run->held)) != 0) {
		r = why_set(r, "%s", err_text(r));
		goto out;
	}
	if (fetch_check_held(&run->check, kind, bag, until, why) != 0)
		r = why_set(CL_ERR_EVIDENCE, "%s sent a wrong one: %s",
		    who(run, kind), why);
out:
	endorse_free(bag);
	return r;
}

/* The issuers first: a document that nobody answers for is fetched again. */
static int
keep(struct run *run, enum fetch_kind kind, const struct arrival *a)
{
	const struct text *body = &a->answer.body;
	char name[FETCH_NAME_MAX];
	int r;

	if (a->chain_n &&
	    ((r = fetch_name_issuers(a->chain, a->chain_n, name)) != 0 ||
		(r = cache_put(run->dirfd, name, a->chain, a->chain_n)) != 0))
		return r;
	if ((r = fetch_name(kind, run->w, name)) != 0 ||
	    (r = cache_put(run->dirfd, name, body->p, body->n)) != 0)
		return r;
	endorse_free(run->held);
	if (endorse_new(&run->held) != 0)
		return why_memory();
	return cache_load_from(run->dirfd, run->w, run->held);
}

static int
get(struct run *run, enum fetch_kind kind, struct arrival *a)
{
	enum fetch_host host = fetch_url_host(run->job->settings, kind);
	struct http_request q = {.who = fetch_host_name(host),
	    .max = kinds[kind].max,
	    .header = kinds[kind].header};
	char url[FETCH_URL_MAX];
	int r;

	if ((r = fetch_url(run->job->settings, kind, run->w, url)) != 0)
		return why_set(r, "its URL is too long");
	if (run->down[host])
		return why_set(CL_ERR_BUSY,
		    "%s was not asked again: it did not answer before", q.who);
	q.url = url;
	r = http_get(run->http, &q, &a->answer);
	run->down[host] =
	    r == CL_ERR_BUSY || r == CL_ERR_TIMEOUT || r == CL_ERR_IO;
	if (r == 0 && (kind == FETCH_PCK_CRL || kind == FETCH_ROOT_CRL))
		unhex(&a->answer.body);
	return r;
}

/* had: how long what the folder has is valid; 0: it has none. */
static int
renew(struct run *run, enum fetch_kind kind, int64_t had)
{
	struct arrival a = {0};
	int64_t until = 0;
	int r;

	if ((r = get(run, kind, &a)) == 0 &&
	    (r = examine(run, kind, &a, &until)) == 0) {
		if (until > had)
			r = keep(run, kind, &a);
		if (r == 0 && until <= run->job->time)
			r = why_set(CL_ERR_EXPIRED,
			    "%s has none that is current", who(run, kind));
		if (r == 0 || r == CL_ERR_EXPIRED)
			had = until > had ? until : had;
	}
	if (r == 0)
		tell(run, kind, FETCH_GOT, had, "");
	else if (r != CL_ERR_NOT_FOUND || !run->guessing)
		tell(run, kind, had ? FETCH_STALE : FETCH_FAILED, had,
		    why_text());
	http_answer_clear(&a.answer);
	secmem_free(a.chain);
	return r;
}

static int
one(struct run *run, enum fetch_kind kind)
{
	char why[FETCH_WHY];
	int64_t until = 0;

	if (fetch_check_held(&run->check, kind, run->held, &until, why) != 0)
		until = 0;
	if (until <= run->job->time)
		return renew(run, kind, until);
	tell(run, kind, FETCH_HAD, until, "");
	return CL_OK;
}

static void
want(struct run *run, enum fetch_kind kind)
{
	int r = one(run, kind);

	if (r != 0)
		fail(run, kind, r);
}

static int
vcek_of(struct run *run, enum root_vendor product)
{
	int r;

	run->w->snp.product = product;
	r = one(run, FETCH_AMD_CHAIN);
	return r ? r : one(run, FETCH_VCEK);
}

/* A report of version 2 is of one of two products; the key server knows. */
static void
find_product(struct run *run)
{
	int r;

	run->guessing = true;
	r = vcek_of(run, ROOT_AMD_MILAN);
	run->guessing = false;
	if (r == CL_ERR_NOT_FOUND)
		r = vcek_of(run, ROOT_AMD_GENOA);
	if (r != 0)
		fail(run, FETCH_VCEK, r);
}

/* Why there is no asking for this key's certificate; NULL: there is. */
static const char *
not_to_be_had(const struct wanted_amd *w)
{
	static const uint8_t masked[64];

	if (w->vlek && !w->product)
		return "the report does not tell its product, and no "
		       "certificate came with it";
	if (!w->vlek && secmem_equal(w->chip_id, masked, sizeof(masked)))
		return "the report hides its chip id, so AMD cannot be asked "
		       "for its VCEK";
	return NULL;
}

static void
fill_amd(struct run *run)
{
	const struct wanted_amd *w = &run->w->snp;
	const char *why = not_to_be_had(w);

	if (why) {
		tell(run, FETCH_VCEK, FETCH_FAILED, 0, why);
		fail(run, FETCH_VCEK, why_set(CL_ERR_NOT_FOUND, "%s", why));
	}
	if (!w->product && !why)
		find_product(run);
	else if (w->product) {
		want(run, FETCH_AMD_CHAIN);
		if (!w->vlek && !why)
			want(run, FETCH_VCEK);
	}
	if (w->product)
		want(run, FETCH_AMD_CRL);
}

static bool
has_test_root(const struct roots *roots, enum root_vendor vendor)
{
	unsigned i;

	for (i = 0; roots && i < roots->nextra; i++)
		if (roots->extra[i].vendor == vendor)
			return true;
	return false;
}

static void
fill(struct run *run)
{
	if (run->w->amd)
		fill_amd(run);
	if (run->w->intel) {
		want(run, FETCH_TCB_INFO);
		want(run, FETCH_QE_IDENTITY);
		want(run, FETCH_PCK_CRL);
		want(run, FETCH_ROOT_CRL);
	}
	if (run->w->hygon) {
		/* The vendor's own is built in. */
		if (has_test_root(run->job->roots, ROOT_HYGON))
			want(run, FETCH_HRK);
		want(run, FETCH_HSK_CEK);
	}
}

int
fetch_fill(const struct fetch_job *job, struct wanted *w, int dirfd)
{
	const struct fetch_settings *s = job->settings;
	struct http_options http = job->http;
	struct run run = {.job = job,
	    .w = w,
	    .check = {.w = w, .roots = job->roots, .time = job->time},
	    .dirfd = dirfd};
	int r;

	if (s->ca_file[0])
		http.ca_file = s->ca_file;
	if (s->timeout)
		http.timeout_ms = (unsigned)s->timeout * 1000;
	if (endorse_new(&run.held) != 0)
		return why_memory();
	if ((r = cache_load_from(dirfd, w, run.held)) == 0 &&
	    (r = http_open(&http, &run.http)) == 0)
		fill(&run);
	http_close(run.http);
	endorse_free(run.held);
	if (r == 0 && run.r)
		r = why_set(run.r, "%s", run.first);
	return r;
}
