/*
 * Keys from the group root down to cells. A groupkey serves all threads.
 *
 *	DEK = HKDF-SHA256(group root, info = "cloister dek v1\0" ‖ u8 purpose ‖
 *	      u8 suite ‖ u16 epoch ‖ u32 encryptor)
 *
 * purpose 1 cell, 2 deterministic cell, 3 page. DEKs are derived on demand and
 * kept, expanded, in a bounded cache inside the groupkey.
 */
#ifndef CLOISTER_TDE_KEYTREE_H
#define CLOISTER_TDE_KEYTREE_H

#include "lib/buf.h"
#include "tde/cell_layout.h"
#include "tde/suite.h"

#define KEYTREE_ROOT 32u

struct groupkey;

/* pad: plaintext of text and bytea is padded to a multiple of pad bytes
 * (0: no padding). epoch: the one new cells get. Takes a copy of root. */
CL_MUST_CHECK int groupkey_new(struct groupkey **out, const uint8_t uuid[16],
    uint32_t tag, uint8_t suite, uint16_t epoch, uint32_t pad,
    const uint8_t root[KEYTREE_ROOT]);
/* Reference counted: programs and sorts hold groups across policy changes. */
struct groupkey *groupkey_ref(struct groupkey *g);
void groupkey_free(struct groupkey *g); /* NULL is fine */
uint32_t groupkey_tag(const struct groupkey *g);

/* Size of the cell for n plaintext bytes of a type. */
size_t groupkey_cell_size(const struct groupkey *g, uint8_t type, size_t n);
/* Appends one cell (no length prefix) to out. The encryptor is drawn at random
 * by the process and renewed after 2^29 encryptions. */
CL_MUST_CHECK int groupkey_seal(struct groupkey *g, uint8_t type,
    const uint8_t *pt, size_t n, struct wr *out);
/*
 * Checks everything the header says against the group (suite and mode come
 * from the group), verifies, decrypts, removes padding. pt has cap bytes; at
 * least cell_n - CELL_MIN is always enough.
 * CL_ERR_BAD_CELL, CL_ERR_BAD_CELL_TYPE (type != 0 and not the cell's),
 * CL_ERR_BAD_CELL_GROUP.
 */
CL_MUST_CHECK int groupkey_open(struct groupkey *g, uint8_t type,
    const uint8_t *cell, size_t cell_n, uint8_t *pt, size_t cap, size_t *n);

/* Keyed 64-bit hash under a tenant's hash key: equal inputs hash equal in
 * every group of the tenant. Context is built once per tenant. */
struct hashkey;
CL_MUST_CHECK int hashkey_new(struct hashkey **out, const uint8_t key[32]);
struct hashkey *hashkey_ref(struct hashkey *h);
void hashkey_free(struct hashkey *h);
CL_MUST_CHECK int hashkey_hash(
    struct hashkey *h, const uint8_t *p, size_t n, int64_t *out);

#endif
