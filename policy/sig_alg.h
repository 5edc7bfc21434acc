/*
 * How vendors sign certificates and revocation lists. AMD: RSASSA-PSS, SHA-384,
 * MGF1 with SHA-384, salt 48, trailer 1 (AMD 57230). Intel: ECDSA with SHA-256
 * (SGX PCK Certificate and CRL Profile Specification). Another algorithm is
 * refused, however its signature verifies; makers of TPMs have no rule. So is
 * one whose name outside of the signed part is not the one inside.
 */
#ifndef CLOISTER_POLICY_SIG_ALG_H
#define CLOISTER_POLICY_SIG_ALG_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "policy/roots.h"

bool sig_alg_cert(X509 *cert, enum root_vendor vendor);
/* Version 2 lists only: version 1 names no version. */
bool sig_alg_crl(X509_CRL *crl, enum root_vendor vendor);

#endif
