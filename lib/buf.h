/*
 * Bounded cursors: the only way bytes are parsed or composed in Cloister.
 * Integers are little endian where no name says be. A reader consumes or fails
 * and never reads past its end; a writer appends or fails and never writes
 * past its capacity.
 * After a failure the cursor is unchanged, so calls chain with ||:
 *
 *	if ((r = rd_u8(&in, &a)) != 0 || (r = rd_u32(&in, &b)) != 0 ||
 *	    (r = rd_end(&in)) != 0)
 *		goto out;
 */
#ifndef CLOISTER_LIB_BUF_H
#define CLOISTER_LIB_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* Reader over memory owned by somebody else. */
struct rd {
	const uint8_t *p;
	size_t left;
};

/* Writer into memory owned by somebody else; len bytes are filled. */
struct wr {
	uint8_t *p;
	size_t len;
	size_t cap;
};

/* Length that stands for SQL NULL in a cell list. */
#define BUF_NULL 0xffffffffu

struct rd rd_make(const void *p, size_t n);
CL_MUST_CHECK int rd_u8(struct rd *in, uint8_t *v);
CL_MUST_CHECK int rd_u16(struct rd *in, uint16_t *v);
CL_MUST_CHECK int rd_u32(struct rd *in, uint32_t *v);
CL_MUST_CHECK int rd_u64(struct rd *in, uint64_t *v);
CL_MUST_CHECK int rd_i64(struct rd *in, int64_t *v);
/* Big endian, for others' formats. */
CL_MUST_CHECK int rd_be16(struct rd *in, uint16_t *v);
CL_MUST_CHECK int rd_be32(struct rd *in, uint32_t *v);
CL_MUST_CHECK int rd_be64(struct rd *in, uint64_t *v);
/* Copies n bytes out. */
CL_MUST_CHECK int rd_bytes(struct rd *in, void *out, size_t n);
/* Lends n bytes: *out points into the reader's memory. */
CL_MUST_CHECK int rd_view(struct rd *in, const uint8_t **out, size_t n);
/* u32 length, then bytes; lends them. More than max is CL_ERR_TOO_LARGE. */
CL_MUST_CHECK int rd_blob(
    struct rd *in, const uint8_t **out, size_t *n, size_t max);
/* As rd_blob, but BUF_NULL as length gives *out = NULL, *n = 0. */
CL_MUST_CHECK int rd_cell(
    struct rd *in, const uint8_t **out, size_t *n, size_t max);
/* CL_ERR_TRAILING unless everything was consumed. */
CL_MUST_CHECK int rd_end(const struct rd *in);

struct wr wr_make(void *p, size_t cap);
CL_MUST_CHECK int wr_u8(struct wr *out, uint8_t v);
CL_MUST_CHECK int wr_u16(struct wr *out, uint16_t v);
CL_MUST_CHECK int wr_u32(struct wr *out, uint32_t v);
CL_MUST_CHECK int wr_u64(struct wr *out, uint64_t v);
CL_MUST_CHECK int wr_i64(struct wr *out, int64_t v);
CL_MUST_CHECK int wr_bytes(struct wr *out, const void *p, size_t n);
/* u32 length, then bytes. */
CL_MUST_CHECK int wr_blob(struct wr *out, const void *p, size_t n);
/* A cell list entry: p == NULL writes BUF_NULL. */
CL_MUST_CHECK int wr_cell(struct wr *out, const void *p, size_t n);
/* Reserves n bytes and lends them for filling in place. */
CL_MUST_CHECK int wr_reserve(struct wr *out, uint8_t **p, size_t n);

/* Fixed-offset access for layouts (cells, ring); the caller checked bounds. */
uint16_t le16_get(const uint8_t *p);
uint32_t le32_get(const uint8_t *p);
uint64_t le64_get(const uint8_t *p);
void le16_put(uint8_t *p, uint16_t v);
void le32_put(uint8_t *p, uint32_t v);
void le64_put(uint8_t *p, uint64_t v);

#endif
