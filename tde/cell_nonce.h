/*
 * Nonces and encryptor numbers for randomised suites. A process draws a random
 * encryptor (32 bit, not 0) and uses it for at most CELL_NONCE_BUDGET nonces,
 * so that no DEK ever sees enough random 96-bit nonces to collide. Nonces come
 * from a buffer per thread, are wiped as they are handed out and are never
 * used again by a forked child.
 */
#ifndef CLOISTER_TDE_CELL_NONCE_H
#define CLOISTER_TDE_CELL_NONCE_H

#include <stdint.h>

#include "lib/err.h"
#include "tde/cell_layout.h"

#define CELL_NONCE_BUDGET ((uint64_t)1 << 29)

struct cell_encryptor {
	uint32_t id; /* 0: none drawn yet */
	uint64_t left;
};

/* Takes n encryptions out of the budget, after drawing a new number if that
 * many are not left. n is at most CELL_NONCE_BUDGET. */
CL_MUST_CHECK int cell_encryptor_take(
    struct cell_encryptor *e, uint64_t n, uint32_t *id);

CL_MUST_CHECK int cell_nonce(uint8_t nonce[CELL_NONCE], uint32_t *encryptor);

#endif
