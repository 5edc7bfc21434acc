/* value_parse, value_check, value_print, value_compare: a text as every type;
 * what was parsed prints, and what was printed parses to the same */
#include "fuzz.h"
#include "tde/value.h"

static size_t
print(uint8_t type, const uint8_t *p, size_t n, char *text, size_t cap)
{
	struct wr out = wr_make(text, cap);

	fuzz_holds(value_check(type, p, n) == 0);
	fuzz_holds(value_print(type, p, n, &out) == 0);
	fuzz_holds(value_compare(type, p, n, p, n) == 0);
	return out.len;
}

static void
as_type(uint8_t type, const char *text, size_t n)
{
	size_t cap = n + 16, text_cap = 64 + 2 * cap, len;
	uint8_t *plain = malloc(cap), *again = malloc(text_cap);
	char *shown = malloc(text_cap);
	struct wr a = wr_make(plain, cap), b = wr_make(again, text_cap);

	fuzz_holds(plain && again && shown);
	if (value_parse(type, text, n, &a) == 0) {
		len = print(type, plain, a.len, shown, text_cap);
		fuzz_holds(value_parse(type, shown, len, &b) == 0);
		fuzz_holds(
		    value_compare(type, plain, a.len, again, b.len) == 0);
	} else {
		fuzz_holds(a.len == 0);
	}
	free(plain);
	free(again);
	free(shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	unsigned type;

	for (type = 0; type < 16; type++)
		as_type((uint8_t)type, (const char *)p, n);
	return 0;
}
