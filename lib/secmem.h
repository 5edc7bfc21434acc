/*
 * Memory for secrets. The engine calls secmem_init() before anything secret
 * exists and from then on every secmem_* allocation, OpenSSL's, libgcrypt's
 * and jansson's come out of one memfd_secret arena between two guard pages:
 * outside the kernel's direct map, locked, not dumped, not inherited by fork.
 * Programs that never call secmem_init() (owner's tools, tests) get ordinary
 * memory, still wiped on free. All calls are thread safe.
 */
#ifndef CLOISTER_LIB_SECMEM_H
#define CLOISTER_LIB_SECMEM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/*
 * Makes the arena of bytes (rounded up to pages) and closes its descriptor.
 * Where memfd_secret does not exist: CL_ERR_UNSUPPORTED, unless allow_mlock,
 * which falls back to a locked, undumpable anonymous mapping. CL_ERR_LIMIT
 * when RLIMIT_MEMLOCK (or the descriptor limit) is too low for it. Once only,
 * before other threads exist; a second call is CL_ERR_STATE. Pages are taken
 * as they are first touched. After this fork() leaves the child without the
 * arena: it may only exec or _exit.
 */
CL_MUST_CHECK int secmem_init(size_t bytes, bool allow_mlock);

/* "memfd_secret", "mlock" or "none": for logs and the claims. */
const char *secmem_kind(void);

/* Routes OpenSSL's, libgcrypt's and jansson's allocators into secmem_*; before
 * the first call of any of them. CL_ERR_STATE when OpenSSL or libgcrypt has
 * allocated already. */
CL_MUST_CHECK int secmem_hook_libraries(void);

/* 16-byte aligned, zeroed; NULL when the arena is full. Free wipes, and aborts
 * on a double free, an overflow out of the block or a pointer that is not ours.
 * After secmem_init none of these makes a system call but a private futex. */
void *secmem_alloc(size_t n) __attribute__((malloc));
void *secmem_realloc(void *p, size_t n);
void secmem_free(void *p);

/* A stack for a thread: page aligned, bytes rounded up to pages, a guard page
 * below. Never freed. NULL when full. Before secmem_seal. */
void *secmem_stack(size_t bytes);

/* Wipes; never optimised away. */
void secmem_wipe(void *p, size_t n);

/* Equality of secrets in constant time; says nothing about order. */
bool secmem_equal(const void *a, const void *b, size_t n);

/* Bytes in the arena, bytes handed out now. Zero without an arena. */
void secmem_usage(size_t *total, size_t *used);

/* mseal()s the arena and its guard pages where the kernel can; else
 * CL_ERR_UNSUPPORTED. CL_ERR_STATE without an arena. */
CL_MUST_CHECK int secmem_seal(void);

#endif
