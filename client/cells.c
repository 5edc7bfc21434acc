#include <string.h>

#include "client/cells.h"
#include "client/why.h"
#include "lib/b64.h"
#include "lib/secmem.h"
#include "tde/value.h"

/* What the longest text of a fixed-width value, or of its plaintext, needs. */
#define FIXED_MAX 128u

static int
value_error(int r, uint8_t type)
{
	return why_set(r, "expected a value of type %s: %s",
	    value_type_name(type), err_text(r));
}

/* Empties t and makes a writer over at least n bytes of it. */
static int
writer(struct text *t, size_t n, struct wr *w)
{
	char *at;
	int r;

	text_reset(t);
	if ((r = text_room(t, n, &at)) != 0)
		return r;
	*w = wr_make(at, n);
	return CL_OK;
}

static int
append_text(const struct text *cell, struct text *out)
{
	size_t n = b64url_len(cell->n);
	char *at;
	int r;

	if ((r = text_room(out, CELLS_PREFIX_N + n, &at)) != 0)
		return r;
	memcpy(at, CELLS_PREFIX, CELLS_PREFIX_N);
	b64url_encode(cell->p, cell->n, at + CELLS_PREFIX_N);
	out->n += CELLS_PREFIX_N + n;
	return CL_OK;
}

int
cells_encrypt(struct cells *c, struct group *g, uint8_t type, const char *value,
    size_t n, struct text *out)
{
	struct wr plain, cell;
	int r;

	if (n > CELL_MAX_PLAIN * 4u)
		return why_set(CL_ERR_TOO_LARGE,
		    "value is too long: expected at most %u bytes, came %zu",
		    CELL_MAX_PLAIN, n);
	if ((r = writer(&c->plain, n + FIXED_MAX, &plain)) != 0)
		return r;
	r = value_parse(type, value, n, &plain);
	c->plain.n = plain.len;
	if (r)
		return value_error(r, type);
	if ((r = writer(&c->cell, groupkey_cell_size(g->key, type, plain.len),
		 &cell)) != 0)
		return r;
	r = groupkey_seal(g->key, type, plain.p, plain.len, &cell);
	c->cell.n = cell.len;
	if (r)
		return why_set(r, "cannot encrypt for group \"%s\": %s",
		    g->def.name, err_text(r));
	return append_text(&c->cell, out);
}

static int
bad_cell(int r)
{
	return why_set(
	    r, "expected an intact cell, came a damaged one: %s", err_text(r));
}

static int
decode(struct cells *c, const char *token, size_t n)
{
	struct wr cell;
	size_t got;
	int r;

	if (n < CELLS_TEXT_MIN || n > CELLS_TEXT_MAX ||
	    memcmp(token, CELLS_PREFIX, CELLS_PREFIX_N) != 0)
		return bad_cell(CL_ERR_BAD_CELL);
	if ((r = writer(&c->cell, n, &cell)) != 0)
		return r;
	got = cell.cap;
	if (b64url_decode(
		token + CELLS_PREFIX_N, n - CELLS_PREFIX_N, cell.p, &got) != 0)
		return bad_cell(CL_ERR_BAD_CELL);
	c->cell.n = got;
	r = cell_check_shape(cell.p, got);
	return r ? bad_cell(r) : CL_OK;
}

static int
print(struct cells *c, uint8_t type, struct text *out)
{
	size_t cap = 2 * c->plain.n + FIXED_MAX;
	struct wr w;
	char *at;
	int r;

	if ((r = text_room(out, cap, &at)) != 0)
		return r;
	w = wr_make(at, cap);
	if ((r = value_print(type, (uint8_t *)c->plain.p, c->plain.n, &w)) !=
	    0) {
		secmem_wipe(at, w.len);
		return bad_cell(r);
	}
	out->n += w.len;
	out->p[out->n] = '\0';
	return CL_OK;
}

int
cells_decrypt(struct cells *c, const struct groups *gs, const char *token,
    size_t n, struct text *out)
{
	const uint8_t *cell;
	struct group *g;
	struct wr plain;
	size_t got = 0;
	int r;

	if ((r = decode(c, token, n)) != 0)
		return r;
	cell = (const uint8_t *)c->cell.p;
	g = groups_by_tag(gs, cell_tag_of(cell));
	if (!g)
		return why_set(CL_ERR_NOT_FOUND,
		    "no key for group tag %u in the owner's directory",
		    cell_tag_of(cell));
	if ((r = writer(&c->plain, c->cell.n, &plain)) != 0)
		return r;
	r = groupkey_open(g->key, 0, cell, c->cell.n, plain.p, plain.cap, &got);
	if (r)
		return bad_cell(r);
	c->plain.n = got;
	return print(c, cell_type_of(cell), out);
}

void
cells_clear(struct cells *c)
{
	text_clear(&c->plain);
	text_clear(&c->cell);
}
