/* What the engine asks of the broker, one packet at a time. */
#ifndef CLOISTER_AGENT_BROKER_SERVE_H
#define CLOISTER_AGENT_BROKER_SERVE_H

#include "agent/broker.h"

/* The first packet of a link. */
CL_MUST_CHECK int broker_send_setup(struct broker *b, const struct setup *s);
/* Serves one packet. CL_ERR_CLOSED when the engine is gone. */
CL_MUST_CHECK int broker_serve_packet(struct broker *b);

#endif
