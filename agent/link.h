/*
 * The engine's side of the seqpacket socket to the broker. Calls are made one
 * at a time; log lines go between them.
 */
#ifndef CLOISTER_AGENT_LINK_H
#define CLOISTER_AGENT_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "agent/broker_proto.h"
#include "agent/setup.h"
#include "lib/log.h"

#define LINK_REASON 256u

struct link;

/* fd: connected. Takes it over. */
CL_MUST_CHECK int link_new(struct link **out, int fd);
int link_fd(const struct link *l);
/* Another broker has come (systemd restarted it). Closes the old fd. */
void link_replace(struct link *l, int fd);
/* Waits for the first packet. Needs nothing but the stack. */
CL_MUST_CHECK int link_setup(int fd, struct setup *s);

/*
 * One request, one reply: *out_n is the capacity of out, then the length of
 * the reply's body. A failure status of the broker is returned as its code,
 * with reason (may be NULL) filled.
 */
CL_MUST_CHECK int link_call(struct link *l, enum broker_op op, const void *body,
    size_t n, uint8_t *out, size_t *out_n, char reason[LINK_REASON]);
/* Without a reply: READY, AUDIT. */
CL_MUST_CHECK int link_tell(
    struct link *l, enum broker_op op, const void *body, size_t n);
/* Sends this process's log lines to the broker from now on. */
void link_take_log(struct link *l, enum log_level max);

#endif
