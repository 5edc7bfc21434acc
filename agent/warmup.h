/*
 * Everything that libraries set up on first use is used once by every worker
 * before the filter closes: afterwards no call opens a file or maps memory.
 */
#ifndef CLOISTER_AGENT_WARMUP_H
#define CLOISTER_AGENT_WARMUP_H

#include "lib/err.h"

/* Once per process, in the main thread. */
CL_MUST_CHECK int warmup_process(void);
/* In every thread that will serve. */
CL_MUST_CHECK int warmup_thread(void);

#endif
