/* What the broker opens before it serves. Each failure is one log line. */
#ifndef CLOISTER_AGENT_BROKER_OPEN_H
#define CLOISTER_AGENT_BROKER_OPEN_H

#include "agent/broker.h"

CL_MUST_CHECK int broker_open(struct broker *b);
void broker_close(struct broker *b);

#endif
