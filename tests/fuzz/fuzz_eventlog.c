/* eventlog_open, eventlog_next, eventlog_replay, eventlog_print,
 * eventlog_start, eventlog_join, eventlog_want_judge */
#include "fuzz.h"
#include "policy/eventlog_aael.h"
#include "policy/eventlog_join.h"
#include "policy/eventlog_want.h"

static unsigned
count(const uint8_t *p, size_t n)
{
	struct eventlog_event event;
	struct eventlog_start start;
	struct eventlog log;
	unsigned events = 0;

	if (eventlog_open(&log, p, n) != 0)
		return 0;
	while (eventlog_next(&log, &event) == 0) {
		fuzz_holds(event.data >= p && event.data + event.n <= p + n);
		if (eventlog_start(&event, &start) == 0)
			fuzz_holds(strlen(start.binary) == 64 &&
				   strlen(start.config) == 64);
		events++;
	}
	return events;
}

/* Beside registers of zeros: only a log without a record explains them. */
static void
join(const uint8_t *p, size_t n, enum eventlog_kind kind,
    const struct eventlog_registers *regs)
{
	static const uint8_t zero[EVENTLOG_DIGEST_MAX];
	static struct appraise_result rows;
	struct eventlog_quoted q = {
	    .kind = kind, .launch = kind == EVENTLOG_CSV ? zero : NULL};
	struct eventlog_want want = {
	    .kind = kind, .agent = true, .only = UINT32_MAX};
	uint32_t explained;
	bool none = true;
	unsigned i;

	for (i = 0; i < regs->n; i++) {
		q.value[i] = zero;
		none = none && !regs->extended[i];
	}
	memset(&rows, 0, sizeof(rows));
	if (eventlog_join(p, n, &q, &rows, &explained) == 0)
		fuzz_holds(none || kind == EVENTLOG_CSV);
	else
		fuzz_holds(!none && !explained);
	memset(&rows, 0, sizeof(rows));
	eventlog_want_judge(&want, p, n, UINT32_MAX, &rows);
	fuzz_holds(rows.nrows == eventlog_registers_of(kind));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const enum eventlog_kind kinds[] = {
	    EVENTLOG_TDX, EVENTLOG_CSV, EVENTLOG_TPM};
	struct eventlog_registers regs;
	json_t *json;
	unsigned i;

	fuzz_holds(count(p, n) <= EVENTLOG_EVENTS_MAX);
	for (i = 0; i < 3; i++) {
		json = NULL;
		if (eventlog_replay(p, n, kinds[i], 0, &regs) == 0) {
			fuzz_holds(regs.n <= EVENTLOG_REGISTERS &&
				   regs.size <= EVENTLOG_DIGEST_MAX);
			if (kinds[i] != EVENTLOG_TPM)
				join(p, n, kinds[i], &regs);
		}
		if (eventlog_print(p, n, kinds[i], &json) == 0)
			json_decref(json);
	}
	return 0;
}
