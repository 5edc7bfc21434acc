/* A clock that nobody sets. */
#ifndef CLOISTER_TESTS_CLOCK_H
#define CLOISTER_TESTS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds. */
static inline int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

#endif
