/*
 * The broker's end of a link with a device that the test has in hand: it may
 * be held, be slow, be wrong, and counts how often it was asked. A thread
 * serves; what it finds wrong about the engine is in broken.
 */
#ifndef CLOISTER_TESTS_FAKE_BROKER_H
#define CLOISTER_TESTS_FAKE_BROKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/broker_proto.h"
#include "lib/buf.h"
#include "policy/evidence.h"

struct fake_broker {
	pthread_t thread;
	int fd, engine_fd;
	/* What the test sets. */
	atomic_bool held;      /* the device does not answer */
	atomic_uint slow_ms;   /* it takes so long */
	atomic_uint early;     /* so many times it is too early to ask */
	const uint8_t *result; /* behind tee and raw; NULL: no log, no blobs */
	size_t result_n;
	const char *tee; /* instead of what was asked for */
	size_t raw_n;	 /* 100 unless set */
	uint32_t claim;	 /* size that is told instead */
	const char *fail;
	/* What it saw. */
	atomic_uint asked, others;
	const char *_Atomic broken;
	/* Its own. */
	bool under_way;
	uint32_t ticket;
	struct timespec since;
	uint8_t *out; /* the result */
	size_t out_n;
};

#define FAKE_RESULT_MAX (BROKER_EVIDENCE_MAX + 4096u)

static inline void
fake_broker_compose(struct fake_broker *b, const uint8_t *report_data,
    const uint8_t *tee, size_t tee_n)
{
	struct wr out = wr_make(b->out, FAKE_RESULT_MAX);
	size_t raw_n = b->raw_n ? b->raw_n : 100;
	uint8_t *raw;

	if (b->tee) {
		tee = (const uint8_t *)b->tee;
		tee_n = strlen(b->tee);
	}
	if (wr_blob(&out, tee, tee_n) || wr_u32(&out, (uint32_t)raw_n) ||
	    wr_reserve(&out, &raw, raw_n))
		abort();
	memset(raw, 0x5a, raw_n);
	memcpy(raw, report_data, EVIDENCE_REPORT_DATA);
	if (b->result ? wr_bytes(&out, b->result, b->result_n)
		      : wr_u64(&out, 0))
		abort();
	b->out_n = out.len;
}

static inline int
fake_broker_evidence(struct fake_broker *b, struct rd *in, struct wr *out)
{
	const uint8_t *report_data, *tee, *credential;
	size_t tee_n, n;

	if (rd_view(in, &report_data, EVIDENCE_REPORT_DATA) ||
	    rd_blob(in, &tee, &tee_n, 15) || rd_blob(in, &credential, &n, 0) ||
	    rd_end(in))
		b->broken = "a malformed EVIDENCE";
	if (b->under_way)
		b->broken = "the device was asked twice at a time";
	if (atomic_load(&b->early)) {
		atomic_fetch_sub(&b->early, 1);
		return wr_u32(out, 5) ? -1 : wr_u32(out, 0);
	}
	atomic_fetch_add(&b->asked, 1);
	clock_gettime(CLOCK_MONOTONIC, &b->since);
	b->under_way = true;
	fake_broker_compose(b, report_data, tee, tee_n);
	return wr_u32(out, 0) ? -1 : wr_u32(out, ++b->ticket);
}

static inline int
fake_broker_size(struct fake_broker *b, struct rd *in, struct wr *out)
{
	struct timespec now;
	uint32_t ticket;
	int64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - b->since.tv_sec) * INT64_C(1000) +
	     (now.tv_nsec - b->since.tv_nsec) / 1000000;
	if (rd_u32(in, &ticket) || rd_end(in) || ticket != b->ticket)
		b->broken = "a malformed EVIDENCE_SIZE";
	if (b->held || ms < atomic_load(&b->slow_ms))
		return wr_u32(out, 0);
	b->under_way = false;
	if (b->fail)
		return CL_ERR_IO;
	return wr_u32(out, b->claim ? b->claim : (uint32_t)b->out_n);
}

static inline int
fake_broker_part(struct fake_broker *b, struct rd *in, struct wr *out)
{
	uint32_t ticket, at, n;

	if (rd_u32(in, &ticket) || rd_u32(in, &at) || rd_u32(in, &n) ||
	    rd_end(in) || ticket != b->ticket || n > BROKER_PART_MAX)
		b->broken = "a malformed EVIDENCE_PART";
	if (at + n > b->out_n)
		return CL_ERR_IO;
	return wr_bytes(out, b->out + at, n);
}

static inline int
fake_broker_handle(
    struct fake_broker *b, uint8_t op, struct rd *in, struct wr *out)
{
	switch (op) {
	case BROKER_EVIDENCE:
		return fake_broker_evidence(b, in, out);
	case BROKER_EVIDENCE_SIZE:
		return fake_broker_size(b, in, out);
	case BROKER_EVIDENCE_PART:
		return fake_broker_part(b, in, out);
	default:
		atomic_fetch_add(&b->others, 1);
		return 0;
	}
}

static inline void *
fake_broker_main(void *arg)
{
	static uint8_t request[BROKER_MAX_PACKET], reply[BROKER_MAX_PACKET];
	struct fake_broker *b = arg;
	struct wr out;
	struct rd in;
	ssize_t n;
	int r;

	while ((n = recv(b->fd, request, sizeof(request), 0)) > 0) {
		in =
		    rd_make(request + BROKER_HEADER, (size_t)n - BROKER_HEADER);
		out = wr_make(
		    reply + BROKER_HEADER, sizeof(reply) - BROKER_HEADER);
		r = fake_broker_handle(b, request[0], &in, &out);
		if (r) {
			const char *why = b->fail ? b->fail : err_text(r);

			out.len = 0;
			if (wr_blob(&out, why, strlen(why)))
				abort();
		}
		reply[0] = request[0];
		reply[1] = 1;
		le16_put(reply + 2, (uint16_t)err_to_wire(r));
		if (send(b->fd, reply, BROKER_HEADER + out.len, MSG_NOSIGNAL) <
		    0)
			break;
	}
	return NULL;
}

static inline void
fake_broker_start(struct fake_broker *b)
{
	int p[2];

	memset(b, 0, sizeof(*b));
	b->out = malloc(FAKE_RESULT_MAX);
	if (!b->out || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p))
		abort();
	b->fd = p[0];
	b->engine_fd = p[1];
	if (pthread_create(&b->thread, NULL, fake_broker_main, b))
		abort();
}

static inline void
fake_broker_stop(struct fake_broker *b)
{
	shutdown(b->fd, SHUT_RDWR);
	pthread_join(b->thread, NULL);
	close(b->fd);
	close(b->engine_fd);
	free(b->out);
}

#endif
