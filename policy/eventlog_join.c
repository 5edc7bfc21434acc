#include <stdio.h>
#include <string.h>

#include "lib/secmem.h"
#include "policy/eventlog_join.h"

void
eventlog_claim_name(enum eventlog_kind kind, unsigned reg, char out[16])
{
	(void)snprintf(
	    out, 16, "%s%u", kind == EVENTLOG_TPM ? "pcr" : "rtmr", reg);
}

int
eventlog_claim_register(enum eventlog_kind kind, const char *name)
{
	char want[16];
	unsigned i;

	for (i = 0; i < eventlog_registers_of(kind); i++) {
		eventlog_claim_name(kind, i, want);
		if (strcmp(name, want) == 0)
			return (int)i;
	}
	return -1;
}

/* One log and what it comes to. */
struct join {
	const struct eventlog_quoted *q;
	struct eventlog_registers got, from_launch;
	struct appraise_result *rows;
	uint32_t explained;
};

/* Register 0 of CSV. Its records are believed only where they extend it. */
static bool
is_launch(struct join *j, const char *claim)
{
	const uint8_t *came = j->q->value[0];
	size_t n = j->got.size;

	if (j->got.extended[0] &&
	    secmem_equal(j->from_launch.value[0], came, n)) {
		j->explained |= 1;
		return rows_same(
		    j->rows, claim, came, j->from_launch.value[0], n);
	}
	if (!secmem_equal(j->q->launch, came, n))
		return false;
	return rows_say(j->rows, claim, true,
	    "the log's value, or the launch measurement",
	    "the launch measurement");
}

static bool
check_register(struct join *j, unsigned i)
{
	const uint8_t *came = j->q->value[i], *replayed = j->got.value[i];
	char claim[40], name[16];
	size_t n = j->got.size;

	eventlog_claim_name(j->q->kind, i, name);
	(void)snprintf(claim, sizeof(claim), "eventlog.%s", name);
	if (secmem_equal(came, replayed, n)) {
		j->explained |= 1u << i;
		return rows_same(j->rows, claim, came, replayed, n);
	}
	if (i == 0 && j->q->launch && is_launch(j, claim))
		return true;
	if (!j->got.extended[i] && (j->q->excused >> i & 1))
		return rows_say(j->rows, claim, true,
		    "a value that the log or the policy explains",
		    "no record; the policy speaks for it");
	return rows_same(j->rows, claim, came, replayed, n);
}

static int
replay(struct join *j, const uint8_t *p, size_t n)
{
	const struct eventlog_quoted *q = j->q;
	int r = eventlog_replay(p, n, q->kind, 0, &j->got);

	if (r == 0 && q->launch)
		r = eventlog_replay_from(
		    p, n, q->kind, 0, q->launch, &j->from_launch);
	return r;
}

int
eventlog_join(const uint8_t *p, size_t n, const struct eventlog_quoted *quoted,
    struct appraise_result *rows, uint32_t *explained)
{
	struct join *j = secmem_alloc(sizeof(*j));
	unsigned i;
	int r;

	*explained = 0;
	if (!j)
		return CL_ERR_MEMORY;
	*j = (struct join){.q = quoted, .rows = rows};
	r = replay(j, p, n);
	if (!rows_say(rows, "eventlog", r == 0,
		"TCG's crypto-agile log, of this kind's registers",
		r ? err_text(r) : "one that can be replayed")) {
		secmem_free(j);
		return CL_ERR_EVIDENCE;
	}
	for (i = 0; i < j->got.n; i++)
		if (quoted->value[i] && !check_register(j, i))
			r = CL_ERR_EVIDENCE;
	if (r == 0)
		*explained = j->explained;
	secmem_free(j);
	return r;
}
