/*
 * The engine's confinement, one layer a function, in the order in which they
 * are put on. All but the last must come before the first thread: they hold
 * for the calling thread and those it starts. A layer that this kernel does
 * not have is CL_ERR_UNSUPPORTED and the caller's decision; any other failure
 * means that the engine must not serve.
 */
#ifndef CLOISTER_AGENT_CONFINE_H
#define CLOISTER_AGENT_CONFINE_H

#include <stdint.h>

#include "lib/err.h"

/* No core, no tracer, no privilege by exec, no huge or merged pages; nofile:
 * descriptors that it may have. */
CL_MUST_CHECK int confine_process(unsigned nofile);
/* Everything but standard error and the n descriptors in keep is closed. */
CL_MUST_CHECK int confine_descriptors(const int *keep, unsigned n);
/* Becomes uid and gid (unless they are SETUP_NO_UID), without capabilities,
 * and without a way to get one. */
CL_MUST_CHECK int confine_user(uint32_t uid, uint32_t gid);
/* No memory becomes executable any more. */
CL_MUST_CHECK int confine_memory(void);
/* No file, no TCP port, no abstract socket, no signal beyond the engine. */
CL_MUST_CHECK int confine_landlock(void);
/* The system calls of serving, for all threads at once; every other one kills
 * the process. database, broker: the only descriptors to accept from. */
CL_MUST_CHECK int confine_syscalls(int database, int broker);

#endif
