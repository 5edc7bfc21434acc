#include <string.h>

#include "client/policy_init_log.h"
#include "client/why.h"
#include "policy/eventlog_join.h"

static const char *
alg_name(enum eventlog_kind kind)
{
	return kind == EVENTLOG_TDX   ? "sha384"
	       : kind == EVENTLOG_CSV ? "sm3"
				      : "sha256";
}

/* Which register a printed record extends. */
static bool
extends(enum eventlog_kind kind, const json_t *event, unsigned *at)
{
	const json_t *reg = json_object_get(event, "register");
	const json_t *type = json_object_get(event, "type");
	const struct eventlog_event e = {
	    .reg = (uint32_t)json_integer_value(reg),
	    .type = (uint32_t)json_integer_value(type)};

	return eventlog_extends(kind, &e, at);
}

static bool
is_start(const json_t *event)
{
	static const char begin[] = "cloister start ";
	const char *text = json_string_value(json_object_get(event, "text"));

	return text && strncmp(text, begin, sizeof(begin) - 1) == 0 &&
	       json_is_true(json_object_get(event, "digest_is_of_event"));
}

static uint32_t
find_starts(enum eventlog_kind kind, const json_t *events)
{
	uint32_t found = 0;
	const json_t *e;
	unsigned reg;
	size_t i;

	for (i = 0; i < json_array_size(events); i++) {
		e = json_array_get(events, i);
		if (is_start(e) && extends(kind, e, &reg))
			found |= 1u << reg;
	}
	return found;
}

static bool
has(const json_t *list, const json_t *item)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), item))
			return true;
	return false;
}

static int
add_once(json_t *list, json_t *item)
{
	int r;

	if (!item || !list)
		r = -1;
	else if (has(list, item))
		r = 0;
	else
		r = json_array_append(list, item);
	json_decref(item);
	return r == 0 ? CL_OK : why_memory();
}

/* An owner's own lists stay; what stood there of these registers does not. */
static json_t *
list(json_t *log, const char *key, enum eventlog_kind kind, uint32_t changing)
{
	json_t *a = json_object_get(log, key);
	const json_t *name;
	size_t i;
	int reg;

	if (!a) {
		a = json_array();
		(void)json_object_set_new(log, key, a);
	}
	for (i = json_array_size(a); i > 0; i--) {
		name = json_array_get(a, i - 1);
		if (json_is_object(name))
			name = json_object_get(name, "register");
		reg = json_is_string(name) ? eventlog_claim_register(
						 kind, json_string_value(name))
					   : -1;
		if (reg >= 0 && (changing >> reg & 1))
			(void)json_array_remove(a, i - 1);
	}
	return json_object_get(log, key);
}

/* Other software's records in these registers. */
static int
add_events(json_t *wanted, enum eventlog_kind kind, const json_t *events,
    uint32_t changing)
{
	const json_t *e, *digest;
	char name[16];
	unsigned reg;
	size_t i;
	int r = CL_OK;

	for (i = 0; r == 0 && i < json_array_size(events); i++) {
		e = json_array_get(events, i);
		if (!extends(kind, e, &reg) || !(changing >> reg & 1) ||
		    is_start(e))
			continue;
		digest = json_object_get(
		    json_object_get(e, "digests"), alg_name(kind));
		eventlog_claim_name(kind, reg, name);
		r = add_once(wanted, json_pack("{s:s, s:O}", "register", name,
					 "digest", digest));
	}
	return r;
}

int
policy_init_log(json_t *o, enum eventlog_kind kind, const json_t *log,
    uint32_t came, uint32_t *changing)
{
	const json_t *events = json_object_get(log, "events");
	json_t *made, *only;
	char name[16];
	unsigned i;
	int r = CL_OK;

	*changing = find_starts(kind, events) & came;
	/* The launch measurement's, whatever a log says of it. */
	if (kind == EVENTLOG_CSV)
		*changing &= ~1u;
	if (!*changing)
		return CL_OK;
	if (!(made = json_object_get(o, "eventlog"))) {
		(void)json_object_set_new(o, "eventlog", json_object());
		made = json_object_get(o, "eventlog");
	}
	if (json_object_set_new(made, "require", json_true()) != 0 ||
	    json_object_set_new(made, "agent", json_true()) != 0)
		return why_memory();
	only = list(made, "only", kind, *changing);
	for (i = 0; r == 0 && i < eventlog_registers_of(kind); i++) {
		if (!(*changing >> i & 1))
			continue;
		eventlog_claim_name(kind, i, name);
		r = add_once(only, json_string(name));
	}
	if (r == 0)
		r = add_events(list(made, "events", kind, *changing), kind,
		    events, *changing);
	if (!json_array_size(json_object_get(made, "events")))
		(void)json_object_del(made, "events");
	return r;
}
