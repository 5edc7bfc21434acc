/*
 * Aligned output, as psql has it: a header, a line, rows; columns as wide as
 * their widest value. Rows are kept until the table is printed.
 */
#ifndef CLOISTER_CLIENT_TABLE_H
#define CLOISTER_CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/text.h"

struct table;

CL_MUST_CHECK int table_new(struct table **out);
/* The next value of the record under way. */
CL_MUST_CHECK int table_add(struct table *t, const char *p, size_t n);
/* Ends the record; the first one is the header. CL_ERR_FORMAT when it has
 * another number of values than the header. */
CL_MUST_CHECK int table_end_record(struct table *t);
CL_MUST_CHECK int table_print(const struct table *t, struct text *out);
void table_free(struct table *t);

#endif
