#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/eventlog_aael.h"
#include "policy/eventlog_join.h"
#include "policy/eventlog_want.h"
#include "policy/member.h"

/* ---- the policy -----------------------------------------------------------
 */

static bool
is_digest(const json_t *v, enum eventlog_kind kind)
{
	const char *s = json_string_value(v);
	size_t n = 2 * eventlog_size_of(kind);

	return s && strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* "hex", or a list of them that is not empty. */
static bool
are_digests(const json_t *v, enum eventlog_kind kind)
{
	size_t i;

	if (!json_is_array(v))
		return is_digest(v, kind);
	for (i = 0; i < json_array_size(v); i++)
		if (!is_digest(json_array_get(v, i), kind))
			return false;
	return i != 0;
}

static int
check_event(const json_t *v, enum eventlog_kind kind)
{
	static const char *const known[] = {"register", "type", "digest", NULL};
	const json_t *type = json_object_get(v, "type");
	const char *name = json_string_value(json_object_get(v, "register"));
	uint32_t ignored;
	int r;

	if (!json_is_object(v))
		return json_blame("events");
	if ((r = json_only(v, known)) != 0)
		return r;
	if (!name || eventlog_claim_register(kind, name) < 0)
		return json_blame("register");
	if (type &&
	    (!json_is_string(type) ||
		!eventlog_type_parse(json_string_value(type), &ignored)))
		return json_blame("type");
	if (!are_digests(json_object_get(v, "digest"), kind))
		return json_blame("digest");
	return CL_OK;
}

static int
get_events(const json_t *o, struct eventlog_want *w)
{
	const json_t *a = json_object_get(o, "events"), *item;
	size_t i;
	int r = CL_OK;

	if (!a)
		return CL_OK;
	if (!json_is_array(a) || json_array_size(a) > EVENTLOG_WANTED_MAX)
		return json_blame("events");
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if ((r = check_event(item, w->kind)) != 0)
			return r;
	}
	w->events = a;
	return CL_OK;
}

static int
get_only(const json_t *o, struct eventlog_want *w)
{
	const json_t *a = json_object_get(o, "only"), *item;
	const char *name;
	int reg;
	size_t i;

	if (!a)
		return CL_OK;
	if (!json_is_array(a))
		return json_blame("only");
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		name = json_string_value(item);
		reg = name ? eventlog_claim_register(w->kind, name) : -1;
		if (reg < 0)
			return json_blame("only");
		w->only |= 1u << reg;
	}
	return CL_OK;
}

int
eventlog_want_parse(
    const json_t *o, enum eventlog_kind kind, struct eventlog_want *out)
{
	static const char *const known[] = {
	    "require", "agent", "events", "only", NULL};
	const json_t *v = json_object_get(o, "eventlog");
	int r;

	*out = (struct eventlog_want){.kind = kind, .agent = true};
	if (!v)
		return CL_OK;
	if (!json_is_object(v))
		return json_blame("eventlog");
	if ((r = json_only(v, known)) != 0 ||
	    (r = member_flag(v, "require", &out->require)) != 0 ||
	    (r = member_flag(v, "agent", &out->agent)) != 0 ||
	    (r = get_events(v, out)) != 0)
		return r;
	out->agent_given = json_object_get(v, "agent") != NULL;
	return get_only(v, out);
}

bool
eventlog_want_needs(const struct eventlog_want *w)
{
	return w->require || (w->agent_given && w->agent) ||
	       json_array_size(w->events) || w->only;
}

static unsigned
register_of(const struct eventlog_want *w, const json_t *wanted)
{
	return (unsigned)eventlog_claim_register(
	    w->kind, json_string_value(json_object_get(wanted, "register")));
}

bool
eventlog_want_measures(const struct eventlog_want *w, unsigned reg)
{
	size_t i;

	for (i = 0; i < json_array_size(w->events); i++)
		if (register_of(w, json_array_get(w->events, i)) == reg)
			return w->only >> reg & 1;
	return false;
}

/* ---- a log against it ------------------------------------------------------
 */

/* A record that extends a register, and what it adds to it. */
struct item {
	const struct eventlog_event *e;
	unsigned reg;
	const struct eventlog_digest *digest;
	char hex[2 * EVENTLOG_DIGEST_MAX + 1];
};

static bool
has_digest(const json_t *list, const char *hex)
{
	size_t i;

	if (json_is_string(list))
		return strcmp(json_string_value(list), hex) == 0;
	for (i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), hex) ==
		    0)
			return true;
	return false;
}

/* Texts that firmware measures of its own, byte for byte; a separator is
 * zeros, and an error's is not. */
static bool
is_harmless_text(const struct eventlog_event *e)
{
	static const char *const texts[] = {
	    "Calling EFI Application from Boot Option",
	    "Returning from EFI Application from Boot Option",
	    "Exit Boot Services Invocation",
	    "Exit Boot Services Returned with Failure",
	    "Exit Boot Services Returned with Success"};
	static const uint8_t separator[4];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (e->n == strlen(texts[i]) &&
		    secmem_equal(e->data, texts[i], e->n))
			return true;
	return e->n == sizeof(separator) &&
	       secmem_equal(e->data, separator, sizeof(separator));
}

/* Where firmware measures what it does itself, and there the one for partition
 * tables: RTMR0 and 1, registers 1 and 2, PCR 0 to 7. */
static bool
is_of_firmware(enum eventlog_kind kind, unsigned reg, unsigned *tables)
{
	if (kind == EVENTLOG_TPM) {
		*tables = 5;
		return reg < 8;
	}
	*tables = kind == EVENTLOG_TDX ? 1 : 2;
	return reg + 1 >= *tables && reg <= *tables;
}

/* What no program can be: judged by the bytes that the digest is of, for the
 * type is only the log's word. An image begins with MZ. */
static bool
is_harmless(enum eventlog_kind kind, const struct item *it)
{
	static const char table[] = "EFI PART";
	const struct eventlog_event *e = it->e;
	unsigned tables;

	if (!is_of_firmware(kind, it->reg, &tables) ||
	    !eventlog_digest_is_of_data(e, it->digest))
		return false;
	if (is_harmless_text(e))
		return true;
	return it->reg == tables && e->n >= sizeof(table) &&
	       secmem_equal(e->data, table, sizeof(table) - 1);
}

static bool
is_start(const struct eventlog_want *w, const struct item *it)
{
	struct eventlog_start start;

	return w->agent && eventlog_keeps(w->kind, it->reg) &&
	       eventlog_start(it->e, &start) == 0 &&
	       eventlog_digest_is_of_data(it->e, it->digest);
}

/* One of events, as it is compared with thousands of records. */
struct wanted {
	unsigned reg;
	bool typed, seen;
	uint32_t type;
	const json_t *digest; /* a text, or a list */
};

/* One pass over the log. */
struct pass {
	const struct eventlog_want *w;
	size_t n;
	struct wanted wanted[EVENTLOG_WANTED_MAX];
	uint32_t strangers;
	struct {
		uint32_t type;
		char hex[17]; /* the first stranger's digest, its beginning */
	} first[EVENTLOG_REGISTERS];
};

static void
prepare(struct pass *p)
{
	const json_t *events = p->w->events, *e, *type;
	struct wanted *x = p->wanted;
	size_t i;

	p->n = json_array_size(events);
	for (i = 0; i < p->n; i++, x++) {
		e = json_array_get(events, i);
		type = json_object_get(e, "type");
		x->reg = register_of(p->w, e);
		x->digest = json_object_get(e, "digest");
		x->typed = type && eventlog_type_parse(
				       json_string_value(type), &x->type);
	}
}

static bool
is_wanted(const struct wanted *x, const struct item *it)
{
	return x->reg == it->reg && (!x->typed || x->type == it->e->type) &&
	       has_digest(x->digest, it->hex);
}

static void
look(struct pass *p, const struct item *it)
{
	const struct eventlog_want *w = p->w;
	bool named = false;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (is_wanted(&p->wanted[i], it))
			p->wanted[i].seen = named = true;
	if (named || !(w->only >> it->reg & 1) ||
	    (p->strangers >> it->reg & 1) || is_harmless(w->kind, it) ||
	    is_start(w, it))
		return;
	p->strangers |= 1u << it->reg;
	p->first[it->reg].type = it->e->type;
	(void)snprintf(
	    p->first[it->reg].hex, sizeof(p->first[0].hex), "%.16s", it->hex);
}

static void
look_all(struct pass *pass, const uint8_t *p, size_t n, uint32_t explained)
{
	enum eventlog_kind kind = pass->w->kind;
	struct eventlog log;
	struct eventlog_event e;
	struct item it = {.e = &e};

	if (!p || eventlog_open(&log, p, n) != 0)
		return;
	while (eventlog_next(&log, &e) == 0) {
		if (!eventlog_extends(kind, &e, &it.reg) ||
		    !(explained >> it.reg & 1))
			continue;
		it.digest = eventlog_digest(&e, eventlog_alg_of(kind));
		if (!it.digest)
			continue;
		rows_hex(it.digest->p, it.digest->n, it.hex);
		look(pass, &it);
	}
}

static void
say_events(const struct pass *p, struct appraise_result *rows)
{
	size_t n = p->n, i, found = 0, first = n;
	char expected[64], reg[16];
	const json_t *digest;

	for (i = 0; i < n; i++) {
		found += p->wanted[i].seen;
		if (!p->wanted[i].seen && first == n)
			first = i;
	}
	(void)snprintf(expected, sizeof(expected),
	    "%zu event%s that the policy names", n, n == 1 ? "" : "s");
	if (first == n) {
		(void)rows_say(
		    rows, "eventlog.events", true, expected, "all of them");
		return;
	}
	digest = p->wanted[first].digest;
	if (json_is_array(digest))
		digest = json_array_get(digest, 0);
	eventlog_claim_name(p->w->kind, p->wanted[first].reg, reg);
	(void)rows_sayf(rows, "eventlog.events", false, expected,
	    "%zu of them; in %s there is no %.32s", found, reg,
	    json_string_value(digest));
}

static void
say_only(const struct pass *p, uint32_t explained, struct appraise_result *rows)
{
	static const char expected[] = "no record but those that the policy "
				       "names";
	char claim[40], reg[16], type[48];
	unsigned i;

	for (i = 0; i < eventlog_registers_of(p->w->kind); i++) {
		if (!(p->w->only >> i & 1))
			continue;
		eventlog_claim_name(p->w->kind, i, reg);
		(void)snprintf(claim, sizeof(claim), "eventlog.only.%s", reg);
		eventlog_type_name(p->first[i].type, type);
		if (!(explained >> i & 1))
			(void)rows_say(rows, claim, false, expected,
			    "no log that explains this register");
		else if (p->strangers >> i & 1)
			(void)rows_sayf(rows, claim, false, expected,
			    "%s %s...", type, p->first[i].hex);
		else
			(void)rows_say(rows, claim, true, expected, "no other");
	}
}

void
eventlog_want_judge(const struct eventlog_want *w, const uint8_t *p, size_t n,
    uint32_t explained, struct appraise_result *rows)
{
	struct pass *pass;

	if (!json_array_size(w->events) && !w->only)
		return;
	if (!(pass = secmem_alloc(sizeof(*pass)))) {
		(void)rows_say(rows, "eventlog.events", false, "memory",
		    "there is no more");
		return;
	}
	*pass = (struct pass){.w = w};
	prepare(pass);
	look_all(pass, p, n, explained);
	if (pass->n)
		say_events(pass, rows);
	say_only(pass, explained, rows);
	secmem_free(pass);
}
