/* eventlog_open, eventlog_next, eventlog_replay, eventlog_print */
#include "fuzz.h"
#include "policy/eventlog.h"

static unsigned
count(const uint8_t *p, size_t n)
{
	struct eventlog_event event;
	struct eventlog log;
	unsigned events = 0;

	if (eventlog_open(&log, p, n) != 0)
		return 0;
	while (eventlog_next(&log, &event) == 0) {
		fuzz_holds(event.data >= p && event.data + event.n <= p + n);
		events++;
	}
	return events;
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
		if (eventlog_replay(p, n, kinds[i], 0, &regs) == 0)
			fuzz_holds(regs.n <= EVENTLOG_REGISTERS &&
				   regs.size <= EVENTLOG_DIGEST_MAX);
		if (eventlog_print(p, n, kinds[i], &json) == 0)
			json_decref(json);
	}
	return 0;
}
