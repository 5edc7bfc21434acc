/* Text forms of bytea and uuid, as PostgreSQL 15 reads and prints them. */
#ifndef CLOISTER_TDE_BYTETEXT_H
#define CLOISTER_TDE_BYTETEXT_H

#include "lib/buf.h"

/* "\x" and hex digits, or the escape format (\\ and \ooo). CL_ERR_TEXT. */
CL_MUST_CHECK int bytetext_parse_bytea(
    const char *text, size_t n, struct wr *out);
/* Hex format. */
CL_MUST_CHECK int bytetext_print_bytea(
    const uint8_t *p, size_t n, struct wr *out);
/* Braces around and hyphens after any four digits are fine. CL_ERR_TEXT. */
CL_MUST_CHECK int bytetext_parse_uuid(
    const char *text, size_t n, struct wr *out);
CL_MUST_CHECK int bytetext_print_uuid(const uint8_t p[16], struct wr *out);

#endif
