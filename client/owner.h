/*
 * The owner: who signs (identity) and what for (tenant key, hash key). The
 * keys live in secmem and are wiped by owner_close.
 */
#ifndef CLOISTER_CLIENT_OWNER_H
#define CLOISTER_CLIENT_OWNER_H

#include "client/home.h"
#include "lib/crypto.h"
#include "policy/identity.h"

#define OWNER_FLOOR_MAX 4096u

struct owner_keys {
	uint8_t tenant[CRYPTO_KEY];
	uint8_t hash[CRYPTO_KEY];
};

struct owner {
	struct home home;
	uint8_t tenant[16];
	struct owner_keys *keys;
	struct identity *public;
	struct identity *private; /* NULL until owner_unlock */
};

struct owner_new {
	const char *home; /* NULL: the default place */
	enum identity_kind kind;
	const char *passphrase; /* NULL: the private key stays in clear */
	const char *sim_root;	/* PEM text of the simulated TEE, or NULL */
};

/* Draws keys and identity and writes a new home. CL_ERR_EXISTS. */
CL_MUST_CHECK int owner_create(const struct owner_new *n, char **path);
/* Everything but the private key. home NULL: the default place. */
CL_MUST_CHECK int owner_open(const char *home, struct owner **out);
void owner_close(struct owner *o);
/* Loads the private key; when it is encrypted, with the passphrase from the
 * file, or, when that is NULL, from the terminal. */
CL_MUST_CHECK int owner_unlock(struct owner *o, const char *passphrase_path);
CL_MUST_CHECK int owner_pukid(
    const struct owner *o, char out[IDENTITY_PUKID_LEN]);

#endif
