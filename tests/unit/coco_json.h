/* Evidence and certificates as the attesters of the Confidential Containers
 * print them: the members of the structures, byte strings as numbers. Include
 * after cmocka.h. */
#ifndef CLOISTER_TESTS_COCO_JSON_H
#define CLOISTER_TESTS_COCO_JSON_H

#include <jansson.h>

#include "lib/buf.h"

static inline json_t *
coco_bytes(const uint8_t *p, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(a, json_integer(p[i]));
	return a;
}

static inline json_t *
coco_root(const uint8_t *p)
{
	return json_pack("{s:{s:{s:i,s:{s:o,s:o,s:i,s:o}},s:{s:i,s:o,s:o},s:i,"
			 "s:o,s:o},s:{s:o,s:o},s:o}",
	    "body", "preamble", "ver", le32_get(p), "data", "kid",
	    coco_bytes(p + 4, 16), "sid", coco_bytes(p + 20, 16), "usage",
	    le32_get(p + 36), "reserved", coco_bytes(p + 40, 24), "pubkey", "g",
	    le32_get(p + 64), "x", coco_bytes(p + 68, 72), "y",
	    coco_bytes(p + 140, 72), "uid_size", le16_get(p + 212), "user_id",
	    coco_bytes(p + 214, 254), "reserved", coco_bytes(p + 468, 108),
	    "signature", "r", coco_bytes(p + 576, 72), "s",
	    coco_bytes(p + 648, 72), "_reserved", coco_bytes(p + 720, 112));
}

static inline json_t *
coco_signature(const uint8_t *p)
{
	return json_pack("{s:I,s:I,s:{s:o,s:o},s:o}", "usage",
	    (json_int_t)le32_get(p), "algo", (json_int_t)le32_get(p + 4),
	    "signature", "r", coco_bytes(p + 8, 72), "s",
	    coco_bytes(p + 80, 72), "_reserved", coco_bytes(p + 152, 368));
}

static inline json_t *
coco_cert(const uint8_t *p)
{
	return json_pack(
	    "{s:{s:i,s:{s:{s:i,s:i},s:i,s:{s:i,s:i,s:{s:i,s:o,s:o}},s:i,s:o,"
	    "s:o,s:o}},s:[o,o]}",
	    "body", "ver", le32_get(p), "data", "firmware", "major", p[4],
	    "minor", p[5], "reserved1", le16_get(p + 6), "pubkey", "usage",
	    le32_get(p + 8), "algo", le32_get(p + 12), "key", "g",
	    le32_get(p + 16), "x", coco_bytes(p + 20, 72), "y",
	    coco_bytes(p + 92, 72), "uid_size", le16_get(p + 164), "user_id",
	    coco_bytes(p + 166, 254), "sid", coco_bytes(p + 420, 16),
	    "reserved2", coco_bytes(p + 436, 608), "sigs",
	    coco_signature(p + 0x414), coco_signature(p + 0x61c));
}

#endif
