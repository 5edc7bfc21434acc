/*
 * A vendor's evidence in the wrappers of others: the JSON that the attesters
 * of the Confidential Containers send to Trustee (primary_evidence of its
 * attestation protocol 0.4); hex or base64 of the binary form; an SNP report
 * with AMD's certificate table behind it.
 *
 *	snp  {"attestation_report":{members of the report},
 *	     "cert_chain":[{"cert_type":"VCEK","data":[…]},…] or null}
 *	tdx  {"quote":base64,"cc_eventlog":base64 or null}
 *	csv  {"attestation_report":{"magic":[16],"flags","data":[…]},
 *	     "cert_chain":{"hsk_cek":{"hsk":{…},"cek":{…}},"pek":{…}},
 *	     "serial_number":[64],"cc_eventlog":base64 or null}, or the older
 *	     form, whose report is {"body":{…},"sig":{"r","s"},"anonce",…}
 *
 * What comes out is what went in before it was wrapped; nothing is verified.
 */
#ifndef CLOISTER_POLICY_COCO_H
#define CLOISTER_POLICY_COCO_H

#include "policy/endorse.h"

struct coco {
	uint8_t *raw; /* secmem, as are the others */
	size_t raw_n;
	uint8_t *log; /* NULL: none came */
	size_t log_n;
	struct endorse *own; /* what came with it; NULL: nothing */
};

/* CL_ERR_NOT_FOUND: text is none of these, so it may be the evidence itself.
 * CL_ERR_FORMAT: it is, but broken; json_why() names the member. coco_clear()
 * it when that gives CL_OK. */
CL_MUST_CHECK int coco_open(
    const char *tee, const char *text, size_t n, struct coco *out);
void coco_clear(struct coco *c);

#endif
