/* Members of PCS documents, for pcs.c and pcs_doc.c only. Each names what it
 * wanted in json_why(). */
#ifndef CLOISTER_POLICY_PCS_PARTS_H
#define CLOISTER_POLICY_PCS_PARTS_H

#include "policy/pcs.h"

/* Hex of exactly n bytes, either case. */
CL_MUST_CHECK int pcs_hex(
    const json_t *o, const char *key, uint8_t *out, size_t n);
/* id, version, dates and evaluation number. */
CL_MUST_CHECK int pcs_head(
    const json_t *o, const char *id, int version, struct pcs_head *out);
/* tcbStatus and advisoryIDs of a level; tcbDate must be a time. */
CL_MUST_CHECK int pcs_verdict(
    const json_t *level, enum pcs_status *status, const json_t **advisories);
/* An array member of objects with 1..max elements. */
CL_MUST_CHECK int pcs_array(
    const json_t *o, const char *key, size_t max, const json_t **out);
/* tcbLevels of {tcb {isvsvn}}, sorted. */
CL_MUST_CHECK int pcs_svn_levels(const json_t *o, struct pcs_svn_levels *out);

#endif
