#include "policy/appraise_tee.h"
#include "policy/verify_snp_vek.h"

static json_t *
text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* {"report":{…},"vek_cert":{…} or null,"product":"milan" or null,
 * "kind":"vcek" or "vlek" or null,"signature_valid","chain_valid"}; NULL: no
 * memory. */
static json_t *
print(const struct snp_evidence *e, const struct appraise_result *rows)
{
	uint32_t key = SNP_KEY_SIGNING(e->report.key_info);

	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:b}", "report",
	    snp_print(&e->report), "vek_cert",
	    e->vek.cert ? snp_vek_print(&e->vek) : json_null(), "product",
	    text_or_null(snp_product(e->report.product)), "kind",
	    text_or_null(key == SNP_KEY_VCEK   ? "vcek"
			 : key == SNP_KEY_VLEK ? "vlek"
					       : NULL),
	    "signature_valid", rows_held(rows, "report.signature"),
	    "chain_valid", rows_held(rows, "chain"));
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
		c->fields = print(e, c->result);
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
