/* frame_next, frame_put */
#include "fuzz.h"
#include "lib/frame.h"

/* A connection's bytes, as they come one after the other. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t header[FRAME_HEADER];
	enum frame_next what = FRAME_MORE;
	struct frame f;
	size_t have = 0;
	int err = 0;

	while (what != FRAME_BAD && have <= n) {
		uint8_t *got = fuzz_copy(p, have);

		what = frame_next(got, have, 4096, &f, &err);
		free(got);
		if (what == FRAME_MORE) {
			have++;
		} else if (what == FRAME_BAD) {
			fuzz_holds(err < 0);
		} else {
			fuzz_holds(f.body_len <= 4096);
			fuzz_holds(have == FRAME_HEADER + f.body_len);
			frame_put(header, &f);
			fuzz_holds(memcmp(header, p, FRAME_HEADER) == 0);
			p += have;
			n -= have;
			have = 0;
		}
	}
	return 0;
}
