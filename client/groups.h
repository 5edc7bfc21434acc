/*
 * The owner's DEK groups: groups/NAME.json holds the signed definition and the
 * group root, wrapped by the tenant key. Loading verifies the signature, the
 * wrapping and the floor.
 */
#ifndef CLOISTER_CLIENT_GROUPS_H
#define CLOISTER_CLIENT_GROUPS_H

#include "client/owner.h"
#include "policy/group_def.h"
#include "tde/keytree.h"

struct group {
	struct group_def def;
	uint32_t tag;
	struct groupkey *key;
	char *text; /* the definition, exactly as signed; secmem */
	size_t text_n;
	uint8_t sig[IDENTITY_SIG_MAX];
	size_t sig_n;
	uint8_t wrapped[CRYPTO_WRAP(CRYPTO_KEY)];
};

struct groups {
	struct group **v; /* in order of names */
	size_t n;
};

/* One group. CL_ERR_NOT_FOUND says which groups there are. */
CL_MUST_CHECK int groups_open(
    const struct owner *o, const char *name, struct group **out);
void groups_close(struct group *g);

/* All of them. A damaged file is reported with bad() (why_text() says what)
 * and left out; the others are there. bad NULL: it fails the call. */
CL_MUST_CHECK int groups_load(
    const struct owner *o, void (*bad)(void), struct groups *out);
void groups_clear(struct groups *gs);
/* NULL when there is none. */
struct group *groups_by_tag(const struct groups *gs, uint32_t tag);
struct group *groups_by_name(const struct groups *gs, const char *name);

/* CL_ERR_ARGUMENT unless letters, digits, _ and -, not a number, at most 63. */
CL_MUST_CHECK int groups_check_name(const char *name);

/* What create and alter are asked for; NULL and 0 mean as before. */
struct groups_wish {
	const char *name;
	const char *suite;    /* create: default aes-256-gcm; alter: NULL */
	const char *ops;      /* default "default" */
	const char *flows_to; /* names with commas; "" for none */
	uint32_t pad;	      /* create only */
	int rotate;	      /* alter: new cells get the next epoch */
};

/* o is unlocked. Draws UUID and root, refuses a taken name or tag, writes the
 * file, raises the floor. */
CL_MUST_CHECK int groups_create(
    struct owner *o, const struct groups_wish *w, struct group **out);
/* Next version of the definition, same root. */
CL_MUST_CHECK int groups_alter(
    struct owner *o, const struct groups_wish *w, struct group **out);

#endif
