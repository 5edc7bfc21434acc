/* groupkey_open, value_check, value_print: a cell of any group */
#include "fuzz_keys.h"
#include "tde/value.h"

static void
opened(const uint8_t *cell, const uint8_t *pt, size_t n)
{
	uint8_t type = cell_type_of(cell);
	struct wr text = wr_make(NULL, 0);

	if (value_check(type, pt, n) != 0)
		return;
	text.cap = 64 + 2 * n;
	text.p = malloc(text.cap);
	fuzz_holds(text.p);
	fuzz_holds(value_print(type, pt, n, &text) == 0);
	free(text.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct groupkey *const *g = fuzz_groups();
	size_t room = n > CELL_MIN ? n - CELL_MIN : 0, len;
	uint8_t *pt = malloc(room + 1);
	unsigned i;

	fuzz_holds(pt);
	for (i = 0; i < FUZZ_GROUPS; i++) {
		len = 0;
		if (groupkey_open(g[i], 0, p, n, pt, room, &len) != 0)
			continue;
		fuzz_holds(len <= room);
		opened(p, pt, len);
	}
	free(pt);
	return 0;
}
