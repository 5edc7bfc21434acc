/* The engine's last step before it serves; runs in a worker. */
#ifndef CLOISTER_AGENT_BOOT_H
#define CLOISTER_AGENT_BOOT_H

#include "lib/err.h"

struct engine;

/* Gets the root sealing key, unseals the tenants, says READY. Without the key
 * the engine serves too, and says why nothing sealed is there. */
CL_MUST_CHECK int boot_engine(struct engine *e);

#endif
