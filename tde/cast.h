/* PostgreSQL 15's explicit casts between the types of cells. */
#ifndef CLOISTER_TDE_CAST_H
#define CLOISTER_TDE_CAST_H

#include "tde/scratch.h"
#include "tde/val.h"

/* Is there such a cast? A type to itself: yes. */
bool cast_known(uint8_t from, uint8_t to);
/* v is not NULL; bytes of the result may be in s. The parse errors of
 * value_parse, CL_ERR_OVERFLOW, CL_ERR_DATETIME, CL_ERR_LIMIT. */
CL_MUST_CHECK int cast_run(
    const struct val *v, uint8_t to, struct eval_scratch *s, struct val *out);

#endif
