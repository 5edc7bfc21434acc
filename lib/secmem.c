#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/secmem.h"
#include "lib/secmem_heap.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* Blocks above this are wiped without holding the lock. */
#define WIPE_UNLOCKED 16384u

/* Ordinary memory: what stands in front of each allocation without an arena. */
struct ordinary {
	uint64_t size;
	uint64_t mark;
};
#define ORDINARY_MARK 0x6f72646d656d2121u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct heap heap;
static uint8_t *arena; /* first byte behind the lower guard page */
static size_t arena_bytes;
static const char *kind = "none";
static atomic_bool ready;

void
secmem_wipe(void *p, size_t n)
{
	if (n)
		memset(p, 0, n);
	/* The compiler must believe that somebody reads the zeros. */
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

bool
secmem_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Maps n bytes of secret memory at the reserved address. The descriptor must
 * not outlive the call: whoever gets hold of it could map the content. */
static int
map_secret(void *at, size_t n)
{
	int fd, r = CL_OK;
	void *p;

	fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM
			   ? CL_ERR_LIMIT
			   : CL_ERR_UNSUPPORTED;
	if (ftruncate(fd, (off_t)n) != 0) {
		close(fd);
		return CL_ERR_MEMORY;
	}
	p = mmap(at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (p == MAP_FAILED)
		r = errno == EAGAIN ? CL_ERR_LIMIT : CL_ERR_MEMORY;
	close(fd);
	return r;
}

/* Ordinary pages, locked as they are touched. */
static int
map_locked(void *at, size_t n)
{
	if (mmap(at, n, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return CL_ERR_MEMORY;
	if (mlock2(at, n, MLOCK_ONFAULT) == 0)
		return CL_OK;
	/* Emulators know only the older call, which touches every page; the
	 * C library then says EINVAL. */
	return errno == EINVAL && mlock(at, n) == 0 ? CL_OK : CL_ERR_LIMIT;
}

static int
map_arena(uint8_t *at, size_t n, bool allow_mlock)
{
	int r = map_secret(at, n);

	if (r == CL_OK)
		kind = "memfd_secret";
	else if (r == CL_ERR_UNSUPPORTED && allow_mlock &&
		 (r = map_locked(at, n)) == CL_OK)
		kind = "mlock";
	if (r == CL_OK && (madvise(at, n, MADV_DONTFORK) != 0 ||
			      madvise(at, n, MADV_DONTDUMP) != 0))
		r = CL_ERR_INTERNAL;
	return r;
}

int
secmem_init(size_t bytes, bool allow_mlock)
{
	size_t page = page_size();
	uint64_t secret;
	uint8_t *all;
	int r;

	if (atomic_load(&ready))
		return CL_ERR_STATE;
	if (bytes == 0 || bytes > HEAP_MAX)
		return CL_ERR_ARGUMENT;
	bytes = (bytes + page - 1) / page * page;
	if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
		return CL_ERR_IO;
	all = mmap(NULL, bytes + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return CL_ERR_MEMORY;
	if ((r = map_arena(all + page, bytes, allow_mlock)) != CL_OK) {
		kind = "none";
		munmap(all, bytes + 2 * page);
		return r;
	}
	arena = all + page;
	arena_bytes = bytes;
	heap_start(&heap, arena, bytes, secret);
	atomic_store(&ready, true);
	return CL_OK;
}

const char *
secmem_kind(void)
{
	return kind;
}

static bool
in_arena(const void *p)
{
	if (!atomic_load_explicit(&ready, memory_order_acquire))
		return false;
	return (uintptr_t)p >= (uintptr_t)arena &&
	       (uintptr_t)p - (uintptr_t)arena < arena_bytes;
}

static void *
ordinary_alloc(size_t n)
{
	struct ordinary *o;

	if (n > SIZE_MAX - sizeof(*o))
		return NULL;
	o = calloc(1, sizeof(*o) + n);
	if (!o)
		return NULL;
	o->size = n;
	o->mark = ORDINARY_MARK ^ (uintptr_t)o;
	return o + 1;
}

static struct ordinary *
ordinary_of(void *p)
{
	struct ordinary *o = (struct ordinary *)p - 1;

	if (o->mark != (ORDINARY_MARK ^ (uintptr_t)o))
		abort();
	return o;
}

void *
secmem_alloc(size_t n)
{
	void *p;

	if (!atomic_load_explicit(&ready, memory_order_acquire))
		return ordinary_alloc(n);
	pthread_mutex_lock(&lock);
	p = heap_alloc(&heap, n);
	pthread_mutex_unlock(&lock);
	return p;
}

static size_t
size_of(void *p)
{
	size_t n;

	if (!in_arena(p))
		return ordinary_of(p)->size;
	pthread_mutex_lock(&lock);
	n = heap_size(&heap, p);
	pthread_mutex_unlock(&lock);
	return n;
}

void *
secmem_realloc(void *p, size_t n)
{
	size_t old;
	void *q;

	if (!p)
		return secmem_alloc(n);
	if (n == 0) {
		secmem_free(p);
		return NULL;
	}
	old = size_of(p);
	if (n <= old && n >= old / 2) {
		secmem_wipe((uint8_t *)p + n, old - n);
		return p;
	}
	q = secmem_alloc(n);
	if (!q)
		return NULL;
	memcpy(q, p, n < old ? n : old);
	secmem_free(p);
	return q;
}

static void
arena_free(void *p)
{
	size_t n;

	pthread_mutex_lock(&lock);
	n = heap_free_begin(&heap, p);
	if (n > WIPE_UNLOCKED) {
		pthread_mutex_unlock(&lock);
		secmem_wipe(p, n);
		pthread_mutex_lock(&lock);
	} else {
		secmem_wipe(p, n);
	}
	heap_free_end(&heap, p);
	pthread_mutex_unlock(&lock);
}

void
secmem_free(void *p)
{
	struct ordinary *o;

	if (!p)
		return;
	if (in_arena(p)) {
		arena_free(p);
		return;
	}
	o = ordinary_of(p);
	secmem_wipe(o, sizeof(*o) + o->size);
	free(o);
}

/* A guard page below and the stack above it, inside one block that is never
 * freed; the block's header lies below the guard and stays readable. */
void *
secmem_stack(size_t bytes)
{
	size_t page = page_size();
	uint8_t *p, *guard;

	if (bytes == 0 || bytes > HEAP_MAX)
		return NULL;
	bytes = (bytes + page - 1) / page * page;
	if (!atomic_load(&ready)) {
		p = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		if (p == MAP_FAILED)
			return NULL;
		guard = p;
	} else {
		p = secmem_alloc(bytes + 2 * page);
		if (!p)
			return NULL;
		guard = p + (page - (uintptr_t)p % page) % page;
	}
	if (mprotect(guard, page, PROT_NONE) != 0)
		return NULL;
	return guard + page;
}

void
secmem_usage(size_t *total, size_t *used)
{
	pthread_mutex_lock(&lock);
	*total = arena_bytes;
	*used = heap.used;
	pthread_mutex_unlock(&lock);
}

int
secmem_seal(void)
{
	size_t page = page_size();

	if (!atomic_load(&ready))
		return CL_ERR_STATE;
	if (syscall(SYS_mseal, arena - page, arena_bytes + 2 * page, 0UL) == 0)
		return CL_OK;
	return errno == ENOSYS || errno == EINVAL || errno == EPERM
		   ? CL_ERR_UNSUPPORTED
		   : CL_ERR_INTERNAL;
}

/* OpenSSL wants NULL for no bytes, as its own allocator gives. */
static void *
openssl_alloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n ? secmem_alloc(n) : NULL;
}

static void *
openssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return p || n ? secmem_realloc(p, n) : NULL;
}

static void
openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	secmem_free(p);
}

/* All of libgcrypt's memory is secret memory here. */
static int
gcrypt_is_secure(const void *p)
{
	return in_arena(p);
}

int
secmem_hook_libraries(void)
{
	if (gcry_control(GCRYCTL_ANY_INITIALIZATION_P))
		return CL_ERR_STATE;
	if (CRYPTO_set_mem_functions(
		openssl_alloc, openssl_realloc, openssl_free) != 1)
		return CL_ERR_STATE;
	gcry_set_allocation_handler(secmem_alloc, secmem_alloc,
	    gcrypt_is_secure, secmem_realloc, secmem_free);
	json_set_alloc_funcs(secmem_alloc, secmem_free);
	return CL_OK;
}
