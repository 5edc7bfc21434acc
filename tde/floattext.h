/*
 * Text forms of float4 and float8, as PostgreSQL 15 reads and prints them.
 * Printing gives the shortest digits that lie strictly between the middles to
 * the two neighbours, and among those the closest ones: what PostgreSQL's Ryu
 * code gives with extra_float_digits = 1.
 */
#ifndef CLOISTER_TDE_FLOATTEXT_H
#define CLOISTER_TDE_FLOATTEXT_H

#include <stddef.h>

#include "lib/err.h"

#define FLOATTEXT_MAX 32u /* bytes that a printer may need */

/* White space around is fine, no NUL needed. CL_ERR_TEXT for bad syntax,
 * CL_ERR_OVERFLOW when the value is too large, or too small but not 0. */
CL_MUST_CHECK int floattext_parse4(const char *text, size_t n, float *v);
CL_MUST_CHECK int floattext_parse8(const char *text, size_t n, double *v);
/* Bytes written, no NUL. */
size_t floattext_print4(float v, char out[FLOATTEXT_MAX]);
size_t floattext_print8(double v, char out[FLOATTEXT_MAX]);

#endif
