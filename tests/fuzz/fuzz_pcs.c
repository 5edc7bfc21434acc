/* pcs_split, pcs_tcb_info_parse, pcs_qe_identity_parse, pcs_time_parse */
#include "fuzz.h"
#include "policy/pcs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct pcs_qe_identity *qe = NULL;
	struct pcs_tcb_info *tcb = NULL;
	const uint8_t *body;
	uint8_t sig[64];
	char *text = calloc(1, n + 1);
	size_t len;
	int64_t t;

	fuzz_holds(text);
	if (n)
		memcpy(text, p, n);
	if (pcs_time_parse(text, &t) == 0)
		fuzz_holds(n >= 20);
	free(text);
	if (pcs_split(p, n, "tcbInfo", &body, &len, sig) == 0)
		fuzz_holds(body > p && body + len < p + n);
	if (pcs_tcb_info_parse(p, n, &tcb) == 0) {
		fuzz_holds(tcb->nlevels <= PCS_LEVELS_MAX &&
			   tcb->nmodules <= PCS_MODULES_MAX);
		pcs_tcb_info_free(tcb);
	}
	if (pcs_qe_identity_parse(p, n, &qe) == 0) {
		fuzz_holds(qe->levels.n <= PCS_LEVELS_MAX);
		pcs_qe_identity_free(qe);
	}
	return 0;
}
