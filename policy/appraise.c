#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/appraise_tee.h"

static const struct appraise_tee *
find(const char *name)
{
	const struct appraise_tee *const all[] = {appraise_sim(),
	    appraise_snp(), appraise_tdx(), appraise_csv(), appraise_tpm()};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

bool
appraise_knows(const char *tee)
{
	return find(tee) != NULL;
}

void
appraise_listed(struct appraise_result *result, const char *claim,
    const struct appraise_list *list, const char *came)
{
	struct rows_list rows = {.given = list->given, .n = list->n};
	unsigned i;

	for (i = 0; i < list->n; i++)
		rows.value[i] = list->value[i];
	(void)rows_listed(result, claim, &rows, came);
}

/* The simulated TEE proves nothing and needs the owner's word. */
static const struct appraise_tee *
check_tee(const struct appraise_policy *policy, const char *name,
    struct appraise_result *result)
{
	const struct appraise_tee *tee = find(name);
	bool sim = tee == appraise_sim();

	if (tee && !sim) {
		(void)rows_say(result, "tee", true, "a real TEE", name);
		(void)snprintf(result->tcb, sizeof(result->tcb), "unknown");
	} else
		(void)rows_say(result, "tee", sim && policy->accept_sim,
		    policy->accept_sim
			? "sim, or a real TEE that is known"
			: "a real TEE that is known (accept_sim is not set)",
		    name);
	return tee;
}

static bool
check_claims(const struct evidence *e, struct evidence_claims *claims,
    struct appraise_result *result)
{
	char came[160];
	int r = evidence_claims_parse(e->claims, e->claims_n, claims);

	if (r != 0)
		(void)snprintf(
		    came, sizeof(came), "%s (%s)", err_text(r), json_why());
	if (!rows_say(result, "claims", r == 0, "claims of version 1",
		r ? came : "claims of version 1"))
		return false;
	return rows_say(result, "claims.tee", strcmp(claims->tee, e->tee) == 0,
	    e->tee, claims->tee);
}

/* What travelled in the envelope, as a bag. */
static bool
open_blobs(const struct evidence *e, struct endorse **own,
    struct appraise_result *result)
{
	unsigned i = 0;
	int r = e->nblobs ? endorse_new(own) : CL_OK;

	for (; r == 0 && i < e->nblobs; i++)
		r = endorse_add(*own, e->blobs[i].p, e->blobs[i].n);
	if (r == 0)
		return true;
	return rows_sayf(result, "endorsements", false,
	    "certificates, revocation lists, collateral",
	    "number %u is something else (%s)", i, err_text(r));
}

static bool
is_about(const struct appraise_tee *tee, struct appraise_case *c,
    const uint8_t *want)
{
	bool ok = tee->bound ? tee->bound(c, want)
			     : rows_same(c->result, "report_data", want,
				   c->report_data, EVIDENCE_REPORT_DATA);

	if (ok)
		c->expected = memcpy(c->asked, want, sizeof(c->asked));
	return ok;
}

/* Does the evidence speak of this nonce, these claims, this data? */
static bool
check_binding(const struct appraise_input *in, const struct appraise_tee *tee,
    struct appraise_case *c)
{
	uint8_t want[EVIDENCE_REPORT_DATA];
	bool ok = true;

	if (in->evidence) {
		if (evidence_report_data(in->nonce, in->evidence->claims,
			in->evidence->claims_n, want) != 0)
			return rows_say(c->result, "report_data", false,
			    "a digest", "the cryptographic library failed");
		ok = is_about(tee, c, want);
	}
	if (in->report_data)
		return is_about(tee, c, in->report_data) && ok;
	if (!in->evidence)
		(void)rows_say(c->result, "report_data", true,
		    "anything (none was given)", "not compared");
	return ok;
}

/* Claims about software are as good as the measurement that reaches it. */
static void
check_software(const struct appraise_case *c)
{
	bool any = c->policy->allow_unknown_software;

	(void)rows_say(c->result, "software", c->measured || any,
	    any ? "anything" : "a measurement that the policy names",
	    c->measured ? "a measurement that the policy names"
			: "genuine, software unknown");
}

static int
judge(const struct appraise_input *in, const struct appraise_tee *tee,
    struct appraise_case *c, const struct evidence_claims *claims)
{
	int r = tee->verify(c);

	if (r == 0 && !check_binding(in, tee, c))
		r = CL_ERR_EVIDENCE;
	if (r == 0)
		r = appraise_log_verify(c, tee);
	if (r != 0)
		return r;
	c->result->authentic = true;
	tee->judge(c);
	appraise_log_judge(c, in->evidence ? claims : NULL);
	if (in->evidence) {
		if (tee != appraise_sim())
			check_software(c);
		appraise_claims(c, in->evidence, claims);
	} else
		appraise_no_claims(c);
	c->result->accepted = rows_all_ok(c->result);
	return c->result->accepted ? CL_OK : CL_ERR_APPRAISAL;
}

/* Before the evidence proper: what its envelope says. */
static bool
check_envelope(const struct appraise_input *in, struct endorse **own,
    struct evidence_claims *claims, struct appraise_result *result)
{
	const struct evidence *e = in->evidence;

	if (in->tee && !rows_say(result, "tee.asked",
			   strcmp(in->tee, e->tee) == 0, in->tee, e->tee))
		return false;
	return rows_same(
		   result, "nonce", in->nonce, e->nonce, EVIDENCE_NONCE) &&
	       check_claims(e, claims, result) && open_blobs(e, own, result);
}

int
appraise_input(const struct appraise_input *in, struct evidence_claims *claims,
    struct appraise_result *result, json_t **fields)
{
	const struct evidence *e = in->evidence;
	struct evidence_claims ignored;
	struct endorse *own = NULL;
	struct appraise_case *c;
	const struct appraise_tee *tee;
	int r = CL_ERR_EVIDENCE;

	memset(result, 0, sizeof(*result));
	if (!claims)
		claims = &ignored;
	memset(claims, 0, sizeof(*claims));
	if (!(c = secmem_alloc(sizeof(*c))))
		return CL_ERR_MEMORY;
	*c = (struct appraise_case){.policy = in->policy,
	    .raw = e ? e->raw : in->raw,
	    .raw_n = e ? e->raw_n : in->raw_n,
	    .given = in->given,
	    .log = e && e->log_n ? e->log : in->log,
	    .log_n = e && e->log_n ? e->log_n : in->log_n,
	    .time = in->time,
	    .enveloped = e != NULL,
	    .nonce = e ? e->nonce : NULL,
	    .challenge = in->challenge,
	    .result = result};
	tee = check_tee(in->policy, e ? e->tee : in->tee, result);
	if (tee && (!e || check_envelope(in, &own, claims, result))) {
		c->own = e ? own : in->own;
		r = judge(in, tee, c, claims);
		if (fields)
			appraise_log_print(c);
		if (tee->done)
			tee->done(c);
	}
	if (fields)
		*fields = c->fields;
	else
		json_decref(c->fields);
	endorse_free(own);
	secmem_free(c);
	return r;
}

int
appraise(const struct appraise_policy *policy, const struct evidence *e,
    const uint8_t nonce[EVIDENCE_NONCE], int64_t now,
    struct evidence_claims *claims, struct appraise_result *result)
{
	const struct appraise_input in = {
	    .policy = policy, .evidence = e, .nonce = nonce, .time = now};

	return appraise_input(&in, claims, result, NULL);
}

void
appraise_first_refusal(
    const struct appraise_result *result, char *out, size_t cap)
{
	unsigned i;

	if (cap)
		out[0] = '\0';
	for (i = 0; i < result->nrows; i++) {
		if (result->rows[i].ok)
			continue;
		(void)snprintf(out, cap, "%s: expected %s, came %s",
		    result->rows[i].claim, result->rows[i].expected,
		    result->rows[i].came);
		return;
	}
}
