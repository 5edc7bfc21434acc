/*
 * The allocator inside the arena: two-level segregated fits with boundary
 * tags, O(1), no system calls. Free memory is zero but for its links, so an
 * allocation is zeroed without touching pages that were never used. A header
 * that does not check (overflow, double free, foreign pointer) aborts. Not
 * thread safe: lib/secmem.c holds the lock.
 */
#ifndef CLOISTER_LIB_SECMEM_HEAP_H
#define CLOISTER_LIB_SECMEM_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_ALIGN   16u
#define HEAP_CLASSES 464u
#define HEAP_MAX     ((size_t)1 << 34)

struct heap_block;

struct heap {
	uint8_t *base;
	size_t bytes;
	size_t used; /* bytes in blocks that are handed out, with headers */
	uint64_t secret;
	struct heap_block *last;
	uint64_t nonempty[(HEAP_CLASSES + 63) / 64];
	struct heap_block *lists[HEAP_CLASSES];
};

/* base: zeroed, HEAP_ALIGN aligned; bytes: multiple of HEAP_ALIGN, from 64 to
 * HEAP_MAX. secret makes header checks unpredictable. */
void heap_start(struct heap *h, void *base, size_t bytes, uint64_t secret);
/* Zeroed; NULL when nothing fits. */
void *heap_alloc(struct heap *h, size_t n);
/* Usable bytes of an allocation; aborts unless p is one. */
size_t heap_size(struct heap *h, void *p);
/* Freeing has two steps so that wiping a large block needs no lock: begin
 * claims the block and says how much to wipe, end gives it back. */
size_t heap_free_begin(struct heap *h, void *p);
void heap_free_end(struct heap *h, void *p);
/* Walks everything; aborts on the first inconsistency. For tests. */
void heap_check(struct heap *h);

#endif
