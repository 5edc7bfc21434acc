/* TCB levels: which one a platform has reached, and what module and QE make of
 * it (Intel, "TDX DCAP Quote Verification", TCB status evaluation). */
#include <stdio.h>
#include <string.h>

#include "policy/verify_tdx_parts.h"

/* tee_tcb_svn[0] and [1] are SVN and version of the module, [2] is the
 * microcode. */
#define SVN_MODULE    0u
#define SVN_VERSION   1u
#define SVN_MICROCODE 2u

static bool
sgx_reached(const struct tdx_svns *s, const struct pcs_level *level)
{
	unsigned i;

	for (i = 0; i < PCS_SVNS; i++)
		if (s->comp[i] < level->sgx[i])
			return false;
	return s->pcesvn >= level->pcesvn;
}

static bool
tdx_reached(const struct tdx_svns *s, const struct pcs_level *level)
{
	/* A module with an identity of its own is judged by that. */
	unsigned i = s->svn[SVN_VERSION] ? SVN_MICROCODE : 0;

	for (; i < PCS_SVNS; i++)
		if (s->svn[i] < level->tdx[i])
			return false;
	return true;
}

/* The first level that the SGX part reaches, and the first that both do. */
static void
find_levels(const struct tdx_svns *s, const struct pcs_tcb_info *info,
    const struct pcs_level **sgx, const struct pcs_level **tdx)
{
	unsigned i;

	*sgx = *tdx = NULL;
	for (i = 0; i < info->nlevels && !*tdx; i++) {
		if (!sgx_reached(s, &info->levels[i]))
			continue;
		if (!*sgx)
			*sgx = &info->levels[i];
		if (tdx_reached(s, &info->levels[i]))
			*tdx = &info->levels[i];
	}
}

/* Module and QE have three states; anything between is not up to date. */
static enum pcs_status
state_of(const struct pcs_svn_level *level)
{
	if (!level)
		return PCS_NOT_SUPPORTED;
	if (level->status == PCS_UP_TO_DATE || level->status == PCS_REVOKED)
		return level->status;
	return PCS_OUT_OF_DATE;
}

static enum pcs_status
converge(enum pcs_status platform, enum pcs_status part)
{
	if (part == PCS_REVOKED || part == PCS_NOT_SUPPORTED)
		return part;
	if (part != PCS_OUT_OF_DATE)
		return platform;
	switch (platform) {
	case PCS_UP_TO_DATE:
	case PCS_SW_HARDENING_NEEDED:
		return PCS_OUT_OF_DATE;
	case PCS_CONFIGURATION_NEEDED:
	case PCS_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return PCS_OUT_OF_DATE_CONFIGURATION_NEEDED;
	default:
		return platform;
	}
}

static bool
is_current(enum pcs_status s)
{
	return s == PCS_UP_TO_DATE || s == PCS_SW_HARDENING_NEEDED ||
	       s == PCS_CONFIGURATION_NEEDED ||
	       s == PCS_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

static bool
needs_configuration(enum pcs_status s)
{
	return s == PCS_CONFIGURATION_NEEDED ||
	       s == PCS_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
	       s == PCS_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

/* Does the host run the newest module now? */
static int
module_is_newest(
    const struct tdx_svns *s, const struct pcs_tcb_info *info, bool *newest)
{
	const struct pcs_level *top = &info->levels[0];
	const struct pcs_module *m;
	uint32_t want = top->tdx[SVN_MODULE];

	if (s->svn2[SVN_VERSION]) {
		m = pcs_module(info, s->svn2[SVN_VERSION]);
		if (!m || !m->levels.n)
			return CL_ERR_EVIDENCE;
		want = m->levels.level[0].isvsvn;
	}
	*newest = s->svn2[SVN_MICROCODE] >= top->tdx[SVN_MICROCODE] &&
		  s->svn2[SVN_MODULE] >= want;
	return CL_OK;
}

/* The host was updated under a TD that was launched before: only starting it
 * anew helps, and that is what the verdict says. */
static int
advise_relaunch(const struct tdx_svns *s, const struct pcs_tcb_info *info,
    enum pcs_status sgx, struct tdx_tcb *out)
{
	bool newest = false;
	int r;

	if (!s->svn2 || out->qe != PCS_UP_TO_DATE || !is_current(sgx) ||
	    (out->status != PCS_OUT_OF_DATE &&
		out->status != PCS_OUT_OF_DATE_CONFIGURATION_NEEDED) ||
	    out->module != PCS_OUT_OF_DATE)
		return CL_OK;
	if ((r = module_is_newest(s, info, &newest)) != 0 || !newest)
		return r;
	out->status =
	    needs_configuration(sgx) || needs_configuration(out->status)
		? PCS_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
		: PCS_RELAUNCH_ADVISED;
	return CL_OK;
}

/* Is it in the list, as a whole word? */
static bool
has_id(const char *list, const char *id)
{
	const char *at;
	size_t n = strlen(id);

	for (at = list; (at = strstr(at, id)) != NULL; at += n)
		if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n]))
			return true;
	return false;
}

static void
add_advisories(char out[TDX_ADVISORIES], const json_t *list)
{
	const json_t *item;
	size_t i, at = strlen(out);

	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		const char *id = json_string_value(item);

		if (!id || !*id || has_id(out, id) ||
		    at + strlen(id) + 2 > TDX_ADVISORIES)
			continue;
		at += (size_t)snprintf(
		    out + at, TDX_ADVISORIES - at, "%s%s", at ? "," : "", id);
	}
}

int
tdx_evaluate(const struct tdx_svns *svns, const struct pcs_tcb_info *info,
    const struct pcs_qe_identity *qe, struct tdx_tcb *out)
{
	const struct pcs_level *sgx, *tdx;
	const struct pcs_module *m = NULL;
	const struct pcs_svn_level *ml = NULL, *ql;
	struct tdx_tcb got = {.known = true};
	int r;

	if (svns->svn[SVN_VERSION]) {
		if (!(m = pcs_module(info, svns->svn[SVN_VERSION])))
			return CL_ERR_EVIDENCE;
		ml = pcs_svn_level(&m->levels, svns->svn[SVN_MODULE]);
	}
	find_levels(svns, info, &sgx, &tdx);
	ql = pcs_svn_level(&qe->levels, svns->qe_isvsvn);
	got.has_module = m != NULL;
	got.module = m ? state_of(ml) : PCS_UP_TO_DATE;
	got.qe = state_of(ql);
	got.platform = tdx ? tdx->status : PCS_NOT_SUPPORTED;
	got.evaluation = info->head.evaluation < qe->head.evaluation
			     ? info->head.evaluation
			     : qe->head.evaluation;
	got.status = converge(got.platform, got.module);
	if (tdx && got.module != PCS_NOT_SUPPORTED &&
	    (r = advise_relaunch(svns, info, sgx->status, &got)) != 0)
		return r;
	got.status = tdx ? converge(got.status, got.qe) : PCS_NOT_SUPPORTED;
	add_advisories(got.advisories, tdx ? tdx->advisories : NULL);
	add_advisories(got.advisories, ml ? ml->advisories : NULL);
	add_advisories(got.advisories, ql ? ql->advisories : NULL);
	*out = got;
	return CL_OK;
}
