/* The machine that runs one verified program. Inside tde only: eval.c moves
 * cells in and out, eval_exec.c executes, eval_reduce.c adds up. */
#ifndef CLOISTER_TDE_EVAL_VM_H
#define CLOISTER_TDE_EVAL_VM_H

#include "tde/scratch.h"
#include "tde/val.h"

/* All plaintext is in here or in the scratch that this lies in. */
struct eval_vm {
	const struct eval_program *prog;
	struct groupkey *const *groups;
	struct hashkey *hash;
	struct eval_scratch *scratch;
	uint64_t fuel; /* steps of work on bytes that are left */
	unsigned depth;
	struct val stack[EVAL_MAX_STACK];
	struct val scalars[EVAL_MAX_SCALARS];
	struct val columns[EVAL_MAX_COLUMNS]; /* of the row */
	uint32_t loaded;		      /* bit i: columns[i] is filled */
	struct rd at[EVAL_MAX_COLUMNS];	      /* next cell of each column */
	/* The reduction so far. */
	int64_t rows; /* that were not NULL */
	__int128 sum;
	struct val acc; /* float sum, least, largest; NULL: none yet */
};

/* Takes the next cell of in, decrypts it into v; may need scratch. */
CL_MUST_CHECK int eval_vm_load(struct eval_vm *vm,
    const struct eval_input *input, struct rd *in, struct val *v);
/* One instruction other than REENC and the reductions. */
CL_MUST_CHECK int eval_vm_exec(struct eval_vm *vm, const struct eval_instr *in);

/* Puts the state in, takes one value in, puts the result onto the stack. */
CL_MUST_CHECK int eval_vm_reduce_begin(
    struct eval_vm *vm, const struct eval_instr *in);
CL_MUST_CHECK int eval_vm_reduce(
    struct eval_vm *vm, const struct eval_instr *in, const struct val *v);
CL_MUST_CHECK int eval_vm_reduce_end(
    struct eval_vm *vm, const struct eval_instr *in);

/* Before work on all bytes of v: a scalar may be large and the rows many.
 * CL_ERR_LIMIT when the call has worked enough. */
CL_MUST_CHECK static inline int
eval_vm_spend(struct eval_vm *vm, const struct val *v)
{
	uint64_t cost = val_is_bytes(v->type) && !v->null ? v->n / 4 : 0;

	if (cost > vm->fuel)
		return CL_ERR_LIMIT;
	vm->fuel -= cost;
	return CL_OK;
}

#endif
