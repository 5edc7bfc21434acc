/*
 * pins.json: {"boot in hex":{"count":n,"head":hex},…}: the newest head of the
 * audit chain that each start of an engine has shown. A chain that got shorter
 * or changed under a count already seen was cut.
 */
#ifndef CLOISTER_CLIENT_PINS_H
#define CLOISTER_CLIENT_PINS_H

#include <jansson.h>

#include "client/home.h"

/* Compares a reply's audit head with the pin and moves the pin. A reply
 * without one changes nothing. CL_ERR_ROLLBACK. */
CL_MUST_CHECK int pins_check(const struct home *h, const json_t *reply);

#endif
