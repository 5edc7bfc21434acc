/* evidence_parse, evidence_print, evidence_claims_parse,
 * evidence_claims_print: what was parsed is printed and parsed again */
#include "fuzz.h"
#include "lib/secmem.h"
#include "policy/evidence.h"

static void
claims(const char *text, size_t n)
{
	struct evidence_claims a, b;
	char *again = NULL;
	size_t len;

	if (evidence_claims_parse(text, n, &a) != 0)
		return;
	fuzz_holds(evidence_claims_print(&a, &again, &len) == 0);
	fuzz_holds(evidence_claims_parse(again, len, &b) == 0);
	fuzz_holds(strcmp(a.tee, b.tee) == 0 && a.expires == b.expires);
	secmem_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct evidence a, b;
	char *again = NULL;
	size_t len;

	claims((const char *)p, n);
	if (evidence_parse((const char *)p, n, &a) != 0)
		return 0;
	claims(a.claims, a.claims_n);
	fuzz_holds(evidence_print(&a, &again, &len) == 0);
	fuzz_holds(evidence_parse(again, len, &b) == 0);
	fuzz_holds(a.raw_n == b.raw_n && a.claims_n == b.claims_n &&
		   a.log_n == b.log_n && a.nblobs == b.nblobs);
	evidence_clear(&a);
	evidence_clear(&b);
	secmem_free(again);
	return 0;
}
