/*
 * Messages between broker and engine (PROTOCOL.md, last section). Everything
 * in them is public, sealed, or encrypted to the engine.
 */
#ifndef CLOISTER_AGENT_BROKER_PROTO_H
#define CLOISTER_AGENT_BROKER_PROTO_H

#define BROKER_HEADER	  4u /* u8 operation, u8 reply, u16 status */
#define BROKER_MAX_PACKET (128u << 10)
#define BROKER_PART_MAX	  (BROKER_MAX_PACKET - BROKER_HEADER)
/* Evidence, log and endorsements of one request. */
#define BROKER_EVIDENCE_MAX (2u << 20)
#define BROKER_HPKE_INFO    "cloister start v1"

enum broker_op {
	BROKER_START = 1,
	BROKER_EVIDENCE = 2,
	BROKER_STORE = 3,
	BROKER_LOAD = 4,
	BROKER_LIST = 5,
	BROKER_REMOVE = 6,
	BROKER_LOG = 7,
	BROKER_READY = 8,
	BROKER_SETUP = 9, /* the only one that the broker sends by itself */
	BROKER_AUDIT = 10,
	BROKER_EVIDENCE_SIZE = 11,
	BROKER_EVIDENCE_PART = 12,
};

#endif
