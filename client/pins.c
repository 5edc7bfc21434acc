#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/pins.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"

#define PINS_KEPT 64u /* boots; the oldest goes */

struct pin {
	char boot[33];
	char head[65];
	int64_t count;
};

static void
hex(const uint8_t *p, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

/* 0 when the reply carries no audit head. */
static int
pin_of(const json_t *reply, struct pin *pin)
{
	uint8_t boot[16], head[32];

	if (json_get_bytes(reply, "boot", boot, sizeof(boot)) != 0 ||
	    json_get_bytes(reply, "audit_head", head, sizeof(head)) != 0 ||
	    json_get_int(reply, "audit_count", 0, INT64_MAX, &pin->count) != 0)
		return 0;
	hex(boot, sizeof(boot), pin->boot);
	hex(head, sizeof(head), pin->head);
	return 1;
}

static int
load(const struct home *h, json_t **pins)
{
	uint8_t *text = NULL;
	size_t n;
	int r;

	*pins = NULL;
	if (faccessat(h->dirfd, "pins.json", F_OK, 0) != 0) {
		*pins = json_object();
		return *pins ? CL_OK : why_memory();
	}
	if ((r = home_read(h, "pins.json", &text, &n)) != 0)
		return r;
	*pins = json_parse((char *)text, n, &r);
	secmem_free(text);
	if (*pins)
		return CL_OK;
	return why_set(r,
	    "%s/pins.json is damaged; restore it from your backup", h->path);
}

static int
check(const json_t *pins, const struct pin *now)
{
	const json_t *was = json_object_get(pins, now->boot);
	const char *head = NULL;
	int64_t count = 0;

	if (!was)
		return CL_OK;
	if (json_get_int(was, "count", 0, INT64_MAX, &count) != 0 ||
	    json_get_str(was, "head", &head) != 0)
		return why_set(CL_ERR_FORMAT, "pins.json: member \"%s\" is "
		    "malformed",
		    json_why());
	if (now->count > count ||
	    (now->count == count && strcmp(head, now->head) == 0))
		return CL_OK;
	return why_set(CL_ERR_ROLLBACK,
	    "the agent's audit log was cut: expected at least %lld entries "
	    "with the pinned head, came %lld",
	    (long long)count, (long long)now->count);
}

static const char *
oldest(json_t *pins)
{
	const char *key, *found = NULL;
	json_int_t seen, least = INT64_MAX;
	json_t *v;

	json_object_foreach(pins, key, v) {
		seen = json_integer_value(json_object_get(v, "seen"));
		if (seen < least || !found) {
			least = seen;
			found = key;
		}
	}
	return found;
}

static int
move(json_t *pins, const struct pin *now)
{
	json_t *o = json_pack("{s:I, s:s, s:I}", "count",
	    (json_int_t)now->count, "head", now->head, "seen",
	    (json_int_t)time(NULL));

	if (!json_object_get(pins, now->boot) &&
	    json_object_size(pins) >= PINS_KEPT)
		json_object_del(pins, oldest(pins));
	return json_object_set_new(pins, now->boot, o) ? why_memory() : CL_OK;
}

int
pins_check(const struct home *h, const json_t *reply)
{
	struct pin now;
	json_t *pins;
	char *text = NULL;
	size_t n;
	int r;

	if (!pin_of(reply, &now))
		return CL_OK;
	if ((r = load(h, &pins)) != 0)
		return r;
	if ((r = check(pins, &now)) != 0 || (r = move(pins, &now)) != 0)
		goto out;
	text = json_text(pins, &n);
	r = text ? home_write(h, "pins.json", text, n) : why_memory();
out:
	secmem_free(text);
	json_decref(pins);
	return r;
}
