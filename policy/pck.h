/*
 * What Intel's PCK certificate says of a platform: the SGX extension, OID
 * 1.2.840.113741.1.13.1, SEQUENCE of SEQUENCE {OID, value} (Intel, "SGX PCK
 * Certificate and CRL Profile Specification"):
 *
 *	.1  PPID			OCTET STRING 16
 *	.2  TCB				SEQUENCE of
 *	    .1 … .16 component SVN	INTEGER 0..255
 *	    .17 PCESVN			INTEGER 0..65535
 *	    .18 CPUSVN			OCTET STRING 16
 *	.3  PCE-ID			OCTET STRING 2
 *	.4  FMSPC			OCTET STRING 6
 *	.5  SGX type			ENUMERATED 0, 1, 2
 *	.6  platform instance		OCTET STRING 16		(platform CA)
 *	.7  configuration		SEQUENCE of		(platform CA)
 *	    .1 dynamic platform, .2 cached keys, .3 SMT enabled  BOOLEAN
 */
#ifndef CLOISTER_POLICY_PCK_H
#define CLOISTER_POLICY_PCK_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct pck {
	uint8_t ppid[16], cpusvn[16], pceid[2], fmspc[6], instance[16];
	uint8_t comp[16];
	uint16_t pcesvn;
	uint8_t sgx_type;
	bool platform; /* has .6 and .7 */
	bool dynamic, cached_keys, smt;
};

/* Strict DER: every member once, of its exact type and size, nothing else.
 * CL_ERR_NOT_FOUND without the extension, CL_ERR_FORMAT. */
CL_MUST_CHECK int pck_parse(X509 *cert, struct pck *out);

#endif
