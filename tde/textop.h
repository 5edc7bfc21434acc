/* Functions of text and bytea as in PostgreSQL 15; new bytes are in s. */
#ifndef CLOISTER_TDE_TEXTOP_H
#define CLOISTER_TDE_TEXTOP_H

#include "tde/scratch.h"
#include "tde/val.h"

/* CL_ERR_LIMIT when the result is longer than a cell may hold. */
CL_MUST_CHECK int textop_concat(const struct val *a, const struct val *b,
    struct eval_scratch *s, struct val *out);
/* Characters of text, bytes of bytea, counted from 1; length NULL: to the
 * end. out borrows v's bytes. CL_ERR_SUBSTRING for a negative length. */
CL_MUST_CHECK int textop_substr(
    const struct val *v, int32_t start, const int32_t *length, struct val *out);
/* Characters of text, bytes of bytea. */
int64_t textop_length(const struct val *v);
/* ASCII letters only. */
CL_MUST_CHECK int textop_fold(
    const struct val *v, bool upper, struct eval_scratch *s, struct val *out);

#endif
