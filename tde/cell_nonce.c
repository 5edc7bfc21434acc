#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/secmem.h"
#include "tde/cell_nonce.h"

/* As many as fit 4 KiB: one call of the generator costs as much as 100. */
#define BATCH 341u

struct batch {
	unsigned generation;
	unsigned next;
	uint32_t encryptor;
	uint8_t nonces[BATCH][CELL_NONCE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cell_encryptor current; /* under lock */
static atomic_uint generation;	      /* +1 in each forked child */
static _Thread_local struct batch *mine;

static void
before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void
after_fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

static void
after_fork_child(void)
{
	memset(&current, 0, sizeof(current));
	atomic_fetch_add(&generation, 1);
	pthread_mutex_unlock(&lock);
}

static void
start(void)
{
	/* Both fail only when memory is out, and then nothing is lost but a
	 * buffer of random bytes at a thread's end; a missed fork handler
	 * is not acceptable. */
	(void)pthread_key_create(&at_thread_end, secmem_free);
	if (pthread_atfork(before_fork, after_fork_parent, after_fork_child))
		abort();
}

int
cell_encryptor_take(struct cell_encryptor *e, uint64_t n, uint32_t *id)
{
	int r;

	if (n > CELL_NONCE_BUDGET)
		return CL_ERR_ARGUMENT;
	if (e->id == 0 || e->left < n) {
		e->id = 0;
		while (e->id == 0)
			if ((r = crypto_random(&e->id, sizeof(e->id))) != CL_OK)
				return r;
		e->left = CELL_NONCE_BUDGET;
	}
	e->left -= n;
	*id = e->id;
	return CL_OK;
}

static int
refill(struct batch *b)
{
	int r;

	b->next = BATCH; /* nothing is left if this fails */
	b->generation = atomic_load(&generation);
	pthread_mutex_lock(&lock);
	r = cell_encryptor_take(&current, BATCH, &b->encryptor);
	pthread_mutex_unlock(&lock);
	if (r == CL_OK)
		r = crypto_random(b->nonces, sizeof(b->nonces));
	if (r == CL_OK)
		b->next = 0;
	return r;
}

static struct batch *
batch_new(void)
{
	struct batch *b;

	pthread_once(&once, start);
	b = secmem_alloc(sizeof(*b));
	if (!b)
		return NULL;
	b->next = BATCH;
	if (pthread_setspecific(at_thread_end, b) != 0) {
		secmem_free(b);
		return NULL;
	}
	mine = b;
	return b;
}

int
cell_nonce(uint8_t nonce[CELL_NONCE], uint32_t *encryptor)
{
	struct batch *b = mine ? mine : batch_new();
	int r;

	if (!b)
		return CL_ERR_MEMORY;
	if (b->next == BATCH ||
	    b->generation !=
		atomic_load_explicit(&generation, memory_order_relaxed))
		if ((r = refill(b)) != CL_OK)
			return r;
	memcpy(nonce, b->nonces[b->next], CELL_NONCE);
	secmem_wipe(b->nonces[b->next], CELL_NONCE);
	b->next++;
	*encryptor = b->encryptor;
	return CL_OK;
}
