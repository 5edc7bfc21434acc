#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/command.h"
#include "client/fetch_settings.h"
#include "client/http.h"
#include "client/why.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "lib/version.h"

#define HEADERS_MAX 131072u    /* all of one answer */
#define REFUSAL_MAX (1u << 20) /* of words with another status than 200 */
#define PAUSE_TOLD  2000u      /* longer ones are announced */

struct http {
	CURL *curl;
	struct http_options o;
	char error[CURL_ERROR_SIZE];
};

/* One request on its way. */
struct transfer {
	const struct http_request *q;
	struct http_answer *a;
	CURL *curl;
	size_t headers_n, refusal_n;
	bool too_large, memory;
};

static unsigned
or_default(unsigned v, unsigned otherwise)
{
	return v ? v : otherwise;
}

int
http_open(const struct http_options *o, struct http **out)
{
	struct http *h;
	int r;

	*out = NULL;
	if ((r = crypto_ready()) != 0)
		return why_set(r, "OpenSSL: %s", err_text(r));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return why_set(CL_ERR_INTERNAL, "libcurl does not start");
	if (!(h = secmem_alloc(sizeof(*h))) || !(h->curl = curl_easy_init())) {
		secmem_free(h);
		curl_global_cleanup();
		return why_memory();
	}
	h->o = *o;
	h->o.timeout_ms = or_default(o->timeout_ms, 30000);
	h->o.total_ms = or_default(o->total_ms, 120000);
	h->o.attempts = or_default(o->attempts, 4);
	h->o.pause_ms = or_default(o->pause_ms, 1000);
	h->o.longest_ms = or_default(o->longest_ms, 60000);
	*out = h;
	return CL_OK;
}

void
http_close(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	secmem_free(h);
	curl_global_cleanup();
}

void
http_answer_clear(struct http_answer *a)
{
	text_clear(&a->body);
	text_clear(&a->header);
}

/* A page that comes with a refusal may be larger than what was asked for, and
 * is of no use. */
static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	long status = 0;

	(void)size; /* always 1 */
	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		t->refusal_n += n;
		t->too_large = t->refusal_n > REFUSAL_MAX;
		return t->too_large ? 0 : n;
	}
	t->too_large = n > t->q->max - t->a->body.n;
	if (t->too_large)
		return 0;
	t->memory = text_add(&t->a->body, p, n) != 0;
	return t->memory ? 0 : n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Keeps the value of the one that is wanted; a second one of its name would
 * be a contradiction, and takes the first one's place. */
static size_t
take_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	const char *name = t->q->header;
	size_t from = name ? strlen(name) : 0, to = n;

	(void)size;
	t->headers_n += n;
	t->too_large = t->headers_n > HEADERS_MAX;
	if (t->too_large)
		return 0;
	if (!name || n <= from || p[from] != ':' ||
	    strncasecmp(p, name, from) != 0)
		return n;
	for (from++; from < to && is_blank(p[from]);)
		from++;
	while (to > from && is_blank(p[to - 1]))
		to--;
	text_reset(&t->a->header);
	t->memory = text_add(&t->a->header, p + from, to - from) != 0;
	return t->memory ? 0 : n;
}

/* Options that are not known are a bug; values do not fail. */
static int
set_up(struct http *h, struct transfer *t)
{
	CURL *c = h->curl;
	const char *url = t->q->url;
	CURLcode e;

	curl_easy_reset(c);
	h->error[0] = '\0';
	if ((e = curl_easy_setopt(c, CURLOPT_URL, url)) ||
	    (e = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http")) ||
	    (e = curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L)) ||
	    (e = curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L)) ||
	    (e = curl_easy_setopt(
		 c, CURLOPT_TIMEOUT_MS, (long)h->o.timeout_ms)) ||
	    (e = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error)) ||
	    (e = curl_easy_setopt(
		 c, CURLOPT_USERAGENT, "cloister/" CLOISTER_VERSION)) ||
	    (e = curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body)) ||
	    (e = curl_easy_setopt(c, CURLOPT_WRITEDATA, t)) ||
	    (e = curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header)) ||
	    (e = curl_easy_setopt(c, CURLOPT_HEADERDATA, t)))
		goto out;
	if (h->o.ca_file &&
	    (e = curl_easy_setopt(c, CURLOPT_CAINFO, h->o.ca_file)))
		goto out;
	/* A proxy cannot reach this machine's own ports. */
	if (fetch_is_loopback(url))
		e = curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
out:
	return e ? why_set(
		       CL_ERR_INTERNAL, "libcurl: %s", curl_easy_strerror(e))
		 : CL_OK;
}

/* How one attempt ended. */
struct end {
	CURLcode code;
	long status;
	curl_off_t after; /* seconds that the server asks to wait; 0: none */
};

static int
attempt(struct http *h, const struct http_request *q, struct http_answer *a,
    struct end *end)
{
	struct transfer t = {.q = q, .a = a, .curl = h->curl};
	int r;

	memset(end, 0, sizeof(*end));
	http_answer_clear(a);
	if ((r = set_up(h, &t)) != 0)
		return r;
	end->code = curl_easy_perform(h->curl);
	if (t.memory)
		return why_memory();
	if (t.too_large)
		return why_set(CL_ERR_TOO_LARGE,
		    "%s answered with more than %zu bytes, so it is not what "
		    "was asked for: %s",
		    q->who, t.refusal_n ? (size_t)REFUSAL_MAX : q->max, q->url);
	(void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &end->status);
	(void)curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &end->after);
	return CL_OK;
}

/* Might the same request do better a little later? */
static bool
is_passing(const struct end *end)
{
	switch (end->code) {
	case CURLE_OK:
		return end->status == 429 || end->status == 500 ||
		       (end->status >= 502 && end->status <= 504);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

static int
say_network(
    const struct http *h, const struct http_request *q, const struct end *end)
{
	const char *what =
	    h->error[0] ? h->error : curl_easy_strerror(end->code);

	if (end->code == CURLE_OPERATION_TIMEDOUT)
		return why_set(CL_ERR_TIMEOUT,
		    "%s did not answer in %u seconds: %s", q->who,
		    (h->o.timeout_ms + 999) / 1000, q->url);
	if (end->code == CURLE_PEER_FAILED_VERIFICATION)
		return why_set(CL_ERR_IO,
		    "%s: its TLS certificate is not to be trusted (%s); a "
		    "mirror with a CA of its own needs ca_file in fetch.json: "
		    "%s",
		    q->who, what, q->url);
	return why_set(
	    CL_ERR_IO, "%s cannot be asked: %s: %s", q->who, what, q->url);
}

static int
say_busy(const struct http_request *q, const struct end *end, unsigned attempts)
{
	const char *s = attempts == 1 ? "" : "s";

	if (end->after)
		return why_set(CL_ERR_BUSY,
		    "%s answered %ld %u time%s; try again in %lld seconds, as "
		    "it asks: %s",
		    q->who, end->status, attempts, s, (long long)end->after,
		    q->url);
	return why_set(CL_ERR_BUSY,
	    "%s answered %ld %u time%s; try again in a few minutes: %s", q->who,
	    end->status, attempts, s, q->url);
}

/* CL_OK only for 200. */
static int
conclude(const struct http *h, const struct http_request *q,
    const struct end *end, unsigned attempts)
{
	if (end->code != CURLE_OK)
		return say_network(h, q, end);
	if (end->status == 200)
		return CL_OK;
	if (is_passing(end))
		return say_busy(q, end, attempts);
	if (end->status == 404)
		return why_set(CL_ERR_NOT_FOUND,
		    "%s knows no such document (404): %s", q->who, q->url);
	if (end->status >= 300 && end->status < 400)
		return why_set(CL_ERR_REFUSED,
		    "%s answered with a redirect (%ld), which is not followed: "
		    "%s",
		    q->who, end->status, q->url);
	return why_set(CL_ERR_REFUSED, "%s answered %ld, expected 200: %s",
	    q->who, end->status, q->url);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A pause of half to all of its length, so that many askers spread; what the
 * server asks for is waited in full. -1: longer than anyone should wait. */
static int64_t
pause_of(const struct http *h, const struct end *end, unsigned attempts)
{
	int64_t ms = (int64_t)h->o.pause_ms << (attempts - 1);
	uint16_t chance = 0;

	if (end->after > (curl_off_t)(h->o.longest_ms / 1000))
		return -1;
	if (end->after)
		return (int64_t)end->after * 1000;
	if (ms > h->o.longest_ms)
		ms = h->o.longest_ms;
	if (crypto_random(&chance, sizeof(chance)) != 0)
		return ms;
	return ms / 2 + ms * chance / 65535 / 2;
}

static void
wait_ms(const struct http_request *q, int64_t ms)
{
	struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	if (ms >= PAUSE_TOLD)
		command_warn("%s is busy or out of reach; trying again in %lld "
			     "seconds",
		    q->who, (long long)(ms + 999) / 1000);
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		continue;
}

int
http_get(struct http *h, const struct http_request *q, struct http_answer *out)
{
	int64_t start = now_ms(), ms;
	unsigned attempts;
	struct end end;
	int r;

	memset(out, 0, sizeof(*out));
	for (attempts = 1;; attempts++) {
		if ((r = attempt(h, q, out, &end)) != 0)
			return r;
		if (!is_passing(&end) || attempts == h->o.attempts)
			break;
		ms = pause_of(h, &end, attempts);
		if (ms < 0 || now_ms() - start + ms > h->o.total_ms)
			break;
		wait_ms(q, ms);
	}
	return conclude(h, q, &end, attempts);
}
