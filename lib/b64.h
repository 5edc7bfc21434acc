/* RFC 4648 base64 and base64url, strict: no white space, canonical padding
 * bits, padding required for base64 and forbidden for base64url. */
#ifndef CLOISTER_LIB_B64_H
#define CLOISTER_LIB_B64_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* Characters without NUL for n bytes. */
size_t b64_len(size_t n);
size_t b64url_len(size_t n);
/* out has room for the length above plus a NUL. */
void b64_encode(const void *p, size_t n, char *out);
void b64url_encode(const void *p, size_t n, char *out);
/* *n: in capacity of out, out bytes written. CL_ERR_FORMAT, CL_ERR_TOO_LARGE.
 */
CL_MUST_CHECK int b64_decode(
    const char *text, size_t text_len, uint8_t *out, size_t *n);
CL_MUST_CHECK int b64url_decode(
    const char *text, size_t text_len, uint8_t *out, size_t *n);

#endif
