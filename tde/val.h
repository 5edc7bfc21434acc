/*
 * A plaintext value in the form that instructions work on. Inside tde only.
 * Types: see cell_layout.h. bool, integers, dates and timestamps are in i,
 * both float types in f (a float4 is exact in a double), text, bytea and uuid
 * in p and n, which point into memory of somebody else. Predicates (0 false,
 * 1 true, 2 unknown) and numbers are in i with type 0.
 */
#ifndef CLOISTER_TDE_VAL_H
#define CLOISTER_TDE_VAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "tde/cell_layout.h"

struct val {
	uint8_t type;
	bool null;
	uint32_t n;
	union {
		int64_t i;
		double f;
		const uint8_t *p;
	};
};

#define VAL_FALSE   0
#define VAL_TRUE    1
#define VAL_UNKNOWN 2
#define VAL_FIXED   16u /* bytes of the largest fixed-width type */

bool val_is_int(uint8_t type);	 /* int2, int4, int8 */
bool val_is_float(uint8_t type); /* float4, float8 */
bool val_is_number(uint8_t type);
bool val_is_stamp(uint8_t type); /* timestamp, timestamptz */
bool val_is_bytes(uint8_t type); /* text, bytea, uuid: in p and n */

/* Plaintext to value; p stays borrowed for what is in p and n. CL_ERR_BAD_CELL
 * unless it is a legal plaintext of the type. */
CL_MUST_CHECK int val_load(
    uint8_t type, const uint8_t *p, size_t n, struct val *v);
/* Back: *p is either buf or what v points to. v is not NULL. */
void val_store(
    const struct val *v, uint8_t buf[VAL_FIXED], const uint8_t **p, size_t *n);

/* May a and b be compared with each other (PROTOCOL.md, Programs)? */
bool val_comparable(uint8_t a, uint8_t b);
/* <0, 0, >0; both are comparable and not NULL. */
int val_compare(const struct val *a, const struct val *b);

#endif
