#include "policy/appraise_tee.h"
#include "policy/verify_snp_vek.h"

/* {"report":{…},"vek":{…} or null,"product":"AMD Milan" or null}; NULL: no
 * memory. */
static json_t *
print(const struct snp_evidence *e)
{
	enum root_vendor product = e->report.product;

	return json_pack("{s:o, s:o, s:o}", "report", snp_print(&e->report),
	    "vek", e->vek.cert ? snp_vek_print(&e->vek) : json_null(),
	    "product", product ? json_string(root_name(product)) : json_null());
}

static int
verify(struct appraise_case *c)
{
	struct snp_evidence *e = &c->state.snp;
	const uint8_t *report = c->raw;
	size_t n = c->raw_n;
	int r;

	if (snp_unwrap(c->raw, c->raw_n, &report) == 0)
		n = SNP_REPORT;
	r = snp_verify(report, n, c->own, c->given, &c->policy->roots, c->time,
	    &c->policy->snp, e, c->result);
	if (e->report.version)
		c->fields = print(e);
	c->report_data = e->report.report_data;
	c->measured = c->policy->snp.measurement.given;
	return r;
}

static void
judge(struct appraise_case *c)
{
	/* Its verdict is in the rows. */
	if (snp_appraise(&c->state.snp, &c->policy->snp, c->result) != 0)
		c->result->accepted = false;
}

const struct appraise_tee *
appraise_snp(void)
{
	static const struct appraise_tee snp = {
	    .name = "snp", .verify = verify, .judge = judge};

	return &snp;
}
