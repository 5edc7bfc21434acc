/* filter_feed, filter_end: u8 form, u8 piece size, text; in pieces it gives
 * what it gives at once, and without resolved cells plain text stays */
#include "client/filter.h"
#include "fuzz.h"

static int
put(void *arg, const char *p, size_t n)
{
	return text_add(arg, p, n);
}

static int
resolve(void *arg, const char *token, size_t n, struct text *out)
{
	(void)arg;
	if (token[n - 1] == 'A')
		return CL_ERR_BAD_CELL;
	return text_str(out, "a\",\\\nb");
}

static int
keep(void *arg, const char *token, size_t n, struct text *out)
{
	(void)arg;
	(void)token;
	(void)n;
	(void)out;
	return CL_ERR_BAD_CELL;
}

static void
failed(void *arg, uint64_t line)
{
	(void)arg;
	fuzz_holds(line > 0);
}

static int
filter(unsigned form, bool plain, size_t piece, const char *p, size_t n,
    struct text *out)
{
	struct filter_hooks hooks = {
	    .put = put, .resolve = plain ? keep : resolve, .failed = failed};
	struct filter *f;
	size_t at, len;
	int r = 0;

	hooks.arg = out;
	fuzz_holds(filter_new(&hooks, (enum filter_form)form, &f) == 0);
	for (at = 0; at < n && r == 0; at += len) {
		len = n - at < piece ? n - at : piece;
		r = filter_feed(f, p + at, len);
	}
	if (r == 0)
		r = filter_end(f);
	filter_free(f);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct text a = {0}, b = {0}, c = {0};
	const char *text = (const char *)p + 2;
	unsigned form;
	int r;

	if (n < 2)
		return 0;
	form = p[0] % 4;
	n -= 2;
	r = filter(form, false, n ? n : 1, text, n, &a);
	fuzz_holds(filter(form, false, p[1] ? p[1] : 1, text, n, &b) == r);
	if (r == 0)
		fuzz_holds(a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n)));
	if (form == FILTER_PLAIN) {
		fuzz_holds(filter(form, true, n ? n : 1, text, n, &c) == 0);
		fuzz_holds(c.n == n && (!n || !memcmp(c.p, text, n)));
	}
	text_clear(&a);
	text_clear(&b);
	text_clear(&c);
	return 0;
}
