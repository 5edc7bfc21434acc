#include <string.h>

#include "agent/accept.h"
#include "agent/op.h"
#include "agent/tenant.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "lib/version.h"

static bool
put_text(json_t *o, const char *key, const char *text)
{
	return json_object_set_new(o, key, json_string(text)) == 0;
}

static bool
put_number(json_t *o, const char *key, uint64_t n)
{
	return json_object_set_new(o, key, json_integer((json_int_t)n)) == 0;
}

/* What anybody who may connect may know. */
static bool
fill(const struct engine *e, json_t *o)
{
	size_t total = 0, used = 0;

	secmem_usage(&total, &used);
	if (!e->have_root && !put_text(o, "sealing_error", e->no_root))
		return false;
	return put_text(o, "version", CLOISTER_VERSION) &&
	       put_text(o, "tee", e->cfg.tee) &&
	       json_set_blob(o, "boot", e->boot, ENGINE_BOOT) == 0 &&
	       put_number(o, "uptime", engine_uptime_clock() - e->started) &&
	       put_text(o, "memory", secmem_kind()) &&
	       put_number(o, "arena_total", total) &&
	       put_number(o, "arena_used", used) &&
	       put_number(o, "workers", e->cfg.workers) &&
	       put_number(o, "busy", pool_busy(e->pool)) &&
	       put_number(o, "tenants", tenants_count(e->tenants)) &&
	       put_text(o, "sealing", e->cfg.sealing);
}

int
op_status(struct conn *c, struct rd *in, struct wr *out)
{
	json_t *o = NULL;
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = rd_end(in)) != 0)
		return r;
	r = CL_ERR_MEMORY;
	if (!(o = json_object()) || !fill(c->e, o) ||
	    !(text = json_text(o, &n)))
		goto out;
	r = wr_blob(out, text, n);
out:
	json_decref(o);
	secmem_free(text);
	return r;
}
