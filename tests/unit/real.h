/*
 * Evidence of real machines, which is not part of the repository: the folder
 * that CLOISTER_EVIDENCE names, else shared/evidence beside any folder above
 * this one. Tests skip, and say so, where it is missing. Include after
 * cmocka.h.
 */
#ifndef CLOISTER_TESTS_REAL_H
#define CLOISTER_TESTS_REAL_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/secmem.h"

/* NULL where there is none. */
static inline const char *
real_dir(void)
{
	static char path[256];
	const char *env = getenv("CLOISTER_EVIDENCE");
	char up[64] = ".", full[128];
	unsigned i;

	if (env)
		return access(env, R_OK) == 0 ? env : NULL;
	for (i = 0; i < 8; i++) {
		snprintf(full, sizeof(full), "%s/shared/evidence/vectors", up);
		if (access(full, R_OK) == 0) {
			snprintf(path, sizeof(path), "%s/shared/evidence", up);
			return path;
		}
		strcat(up, "/..");
	}
	return NULL;
}

#define REAL_OR_SKIP()                                                         \
	do {                                                                   \
		if (!real_dir()) {                                             \
			print_message(                                         \
			    "skipped: no real evidence on this machine\n");    \
			skip();                                                \
		}                                                              \
	} while (0)

/* A file under vectors/; secmem_free() it. */
static inline uint8_t *
real_file(const char *name, size_t *n)
{
	char path[PATH_MAX];
	uint8_t *p = NULL;

	snprintf(path, sizeof(path), "%s/vectors/%s", real_dir(), name);
	if (file_read(AT_FDCWD, path, 16u << 20, &p, n) != 0)
		fail_msg("%s is missing", path);
	return p;
}

#endif
