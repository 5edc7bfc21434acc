#include "agent/warmup.h"

#include <string.h>

#include "lib/crypto.h"
#include "policy/message.h"
#include "tde/keytree.h"
#include "tde/suite.h"

int
warmup_process(void)
{
	int r;

	if ((r = message_warmup()) != 0)
		return r;
	return suite_start();
}

/* One value there and back, then a forged cell. */
static int
use_group(struct groupkey *g)
{
	static const uint8_t value[4] = {1, 2, 3, 4};
	uint8_t cell[CELL_OVERHEAD + 64], back[sizeof(cell)];
	struct wr out = wr_make(cell, sizeof(cell));
	size_t n = 0;
	int r;

	if ((r = groupkey_seal(g, TYPE_INT4, value, sizeof(value), &out)) != 0)
		return r;
	r = groupkey_open(g, TYPE_INT4, cell, out.len, back, sizeof(back), &n);
	if (r || n != sizeof(value) || memcmp(back, value, n))
		return r ? r : CL_ERR_CRYPTO;
	cell[out.len - 1] ^= 1;
	r = groupkey_open(g, TYPE_INT4, cell, out.len, back, sizeof(back), &n);
	return r == CL_ERR_BAD_CELL ? CL_OK : CL_ERR_CRYPTO;
}

static int
use_suite(uint8_t suite)
{
	static const uint8_t uuid[16] = {1}, root[KEYTREE_ROOT] = {2};
	struct groupkey *g = NULL;
	int r;

	if ((r = groupkey_new(&g, uuid, 1, suite, 1, 0, root)) != 0)
		return r;
	r = use_group(g);
	groupkey_free(g);
	return r;
}

static int
use_hash(void)
{
	static const uint8_t key[32] = {3};
	struct hashkey *h = NULL;
	int64_t hash;
	int r;

	if ((r = hashkey_new(&h, key)) != 0)
		return r;
	r = hashkey_hash(h, key, sizeof(key), &hash);
	hashkey_free(h);
	return r;
}

/* What a thread has of its own: random numbers, and the suites' buffers. The
 * rest was set up for the whole process. */
int
warmup_thread(void)
{
	int r;

	if ((r = crypto_warmup()) != 0 ||
	    (r = use_suite(SUITE_AES256_GCM)) != 0 ||
	    (r = use_suite(SUITE_AES256_SIV)) != 0)
		return r;
	return use_hash();
}
