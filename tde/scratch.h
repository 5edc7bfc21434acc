/*
 * Working memory of one worker: a stack of secmem blocks with a mark to fall
 * back to. Pointers stay valid until the next scratch_fall_back or
 * scratch_clear that is below them. Inside tde only, but for eval_scratch_new
 * and eval_scratch_free (tde/eval.h).
 */
#ifndef CLOISTER_TDE_SCRATCH_H
#define CLOISTER_TDE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "tde/eval.h"

struct scratch_block;
struct scratch_mark {
	struct scratch_block *block;
	size_t used;
};

/* 16-byte aligned, not zeroed. CL_ERR_LIMIT beyond the limit, CL_ERR_MEMORY. */
CL_MUST_CHECK int scratch_take(struct eval_scratch *s, size_t n, void *out);
/* Gives back the end of what scratch_take handed out last, but n bytes. */
void scratch_shrink(struct eval_scratch *s, const void *p, size_t n);
struct scratch_mark scratch_here(const struct eval_scratch *s);
void scratch_fall_back(struct eval_scratch *s, struct scratch_mark m);
/* Memory beside the stack that survives falling back: *p is moved to at least
 * n bytes; counts towards the limit. One such area per scratch. */
CL_MUST_CHECK int scratch_keep(struct eval_scratch *s, size_t n, uint8_t **p);
/* Wipes what was used and gives back what was grown. */
void scratch_clear(struct eval_scratch *s);

#endif
