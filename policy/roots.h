/*
 * Roots of trust: the vendors' keys, pinned by SHA-256 of the DER
 * SubjectPublicKeyInfo (Hygon: of the raw point X‖Y, big endian). A production
 * build trusts these only; a policy may name further ones, for tests.
 */
#ifndef CLOISTER_POLICY_ROOTS_H
#define CLOISTER_POLICY_ROOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

enum root_vendor {
	ROOT_AMD_MILAN = 1,
	ROOT_AMD_GENOA,
	ROOT_AMD_TURIN,
	ROOT_INTEL,
	ROOT_HYGON,
	ROOT_AK, /* of a TPM's keys: nobody's is pinned, a policy names some */
};

#define ROOTS_EXTRA_MAX 8u

struct roots {
	unsigned nextra;
	struct {
		enum root_vendor vendor;
		uint8_t spki[32];
	} extra[ROOTS_EXTRA_MAX]; /* from the policy: test roots */
};

const char *root_name(enum root_vendor vendor); /* "AMD Milan", … */
/* Is this digest a root of the vendor? roots may be NULL. *is_test says
 * whether only the policy's own list knows it. */
bool roots_trust(const struct roots *roots, enum root_vendor vendor,
    const uint8_t spki[32], bool *is_test);

#endif
