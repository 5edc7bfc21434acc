/* Reports, and what the verifier says of them. Include after cmocka.h. */
#ifndef CLOISTER_TESTS_CSV_CASE_H
#define CLOISTER_TESTS_CSV_CASE_H

#include <string.h>

#include "fake_hygon.h"
#include "policy/verify_csv.h"

#define REPORT 2548u /* of version 1 */

/* One that its exporter unmasked. */
static const struct fake_csv plain_v1 = {.version = 1,
    .user_data = "a nonce",
    .serial = "TEST0001",
    .policy = 0x41,
    .anonce = {0xde, 0xad, 0xbe, 0xef},
    .plain = true};

static const uint8_t asked[64] = "a nonce";

/* First refused row; "" when there is none. */
static inline const char *
refused(const struct appraise_result *rows)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (!rows->rows[i].ok)
			return rows->rows[i].claim;
	return "";
}

static inline const char *
came(const struct appraise_result *rows, const char *claim)
{
	unsigned i;

	for (i = 0; i < rows->nrows; i++)
		if (strcmp(rows->rows[i].claim, claim) == 0)
			return rows->rows[i].came;
	return "no such row";
}

/* Its refusal; "" for a genuine one. */
static inline const char *
verdict(const uint8_t *p, size_t n, const struct endorse *bag,
    const struct roots *roots, struct csv_evidence *e)
{
	static struct appraise_result rows;
	int r;

	memset(&rows, 0, sizeof(rows));
	r = csv_verify(p, n, NULL, bag, roots, e, &rows);
	assert_int_equal(r, rows_all_ok(&rows) ? CL_OK : CL_ERR_EVIDENCE);
	assert_int_equal(e->genuine, r == CL_OK);
	return refused(&rows);
}

#endif
