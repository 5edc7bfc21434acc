#include "policy/appraise_tee.h"

static int
verify(struct appraise_case *c)
{
	static const char expected[] = "a signature of the policy's sim_root";
	struct sim_report *report = &c->state.sim;
	char measurement[65];
	int r;

	if (!c->policy->sim_root) {
		(void)rows_say(c->result, "signature", false, expected,
		    "a policy without sim_root");
		return CL_ERR_EVIDENCE;
	}
	r = sim_verify(c->policy->sim_root, c->raw, c->raw_n, report);
	if (!rows_say(c->result, "signature", r == 0, expected,
		r ? err_text(r) : "it verifies"))
		return CL_ERR_EVIDENCE;
	rows_hex(report->measurement, 32, measurement);
	c->fields = json_pack("{s:s, s:I}", "measurement", measurement, "time",
	    (json_int_t)report->time);
	c->report_data = report->report_data;
	c->dated = true;
	return CL_OK;
}

static void
judge(struct appraise_case *c)
{
	char measurement[65];

	rows_hex(c->state.sim.measurement, 32, measurement);
	appraise_listed(
	    c->result, "measurement", &c->policy->measurement, measurement);
	appraise_age(c, c->state.sim.time);
}

const struct appraise_tee *
appraise_sim(void)
{
	static const struct appraise_tee sim = {
	    .name = "sim", .verify = verify, .judge = judge};

	return &sim;
}
