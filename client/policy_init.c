#include <string.h>

#include "client/policy_init.h"
#include "client/policy_init_log.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/eventlog_join.h"

/* From a member of the parsed evidence to the list of the policy that it is
 * the one value of. */
struct taken {
	const char *field;
	const char *list;
	bool unless_zero; /* zeros mean that there is none of it */
};

static const struct taken from_snp[] = {
    {"measurement", "measurement", false},
    {"host_data", "host_data", false},
    {"id_key_digest", "id_key_digest", true},
    {"author_key_digest", "author_key_digest", true},
    {NULL, NULL, false},
};

static const struct taken from_tdx[] = {
    {"mr_td", "mr_td", false},
    {"rtmr0", "rtmr0", false},
    {"rtmr1", "rtmr1", false},
    {"rtmr2", "rtmr2", false},
    {"rtmr3", "rtmr3", false},
    {"mr_config_id", "mr_config_id", false},
    {"mr_owner", "mr_owner", false},
    {"mr_owner_config", "mr_owner_config", false},
    {NULL, NULL, false},
};

static const struct taken from_csv[] = {
    {"measure", "measure", false},
    {"host_data", "host_data", false},
    {"user_pubkey_digest", "user_pubkey_digest", true},
    {"rtmr0", "rtmr0", false},
    {"rtmr1", "rtmr1", false},
    {"rtmr2", "rtmr2", false},
    {"rtmr3", "rtmr3", false},
    {"rtmr4", "rtmr4", false},
    {NULL, NULL, false},
};

static int
done(int status)
{
	return status == 0 ? CL_OK : why_memory();
}

/* "key":["value"] */
static int
put(json_t *o, const char *key, const char *value)
{
	return done(json_object_set_new(o, key, json_pack("[s]", value)));
}

/* Borrowed; made when it is not there. NULL: no memory. */
static json_t *
member(json_t *o, const char *key)
{
	if (!json_object_get(o, key))
		(void)json_object_set_new(o, key, json_object());
	return json_object_get(o, key);
}

static int
take(json_t *o, const struct taken *t, const json_t *fields)
{
	const char *value;
	int r = CL_OK;

	for (; r == 0 && t->field; t++) {
		value = json_string_value(json_object_get(fields, t->field));
		if (!value ||
		    (t->unless_zero && strspn(value, "0") == strlen(value)))
			continue;
		r = put(o, t->list, value);
	}
	return r;
}

/* The patch level that came is the least from now on. */
static int
take_snp_tcb(json_t *o, const json_t *report, const char *product)
{
	const json_t *tcb = json_object_get(report, "reported_tcb");
	json_t *min;

	if (!product)
		return CL_OK;
	min = json_copy((json_t *)(uintptr_t)tcb);
	(void)json_object_del(min, "raw");
	return done(json_object_set_new(member(o, "min_tcb"), product, min));
}

static int
take_snp(json_t *policy, const json_t *report, const char *product)
{
	json_t *o = member(policy, "snp");
	json_int_t vmpl = json_integer_value(json_object_get(report, "vmpl"));
	int r = take(o, from_snp, report);

	if (r == 0)
		r = done(json_object_set(
		    o, "min_guest_svn", json_object_get(report, "guest_svn")));
	if (r == 0 && vmpl > 0 && vmpl <= 3)
		r = done(
		    json_object_set_new(o, "max_vmpl", json_integer(vmpl)));
	return r ? r : take_snp_tcb(o, report, product);
}

/* What the owner said of TCB statuses stays; else the one that came. */
static int
take_tdx(
    json_t *policy, const json_t *quote, const json_t *tcb, const char *status)
{
	json_t *o = member(policy, "tdx");
	json_t *evaluation = json_object_get(tcb, "evaluation");
	int r = take(o, from_tdx, quote);

	if (r == 0 && evaluation)
		r = done(json_object_set(o, "min_tcb_evaluation", evaluation));
	if (r == 0 && !json_object_get(o, "tcb_status") &&
	    strcmp(status, "UpToDate") != 0 && strcmp(status, "Revoked") != 0 &&
	    strcmp(status, "unknown") != 0)
		r = done(json_object_set_new(
		    o, "tcb_status", json_pack("[s, s]", "UpToDate", status)));
	return r;
}

static int
take_csv(json_t *policy, const json_t *fields)
{
	json_t *o = member(policy, "csv");
	json_t *build = json_object_get(fields, "build");
	int r;

	if (!json_object_get(fields, "measure"))
		return why_set(CL_ERR_EVIDENCE,
		    "what a CSV report measures can be believed only with the "
		    "data that it is about: give --report-data");
	if ((r = take(o, from_csv, fields)) == 0)
		r = done(json_object_set(
		    o, "min_api", json_object_get(fields, "pek_api")));
	if (r == 0 && build)
		r = done(json_object_set(o, "min_build", build));
	return r;
}

/* "rtmr3"; "15" of "pcr15". */
static const char *
pin(enum eventlog_kind kind, const char *name)
{
	return kind == EVENTLOG_TPM ? name + 3 : name;
}

/* Registers with starts of the agent are not pinned; pins: where they stand,
 * by names of registers, or by their numbers (a TPM's). */
static int
take_log(json_t *o, json_t *pins, enum eventlog_kind kind, const json_t *fields)
{
	uint32_t came = 0, changing;
	char name[16];
	unsigned i;
	int r;

	for (i = 0; i < eventlog_registers_of(kind); i++) {
		eventlog_claim_name(kind, i, name);
		if (json_object_get(pins, pin(kind, name)))
			came |= 1u << i;
	}
	r = policy_init_log(
	    o, kind, json_object_get(fields, "eventlog"), came, &changing);
	for (i = 0; i < eventlog_registers_of(kind); i++) {
		eventlog_claim_name(kind, i, name);
		if (changing >> i & 1)
			(void)json_object_del(pins, pin(kind, name));
	}
	return r;
}

static int
take_tpm(json_t *policy, const json_t *fields, const char *status)
{
	const json_t *quote = json_object_get(fields, "quote");
	json_t *pcrs = json_object_get(quote, "pcrs"), *value, *into;
	json_t *snp = json_object_get(fields, "snp");
	json_t *tdx = json_object_get(fields, "tdx");
	const char *key;
	int r = CL_OK;

	into = member(member(policy, "tpm"), "pcrs");
	(void)json_object_clear(into);
	json_object_foreach(pcrs, key, value) if (r == 0) r =
	    put(into, key, json_string_value(value));
	if (r == 0 && snp)
		r = take_snp(policy, snp,
		    json_string_value(json_object_get(fields, "product")));
	if (r == 0 && tdx)
		r = take_tdx(
		    policy, tdx, json_object_get(fields, "tcb"), status);
	if (r == 0)
		r = take_log(member(policy, "tpm"), into, EVENTLOG_TPM, fields);
	return r;
}

static int
take_tee(
    json_t *policy, const char *tee, const char *status, const json_t *fields)
{
	json_t *o;
	int r;

	if (strcmp(tee, "snp") == 0)
		return take_snp(policy, json_object_get(fields, "report"),
		    json_string_value(json_object_get(fields, "product")));
	if (strcmp(tee, "tpm") == 0)
		return take_tpm(policy, fields, status);
	if (strcmp(tee, "tdx") == 0) {
		r = take_tdx(policy, json_object_get(fields, "quote"),
		    json_object_get(fields, "tcb"), status);
		o = json_object_get(policy, tee);
		return r ? r : take_log(o, o, EVENTLOG_TDX, fields);
	}
	if (strcmp(tee, "csv") == 0) {
		r = take_csv(policy, fields);
		o = json_object_get(policy, tee);
		return r ? r : take_log(o, o, EVENTLOG_CSV, fields);
	}
	return put(policy, "measurement",
	    json_string_value(json_object_get(fields, "measurement")));
}

/* Writes the reference values of authentic evidence into a policy. tee: "snp".
 * CL_ERR_EVIDENCE: fields do not hold what identifies software. */
static int
fill(json_t *policy, const char *tee, const struct appraisal *a,
    const json_t *fields)
{
	int r = take_tee(policy, tee, a->result.tcb, fields);

	/* A vendor's blob makes no claims. */
	if (r == 0 && a->claims.binary[0])
		r = put(policy, "binary", a->claims.binary);
	if (r == 0 && a->claims.config[0])
		r = put(policy, "config", a->claims.config);
	return r;
}

/* The owner's own policy: roots, permissions, what evidence cannot say. */
static int
begin(const struct appraisal_ask *ask, json_t **out)
{
	uint8_t *text;
	size_t n;
	int r;

	if ((r = appraisal_policy(ask->home, ask->policy, &text, &n)) != 0)
		return r;
	*out = json_parse((char *)text, n, &r);
	secmem_free(text);
	return *out ? CL_OK
		    : why_set(r, "cannot read the policy: %s", err_text(r));
}

static int
add(const char *piece, size_t n, void *out)
{
	return text_add(out, piece, n) == 0 ? 0 : -1;
}

/* Does it accept what it was made of? */
static int
check(const struct appraisal_ask *ask, const char *p, size_t n,
    const struct text *made)
{
	struct appraise_policy *policy;
	struct appraisal *a = secmem_alloc(sizeof(*a));
	char row[512];
	int r;

	if (!a)
		return why_memory();
	if ((r = appraise_policy_parse(made->p, made->n, &policy)) != 0) {
		r = why_set(r, "cannot express it as a policy: member \"%s\"",
		    json_why());
		goto out;
	}
	r = appraisal_under(policy, ask, p, n, a, NULL);
	appraise_policy_free(policy);
	if (r == CL_ERR_APPRAISAL) {
		appraise_first_refusal(&a->result, row, sizeof(row));
		r = why_set(r,
		    "the evidence is genuine, but reference values alone do "
		    "not make it acceptable: %s",
		    row);
	}
out:
	secmem_free(a);
	return r;
}

static int
write_policy(json_t *policy, const char *tee, const struct appraisal *a,
    const json_t *fields, struct text *out)
{
	int r = fill(policy, tee, a, fields);

	if (r == 0 && json_dump_callback(policy, add, out, JSON_INDENT(1)) != 0)
		r = why_memory();
	return r ? r : text_str(out, "\n");
}

int
policy_init_make(
    const struct appraisal_ask *ask, const char *p, size_t n, struct text *out)
{
	struct appraisal *a = secmem_alloc(sizeof(*a));
	struct appraisal_ask again = *ask;
	json_t *policy = NULL, *fields = NULL;
	const char *tee;
	int r;

	if (!a)
		return why_memory();
	/* Vendors are asked once. */
	again.fetch = NULL;
	r = appraisal_ask(ask, p, n, a, &fields);
	if (r != 0 && (r != CL_ERR_APPRAISAL || !a->result.authentic))
		goto out;
	tee = a->claims.tee[0] ? a->claims.tee : ask->tee;
	if ((r = begin(ask, &policy)) == 0 &&
	    (r = write_policy(policy, tee, a, fields, out)) == 0)
		r = check(&again, p, n, out);
out:
	json_decref(fields);
	json_decref(policy);
	secmem_free(a);
	return r;
}
