/* Ways to keep the root sealing key; sealing/seal chooses one by its name. */
#ifndef CLOISTER_SEALING_SEAL_PROVIDER_H
#define CLOISTER_SEALING_SEAL_PROVIDER_H

#include "sealing/seal.h"

/* Each fills reason on failure; see seal_root_key(). */
CL_MUST_CHECK int seal_tpm(const struct seal_config *c, uint8_t key[SEAL_KEY],
    char reason[SEAL_REASON]);
CL_MUST_CHECK int seal_file(const struct seal_config *c, uint8_t key[SEAL_KEY],
    char reason[SEAL_REASON]);

/*
 * Before a provider makes a new key because file is not there: sealed records
 * mean that there was a key, and a new one would not open them. CL_ERR_SEALED.
 */
CL_MUST_CHECK int seal_first_use(
    const struct seal_config *c, const char *file, char reason[SEAL_REASON]);

#endif
