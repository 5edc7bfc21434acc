/* groups/NAME.json: {"v":1,"definition":"text","signature":b64url,
 * "wrapped":b64url}. */
#ifndef CLOISTER_CLIENT_GROUPS_FILE_H
#define CLOISTER_CLIENT_GROUPS_FILE_H

#include "client/groups.h"

/* Verifies and opens; root may be NULL. The floor is not looked at. */
CL_MUST_CHECK int groups_file_read(const struct owner *o, const char *name,
    struct group *g, uint8_t root[CRYPTO_KEY]);
/* Signs and wraps g->def, which fills the rest of g; then writes the file:
 * fresh must not exist yet, otherwise it is replaced. */
CL_MUST_CHECK int groups_file_write(const struct owner *o, struct group *g,
    const uint8_t root[CRYPTO_KEY], int fresh);

#endif
