#include "policy/evidence_record.h"

#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/json.h"
#include "lib/secmem.h"

#define TYPE_MAX 64u

json_t *
record_print(const struct record *r)
{
	size_t n = b64url_len(r->n);
	char *text = secmem_alloc(n + 1);
	json_t *j = NULL;

	if (text) {
		b64url_encode(r->p, r->n, text);
		j = json_pack("[s,s#,i]", r->type, text, (int)n, (int)r->ind);
	}
	secmem_free(text);
	return j;
}

static int
blame(const char *key, const char *expected)
{
	char why[128];

	snprintf(why, sizeof(why), "%s: expected %s", key, expected);
	return json_blame(why);
}

static int
check_form(
    const json_t *j, const char *key, enum record_ind ind, struct record *out)
{
	size_t n;

	if (!json_is_array(j) || json_array_size(j) != 3)
		return blame(key, "[media type, base64url, indicator]");
	out->type = json_string_value(json_array_get(j, 0));
	n = json_string_length(json_array_get(j, 0));
	if (!out->type || !n || n > TYPE_MAX ||
	    strspn(out->type, "abcdefghijklmnopqrstuvwxyz0123456789.+/-") != n)
		return blame(key, "a media type");
	out->ind = ind;
	if (!json_is_integer(json_array_get(j, 2)) ||
	    json_integer_value(json_array_get(j, 2)) != (json_int_t)ind)
		return blame(key,
		    ind == RECORD_EVIDENCE ? "indicator 4" : "indicator 2");
	return CL_OK;
}

int
record_parse(const json_t *j, const char *key, enum record_ind ind, size_t max,
    struct record *out)
{
	const json_t *text = json_array_get(j, 1);
	size_t len = json_string_length(text);
	int r;

	memset(out, 0, sizeof(*out));
	if ((r = check_form(j, key, ind, out)) != 0)
		return r;
	if (!json_is_string(text) || !len)
		return blame(key, "base64url of some bytes");
	if (len > b64url_len(max)) {
		(void)blame(key, "fewer bytes");
		return CL_ERR_TOO_LARGE;
	}
	out->n = len; /* no more than that can come out */
	if (!(out->p = secmem_alloc(len)))
		return CL_ERR_MEMORY;
	r = b64url_decode(json_string_value(text), len, out->p, &out->n);
	if (r == 0 && out->n <= max)
		return CL_OK;
	(void)blame(key, r ? "base64url" : "fewer bytes");
	secmem_free(out->p);
	memset(out, 0, sizeof(*out));
	return r ? r : CL_ERR_TOO_LARGE;
}

int
record_is(const struct record *r, const char *key, const char *type)
{
	char why[160];

	if (strcmp(r->type, type) == 0)
		return CL_OK;
	snprintf(
	    why, sizeof(why), "%s: expected %s, came %s", key, type, r->type);
	return json_blame(why);
}
