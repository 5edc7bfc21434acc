/* What TCB info and QE identity have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/bytes_text.h"
#include "policy/p256.h"
#include "policy/pcs_parts.h"

#define ADVISORIES_MAX 256u
#define ADVISORY_MAX   64u

static const char *const words[PCS_STATUSES] = {"NotSupported", "UpToDate",
    "SWHardeningNeeded", "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded", "OutOfDate",
    "OutOfDateConfigurationNeeded", "Revoked", "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded"};

const char *
pcs_status_text(enum pcs_status status)
{
	return (unsigned)status < PCS_STATUSES ? words[status] : words[0];
}

int
pcs_status_parse(const char *text, enum pcs_status *out)
{
	unsigned i;

	for (i = PCS_UP_TO_DATE; i < PCS_STATUSES; i++)
		if (strcmp(words[i], text) == 0) {
			*out = (enum pcs_status)i;
			return CL_OK;
		}
	return CL_ERR_FORMAT;
}

static int
digits(const char *p, unsigned n, int *out)
{
	*out = 0;
	for (; n; n--, p++) {
		if (*p < '0' || *p > '9')
			return CL_ERR_FORMAT;
		*out = *out * 10 + (*p - '0');
	}
	return CL_OK;
}

int
pcs_time_parse(const char *text, int64_t *out)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	struct tm tm = {0}, again;
	time_t t;
	size_t i;

	if (strlen(text) != sizeof(form) - 1)
		return CL_ERR_FORMAT;
	for (i = 0; form[i]; i++)
		if (form[i] != '0' && text[i] != form[i])
			return CL_ERR_FORMAT;
	if (digits(text, 4, &tm.tm_year) || digits(text + 5, 2, &tm.tm_mon) ||
	    digits(text + 8, 2, &tm.tm_mday) ||
	    digits(text + 11, 2, &tm.tm_hour) ||
	    digits(text + 14, 2, &tm.tm_min) ||
	    digits(text + 17, 2, &tm.tm_sec))
		return CL_ERR_FORMAT;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	t = timegm(&again);
	/* timegm() turns the 31st of April into the first of May. */
	if (again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday ||
	    again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min ||
	    again.tm_sec != tm.tm_sec)
		return CL_ERR_FORMAT;
	*out = t;
	return CL_OK;
}

int
pcs_hex(const json_t *o, const char *key, uint8_t *out, size_t n)
{
	const char *s;
	int r;

	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	if (strlen(s) != 2 * n || bytes_hex(s, out, n) != 0)
		return json_blame(key);
	return CL_OK;
}

/* A string member equal to want. */
static int
word(const json_t *o, const char *key, const char *want)
{
	const char *s;
	int r;

	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	return strcmp(s, want) == 0 ? CL_OK : json_blame(key);
}

static int
get_time(const json_t *o, const char *key, int64_t *out)
{
	const char *s;
	int r;

	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	return pcs_time_parse(s, out) == 0 ? CL_OK : json_blame(key);
}

int
pcs_head(const json_t *o, const char *id, int version, struct pcs_head *out)
{
	int64_t v = 0;
	int r;

	if ((r = word(o, "id", id)) != 0 ||
	    (r = json_get_int(o, "version", version, version, &v)) != 0 ||
	    (r = get_time(o, "issueDate", &out->issued)) != 0 ||
	    (r = get_time(o, "nextUpdate", &out->next_update)) != 0 ||
	    (r = json_get_int(
		 o, "tcbEvaluationDataNumber", 0, UINT32_MAX, &v)) != 0)
		return r;
	out->evaluation = (uint32_t)v;
	return CL_OK;
}

static int
get_advisories(const json_t *level, const json_t **out)
{
	const json_t *a = json_object_get(level, "advisoryIDs"), *item;
	size_t i;

	*out = a;
	if (!a)
		return CL_OK;
	if (!json_is_array(a) || json_array_size(a) > ADVISORIES_MAX)
		return json_blame("advisoryIDs");
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if (!json_is_string(item) ||
		    json_string_length(item) > ADVISORY_MAX)
			return json_blame("advisoryIDs");
	}
	return CL_OK;
}

int
pcs_verdict(
    const json_t *level, enum pcs_status *status, const json_t **advisories)
{
	const char *s;
	int64_t date;
	int r;

	if ((r = get_time(level, "tcbDate", &date)) != 0 ||
	    (r = json_get_str(level, "tcbStatus", &s)) != 0)
		return r;
	if (pcs_status_parse(s, status) != 0 || *status > PCS_REVOKED)
		return json_blame("tcbStatus");
	return get_advisories(level, advisories);
}

int
pcs_array(const json_t *o, const char *key, size_t max, const json_t **out)
{
	const json_t *a = json_object_get(o, key), *item;
	size_t i;

	if (!json_is_array(a) || !json_array_size(a) ||
	    json_array_size(a) > max)
		return json_blame(key);
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if (!json_is_object(item))
			return json_blame(key);
	}
	*out = a;
	return CL_OK;
}

static int
by_svn(const void *a, const void *b)
{
	const struct pcs_svn_level *x = a, *y = b;

	return (x->isvsvn < y->isvsvn) - (x->isvsvn > y->isvsvn);
}

int
pcs_svn_levels(const json_t *o, struct pcs_svn_levels *out)
{
	const json_t *a, *item;
	int64_t v = 0;
	size_t i;
	int r;

	if ((r = pcs_array(o, "tcbLevels", PCS_LEVELS_MAX, &a)) != 0)
		return r;
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		struct pcs_svn_level *level = &out->level[i];

		r = json_get_int(
		    json_object_get(item, "tcb"), "isvsvn", 0, UINT16_MAX, &v);
		if (r != 0 || (r = pcs_verdict(item, &level->status,
				   &level->advisories)) != 0)
			return r;
		level->isvsvn = (uint32_t)v;
	}
	out->n = (unsigned)json_array_size(a);
	qsort(out->level, out->n, sizeof(out->level[0]), by_svn);
	for (i = 1; i < out->n; i++)
		if (out->level[i].isvsvn == out->level[i - 1].isvsvn)
			return json_blame("isvsvn");
	return CL_OK;
}

const struct pcs_svn_level *
pcs_svn_level(const struct pcs_svn_levels *levels, uint32_t svn)
{
	unsigned i;

	for (i = 0; i < levels->n; i++)
		if (levels->level[i].isvsvn <= svn)
			return &levels->level[i];
	return NULL;
}

int
pcs_split(const uint8_t *p, size_t n, const char *name, const uint8_t **body,
    size_t *body_n, uint8_t sig[64])
{
	static const char middle[] = ",\"signature\":\"", end[] = "\"}";
	const size_t tail = sizeof(middle) - 1 + 128 + sizeof(end) - 1;
	char head[40];
	size_t head_n;
	const uint8_t *q;

	head_n = (size_t)snprintf(head, sizeof(head), "{\"%s\":", name);
	/* Files end with a line's end. */
	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (n > PCS_DOC_MAX || n < head_n + 2 + tail ||
	    !secmem_equal(p, head, head_n))
		return json_blame(name);
	q = p + n - tail;
	if (p[head_n] != '{' || q[-1] != '}' ||
	    !secmem_equal(q, middle, sizeof(middle) - 1) ||
	    !secmem_equal(p + n - 2, end, 2) ||
	    bytes_hex((const char *)q + sizeof(middle) - 1, sig, 64) != 0)
		return json_blame("signature");
	*body = p + head_n;
	*body_n = (size_t)(q - *body);
	return CL_OK;
}

int
pcs_signed_by(const uint8_t *p, size_t n, const char *name, EVP_PKEY *key)
{
	const uint8_t *body;
	uint8_t sig[64];
	size_t body_n;
	int r;

	if ((r = pcs_split(p, n, name, &body, &body_n, sig)) != 0)
		return r;
	return p256_verify(key, body, body_n, sig);
}
