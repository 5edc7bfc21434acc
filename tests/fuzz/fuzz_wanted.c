/* wanted_find, fetch_url, fetch_name, fetch_url_decode, fetch_check_held: what
 * evidence says of its machine becomes URLs and names of files that lead
 * nowhere else; what servers send without a vendor's key is not kept */
#include "fuzz.h"

#include "client/fetch_check.h"
#include "client/fetch_name.h"
#include "lib/secmem.h"

static const char *const kinds[] = {"snp", "tdx", "csv", "tpm"};

/* Nothing but what RFC 3986 has in a path and a query. */
static void
check_url(const struct wanted *w, enum fetch_kind kind)
{
	static const struct fetch_settings s = {
	    .base = {"https://a.example", "https://i.example",
		"https://r.example", "https://h.example"}};
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789"
				    "-._~%/?&=:";
	char url[FETCH_URL_MAX], name[FETCH_NAME_MAX];
	const char *base = fetch_settings_where(&s, fetch_url_host(&s, kind));
	unsigned queries = 0;
	const char *c;

	if (fetch_url_host(&s, kind) == FETCH_AMD && !w->snp.product)
		return;
	fuzz_holds(fetch_url(&s, kind, w, url) == 0);
	fuzz_holds(strncmp(url, base, strlen(base)) == 0);
	fuzz_holds(url[strlen(base)] == '/');
	fuzz_holds(url[strspn(url, plain)] == '\0');
	fuzz_holds(!strstr(url, ".."));
	for (c = url; *c; c++)
		queries += *c == '?';
	fuzz_holds(queries <= 1);
	fuzz_holds(fetch_name(kind, w, name) == 0);
	fuzz_holds(!strchr(name, '/') && name[0] != '.');
}

static void
check_wanted(const struct wanted *w)
{
	static const enum fetch_kind amd[] = {
	    FETCH_AMD_CHAIN, FETCH_VCEK, FETCH_AMD_CRL};
	static const enum fetch_kind intel[] = {
	    FETCH_TCB_INFO, FETCH_QE_IDENTITY, FETCH_PCK_CRL, FETCH_ROOT_CRL};
	unsigned i;

	for (i = 0; w->amd && i < 3; i++)
		check_url(w, amd[i]);
	for (i = 0; w->intel && i < 4; i++)
		check_url(w, intel[i]);
	if (w->hygon)
		check_url(w, FETCH_HSK_CEK);
}

/* An answer's bytes: nobody has the keys of the pinned roots. Real documents
 * may be among the seeds, and hold. */
static void
check_answer(const struct wanted *w, const uint8_t *p, size_t n)
{
	static const struct fetch_settings none;
	const struct fetch_check c = {.w = w, .time = FUZZ_TIME};
	struct endorse *bag;
	char why[FETCH_WHY];
	int64_t until;
	int kind, r;

	fuzz_holds(endorse_new(&bag) == 0);
	if (endorse_add(bag, p, n) == 0)
		for (kind = 0; kind < FETCH_KINDS; kind++) {
			if (fetch_url_host(&none, kind) == FETCH_AMD &&
			    !w->snp.product)
				continue;
			if (fetch_url_host(&none, kind) == FETCH_HYGON &&
			    !w->hygon)
				continue;
			r = fetch_check_held(&c, kind, bag, &until, why);
			fuzz_holds(memchr(why, 0, sizeof(why)));
			fuzz_holds(r == 0 || until == 0);
			(void)fetch_check_form(kind, bag);
		}
	endorse_free(bag);
}

/* u8: 1 to 4, evidence of a kind; 5 and more, an answer */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct wanted some;
	struct wanted *w = secmem_alloc(sizeof(*w));
	uint8_t *copy;
	char *text;
	size_t out;
	int r;

	fuzz_holds(w);
	if (n < 1) {
		secmem_free(w);
		return 0;
	}
	copy = fuzz_copy(p + 1, n - 1);
	if (p[0] > 4) {
		some.snp.product = ROOT_AMD_MILAN;
		check_answer(&some, copy, n - 1);
		text = malloc(n);
		fuzz_holds(text);
		r = fetch_url_decode((const char *)copy, n - 1, text, &out);
		fuzz_holds(r != 0 || (out <= n - 1 && text[out] == '\0'));
		free(text);
	} else {
		r = wanted_find(
		    kinds[p[0] ? p[0] - 1 : 0], copy, n - 1, NULL, w);
		fuzz_holds(r == 0 || r == CL_ERR_FORMAT);
		if (r == 0)
			check_wanted(w);
	}
	free(copy);
	secmem_free(w);
	return 0;
}
