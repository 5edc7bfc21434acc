#include "policy/appraise_tee.h"

/* Once more, with all fields, when they may be believed. */
static void
print(struct appraise_case *c, const struct csv_report *report)
{
	json_decref(c->fields);
	c->fields = csv_print(&c->state.csv, report);
}

static int
verify(struct appraise_case *c)
{
	struct csv_evidence *e = &c->state.csv;
	int r = csv_verify(c->raw, c->raw_n, c->own, c->given,
	    &c->policy->roots, e, c->result);

	if (e->version)
		print(c, NULL);
	c->report_data = e->user_data;
	c->measured = c->policy->csv.measure.given;
	return r;
}

static void
judge(struct appraise_case *c)
{
	struct csv_report report;

	/* Its verdict is in the rows. */
	if (csv_appraise(&c->state.csv, c->expected, &c->policy->csv, &report,
		c->result) != 0)
		c->result->accepted = false;
	/* All zero is one that was not opened. */
	if (report.sig_usage)
		print(c, &report);
}

const struct appraise_tee *
appraise_csv(void)
{
	static const struct appraise_tee csv = {
	    .name = "csv", .verify = verify, .judge = judge};

	return &csv;
}
