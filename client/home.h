/*
 * The owner's directory: $CLOISTER_HOME, by default ~/.cloister, mode 0700.
 *
 *	mek		32 random bytes, 0600: loses it, loses everything
 *	identity.pem	signing key, PKCS#8, perhaps under a passphrase
 *	identity.pub	its public half; its hash is the pukid
 *	tenant.json	tenant's UUID, tenant key and hash key, wrapped by mek
 *	policy.json	which evidence to accept (policy/appraise.h)
 *	floor.json	newest versions seen, so that old policy cannot return
 *	pins.json	heads of agents' audit chains
 *	groups/		one NAME.json per DEK group
 *	endorsements/	cache of vendors' documents (client/cache.h)
 */
#ifndef CLOISTER_CLIENT_HOME_H
#define CLOISTER_CLIENT_HOME_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define HOME_FILE_MAX (1u << 20)

struct home {
	int dirfd;
	char *path;
};

/* option (may be NULL), else $CLOISTER_HOME, else ~/.cloister. malloc'd. */
CL_MUST_CHECK int home_path(const char *option, char **path);
/* CL_ERR_NOT_FOUND, CL_ERR_PERMISSION (not ours, or open to others). */
CL_MUST_CHECK int home_open(const char *option, struct home *h);
void home_close(struct home *h);

/* Keeps other processes from changing the home meanwhile; waits for them. */
CL_MUST_CHECK int home_lock(const struct home *h);
void home_unlock(const struct home *h);

/* A regular file of ours below the home, at most HOME_FILE_MAX bytes, in
 * fresh secmem with a NUL behind. secret: others must not be able to read it.
 */
CL_MUST_CHECK int home_read(
    const struct home *h, const char *name, uint8_t **p, size_t *n);
CL_MUST_CHECK int home_read_secret(
    const struct home *h, const char *name, uint8_t **p, size_t *n);
/* Replaces atomically, 0600. */
CL_MUST_CHECK int home_write(
    const struct home *h, const char *name, const void *p, size_t n);
/* As home_write; CL_ERR_EXISTS when it is there. */
CL_MUST_CHECK int home_write_new(
    const struct home *h, const char *name, const void *p, size_t n);

/*
 * A new home appears whole or not at all: home_begin makes a directory beside
 * its place, home_commit renames it there, home_abandon removes it.
 * CL_ERR_EXISTS when the place is taken.
 */
CL_MUST_CHECK int home_begin(const char *option, struct home *h);
CL_MUST_CHECK int home_commit(struct home *h, const char *option);
void home_abandon(struct home *h);

#endif
