/*
 * Hygon's certificates and the chain HRK, HSK, CEK, PEK (verify_csv.h). They
 * are no X.509 and never expire; nobody publishes a list of revoked ones.
 */
#ifndef CLOISTER_POLICY_VERIFY_CSV_CERT_H
#define CLOISTER_POLICY_VERIFY_CSV_CERT_H

#include <stdbool.h>

#include "policy/endorse.h"
#include "policy/roots.h"
#include "policy/rows.h"

#define CSV_ROOT_CERT 832u  /* HRK, HSK */
#define CSV_CERT      2084u /* CEK, PEK */
#define CSV_UID_MAX   254u

#define CSV_USAGE_PEK 0x1002u
#define CSV_SM2_SIGN  4u /* algorithm */

enum csv_kind { CSV_HRK, CSV_HSK, CSV_CEK, CSV_PEK };

struct csv_cert {
	enum csv_kind kind;
	uint32_t version, usage, algorithm, curve;
	uint8_t api_major, api_minor; /* CEK, PEK */
	uint8_t key_id[16];	      /* HRK, HSK */
	uint8_t signer_id[16];	      /* of its signer's key */
	uint8_t xy[64];		      /* big endian */
	uint8_t uid[CSV_UID_MAX];
	uint16_t uid_n;
	uint32_t sig_usage, sig_algorithm; /* CEK, PEK: of signature 1 */
	uint8_t sig[64];		   /* r‖s, big endian */
	const uint8_t *raw;		   /* lent; NULL: the built-in HRK */
};

struct csv_chain {
	bool there, test_root;
	struct csv_cert cek, hsk, hrk;
};

/* Reads it and checks its form: usage words, algorithms, curve, user id, and
 * that what must be zero is. p must live as long as out. CL_ERR_FORMAT, with
 * *why one line. */
CL_MUST_CHECK int csv_cert_parse(enum csv_kind kind, const uint8_t *p, size_t n,
    struct csv_cert *out, const char **why);
/* Does key's holder answer for these bytes? sig: r‖s, big endian. */
CL_MUST_CHECK int csv_cert_verify(
    const struct csv_cert *key, const void *p, size_t n, const uint8_t sig[64]);
/* r and s of 72 bytes each, little endian, to r‖s. CL_ERR_FORMAT when more
 * than 32 bytes of one are in use. */
CL_MUST_CHECK int csv_number_pair(
    const uint8_t r[72], const uint8_t s[72], uint8_t out[64]);
/* SHA-256 of the raw point: how keys are pinned. */
CL_MUST_CHECK int csv_cert_digest(const struct csv_cert *c, uint8_t out[32]);
/*
 * CEK, HSK and HRK of pek, out of the bags (the owner's before what came);
 * where no bag has an HRK, the built-in one. Appends rows; true: all hold.
 */
bool csv_chain_build(const struct csv_cert *pek, const struct endorse *own,
    const struct endorse *given, const struct roots *roots,
    struct csv_chain *out, struct appraise_result *rows);

#endif
