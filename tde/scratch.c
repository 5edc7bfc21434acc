#include <stdlib.h>
#include <string.h>

#include "lib/secmem.h"
#include "tde/scratch.h"

#define FIRST_BLOCK (32u << 10)
#define BLOCK	    (256u << 10)
#define ALIGN	    16u

struct scratch_block {
	struct scratch_block *next;
	size_t size;
	size_t used;
	size_t dirty; /* highest use so far */
	_Alignas(ALIGN) uint8_t data[];
};

struct eval_scratch {
	size_t limit;
	size_t total; /* bytes of data in all blocks and keep */
	struct scratch_block *first;
	struct scratch_block *top;
	uint8_t *keep;
	size_t keep_size;
};

static int
block_new(struct eval_scratch *s, size_t n, struct scratch_block **out)
{
	struct scratch_block *b;

	if (n > s->limit - s->total)
		return CL_ERR_LIMIT;
	if ((b = secmem_alloc(sizeof(*b) + n)) == NULL)
		return CL_ERR_MEMORY;
	b->size = n;
	s->total += n;
	*out = b;
	return CL_OK;
}

/* Frees all blocks behind b. */
static void
cut(struct eval_scratch *s, struct scratch_block *b)
{
	struct scratch_block *next;

	while ((next = b->next) != NULL) {
		b->next = next->next;
		s->total -= next->size;
		secmem_free(next);
	}
}

int
eval_scratch_new(struct eval_scratch **out, size_t limit)
{
	struct eval_scratch *s;
	int r;

	if (limit < FIRST_BLOCK)
		return CL_ERR_ARGUMENT;
	if ((s = secmem_alloc(sizeof(*s))) == NULL)
		return CL_ERR_MEMORY;
	s->limit = limit;
	if ((r = block_new(s, FIRST_BLOCK, &s->first)) != 0) {
		secmem_free(s);
		return r;
	}
	s->top = s->first;
	*out = s;
	return CL_OK;
}

void
eval_scratch_free(struct eval_scratch *s)
{
	if (s == NULL)
		return;
	cut(s, s->first);
	secmem_free(s->first);
	secmem_free(s->keep);
	secmem_free(s);
}

/* Makes a block with room for n bytes the top one. */
static int
grow(struct eval_scratch *s, size_t n)
{
	struct scratch_block *b = s->top->next;
	size_t size = n > BLOCK ? n : BLOCK;
	int r;

	if (b == NULL || b->size < n) {
		cut(s, s->top);
		/* Near the limit the exact size may still fit. */
		if ((r = block_new(s, size, &b)) == CL_ERR_LIMIT)
			r = block_new(s, n, &b);
		if (r != 0)
			return r;
		s->top->next = b;
	}
	s->top = b;
	return CL_OK;
}

int
scratch_take(struct eval_scratch *s, size_t n, void *out)
{
	struct scratch_block *b = s->top;
	size_t room = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	void *p;
	int r;

	if (room < n)
		return CL_ERR_LIMIT;
	if (b->size - b->used < room) {
		if ((r = grow(s, room)) != 0)
			return r;
		b = s->top;
	}
	p = b->data + b->used;
	b->used += room;
	if (b->used > b->dirty)
		b->dirty = b->used;
	memcpy(out, &p, sizeof(p));
	return CL_OK;
}

void
scratch_shrink(struct eval_scratch *s, const void *p, size_t n)
{
	struct scratch_block *b = s->top;
	size_t at = (size_t)((const uint8_t *)p - b->data);

	b->used = at + ((n + ALIGN - 1) & ~(size_t)(ALIGN - 1));
}

struct scratch_mark
scratch_here(const struct eval_scratch *s)
{
	struct scratch_mark m = {s->top, s->top->used};

	return m;
}

void
scratch_fall_back(struct eval_scratch *s, struct scratch_mark m)
{
	struct scratch_block *b;

	for (b = m.block->next; b; b = b->next)
		b->used = 0;
	m.block->used = m.used;
	s->top = m.block;
}

int
scratch_keep(struct eval_scratch *s, size_t n, uint8_t **p)
{
	size_t size = s->keep_size ? s->keep_size : 64;
	uint8_t *more;

	while (size < n)
		size *= 2;
	if (size != s->keep_size) {
		if (size > s->limit - s->total)
			return CL_ERR_LIMIT;
		if ((more = secmem_alloc(size)) == NULL)
			return CL_ERR_MEMORY;
		secmem_free(s->keep);
		s->keep = more;
		s->total += size - s->keep_size;
		s->keep_size = size;
	}
	*p = s->keep;
	return CL_OK;
}

void
scratch_clear(struct eval_scratch *s)
{
	cut(s, s->first);
	secmem_free(s->keep);
	s->total -= s->keep_size;
	s->keep = NULL;
	s->keep_size = 0;
	secmem_wipe(s->first->data, s->first->dirty);
	s->first->used = s->first->dirty = 0;
	s->top = s->first;
}
