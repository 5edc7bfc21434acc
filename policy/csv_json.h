/*
 * Hygon's certificates in JSON, as the csv-rs library and with it the
 * attesters of the Confidential Containers print them: the members of the
 * structures (verify_csv_cert.h), byte strings as arrays of numbers.
 *
 *	HRK, HSK  {"body":{"preamble":{"ver","data":{"kid","sid","usage",
 *		  "reserved"}},"pubkey":{"g","x","y"},"uid_size","user_id",
 *		  "reserved"},"signature":{"r","s"},"_reserved"}
 *	CEK, PEK  {"body":{"ver","data":{"firmware":{"major","minor"},
 *		  "reserved1","pubkey":{"usage","algo","key":{"g","x","y"}},
 *		  "uid_size","user_id","sid","reserved2"}},
 *		  "sigs":[{"usage","algo","signature":{"r","s"},"_reserved"},…]}
 */
#ifndef CLOISTER_POLICY_CSV_JSON_H
#define CLOISTER_POLICY_CSV_JSON_H

#include <jansson.h>

#include "policy/verify_csv_cert.h"

/* The certificate as bytes, CSV_ROOT_CERT or CSV_CERT of them. Reserved bytes
 * that are absent are zero. CL_ERR_FORMAT; json_why() names the member. */
CL_MUST_CHECK int csv_json_cert(
    const json_t *o, uint8_t out[CSV_CERT], size_t *n);

#endif
