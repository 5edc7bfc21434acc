#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/eventlog_aael.h"

#define PCR_RESETTABLE 16u /* and those above */

bool
eventlog_keeps(enum eventlog_kind kind, unsigned reg)
{
	return kind != EVENTLOG_TPM || reg < PCR_RESETTABLE;
}

/* To the next space, which is skipped; to the end where there is none. */
static struct eventlog_text
word(struct eventlog_text *rest)
{
	struct eventlog_text w = {rest->p, 0};

	while (w.n < rest->n && rest->p[w.n] != ' ')
		w.n++;
	rest->p += w.n;
	rest->n -= w.n;
	if (rest->n) {
		rest->p++;
		rest->n--;
	}
	return w;
}

bool
eventlog_aael(const struct eventlog_event *event, struct eventlog_aael *out)
{
	struct rd in = rd_make(event->data, event->n);
	struct eventlog_text rest;
	const uint8_t *p;
	uint32_t magic;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (rd_u32(&in, &magic) != 0 || magic != EVENTLOG_AAEL_MAGIC ||
	    rd_blob(&in, &p, &n, in.left) != 0)
		return false;
	out->exact = rd_end(&in) == 0;
	rest = out->text = (struct eventlog_text){(const char *)p, n};
	out->domain = word(&rest);
	out->operation = word(&rest);
	out->content = rest;
	return true;
}

static bool
is(const struct eventlog_text *t, const char *want)
{
	return t->n == strlen(want) && secmem_equal(t->p, want, t->n);
}

static int
get_digest(const json_t *o, const char *key, char out[65])
{
	const char *s;
	int r;

	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	if (strlen(s) != 64 || strspn(s, "0123456789abcdef") != 64)
		return CL_ERR_FORMAT;
	memcpy(out, s, 65);
	return CL_OK;
}

int
eventlog_start(const struct eventlog_event *event, struct eventlog_start *out)
{
	static const char *const known[] = {"binary", "config", NULL};
	struct eventlog_aael a;
	json_t *o;
	int r;

	memset(out, 0, sizeof(*out));
	if (!eventlog_aael(event, &a) || !is(&a.domain, "cloister") ||
	    !is(&a.operation, "start"))
		return CL_ERR_NOT_FOUND;
	if (!a.exact || !(o = json_parse(a.content.p, a.content.n, &r)))
		return CL_ERR_FORMAT;
	if (!json_is_object(o) || json_only(o, known) != 0 ||
	    get_digest(o, "binary", out->binary) != 0 ||
	    get_digest(o, "config", out->config) != 0)
		r = CL_ERR_FORMAT;
	else
		r = CL_OK;
	json_decref(o);
	return r;
}
