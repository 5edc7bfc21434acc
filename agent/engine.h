/*
 * The engine: the confined process that holds keys and plaintext. Everything
 * that its workers share hangs on one struct.
 */
#ifndef CLOISTER_AGENT_ENGINE_H
#define CLOISTER_AGENT_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/setup.h"

#define ENGINE_BOOT   16u
#define ENGINE_REASON 256u
/* Exit status when a start cannot succeed by trying again. */
#define ENGINE_EXIT_START 78

struct engine {
	struct setup cfg;
	int database_fd; /* listener for clients */
	int broker_fd;	 /* listener for brokers under systemd, or -1 */
	uint8_t boot[ENGINE_BOOT];
	int64_t started; /* seconds of CLOCK_BOOTTIME */
	unsigned cpus;
	char binary[65]; /* SHA-256 in hex, from the broker */
	char config[65];
	/* Root sealing key; or why there is none. */
	uint8_t root[32];
	bool have_root;
	char no_root[ENGINE_REASON];
	struct link *link;
	struct audit *audit;
	struct channels *channels;
	struct tenants *tenants;
	struct sessions *sessions;
	struct replay *replay;
	struct pool *pool;
	_Atomic unsigned ring_awake; /* workers that serve or watch a ring */
};

/* Runs the engine on the descriptors of LISTEN_FDNAMES; the exit status. */
int engine_main(void);

/* Seconds of CLOCK_BOOTTIME: leases and channel keys run on it. */
int64_t engine_uptime_clock(void);

#endif
