/*
 * Whole exchanges with an agent: ask, judge, answer, pin.
 */
#ifndef CLOISTER_CLIENT_EXCHANGE_H
#define CLOISTER_CLIENT_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>

#include "client/appraisal.h"
#include "client/endorsements.h"
#include "client/owner.h"
#include "client/remote.h"

/* Evidence for a fresh nonce, judged under home's policy with endorsements of
 * from: results as of appraisal_run. */
CL_MUST_CHECK int exchange_evidence(const struct home *home,
    struct remote *agent, struct endorsements *from, struct appraisal *out);

struct exchange_lease {
	bool seal;	 /* the agent may keep the keys, sealed */
	int64_t seconds; /* 0: until it stops */
};

/* Hands the tenant's keys to an agent whose evidence was accepted. o is
 * unlocked. */
CL_MUST_CHECK int exchange_provision(const struct owner *o,
    struct remote *agent, const struct appraisal *accepted,
    const struct exchange_lease *lease);

/* "status" and "forget". o is unlocked. *answer: new reference. */
CL_MUST_CHECK int exchange_ask(const struct owner *o, struct remote *agent,
    const char *op, json_t **answer);

#endif
