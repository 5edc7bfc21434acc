/*
 * Sleeping for the agent. PostgreSQL's own interrupt handling does the work
 * where it may. nbtree calls operators while it holds a page's lock, where it
 * may not: there a cancel or a termination is raised here, which releases the
 * lock as any error does.
 */
#include "conn_internal.h"

#include "miscadmin.h"
#include "utils/timeout.h"
#include "utils/wait_event.h"

#define HELD_SLICE_MS 10

static void
raise_cancel(void)
{
	bool		lock = get_timeout_indicator(LOCK_TIMEOUT, true);
	bool		statement = get_timeout_indicator(STATEMENT_TIMEOUT, true);

	QueryCancelPending = false;
	if (lock)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("canceling statement due to lock timeout")));
	if (statement)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("canceling statement due to statement timeout")));
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("canceling statement due to user request")));
}

/* ProcDiePending stays set: the backend ends as soon as it is safe. */
static void
check_interrupts(void)
{
	if (InterruptHoldoffCount == 0 && CritSectionCount == 0)
	{
		CHECK_FOR_INTERRUPTS();
		return;
	}
	if (!InterruptPending || CritSectionCount > 0)
		return;
	if (ProcDiePending)
		ereport(ERROR,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("terminating connection due to administrator "
						"command")));
	if (QueryCancelPending && QueryCancelHoldoffCount == 0)
		raise_cancel();
}

/* Milliseconds left for one sleep, -1 for no limit; raises when none are. */
static long
slice(TimestampTz *deadline)
{
	TimestampTz now = GetCurrentTimestamp();
	long		ms = -1;

	if (*deadline == 0 && module_timeout_ms() > 0)
		*deadline = TimestampTzPlusMilliseconds(now, module_timeout_ms());
	if (*deadline != 0)
	{
		ms = TimestampDifferenceMilliseconds(now, *deadline);
		if (ms <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_QUERY_CANCELED),
					 errmsg("the Cloister agent did not answer in time"),
					 errdetail("The limit is %d ms.", module_timeout_ms()),
					 errhint("The limit is the setting cloister.timeout.")));
	}
	if (InterruptHoldoffCount > 0 && (ms < 0 || ms > HELD_SLICE_MS))
		ms = HELD_SLICE_MS;
	return ms;
}

void
conn_sleep(Conn *c, bool writing, TimestampTz *deadline)
{
	WaitEvent	event;
	long		ms;

	check_interrupts();
	ms = slice(deadline);
	ModifyWaitEvent(c->events, 0,
					WL_SOCKET_READABLE | (writing ? WL_SOCKET_WRITEABLE : 0),
					NULL);
	if (WaitEventSetWait(c->events, ms, &event, 1, PG_WAIT_EXTENSION) == 1 &&
		(event.events & WL_LATCH_SET))
		ResetLatch(MyLatch);
	check_interrupts();
}

void
conn_pause(int ms, TimestampTz *deadline)
{
	long		left;

	check_interrupts();
	left = slice(deadline);
	if (left >= 0)
		ms = Min(ms, left);
	if (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
				  ms, PG_WAIT_EXTENSION) & WL_LATCH_SET)
		ResetLatch(MyLatch);
	check_interrupts();
}
