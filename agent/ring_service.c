#include "agent/ring_service.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/ring.h"
#include "lib/secmem.h"

#define SPIN_US	   50u
#define SPIN_BURST 64u /* looks between two looks at the clock */
#define SKIP_MAX   64u

struct ring {
	struct ring_header *shared; /* NULL: not attached */
	uint32_t slot_size;	    /* our checked copy */
	uint32_t seen;		    /* request_seq served last */
	unsigned skip;		    /* so many times no spinning */
	unsigned penalty;	    /* skip after the next one that fails */
	uint8_t *copy;		    /* RING_SLOT_MAX bytes */
};

int
ring_new(struct ring **out)
{
	struct ring *r = secmem_alloc(sizeof(*r));
	void *p;

	if (!r)
		return CL_ERR_MEMORY;
	p = mmap(NULL, RING_SLOT_MAX, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		secmem_free(r);
		return CL_ERR_MEMORY;
	}
	r->copy = p;
	*out = r;
	return CL_OK;
}

bool
ring_attached(const struct ring *r)
{
	return r->shared != NULL;
}

/* glibc's fstat() is newfstatat(), which could name any path: the filter
 * allows the system call that cannot. */
static int
size_of(int fd, uint64_t *size)
{
	struct stat st;

	if (syscall(SYS_fstat, fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size < 0)
		return CL_ERR_ARGUMENT;
	*size = (uint64_t)st.st_size;
	return CL_OK;
}

static int
check_fd(int fd, uint32_t slot_size, const char **why)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
	uint64_t size = 0;
	int seals;

	*why = "slot size is outside its range or no multiple of a page";
	if (slot_size < RING_SLOT_MIN || slot_size > RING_SLOT_MAX ||
	    slot_size % RING_PAGE)
		return CL_ERR_ARGUMENT;
	*why = "the descriptor is not a memfd sealed against resizing";
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & wanted) != wanted)
		return CL_ERR_ARGUMENT;
	*why = "the memfd's size is not a page and two slots";
	if (size_of(fd, &size) || size != ring_bytes(slot_size))
		return CL_ERR_ARGUMENT;
	return CL_OK;
}

int
ring_attach(struct ring *r, int fd, uint32_t slot_size, const char **why)
{
	struct ring_header *h;
	int error;

	*why = "the ring is in use already";
	if (r->shared)
		return CL_ERR_STATE;
	if ((error = check_fd(fd, slot_size, why)) != 0)
		return error;
	*why = "the memfd cannot be mapped";
	h = mmap(NULL, ring_bytes(slot_size), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return CL_ERR_ARGUMENT;
	if (*(volatile uint32_t *)&h->magic != RING_MAGIC) {
		*why = "the ring's magic number is wrong";
		munmap(h, ring_bytes(slot_size));
		return CL_ERR_FORMAT;
	}
	r->shared = h;
	r->slot_size = slot_size;
	r->seen = atomic_load(&h->request_seq);
	r->skip = r->penalty = 0;
	return CL_OK;
}

void
ring_detach(struct ring *r)
{
	if (!r->shared)
		return;
	munmap(r->shared, ring_bytes(r->slot_size));
	r->shared = NULL;
	madvise(r->copy, RING_SLOT_MAX, MADV_DONTNEED);
}

static bool
is_new(const struct ring *r)
{
	return atomic_load_explicit(
		   &r->shared->request_seq, memory_order_acquire) != r->seen;
}

int
ring_take(
    struct ring *r, uint32_t max_body, struct frame *f, const uint8_t **body)
{
	uint8_t *slot = ring_request(r->shared);
	int error = CL_OK;
	uint32_t seq;

	seq =
	    atomic_load_explicit(&r->shared->request_seq, memory_order_acquire);
	if (seq == r->seen)
		return CL_ERR_NOT_FOUND;
	r->seen = seq;
	memcpy(r->copy, slot, FRAME_HEADER);
	if (frame_next(r->copy, FRAME_HEADER, max_body, f, &error) == FRAME_BAD)
		return error;
	if (f->body_len > r->slot_size - FRAME_HEADER)
		return CL_ERR_TOO_LARGE;
	memcpy(r->copy + FRAME_HEADER, slot + FRAME_HEADER, f->body_len);
	*body = r->copy + FRAME_HEADER;
	return CL_OK;
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static bool
spin(struct ring *r, uint32_t us)
{
	uint64_t end = now_us() + us;
	unsigned i;

	do {
		for (i = 0; i < SPIN_BURST; i++) {
			if (is_new(r))
				return true;
			__builtin_ia32_pause();
		}
	} while (now_us() < end);
	return false;
}

/* A busy ring is two threads, of which one waits: with fewer cores than that
 * a spin only takes time from whoever has work. */
static uint32_t
advice(const _Atomic unsigned *awake, unsigned cpus)
{
	unsigned rings = atomic_load_explicit(awake, memory_order_relaxed);

	return cpus > 1 && 2 * rings <= cpus ? SPIN_US : 0;
}

/* A spin that came to nothing is a hint that the other side has no core: so
 * the next 1, 2, 4 ... times there is none; one that succeeds forgets that. */
static bool
try_spin(struct ring *r, uint32_t us)
{
	if (!us)
		return false;
	if (r->skip) {
		r->skip--;
		return false;
	}
	if (spin(r, us)) {
		r->penalty = 0;
		return true;
	}
	r->penalty = r->penalty ? 2 * r->penalty : 1;
	if (r->penalty > SKIP_MAX)
		r->penalty = SKIP_MAX;
	r->skip = r->penalty;
	return false;
}

bool
ring_watch(struct ring *r, const _Atomic unsigned *awake, unsigned cpus)
{
	uint32_t us = advice(awake, cpus);

	atomic_store_explicit(&r->shared->spin_us, us, memory_order_relaxed);
	if (is_new(r) || try_spin(r, us))
		return true;
	atomic_store(&r->shared->engine_sleeping, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (!is_new(r))
		return false;
	ring_wake(r);
	return true;
}

void
ring_wake(struct ring *r)
{
	atomic_store(&r->shared->engine_sleeping, 0);
}

void
ring_reply_sent(struct ring *r)
{
	atomic_store(&r->shared->reply_seq, r->seen);
}

bool
ring_reply_put(struct ring *r, const uint8_t *frame, size_t n, bool *bell)
{
	if (n > r->slot_size)
		return false;
	memcpy(ring_reply(r->shared, r->slot_size), frame, n);
	ring_reply_sent(r);
	atomic_thread_fence(memory_order_seq_cst);
	*bell = atomic_load(&r->shared->client_sleeping) != 0;
	return true;
}
