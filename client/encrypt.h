/*
 * Bulk encryption: values, one a line, or chosen columns of CSV. Both stop at
 * the first value that is not one of its type; why_text() names the line.
 */
#ifndef CLOISTER_CLIENT_ENCRYPT_H
#define CLOISTER_CLIENT_ENCRYPT_H

#include <stdbool.h>

#include "client/cells.h"
#include "client/out.h"

#define ENCRYPT_MAX_COLUMNS 1600u /* as many as a PostgreSQL table has */

/* One kind of value for one group. */
struct encrypt_as {
	struct group *group;
	uint8_t type;
	bool literal; /* 'cl1_…'::enc_int4 instead of cl1_… */
};

/* The whole of value as one cell, and a newline. */
CL_MUST_CHECK int encrypt_value(struct cells *c, const struct encrypt_as *as,
    const char *value, size_t n, struct text *out);
/* Each line of fd. */
CL_MUST_CHECK int encrypt_lines(
    const struct encrypt_as *as, int fd, struct out *out);

/* Column specification: "2:int4:payroll,name:text:people". */
struct encrypt_csv;
CL_MUST_CHECK int encrypt_csv_new(const struct groups *groups,
    const char *columns, bool header, struct encrypt_csv **out);
CL_MUST_CHECK int encrypt_csv_run(
    struct encrypt_csv *e, int fd, struct out *out);
void encrypt_csv_free(struct encrypt_csv *e);

/* enum cell_type of a name. CL_ERR_ARGUMENT lists the names. */
CL_MUST_CHECK int encrypt_type(const char *name, uint8_t *type);

#endif
