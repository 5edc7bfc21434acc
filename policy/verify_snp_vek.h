/* The certificates behind an SNP report: the VCEK's or VLEK's extensions, and
 * how AMD signs. The inside of policy/verify_snp. */
#ifndef CLOISTER_POLICY_VERIFY_SNP_VEK_H
#define CLOISTER_POLICY_VERIFY_SNP_VEK_H

#include "policy/verify_snp.h"

#define SNP_WHY 160u

/* The extensions of one certificate. CL_ERR_EVIDENCE, with why. */
CL_MUST_CHECK int snp_vek_parse(
    X509 *cert, bool vlek, struct snp_vek *vek, char why[SNP_WHY]);
/* In the names of the specification; NULL: no memory. */
json_t *snp_vek_print(const struct snp_vek *vek);
/* P-384, SHA-384, over the report's first 672 bytes; p has SNP_REPORT. */
bool snp_vek_signed(X509 *cert, const uint8_t *p);
/* Certificates in both bags that are named as this kind of key is. The one
 * that suits the report best; NULL: none. */
X509 *snp_vek_choose(const struct endorse *own, const struct endorse *given,
    bool vlek, const uint8_t *p, const struct snp_report *r);
/* HWID against chip_id: 64 bytes, or 8 and zeros. */
bool snp_vek_is_chip(const struct snp_vek *vek, const uint8_t chip_id[64]);
/* Component by component. */
bool snp_vek_is_tcb(const struct snp_vek *vek, const struct snp_tcb *tcb);

#endif
