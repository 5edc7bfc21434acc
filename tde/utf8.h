/* UTF-8 as PostgreSQL accepts it: RFC 3629, and no NUL. */
#ifndef CLOISTER_TDE_UTF8_H
#define CLOISTER_TDE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when all n bytes are legal. The functions below want legal text, but
 * stay within n bytes whatever they get. */
bool utf8_legal(const uint8_t *p, size_t n);
/* Bytes of the character at p, 1..n; n > 0. */
size_t utf8_char(const uint8_t *p, size_t n);
/* Characters in n bytes. */
size_t utf8_count(const uint8_t *p, size_t n);
/* Bytes of the first chars characters, at most n. */
size_t utf8_bytes(const uint8_t *p, size_t n, size_t chars);
/* Encodes a code point; 0 when it is none (surrogates, above 10FFFF, 0). */
size_t utf8_put(uint32_t code, uint8_t out[4]);

#endif
