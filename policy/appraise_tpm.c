#include <string.h>

#include "policy/appraise_tee.h"

/* {"quote":{…}} and, for an endorsed AK, "snp" or "tdx". NULL: no memory. */
static json_t *
print(const struct appraise_tpm_state *s)
{
	json_t *o = json_pack("{s:o}", "quote", tpm_print(&s->tpm));

	if (o && s->snp.report.version)
		(void)json_object_set_new(o, "snp", snp_print(&s->snp.report));
	if (o && s->snp.report.product)
		(void)json_object_set_new(o, "product",
		    json_string(snp_product(s->snp.report.product)));
	if (o && s->tdx.quote.raw)
		(void)json_object_set_new(o, "tdx", tdx_print(&s->tdx.quote));
	if (o && s->tdx.tcb.known)
		(void)json_object_set_new(o, "tcb", tdx_print_tcb(&s->tdx.tcb));
	return o;
}

/* A VCEK in the evidence proper is as good as one beside it. */
static int
add_vek(struct appraise_tpm_state *s)
{
	const struct tpm_blob_view *vek = &s->tpm.doc.vek;
	int r;

	if ((r = endorse_new(&s->inner)) != 0)
		return r;
	return vek->n ? endorse_add(s->inner, vek->p, vek->n) : CL_OK;
}

/* The bag of what came: the envelope's, or what the evidence holds itself. */
static const struct endorse *
came_with(const struct appraise_case *c)
{
	const struct endorse *inner = c->state.tpm.inner;

	return inner && inner->ncerts ? inner : c->own;
}

static int
verify_snp(struct appraise_case *c)
{
	struct appraise_tpm_state *s = &c->state.tpm;
	const struct tpm_blob_view *report = &s->tpm.hcl.report;
	int r;

	if ((r = add_vek(s)) != 0) {
		(void)rows_say(
		    c->result, "vcek", false, "a certificate", err_text(r));
		return CL_ERR_EVIDENCE;
	}
	r = snp_verify(report->p, report->n, came_with(c), c->given,
	    &c->policy->roots, c->time, &c->policy->snp, &s->snp, c->result);
	if (r != 0)
		return r;
	return tpm_hcl_bound(&s->tpm, s->snp.report.report_data, c->result)
		   ? CL_OK
		   : CL_ERR_EVIDENCE;
}

static int
verify_svsm(struct appraise_case *c)
{
	struct appraise_tpm_state *s = &c->state.tpm;
	const struct tpm_blob_view *report = &s->tpm.doc.svsm_report;
	int r;

	if (!tpm_svsm_read(&s->tpm, c->result))
		return CL_ERR_EVIDENCE;
	r = snp_verify(report->p, report->n, came_with(c), c->given,
	    &c->policy->roots, c->time, &c->policy->snp, &s->snp, c->result);
	if (r != 0)
		return r;
	return tpm_svsm_bound(&s->tpm, s->snp.report.vmpl,
		   s->snp.report.report_data, c->result) &&
		       tpm_svsm_activated(
			   &s->tpm, c->challenge, c->nonce, c->result)
		   ? CL_OK
		   : CL_ERR_EVIDENCE;
}

static int
verify_tdx(struct appraise_case *c)
{
	struct appraise_tpm_state *s = &c->state.tpm;
	const struct tpm_blob_view *quote = &s->tpm.doc.td_quote;
	int r;

	if (!quote->n) {
		(void)rows_say(c->result, "td_quote", false,
		    "the quote that endorses the AK", "none");
		return CL_ERR_EVIDENCE;
	}
	r = tdx_verify(quote->p, quote->n, c->own, c->given, &c->policy->roots,
	    c->time, &c->policy->tdx, &s->tdx.quote, &s->tdx.tcb, c->result);
	if (r != 0)
		return r;
	return tpm_hcl_bound(&s->tpm, s->tdx.quote.report_data, c->result)
		   ? CL_OK
		   : CL_ERR_EVIDENCE;
}

/* There is no TEE whose patch levels could be spoken of. */
static int
no_platform(struct appraise_case *c)
{
	c->result->tcb[0] = '\0';
	return CL_OK;
}

/* Why is the AK to be believed? A pinned one needs nothing else. */
static int
verify_ak(struct appraise_case *c)
{
	struct appraise_tpm_state *s = &c->state.tpm;
	const struct tpm_policy *policy = &c->policy->tpm;
	bool endorsed = s->tpm.has_hcl && !policy->no_hcl;
	bool svsm = s->tpm.doc.svsm_report.n > 0;
	bool must_be = !endorsed && !svsm && !policy->has_ak_roots;

	if (tpm_ak_pinned(&s->tpm, policy, must_be, c->result))
		return no_platform(c);
	if (endorsed) {
		s->by = s->tpm.hcl.tdx ? BY_TDX : BY_SNP;
		return s->by == BY_TDX ? verify_tdx(c) : verify_snp(c);
	}
	if (svsm) {
		s->by = BY_SNP;
		return verify_svsm(c);
	}
	return policy->has_ak_roots && tpm_ak_certified(&s->tpm, c->own,
					   c->given, policy, c->time, c->result)
		   ? no_platform(c)
		   : CL_ERR_EVIDENCE;
}

/* Whose software holds the TPM, where a report speaks for it, and what that
 * software then started. */
static bool
is_measured(const struct appraise_case *c)
{
	const struct appraise_policy *p = c->policy;

	if (c->state.tpm.by == BY_TDX && !p->tdx.mr_td.given)
		return false;
	if (c->state.tpm.by == BY_SNP && !p->snp.measurement.given)
		return false;
	return tpm_policy_measures(&p->tpm);
}

/* A TPM's log is inside its evidence, and explains what it gives of what was
 * quoted: others extend PCRs without a record of it. */
static int
take_log(struct appraise_case *c)
{
	const struct tpm_evidence *e = &c->state.tpm.tpm;

	if (c->log) {
		(void)rows_say(c->result, "eventlog", false,
		    "a log in the member eventlog of the TPM's evidence",
		    "one beside it");
		return CL_ERR_EVIDENCE;
	}
	if (e->log != TPM_LOG_MATCHES && e->log != TPM_LOG_DIFFERS)
		return CL_OK;
	c->log = e->doc.eventlog.p;
	c->log_n = e->doc.eventlog.n;
	c->joined = true;
	c->explained = e->logged & e->doc.given & ~e->differs;
	return CL_OK;
}

static int
verify(struct appraise_case *c)
{
	struct appraise_tpm_state *s = &c->state.tpm;
	int r = tpm_verify(c->raw, c->raw_n, &s->tpm, c->result);

	if (r == 0)
		r = verify_ak(c);
	c->want = &c->policy->tpm.eventlog;
	if (r == 0)
		r = take_log(c);
	if (s->tpm.attest.type == TPM_QUOTE)
		c->fields = print(s);
	c->measured = is_measured(c);
	return r;
}

static bool
bound(const struct appraise_case *c, const uint8_t want[64])
{
	const struct tpm_evidence *e = &c->state.tpm.tpm;

	return tpm_bound(e, want, c->enveloped, c->result) &&
	       (!e->has_svsm || tpm_svsm_fresh(e, want, c->result));
}

/* A paravisor's key may outlive the machine's start that its report is of. */
static void
check_fresh(struct appraise_case *c)
{
	const struct appraise_tpm_state *s = &c->state.tpm;

	if (!c->policy->tpm.require_fresh_hcl || !s->tpm.has_hcl)
		return;
	if (c->expected)
		(void)tpm_hcl_fresh(&s->tpm, c->expected, c->result);
	else
		(void)rows_say(c->result, "hcl.user_data", false,
		    "what this evidence is about", "nothing to compare with");
}

static void
judge(struct appraise_case *c)
{
	struct appraise_tpm_state *s = &c->state.tpm;
	int r = CL_OK;

	if (s->by == BY_TDX)
		r = tdx_appraise(
		    &s->tdx.quote, &s->tdx.tcb, &c->policy->tdx, c->result);
	else if (s->by == BY_SNP)
		r = snp_appraise(&s->snp, &c->policy->snp, c->result);
	check_fresh(c);
	if (tpm_appraise(&s->tpm, &c->policy->tpm, c->result) != 0)
		r = CL_ERR_APPRAISAL;
	/* Its verdict is in the rows. */
	if (r != 0)
		c->result->accepted = false;
}

static void
done(struct appraise_case *c)
{
	tpm_evidence_clear(&c->state.tpm.tpm);
	endorse_free(c->state.tpm.inner);
}

const struct appraise_tee *
appraise_tpm(void)
{
	static const struct appraise_tee tpm = {
	    .name = "tpm",
	    .verify = verify,
	    .judge = judge,
	    .bound = bound,
	    .done = done,
	};

	return &tpm;
}
