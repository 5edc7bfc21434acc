/*
 * Strict access to JSON objects over jansson: every getter names the member it
 * wanted in json_why(), so an error can say what was expected. Duplicate
 * members and trailing text are refused when parsing.
 */
#ifndef CLOISTER_LIB_JSON_H
#define CLOISTER_LIB_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* Seeds jansson's tables from the system's random numbers. A process that
 * confines itself calls it first: jansson would open a device for it. */
CL_MUST_CHECK int json_warmup(void);

/* New reference; NULL with *err set on malformed text. Depth is limited. */
json_t *json_parse(const char *text, size_t n, int *err);
/* Compact, sorted keys; secmem_free() it. NULL when memory is out. */
char *json_text(const json_t *j, size_t *n);

/* Borrowed string; NULL value never returned with 0. */
CL_MUST_CHECK int json_get_str(
    const json_t *o, const char *key, const char **v);
CL_MUST_CHECK int json_get_int(
    const json_t *o, const char *key, int64_t min, int64_t max, int64_t *v);
CL_MUST_CHECK int json_get_bool(const json_t *o, const char *key, bool *v);
/* base64url member of exactly n bytes. */
CL_MUST_CHECK int json_get_bytes(
    const json_t *o, const char *key, uint8_t *out, size_t n);
/* base64url member of at most cap bytes. */
CL_MUST_CHECK int json_get_blob(
    const json_t *o, const char *key, uint8_t *out, size_t cap, size_t *n);
/* UUID text in canonical form. */
CL_MUST_CHECK int json_get_uuid(
    const json_t *o, const char *key, uint8_t uuid[16]);
CL_MUST_CHECK int json_set_blob(
    json_t *o, const char *key, const void *p, size_t n);
CL_MUST_CHECK int json_set_uuid(
    json_t *o, const char *key, const uint8_t uuid[16]);

/* Every member of o is in the NULL-terminated list; CL_ERR_FORMAT, with the
 * stranger's name in json_why(). */
CL_MUST_CHECK int json_only(const json_t *o, const char *const *known);

/* Name of the member that the last failed getter of this thread wanted. */
const char *json_why(void);

/* For checks beyond the getters': sets json_why(), gives CL_ERR_FORMAT. */
int json_blame(const char *key);

#define UUID_TEXT 37u /* with NUL */
void uuid_text(const uint8_t uuid[16], char out[UUID_TEXT]);
CL_MUST_CHECK int uuid_parse(const char *text, uint8_t uuid[16]);
/* Random, RFC 9562 version 4. */
CL_MUST_CHECK int uuid_random(uint8_t uuid[16]);

#endif
