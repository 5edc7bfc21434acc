/*
 * One record of a conceptual message (CMW, draft-ietf-rats-msg-wrap): a JSON
 * array [media type, base64url, ind], where ind has bit 1 set for endorsements
 * and bit 2 for evidence.
 */
#ifndef CLOISTER_POLICY_EVIDENCE_RECORD_H
#define CLOISTER_POLICY_EVIDENCE_RECORD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum record_ind { RECORD_ENDORSEMENTS = 2, RECORD_EVIDENCE = 4 };

struct record {
	const char *type; /* printed: static; parsed: the JSON text's */
	enum record_ind ind;
	uint8_t *p; /* parsed: secmem, the caller frees */
	size_t n;
};

/* New reference; NULL when memory is out. */
json_t *record_print(const struct record *r);
/*
 * key: the member that an error blames. ind: the one that is expected. More
 * than max bytes are CL_ERR_TOO_LARGE; none at all, another form, another ind
 * and a type with other characters than [a-z0-9.+/-] are CL_ERR_FORMAT.
 */
CL_MUST_CHECK int record_parse(const json_t *j, const char *key,
    enum record_ind ind, size_t max, struct record *out);
/* Is it of this type? Else CL_ERR_FORMAT, and json_why() has both. */
CL_MUST_CHECK int record_is(
    const struct record *r, const char *key, const char *type);

#endif
