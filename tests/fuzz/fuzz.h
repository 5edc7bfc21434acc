/*
 * What fuzz targets share. Each is one file with one libFuzzer entry, built
 * with ASan and UBSan; its first comment names the functions that it feeds.
 * Any answer of theirs is good; what must hold of it is said with fuzz_holds.
 */
#ifndef CLOISTER_TESTS_FUZZ_H
#define CLOISTER_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_TIME INT64_C(1772323200) /* 2026-03-01, of the vectors */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define fuzz_holds(what)                                                       \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
			    __FILE__, __LINE__, #what);                        \
			abort();                                               \
		}                                                              \
	} while (0)

/* A part of the input on its own, so that ASan sees its end. */
static inline uint8_t *
fuzz_copy(const void *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	fuzz_holds(copy);
	if (n)
		memcpy(copy, p, n);
	return copy;
}

#endif
