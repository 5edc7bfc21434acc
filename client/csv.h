/*
 * CSV as RFC 4180 and PostgreSQL's COPY … CSV have it: fields separated by
 * commas, records by LF or CRLF; a field in double quotes may hold both, and
 * "" for a quote; an empty field without quotes is NULL, "" an empty string.
 * A push parser: fed in pieces of any size, it calls back per field and
 * record. Written back with csv_put, what was not changed comes out as it was.
 */
#ifndef CLOISTER_CLIENT_CSV_H
#define CLOISTER_CLIENT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/text.h"

#define CSV_FIELD_MAX (32u << 20)

struct csv;

/* Non-zero results end the parsing and are passed on. */
struct csv_hooks {
	/* Lent for the call, not NUL-terminated. */
	int (*field)(void *arg, const char *p, size_t n, bool quoted);
	/* eol: "\n", "\r\n", or "" for a last record without one. */
	int (*record)(void *arg, const char *eol);
	void *arg;
};

CL_MUST_CHECK int csv_new(const struct csv_hooks *hooks, struct csv **out);
/* CL_ERR_FORMAT: a quote or carriage return out of place; why_text() names
 * line and column. CL_ERR_TOO_LARGE: a field above CSV_FIELD_MAX. */
CL_MUST_CHECK int csv_feed(struct csv *c, const char *p, size_t n);
/* CL_ERR_TRUNCATED: the input ends inside quotes. */
CL_MUST_CHECK int csv_end(struct csv *c);
/* Where the parser is, from 1: line of the input, field of the record. */
uint64_t csv_line(const struct csv *c);
unsigned csv_column(const struct csv *c);
void csv_free(struct csv *c);

/* Appends one field; quoted when asked or when its content needs it. */
CL_MUST_CHECK int csv_put(
    struct text *out, const char *p, size_t n, bool quoted);
/* Must this content be quoted to come back as the same, non-NULL, string? As
 * the first field of a record "\." must: alone in a line it ends a COPY. */
bool csv_needs_quotes(const char *p, size_t n, bool first);

#endif
