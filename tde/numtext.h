/*
 * Text forms of bool and integers, as PostgreSQL 15 reads and prints
 * them. Input may have white space around it and needs no NUL.
 */
#ifndef CLOISTER_TDE_NUMTEXT_H
#define CLOISTER_TDE_NUMTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define NUMTEXT_MAX 20u /* bytes that the printer may need */

/* Strips white space (C locale) at both ends. */
void numtext_trim(const char **text, size_t *n);

/* Both parsers: CL_ERR_TEXT for bad syntax, CL_ERR_OVERFLOW out of range. */
CL_MUST_CHECK int numtext_bool(const char *text, size_t n, bool *v);
CL_MUST_CHECK int numtext_int(
    const char *text, size_t n, int64_t min, int64_t max, int64_t *v);

/* Bytes written, no NUL. */
size_t numtext_print_int(int64_t v, char out[NUMTEXT_MAX]);

#endif
