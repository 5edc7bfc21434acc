/* endorse_add, endorse_add_text: DER, PEM, lists, documents, AMD's certificate
 * table, all of them in text; what is refused leaves nothing behind */
#include "fuzz.h"
#include "policy/chain.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct endorse *bag;
	char cn[64];
	unsigned i;

	fuzz_holds(endorse_new(&bag) == 0);
	if (endorse_add(bag, p, n) != 0 && endorse_add_text(bag, p, n) != 0)
		fuzz_holds(bag->ncerts + bag->ncrls + bag->ndocs == 0);
	else
		fuzz_holds(endorse_type(p, n));
	fuzz_holds(bag->ncerts <= ENDORSE_CERTS_MAX &&
		   bag->ncrls <= ENDORSE_CRLS_MAX &&
		   bag->ndocs <= ENDORSE_DOCS_MAX);
	for (i = 0; i < bag->ncerts; i++) {
		struct chain c;
		char why[160];

		chain_cn(bag->certs[i], cn, sizeof(cn));
		/* Nobody has the keys of the pinned roots. */
		if (chain_build(bag->certs[i], bag, NULL, ROOT_AMD_MILAN, NULL,
			FUZZ_TIME, &c, why) != 0)
			fuzz_holds(memchr(why, 0, sizeof(why)));
	}
	endorse_free(bag);
	return 0;
}
