/*
 * Hygon CSV attestation reports, versions 1 (CSV, CSV2), 2 and 3 (CSV3):
 * layout, parse, print, verify. Their certificates are in verify_csv_cert.c,
 * what an owner wants of them in verify_csv_policy.c.
 *
 * No signature of a version 1 report covers the four bytes (anonce) that most
 * of its fields are masked with: whoever carries a report can change what its
 * measure and policy read as. They can be believed only after all 64 bytes of
 * user_data came out as the relying party wanted them. So csv_verify() gives
 * no such field; csv_open() does, and wants the user_data.
 */
#ifndef CLOISTER_POLICY_VERIFY_CSV_H
#define CLOISTER_POLICY_VERIFY_CSV_H

#include <jansson.h>

#include "policy/eventlog_want.h"
#include "policy/verify_csv_cert.h"

#define CSV_REPORT_MIN 2548u /* version 1 */
#define CSV_REPORT_MAX 4096u /* what the guest's device gives */
#define CSV_USER_DATA  64u
#define CSV_SERIAL     64u
#define CSV_RTMRS      5u

/* Where the guest's sealing key lies in a report, in clear: an attester
 * exports zeros there. */
#define CSV_SEALING_KEY	   32u
#define CSV_V1_SEALING_KEY 0x9b4u
#define CSV_V2_SEALING_KEY 0xcf4u /* and in version 3 */

/* Policy bits of a guest. */
#define CSV_POLICY_NODBG UINT32_C(0x01) /* no debugging */
#define CSV_POLICY_ES	 UINT32_C(0x04) /* encrypted registers: CSV2 */
#define CSV_POLICY_CSV3	 UINT32_C(0x40)

enum csv_mac {
	CSV_MAC_NONE, /* the sealing key was taken out, as it should be */
	CSV_MAC_GOOD,
	CSV_MAC_BAD
};

/* What verifying gives: nothing in it depends on what was measured. */
struct csv_evidence {
	bool genuine;
	unsigned version; /* 1, 2, 3; 0: not known */
	bool pek_plain, serial_plain;
	bool sealing_key; /* the report carries it: a leak of the attester's */
	enum csv_mac mac;
	uint8_t user_data[CSV_USER_DATA]; /* as it came: to be compared */
	char serial[CSV_SERIAL + 1];	  /* no signature covers it */
	uint8_t pek_raw[CSV_CERT];
	struct csv_cert pek;
	struct csv_chain chain;
	const uint8_t *raw; /* lent: the report, masked as it came */
	size_t raw_n;
};

/* What csv_open() gives. */
struct csv_report {
	uint8_t user_pubkey_digest[32], vm_id[16], vm_version[16],
	    user_data[CSV_USER_DATA], mnonce[16], measure[32], anonce[4];
	uint32_t policy, sig_usage, sig_algo;
	bool has_rtmr, has_host_data; /* version 2, version 3 */
	uint32_t build;		      /* of the firmware; with RTMRs */
	uint16_t rtmr_version;
	uint8_t rtmr[CSV_RTMRS][32], host_data[64];
};

/* What an owner wants; from the policy's "csv" object, whose strings the lists
 * borrow. All zero: the defaults. */
struct csv_policy {
	struct rows_list measure, vm_id, vm_version, user_pubkey_digest, serial,
	    cek, host_data, rtmr[CSV_RTMRS];
	uint32_t min_api; /* major << 8 | minor, of the PEK */
	uint32_t min_build, min_version, min_generation, required_policy;
	bool has_min_api, allow_debug, require_no_sealing_key;
	struct eventlog_want eventlog;
};

/* Strict; o NULL: the defaults. json_why() names the member. o must live as
 * long as p. */
CL_MUST_CHECK int csv_policy_parse(const json_t *o, struct csv_policy *p);

/*
 * Form, version, signature, chain, MAC: is this a genuine report? Appends
 * rows. own: endorsements that came with it, given: the owner's; either may be
 * NULL. p and the bags must live as long as out, which must stay where it is.
 * CL_ERR_EVIDENCE.
 */
CL_MUST_CHECK int csv_verify(const uint8_t *p, size_t n,
    const struct endorse *own, const struct endorse *given,
    const struct roots *roots, struct csv_evidence *out,
    struct appraise_result *rows);
/* The fields of a genuine report whose user_data is this one, and whose mnonce
 * is this one (NULL: any). Else CL_ERR_EVIDENCE, and out is all zero. */
CL_MUST_CHECK int csv_open(const struct csv_evidence *e,
    const uint8_t user_data[CSV_USER_DATA], const uint8_t *mnonce,
    struct csv_report *out);
/*
 * Policy bits, minimums, reference values; sets rows->tcb ("ok", "out of date";
 * "unpublished" where the owner set no minimum, as Hygon publishes none).
 * user_data: what was asked for; NULL refuses. out: as csv_open() gives it.
 * CL_ERR_APPRAISAL.
 */
CL_MUST_CHECK int csv_appraise(const struct csv_evidence *e,
    const uint8_t *user_data, const struct csv_policy *policy,
    struct csv_report *out, struct appraise_result *rows);
/* Fields in Hygon's names, byte strings as lower-case hex; never the sealing
 * key. report NULL: without what may not be believed yet. NULL: no memory. */
json_t *csv_print(
    const struct csv_evidence *e, const struct csv_report *report);

#endif
