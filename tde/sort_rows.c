#include <string.h>

#include "tde/sort_rows.h"

#define INSERTION 8u /* rows that are sorted without merging */

/* Heads of the chunks that are being merged, the least one on top. */
struct heap {
	const struct sort_rows *s;
	uint32_t from; /* the first row */
	uint32_t n;
	uint32_t *chunk; /* [n], a heap */
	uint32_t *next;	 /* by chunk less the first, its first entry left */
};

static const struct sort_bytes *
bytes_of(const struct sort_rows *s, uint32_t row)
{
	return &s->chunk[row / SORT_CHUNK]->bytes[row % SORT_CHUNK];
}

/* <0, 0, >0 */
static int
compare(const struct sort_rows *s, const struct sort_entry *a,
    const struct sort_entry *b)
{
	const struct sort_bytes *x, *y;
	int c;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (!s->has_bytes)
		return 0;
	x = bytes_of(s, a->row);
	y = bytes_of(s, b->row);
	if ((c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n)) != 0)
		return c;
	return (x->n > y->n) - (x->n < y->n);
}

static void
insertion(const struct sort_rows *s, struct sort_entry *e, uint32_t n)
{
	struct sort_entry v;
	uint32_t i, j;

	for (i = 1; i < n; i++) {
		v = e[i];
		for (j = i; j > 0 && compare(s, &v, &e[j - 1]) < 0; j--)
			e[j] = e[j - 1];
		e[j] = v;
	}
}

/* Merges from[0..mid) and from[mid..n) into to. */
static void
merge(const struct sort_rows *s, const struct sort_entry *from, uint32_t mid,
    uint32_t n, struct sort_entry *to)
{
	uint32_t i = 0, j = mid;

	while (i < mid && j < n)
		*to++ =
		    compare(s, &from[j], &from[i]) < 0 ? from[j++] : from[i++];
	memcpy(to, from + i, (mid - i) * sizeof(*to));
	memcpy(to + (mid - i), from + j, (n - j) * sizeof(*to));
}

static bool
stopped(const volatile int *stop)
{
	return stop != NULL && *stop != 0;
}

/* e ends sorted; spare is as large. */
static int
sort_chunk(const struct sort_rows *s, struct sort_entry *e, uint32_t n,
    struct sort_entry *spare, const volatile int *stop)
{
	struct sort_entry *from = e, *to = spare, *swap;
	uint32_t width, at, mid, len;

	for (at = 0; at < n; at += INSERTION)
		insertion(s, e + at, n - at < INSERTION ? n - at : INSERTION);
	for (width = INSERTION; width < n; width *= 2) {
		for (at = 0; at < n; at += 2 * width) {
			if (stopped(stop)) {
				memcpy(e, from, n * sizeof(*e));
				return CL_ERR_TIMEOUT;
			}
			len = n - at < 2 * width ? n - at : 2 * width;
			mid = len < width ? len : width;
			merge(s, from + at, mid, len, to + at);
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != e)
		memcpy(e, from, n * sizeof(*e));
	return CL_OK;
}

static uint32_t
rows_in(const struct sort_rows *s, uint32_t chunk)
{
	uint32_t left = s->n - chunk * SORT_CHUNK;

	return left < SORT_CHUNK ? left : SORT_CHUNK;
}

/* Rows that were sorted before go back to the order of appending, so that a
 * part of the chunk holds the same rows as entries. */
static void
restore_order(struct sort_entry *e, uint32_t n)
{
	struct sort_entry swap;
	uint32_t i, at;

	for (i = 0; i < n; i++)
		while ((at = e[i].row % SORT_CHUNK) != i) {
			swap = e[at];
			e[at] = e[i];
			e[i] = swap;
		}
}

static uint32_t *
next_of(const struct heap *h, uint32_t chunk)
{
	return &h->next[chunk - h->from / SORT_CHUNK];
}

static const struct sort_entry *
head(const struct heap *h, uint32_t chunk)
{
	return &h->s->chunk[chunk]->entry[*next_of(h, chunk)];
}

static void
sink(struct heap *h, uint32_t at)
{
	uint32_t child, moved = h->chunk[at];

	while ((child = 2 * at + 1) < h->n) {
		if (child + 1 < h->n &&
		    compare(h->s, head(h, h->chunk[child + 1]),
			head(h, h->chunk[child])) < 0)
			child++;
		if (compare(h->s, head(h, moved), head(h, h->chunk[child])) <=
		    0)
			break;
		h->chunk[at] = h->chunk[child];
		at = child;
	}
	h->chunk[at] = moved;
}

/* Takes the least entry off. */
static const struct sort_entry *
take_least(struct heap *h)
{
	uint32_t chunk = h->chunk[0];
	const struct sort_entry *e = head(h, chunk);

	if (++*next_of(h, chunk) == rows_in(h->s, chunk))
		h->chunk[0] = h->chunk[--h->n];
	if (h->n)
		sink(h, 0);
	return e;
}

static int
merge_chunks(struct heap *h, uint32_t *ranks, const volatile int *stop)
{
	const struct sort_entry *e, *last = NULL;
	uint32_t rank = 0, i;

	for (i = h->n / 2; i-- > 0;)
		sink(h, i);
	while (h->n) {
		if (stopped(stop))
			return CL_ERR_TIMEOUT;
		e = take_least(h);
		if (last != NULL && compare(h->s, last, e) != 0)
			rank++;
		ranks[e->row - h->from] = rank;
		last = e;
	}
	return CL_OK;
}

size_t
sort_rows_chunks(uint32_t n)
{
	return n / SORT_CHUNK + (n % SORT_CHUNK != 0);
}

size_t
sort_rows_work(uint32_t n)
{
	return 2 * sizeof(uint32_t) * sort_rows_chunks(n);
}

/* The rows of a chunk from entry at on; sorted, it joins the heap. */
static int
add_chunk(struct heap *h, uint32_t chunk, uint32_t at, struct sort_entry *spare,
    const volatile int *stop)
{
	struct sort_entry *e = h->s->chunk[chunk]->entry;
	uint32_t n = rows_in(h->s, chunk);
	int r;

	if (at)
		restore_order(e, n);
	if ((r = sort_chunk(h->s, e + at, n - at, spare, stop)) != 0)
		return r;
	*next_of(h, chunk) = at;
	h->chunk[h->n++] = chunk;
	return CL_OK;
}

int
sort_rows_rank(struct sort_rows *s, uint32_t from,
    struct sort_entry spare[SORT_CHUNK], uint32_t *work, uint32_t *ranks,
    const volatile int *stop)
{
	uint32_t chunks = (uint32_t)sort_rows_chunks(s->n);
	struct heap h = {s, from, 0, work, work + chunks};
	uint32_t chunk = from / SORT_CHUNK, at = from % SORT_CHUNK;
	int r;

	for (; from < s->n && chunk < chunks; chunk++, at = 0)
		if ((r = add_chunk(&h, chunk, at, spare, stop)) != 0)
			return r;
	return merge_chunks(&h, ranks, stop);
}
