#include <string.h>

#include "lib/buf.h"
#include "lib/secmem.h"
#include "policy/verify_sim.h"

#define MAGIC  "CLSIM1\0" /* eight bytes with the NUL that C adds */
#define DOMAIN "cloister sim evidence v1"

int
sim_parse(const uint8_t *raw, size_t n, struct sim_report *report)
{
	struct rd in = rd_make(raw, n);
	const uint8_t *magic, *sig;
	struct sim_report got;
	int r;

	if ((r = rd_view(&in, &magic, sizeof(MAGIC))) != 0 ||
	    (r = rd_bytes(&in, got.report_data, 64)) != 0 ||
	    (r = rd_bytes(&in, got.measurement, 32)) != 0 ||
	    (r = rd_i64(&in, &got.time)) != 0 ||
	    (r = rd_view(&in, &sig, SIM_EVIDENCE - SIM_BODY)) != 0 ||
	    (r = rd_end(&in)) != 0)
		return r;
	if (!secmem_equal(magic, MAGIC, sizeof(MAGIC)))
		return CL_ERR_FORMAT;
	*report = got;
	return CL_OK;
}

int
sim_verify(const struct identity *root, const uint8_t *raw, size_t n,
    struct sim_report *report)
{
	struct crypto_part body = {raw, SIM_BODY};
	struct sim_report got;
	int r;

	if ((r = sim_parse(raw, n, &got)) != 0)
		return r;
	if (identity_kind_of(root) != IDENTITY_ED25519)
		return CL_ERR_UNSUPPORTED;
	if (identity_verify(
		root, DOMAIN, &body, 1, raw + SIM_BODY, n - SIM_BODY) != 0)
		return CL_ERR_EVIDENCE;
	*report = got;
	return CL_OK;
}

int
sim_make(const struct identity *root, const struct sim_report *report,
    uint8_t out[SIM_EVIDENCE])
{
	struct crypto_part body = {out, SIM_BODY};
	uint8_t sig[IDENTITY_SIG_MAX];
	size_t sig_n = sizeof(sig);
	struct wr w = wr_make(out, SIM_EVIDENCE);
	int r;

	if (identity_kind_of(root) != IDENTITY_ED25519)
		return CL_ERR_UNSUPPORTED;
	if ((r = wr_bytes(&w, MAGIC, sizeof(MAGIC))) != 0 ||
	    (r = wr_bytes(&w, report->report_data, 64)) != 0 ||
	    (r = wr_bytes(&w, report->measurement, 32)) != 0 ||
	    (r = wr_i64(&w, report->time)) != 0 ||
	    (r = identity_sign(root, DOMAIN, &body, 1, sig, &sig_n)) != 0)
		return r;
	return wr_bytes(&w, sig, sig_n);
}
