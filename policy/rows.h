/*
 * The list that an appraisal gives: each claim, what was expected, what came,
 * and the verdict. Verifiers of one format append to it.
 */
#ifndef CLOISTER_POLICY_ROWS_H
#define CLOISTER_POLICY_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APPRAISE_MAX_ROWS 96u

struct appraise_row {
	char claim[40];
	char expected[160];
	char came[160];
	bool ok;
};

struct appraise_result {
	bool authentic; /* signatures, chains, bindings */
	bool accepted;	/* every row ok */
	char tcb[40];	/* "UpToDate", "ok", "unknown", … ; "" when none */
	unsigned nrows;
	struct appraise_row rows[APPRAISE_MAX_ROWS];
};

/* Values that a policy allows for a claim; not given: anything. Digests are
 * lower-case hex. */
#define ROWS_LIST_MAX 64u
struct rows_list {
	bool given;
	unsigned n;
	const char *value[ROWS_LIST_MAX];
};

/* All return ok. A full list drops nothing that failed: its last row is used
 * again. */
bool rows_say(struct appraise_result *result, const char *claim, bool ok,
    const char *expected, const char *came);
/* printf for came. */
bool rows_sayf(struct appraise_result *result, const char *claim, bool ok,
    const char *expected, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Byte strings must be equal (constant time); shows 16 bytes of each, the first
 * ones or those where they differ. */
bool rows_same(struct appraise_result *result, const char *claim,
    const uint8_t *expected, const uint8_t *came, size_t n);
/* came must be in the list. */
bool rows_listed(struct appraise_result *result, const char *claim,
    const struct rows_list *list, const char *came);
bool rows_listed_hex(struct appraise_result *result, const char *claim,
    const struct rows_list *list, const uint8_t *came, size_t n);
/* came >= least. */
bool rows_least(struct appraise_result *result, const char *claim,
    uint64_t least, uint64_t came);
/* Lower case; out has 2n+1 bytes. */
void rows_hex(const uint8_t *p, size_t n, char *out);
/* Was it claimed, and ok each time? */
bool rows_held(const struct appraise_result *result, const char *claim);
bool rows_all_ok(const struct appraise_result *result);

#endif
