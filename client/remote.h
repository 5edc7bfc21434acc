/*
 * The way to the agent: through SQL functions of the extension, or straight
 * over the agent's socket on the same machine. What travels is the same.
 */
#ifndef CLOISTER_CLIENT_REMOTE_H
#define CLOISTER_CLIENT_REMOTE_H

#include <stddef.h>
#include <stdint.h>

#include "client/text.h"

struct remote;

struct remote_group {
	const char *text; /* definition, NUL-terminated */
	const uint8_t *sig;
	size_t sig_n;
	const uint8_t *wrapped;
	size_t wrapped_n;
};

/* conninfo may be NULL: PG* variables, as psql has it. */
CL_MUST_CHECK int remote_sql(const char *conninfo, struct remote **out);
CL_MUST_CHECK int remote_socket(const char *path, struct remote **out);
void remote_close(struct remote *r);

/* The evidence envelope for a nonce; appends its text to out. tee: which kind,
 * or NULL. */
CL_MUST_CHECK int remote_evidence(struct remote *r, const uint8_t nonce[32],
    const char *tee, struct text *out);
/* The same, of kind "tpm", for a nonce whose other half the machine's TPM has
 * to open (policy/tpm_credential.h). */
CL_MUST_CHECK int remote_prove(struct remote *r, const uint8_t nonce[32],
    const uint8_t *credential, size_t n, struct text *out);
/* Carries a message, appends the reply. */
CL_MUST_CHECK int remote_message(
    struct remote *r, const uint8_t *message, size_t n, struct text *reply);
/* Which start of the engine answers. */
CL_MUST_CHECK int remote_boot(struct remote *r, uint8_t boot[16]);
/* Opens a session of the connection with a message in base64; not over a
 * socket. */
CL_MUST_CHECK int remote_open(struct remote *r, const char *message);
/* Puts a definition into the database's catalog, and into the
 * agent when a session is open; not over a socket. */
CL_MUST_CHECK int remote_group_put(
    struct remote *r, const struct remote_group *g);

struct remote_ask {
	const uint8_t *nonce;	   /* 32 bytes */
	const char *tee;	   /* NULL: the agent's own kind */
	const uint8_t *credential; /* NULL: none; else tee is given */
	size_t credential_n;
};

/* What a way has to offer: one row each in remote_sql.c, remote_socket.c. */
struct remote_way {
	int (*evidence)(
	    void *way, const struct remote_ask *ask, struct text *out);
	int (*message)(
	    void *way, const uint8_t *p, size_t n, struct text *reply);
	int (*boot)(void *way, uint8_t boot[16]);
	int (*open)(void *way, const char *message);
	int (*group_put)(void *way, const struct remote_group *g);
	void (*close)(void *way);
};

CL_MUST_CHECK int remote_new(
    const struct remote_way *way, void *state, struct remote **out);

#endif
