/* group_def_parse, group_def_print, group_ops_parse, group_ops_print */
#include "fuzz.h"
#include "lib/secmem.h"
#include "policy/group_def.h"

static void
ops(const uint8_t *p, size_t n)
{
	char *text = calloc(1, n + 1), again[64];
	uint32_t a, b;

	fuzz_holds(text);
	if (n)
		memcpy(text, p, n);
	if (group_ops_parse(text, &a) == 0) {
		group_ops_print(a, again);
		fuzz_holds(group_ops_parse(again, &b) == 0 && a == b);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct group_def a, b;
	char *again = NULL;
	size_t len;

	ops(p, n);
	if (group_def_parse((const char *)p, n, &a) != 0)
		return 0;
	fuzz_holds(group_def_print(&a, &again, &len) == 0);
	fuzz_holds(group_def_parse(again, len, &b) == 0);
	fuzz_holds(strcmp(a.name, b.name) == 0 && a.ops == b.ops &&
		   a.version == b.version && a.nflows == b.nflows);
	secmem_free(again);
	return 0;
}
