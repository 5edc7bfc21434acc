/*
 * Sessions: the engine's memory that a subject has proved its identity on one
 * connection. Others may join with the token; it ends with the connection
 * that opened it, or with its tenant's keys.
 */
#ifndef CLOISTER_AGENT_SESSION_H
#define CLOISTER_AGENT_SESSION_H

#include <stdint.h>

#include "agent/engine.h"
#include "policy/identity.h"

#define SESSION_TOKEN 32u

struct session;
struct sessions;
struct tenant;

CL_MUST_CHECK int sessions_new(struct sessions **out);
/* Takes a reference on t. */
CL_MUST_CHECK int session_open(struct engine *e, struct tenant *t,
    const char *subject, struct session **out);
/* CL_ERR_NO_SESSION when no open session has this token. */
CL_MUST_CHECK int session_join(
    struct engine *e, const uint8_t token[SESSION_TOKEN], struct session **out);
/* Gives the caller's part back; close ends it for everybody. */
void session_leave(struct engine *e, struct session *s, bool close);
/* Ends every session of t; why: what session_check() then answers with. */
void sessions_end_tenant(struct sessions *all, struct tenant *t, int why);

/* CL_OK, or what ended it: CL_ERR_NO_SESSION, CL_ERR_NO_TENANT; *why: static
 * text. */
CL_MUST_CHECK int session_check(const struct session *s, const char **why);
struct tenant *session_tenant(const struct session *s);
const char *session_subject(const struct session *s);
const uint8_t *session_token(const struct session *s);

#endif
