/*
 * The broker: holds devices, files and the configuration, never a key. It
 * starts the engine (or connects to the one that systemd started), serves it,
 * and starts it again when it dies.
 */
#ifndef CLOISTER_AGENT_BROKER_H
#define CLOISTER_AGENT_BROKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/broker_evidence.h"
#include "agent/config.h"
#include "agent/evidence_provider.h"

struct broker {
	const struct config *config;
	const struct evidence_provider *tee;
	struct evidence_config tee_config;
	bool foreground; /* it forks the engine */
	int listener;	 /* for clients, handed to each engine; or -1 */
	int state_dir;
	int audit;   /* append only */
	int signals; /* signalfd */
	int link;    /* to the engine, or -1 */
	pid_t engine;
	struct broker_evidence evidence;
	char why[EVIDENCE_REASON]; /* of the request that just failed, or "" */
	bool ready;		   /* the engine said so */
	bool stop;		   /* SIGTERM or SIGINT came */
	uint8_t binary[32];
};

/* Serves until it is told to stop; the exit status. */
int broker_main(const struct config *c, bool foreground);

#endif
