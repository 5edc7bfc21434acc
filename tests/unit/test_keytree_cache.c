/* tde/keytree_cache and the groups above it: more DEKs than room, under many
 * threads, with every suite; nothing is mixed up and nothing leaks. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tde/keytree.h"
#include "tde/keytree_cache.h"
#include "tde/suite_impl.h"
#include "tests/unit/child.h"

#define THREADS 12 /* more than lanes */
#define DEKS	500u
#define ROUNDS	6000u

/* ---- the cache alone; a DEK is made of its own number ---- */

static atomic_uint derived;

static int
derive(void *arg, uint16_t epoch, uint32_t encryptor, uint8_t *key)
{
	atomic_fetch_add((atomic_uint *)arg, 1);
	memset(key, 0, 64);
	le16_put(key, epoch);
	le32_put(key + 8, encryptor);
	return encryptor == 0xdeadu ? CL_ERR_CRYPTO : CL_OK;
}

/* What a context of that key gives for a fixed message. */
static void
fingerprint(const struct suite *s, void *context, uint8_t tag[16])
{
	static const uint8_t zero[28];
	uint8_t out[16];

	assert_int_equal(
	    s->seal(context, zero, zero, 28, zero, 16, out, tag), CL_OK);
}

static void
want_fingerprint(
    const struct suite *s, uint16_t epoch, uint32_t encryptor, uint8_t tag[16])
{
	void *c = secmem_alloc(s->context_size);
	atomic_uint ignored = 0;
	uint8_t key[64];

	assert_non_null(c);
	assert_int_equal(derive(&ignored, epoch, encryptor, key), CL_OK);
	assert_int_equal(s->init(c, key), CL_OK);
	fingerprint(s, c, tag);
	s->clear(c);
	secmem_free(c);
}

static const struct suite *
suite_n(unsigned i)
{
	return i == 0	? suite_gcm_ipsec()
	       : i == 1 ? suite_gcm_openssl()
			: suite_siv();
}

static struct keytree_cache *
cache_new(const struct suite *s)
{
	struct keytree_cache *c = secmem_alloc(sizeof(*c));

	assert_non_null(c);
	assert_int_equal(keytree_cache_start(c, s), CL_OK);
	atomic_store(&derived, 0);
	return c;
}

static void
cache_free(struct keytree_cache *c)
{
	keytree_cache_stop(c);
	secmem_free(c);
}

static void
get(struct keytree_cache *c, uint16_t epoch, uint32_t encryptor,
    struct keytree_lease *l)
{
	assert_int_equal(
	    keytree_cache_get(c, epoch, encryptor, derive, &derived, l), CL_OK);
}

static void
a_hit_derives_nothing(void **state)
{
	struct keytree_lease l;
	struct keytree_cache *c;
	unsigned i, s, many = KEYTREE_WAYS;

	(void)state;
	for (s = 0; s < 3; s++) {
		if (!suite_n(s))
			continue;
		c = cache_new(suite_n(s));
		for (i = 0; i < 1000; i++) {
			get(c, (uint16_t)(i % many), 5, &l);
			keytree_cache_put(c, &l);
		}
		assert_int_equal(derived, many);
		/* The same numbers swapped are another key. */
		get(c, 5, 0, &l);
		keytree_cache_put(c, &l);
		assert_int_equal(derived, many + 1);
		cache_free(c);
	}
}

static void
a_failed_derivation_is_not_kept(void **state)
{
	struct keytree_cache *c = cache_new(suite_gcm());
	struct keytree_lease l;
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    keytree_cache_get(c, 1, 0xdead, derive, &derived, &l),
		    CL_ERR_CRYPTO);
	assert_int_equal(derived, 3);
	get(c, 1, 1, &l);
	keytree_cache_put(c, &l);
	cache_free(c);
}

/* Far more leases out than there are slots: each is still its own key, and the
 * cache stays as large as it is. */
static void
held_leases_are_never_evicted(void **state)
{
	struct keytree_lease l[DEKS];
	struct keytree_cache *c;
	uint8_t got[16], want[16];
	unsigned i, s, inside;

	(void)state;
	for (s = 0; s < 3; s++) {
		if (!suite_n(s))
			continue;
		c = cache_new(suite_n(s));
		for (inside = i = 0; i < DEKS; i++) {
			get(c, (uint16_t)(i % 7), i, &l[i]);
			inside += l[i].slot != NULL;
		}
		assert_int_equal(inside, KEYTREE_SETS * KEYTREE_WAYS);
		for (i = 0; i < DEKS; i++) {
			fingerprint(suite_n(s), l[i].context, got);
			want_fingerprint(
			    suite_n(s), (uint16_t)(i % 7), i, want);
			assert_memory_equal(got, want, 16);
		}
		for (i = 0; i < DEKS; i++)
			keytree_cache_put(c, &l[i]);
		cache_free(c);
	}
}

struct job {
	struct keytree_cache *cache;
	uint8_t (*want)[16];
	unsigned seed;
	unsigned failed;
};

static void *
cache_worker(void *arg)
{
	static const uint8_t zero[28];
	struct job *j = arg;
	struct keytree_lease l;
	uint8_t tag[16], out[16];
	unsigned i, k;

	for (i = 0; i < ROUNDS; i++) {
		k = (unsigned)rand_r(&j->seed) % (i % 4 ? 40 : DEKS);
		if (keytree_cache_get(j->cache, (uint16_t)(k % 7), k, derive,
			&derived, &l) != CL_OK) {
			j->failed++;
			continue;
		}
		if (j->cache->suite->seal(l.context, zero, zero, 28, zero, 16,
			out, tag) != CL_OK ||
		    memcmp(tag, j->want[k], 16) != 0)
			j->failed++;
		keytree_cache_put(j->cache, &l);
	}
	return NULL;
}

static void
run_jobs(void *(*f)(void *), void *jobs, size_t size)
{
	pthread_t t[THREADS];
	unsigned i;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, f, (uint8_t *)jobs + i * size),
		    0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
}

static void
threads_evict_without_mixing_keys(void **state)
{
	static uint8_t want[DEKS][16];
	struct job jobs[THREADS];
	unsigned i, s;

	(void)state;
	for (s = 0; s < 3; s++) {
		if (!suite_n(s))
			continue;
		for (i = 0; i < DEKS; i++)
			want_fingerprint(
			    suite_n(s), (uint16_t)(i % 7), i, want[i]);
		for (i = 0; i < THREADS; i++)
			jobs[i] = (struct job){NULL, want, i + 1, 0};
		jobs[0].cache = cache_new(suite_n(s));
		for (i = 1; i < THREADS; i++)
			jobs[i].cache = jobs[0].cache;
		run_jobs(cache_worker, jobs, sizeof(jobs[0]));
		for (i = 0; i < THREADS; i++)
			assert_int_equal(jobs[i].failed, 0);
		assert_true(derived > DEKS); /* there was eviction */
		cache_free(jobs[0].cache);
	}
}

struct rival {
	struct keytree_cache *cache;
	unsigned lane;
	atomic_int entered;
};

static void *
rival_worker(void *arg)
{
	struct rival *r = arg;
	struct keytree_lease l;

	if (keytree_lane() != r->lane ||
	    keytree_cache_get(r->cache, 1, 1, derive, &derived, &l) != CL_OK)
		return NULL;
	atomic_fetch_add(&r->entered, 1);
	keytree_cache_put(r->cache, &l);
	return NULL;
}

/* A context that is not shared has one user at a time, though two threads may
 * have the same lane. */
static void
unshared_contexts_exclude(void **state)
{
	struct rival r = {cache_new(suite_siv()), keytree_lane(), 0};
	pthread_t t[KEYTREE_LANES];
	struct keytree_lease l;
	unsigned i;

	(void)state;
	get(r.cache, 1, 1, &l);
	for (i = 0; i < KEYTREE_LANES; i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, rival_worker, &r), 0);
	usleep(50000);
	assert_int_equal(atomic_load(&r.entered), 0);
	keytree_cache_put(r.cache, &l);
	for (i = 0; i < KEYTREE_LANES; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(atomic_load(&r.entered), 1);
	assert_int_equal(derived, 1);
	cache_free(r.cache);
}

/* ---- groups ---- */

static const uint8_t uuid[16] = "0123456789abcde";
static const uint8_t root[KEYTREE_ROOT] = "a group root of thirty-two bytes";

struct cell_job {
	struct groupkey *group;
	uint8_t (*cells)[44];
	size_t cell_n;
	unsigned seed;
	unsigned failed;
};

/* Cells of 300 epochs, opened by all; in between new ones are made, and one in
 * ten is damaged and must be refused. */
static void *
cell_worker(void *arg)
{
	struct cell_job *j = arg;
	uint8_t cell[44], pt[16], want[4];
	struct wr out;
	unsigned i, k;
	size_t n;
	int r;

	for (i = 0; i < ROUNDS / 2; i++) {
		k = (unsigned)rand_r(&j->seed) % 300;
		memcpy(cell, j->cells[k], j->cell_n);
		if (i % 10 == 0)
			cell[j->cell_n - 1 - k % 20] ^= 4;
		n = 0;
		r = groupkey_open(
		    j->group, TYPE_INT4, cell, j->cell_n, pt, sizeof(pt), &n);
		le32_put(want, k);
		if (i % 10 == 0 ? r != CL_ERR_BAD_CELL
				: r != CL_OK || n != 4 || memcmp(pt, want, 4))
			j->failed++;
		out = wr_make(cell, sizeof(cell));
		if (groupkey_seal(j->group, TYPE_INT4, want, 4, &out) ||
		    groupkey_open(j->group, TYPE_INT4, cell, out.len, pt,
			sizeof(pt), &n) ||
		    memcmp(pt, want, 4))
			j->failed++;
	}
	return NULL;
}

static void
make_cells(uint8_t suite, uint8_t (*cells)[44], size_t *cell_n)
{
	struct groupkey *g;
	uint8_t pt[4];
	struct wr out;
	unsigned k;

	for (k = 0; k < 300; k++) {
		assert_int_equal(groupkey_new(&g, uuid, 9, suite,
				     (uint16_t)(k * 211), 0, root),
		    CL_OK);
		le32_put(pt, k);
		out = wr_make(cells[k], 44);
		assert_int_equal(groupkey_seal(g, TYPE_INT4, pt, 4, &out), 0);
		*cell_n = out.len;
		groupkey_free(g);
	}
}

static void
threads_share_a_group(void **state)
{
	static uint8_t cells[300][44];
	struct cell_job jobs[THREADS];
	struct groupkey *g;
	unsigned i, suite;
	size_t cell_n;

	(void)state;
	for (suite = SUITE_AES256_GCM; suite <= SUITE_AES256_SIV; suite++) {
		make_cells((uint8_t)suite, cells, &cell_n);
		assert_int_equal(
		    groupkey_new(&g, uuid, 9, (uint8_t)suite, 1, 0, root), 0);
		for (i = 0; i < THREADS; i++)
			jobs[i] = (struct cell_job){
			    groupkey_ref(g), cells, cell_n, i + 1, 0};
		run_jobs(cell_worker, jobs, sizeof(jobs[0]));
		for (i = 0; i < THREADS; i++) {
			assert_int_equal(jobs[i].failed, 0);
			groupkey_free(jobs[i].group);
		}
		groupkey_free(g);
	}
}

/* ---- memory: in a child, because it needs the arena ---- */

static void
use_group(uint8_t suite, uint32_t ndeks)
{
	struct groupkey *g, *w;
	uint8_t cell[64], pt[32];
	struct wr out;
	uint32_t k;
	size_t n;

	CHECK(groupkey_new(&g, uuid, 9, suite, 0, 0, root) == CL_OK);
	for (k = 0; k < ndeks; k++) {
		CHECK(groupkey_new(&w, uuid, 9, suite, (uint16_t)k, 0, root) ==
		      CL_OK);
		out = wr_make(cell, sizeof(cell));
		CHECK(groupkey_seal(w, TYPE_INT4, root, 4, &out) == CL_OK);
		CHECK(groupkey_open(g, 0, cell, out.len, pt, sizeof(pt), &n) ==
		      CL_OK);
		groupkey_free(w);
	}
	groupkey_free(g);
}

static void
count_memory(void)
{
	size_t total, before, after, i;

	CHECK(secmem_init(ARENA, true) == CL_OK);
	CHECK(secmem_hook_libraries() == CL_OK);
	CHECK(suite_start() == CL_OK);
	use_group(SUITE_AES256_GCM, 2); /* what libraries keep for good */
	use_group(SUITE_AES256_SIV, 2);
	secmem_usage(&total, &before);
	for (i = 0; i < 3; i++) {
		use_group(SUITE_AES256_GCM, 300);
		use_group(SUITE_AES256_SIV, 300);
		secmem_usage(&total, &after);
		CHECK(after == before);
	}
}

static void
freed_groups_give_all_memory_back(void **state)
{
	(void)state;
	must_pass(count_memory);
}

/* A full arena is an error of one call; the group works again afterwards. */
static void
exhaust_memory(void)
{
	uint8_t cell[64], pt[32];
	struct groupkey *g;
	void *list[2000];
	struct wr out;
	size_t n, i = 0, size = 65536;
	int r;

	CHECK(secmem_init((size_t)1 << 20, true) == CL_OK);
	CHECK(secmem_hook_libraries() == CL_OK);
	CHECK(suite_start() == CL_OK);
	CHECK(groupkey_new(&g, uuid, 9, SUITE_AES256_GCM, 0, 0, root) == 0);
	out = wr_make(cell, sizeof(cell));
	while (size >= 16 && i < 2000)
		if (!(list[i] = secmem_alloc(size)))
			size /= 2;
		else
			i++;
	CHECK(i < 2000);
	r = groupkey_seal(g, TYPE_INT4, root, 4, &out);
	CHECK(r != CL_OK && out.len == 0);
	while (i)
		secmem_free(list[--i]);
	CHECK(groupkey_seal(g, TYPE_INT4, root, 4, &out) == CL_OK);
	CHECK(groupkey_open(g, 0, cell, out.len, pt, sizeof(pt), &n) == CL_OK);
	groupkey_free(g);
}

static void
a_full_arena_is_survived(void **state)
{
	(void)state;
	must_pass(exhaust_memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_failed_derivation_is_not_kept),
	    cmocka_unit_test(a_hit_derives_nothing),
	    cmocka_unit_test(held_leases_are_never_evicted),
	    cmocka_unit_test(unshared_contexts_exclude),
	    cmocka_unit_test(threads_evict_without_mixing_keys),
	    cmocka_unit_test(threads_share_a_group),
	};
	const struct CMUnitTest memory[] = {
	    cmocka_unit_test(freed_groups_give_all_memory_back),
	    cmocka_unit_test(a_full_arena_is_survived),
	};
	int failed;

	/* The children hook OpenSSL, so it must not have been used before. */
	failed = cmocka_run_group_tests(memory, NULL, NULL);
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
