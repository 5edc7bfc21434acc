#include <string.h>

#include "agent/accept.h"
#include "agent/audit.h"
#include "agent/letter.h"
#include "agent/op.h"
#include "agent/tenant.h"
#include "lib/log.h"
#include "lib/secmem.h"

typedef int (*letter_handler)(
    struct conn *c, const struct letter *l, json_t *reply);

struct letter_row {
	const char *op;
	letter_handler handler;
};

/* {"groups": {"uuid": version, ...}, "brl": 0}; *floors is secmem. */
static int
get_floor(const json_t *payload, struct tenant_provision *p)
{
	static const char *const known[] = {"groups", "brl", NULL};
	json_t *floor = json_object_get(payload, "floor");
	json_t *groups = json_object_get(floor, "groups");
	const char *uuid;
	json_t *version;
	int r;

	if (!json_is_object(floor))
		return json_blame("floor");
	if ((r = json_only(floor, known)) != 0 ||
	    (r = json_get_int(floor, "brl", 0, INT64_MAX, &p->brl)) != 0)
		return r;
	if (!json_is_object(groups) ||
	    json_object_size(groups) > TENANT_MAX_FLOORS)
		return json_blame("floor.groups");
	p->floors =
	    secmem_alloc((json_object_size(groups) + 1) * sizeof(*p->floors));
	if (!p->floors)
		return CL_ERR_MEMORY;
	json_object_foreach(groups, uuid, version)
	{
		if (!json_is_integer(version) ||
		    json_integer_value(version) < 0 ||
		    json_integer_value(version) > UINT32_MAX ||
		    uuid_parse(uuid, p->floors[p->nfloors].group))
			return json_blame("floor.groups");
		p->floors[p->nfloors++].version =
		    (uint32_t)json_integer_value(version);
	}
	return CL_OK;
}

static int
get_provision(const json_t *payload, struct tenant_provision *p)
{
	static const char *const known[] = {"op", "tenant", "tenant_key",
	    "hash_key", "seal", "lease", "time", "floor", NULL};
	int64_t lease;
	int r;

	if ((r = json_only(payload, known)) != 0 ||
	    (r = json_get_uuid(payload, "tenant", p->uuid)) != 0 ||
	    (r = json_get_bytes(payload, "tenant_key", p->key, 32)) != 0 ||
	    (r = json_get_bytes(payload, "hash_key", p->hash_key, 32)) != 0 ||
	    (r = json_get_bool(payload, "seal", &p->seal)) != 0 ||
	    (r = json_get_int(payload, "lease", 0, INT32_MAX, &lease)) != 0 ||
	    (r = json_get_int(payload, "time", 0, INT64_MAX / 2, &p->time)) !=
		0)
		return r;
	p->lease = (uint32_t)lease;
	return get_floor(payload, p);
}

static int
set_provisioned(json_t *reply, const struct tenant_provision *p)
{
	if (json_object_set_new(reply, "sealed", json_boolean(p->seal)) ||
	    json_object_set_new(reply, "lease", json_integer(p->lease)))
		return CL_ERR_MEMORY;
	return json_set_uuid(reply, "tenant", p->uuid);
}

static int
provision(struct conn *c, const struct letter *l, json_t *reply)
{
	char why[ENGINE_REASON], name[UUID_TEXT];
	struct tenant_provision p;
	int r;

	memset(&p, 0, sizeof(p));
	if (l->kind != MESSAGE_SEALED)
		return conn_fail(c, CL_ERR_FORMAT,
		    "provision must be sealed, not only signed");
	if ((r = get_provision(l->payload, &p)) != 0) {
		conn_fail(c, r, "member \"%s\"", json_why());
		goto out;
	}
	uuid_text(p.uuid, name);
	r = tenant_provision(c->e, &p, (struct message *)&l->m, why);
	if (r) {
		log_warning("tenant %s is not provisioned: %s", name,
		    why[0] ? why : err_text(r));
		conn_fail(c, r, "%s", why);
		goto out;
	}
	log_info("tenant %s is provisioned, %s", name,
	    p.seal ? "sealed" : "not sealed");
	pool_wake_housekeeper(c->e->pool);
	r = set_provisioned(reply, &p);
out:
	secmem_free(p.floors);
	secmem_wipe(&p, sizeof(p));
	return r;
}

static int
set_floor(json_t *reply, const struct tenant_status *s)
{
	json_t *floor = json_object(), *groups = json_object();
	char name[UUID_TEXT];
	uint32_t i;

	if (!floor || !groups || json_object_set(floor, "groups", groups) ||
	    json_object_set_new(floor, "brl", json_integer(s->brl)) ||
	    json_object_set(reply, "floor", floor))
		goto memory;
	for (i = 0; i < s->nfloors; i++) {
		uuid_text(s->floors[i].group, name);
		if (json_object_set_new(
			groups, name, json_integer(s->floors[i].version)))
			goto memory;
	}
	json_decref(floor);
	json_decref(groups);
	return CL_OK;
memory:
	json_decref(floor);
	json_decref(groups);
	return CL_ERR_MEMORY;
}

static int
status(struct conn *c, const struct letter *l, json_t *reply)
{
	struct tenant_status s;
	struct tenant *t;
	int r;

	if ((r = letter_check_signed(c, l, &t)) != 0)
		return r;
	if ((r = tenant_status(t, &s)) != 0)
		goto out;
	r = CL_ERR_MEMORY;
	if (json_object_set_new(
		reply, "provisioned", json_boolean(s.provisioned)) ||
	    json_object_set_new(reply, "sealed", json_boolean(s.sealed)) ||
	    json_object_set_new(reply, "lease", json_integer(s.lease)))
		goto out;
	if ((r = json_set_uuid(reply, "tenant", tenant_uuid(t))) == 0)
		r = set_floor(reply, &s);
out:
	secmem_free(s.floors);
	tenant_put(t);
	return r;
}

static int
forget(struct conn *c, const struct letter *l, json_t *reply)
{
	char name[UUID_TEXT];
	struct tenant *t;
	int r;

	if ((r = letter_check_signed(c, l, &t)) != 0)
		return r;
	uuid_text(tenant_uuid(t), name);
	r = tenant_withdraw(c->e, t, true, CL_ERR_NO_TENANT);
	audit_event(c->e->audit, "forget", tenant_uuid(t), NULL, err_name(r));
	if (r)
		conn_fail(c, r,
		    "the keys have left the engine, but the sealed "
		    "copy could not be removed");
	else
		r = json_set_uuid(reply, "tenant", tenant_uuid(t));
	log_info("tenant %s is forgotten", name);
	tenant_put(t);
	return r;
}

static const struct letter_row rows[] = {
    {"provision", provision},
    {"status", status},
    {"forget", forget},
};

static int
run(struct conn *c, const struct letter *l, json_t *reply)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].op, l->op))
			return rows[i].handler(c, l, reply);
	if (!strcmp(l->op, "open"))
		return conn_fail(
		    c, CL_ERR_OPERATION, "a session is opened with OPEN");
	return conn_fail(
	    c, CL_ERR_OPERATION, "expected provision, status or forget");
}

int
op_message(struct conn *c, struct rd *in, struct wr *out)
{
	json_t *reply = json_object();
	struct letter l;
	int r;

	if ((r = letter_open(c, in, &l)) != 0)
		goto out;
	r = CL_ERR_MEMORY;
	if (!reply || json_object_set_new(reply, "op", json_string(l.op)))
		goto out;
	if ((r = run(c, &l, reply)) == 0)
		r = letter_reply(c, &l, reply, out);
out:
	letter_clear(&l);
	json_decref(reply);
	return r;
}
