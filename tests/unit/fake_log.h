/*
 * Event logs for tests, written by offset and replayed by a hand of their own.
 * Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_FAKE_LOG_H
#define CLOISTER_TESTS_FAKE_LOG_H

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

#define FAKE_LOG_SHA256 0x0b
#define FAKE_LOG_SHA384 0x0c
#define FAKE_LOG_SM3	0x12

struct fake_log {
	uint8_t p[32768];
	struct wr w;
	uint16_t alg;
	size_t size;
	uint8_t value[24][64]; /* by the number in the record */
	size_t digest_at;      /* of the last record's */
};

static inline void
fake_log_hash(
    const struct fake_log *l, const void *p, size_t n, uint8_t out[64])
{
	const char *name = l->alg == FAKE_LOG_SM3      ? "SM3"
			   : l->alg == FAKE_LOG_SHA256 ? "SHA256"
						       : "SHA384";

	assert_int_equal(EVP_Q_digest(NULL, name, NULL, p, n, out, NULL), 1);
}

static inline void
fake_log_new(struct fake_log *l, uint16_t alg)
{
	static const uint8_t zeros[20];

	memset(l, 0, sizeof(*l));
	l->alg = alg;
	l->size = alg == FAKE_LOG_SHA384 ? 48 : 32;
	l->w = wr_make(l->p, sizeof(l->p));
	assert_true(!wr_u32(&l->w, 0) && !wr_u32(&l->w, 3) &&
		    !wr_bytes(&l->w, zeros, 20) && !wr_u32(&l->w, 33) &&
		    !wr_bytes(&l->w, "Spec ID Event03", 16) &&
		    !wr_u32(&l->w, 0) && !wr_bytes(&l->w, "\0\2\0\2", 4) &&
		    !wr_u32(&l->w, 1) && !wr_u16(&l->w, alg) &&
		    !wr_u16(&l->w, (uint16_t)l->size) && !wr_u8(&l->w, 0));
}

/* digest NULL: that of the event. Type 3 extends nothing. */
static inline void
fake_log_add(struct fake_log *l, uint32_t reg, uint32_t type,
    const uint8_t *digest, const void *event, size_t n)
{
	uint8_t d[64], both[128];

	if (digest)
		memcpy(d, digest, l->size);
	else
		fake_log_hash(l, event, n, d);
	assert_true(!wr_u32(&l->w, reg) && !wr_u32(&l->w, type) &&
		    !wr_u32(&l->w, 1) && !wr_u16(&l->w, l->alg));
	l->digest_at = l->w.len;
	assert_true(!wr_bytes(&l->w, d, l->size) && !wr_blob(&l->w, event, n));
	if (type == 3 || reg >= 24)
		return;
	memcpy(both, l->value[reg], l->size);
	memcpy(both + l->size, d, l->size);
	fake_log_hash(l, both, 2 * l->size, l->value[reg]);
}

static inline void
fake_log_text(struct fake_log *l, uint32_t reg, uint32_t type, const char *text)
{
	fake_log_add(l, reg, type, NULL, text, strlen(text));
}

/* A record whose digest is of something that the log does not hold. */
static inline void
fake_log_image(struct fake_log *l, uint32_t reg, uint32_t type, uint8_t fill)
{
	uint8_t digest[64];

	memset(digest, fill, sizeof(digest));
	fake_log_add(l, reg, type, digest, "somewhere", 9);
}

/* The event of a text in the form of the Confidential Containers' agent. */
static inline size_t
fake_log_aael(const char *text, uint8_t *out, size_t cap)
{
	struct wr w = wr_make(out, cap);

	assert_true(
	    !wr_u32(&w, 0x4141454c) && !wr_blob(&w, text, strlen(text)));
	return w.len;
}

static inline void
fake_log_tag(struct fake_log *l, uint32_t reg, const char *text)
{
	uint8_t event[1024];
	size_t n = fake_log_aael(text, event, sizeof(event));

	fake_log_add(l, reg, 6, NULL, event, n);
}

/* Digests of one letter each. */
static inline const char *
fake_log_start_text(char binary, char config, char out[256])
{
	char a[65] = "", b[65] = "";

	memset(a, binary, 64);
	memset(b, config, 64);
	snprintf(out, 256,
	    "cloister start {\"binary\":\"%s\",\"config\":\"%s\"}", a, b);
	return out;
}

static inline void
fake_log_start(struct fake_log *l, uint32_t reg, char binary, char config)
{
	char text[256];

	fake_log_tag(l, reg, fake_log_start_text(binary, config, text));
}

static inline void
fake_log_end(struct fake_log *l)
{
	assert_true(!wr_u32(&l->w, 0xffffffff) && !wr_u32(&l->w, 0xffffffff));
}

#endif
