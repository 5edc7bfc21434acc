/* like_match: u8 length of the pattern with the fold bit, pattern, text */
#include "fuzz.h"
#include "lib/buf.h"
#include "tde/like.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rd in = rd_make(p, n);
	struct like l = {.escape = {'\\'}, .escape_n = 1};
	const uint8_t *view;
	uint8_t head, *pattern, *text;
	uint64_t fuel = 1u << 16;
	bool match = false;

	if (rd_u8(&in, &head) != 0 || rd_view(&in, &view, head & 0x7f) != 0)
		return 0;
	pattern = fuzz_copy(view, head & 0x7f);
	text = fuzz_copy(in.p, in.left);
	l.pattern = pattern;
	l.pattern_n = head & 0x7f;
	l.fold = head >> 7;
	if (like_match(&l, text, in.left, &fuel, &match) == 0)
		fuzz_holds(fuel <= 1u << 16);
	free(pattern);
	free(text);
	return 0;
}
