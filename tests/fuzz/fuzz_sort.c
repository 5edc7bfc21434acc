/* sort_append, sort_finish, sort_ranks: u8 type, u8 cells, then their values
 * (fuzz_seal), or with bit 7 set the cells themselves */
#include "fuzz_keys.h"
#include "tde/sort.h"

#define ROOM (1u << 18)

static int
group(void *arg, uint32_t tag, struct groupkey **out)
{
	struct groupkey *const *g = fuzz_groups();
	unsigned i;

	(void)arg;
	for (i = 0; i < FUZZ_GROUPS; i++)
		if (groupkey_tag(g[i]) == tag) {
			*out = g[i];
			return CL_OK;
		}
	return CL_ERR_NEED_GROUP;
}

static void
ranks(struct sortrun *s)
{
	uint8_t out_p[4 * 128];
	struct wr out = wr_make(out_p, sizeof(out_p));
	uint32_t n = sort_count(s), i;

	fuzz_holds(sort_ranks(s, 0, 1, &out) == CL_ERR_STATE);
	fuzz_holds(sort_finish(s, n + 1, NULL) == CL_ERR_ARGUMENT);
	fuzz_holds(sort_finish(s, 0, NULL) == 0);
	fuzz_holds(sort_ranks(s, 0, n, &out) == 0);
	for (i = 0; i < n; i++)
		fuzz_holds(le32_get(out_p + 4 * i) < n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t cells[ROOM];
	struct wr made = wr_make(cells, ROOM);
	struct rd in = rd_make(p, n);
	struct sortrun *s;
	uint8_t type, count, i;

	if (rd_u8(&in, &type) != 0 || rd_u8(&in, &count) != 0 ||
	    sort_new(&s, type, 1u << 20) != 0)
		return 0;
	if (!(count & 0x80)) {
		for (i = 0; i < count; i++)
			fuzz_seal(
			    &in, fuzz_groups()[i % FUZZ_GROUPS], type, &made);
		in = rd_make(cells, made.len);
	}
	if (sort_append(s, count & 0x7f, &in, group, NULL) == 0) {
		fuzz_holds(sort_count(s) == (count & 0x7fu));
		if (sort_count(s))
			ranks(s);
	} else {
		fuzz_holds(sort_count(s) == 0);
	}
	sort_free(s);
	return 0;
}
