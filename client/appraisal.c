#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "client/appraisal.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"

static int
read_policy(const struct home *home, const char *path, uint8_t **p, size_t *n)
{
	int r;

	if (!path)
		return home_read(home, "policy.json", p, n);
	r = file_read(AT_FDCWD, path, HOME_FILE_MAX, p, n);
	return r ? why_set(r, "cannot read policy %s: %s", path, err_text(r))
		 : CL_OK;
}

static int
load_policy(
    const struct home *home, const char *path, struct appraise_policy **out)
{
	uint8_t *text = NULL;
	size_t n;
	int r;

	*out = NULL;
	if ((r = read_policy(home, path, &text, &n)) != 0)
		return r;
	if ((r = appraise_policy_parse((char *)text, n, out)) != 0)
		r = why_set(r, "policy %s%s: member \"%s\": %s",
		    path ? path : home->path, path ? "" : "/policy.json",
		    json_why(), err_text(r));
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
judge(const struct appraise_policy *policy, const struct evidence *e,
    const uint8_t *nonce, struct appraisal *out)
{
	int r = appraise(policy, e, nonce ? nonce : e->nonce,
	    (int64_t)time(NULL), &out->claims, &out->result);

	if (r == CL_ERR_EVIDENCE || r == CL_ERR_APPRAISAL)
		return refused(r, &out->result);
	if (r == 0)
		r = evidence_claims_hash(
		    e->claims, e->claims_n, out->claims_hash);
	return r ? why_set(r, "cannot appraise the evidence: %s", err_text(r))
		 : CL_OK;
}

int
appraisal_run(const struct home *home, const char *policy, const char *text,
    size_t n, const uint8_t *nonce, struct appraisal *out)
{
	struct appraise_policy *p = NULL;
	struct evidence e = {0};
	int r;

	memset(out, 0, sizeof(*out));
	if ((r = load_policy(home, policy, &p)) != 0)
		goto out;
	if ((r = evidence_parse(text, n, &e)) != 0) {
		r = why_set(r,
		    "expected an evidence envelope (JSON, as cloister report "
		    "prints it), came something else: %s",
		    err_text(r));
		goto out;
	}
	r = judge(p, &e, nonce, out);
out:
	evidence_clear(&e);
	appraise_policy_free(p);
	return r;
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

int
appraisal_print_json(FILE *f, const struct appraise_result *r)
{
	json_t *rows = json_array(), *o = NULL;
	char *text = NULL;
	unsigned i;
	size_t n;

	for (i = 0; rows && i < r->nrows; i++)
		if (json_array_append_new(rows,
			json_pack("{s:s, s:s, s:s, s:b}", "claim",
			    r->rows[i].claim, "expected", r->rows[i].expected,
			    "came", r->rows[i].came, "ok", r->rows[i].ok)))
			break;
	if (rows && i == r->nrows)
		o = json_pack("{s:b, s:b, s:O}", "authentic", r->authentic,
		    "accepted", r->accepted, "rows", rows);
	text = o ? json_text(o, &n) : NULL;
	if (text)
		fprintf(f, "%s\n", text);
	secmem_free(text);
	json_decref(o);
	json_decref(rows);
	return text ? CL_OK : why_memory();
}
