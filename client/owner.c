#include <stdlib.h>
#include <string.h>

#include "client/owner.h"
#include "client/owner_file.h"
#include "client/passphrase.h"
#include "client/why.h"
#include "lib/secmem.h"

static int
load_mek(const struct home *h, uint8_t **mek)
{
	uint8_t *p = NULL;
	size_t n;
	int r;

	if ((r = home_read_secret(h, "mek", &p, &n)) != 0)
		return r;
	if (n != CRYPTO_KEY) {
		secmem_free(p);
		return why_set(CL_ERR_FORMAT,
		    "%s/mek: expected %u bytes, came %zu; restore it from your "
		    "backup",
		    h->path, CRYPTO_KEY, n);
	}
	*mek = p;
	return CL_OK;
}

static int
load_public(struct owner *o)
{
	uint8_t *pem = NULL;
	size_t n;
	int r;

	if ((r = home_read(&o->home, "identity.pub", &pem, &n)) != 0)
		return r;
	if ((r = identity_load_public((char *)pem, n, &o->public)) != 0)
		r = why_set(r,
		    "%s/identity.pub: expected a public key in PEM form: %s",
		    o->home.path, err_text(r));
	secmem_free(pem);
	return r;
}

static int
load(struct owner *o)
{
	uint8_t *mek = NULL;
	int r;

	if ((r = load_mek(&o->home, &mek)) != 0 ||
	    (r = owner_file_load(&o->home, mek, o->tenant, o->keys)) != 0)
		goto out;
	r = load_public(o);
out:
	secmem_free(mek);
	return r;
}

int
owner_open(const char *home, struct owner **out)
{
	struct owner *o = calloc(1, sizeof(*o));
	int r;

	*out = NULL;
	if (!o)
		return why_memory();
	o->home.dirfd = -1;
	o->keys = secmem_alloc(sizeof(*o->keys));
	if (!o->keys)
		r = why_memory();
	else if ((r = home_open(home, &o->home)) == 0)
		r = load(o);
	if (r) {
		owner_close(o);
		return r;
	}
	*out = o;
	return CL_OK;
}

void
owner_close(struct owner *o)
{
	if (!o)
		return;
	secmem_free(o->keys);
	identity_free(o->public);
	identity_free(o->private);
	home_close(&o->home);
	free(o);
}

static int
unlock_with(struct owner *o, const char *pem, size_t n, const char *path)
{
	char *passphrase = NULL;
	int r;

	r = path ? passphrase_file(path, &passphrase)
		 : passphrase_ask(
		       "Passphrase of the owner's identity: ", 0, &passphrase);
	if (r)
		return r;
	r = identity_load_private(pem, n, passphrase, &o->private);
	secmem_free(passphrase);
	if (r)
		return why_set(r,
		    "%s/identity.pem does not open with this "
		    "passphrase",
		    o->home.path);
	return CL_OK;
}

/* A swapped identity.pub must not send tenant and signer apart. */
static int
check_pair(const struct owner *o)
{
	char a[IDENTITY_PUKID_LEN], b[IDENTITY_PUKID_LEN];

	if (identity_pukid(o->private, a) || identity_pukid(o->public, b) ||
	    strcmp(a, b) != 0)
		return why_set(CL_ERR_FORMAT,
		    "%s: identity.pem and identity.pub are not one pair; "
		    "restore both from one backup",
		    o->home.path);
	return CL_OK;
}

int
owner_unlock(struct owner *o, const char *passphrase_path)
{
	uint8_t *pem = NULL;
	size_t n;
	int r;

	if (o->private)
		return CL_OK;
	if ((r = home_read_secret(&o->home, "identity.pem", &pem, &n)) != 0)
		return r;
	if (strstr((char *)pem, "BEGIN ENCRYPTED PRIVATE KEY"))
		r = unlock_with(o, (char *)pem, n, passphrase_path);
	else if ((r = identity_load_private(
		      (char *)pem, n, NULL, &o->private)) != 0)
		r = why_set(r,
		    "%s/identity.pem: expected a private key in PEM form: %s",
		    o->home.path, err_text(r));
	secmem_free(pem);
	return r ? r : check_pair(o);
}

int
owner_pukid(const struct owner *o, char out[IDENTITY_PUKID_LEN])
{
	int r = identity_pukid(o->public, out);

	return r ? why_set(r, "cannot hash the public key: %s", err_text(r))
		 : CL_OK;
}
