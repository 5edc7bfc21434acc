/*
 * The tenant's keyed hash: AES-256-CMAC (NIST SP 800-38B), a pseudorandom
 * function of the whole input, cut to its first 64 bits read as little endian.
 * libgcrypt serves it about ten times faster than HMAC-SHA256 through OpenSSL.
 * A handle serves one thread at a time, so there is one per lane.
 */
#include <gcrypt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/secmem.h"
#include "tde/keytree.h"
#include "tde/keytree_cache.h"
#include "tde/suite_impl.h"

#define KEY_LEN 32u
#define MAC_LEN 16u

struct hash_lane {
	pthread_mutex_t lock;
	gcry_mac_hd_t mac; /* NULL until the lane's first use */
};

struct hashkey {
	atomic_uint refs;
	uint8_t key[KEY_LEN];
	struct hash_lane lanes[KEYTREE_LANES];
};

int
hashkey_new(struct hashkey **out, const uint8_t key[32])
{
	struct hashkey *h;
	unsigned i;
	int r;

	*out = NULL;
	if ((r = suite_gcrypt_start()) != CL_OK)
		return r;
	h = secmem_alloc(sizeof(*h));
	if (!h)
		return CL_ERR_MEMORY;
	atomic_init(&h->refs, 1);
	memcpy(h->key, key, KEY_LEN);
	for (i = 0; i < KEYTREE_LANES; i++)
		if (pthread_mutex_init(&h->lanes[i].lock, NULL) != 0) {
			secmem_free(h);
			return CL_ERR_MEMORY;
		}
	*out = h;
	return CL_OK;
}

struct hashkey *
hashkey_ref(struct hashkey *h)
{
	atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
	return h;
}

void
hashkey_free(struct hashkey *h)
{
	unsigned i;

	if (!h ||
	    atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < KEYTREE_LANES; i++) {
		gcry_mac_close(h->lanes[i].mac);
		pthread_mutex_destroy(&h->lanes[i].lock);
	}
	secmem_free(h);
}

static int
lane_start(struct hash_lane *l, const uint8_t key[KEY_LEN])
{
	if (gcry_mac_open(&l->mac, GCRY_MAC_CMAC_AES, 0, NULL) != 0) {
		l->mac = NULL;
		return CL_ERR_CRYPTO;
	}
	if (gcry_mac_setkey(l->mac, key, KEY_LEN) != 0) {
		gcry_mac_close(l->mac);
		l->mac = NULL;
		return CL_ERR_CRYPTO;
	}
	return CL_OK;
}

int
hashkey_hash(struct hashkey *h, const uint8_t *p, size_t n, int64_t *out)
{
	struct hash_lane *l = &h->lanes[keytree_lane()];
	uint8_t mac[MAC_LEN];
	size_t len = sizeof(mac);
	uint64_t u;
	int r = CL_OK;

	pthread_mutex_lock(&l->lock);
	if (!l->mac)
		r = lane_start(l, h->key);
	if (r == CL_OK && (gcry_mac_reset(l->mac) != 0 ||
			      (n && gcry_mac_write(l->mac, p, n) != 0) ||
			      gcry_mac_read(l->mac, mac, &len) != 0))
		r = CL_ERR_CRYPTO;
	pthread_mutex_unlock(&l->lock);
	if (r == CL_OK) {
		u = le64_get(mac);
		memcpy(out, &u, sizeof(u));
	}
	secmem_wipe(mac, sizeof(mac));
	return r;
}
