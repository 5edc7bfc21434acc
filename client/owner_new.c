/* A new owner: keys, identity, policy, in a home that appears as a whole. */
#include <string.h>

#include "client/owner.h"
#include "client/owner_file.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"

static int
write_identity(const struct home *h, const struct owner_new *n)
{
	struct identity *id = NULL;
	char *private = NULL, *public = NULL;
	int r;

	if ((r = identity_generate(n->kind, &id)) != 0 ||
	    (r = identity_private_pem(id, n->passphrase, &private)) != 0 ||
	    (r = identity_public_pem(id, &public)) != 0)
		r = why_set(r, "cannot make the identity: %s", err_text(r));
	else if ((r = home_write_new(
		      h, "identity.pem", private, strlen(private))) == 0)
		r = home_write_new(h, "identity.pub", public, strlen(public));
	secmem_free(private);
	secmem_free(public);
	identity_free(id);
	return r;
}

struct new_keys {
	uint8_t mek[CRYPTO_KEY];
	uint8_t tenant[16];
	struct owner_keys keys;
};

static int
write_keys(const struct home *h)
{
	struct new_keys *k = secmem_alloc(sizeof(*k));
	int r;

	if (!k)
		return why_memory();
	if ((r = crypto_random(k->mek, sizeof(k->mek))) != 0 ||
	    (r = uuid_random(k->tenant)) != 0 ||
	    (r = crypto_random(&k->keys, sizeof(k->keys))) != 0)
		r = why_set(r, "cannot draw keys: %s", err_text(r));
	else if ((r = home_write_new(h, "mek", k->mek, sizeof(k->mek))) == 0)
		r = owner_file_store(h, k->mek, k->tenant, &k->keys);
	secmem_free(k);
	return r;
}

static int
write_json(const struct home *h, const char *name, json_t *o)
{
	char *text = NULL;
	size_t n;
	int r;

	text = o ? json_text(o, &n) : NULL;
	r = text ? home_write_new(h, name, text, n) : why_memory();
	secmem_free(text);
	json_decref(o);
	return r;
}

static int
write_policy(const struct home *h, const char *sim_root)
{
	json_t *o = json_pack("{s:i, s:b, s:s*}", "v", 1, "accept_sim",
	    sim_root != NULL, "sim_root", sim_root);

	return write_json(h, "policy.json", o);
}

static int
write_floor(const struct home *h)
{
	json_t *o = json_pack("{s:{}, s:i}", "groups", "brl", 0);

	return write_json(h, "floor.json", o);
}

int
owner_create(const struct owner_new *n, char **path)
{
	struct home h;
	int r;

	*path = NULL;
	if ((r = home_begin(n->home, &h)) != 0)
		return r;
	if ((r = write_identity(&h, n)) != 0 || (r = write_keys(&h)) != 0 ||
	    (r = write_policy(&h, n->sim_root)) != 0 ||
	    (r = write_floor(&h)) != 0 || (r = home_commit(&h, n->home)) != 0) {
		home_abandon(&h);
		return r;
	}
	*path = strdup(h.path);
	home_close(&h);
	return *path ? CL_OK : why_memory();
}
