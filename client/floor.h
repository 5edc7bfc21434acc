/*
 * floor.json: {"groups":{"uuid":version,…},"brl":n}. The newest versions this
 * owner has signed. It travels with provisioning, so that a rewound database
 * cannot bring an old definition back, and guards the owner's own files.
 */
#ifndef CLOISTER_CLIENT_FLOOR_H
#define CLOISTER_CLIENT_FLOOR_H

#include <jansson.h>

#include "client/home.h"

/* New reference. */
CL_MUST_CHECK int floor_load(const struct home *h, json_t **floor);
/* 0 when the group is not in it. */
uint32_t floor_version(const json_t *floor, const uint8_t group[16]);
/* Raises and stores; a lower version changes nothing. */
CL_MUST_CHECK int floor_raise(
    const struct home *h, const uint8_t group[16], uint32_t version);

#endif
