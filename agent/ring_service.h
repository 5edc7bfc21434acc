/*
 * The engine's end of the shared ring (layout and rules: lib/ring.h). The
 * client's memory is hostile: one request is copied in, checked, then used.
 */
#ifndef CLOISTER_AGENT_RING_SERVICE_H
#define CLOISTER_AGENT_RING_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/frame.h"

struct ring;

/* Maps the buffer that requests are copied to; before the filter closes. */
CL_MUST_CHECK int ring_new(struct ring **out);
/* Checks and maps the client's memfd; the caller keeps and closes fd.
 * *why: static text when it is refused. */
CL_MUST_CHECK int ring_attach(
    struct ring *r, int fd, uint32_t slot_size, const char **why);
void ring_detach(struct ring *r);
bool ring_attached(const struct ring *r);

/* A new request: *f is filled and *body lends a private copy. CL_ERR_NOT_FOUND
 * when there is none; CL_ERR_FORMAT, _TOO_LARGE when it is no frame. */
CL_MUST_CHECK int ring_take(
    struct ring *r, uint32_t max_body, struct frame *f, const uint8_t **body);
/*
 * Waits for a request without sleeping, as long as cores are plentiful: awake
 * counts the workers that are busy with rings, cpus the cores. False: nothing
 * came; the sleeping flag is set now, and the caller sleeps on the socket.
 */
bool ring_watch(struct ring *r, const _Atomic unsigned *awake, unsigned cpus);
void ring_wake(struct ring *r);
/* Puts the reply (header and body) into the slot; false: it does not fit.
 * *bell: the client sleeps and wants a BELL frame. */
bool ring_reply_put(struct ring *r, const uint8_t *frame, size_t n, bool *bell);
/* The reply went over the socket. */
void ring_reply_sent(struct ring *r);

#endif
