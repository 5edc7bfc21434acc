/* Children with pipes. */
#ifndef CLOISTER_CLIENT_PROCESS_H
#define CLOISTER_CLIENT_PROCESS_H

#include <sys/types.h>

#include "client/text.h"

/* Starts argv[0] from PATH; in and out become its standard input and output
 * (-1: inherited). */
CL_MUST_CHECK int process_start(
    char *const argv[], int in, int out, pid_t *pid);
/* Waits. CL_ERR_IO unless it exited with 0; why_text() says how it ended. */
CL_MUST_CHECK int process_wait(pid_t pid, const char *name);
/* Runs to the end and appends its standard output. */
CL_MUST_CHECK int process_output(char *const argv[], struct text *out);

#endif
