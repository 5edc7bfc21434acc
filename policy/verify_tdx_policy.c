/* What an owner wants of a TD. */
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "policy/member.h"
#include "policy/verify_tdx.h"

#define XFAM 8u

void
tdx_policy_init(struct tdx_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->eventlog.kind = EVENTLOG_TDX;
	policy->eventlog.agent = true;
	policy->accept[PCS_UP_TO_DATE] = true;
}

/* "Revoked" cannot be asked for: what is revoked may be anybody's. */
static int
get_statuses(const json_t *o, struct tdx_policy *policy)
{
	const json_t *a = json_object_get(o, "tcb_status"), *item;
	enum pcs_status status;
	const char *s;
	size_t i;

	if (!a)
		return CL_OK;
	if (!json_is_array(a))
		return json_blame("tcb_status");
	memset(policy->accept, 0, sizeof(policy->accept));
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		s = json_string_value(item);
		if (!s || pcs_status_parse(s, &status) != 0 ||
		    status == PCS_REVOKED)
			return json_blame("tcb_status");
		policy->accept[status] = true;
	}
	return CL_OK;
}

static int
get_digests(const json_t *o, struct tdx_policy *policy)
{
	static const char *const rtmr[TDX_RTMRS] = {
	    "rtmr0", "rtmr1", "rtmr2", "rtmr3"};
	unsigned i;
	int r;

	if ((r = member_list(o, "mr_td", TDX_MR, 0, &policy->mr_td)) != 0 ||
	    (r = member_list(
		 o, "mr_config_id", TDX_MR, 0, &policy->mr_config_id)) != 0 ||
	    (r = member_list(o, "mr_owner", TDX_MR, 0, &policy->mr_owner)) !=
		0 ||
	    (r = member_list(o, "mr_owner_config", TDX_MR, 0,
		 &policy->mr_owner_config)) != 0 ||
	    (r = member_list(o, "mr_seam", TDX_MR, 0, &policy->mr_seam)) != 0 ||
	    (r = member_list(
		 o, "mr_servicetd", TDX_MR, 0, &policy->mr_servicetd)) != 0 ||
	    (r = member_list(o, "xfam", XFAM, 0, &policy->xfam)) != 0 ||
	    (r = member_list(o, "fmspc", 6, 0, &policy->fmspc)) != 0 ||
	    (r = member_list(o, "ppid", 16, 0, &policy->ppid)) != 0 ||
	    (r = member_list(
		 o, "platform_instance", 16, 0, &policy->instance)) != 0)
		return r;
	for (i = 0; i < TDX_RTMRS; i++)
		if ((r = member_list(
			 o, rtmr[i], TDX_MR, 0, &policy->rtmr[i])) != 0)
			return r;
	return CL_OK;
}

int
tdx_policy_parse(const json_t *o, struct tdx_policy *policy)
{
	static const char *const known[] = {"mr_td", "rtmr0", "rtmr1", "rtmr2",
	    "rtmr3", "mr_config_id", "mr_owner", "mr_owner_config", "mr_seam",
	    "mr_servicetd", "xfam", "tcb_status", "min_tcb_evaluation",
	    "allow_debug", "require_sept_ve_disable", "require_crl", "eventlog",
	    "fmspc", "ppid", "platform_instance", NULL};
	bool require_crl = true;
	int r;

	tdx_policy_init(policy);
	if (!o)
		return CL_OK;
	if (!json_is_object(o))
		return json_blame("tdx");
	if ((r = json_only(o, known)) != 0 ||
	    (r = get_digests(o, policy)) != 0 ||
	    (r = get_statuses(o, policy)) != 0 ||
	    (r = member_flag(o, "allow_debug", &policy->allow_debug)) != 0 ||
	    (r = member_flag(o, "require_sept_ve_disable",
		 &policy->require_sept_ve_disable)) != 0 ||
	    (r = member_number(o, "min_tcb_evaluation", 0, UINT32_MAX,
		 &policy->min_evaluation)) != 0 ||
	    (r = member_flag(o, "require_crl", &require_crl)) != 0)
		return r;
	policy->no_crl = !require_crl;
	return eventlog_want_parse(o, EVENTLOG_TDX, &policy->eventlog);
}

/* Advice to launch anew is OutOfDate with a reason: who accepts the one
 * accepts the other. */
static bool
accepts(const struct tdx_policy *policy, enum pcs_status status)
{
	if (policy->accept[status])
		return true;
	if (status == PCS_RELAUNCH_ADVISED)
		return policy->accept[PCS_OUT_OF_DATE];
	return status == PCS_RELAUNCH_ADVISED_CONFIGURATION_NEEDED &&
	       policy->accept[PCS_OUT_OF_DATE_CONFIGURATION_NEEDED];
}

static void
accepted_text(const struct tdx_policy *policy, char out[160])
{
	size_t at = 0;
	unsigned i;

	(void)snprintf(out, 160, "nothing");
	for (i = 0; i < PCS_STATUSES && at < 160; i++)
		if (policy->accept[i])
			at += (size_t)snprintf(out + at, 160 - at, "%s%s",
			    at ? ", " : "", pcs_status_text(i));
}

static void
check_tcb(const struct tdx_tcb *tcb, const struct tdx_policy *policy,
    struct appraise_result *rows)
{
	char expected[160];

	accepted_text(policy, expected);
	if (!tcb->known) {
		(void)rows_say(rows, "tdx.tcb", false, expected, "unknown");
		return;
	}
	(void)rows_sayf(rows, "tdx.tcb", accepts(policy, tcb->status), expected,
	    "%s (platform %s, module %s, QE %s)", pcs_status_text(tcb->status),
	    pcs_status_text(tcb->platform),
	    tcb->has_module ? pcs_status_text(tcb->module) : "of the platform",
	    pcs_status_text(tcb->qe));
	(void)rows_say(rows, "tdx.advisories", true, "anything",
	    tcb->advisories[0] ? tcb->advisories : "none");
	(void)rows_least(rows, "tdx.tcb_evaluation", policy->min_evaluation,
	    tcb->evaluation);
}

static void
check_attributes(const struct tdx_quote *q, const struct tdx_policy *policy,
    struct appraise_result *rows)
{
	uint64_t a = le64_get(q->td_attributes);
	bool debug = (a & TDX_ATTR_DEBUG) != 0;
	bool sept = (a & TDX_ATTR_SEPT_VE_DISABLE) != 0;
	uint64_t tud = a & TDX_ATTR_TUD & ~TDX_ATTR_DEBUG;

	(void)rows_say(rows, "tdx.debug", !debug || policy->allow_debug,
	    policy->allow_debug ? "off or on" : "off", debug ? "on" : "off");
	(void)rows_sayf(
	    rows, "tdx.attributes.tud", !tud, "0", "0x%02x", (unsigned)tud);
	(void)rows_say(rows, "tdx.sept_ve_disable",
	    sept || !policy->require_sept_ve_disable,
	    policy->require_sept_ve_disable ? "set" : "better set",
	    sept ? "set" : "clear: the host can cause #VE in the guest");
	(void)rows_say(rows, "tdx.migratable",
	    !(a & TDX_ATTR_MIGRATABLE) || policy->mr_servicetd.given,
	    policy->mr_servicetd.given ? "no or yes" : "no",
	    a & TDX_ATTR_MIGRATABLE ? "yes" : "no");
}

/* A service TD may move or change the TD: none, unless one is named. */
static void
check_servicetd(const struct tdx_quote *q, const struct tdx_policy *policy,
    struct appraise_result *rows)
{
	static const uint8_t none[TDX_MR];

	if (policy->mr_servicetd.given)
		(void)rows_listed_hex(rows, "tdx.mr_servicetd",
		    &policy->mr_servicetd, q->mr_servicetd, TDX_MR);
	else
		(void)rows_same(
		    rows, "tdx.mr_servicetd", none, q->mr_servicetd, TDX_MR);
}

static void
check_digests(const struct tdx_quote *q, const struct tdx_policy *policy,
    struct appraise_result *rows)
{
	char claim[16];
	unsigned i;

	(void)rows_listed_hex(
	    rows, "tdx.mr_td", &policy->mr_td, q->mr_td, TDX_MR);
	for (i = 0; i < TDX_RTMRS; i++) {
		(void)snprintf(claim, sizeof(claim), "tdx.rtmr%u", i);
		(void)rows_listed_hex(
		    rows, claim, &policy->rtmr[i], q->rtmr[i], TDX_MR);
	}
	(void)rows_listed_hex(rows, "tdx.mr_config_id", &policy->mr_config_id,
	    q->mr_config_id, TDX_MR);
	(void)rows_listed_hex(
	    rows, "tdx.mr_owner", &policy->mr_owner, q->mr_owner, TDX_MR);
	(void)rows_listed_hex(rows, "tdx.mr_owner_config",
	    &policy->mr_owner_config, q->mr_owner_config, TDX_MR);
	(void)rows_listed_hex(
	    rows, "tdx.mr_seam", &policy->mr_seam, q->mr_seam, TDX_MR);
	(void)rows_listed_hex(rows, "tdx.xfam", &policy->xfam, q->xfam, XFAM);
}

/* Which machine it is, by Intel's certificate. */
static void
check_machine(const struct tdx_quote *q, const struct tdx_policy *policy,
    struct appraise_result *rows)
{
	const struct pck *pck = &q->pck;

	if (policy->fmspc.given)
		(void)rows_listed_hex(rows, "tdx.fmspc", &policy->fmspc,
		    pck->fmspc, sizeof(pck->fmspc));
	if (policy->ppid.given)
		(void)rows_listed_hex(rows, "tdx.ppid", &policy->ppid,
		    pck->ppid, sizeof(pck->ppid));
	if (!policy->instance.given)
		return;
	if (pck->platform)
		(void)rows_listed_hex(rows, "tdx.platform_instance",
		    &policy->instance, pck->instance, sizeof(pck->instance));
	else
		(void)rows_say(rows, "tdx.platform_instance", false,
		    "a certificate that names one", "none");
}

int
tdx_appraise(const struct tdx_quote *q, const struct tdx_tcb *tcb,
    const struct tdx_policy *policy, struct appraise_result *rows)
{
	check_tcb(tcb, policy, rows);
	check_attributes(q, policy, rows);
	check_servicetd(q, policy, rows);
	check_digests(q, policy, rows);
	check_machine(q, policy, rows);
	return rows_all_ok(rows) ? CL_OK : CL_ERR_APPRAISAL;
}
