/* The suites' implementations, for tde/suite.c and the unit tests. */
#ifndef CLOISTER_TDE_SUITE_IMPL_H
#define CLOISTER_TDE_SUITE_IMPL_H

#include "lib/secmem.h"
#include "tde/suite.h"

/* The best one that this processor can run; NULL when libraries fail. */
const struct suite *suite_gcm(void);
/* libipsec-mb's direct calls; NULL without AES, PCLMULQDQ and AVX. */
const struct suite *suite_gcm_ipsec(void);
/* Runs on any processor. */
const struct suite *suite_gcm_openssl(void);
/* libgcrypt; NULL when it cannot be initialised. */
const struct suite *suite_siv(void);
/* Initialises libgcrypt once, unless the program did. */
CL_MUST_CHECK int suite_gcrypt_start(void);

#endif
