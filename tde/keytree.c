#include <stdatomic.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/secmem.h"
#include "tde/cell_nonce.h"
#include "tde/keytree.h"
#include "tde/keytree_cache.h"

#define AAD_LEN	     (CELL_HEADER + 16u)
#define PAD_MARK     0x80u
#define PAD_ON_STACK 256u

struct groupkey {
	atomic_uint refs;
	uint32_t tag;
	uint32_t pad;
	uint16_t epoch;
	const struct suite *suite;
	uint8_t uuid[16];
	uint8_t root[KEYTREE_ROOT];
	struct keytree_cache cache;
};

int
groupkey_new(struct groupkey **out, const uint8_t uuid[16], uint32_t tag,
    uint8_t suite, uint16_t epoch, uint32_t pad,
    const uint8_t root[KEYTREE_ROOT])
{
	const struct suite *s = suite_by_id(suite);
	struct groupkey *g;
	int r;

	*out = NULL;
	if (!s || tag == 0 || tag >> 31 || pad > CELL_MAX_PLAIN)
		return CL_ERR_ARGUMENT;
	g = secmem_alloc(sizeof(*g));
	if (!g)
		return CL_ERR_MEMORY;
	if ((r = keytree_cache_start(&g->cache, s)) != CL_OK) {
		secmem_free(g);
		return r;
	}
	atomic_init(&g->refs, 1);
	g->tag = tag;
	g->pad = pad;
	g->epoch = epoch;
	g->suite = s;
	memcpy(g->uuid, uuid, sizeof(g->uuid));
	memcpy(g->root, root, sizeof(g->root));
	*out = g;
	return CL_OK;
}

struct groupkey *
groupkey_ref(struct groupkey *g)
{
	atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
	return g;
}

void
groupkey_free(struct groupkey *g)
{
	if (!g ||
	    atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
		return;
	keytree_cache_stop(&g->cache);
	secmem_free(g);
}

uint32_t
groupkey_tag(const struct groupkey *g)
{
	return g->tag;
}

/* ---- DEKs ---- */

static int
derive(void *arg, uint16_t epoch, uint32_t encryptor, uint8_t *key)
{
	static const char label[16] = "cloister dek v1";
	const struct groupkey *g = arg;
	uint8_t info[sizeof(label) + 8];

	memcpy(info, label, sizeof(label));
	info[16] = g->suite->deterministic ? 2 : 1;
	info[17] = g->suite->id;
	le16_put(info + 18, epoch);
	le32_put(info + 20, encryptor);
	return crypto_hkdf(g->root, sizeof(g->root), NULL, 0, info,
	    sizeof(info), key, g->suite->key_len);
}

static int
lease(struct groupkey *g, const uint8_t header[CELL_HEADER],
    struct keytree_lease *l)
{
	return keytree_cache_get(&g->cache, cell_epoch_of(header),
	    le32_get(header + 8), derive, g, l);
}

/* Associated data: the header and the group's UUID. */
static void
make_aad(const struct groupkey *g, const uint8_t header[CELL_HEADER],
    uint8_t aad[AAD_LEN])
{
	memcpy(aad, header, CELL_HEADER);
	memcpy(aad + CELL_HEADER, g->uuid, sizeof(g->uuid));
}

/* ---- sealing ---- */

static bool
is_padded(const struct groupkey *g, uint8_t type)
{
	return g->pad && cell_type_width(type) == 0;
}

static size_t
body_size(const struct groupkey *g, uint8_t type, size_t n)
{
	return is_padded(g, type) ? (n / g->pad + 1) * g->pad : n;
}

size_t
groupkey_cell_size(const struct groupkey *g, uint8_t type, size_t n)
{
	return CELL_HEADER + g->suite->nonce_len + body_size(g, type, n) +
	       CELL_TAG;
}

/* Fills the header and, for a randomised suite, the nonce behind it. */
static int
make_header(struct groupkey *g, uint8_t type, uint8_t *header)
{
	uint32_t encryptor = 0;
	int r = CL_OK;

	if (!g->suite->deterministic)
		r = cell_nonce(header + CELL_HEADER, &encryptor);
	header[0] = (uint8_t)(CELL_FORMAT << 4 | g->suite->id);
	header[1] = type;
	le16_put(header + 2, g->epoch);
	le32_put(header + 4, g->tag);
	le32_put(header + 8, encryptor);
	return r;
}

/* cell has room for all of it. Nothing secret is ever written there, nor is
 * anything read back: it may be memory that others see. */
static int
seal_body(struct groupkey *g, uint8_t type, const uint8_t *pt, size_t n,
    uint8_t *cell)
{
	uint8_t header[CELL_HEADER + CELL_NONCE], aad[AAD_LEN], tag[CELL_TAG];
	size_t front = CELL_HEADER + g->suite->nonce_len;
	struct keytree_lease l;
	int r;

	if ((r = make_header(g, type, header)) != CL_OK)
		return r;
	make_aad(g, header, aad);
	if ((r = lease(g, header, &l)) != CL_OK)
		return r;
	r = g->suite->seal(l.context, header + CELL_HEADER, aad, sizeof(aad),
	    pt, n, cell + front, tag);
	keytree_cache_put(&g->cache, &l);
	if (r != CL_OK)
		return r;
	memcpy(cell, header, front);
	memcpy(cell + front + n, tag, sizeof(tag));
	return CL_OK;
}

static int
seal_padded(struct groupkey *g, uint8_t type, const uint8_t *pt, size_t n,
    size_t body, uint8_t *cell)
{
	uint8_t small[PAD_ON_STACK], *p = small;
	int r;

	if (body > sizeof(small) && !(p = secmem_alloc(body)))
		return CL_ERR_MEMORY;
	if (n)
		memcpy(p, pt, n);
	p[n] = PAD_MARK;
	memset(p + n + 1, 0, body - n - 1);
	r = seal_body(g, type, p, body, cell);
	if (p == small)
		secmem_wipe(small, sizeof(small));
	else
		secmem_free(p);
	return r;
}

int
groupkey_seal(struct groupkey *g, uint8_t type, const uint8_t *pt, size_t n,
    struct wr *out)
{
	unsigned width = cell_type_width(type);
	struct wr start = *out;
	uint8_t *cell;
	size_t body;
	int r;

	if (!cell_type_known(type) || (width && n != width))
		return CL_ERR_ARGUMENT;
	if (n > CELL_MAX_PLAIN ||
	    (body = body_size(g, type, n)) > CELL_MAX_PLAIN)
		return CL_ERR_TOO_LARGE;
	if ((r = wr_reserve(out, &cell, groupkey_cell_size(g, type, n))) != 0)
		return r;
	r = is_padded(g, type) ? seal_padded(g, type, pt, n, body, cell)
			       : seal_body(g, type, pt, n, cell);
	if (r != CL_OK)
		*out = start;
	return r;
}

/* ---- opening ---- */

/* Shape is a property of the header and the cell's length alone. */
static int
check_header(const struct groupkey *g, uint8_t type,
    const uint8_t header[CELL_HEADER], size_t cell_n)
{
	int r;

	if ((r = cell_check_shape(header, cell_n)) != CL_OK)
		return r;
	if (cell_tag_of(header) != g->tag)
		return CL_ERR_BAD_CELL_GROUP;
	if (cell_suite_of(header) != g->suite->id)
		return CL_ERR_BAD_CELL;
	if (g->suite->deterministic != (le32_get(header + 8) == 0))
		return CL_ERR_BAD_CELL;
	if (type && cell_type_of(header) != type)
		return CL_ERR_BAD_CELL_TYPE;
	return CL_OK;
}

static int
open_body(struct groupkey *g, const uint8_t *header, const uint8_t *body,
    size_t n, uint8_t *pt)
{
	uint8_t aad[AAD_LEN];
	struct keytree_lease l;
	int r;

	make_aad(g, header, aad);
	if ((r = lease(g, header, &l)) != CL_OK)
		return r;
	r = g->suite->open(l.context, header + CELL_HEADER, aad, sizeof(aad),
	    body, n, body + n, pt);
	keytree_cache_put(&g->cache, &l);
	return r;
}

/* The plaintext verified, so its sealer made the padding: no oracle here. */
static int
strip_padding(const struct groupkey *g, uint8_t *pt, size_t *n)
{
	size_t i = *n;

	if (i && i % g->pad == 0) {
		while (i && pt[i - 1] == 0)
			i--;
		if (i && pt[i - 1] == PAD_MARK && *n - i < g->pad) {
			pt[i - 1] = 0;
			*n = i - 1;
			return CL_OK;
		}
	}
	secmem_wipe(pt, *n);
	return CL_ERR_BAD_CELL;
}

int
groupkey_open(struct groupkey *g, uint8_t type, const uint8_t *cell,
    size_t cell_n, uint8_t *pt, size_t cap, size_t *n)
{
	uint8_t header[CELL_HEADER + CELL_NONCE];
	size_t front = CELL_HEADER + g->suite->nonce_len, body;
	int r;

	if (cell_n < front + CELL_TAG)
		return CL_ERR_BAD_CELL;
	memcpy(header, cell, front); /* checked and used: one and the same */
	if ((r = check_header(g, type, header, cell_n)) != CL_OK)
		return r;
	body = cell_n - front - CELL_TAG;
	if (body > cap)
		return CL_ERR_TOO_LARGE;
	if ((r = open_body(g, header, cell + front, body, pt)) != CL_OK)
		return r;
	if (is_padded(g, cell_type_of(header)) &&
	    (r = strip_padding(g, pt, &body)) != CL_OK)
		return r;
	*n = body;
	return CL_OK;
}
