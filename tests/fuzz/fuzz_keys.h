/* Groups with fixed keys: those of tests/unit/programs.h, which seals the
 * cells of the seeds. */
#ifndef CLOISTER_TESTS_FUZZ_KEYS_H
#define CLOISTER_TESTS_FUZZ_KEYS_H

#include "fuzz.h"
#include "tde/eval.h"

#define FUZZ_GROUPS 8u

static inline struct groupkey *const *
fuzz_groups(void)
{
	static const uint8_t root[32] = {9};
	static struct groupkey *groups[FUZZ_GROUPS];
	uint8_t uuid[16] = {0}, i;

	for (i = 0; i < FUZZ_GROUPS && !groups[i]; i++) {
		uuid[0] = i;
		fuzz_holds(groupkey_new(&groups[i], uuid, 100u + i,
			       i & 1 ? SUITE_AES256_SIV : SUITE_AES256_GCM, 1,
			       i == 2 ? 32 : 0, root) == 0);
	}
	return groups;
}

/* Seals what the input says next as a cell of the type: u8 length (255: an
 * SQL NULL), the plaintext, cut or filled up to the type's width. */
static inline void
fuzz_seal(struct rd *in, struct groupkey *g, uint8_t type, struct wr *out)
{
	unsigned width = cell_type_width(type);
	uint8_t plain[256] = {0}, n, *length;
	size_t start, len;

	if (rd_u8(in, &n) != 0 || n == 255) {
		fuzz_holds(wr_cell(out, NULL, 0) == 0);
		return;
	}
	len = n < in->left ? n : in->left;
	fuzz_holds(rd_bytes(in, plain, len) == 0);
	fuzz_holds(wr_reserve(out, &length, 4) == 0);
	start = out->len;
	fuzz_holds(
	    groupkey_seal(g, type, plain, width ? width : len, out) == 0);
	le32_put(length, (uint32_t)(out->len - start));
}

#endif
