/* Bytes written as hex, for vectors. Include after cmocka.h. */
#ifndef CLOISTER_TESTS_HEX_H
#define CLOISTER_TESTS_HEX_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Gives the number of bytes; out has room for cap. */
static inline size_t
unhex(const char *text, uint8_t *out, size_t cap)
{
	size_t n = strlen(text) / 2, i;
	unsigned v;

	assert_int_equal(strlen(text) % 2, 0);
	assert_true(n <= cap);
	for (i = 0; i < n; i++) {
		assert_int_equal(sscanf(text + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
	return n;
}

#endif
