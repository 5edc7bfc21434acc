#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/secmem_heap.h"

/* Under AddressSanitizer free memory of the arena is poisoned like libc's. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   __asan_poison_memory_region(p, n)
#define UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

/* Sizes are in units of 16 bytes and count the header. */
#define UNIT	  16u
#define HEADER	  16u
#define MIN_UNITS 2u
#define SUB_BITS  4u
#define SUB	  (1u << SUB_BITS)

enum state { FREE = 1, USED = 2, WIPING = 3 };

struct heap_block {
	uint32_t size;
	uint32_t before; /* size of the block before, 0 for the first */
	uint64_t check;
	/* Only in free blocks; payload otherwise. */
	struct heap_block *next;
	struct heap_block *prev;
};

static uint64_t
check_of(const struct heap *h, const struct heap_block *b, enum state s)
{
	uint64_t x = h->secret ^ (uintptr_t)b;

	x ^= ((uint64_t)b->before << 32 | b->size) * 0x9e3779b97f4a7c15u;
	x ^= x >> 32;
	x = (x + s) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static void
set(const struct heap *h, struct heap_block *b, enum state s)
{
	b->check = check_of(h, b, s);
}

static bool
is(const struct heap *h, const struct heap_block *b, enum state s)
{
	return b->check == check_of(h, b, s);
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static enum state
state_of(const struct heap *h, const struct heap_block *b)
{
	if (is(h, b, FREE))
		return FREE;
	if (is(h, b, USED))
		return USED;
	must(is(h, b, WIPING));
	return WIPING;
}

static void *
payload(struct heap_block *b)
{
	return (uint8_t *)b + HEADER;
}

static size_t
payload_bytes(const struct heap_block *b)
{
	return (size_t)b->size * UNIT - HEADER;
}

static struct heap_block *
after(const struct heap *h, struct heap_block *b)
{
	return b == h->last ? NULL
			    : (struct heap_block *)((uint8_t *)b +
						    (size_t)b->size * UNIT);
}

static struct heap_block *
before(struct heap_block *b)
{
	if (!b->before)
		return NULL;
	return (struct heap_block *)((uint8_t *)b - (size_t)b->before * UNIT);
}

/* Below SUB units one class a size; above, SUB classes per power of two. */
static unsigned
class_of(uint32_t units)
{
	unsigned top;

	if (units < SUB)
		return units;
	top = 31u - (unsigned)__builtin_clz(units);
	return (top - SUB_BITS + 1) * SUB + (units >> (top - SUB_BITS)) - SUB;
}

/* The smallest size so that every block of its class is large enough. */
static uint32_t
round_to_class(uint32_t units)
{
	unsigned top;

	if (units < SUB)
		return units;
	top = 31u - (unsigned)__builtin_clz(units);
	return units + (1u << (top - SUB_BITS)) - 1;
}

static void
link_free(struct heap *h, struct heap_block *b)
{
	unsigned c = class_of(b->size);

	b->prev = NULL;
	b->next = h->lists[c];
	if (b->next)
		b->next->prev = b;
	h->lists[c] = b;
	h->nonempty[c / 64] |= (uint64_t)1 << c % 64;
	set(h, b, FREE);
}

/* Poisons what is behind b's links. A free block is poisoned already when it
 * is split or joined, so this touches freed memory only, not all that is. */
static void
poison(const struct heap_block *b)
{
	POISON((const uint8_t *)b + sizeof(*b), payload_bytes(b) - HEADER);
}

static void
unlink_free(struct heap *h, struct heap_block *b)
{
	unsigned c = class_of(b->size);

	must(is(h, b, FREE));
	must(!b->next || (is(h, b->next, FREE) && b->next->prev == b));
	must(b->prev ? b->prev->next == b : h->lists[c] == b);
	if (b->next)
		b->next->prev = b->prev;
	if (b->prev)
		b->prev->next = b->next;
	else
		h->lists[c] = b->next;
	if (!h->lists[c])
		h->nonempty[c / 64] &= ~((uint64_t)1 << c % 64);
	b->next = b->prev = NULL;
}

void
heap_start(struct heap *h, void *base, size_t bytes, uint64_t secret)
{
	struct heap_block *b = base;

	memset(h, 0, sizeof(*h));
	h->base = base;
	h->bytes = bytes;
	h->secret = secret;
	h->last = b;
	b->size = (uint32_t)(bytes / UNIT);
	poison(b);
	link_free(h, b);
}

static struct heap_block *
first_at_least(const struct heap *h, unsigned c)
{
	unsigned w = c / 64;
	uint64_t bits;

	if (c >= HEAP_CLASSES)
		return NULL;
	bits = h->nonempty[w] & ~(uint64_t)0 << c % 64;
	while (!bits && ++w < sizeof(h->nonempty) / sizeof(h->nonempty[0]))
		bits = h->nonempty[w];
	if (!bits)
		return NULL;
	return h->lists[w * 64 + (unsigned)__builtin_ctzll(bits)];
}

static struct heap_block *
find(const struct heap *h, uint32_t units)
{
	struct heap_block *b;

	b = first_at_least(h, class_of(round_to_class(units)));
	if (b)
		return b;
	/* Nearly full: a block of the request's own class may still do. */
	for (b = h->lists[class_of(units)]; b; b = b->next)
		if (b->size >= units)
			return b;
	return NULL;
}

/* Cuts b to units; the rest becomes a free block of its own. */
static void
split(struct heap *h, struct heap_block *b, uint32_t units)
{
	struct heap_block *rest, *next;

	if (b->size - units < MIN_UNITS)
		return;
	next = after(h, b);
	rest = (struct heap_block *)((uint8_t *)b + (size_t)units * UNIT);
	UNPOISON(rest, sizeof(*rest));
	rest->size = b->size - units;
	rest->before = units;
	b->size = units;
	if (next) {
		enum state s = state_of(h, next);

		next->before = rest->size;
		set(h, next, s);
	} else {
		h->last = rest;
	}
	link_free(h, rest);
}

void *
heap_alloc(struct heap *h, size_t n)
{
	struct heap_block *b;
	uint32_t units;

	if (n > h->bytes)
		return NULL;
	units = (uint32_t)((n + HEADER + UNIT - 1) / UNIT);
	if (units < MIN_UNITS)
		units = MIN_UNITS;
	b = find(h, units);
	if (!b)
		return NULL;
	unlink_free(h, b);
	split(h, b, units);
	set(h, b, USED);
	UNPOISON(payload(b), payload_bytes(b));
	h->used += (size_t)b->size * UNIT;
	return payload(b);
}

/* The neighbour's check tells an overflow out of this block. */
static struct heap_block *
block_of(struct heap *h, void *p, enum state s)
{
	uintptr_t at = (uintptr_t)p, base = (uintptr_t)h->base;
	struct heap_block *b, *next;

	must(at % UNIT == 0 && at >= base + HEADER && at < base + h->bytes);
	b = (struct heap_block *)((uint8_t *)p - HEADER);
	must(is(h, b, s));
	next = after(h, b);
	must(!next || (state_of(h, next) && next->before == b->size));
	return b;
}

size_t
heap_size(struct heap *h, void *p)
{
	return payload_bytes(block_of(h, p, USED));
}

size_t
heap_free_begin(struct heap *h, void *p)
{
	struct heap_block *b = block_of(h, p, USED);

	set(h, b, WIPING);
	return payload_bytes(b);
}

/* Joins b and the block behind it; the header in between becomes zero. */
static void
absorb(struct heap *h, struct heap_block *b, struct heap_block *next)
{
	struct heap_block *far = after(h, next);

	b->size += next->size;
	if (far) {
		enum state s = state_of(h, far);

		far->before = b->size;
		set(h, far, s);
	} else {
		h->last = b;
	}
	memset(next, 0, sizeof(*next));
	POISON(next, sizeof(*next));
}

void
heap_free_end(struct heap *h, void *p)
{
	struct heap_block *b = block_of(h, p, WIPING), *o;

	h->used -= (size_t)b->size * UNIT;
	poison(b);
	o = after(h, b);
	if (o && is(h, o, FREE)) {
		unlink_free(h, o);
		absorb(h, b, o);
	}
	o = before(b);
	if (o && state_of(h, o) == FREE) {
		unlink_free(h, o);
		absorb(h, o, b);
		b = o;
	}
	link_free(h, b);
}

void
heap_check(struct heap *h)
{
	struct heap_block *b = (struct heap_block *)h->base, *next;
	size_t used = 0, all = 0;

	must(b->before == 0);
	for (; b; b = next) {
		next = after(h, b);
		must(b->size >= MIN_UNITS);
		all += (size_t)b->size * UNIT;
		must(all <= h->bytes);
		if (state_of(h, b) != FREE)
			used += (size_t)b->size * UNIT;
		else
			must(!next || state_of(h, next) != FREE);
		must(!next || next->before == b->size);
	}
	must(all == h->bytes && used == h->used);
}
