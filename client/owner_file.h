/* tenant.json, and what else a new home is filled with. */
#ifndef CLOISTER_CLIENT_OWNER_FILE_H
#define CLOISTER_CLIENT_OWNER_FILE_H

#include "client/owner.h"

/* Unwraps with mek[32]. CL_ERR_KEY_UNWRAP: the mek belongs elsewhere. */
CL_MUST_CHECK int owner_file_load(const struct home *h,
    const uint8_t mek[CRYPTO_KEY], uint8_t tenant[16], struct owner_keys *keys);
/* Wraps and writes a new tenant.json. */
CL_MUST_CHECK int owner_file_store(const struct home *h,
    const uint8_t mek[CRYPTO_KEY], const uint8_t tenant[16],
    const struct owner_keys *keys);

#endif
