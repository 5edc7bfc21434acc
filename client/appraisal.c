#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/appraisal.h"
#include "client/endorsements.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise_policy.h"
#include "policy/coco.h"

/* Of somebody who keeps no directory: genuine, current, not to be debugged. */
static const char default_policy[] = "{\"v\":1}";

int
appraisal_policy(
    const struct home *home, const char *path, uint8_t **p, size_t *n)
{
	int r;

	if (!home && !path) {
		*n = strlen(default_policy);
		if (!(*p = secmem_alloc(*n + 1)))
			return why_memory();
		memcpy(*p, default_policy, *n);
		return CL_OK;
	}
	if (!path)
		return home_read(home, "policy.json", p, n);
	r = file_read(AT_FDCWD, path, HOME_FILE_MAX, p, n);
	return r ? why_set(r, "cannot read policy %s: %s", path, err_text(r))
		 : CL_OK;
}

static bool
is_json(const char *text, size_t n)
{
	int err;
	json_t *o = json_parse(text, n, &err);
	bool is = json_is_object(o);

	json_decref(o);
	return is;
}

int
appraisal_policy_parse(const struct home *home, const char *path,
    const char *text, size_t n, struct appraise_policy **out)
{
	int r = appraise_policy_parse(text, n, out);
	const char *dir = path || !home ? "" : home->path;
	char member[160];

	if (r == 0)
		return CL_OK;
	(void)snprintf(member, sizeof(member), "%s", json_why());
	if (!path)
		path = "/policy.json";
	if (r != CL_ERR_FORMAT)
		return why_set(r, "policy %s%s: %s%s%s", dir, path, member,
		    *member ? ": " : "", err_text(r));
	if (!is_json(text, n))
		return why_set(r,
		    "policy %s%s: expected a JSON object, such as {\"v\":1}, "
		    "without a member twice",
		    dir, path);
	return why_set(r,
	    "policy %s%s: member \"%s\" is missing, unknown or has another "
	    "form than policies have",
	    dir, path, member);
}

static int
load_policy(const struct appraisal_ask *ask, struct appraise_policy **out)
{
	const char *path = ask->policy;
	uint8_t *text = NULL;
	size_t n;
	int r;

	*out = NULL;
	if ((r = appraisal_policy(ask->home, path, &text, &n)) != 0)
		return r;
	r = appraisal_policy_parse(ask->home, path, (char *)text, n, out);
	secmem_free(text);
	return r;
}

static int
refused(int r, const struct appraise_result *result)
{
	char row[512];

	appraise_first_refusal(result, row, sizeof(row));
	return why_set(r, "%s: %s", err_text(r), row);
}

static int
judge(const struct appraise_input *in, struct appraisal *out, json_t **fields)
{
	const struct evidence *e = in->evidence;
	int r = appraise_input(in, &out->claims, &out->result, fields);

	if (r == CL_ERR_EVIDENCE || r == CL_ERR_APPRAISAL)
		return refused(r, &out->result);
	if (r == 0 && e)
		r = evidence_claims_hash(
		    e->claims, e->claims_n, out->claims_hash);
	return r ? why_set(r, "cannot appraise the evidence: %s", err_text(r))
		 : CL_OK;
}

/* An envelope is JSON that names its TEE; with --tee all else is a vendor's. */
static bool
is_blob(const char *tee, const char *p, size_t n)
{
	json_t *o;
	bool blob;
	int err;

	if (!tee || !n || *p != '{')
		return tee != NULL;
	o = json_parse(p, n, &err);
	blob = !json_object_get(o, "tee");
	json_decref(o);
	return blob;
}

static int
judge_with(struct appraise_input *in, const struct appraisal_ask *ask,
    struct appraisal *out, json_t **fields)
{
	struct endorse *cached = NULL;
	int r = CL_OK;

	if (ask->cache && !in->given) {
		r = endorsements_find(
		    ask->cache, ask->fetch, &in->policy->roots, in, &cached);
		in->given = cached;
	}
	if (r == 0)
		r = judge(in, out, fields);
	endorse_free(cached);
	return r;
}

int
appraisal_no_evidence(
    struct appraisal *out, const char *expected, const char *came)
{
	struct appraise_result *rows = &out->result;

	(void)rows_say(rows, "evidence", false, expected, came);
	(void)snprintf(rows->tcb, sizeof(rows->tcb), "unknown");
	return why_set(CL_ERR_EVIDENCE, "expected %s, came something else: %s",
	    expected, came);
}

/* As it comes from the hardware, or in the wrapper of others. */
static int
judge_blob(struct appraise_input *in, const struct appraisal_ask *ask,
    const char *p, size_t n, struct appraisal *out, json_t **fields)
{
	struct coco x = {0};
	char came[160];
	int r = coco_open(in->tee, p, n, &x);

	if (r != 0 && r != CL_ERR_NOT_FOUND) {
		(void)snprintf(came, sizeof(came), "%s: member \"%s\"",
		    err_text(r), json_why());
		return appraisal_no_evidence(
		    out, "evidence as an attester sends it", came);
	}
	in->raw = r ? (const uint8_t *)p : x.raw;
	in->raw_n = r ? n : x.raw_n;
	in->own = x.own;
	if (!in->log && x.log) {
		in->log = x.log;
		in->log_n = x.log_n;
	}
	r = judge_with(in, ask, out, fields);
	coco_clear(&x);
	return r;
}

static int
judge_text(struct appraise_input *in, const struct appraisal_ask *ask,
    const char *p, size_t n, struct appraisal *out, json_t **fields)
{
	struct evidence e = {0};
	char came[160];
	int r;

	if (is_blob(in->tee, p, n)) {
		/* Nothing in it could be compared with a nonce. */
		if (in->nonce)
			return why_set(CL_ERR_ARGUMENT,
			    "--nonce: expected an envelope, came a vendor's "
			    "report; say by --report-data what it must be "
			    "about");
		return judge_blob(in, ask, p, n, out, fields);
	}
	while (n && p[n - 1] == '\n')
		n--;
	if ((r = evidence_parse(p, n, &e)) != 0) {
		(void)snprintf(came, sizeof(came), "%s%s%s", err_text(r),
		    *json_why() ? ": " : "", json_why());
		r = appraisal_no_evidence(out,
		    in->tee ? "an evidence envelope (JSON, as cloister report "
			      "prints it)"
			    : "an evidence envelope (JSON, as cloister report "
			      "prints it), or --tee with a vendor's report",
		    came);
		goto out;
	}
	if (e.log_n && in->log) {
		r = why_set(CL_ERR_ARGUMENT,
		    "expected one event log, came one in the envelope and "
		    "--eventlog");
		goto out;
	}
	in->evidence = &e;
	if (!in->nonce)
		in->nonce = e.nonce;
	r = judge_with(in, ask, out, fields);
out:
	evidence_clear(&e);
	return r;
}

int
appraisal_under(const struct appraise_policy *policy,
    const struct appraisal_ask *ask, const char *p, size_t n,
    struct appraisal *out, json_t **fields)
{
	struct appraise_input in = {.policy = policy,
	    .tee = ask->tee,
	    .challenge = ask->challenge,
	    .given = ask->given,
	    .nonce = ask->nonce,
	    .report_data = ask->report_data,
	    .log = ask->log,
	    .log_n = ask->log_n,
	    .time = ask->time};

	memset(out, 0, sizeof(*out));
	if (fields)
		*fields = NULL;
	return judge_text(&in, ask, p, n, out, fields);
}

int
appraisal_ask(const struct appraisal_ask *ask, const char *p, size_t n,
    struct appraisal *out, json_t **fields)
{
	struct appraise_policy *policy;
	int r;

	memset(out, 0, sizeof(*out));
	if (fields)
		*fields = NULL;
	if ((r = load_policy(ask, &policy)) == 0)
		r = appraisal_under(policy, ask, p, n, out, fields);
	appraise_policy_free(policy);
	return r;
}

int
appraisal_run(const struct home *home, const char *policy, const char *text,
    size_t n, const uint8_t *nonce, struct appraisal *out)
{
	const struct appraisal_ask ask = {.home = home,
	    .policy = policy,
	    .nonce = nonce,
	    .cache = home,
	    .time = (int64_t)time(NULL)};

	return appraisal_ask(&ask, text, n, out, NULL);
}

/* At most width columns: long hashes are cut in the middle of the list, never
 * in JSON. */
static void
print_cell(FILE *f, const char *s, int width)
{
	int n = (int)strlen(s);

	if (n <= width)
		fprintf(f, "%-*s  ", width, s);
	else
		fprintf(f, "%.*s...  ", width - 3, s);
}

static int
widest(const struct appraise_result *r, size_t offset, int least, int most)
{
	unsigned i;
	int n, w = least;

	for (i = 0; i < r->nrows; i++) {
		n = (int)strlen((const char *)&r->rows[i] + offset);
		if (n > w)
			w = n;
	}
	return w < most ? w : most;
}

void
appraisal_print(FILE *f, const struct appraise_result *r)
{
	int claim = widest(r, offsetof(struct appraise_row, claim), 5, 24);
	int want = widest(r, offsetof(struct appraise_row, expected), 8, 36);
	int came = widest(r, offsetof(struct appraise_row, came), 4, 36);
	unsigned i;

	if (r->nrows == 0)
		return;
	fprintf(f, "%-*s  %-*s  %-*s  verdict\n", claim, "claim", want,
	    "expected", came, "came");
	for (i = 0; i < r->nrows; i++) {
		print_cell(f, r->rows[i].claim, claim);
		print_cell(f, r->rows[i].expected, want);
		print_cell(f, r->rows[i].came, came);
		fprintf(f, "%s\n", r->rows[i].ok ? "ok" : "REFUSED");
	}
}

static json_t *
claims_json(const struct appraise_result *r)
{
	json_t *claims = json_array();
	unsigned i;

	for (i = 0; claims && i < r->nrows; i++)
		if (json_array_append_new(claims,
			json_pack("{s:s, s:s, s:s, s:b}", "claim",
			    r->rows[i].claim, "expected", r->rows[i].expected,
			    "came", r->rows[i].came, "ok", r->rows[i].ok))) {
			json_decref(claims);
			return NULL;
		}
	return claims;
}

int
appraisal_print_json(FILE *f, const struct appraise_result *r, json_t *fields)
{
	json_t *claims = claims_json(r), *o = NULL;
	int status = -1;

	if (claims)
		o = json_pack("{s:b, s:s, s:b, s:O, s:O*}", "authentic",
		    r->authentic, "tcb", r->tcb, "accepted", r->accepted,
		    "claims", claims, "fields", fields);
	if (o)
		status = json_dumpf(o, f, JSON_COMPACT);
	if (status == 0)
		fputc('\n', f);
	json_decref(o);
	json_decref(claims);
	return status == 0 ? CL_OK : why_memory();
}
