/* Byte strings in text, leniently: how tools and services print evidence and
 * endorsements. What must be exact has parsers of its own (lib/b64). */
#ifndef CLOISTER_POLICY_BYTES_TEXT_H
#define CLOISTER_POLICY_BYTES_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define BYTES_TEXT_MAX (2u << 20) /* of bytes */

/* 2n hex digits of either case, nothing else, to n bytes; stops at the first
 * other character, NUL too. CL_ERR_FORMAT. */
CL_MUST_CHECK int bytes_hex(const char *text, uint8_t *out, size_t n);
/* Hex of either case ("0x" before it or not), base64 or base64url, padded or
 * not, with white space anywhere between. Text that could be hex is hex. Fresh
 * secmem. CL_ERR_FORMAT, CL_ERR_TOO_LARGE. */
CL_MUST_CHECK int bytes_text(
    const char *text, size_t n, uint8_t **out, size_t *out_n);
/* A string of those, or an array of numbers from 0 to 255. */
CL_MUST_CHECK int bytes_json(const json_t *j, uint8_t **out, size_t *out_n);
/* Of exactly n bytes; an absent member is CL_ERR_NOT_FOUND. */
CL_MUST_CHECK int bytes_member(
    const json_t *o, const char *key, uint8_t *out, size_t n);

#endif
