#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "client/fetch_settings.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"

#define FILE_NAME "fetch.json"

static const struct host {
	const char *key; /* in fetch.json and --base-url */
	const char *name;
	const char *base;
} hosts[FETCH_HOSTS] = {
    [FETCH_AMD] = {"amd", "AMD KDS", "https://kdsintf.amd.com"},
    [FETCH_INTEL] = {"intel", "Intel PCS",
	"https://api.trustedservices.intel.com"},
    [FETCH_INTEL_ROOT] = {"intel-root", "Intel's certificate server",
	"https://certificates.trustedservices.intel.com"},
    [FETCH_HYGON] = {"hygon", "Hygon", "https://cert.hygon.cn"},
};

const char *
fetch_host_name(enum fetch_host host)
{
	return hosts[host].name;
}

const char *
fetch_settings_where(const struct fetch_settings *s, enum fetch_host host)
{
	return s->base[host][0] ? s->base[host] : hosts[host].base;
}

static bool
is_loopback_host(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       ((const uint8_t *)&v4)[0] == 127;
}

/* One part of a URL, NULL when it has none; curl_free() it. */
static char *
part_of(CURLU *u, CURLUPart what)
{
	char *part = NULL;

	return curl_url_get(u, what, &part, 0) == CURLUE_OK ? part : NULL;
}

bool
fetch_is_loopback(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	bool is = false;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    (host = part_of(u, CURLUPART_HOST)) != NULL)
		is = is_loopback_host(host);
	curl_free(host);
	curl_url_cleanup(u);
	return is;
}

/* NULL: a base URL that may be asked. */
static const char *
find_fault(const char *url, bool allow_http)
{
	static const CURLUPart none[] = {CURLUPART_USER, CURLUPART_PASSWORD,
	    CURLUPART_QUERY, CURLUPART_FRAGMENT};
	const char *fault = NULL;
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *part;
	size_t i;

	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    !(scheme = part_of(u, CURLUPART_SCHEME)) ||
	    !(host = part_of(u, CURLUPART_HOST)))
		fault = "it is no URL such as https://mirror.example.org/kds";
	for (i = 0; !fault && i < sizeof(none) / sizeof(none[0]); i++)
		if ((part = part_of(u, none[i])) != NULL) {
			curl_free(part);
			fault = "it has a user, a query or a fragment";
		}
	if (!fault && strcmp(scheme, "http") == 0 && !allow_http &&
	    !is_loopback_host(host))
		fault = "plain http to another machine needs allow_http in "
			"fetch.json";
	else if (!fault && strcmp(scheme, "https") != 0 &&
		 strcmp(scheme, "http") != 0)
		fault = "its scheme is not https";
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return fault;
}

static int
set_base(struct fetch_settings *s, enum fetch_host host, const char *url)
{
	size_t n = strlen(url);
	const char *fault;

	while (n && url[n - 1] == '/')
		n--;
	if (n >= FETCH_BASE_MAX || strcspn(url, " \t\r\n\"'<>\\") < n)
		fault = "it is too long, or has blanks or quotes";
	else
		fault = find_fault(url, s->allow_http);
	if (fault)
		return why_set(CL_ERR_ARGUMENT,
		    "the base URL of %s cannot be used: %s", hosts[host].key,
		    fault);
	memcpy(s->base[host], url, n);
	s->base[host][n] = '\0';
	return CL_OK;
}

int
fetch_settings_base(struct fetch_settings *s, const char *spec)
{
	size_t i, n = strcspn(spec, "=");

	for (i = 0; spec[n] && i < FETCH_HOSTS; i++)
		if (strlen(hosts[i].key) == n &&
		    strncmp(hosts[i].key, spec, n) == 0)
			return set_base(s, (enum fetch_host)i, spec + n + 1);
	return why_set(CL_ERR_ARGUMENT,
	    "expected amd=URL, intel=URL, intel-root=URL or hygon=URL, came "
	    "\"%.40s\"",
	    spec);
}

static int
take_text(const json_t *o, const char *key, char *out, size_t cap)
{
	const char *text;
	int r;

	if (!json_object_get(o, key))
		return CL_OK;
	if ((r = json_get_str(o, key, &text)) != 0)
		return r;
	if (strlen(text) >= cap)
		return json_blame(key);
	memcpy(out, text, strlen(text) + 1);
	return CL_OK;
}

static int
take_bool(const json_t *o, const char *key, bool *out)
{
	return json_object_get(o, key) ? json_get_bool(o, key, out) : CL_OK;
}

static int
take_bases(const json_t *o, struct fetch_settings *s)
{
	char url[FETCH_BASE_MAX];
	size_t i;
	int r = CL_OK;

	for (i = 0; r == 0 && i < FETCH_HOSTS; i++) {
		url[0] = '\0';
		r = take_text(o, hosts[i].key, url, sizeof(url));
		if (r == 0 && url[0])
			r = set_base(s, (enum fetch_host)i, url);
	}
	return r;
}

static int
take(const json_t *o, struct fetch_settings *s)
{
	static const char *const known[] = {"v", "fetch", "amd", "intel",
	    "intel-root", "hygon", "allow_http", "ca_file", NULL};
	int64_t version;
	int r;

	if ((r = json_only(o, known)) != 0 ||
	    (r = json_get_int(o, "v", 1, 1, &version)) != 0 ||
	    (r = take_bool(o, "fetch", &s->fetch)) != 0 ||
	    (r = take_bool(o, "allow_http", &s->allow_http)) != 0 ||
	    (r = take_text(o, "ca_file", s->ca_file, sizeof(s->ca_file))) != 0)
		return why_set(r, "member \"%s\": %s", json_why(), err_text(r));
	return take_bases(o, s);
}

int
fetch_settings_load(const struct home *home, struct fetch_settings *out)
{
	uint8_t *text;
	json_t *o;
	size_t n;
	int r;

	memset(out, 0, sizeof(*out));
	if (!home)
		return CL_OK;
	r = file_read(home->dirfd, FILE_NAME, HOME_FILE_MAX, &text, &n);
	if (r == CL_ERR_NOT_FOUND)
		return CL_OK;
	if (r != 0)
		return why_set(r, "cannot read %s/" FILE_NAME ": %s",
		    home->path, err_text(r));
	if (!(o = json_parse((const char *)text, n, &r)))
		r = why_set(r, "expected a JSON object: %s", err_text(r));
	else
		r = take(o, out);
	json_decref(o);
	secmem_free(text);
	return r ? why_in(r, "%s/" FILE_NAME, home->path) : CL_OK;
}
