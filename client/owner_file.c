/*
 * tenant.json: {"v":1,"tenant":"uuid","tenant_key":b64url,"hash_key":b64url}.
 * Both keys are wrapped by the MEK and bound to purpose and tenant.
 */
#include <string.h>

#include "client/owner_file.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"

#define TENANT_AAD "cloister tenant key v1"
#define HASH_AAD   "cloister hash key v1"
#define WRAPPED	   CRYPTO_WRAP(CRYPTO_KEY)

struct aad {
	uint8_t p[64];
	size_t n;
};

/* purpose ‖ NUL ‖ tenant */
static struct aad
make_aad(const char *purpose, const uint8_t tenant[16])
{
	struct aad a;

	a.n = strlen(purpose) + 1;
	memcpy(a.p, purpose, a.n);
	memcpy(a.p + a.n, tenant, 16);
	a.n += 16;
	return a;
}

static int
unwrap(const json_t *o, const char *key, const uint8_t mek[CRYPTO_KEY],
    const struct aad *aad, uint8_t out[CRYPTO_KEY])
{
	uint8_t wrapped[WRAPPED];
	int r;

	if ((r = json_get_bytes(o, key, wrapped, sizeof(wrapped))) != 0)
		return r;
	return crypto_unwrap(mek, aad->p, aad->n, wrapped, WRAPPED, out);
}

static int
read_members(const json_t *o, const uint8_t mek[CRYPTO_KEY], uint8_t tenant[16],
    struct owner_keys *keys)
{
	struct aad aad;
	int64_t v;
	int r;

	if ((r = json_get_int(o, "v", 1, 1, &v)) != 0 ||
	    (r = json_get_uuid(o, "tenant", tenant)) != 0)
		return r;
	aad = make_aad(TENANT_AAD, tenant);
	if ((r = unwrap(o, "tenant_key", mek, &aad, keys->tenant)) != 0)
		return r;
	aad = make_aad(HASH_AAD, tenant);
	return unwrap(o, "hash_key", mek, &aad, keys->hash);
}

static int
load_error(const struct home *h, int r)
{
	if (r == CL_ERR_KEY_UNWRAP)
		return why_set(r,
		    "%s/tenant.json does not open with %s/mek: one of the two "
		    "is damaged or from another owner; restore both from one "
		    "backup",
		    h->path, h->path);
	return why_set(r,
	    "%s/tenant.json is damaged (member \"%s\": %s); restore it from "
	    "your backup",
	    h->path, json_why(), err_text(r));
}

int
owner_file_load(const struct home *h, const uint8_t mek[CRYPTO_KEY],
    uint8_t tenant[16], struct owner_keys *keys)
{
	uint8_t *text = NULL;
	json_t *o = NULL;
	size_t n;
	int r;

	if ((r = home_read(h, "tenant.json", &text, &n)) != 0)
		return r;
	o = json_parse((char *)text, n, &r);
	if (!o)
		r = why_set(r, "%s/tenant.json: expected JSON text: %s",
		    h->path, err_text(r));
	else if ((r = read_members(o, mek, tenant, keys)) != 0)
		r = load_error(h, r);
	json_decref(o);
	secmem_free(text);
	return r;
}

static int
wrap(json_t *o, const char *key, const uint8_t mek[CRYPTO_KEY],
    const struct aad *aad, const uint8_t in[CRYPTO_KEY])
{
	uint8_t wrapped[WRAPPED];
	int r;

	if ((r = crypto_wrap(mek, aad->p, aad->n, in, CRYPTO_KEY, wrapped)) !=
	    0)
		return r;
	return json_set_blob(o, key, wrapped, WRAPPED);
}

static int
write_members(json_t *o, const uint8_t mek[CRYPTO_KEY],
    const uint8_t tenant[16], const struct owner_keys *keys)
{
	struct aad aad = make_aad(TENANT_AAD, tenant);
	int r;

	if (json_object_set_new(o, "v", json_integer(1)) != 0)
		return CL_ERR_MEMORY;
	if ((r = json_set_uuid(o, "tenant", tenant)) != 0 ||
	    (r = wrap(o, "tenant_key", mek, &aad, keys->tenant)) != 0)
		return r;
	aad = make_aad(HASH_AAD, tenant);
	return wrap(o, "hash_key", mek, &aad, keys->hash);
}

int
owner_file_store(const struct home *h, const uint8_t mek[CRYPTO_KEY],
    const uint8_t tenant[16], const struct owner_keys *keys)
{
	json_t *o = json_object();
	char *text = NULL;
	size_t n;
	int r;

	if (!o)
		return why_memory();
	if ((r = write_members(o, mek, tenant, keys)) != 0)
		r = why_set(
		    r, "cannot wrap the tenant's keys: %s", err_text(r));
	else if (!(text = json_text(o, &n)))
		r = why_memory();
	else
		r = home_write_new(h, "tenant.json", text, n);
	secmem_free(text);
	json_decref(o);
	return r;
}
