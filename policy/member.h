/* Optional members of a policy object, read strictly: an absent one changes
 * nothing, a wrong one is CL_ERR_FORMAT and named by json_why(). */
#ifndef CLOISTER_POLICY_MEMBER_H
#define CLOISTER_POLICY_MEMBER_H

#include "lib/json.h"
#include "policy/rows.h"

/* Strings, borrowed from o. bytes: each is lower-case hex of so many bytes;
 * 0: any text that is not empty and at most text_max characters. */
CL_MUST_CHECK int member_list(const json_t *o, const char *key, size_t bytes,
    size_t text_max, struct rows_list *list);
CL_MUST_CHECK int member_number(
    const json_t *o, const char *key, int64_t min, int64_t max, uint32_t *v);
CL_MUST_CHECK int member_flag(const json_t *o, const char *key, bool *v);
/* "0x3f", at most digits hex digits: 64 bits do not fit a JSON number. */
CL_MUST_CHECK int member_mask(
    const json_t *o, const char *key, size_t digits, uint64_t *v);
/* "1.51", each part at most 255; *v is major << 8 | minor. */
CL_MUST_CHECK int member_version(const json_t *o, const char *key, uint32_t *v);

#endif
