/*
 * The control of every measurement: what a crossing between two processes
 * costs on this machine at this moment, without any of our code. Prints
 * microseconds per round trip, 96 bytes out and 32 back: over a UNIX stream
 * socket, and over shared memory with both sides spinning.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUT	     96
#define BACK	     32
#define SOCKET_TRIPS 20000
#define SHARED_TRIPS 50000

struct shared {
	_Atomic uint32_t request;
	uint8_t pad[60];
	_Atomic uint32_t reply;
	uint8_t bytes[OUT];
};

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
all(ssize_t done, size_t want)
{
	if (done != (ssize_t)want)
		_exit(0);
}

static void
socket_echo(int fd)
{
	uint8_t b[OUT];

	for (;;) {
		all(recv(fd, b, OUT, MSG_WAITALL), OUT);
		all(send(fd, b, BACK, 0), BACK);
	}
}

static double
socket_trips(void)
{
	uint8_t b[OUT] = {0};
	double start;
	int fd[2], i;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 || (pid = fork()) < 0)
		die("pingpong");
	if (pid == 0) {
		close(fd[0]);
		socket_echo(fd[1]);
	}
	close(fd[1]);
	start = now_us();
	for (i = 0; i < SOCKET_TRIPS; i++) {
		all(send(fd[0], b, OUT, 0), OUT);
		all(recv(fd[0], b, BACK, MSG_WAITALL), BACK);
	}
	start = now_us() - start;
	close(fd[0]);
	waitpid(pid, NULL, 0);
	return start / SOCKET_TRIPS;
}

/* On one core only the other side's turn makes progress. */
static void
spin_until(_Atomic uint32_t *seq, uint32_t want)
{
	uint32_t i = 0;

	while (atomic_load_explicit(seq, memory_order_acquire) != want)
		if (++i % 1000 == 0)
			sched_yield();
}

static void
shared_echo(struct shared *s)
{
	uint32_t i;

	for (i = 1; i <= SHARED_TRIPS; i++) {
		spin_until(&s->request, i);
		s->bytes[0]++;
		atomic_store_explicit(&s->reply, i, memory_order_release);
	}
	_exit(0);
}

static double
shared_trips(void)
{
	struct shared *s;
	double start;
	uint32_t i;
	pid_t pid;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED || (pid = fork()) < 0)
		die("pingpong");
	if (pid == 0)
		shared_echo(s);
	start = now_us();
	for (i = 1; i <= SHARED_TRIPS; i++) {
		memset(s->bytes, (int)i, sizeof(s->bytes));
		atomic_store_explicit(&s->request, i, memory_order_release);
		spin_until(&s->reply, i);
	}
	start = now_us() - start;
	waitpid(pid, NULL, 0);
	munmap(s, sizeof(*s));
	return start / SHARED_TRIPS;
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	printf("%.2f %.2f\n", socket_trips(), shared_trips());
	return 0;
}
