/*
 * What the broker tells the engine in the first packet: the configuration as
 * far as the engine needs it, so that the engine reads no file.
 */
#ifndef CLOISTER_AGENT_SETUP_H
#define CLOISTER_AGENT_SETUP_H

#include <stdbool.h>

#include "lib/buf.h"

#define SETUP_NAME_MAX	 31u
#define SETUP_MAX_UIDS	 64u
#define SETUP_PACKET_MAX 1024u
#define SETUP_NO_UID	 0xffffffffu

struct setup {
	uint32_t workers;
	uint32_t arena_mb;
	uint32_t max_frame;  /* bytes of a frame's body */
	uint32_t io_timeout; /* seconds */
	uint32_t sort_memory_mb;
	uint32_t max_programs;
	uint32_t max_sorts;
	uint32_t max_tenants;
	uint32_t max_channels;
	uint32_t debug; /* 1: debug lines are sent too */
	uint32_t
	    allow_mlock;   /* 1: without memfd_secret, locked memory will do */
	uint32_t uid, gid; /* to become, or SETUP_NO_UID */
	uint32_t nuids;
	uint32_t uids[SETUP_MAX_UIDS]; /* who may connect */
	char tee[SETUP_NAME_MAX + 1];
	char sealing[SETUP_NAME_MAX + 1];
};

CL_MUST_CHECK int setup_put(const struct setup *s, struct wr *out);
/* Checks form, not sense: the broker is trusted with the configuration. */
CL_MUST_CHECK int setup_get(struct setup *s, struct rd *in);

#endif
