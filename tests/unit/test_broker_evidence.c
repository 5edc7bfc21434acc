/* agent/broker_evidence: the process that asks a device, apart from what it
 * asks, which a provider of our own decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/broker.h"
#include "lib/crypto.h"
#include "lib/secmem.h"

#define PATIENCE 3000 /* times 10 ms */

/* The broker's files, as the process sees them: of each whether it is open. */
static int files[5];

static int
tell_files(const struct evidence_config *c,
    const uint8_t report_data[EVIDENCE_REPORT_DATA], struct evidence *out,
    char *reason)
{
	size_t i, n = sizeof(files) / sizeof(files[0]);

	(void)c;
	(void)report_data;
	(void)reason;
	if (!(out->raw = secmem_alloc(n)))
		return CL_ERR_MEMORY;
	out->raw_n = n;
	for (i = 0; i < n; i++)
		out->raw[i] = fcntl(files[i], F_GETFD) >= 0 ? 'o' : '-';
	return CL_OK;
}

static int begun = -1; /* where it is told that the device was asked */

/* A device that does not answer. */
static int
hang(const struct evidence_config *c,
    const uint8_t report_data[EVIDENCE_REPORT_DATA], struct evidence *out,
    char *reason)
{
	(void)c;
	(void)report_data;
	(void)out;
	(void)reason;
	while (begun >= 0 && write(begun, "b", 1) != 1)
		;
	while (pause() != 0)
		;
	return CL_ERR_IO;
}

static const struct evidence_provider teller = {
    .tee = "tdx", .produce = tell_files};
static const struct evidence_provider hanger = {.tee = "tdx", .produce = hang};

struct fixture {
	struct broker b;
	int engine; /* the link's other end */
	int broker[2];
};

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int p[2];
	size_t i;

	assert_non_null(f);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p), 0);
	f->engine = p[1];
	files[0] = p[0];
	for (i = 1; i < 5; i++) {
		files[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_true(files[i] >= 0);
	}
	f->b.link = files[0];
	f->b.listener = files[1];
	f->b.state_dir = files[2];
	f->b.audit = files[3];
	f->b.signals = files[4];
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;
	size_t i;

	broker_evidence_end(&f->b);
	for (i = 0; i < 5; i++)
		close(files[i]);
	close(f->engine);
	free(f);
	return 0;
}

static uint32_t
ask(struct fixture *f, const struct evidence_provider *p)
{
	uint8_t request[EVIDENCE_REPORT_DATA + 8] = {0}, reply[16];
	struct rd in = rd_make(request, sizeof(request));
	struct wr out = wr_make(reply, sizeof(reply));
	uint32_t wait, ticket;

	f->b.tee = p;
	assert_int_equal(broker_on_evidence(&f->b, &in, &out), 0);
	in = rd_make(reply, out.len);
	assert_int_equal(rd_u32(&in, &wait) | rd_u32(&in, &ticket), 0);
	assert_int_equal(wait, 0);
	return ticket;
}

/* Its size, when the process is done. */
static uint32_t
await(struct fixture *f, uint32_t ticket)
{
	uint8_t request[4], reply[4];
	struct rd in;
	struct wr out;
	uint32_t size = 0;
	unsigned i;

	le32_put(request, ticket);
	for (i = 0; i < PATIENCE && !size; i++) {
		in = rd_make(request, 4);
		out = wr_make(reply, 4);
		assert_int_equal(broker_on_evidence_size(&f->b, &in, &out), 0);
		size = le32_get(reply);
		if (!size)
			poll(NULL, 0, 10);
	}
	return size;
}

static void
the_brokers_files_are_closed(void **state)
{
	static const uint8_t want[] = "\3\0\0\0tdx\5\0\0\0-----";
	struct fixture *f = *state;
	uint8_t request[12] = {0}, reply[64];
	struct rd in = rd_make(request, sizeof(request));
	struct wr out = wr_make(reply, sizeof(reply));
	uint32_t ticket = ask(f, &teller), size = await(f, ticket);

	assert_true(size > sizeof(want) && size <= sizeof(reply));
	le32_put(request, ticket);
	le32_put(request + 4, 0);
	le32_put(request + 8, size);
	assert_int_equal(broker_on_evidence_part(&f->b, &in, &out), 0);
	assert_memory_equal(reply, want, sizeof(want) - 1);
	assert_true(fcntl(files[0], F_GETFD) >= 0);
}

/* The engine leaves when the broker's end of the link is gone. */
static void
the_engine_sees_the_broker_go(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = {.fd = f->engine, .events = POLLIN};

	(void)ask(f, &hanger);
	close(files[0]);
	assert_int_equal(poll(&p, 1, PATIENCE * 10), 1);
	assert_true(p.revents & POLLHUP);
	files[0] = f->b.link = -1;
}

static void
a_device_that_hangs_does_not_stay(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	(void)ask(f, &hanger);
	pid = f->b.evidence.pid;
	assert_true(pid > 0);
	broker_evidence_end(&f->b);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* Whoever waits for it is told, and the next one may ask. */
static void
a_device_has_its_time(void **state)
{
	struct fixture *f = *state;
	uint8_t request[4], reply[4];
	struct rd in;
	struct wr out;
	unsigned i;
	int r = 0;

	le32_put(request, ask(f, &hanger));
	in = rd_make(request, 4);
	out = wr_make(reply, 4);
	assert_int_equal(broker_on_evidence_size(&f->b, &in, &out), 0);
	assert_int_equal(le32_get(reply), 0);
	f->b.evidence.deadline_ms = 0;
	for (i = 0; i < PATIENCE && !r; i++) {
		in = rd_make(request, 4);
		out = wr_make(reply, 4);
		r = broker_on_evidence_size(&f->b, &in, &out);
		poll(NULL, 0, 10);
	}
	assert_int_equal(r, CL_ERR_IO);
	assert_true(await(f, ask(f, &teller)) > 0);
}

/* What a broker that is killed has asked goes with it. */
static void
a_dead_broker_leaves_nobody(void **state)
{
	struct fixture *f = *state;
	struct pollfd p;
	int alive[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(alive), 0);
	begun = alive[1];
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)ask(f, &hanger);
		for (;;)
			pause();
	}
	close(alive[1]);
	begun = -1;
	assert_int_equal(read(alive[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Both held the pipe. */
	p = (struct pollfd){.fd = alive[0], .events = POLLIN};
	assert_int_equal(poll(&p, 1, PATIENCE * 10), 1);
	close(alive[0]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

static int
prepare(void **state)
{
	(void)state;
	return crypto_ready();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_brokers_files_are_closed),
	    TEST(the_engine_sees_the_broker_go),
	    TEST(a_device_that_hangs_does_not_stay),
	    TEST(a_device_has_its_time),
	    TEST(a_dead_broker_leaves_nobody),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
