/*
 * The host's quote generation service: u32 length, big endian, then a message
 * in little endian as agent/evidence_tdx.c has it. It takes TDREPORTs of this
 * machine only, as the quoting enclave does.
 */
#include "tests/fake/guest.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"

#define HEADER	    24u
#define QUOTE_MAX   16384u
#define BAD_REPORT  0x00012001u
#define REQUEST_MAX (HEADER + VENDOR_TDREPORT)

static bool
read_all(int fd, uint8_t *p, size_t n)
{
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

static bool
is_good(const uint8_t *request)
{
	return le16_get(request) == 1 && le32_get(request + 4) == 0 &&
	       le32_get(request + 8) == REQUEST_MAX &&
	       le32_get(request + 16) == VENDOR_TDREPORT &&
	       le32_get(request + 20) == 0;
}

/* The length of the answer behind its own length. out is the last one. */
static size_t
answer(const uint8_t *request, const struct how *how, uint8_t *out)
{
	static size_t n;
	uint8_t *m = out + 4;
	size_t all;

	if (!how->old_quotes || !n)
		n = is_good(request) ? intel_quote(request + HEADER, how,
					   m + HEADER, QUOTE_MAX)
				     : 0;
	all = HEADER + n;
	memset(m, 0, HEADER);
	le16_put(m, 1);
	le32_put(m + 4, 1);
	le32_put(m + 8, (uint32_t)all);
	le32_put(m + 12, n ? 0 : BAD_REPORT);
	le32_put(m + 20, (uint32_t)n);
	out[0] = out[1] = 0;
	out[2] = (uint8_t)(all >> 8);
	out[3] = (uint8_t)all;
	return all + 4;
}

static void
serve(int fd, const struct how *how)
{
	static uint8_t out[4 + HEADER + QUOTE_MAX];
	static const uint8_t length[4] = {
	    0, 0, REQUEST_MAX >> 8, REQUEST_MAX & 0xff};
	uint8_t in[4 + REQUEST_MAX];
	size_t n;

	if (!read_all(fd, in, sizeof(in)) || memcmp(in, length, 4))
		return;
	n = answer(in + 4, how, out);
	if (!how->no_quotes && send(fd, out, n, MSG_NOSIGNAL) < 0)
		perror("quote service");
}

void
guest_quotes(const char *path, const struct how *how, void (*look)(void))
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	pid_t parent = getpid(), pid;
	int fd, peer;

	assert_true(strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid) {
		close(fd);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent) {
		peer = accept(fd, NULL, NULL);
		if (peer < 0)
			continue;
		look();
		serve(peer, how);
		close(peer);
	}
	_exit(0);
}
