/*
 * A restore in one psql connection, so that the owner's session can be opened
 * in it before anything compares values: definitions first, then the catalog
 * of groups, the session, the data, and the indexes and constraints.
 */
#ifndef CLOISTER_CLIENT_RESTORE_H
#define CLOISTER_CLIENT_RESTORE_H

#include "client/owner.h"
#include "client/text.h"

#define RESTORE_MAX_ARGS 256u

/* Arguments for a child; those of options are composed and owned. */
struct restore_args {
	char *v[RESTORE_MAX_ARGS];
	size_t n;
};

struct restore_plan {
	struct restore_args select;  /* pg_restore: what to restore, and how */
	struct restore_args create;  /* pg_restore: first phase only */
	struct restore_args connect; /* psql: where to */
	const char *list;	     /* --use-list */
	const char *dump;
	int single; /* one transaction */
};

CL_MUST_CHECK int restore_args_add(
    struct restore_args *a, const char *option, const char *value);
void restore_plan_clear(struct restore_plan *p);

/* o is unlocked. Stops at the first error. */
CL_MUST_CHECK int restore_run(
    const struct restore_plan *plan, const struct owner *o);

/* From the lines of pg_restore --list, those of the extension's catalog, and
 * the others. */
CL_MUST_CHECK int restore_split_list(
    const struct text *list, struct text *catalog, struct text *rest);

#endif
