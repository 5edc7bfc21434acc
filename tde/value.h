/*
 * Typed plaintext: how PostgreSQL's text form becomes the bytes inside a cell
 * and back, and how two of them compare. Orders equal PostgreSQL's: NaN above
 * everything and equal to itself, -0 = 0, "C" collation for text.
 */
#ifndef CLOISTER_TDE_VALUE_H
#define CLOISTER_TDE_VALUE_H

#include "lib/buf.h"
#include "tde/cell_layout.h"

/* "int4" for TYPE_INT4; NULL when unknown. */
const char *value_type_name(uint8_t type);
/* Also takes integer, bigint, "double precision", timestamp with time zone,
 * …; 0 when unknown. */
uint8_t value_type_by_name(const char *name);

/*
 * Text (n bytes, no NUL needed) to plaintext, appended to out, which stays as
 * it was on failure. CL_ERR_TEXT, CL_ERR_DATE_TEXT, CL_ERR_OVERFLOW,
 * CL_ERR_DATETIME, CL_ERR_ENCODING; CL_ERR_TOO_LARGE when out is full (the
 * plaintext of text and bytea is never longer than its text; else 16 bytes).
 * Dates and times: tde/datetext.h.
 */
CL_MUST_CHECK int value_parse(
    uint8_t type, const char *text, size_t n, struct wr *out);
/* Plaintext to exactly the text that PostgreSQL prints with DateStyle ISO,
 * TimeZone UTC, extra_float_digits 1, bytea_output hex. No NUL. At most 48
 * bytes, but n for text and 2 + 2n for bytea. CL_ERR_BAD_CELL, _TOO_LARGE. */
CL_MUST_CHECK int value_print(
    uint8_t type, const uint8_t *p, size_t n, struct wr *out);
/* CL_ERR_BAD_CELL unless p is a legal plaintext of the type. */
CL_MUST_CHECK int value_check(uint8_t type, const uint8_t *p, size_t n);
/* <0, 0, >0; both are legal plaintexts of the type. */
int value_compare(
    uint8_t type, const uint8_t *a, size_t an, const uint8_t *b, size_t bn);

#endif
