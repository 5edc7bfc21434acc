/* state_open (root: 32 bytes of 7, name "tenant") */
#include "fuzz.h"
#include "sealing/state.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t root[32], *out = malloc(n + 1);
	uint64_t version = 0;
	int r;

	fuzz_holds(out);
	memset(root, 7, sizeof(root));
	r = state_open(root, "tenant", p, n, &version, out);
	fuzz_holds(r == 0 ? n >= STATE_OVERHEAD : r < 0);
	free(out);
	return 0;
}
