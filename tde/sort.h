/*
 * SORT: cells are appended, the engine sorts the plaintext, ranks go out.
 * Equal values have equal ranks (dense, from 0), so a rank compares like the
 * value. More cells may follow then, and all or the last of them be sorted
 * again. Memory is secmem, bounded; all of it is wiped by sort_free.
 */
#ifndef CLOISTER_TDE_SORT_H
#define CLOISTER_TDE_SORT_H

#include "tde/keytree.h"

struct sortrun;

/* Finds the key for a tag; *out is borrowed until sort_append returns.
 * CL_ERR_NEED_GROUP, CL_ERR_REFUSED … are passed on. */
typedef int (*sort_group)(void *arg, uint32_t tag, struct groupkey **out);

CL_MUST_CHECK int sort_new(struct sortrun **out, uint8_t type, size_t limit);
/* n length-prefixed cells from in; NULL entries are CL_ERR_FORMAT. All or
 * nothing: on failure (CL_ERR_LIMIT when memory is out) the run is as before.
 */
CL_MUST_CHECK int sort_append(
    struct sortrun *s, uint32_t n, struct rd *in, sort_group group, void *arg);
/* Ranks the rows from from to the last one among themselves; ranks of before
 * are gone, also when it fails. CL_ERR_ARGUMENT when from > sort_count. *stop
 * is polled; when it becomes non-zero: CL_ERR_TIMEOUT. May be NULL. */
CL_MUST_CHECK int sort_finish(
    struct sortrun *s, uint32_t from, const volatile int *stop);
uint32_t sort_count(const struct sortrun *s);
/* count u32 ranks of the cells offset.. in the order of their appending.
 * CL_ERR_STATE before sort_finish, CL_ERR_ARGUMENT outside the rows that it
 * ranked. */
CL_MUST_CHECK int sort_ranks(
    const struct sortrun *s, uint32_t offset, uint32_t count, struct wr *out);
void sort_free(struct sortrun *s);

#endif
