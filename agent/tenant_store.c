#include "agent/tenant_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit.h"
#include "agent/link.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/secmem.h"
#include "sealing/state.h"

#define RECORD_VERSION 1u
#define RECORD_MAX     (STATE_BLOB_MAX - STATE_OVERHEAD)
#define NAME_PREFIX    "tenant-"

static void
name_of(const uint8_t uuid[16], char name[STATE_NAME_MAX + 1])
{
	char text[UUID_TEXT];

	uuid_text(uuid, text);
	snprintf(name, STATE_NAME_MAX + 1, NAME_PREFIX "%s", text);
}

static int
put_floors(const struct tenant *t, struct wr *out)
{
	uint32_t i;
	int r;

	if ((r = wr_u32(out, t->nfloors)) != 0)
		return r;
	for (i = 0; i < t->nfloors; i++)
		if ((r = wr_bytes(out, t->floors[i].group, 16)) != 0 ||
		    (r = wr_u32(out, t->floors[i].version)) != 0)
			return r;
	return CL_OK;
}

static int
put_record(const struct tenant *t, struct wr *out)
{
	int r;

	if ((r = wr_u8(out, RECORD_VERSION)) != 0 ||
	    (r = wr_bytes(out, t->uuid, 16)) != 0 ||
	    (r = wr_bytes(out, t->key, 32)) != 0 ||
	    (r = wr_bytes(out, t->hash_key, 32)) != 0 ||
	    (r = wr_i64(out, t->lease_until)) != 0 ||
	    (r = wr_i64(out, atomic_load(&t->time_floor))) != 0 ||
	    (r = wr_i64(out, t->brl)) != 0 ||
	    (r = wr_blob(out, t->pem, strlen(t->pem))) != 0)
		return r;
	return put_floors(t, out);
}

static int
get_floors(struct tenant *t, struct rd *in)
{
	uint8_t group[16];
	uint32_t i, n, version;
	int r;

	if ((r = rd_u32(in, &n)) != 0)
		return r;
	if (n > TENANT_MAX_FLOORS)
		return CL_ERR_FORMAT;
	for (i = 0; i < n; i++)
		if ((r = rd_bytes(in, group, 16)) != 0 ||
		    (r = rd_u32(in, &version)) != 0 ||
		    (r = tenant_floor_raise(t, group, version)) != 0)
			return r;
	return CL_OK;
}

static int
get_owner(struct tenant *t, struct rd *in)
{
	const uint8_t *pem;
	size_t n;
	int r;

	if ((r = rd_blob(in, &pem, &n, IDENTITY_PEM_MAX)) != 0)
		return r;
	if (!(t->pem = secmem_alloc(n + 1)))
		return CL_ERR_MEMORY;
	memcpy(t->pem, pem, n);
	if ((r = identity_load_public(t->pem, n, &t->signer)) != 0)
		return r;
	return identity_pukid(t->signer, t->owner);
}

static int
get_record(struct tenant *t, struct rd *in)
{
	uint8_t version, uuid[16];
	int64_t time_floor;
	int r;

	if ((r = rd_u8(in, &version)) != 0)
		return r;
	if (version != RECORD_VERSION)
		return CL_ERR_VERSION;
	if ((r = rd_bytes(in, uuid, 16)) != 0 ||
	    (r = rd_bytes(in, t->key, 32)) != 0 ||
	    (r = rd_bytes(in, t->hash_key, 32)) != 0 ||
	    (r = rd_i64(in, &t->lease_until)) != 0 ||
	    (r = rd_i64(in, &time_floor)) != 0 ||
	    (r = rd_i64(in, &t->brl)) != 0 || (r = get_owner(t, in)) != 0 ||
	    (r = get_floors(t, in)) != 0 || (r = rd_end(in)) != 0)
		return r;
	atomic_store(&t->time_floor, time_floor);
	return memcmp(uuid, t->uuid, 16) ? CL_ERR_SEALED : CL_OK;
}

/* STORE: blob name, blob sealed. */
static int
send_blob(struct engine *e, const char *name, const uint8_t *blob, size_t n)
{
	size_t cap = 8 + strlen(name) + n, none = 0;
	uint8_t *body = secmem_alloc(cap);
	uint8_t empty[1];
	struct wr out;
	int r;

	if (!body)
		return CL_ERR_MEMORY;
	out = wr_make(body, cap);
	if ((r = wr_blob(&out, name, strlen(name))) == 0 &&
	    (r = wr_blob(&out, blob, n)) == 0)
		r = link_call(
		    e->link, BROKER_STORE, body, out.len, empty, &none, NULL);
	secmem_free(body);
	return r;
}

int
tenant_store(struct engine *e, struct tenant *t, char why[ENGINE_REASON])
{
	uint8_t *plain = secmem_alloc(RECORD_MAX);
	uint8_t *blob = secmem_alloc(STATE_BLOB_MAX);
	char name[STATE_NAME_MAX + 1];
	struct wr out = wr_make(plain, RECORD_MAX);
	int r = CL_ERR_MEMORY;

	if (!plain || !blob)
		goto out;
	r = CL_ERR_SEALED;
	if (!e->have_root) {
		snprintf(why, ENGINE_REASON, "%s", e->no_root);
		goto out;
	}
	name_of(t->uuid, name);
	if ((r = put_record(t, &out)) != 0 ||
	    (r = state_seal(
		 e->root, name, t->version + 1, plain, out.len, blob)) != 0)
		goto out;
	r = send_blob(e, name, blob, out.len + STATE_OVERHEAD);
	if (r) {
		snprintf(why, ENGINE_REASON,
		    "the state directory cannot be written: %s", err_text(r));
		goto out;
	}
	t->version++;
	t->sealed = true;
out:
	secmem_free(plain);
	secmem_free(blob);
	return r;
}

int
tenant_unstore(struct engine *e, struct tenant *t)
{
	uint8_t body[STATE_NAME_MAX + 5], empty[1];
	struct wr out = wr_make(body, sizeof(body));
	char name[STATE_NAME_MAX + 1];
	size_t none = 0;
	int r;

	name_of(t->uuid, name);
	if ((r = wr_blob(&out, name, strlen(name))) != 0)
		return r;
	r = link_call(
	    e->link, BROKER_REMOVE, body, out.len, empty, &none, NULL);
	if (r == CL_ERR_NOT_FOUND)
		r = CL_OK;
	if (!r)
		t->sealed = false;
	return r;
}

/* LOAD: *out_n is the capacity, then the length of the sealed blob. */
static int
load_blob(struct engine *e, const char *name, uint8_t *blob, size_t *out_n)
{
	uint8_t body[STATE_NAME_MAX + 5];
	struct wr out = wr_make(body, sizeof(body));
	size_t n = STATE_BLOB_MAX + 4, len;
	uint8_t *reply = secmem_alloc(n);
	const uint8_t *p;
	struct rd in;
	int r;

	if (!reply)
		return CL_ERR_MEMORY;
	if ((r = wr_blob(&out, name, strlen(name))) != 0 ||
	    (r = link_call(
		 e->link, BROKER_LOAD, body, out.len, reply, &n, NULL)) != 0)
		goto out;
	in = rd_make(reply, n);
	if ((r = rd_blob(&in, &p, &len, *out_n)) != 0 || (r = rd_end(&in)) != 0)
		goto out;
	memcpy(blob, p, len);
	*out_n = len;
out:
	secmem_free(reply);
	return r;
}

/* Unseals into t, which is fresh. */
static int
unseal(struct engine *e, struct tenant *t, const char *name)
{
	uint8_t *blob = secmem_alloc(STATE_BLOB_MAX);
	uint8_t *plain = secmem_alloc(RECORD_MAX);
	size_t n = STATE_BLOB_MAX;
	int64_t left = 0;
	struct rd in;
	int r = CL_ERR_MEMORY;

	if (!blob || !plain || (r = load_blob(e, name, blob, &n)) != 0)
		goto out;
	r = CL_ERR_SEALED;
	if (n < STATE_OVERHEAD ||
	    (r = state_open(e->root, name, blob, n, &t->version, plain)) != 0)
		goto out;
	in = rd_make(plain, n - STATE_OVERHEAD);
	if ((r = get_record(t, &in)) != 0)
		goto out;
	t->sealed = true;
	r = CL_ERR_EXPIRED;
	/* The clocks are read in whole seconds: the one that runs is over. */
	if (t->lease_until && (left = t->lease_until - tenant_now(t) - 1) <= 0)
		goto out;
	r = tenant_activate(t, (uint32_t)left);
out:
	secmem_free(blob);
	secmem_free(plain);
	return r;
}

static void
load_one(struct engine *e, const char *name)
{
	struct tenant *t;
	uint8_t uuid[16];
	int r;

	if (uuid_parse(name + strlen(NAME_PREFIX), uuid))
		return;
	if (!(t = tenant_claim(e->tenants, uuid))) {
		log_error("%s stays sealed: more than %u tenants", name,
		    e->cfg.max_tenants);
		return;
	}
	pthread_mutex_lock(&t->lock);
	r = unseal(e, t, name);
	if (r)
		tenant_wipe_keys(t);
	pthread_mutex_unlock(&t->lock);
	tenant_put(t);
	if (r)
		log_error("%s is not unsealed: %s", name, err_text(r));
	else
		log_info("%s is unsealed", name);
	audit_event(e->audit, "unseal", uuid, NULL, err_name(r));
}

int
tenant_load_all(struct engine *e)
{
	size_t len, n = BROKER_MAX_PACKET;
	uint8_t *list = secmem_alloc(n);
	char name[STATE_NAME_MAX + 1];
	const uint8_t *p;
	uint32_t i, count;
	struct rd in;
	int r = CL_ERR_MEMORY;

	if (!list ||
	    (r = link_call(e->link, BROKER_LIST, NULL, 0, list, &n, NULL)) != 0)
		goto out;
	in = rd_make(list, n);
	if ((r = rd_u32(&in, &count)) != 0)
		goto out;
	for (i = 0; i < count; i++) {
		if ((r = rd_blob(&in, &p, &len, STATE_NAME_MAX)) != 0)
			goto out;
		memcpy(name, p, len);
		name[len] = '\0';
		if (!strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)))
			load_one(e, name);
	}
	r = rd_end(&in);
out:
	secmem_free(list);
	return r;
}
