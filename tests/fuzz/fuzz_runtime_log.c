/* runtime_log_merge: what this agent extended, in the logs of others */
#include "agent/runtime_log.h"
#include "fuzz.h"
#include "lib/secmem.h"

static bool
has_alg(const struct eventlog *log, uint16_t alg)
{
	unsigned i;

	for (i = 0; i < log->nalgs; i++)
		if (log->alg[i].id == alg)
			return true;
	return false;
}

/* A log that is only cut begins as it began, and nothing follows its end. */
static void
cut(enum eventlog_kind kind, const uint8_t *p, size_t n)
{
	struct eventlog_event event;
	struct eventlog log;
	uint8_t *out;
	size_t out_n;

	if (runtime_log_merge(NULL, kind, p, n, &out, &out_n) != 0)
		return;
	fuzz_holds(out_n <= n && memcmp(out, p, out_n) == 0);
	fuzz_holds(eventlog_open(&log, out, out_n) == 0);
	while (eventlog_next(&log, &event) == 0)
		;
	fuzz_holds(log.left == 0);
	secmem_free(out);
}

/* A record that found the register as the log leaves it is its last, and the
 * log then gives the register after it. */
static void
add(enum eventlog_kind kind, uint32_t reg, const uint8_t *p, size_t n)
{
	unsigned at = reg - (kind == EVENTLOG_TDX);
	uint8_t digest[EVENTLOG_DIGEST_MAX], after[EVENTLOG_DIGEST_MAX], *out;
	struct runtime_log log = {.n = 1};
	struct eventlog_registers regs;
	struct eventlog head;
	size_t out_n;

	if (eventlog_replay(p, n, kind, 0, &regs) != 0 ||
	    eventlog_open(&head, p, n) != 0)
		return;
	log.record[0].kind = kind;
	log.record[0].reg = reg;
	memcpy(log.record[0].before, regs.value[at], regs.size);
	fuzz_holds(runtime_digest(&log.record[0], digest, after) == 0);
	if (runtime_log_merge(&log, kind, p, n, &out, &out_n) != 0) {
		fuzz_holds(!has_alg(&head, eventlog_alg_of(kind)));
		return;
	}
	if (has_alg(&head, eventlog_alg_of(kind)))
		fuzz_holds(eventlog_replay(out, out_n, kind, 0, &regs) == 0 &&
			   memcmp(regs.value[at], after, regs.size) == 0);
	secmem_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	cut(EVENTLOG_TDX, p, n);
	cut(EVENTLOG_CSV, p, n);
	cut(EVENTLOG_TPM, p, n);
	add(EVENTLOG_TDX, 4, p, n);
	add(EVENTLOG_CSV, 4, p, n);
	add(EVENTLOG_TPM, 15, p, n);
	return 0;
}
