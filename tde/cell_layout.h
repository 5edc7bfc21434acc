/*
 * Where the fields of a cell are. Free of any cryptography, so that the
 * extension may include it. Little endian, no alignment may be assumed:
 *
 *	0  u8  format << 4 | suite
 *	1  u8  type (enum cell_type)
 *	2  u16 epoch
 *	4  u32 group tag (31 bits, not 0)
 *	8  u32 encryptor (0 for deterministic suites)
 *	12 nonce[12] (absent for deterministic suites)
 *	.. body (as long as the padded plaintext)
 *	.. tag[16]
 *
 * Header bytes 0..11 and the group's UUID are the associated data.
 */
#ifndef CLOISTER_TDE_CELL_LAYOUT_H
#define CLOISTER_TDE_CELL_LAYOUT_H

#include "lib/buf.h"

#define CELL_FORMAT	 1u
#define CELL_HEADER	 12u
#define CELL_NONCE	 12u
#define CELL_TAG	 16u
#define CELL_MIN	 (CELL_HEADER + CELL_TAG)
#define CELL_OVERHEAD	 (CELL_HEADER + CELL_NONCE + CELL_TAG)
#define CELL_MAX_PLAIN	 (7u << 20)
#define CELL_MAX	 (CELL_MAX_PLAIN + CELL_OVERHEAD)
#define CELL_TEXT_PREFIX "cl1_" /* then base64url without padding */

/* Numbers are wire and disk format: never reused. 7 and 11 wait for their
 * types (numeric, time). */
enum cell_type {
	TYPE_BOOL = 1, /* 1 byte, 0 or 1 */
	TYPE_INT2 = 2, /* 2 bytes little endian, two's complement */
	TYPE_INT4 = 3,
	TYPE_INT8 = 4,
	TYPE_FLOAT4 = 5, /* IEEE 754 bits, little endian */
	TYPE_FLOAT8 = 6,
	TYPE_TEXT = 8, /* UTF-8, no NUL */
	TYPE_BYTEA = 9,
	TYPE_DATE = 10,	     /* i32 days since 2000-01-01; min/max: infinity */
	TYPE_TIMESTAMP = 12, /* i64 microseconds since 2000-01-01 */
	TYPE_TIMESTAMPTZ = 13, /* the same, in UTC */
	TYPE_UUID = 14,	       /* 16 bytes */
};

enum cell_suite {
	SUITE_AES256_GCM = 1, /* randomised */
	SUITE_AES256_SIV = 2, /* RFC 5297, deterministic */
};

static inline int
cell_type_known(uint8_t t)
{
	return (t >= TYPE_BOOL && t <= TYPE_FLOAT8) || t == TYPE_TEXT ||
	       t == TYPE_BYTEA || t == TYPE_DATE ||
	       (t >= TYPE_TIMESTAMP && t <= TYPE_UUID);
}

/* Size of a fixed-width type's plaintext, 0 for text and bytea. */
static inline unsigned
cell_type_width(uint8_t t)
{
	switch (t) {
	case TYPE_BOOL:
		return 1;
	case TYPE_INT2:
		return 2;
	case TYPE_INT4:
	case TYPE_FLOAT4:
	case TYPE_DATE:
		return 4;
	case TYPE_INT8:
	case TYPE_FLOAT8:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ:
		return 8;
	case TYPE_UUID:
		return 16;
	default:
		return 0;
	}
}

/* Callers checked n >= CELL_MIN. */
static inline uint8_t
cell_format_of(const uint8_t *c)
{
	return c[0] >> 4;
}

static inline uint8_t
cell_suite_of(const uint8_t *c)
{
	return c[0] & 15;
}

static inline uint8_t
cell_type_of(const uint8_t *c)
{
	return c[1];
}

static inline uint16_t
cell_epoch_of(const uint8_t *c)
{
	return le16_get(c + 2);
}

static inline uint32_t
cell_tag_of(const uint8_t *c)
{
	return le32_get(c + 4);
}

/*
 * Shape only, no key: CL_ERR_BAD_CELL unless format, suite, type, tag and
 * length can belong to a cell.
 */
CL_MUST_CHECK static inline int
cell_check_shape(const uint8_t *c, size_t n)
{
	size_t overhead;

	if (n < CELL_MIN || n > CELL_MAX || cell_format_of(c) != CELL_FORMAT)
		return CL_ERR_BAD_CELL;
	if (cell_suite_of(c) == SUITE_AES256_GCM)
		overhead = CELL_OVERHEAD;
	else if (cell_suite_of(c) == SUITE_AES256_SIV)
		overhead = CELL_MIN;
	else
		return CL_ERR_BAD_CELL;
	if (n < overhead || !cell_type_known(cell_type_of(c)))
		return CL_ERR_BAD_CELL;
	if (cell_type_width(cell_type_of(c)) &&
	    n != overhead + cell_type_width(cell_type_of(c)))
		return CL_ERR_BAD_CELL;
	if (cell_tag_of(c) == 0 || cell_tag_of(c) >> 31)
		return CL_ERR_BAD_CELL;
	return CL_OK;
}

#endif
