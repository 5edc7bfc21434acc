/* coco_open: evidence in the wrappers of others; the first byte says whose */
#include "fuzz.h"
#include "policy/coco.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const tees[] = {"snp", "tdx", "csv", "tpm"};
	struct coco x;

	if (!n)
		return 0;
	if (coco_open(tees[p[0] % 4], (const char *)p + 1, n - 1, &x) == 0) {
		fuzz_holds(x.raw && x.raw_n && x.raw_n <= n);
		fuzz_holds(x.log_n <= n);
		coco_clear(&x);
	}
	fuzz_holds(!x.raw && !x.log && !x.own);
	return 0;
}
