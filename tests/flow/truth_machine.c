/* Computes with tde what truth_tool asks, from text forms to text forms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tde/sort.h"
#include "tde/value.h"
#include "tests/flow/truth.h"

#define BODY_ROOM (4u << 20)
#define TAG	  7u

static struct groupkey *group;
static struct hashkey *hash;
static struct eval_scratch *scratch;
static uint8_t *body, *reply;

static void
must(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "truth_tool: %s: %s\n", what, err_text(r));
	exit(1);
}

void
machine_start(void)
{
	static const uint8_t uuid[16] = {1}, root[32] = {2}, key[32] = {3};

	must(groupkey_new(&group, uuid, TAG, SUITE_AES256_GCM, 1, 16, root),
	    "group");
	must(hashkey_new(&hash, key), "hash key");
	must(eval_scratch_new(&scratch, 64u << 20), "scratch");
	body = malloc(BODY_ROOM);
	reply = malloc(BODY_ROOM);
	if (body == NULL || reply == NULL)
		must(CL_ERR_MEMORY, "buffers");
}

static void
failed(int r, struct answer *out)
{
	snprintf(out->text, sizeof(out->text), "!%s", err_sqlstate(r));
}

static void
print(uint8_t type, const uint8_t *p, size_t n, struct answer *out)
{
	struct wr text = wr_make(out->text, sizeof(out->text) - 1);

	if (type == TYPE_BOOL) /* the cast of bool to text is a special one */
		must(
		    wr_bytes(&text, *p ? "true" : "false", *p ? 4 : 5), "bool");
	else
		must(value_print(type, p, n, &text), "print");
	out->text[text.len] = '\0';
}

/* Text form to a length-prefixed cell, or NULL's mark. */
static int
put_cell(const struct operand *op, struct wr *out)
{
	uint8_t plain[512], *length;
	struct wr w = wr_make(plain, sizeof(plain));
	size_t start;
	int r;

	if (op->null)
		return wr_cell(out, NULL, 0);
	if ((r = value_parse(op->type, op->text, strlen(op->text), &w)) != 0)
		return r;
	must(value_check(op->type, plain, w.len), "check");
	must(wr_reserve(out, &length, 4), "length");
	start = out->len;
	must(groupkey_seal(group, op->type, plain, w.len, out), "seal");
	le32_put(length, (uint32_t)(out->len - start));
	return CL_OK;
}

void
machine_round_trip(const struct operand *op, struct answer *out)
{
	uint8_t plain[512];
	struct wr w = wr_make(plain, sizeof(plain));
	int r = value_parse(op->type, op->text, strlen(op->text), &w);

	if (r != 0)
		failed(r, out);
	else
		print(op->type, plain, w.len, out);
}

/* Header, one group, n columns of the given types, one scalar or none. */
static struct wr
program_begin(uint8_t *room, size_t size, const struct operand *ops, unsigned n,
    const struct operand *scalar, unsigned ninstr)
{
	struct wr w = wr_make(room, size);
	uint8_t head[] = {1, 1, (uint8_t)n, scalar != NULL, (uint8_t)ninstr, 0};
	unsigned i;

	must(wr_bytes(&w, head, sizeof(head)), "program");
	must(wr_u32(&w, TAG), "program");
	for (i = 0; i < n; i++)
		must(wr_u16(&w, ops[i].type), "program");
	if (scalar != NULL)
		must(wr_u16(&w, scalar->type), "program");
	return w;
}

static void
program_add(struct wr *w, const struct eval_instr *in)
{
	uint8_t head[] = {in->op, in->type, in->a, in->b};

	must(wr_bytes(w, head, sizeof(head)), "program");
	must(wr_i64(w, in->imm), "program");
}

static void
show_cell(struct rd *in, struct answer *out, uint8_t *type)
{
	uint8_t plain[TEXT_ROOM];
	const uint8_t *cell;
	size_t n, len;

	must(rd_cell(in, &cell, &n, CELL_MAX), "reply");
	if (cell == NULL) {
		strcpy(out->text, "NULL");
		return;
	}
	*type = cell_type_of(cell);
	must(groupkey_open(group, 0, cell, n, plain, sizeof(plain), &len),
	    "open");
	print(*type, plain, len, out);
}

static void
show(const struct wr *w, struct answer *out, uint8_t *type)
{
	static const char *const truth[] = {"false", "true", "NULL"};
	struct rd in = rd_make(w->p, w->len);
	uint8_t head[8], byte;
	int64_t number;

	must(rd_bytes(&in, head, sizeof(head)), "reply");
	if (head[0] == EVAL_CELLS) {
		show_cell(&in, out, type);
	} else {
		must(rd_u8(&in, &byte), "reply");
		strcpy(out->text, truth[byte % 3]);
	}
	if (head[0] == EVAL_I64) {
		must(rd_i64(&in, &number), "reply");
		if (byte == 0)
			snprintf(out->text, sizeof(out->text), "%lld",
			    (long long)number);
		else
			strcpy(out->text, "NULL");
	}
	must(rd_end(&in), "reply");
}

/* Runs it over what is in data; type: of the resulting cell, if it is one. */
static int
run(const struct wr *program, const struct wr *data, uint32_t rows,
    struct answer *out, uint8_t *type)
{
	struct eval_program prog;
	struct rd in = rd_make(data->p, data->len);
	struct wr w = wr_make(reply, BODY_ROOM);
	const char *why;
	unsigned at;
	uint32_t row;
	int r;

	r = eval_verify(program->p, program->len, &prog, &why, &at);
	if (r != 0) {
		fprintf(stderr, "truth_tool: instruction %u: %s\n", at, why);
		exit(1);
	}
	r = eval_run(&prog, &group, hash, rows, &in, &w, scratch, &row);
	if (r == 0)
		show(&w, out, type);
	else
		failed(r, out);
	return r;
}

void
machine_run(const struct operand *ops, unsigned n,
    const struct eval_instr *instr, unsigned ninstr, struct answer *out)
{
	uint8_t room[1024], type;
	bool pushes = instr[0].op == EV_COLUMN; /* by itself */
	struct wr p = program_begin(
	    room, sizeof(room), ops, n, NULL, (pushes ? 0 : n) + ninstr);
	struct wr data = wr_make(body, BODY_ROOM);
	struct eval_instr column = {EV_COLUMN, 0, 0, 0, 0};
	unsigned i;
	int r;

	for (i = 0; i < n; i++, column.a++) {
		if (!pushes)
			program_add(&p, &column);
		if ((r = put_cell(&ops[i], &data)) != 0) {
			failed(r, out);
			return;
		}
	}
	for (i = 0; i < ninstr; i++)
		program_add(&p, &instr[i]);
	(void)run(&p, &data, 1, out, &type);
}

/* One batch; state goes in (type 0: none) and comes out. */
static int
reduce_batch(const struct operand *rows, unsigned n, struct eval_instr *in,
    struct operand *state, struct answer *out)
{
	static const struct eval_instr column = {EV_COLUMN, 0, 0, 0, 0};
	static const struct eval_instr reenc = {EV_REENC, 0, 0, 0, 0};
	uint8_t room[256], type = 0;
	unsigned cells = in->op != EV_COUNT;
	struct wr p = program_begin(
	    room, sizeof(room), rows, 1, state->type ? state : NULL, 2 + cells);
	struct wr data = wr_make(body, BODY_ROOM);
	unsigned i;
	int r;

	in->a =
	    (uint8_t)((in->a & EV_WIDEN) | (state->type ? EV_HAS_STATE : 0));
	program_add(&p, &column);
	program_add(&p, in);
	if (cells)
		program_add(&p, &reenc);
	if (state->type)
		must(put_cell(state, &data), "state");
	for (i = 0; i < n; i++)
		must(put_cell(&rows[i], &data), "row");
	if ((r = run(&p, &data, n, out, &type)) != 0)
		return r;
	state->null = strcmp(out->text, "NULL") == 0;
	snprintf(state->text, sizeof(state->text), "%.*s",
	    (int)sizeof(state->text) - 1, out->text);
	if (type)
		state->type = type;
	return CL_OK;
}

/* AVG is SUM over all batches, and then one AVG over no more rows. */
void
machine_reduce(const struct operand *rows, unsigned n, uint8_t op,
    unsigned batch, struct answer *out)
{
	struct eval_instr in = {op == EV_AVG ? EV_SUM : op, 0, 0, 0, 0};
	struct operand state = {0, true, ""};
	unsigned at, i, len, filled = 0;

	if (op == EV_AVG && rows[0].type == TYPE_FLOAT4)
		in.a = EV_WIDEN;
	for (at = 0; at < n; at += len) {
		len = n - at < batch ? n - at : batch;
		if (reduce_batch(rows + at, len, &in, &state, out) != 0)
			return;
		for (i = at; i < at + len; i++)
			filled += !rows[i].null;
		if (op == EV_COUNT)
			in.imm = filled;
	}
	if (op != EV_AVG)
		return;
	in.op = EV_AVG;
	in.a = 0;
	in.imm = state.type ? filled : 0;
	(void)reduce_batch(rows, 0, &in, &state, out);
}

static int
one_group(void *arg, uint32_t tag, struct groupkey **out)
{
	(void)arg;
	*out = group;
	return tag == TAG ? CL_OK : CL_ERR_NEED_GROUP;
}

void
machine_sort(const struct operand *rows, unsigned n, struct answer *out)
{
	struct wr data = wr_make(body, BODY_ROOM);
	struct wr w = wr_make(reply, BODY_ROOM);
	struct sortrun *s;
	struct rd in;
	size_t at = 0;
	unsigned i;

	must(sort_new(&s, rows[0].type, 64u << 20), "sort");
	for (i = 0; i < n; i++)
		must(put_cell(&rows[i], &data), "row");
	in = rd_make(data.p, data.len);
	must(sort_append(s, n, &in, one_group, NULL), "append");
	must(sort_finish(s, 0, NULL), "finish");
	must(sort_ranks(s, 0, n, &w), "ranks");
	for (i = 0; i < n; i++)
		at += (size_t)snprintf(out->text + at, sizeof(out->text) - at,
		    i ? ",%u" : "%u", le32_get(w.p + 4 * i));
	sort_free(s);
}
