/* The inside of agent/channel: which keys wait for their message, and the
 * envelopes of those that were not used yet. Its owner has the lock. */
#ifndef CLOISTER_AGENT_CHANNEL_TABLE_H
#define CLOISTER_AGENT_CHANNEL_TABLE_H

#include "agent/channel.h"

/* Shared by a row and the callers that it is sent to. */
struct envelope {
	unsigned refs;
	size_t n;
	char *text; /* secmem */
};

struct channel {
	int64_t made;	 /* CLOCK_BOOTTIME seconds */
	int64_t expires; /* 0: row is free */
	uint64_t number; /* of its making */
	bool used;
	uint32_t uid; /* who asked first */
	uint8_t nonce[EVIDENCE_NONCE];
	char tee[SETUP_NAME_MAX + 1];
	uint8_t hash[32];
	uint8_t sk[HPKE_PRIVATE];
	struct envelope *envelope; /* NULL: no room for it any more */
};

struct channel_table {
	unsigned max;
	struct channel *rows;
	uint64_t number;
	size_t bytes, budget; /* of envelopes */
	const uint32_t *uids; /* of those who may connect */
	uint32_t nuids;
};

struct envelope *envelope_hold(struct envelope *v);
void envelope_drop(struct envelope *v);
/* The row's envelope, when it has one. */
struct channel *channel_find(struct channel_table *t,
    const uint8_t nonce[EVIDENCE_NONCE], const char *tee);
/*
 * Copies c into a row, which takes over its envelope, and wipes c. A full table
 * loses a used row, else the oldest one of the user who has most of them; the
 * oldest envelopes go when there are too many bytes of them, keys stay.
 */
void channel_keep(struct channel_table *t, struct channel *c);
struct channel *channel_of_claims(
    struct channel_table *t, const uint8_t hash[32]);
/* The row's envelope is not needed any more. */
void channel_drop_envelope(struct channel_table *t, struct channel *c);

#endif
