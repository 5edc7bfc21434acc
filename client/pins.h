/*
 * pins.json: {"boot in hex":{"key":hex,"count":n,"head":hex,"seen":time},…}:
 * for each start of an engine whose evidence was accepted, its audit key and
 * the newest head of its audit chain. A chain that got shorter, or changed
 * under a count already seen, was cut.
 */
#ifndef CLOISTER_CLIENT_PINS_H
#define CLOISTER_CLIENT_PINS_H

#include <jansson.h>

#include "client/home.h"
#include "policy/evidence.h"

/* Remembers the audit key of claims that were appraised and accepted. */
CL_MUST_CHECK int pins_learn(
    const struct home *h, const struct evidence_claims *claims);
/*
 * Around a request: pins_load before it is sent (new reference), pins_check
 * with what that gave when the reply has come. The reply's signed audit head
 * must not be older than the pins were; then the pin moves. A reply of a start
 * whose key was never learned changes nothing. CL_ERR_SIGNATURE,
 * CL_ERR_ROLLBACK.
 */
CL_MUST_CHECK int pins_load(const struct home *h, json_t **before);
CL_MUST_CHECK int pins_check(
    const struct home *h, const json_t *before, const json_t *reply);

#endif
