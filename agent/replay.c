#include "agent/replay.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/buf.h"

/* A minute's messages at some thousand a second; a bucket of 32 is full by
 * chance only long after that. */
#define BUCKETS 8192u
#define DEPTH	32u

struct used {
	uint8_t nonce[REPLAY_NONCE];
	int64_t expires; /* 0: free */
};

struct replay {
	pthread_mutex_t lock;
	struct used rows[BUCKETS][DEPTH];
};

int
replay_new(struct replay **out)
{
	struct replay *all;

	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return CL_ERR_MEMORY;
	pthread_mutex_init(&all->lock, NULL);
	*out = all;
	return CL_OK;
}

/* The lock is held. */
static int
use_locked(struct used *bucket, const uint8_t nonce[REPLAY_NONCE], int64_t now,
    int64_t expires)
{
	struct used *free_row = NULL;
	unsigned i;

	for (i = 0; i < DEPTH; i++) {
		if (bucket[i].expires <= now)
			free_row = &bucket[i];
		else if (!memcmp(bucket[i].nonce, nonce, REPLAY_NONCE))
			return CL_ERR_REPLAYED;
	}
	if (!free_row)
		return CL_ERR_LIMIT;
	memcpy(free_row->nonce, nonce, REPLAY_NONCE);
	free_row->expires = expires;
	return CL_OK;
}

int
replay_use(struct replay *all, const uint8_t nonce[REPLAY_NONCE], int64_t now,
    int64_t expires)
{
	int r;

	pthread_mutex_lock(&all->lock);
	r = use_locked(
	    all->rows[le32_get(nonce) % BUCKETS], nonce, now, expires);
	pthread_mutex_unlock(&all->lock);
	return r;
}
