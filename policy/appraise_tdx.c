#include "policy/appraise_tee.h"

/* What held of the quote, beside what it says. */
static void
print_held(json_t *quote, const struct appraise_result *rows)
{
	static const char *const held[][2] = {
	    {"quote_sig_valid", "tdx.signature"},
	    {"qe_sig_valid", "tdx.qe.signature"},
	    {"qe_binding_valid", "tdx.qe.binding"},
	    {"chain_valid", "tdx.pck.chain"}};
	size_t i;

	for (i = 0; i < 4; i++)
		(void)json_object_set_new(quote, held[i][0],
		    json_boolean(rows_held(rows, held[i][1])));
}

/* {"quote":{…},"tcb":{…} or null}; NULL: no memory. */
static json_t *
print(const struct tdx_evidence *e, const struct appraise_result *rows)
{
	json_t *quote = tdx_print(&e->quote);

	print_held(quote, rows);
	return json_pack("{s:o, s:o}", "quote", quote, "tcb",
	    e->tcb.known ? tdx_print_tcb(&e->tcb) : json_null());
}

/* Its value, or every record that went into it. */
static bool
is_known(const struct tdx_policy *policy, unsigned rtmr)
{
	return policy->rtmr[rtmr].given ||
	       eventlog_want_measures(&policy->eventlog, rtmr);
}

/* Firmware, then kernel and what it starts: MRTD reaches no further than the
 * firmware. */
static bool
is_measured(const struct tdx_policy *policy)
{
	return policy->mr_td.given && is_known(policy, 1) &&
	       is_known(policy, 2);
}

static int
verify(struct appraise_case *c)
{
	struct tdx_evidence *e = &c->state.tdx;
	int r;

	r = tdx_verify(c->raw, c->raw_n, c->own, c->given, &c->policy->roots,
	    c->time, &c->policy->tdx, &e->quote, &e->tcb, c->result);
	if (e->quote.raw)
		c->fields = print(e, c->result);
	c->report_data = e->quote.report_data;
	c->measured = is_measured(&c->policy->tdx);
	c->want = &c->policy->tdx.eventlog;
	return r;
}

static const char *
registers(struct appraise_case *c, struct eventlog_quoted *out)
{
	unsigned i;

	out->kind = EVENTLOG_TDX;
	for (i = 0; i < TDX_RTMRS; i++) {
		out->value[i] = c->state.tdx.quote.rtmr[i];
		if (c->policy->tdx.rtmr[i].given)
			out->excused |= 1u << i;
	}
	return NULL;
}

static void
judge(struct appraise_case *c)
{
	/* Its verdict is in the rows. */
	if (tdx_appraise(&c->state.tdx.quote, &c->state.tdx.tcb,
		&c->policy->tdx, c->result) != 0)
		c->result->accepted = false;
}

const struct appraise_tee *
appraise_tdx(void)
{
	static const struct appraise_tee tdx = {.name = "tdx",
	    .verify = verify,
	    .judge = judge,
	    .registers = registers};

	return &tdx;
}
