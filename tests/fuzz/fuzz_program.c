/* eval_verify, eval_run: u16 length, program, u8 rows, then the values of its
 * cells (fuzz_seal), or with bit 7 of rows set the cells themselves */
#include "fuzz_keys.h"

#define ROOM (1u << 20)
#define ROWS 4u

static struct hashkey *
hash(void)
{
	static const uint8_t key[32] = {8};
	static struct hashkey *made;

	if (!made)
		fuzz_holds(hashkey_new(&made, key) == 0);
	return made;
}

static struct eval_scratch *
scratch(void)
{
	static struct eval_scratch *made;

	if (!made)
		fuzz_holds(eval_scratch_new(&made, 1u << 20) == 0);
	return made;
}

static void
cells(const struct eval_program *p, unsigned rows, struct rd *rest,
    struct wr *out)
{
	struct groupkey *const *g = fuzz_groups();
	const struct eval_input *v;
	unsigned i, k;

	for (i = 0; i < p->nscalars; i++) {
		v = &p->scalars[i];
		fuzz_seal(rest, g[v->group], v->type, out);
	}
	for (i = 0; i < p->ncolumns; i++) {
		v = &p->columns[i];
		for (k = 0; k < rows; k++)
			fuzz_seal(rest, g[v->group], v->type, out);
	}
}

static void
run(const struct eval_program *p, struct rd *rest)
{
	static uint8_t in_p[ROOM], out_p[ROOM];
	struct wr made = wr_make(in_p, ROOM), out = wr_make(out_p, ROOM);
	struct rd in = *rest;
	uint32_t row = 0;
	uint8_t rows;

	if (rd_u8(rest, &rows) != 0)
		return;
	if (rows & 0x80) {
		in = *rest;
	} else {
		cells(p, rows % ROWS, rest, &made);
		in = rd_make(in_p, made.len);
	}
	if (eval_run(p, fuzz_groups(), hash(), rows % ROWS, &in, &out,
		scratch(), &row) == 0)
		fuzz_holds(out_p[0] == p->result && in.left == 0);
	else
		fuzz_holds(out.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rd in = rd_make(p, n);
	struct eval_program prog;
	const uint8_t *view;
	const char *why = NULL;
	unsigned at = 0;
	uint16_t len;
	uint8_t *bytes;

	if (rd_u16(&in, &len) != 0 || rd_view(&in, &view, len) != 0)
		return 0;
	bytes = fuzz_copy(view, len);
	if (eval_verify(bytes, len, &prog, &why, &at) == 0)
		run(&prog, &in);
	else
		fuzz_holds(why && at < EVAL_MAX_INSTR);
	free(bytes);
	return 0;
}
