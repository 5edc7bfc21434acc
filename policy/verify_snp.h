/* AMD SEV-SNP attestation reports (AMD 56860, SNP firmware ABI: 1184 bytes,
 * little endian, versions 2 to 5): layout, parse, print, verify. */
#ifndef CLOISTER_POLICY_VERIFY_SNP_H
#define CLOISTER_POLICY_VERIFY_SNP_H

#include <jansson.h>

#include "policy/chain.h"
#include "policy/rows.h"

#define SNP_REPORT 1184u

struct snp_tcb {
	uint8_t raw[8];
	uint8_t fmc, bl, tee, snp, ucode; /* fmc: Turin only */
};

struct snp_report {
	uint32_t version, guest_svn, vmpl, sig_algo, key_info;
	uint64_t policy, platform_info, launch_mit, current_mit;
	uint8_t family_id[16], image_id[16], report_data[64], measurement[48],
	    host_data[32], id_key_digest[48], author_key_digest[48],
	    report_id[32], report_id_ma[32], chip_id[64];
	struct snp_tcb current, reported, committed, launch;
	uint8_t cpuid_family, cpuid_model, cpuid_stepping; /* v3 and newer */
	uint8_t current_fw[3], committed_fw[3]; /* build, minor, major */
	enum root_vendor product; /* 0 while unknown (v2 before its VEK) */
};

/* What an owner wants; from the policy's "snp" object. */
struct snp_policy {
	struct rows_list measurement, host_data, id_key_digest,
	    author_key_digest, family_id, image_id, chip_id, csp_id;
	uint32_t min_guest_svn, min_version, max_vmpl;
	bool allow_debug, allow_migration, allow_smt_off_only,
	    allow_masked_chip, allow_provisional, require_crl;
	uint64_t required_mitigations;
	struct snp_tcb min_tcb[3]; /* Milan, Genoa, Turin */
	bool has_min_tcb[3];
};

CL_MUST_CHECK int snp_parse(const uint8_t *p, size_t n, struct snp_report *r);
/* Fields in the names of the specification, byte strings as lower-case hex. */
json_t *snp_print(const struct snp_report *r);
/*
 * Signature, chain, chip binding, TCB of the certificate, well-formedness: is
 * this a genuine report? Appends rows. CL_ERR_EVIDENCE when any fails.
 */
CL_MUST_CHECK int snp_verify(const uint8_t *p, size_t n,
    const struct endorse *own, const struct endorse *given,
    const struct roots *roots, int64_t time, const struct snp_policy *policy,
    struct snp_report *r, struct appraise_result *rows);
/* Policy bits, TCB minimums, reference values. The caller compared
 * report_data. CL_ERR_APPRAISAL. */
CL_MUST_CHECK int snp_appraise(const struct snp_report *r,
    const struct snp_policy *policy, struct appraise_result *rows);

#endif
