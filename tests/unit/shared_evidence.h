/*
 * Vendors' real evidence, which is not part of this repository: a folder
 * shared/evidence beside it (or above), or the one that CLOISTER_EVIDENCE
 * names. Tests that want it skip themselves without. Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_SHARED_EVIDENCE_H
#define CLOISTER_TESTS_SHARED_EVIDENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARED_PATH 512

/* The folder of vectors; false: there is none. */
static inline bool
shared_root(char out[SHARED_PATH])
{
	const char *given = getenv("CLOISTER_EVIDENCE");
	char up[64] = "";
	unsigned i;

	if (given) {
		snprintf(out, SHARED_PATH, "%s/vectors", given);
		return access(out, R_OK | X_OK) == 0;
	}
	for (i = 0; i < 8; i++, strcat(up, "../")) {
		snprintf(out, SHARED_PATH, "%sshared/evidence/vectors", up);
		if (access(out, R_OK | X_OK) == 0)
			return true;
	}
	return false;
}

/* In a test that needs vectors: says so and ends it when there are none. */
static inline void
shared_need(void)
{
	char root[SHARED_PATH];

	if (shared_root(root))
		return;
	printf("skipped: no shared/evidence, and CLOISTER_EVIDENCE names "
	       "none\n");
	skip();
}

/* A whole file, malloc'd, with a NUL behind. */
static inline uint8_t *
shared_read(const char *name, size_t *n)
{
	char root[SHARED_PATH], path[SHARED_PATH + 128];
	uint8_t *p;
	FILE *f;

	assert_true(shared_root(root));
	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (!(f = fopen(path, "rb")))
		fail_msg("cannot open %s", path);
	p = malloc((1u << 20) + 1);
	assert_non_null(p);
	*n = fread(p, 1, 1u << 20, f);
	p[*n] = '\0';
	fclose(f);
	return p;
}

static inline json_t *
shared_json(const char *name)
{
	size_t n;
	uint8_t *p = shared_read(name, &n);
	json_t *j = json_loadb((char *)p, n, 0, NULL);

	free(p);
	assert_non_null(j);
	return j;
}

#endif
