#include <string.h>

#include "lib/secmem.h"
#include "tde/sort.h"
#include "tde/sort_rows.h"
#include "tde/val.h"

#define STORE_FIRST (4u << 10) /* blocks double up to the largest */
#define STORE_MOST  (256u << 10)
#define POINTERS    32u /* chunk pointers at first */

/* Bytes of text, bytea and uuid values, one behind the other. */
struct store {
	struct store *older;
	size_t size;
	size_t used;
	uint8_t data[];
};

struct sortrun {
	uint8_t type;
	size_t limit;
	size_t total; /* bytes taken, and those that finishing will take */
	struct sort_rows rows;
	uint32_t nchunks, pointers; /* allocated */
	struct sort_entry *spare;
	struct store *store;
	uint32_t *ranks; /* of rows ranked_from up to ranked_to, or NULL */
	uint32_t ranked_from, ranked_to;
};

/* Where to go back to when an append fails. */
struct place {
	uint32_t n;
	struct store *store;
	size_t used;
};

static int
take(struct sortrun *s, size_t n, void *out)
{
	void *p;

	if (n > s->limit - s->total)
		return CL_ERR_LIMIT;
	if ((p = secmem_alloc(n)) == NULL)
		return CL_ERR_MEMORY;
	s->total += n;
	memcpy(out, &p, sizeof(p));
	return CL_OK;
}

static void
give_back(struct sortrun *s, void *p, size_t n)
{
	s->total -= n;
	secmem_free(p);
}

static size_t
chunk_size(const struct sortrun *s)
{
	return sizeof(struct sort_chunk) +
	       (s->rows.has_bytes ? SORT_CHUNK * sizeof(struct sort_bytes) : 0);
}

/* What each chunk will need beside itself when the rows are ranked. */
static size_t
finish_size(void)
{
	return SORT_CHUNK * sizeof(uint32_t) + sort_rows_work(SORT_CHUNK);
}

int
sort_new(struct sortrun **out, uint8_t type, size_t limit)
{
	struct sortrun *s;
	int r;

	if (!cell_type_known(type))
		return CL_ERR_ARGUMENT;
	if (limit < sizeof(*s))
		return CL_ERR_LIMIT;
	if ((s = secmem_alloc(sizeof(*s))) == NULL)
		return CL_ERR_MEMORY;
	s->type = type;
	s->limit = limit;
	s->total = sizeof(*s);
	s->rows.has_bytes = val_is_bytes(type);
	s->pointers = POINTERS;
	if ((r = take(s, SORT_CHUNK * sizeof(*s->spare), &s->spare)) != 0 ||
	    (r = take(s, POINTERS * sizeof(*s->rows.chunk), &s->rows.chunk)) !=
		0) {
		sort_free(s);
		return r;
	}
	*out = s;
	return CL_OK;
}

static void
drop_newest_store(struct sortrun *s)
{
	struct store *st = s->store;

	s->store = st->older;
	give_back(s, st, sizeof(*st) + st->size);
}

static void
drop_newest_chunk(struct sortrun *s)
{
	s->total -= finish_size();
	give_back(s, s->rows.chunk[--s->nchunks], chunk_size(s));
}

void
sort_free(struct sortrun *s)
{
	if (s == NULL)
		return;
	while (s->store)
		drop_newest_store(s);
	while (s->nchunks)
		drop_newest_chunk(s);
	secmem_free(s->spare);
	secmem_free(s->rows.chunk);
	secmem_free(s->ranks);
	secmem_free(s);
}

static int
more_pointers(struct sortrun *s)
{
	struct sort_chunk **more;
	size_t n = s->pointers * sizeof(*more);
	int r;

	if ((r = take(s, 2 * n, &more)) != 0)
		return r;
	memcpy(more, s->rows.chunk, n);
	give_back(s, s->rows.chunk, n);
	s->rows.chunk = more;
	s->pointers *= 2;
	return CL_OK;
}

/* Makes sure that one more row has room. */
static int
room_for_row(struct sortrun *s)
{
	int r;

	if (s->rows.n < s->nchunks * (uint64_t)SORT_CHUNK)
		return CL_OK;
	if (s->rows.n > UINT32_MAX - SORT_CHUNK)
		return CL_ERR_LIMIT;
	if (s->nchunks == s->pointers && (r = more_pointers(s)) != 0)
		return r;
	if (s->limit - s->total < finish_size())
		return CL_ERR_LIMIT;
	s->total += finish_size();
	r = take(s, chunk_size(s), &s->rows.chunk[s->nchunks]);
	if (r != 0)
		s->total -= finish_size();
	else
		s->nchunks++;
	return r;
}

/* Lends n bytes at the end of the store; used is raised by the caller. */
static int
room_for_bytes(struct sortrun *s, size_t n, uint8_t **p)
{
	struct store *st = s->store;
	size_t size = st ? 2 * st->size : STORE_FIRST;
	int r;

	if (st == NULL || st->size - st->used < n) {
		size = size > STORE_MOST ? STORE_MOST : size;
		size = size < n ? n : size;
		if ((r = take(s, sizeof(*st) + size, &st)) == CL_ERR_LIMIT) {
			size = n;
			r = take(s, sizeof(*st) + size, &st);
		}
		if (r != 0)
			return r;
		st->size = size;
		st->older = s->store;
		s->store = st;
	}
	*p = st->data + st->used;
	return CL_OK;
}

static uint64_t
bytes_key(const uint8_t *p, size_t n)
{
	uint64_t key = 0;
	size_t i;

	for (i = 0; i < 8; i++)
		key = key << 8 | (i < n ? p[i] : 0);
	return key;
}

/* Bits of a float order like integers, but negative ones backwards. */
static uint64_t
float_key(double f)
{
	uint64_t bits;

	if (f != f)
		return UINT64_MAX;
	if (f == 0)
		f = 0; /* -0 is equal to it */
	memcpy(&bits, &f, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t
key_of(const struct val *v)
{
	if (val_is_bytes(v->type))
		return bytes_key(v->p, v->n);
	if (val_is_float(v->type))
		return float_key(v->f);
	return (uint64_t)v->i ^ UINT64_C(1) << 63;
}

static void
add_row(struct sortrun *s, const struct val *v)
{
	uint32_t row = s->rows.n++;
	struct sort_chunk *c = s->rows.chunk[row / SORT_CHUNK];
	struct sort_entry e = {key_of(v), row};

	c->entry[row % SORT_CHUNK] = e;
	if (s->rows.has_bytes) {
		c->bytes[row % SORT_CHUNK].p = v->p;
		c->bytes[row % SORT_CHUNK].n = v->n;
		s->store->used += v->n;
	}
}

static int
append_bytes(
    struct sortrun *s, struct groupkey *g, const uint8_t *cell, size_t n)
{
	struct val v;
	uint8_t *plain;
	size_t len;
	int r;

	if ((r = room_for_bytes(s, n, &plain)) == 0 &&
	    (r = groupkey_open(g, s->type, cell, n, plain, n, &len)) == 0 &&
	    (r = val_load(s->type, plain, len, &v)) == 0)
		add_row(s, &v);
	return r;
}

static int
append_fixed(
    struct sortrun *s, struct groupkey *g, const uint8_t *cell, size_t n)
{
	uint8_t plain[CELL_OVERHEAD + VAL_FIXED];
	struct val v;
	size_t len;
	int r;

	if ((r = groupkey_open(
		 g, s->type, cell, n, plain, sizeof(plain), &len)) == 0 &&
	    (r = val_load(s->type, plain, len, &v)) == 0)
		add_row(s, &v);
	secmem_wipe(plain, sizeof(plain));
	secmem_wipe(&v, sizeof(v));
	return r;
}

static int
append_all(
    struct sortrun *s, uint32_t n, struct rd *in, sort_group group, void *arg)
{
	struct groupkey *g = NULL;
	const uint8_t *cell;
	uint32_t tag = 0; /* no group's */
	size_t len;
	int r;

	for (; n; n--) {
		if ((r = rd_cell(in, &cell, &len, CELL_MAX)) != 0)
			return r;
		if (cell == NULL)
			return CL_ERR_FORMAT;
		if ((r = cell_check_shape(cell, len)) != 0)
			return r;
		if (cell_type_of(cell) != s->type)
			return CL_ERR_BAD_CELL_TYPE;
		if (cell_tag_of(cell) != tag) {
			tag = cell_tag_of(cell);
			if ((r = group(arg, tag, &g)) != 0)
				return r;
		}
		if ((r = room_for_row(s)) != 0)
			return r;
		r = s->rows.has_bytes ? append_bytes(s, g, cell, len)
				      : append_fixed(s, g, cell, len);
		if (r != 0)
			return r;
	}
	return CL_OK;
}

/* Undoes and wipes what was appended since. */
static void
go_back(struct sortrun *s, const struct place *at)
{
	uint32_t in_chunk = at->n % SORT_CHUNK;

	while (s->store != at->store)
		drop_newest_store(s);
	if (s->store) {
		secmem_wipe(
		    s->store->data + at->used, s->store->size - at->used);
		s->store->used = at->used;
	}
	while (s->nchunks > sort_rows_chunks(at->n))
		drop_newest_chunk(s);
	if (in_chunk)
		secmem_wipe(&s->rows.chunk[s->nchunks - 1]->entry[in_chunk],
		    (SORT_CHUNK - in_chunk) * sizeof(struct sort_entry));
	s->rows.n = at->n;
}

int
sort_append(
    struct sortrun *s, uint32_t n, struct rd *in, sort_group group, void *arg)
{
	struct place at = {s->rows.n, s->store, s->store ? s->store->used : 0};
	int r;

	if ((r = append_all(s, n, in, group, arg)) != 0)
		go_back(s, &at);
	return r;
}

int
sort_finish(struct sortrun *s, uint32_t from, const volatile int *stop)
{
	uint32_t *work = NULL, *ranks = NULL;
	uint32_t n;
	int r = CL_ERR_MEMORY;

	if (from > s->rows.n)
		return CL_ERR_ARGUMENT;
	secmem_free(s->ranks);
	s->ranks = NULL;
	n = s->rows.n - from;
	/* Appending has counted these towards the limit. */
	work = secmem_alloc(sort_rows_work(s->rows.n ? s->rows.n : 1));
	ranks = secmem_alloc((n ? n : 1) * sizeof(*ranks));
	if (work == NULL || ranks == NULL ||
	    (r = sort_rows_rank(&s->rows, from, s->spare, work, ranks, stop)) !=
		0)
		goto out;
	s->ranks = ranks;
	ranks = NULL; /* transferred */
	s->ranked_from = from;
	s->ranked_to = s->rows.n;
out:
	secmem_free(work);
	secmem_free(ranks);
	return r;
}

uint32_t
sort_count(const struct sortrun *s)
{
	return s->rows.n;
}

int
sort_ranks(
    const struct sortrun *s, uint32_t offset, uint32_t count, struct wr *out)
{
	uint8_t *p;
	uint32_t i;
	int r;

	if (s->ranks == NULL)
		return CL_ERR_STATE;
	if (offset < s->ranked_from || offset > s->ranked_to ||
	    count > s->ranked_to - offset)
		return CL_ERR_ARGUMENT;
	if ((r = wr_reserve(out, &p, (size_t)count * 4)) != 0)
		return r;
	for (i = 0; i < count; i++)
		le32_put(
		    p + 4 * (size_t)i, s->ranks[offset - s->ranked_from + i]);
	return CL_OK;
}
