/*
 * Reads a file of test vectors: blocks of "member = hex" (name is text),
 * separated by empty lines; # begins a comment. Tests run from the top of the
 * source tree. Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_VECTORS_H
#define CLOISTER_TESTS_VECTORS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define VECTOR_MEMBERS 8
#define VECTOR_BYTES   512

struct vector {
	char name[64];
	int members;
	struct {
		char key[16];
		uint8_t bytes[VECTOR_BYTES];
		size_t n;
	} member[VECTOR_MEMBERS];
};

static inline FILE *
vector_open(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s: run the tests from the top of the tree", path);
	return f;
}

static inline void
vector_add(struct vector *v, const char *key, const char *hex)
{
	size_t i, n = strlen(hex) / 2;
	unsigned byte;

	assert_true(v->members < VECTOR_MEMBERS && n <= VECTOR_BYTES);
	snprintf(v->member[v->members].key, 16, "%s", key);
	for (i = 0; i < n; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		v->member[v->members].bytes[i] = (uint8_t)byte;
	}
	v->member[v->members++].n = n;
}

/* 1 and the next block, or 0 at the end. */
static inline int
vector_next(FILE *f, struct vector *v)
{
	char line[2 * VECTOR_BYTES + 64], key[16], text[2 * VECTOR_BYTES + 1];
	int n;

	memset(v, 0, sizeof(*v));
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			continue;
		text[0] = '\0';
		n = sscanf(line, "%15s = %1024s", key, text);
		if (n < 1) {
			if (v->members)
				return 1;
		} else if (strcmp(key, "name") == 0) {
			snprintf(v->name, sizeof(v->name), "%.63s", text);
		} else {
			vector_add(v, key, text);
		}
	}
	return v->members > 0;
}

static inline const uint8_t *
vector_get(const struct vector *v, const char *key, size_t *n)
{
	int i;

	*n = 0;
	for (i = 0; i < v->members; i++)
		if (strcmp(v->member[i].key, key) == 0) {
			*n = v->member[i].n;
			return v->member[i].bytes;
		}
	fail_msg("vector %s has no %s", v->name, key);
	return NULL;
}

#endif
