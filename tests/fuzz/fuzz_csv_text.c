/* csv_feed, csv_end, csv_put: u8 piece size, text; in pieces it gives what it
 * gives at once, and what is written back is the same CSV */
#include "client/csv.h"
#include "fuzz.h"

struct copy {
	struct text out;
	bool begun;
};

static int
field(void *arg, const char *p, size_t n, bool quoted)
{
	struct copy *c = arg;
	int r = c->begun ? text_str(&c->out, ",") : 0;

	c->begun = true;
	return r ? r : csv_put(&c->out, p, n, quoted);
}

static int
record(void *arg, const char *eol)
{
	struct copy *c = arg;

	c->begun = false;
	return text_str(&c->out, eol);
}

static int
parse(const char *p, size_t n, size_t piece, struct copy *c)
{
	struct csv_hooks hooks = {.field = field, .record = record, .arg = c};
	struct csv *csv;
	size_t at, len;
	int r = 0;

	memset(c, 0, sizeof(*c));
	fuzz_holds(csv_new(&hooks, &csv) == 0);
	for (at = 0; at < n && r == 0; at += len) {
		len = n - at < piece ? n - at : piece;
		r = csv_feed(csv, p + at, len);
	}
	if (r == 0)
		r = csv_end(csv);
	csv_free(csv);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct copy a, b, again;
	int r;

	if (n < 1)
		return 0;
	r = parse((const char *)p + 1, n - 1, n, &a);
	fuzz_holds(parse((const char *)p + 1, n - 1, p[0] ? p[0] : 1, &b) == r);
	if (r == 0) {
		fuzz_holds(a.out.n == b.out.n);
		fuzz_holds(parse(a.out.p, a.out.n, n, &again) == 0);
		fuzz_holds(
		    again.out.n == a.out.n &&
		    (!a.out.n || !memcmp(again.out.p, a.out.p, a.out.n)));
		text_clear(&again.out);
	}
	text_clear(&a.out);
	text_clear(&b.out);
	return 0;
}
