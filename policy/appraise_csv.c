#include "policy/appraise_tee.h"

/* Once more, with all fields, when they may be believed. */
static void
print(struct appraise_case *c, const struct csv_report *report)
{
	json_decref(c->fields);
	c->fields = csv_print(&c->state.csv.csv, report);
}

static int
verify(struct appraise_case *c)
{
	struct csv_evidence *e = &c->state.csv.csv;
	int r = csv_verify(c->raw, c->raw_n, c->own, c->given,
	    &c->policy->roots, e, c->result);

	if (e->version)
		print(c, NULL);
	c->report_data = e->user_data;
	c->measured = c->policy->csv.measure.given;
	c->want = &c->policy->csv.eventlog;
	return r;
}

static const char *
registers(struct appraise_case *c, struct eventlog_quoted *out)
{
	struct csv_report *report = &c->state.csv.opened;
	unsigned i;

	if (c->state.csv.csv.version == 1)
		return "a report of version 1 has no registers";
	if (!c->expected ||
	    csv_open(&c->state.csv.csv, c->expected, NULL, report) != 0)
		return "nothing of the report may be read";
	out->kind = EVENTLOG_CSV;
	out->launch = report->measure;
	for (i = 0; i < CSV_RTMRS; i++) {
		out->value[i] = report->rtmr[i];
		if (c->policy->csv.rtmr[i].given)
			out->excused |= 1u << i;
	}
	return NULL;
}

static void
judge(struct appraise_case *c)
{
	struct csv_report *report = &c->state.csv.opened;

	/* Its verdict is in the rows. */
	if (csv_appraise(&c->state.csv.csv, c->expected, &c->policy->csv,
		report, c->result) != 0)
		c->result->accepted = false;
	/* All zero is one that was not opened. */
	if (report->sig_usage)
		print(c, report);
}

const struct appraise_tee *
appraise_csv(void)
{
	static const struct appraise_tee csv = {.name = "csv",
	    .verify = verify,
	    .judge = judge,
	    .registers = registers};

	return &csv;
}
