/*
 * AMD SEV-SNP attestation reports (AMD 56860, SNP firmware ABI: 1184 bytes,
 * little endian, versions 2 to 5): layout, parse, print, verify. The
 * certificate of the key that signs them (VCEK or VLEK, AMD 57230) is in
 * verify_snp_vek.c, what an owner wants of them in verify_snp_policy.c.
 */
#ifndef CLOISTER_POLICY_VERIFY_SNP_H
#define CLOISTER_POLICY_VERIFY_SNP_H

#include <jansson.h>

#include "policy/chain.h"
#include "policy/rows.h"

#define SNP_REPORT   1184u
#define SNP_RESPONSE 4000u /* of the guest device, with a report inside */

/* TCB_VERSION: its bytes mean other things on Turin than on older chips. */
struct snp_tcb {
	uint8_t raw[8];
	uint8_t fmc, bl, tee, snp, ucode; /* fmc: Turin only */
	bool reserved;			  /* a byte that must be zero is not */
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

/* Policy bits of a guest. */
#define SNP_POLICY_ABI	     0xffffull
#define SNP_POLICY_SMT	     (1ull << 16)
#define SNP_POLICY_ONE	     (1ull << 17) /* must be 1 */
#define SNP_POLICY_MIGRATION (1ull << 18)
#define SNP_POLICY_DEBUG     (1ull << 19)
#define SNP_POLICY_RESERVED  (~0ull << 26)

/* Key info bits of a report. */
#define SNP_KEY_AUTHOR	      0x01u
#define SNP_KEY_MASKED	      0x02u
#define SNP_KEY_VCEK	      0u
#define SNP_KEY_VLEK	      1u
#define SNP_KEY_SIGNING(info) ((info) >> 2 & 7)

/* The certificate of a versioned chip or loaded endorsement key. */
struct snp_vek {
	X509 *cert; /* borrowed from a bag */
	bool vlek;
	uint8_t struct_version;
	char product_name[32];	  /* "Milan-B0" */
	enum root_vendor product; /* 0: unknown name */
	struct snp_tcb tcb;	  /* raw is not filled */
	bool has_fmc;
	uint8_t hwid[64]; /* VCEK: 64 bytes, 8 on Turin */
	size_t hwid_n;
	char csp_id[128]; /* VLEK */
};

/* What verifying gives. */
struct snp_evidence {
	struct snp_report report;
	struct snp_vek vek; /* cert NULL: none was found */
	enum chain_crl crl; /* of the intermediate */
};

/* What an owner wants; from the policy's "snp" object, whose strings the lists
 * borrow. All zero: the defaults. */
#define SNP_KEYS_MAX 8u
struct snp_policy {
	struct rows_list measurement, host_data, id_key_digest,
	    author_key_digest, family_id, image_id, chip_id, csp_id,
	    report_id_ma;
	uint32_t min_guest_svn, min_version, max_vmpl, min_abi;
	bool allow_debug, allow_migration, allow_masked_chip, allow_provisional,
	    allow_stale_crl, require_crl, require_smt_off, check_launch_tcb;
	uint64_t required_mitigations, required_policy, required_platform_info;
	struct snp_tcb min_tcb[3]; /* Milan, Genoa, Turin */
	bool has_min_tcb[3];
	unsigned nkeys; /* digests of keys that were given as PEM */
	char keys[SNP_KEYS_MAX][97];
};

/* Strict; o NULL: the defaults. json_why() names the member. p must stay where
 * it is and o must live as long: the lists point into both. */
CL_MUST_CHECK int snp_policy_parse(const json_t *o, struct snp_policy *p);

/* Lends the report in a blob: itself, or the one in a guest device's response
 * of 4000 bytes. CL_ERR_FORMAT. */
CL_MUST_CHECK int snp_unwrap(
    const uint8_t *p, size_t n, const uint8_t **report);
/* Reads the fields; nothing is checked but the length and that the version is
 * one whose layout is known. CL_ERR_FORMAT, CL_ERR_VERSION. */
CL_MUST_CHECK int snp_parse(const uint8_t *p, size_t n, struct snp_report *r);
/* "milan", "genoa", "turin"; NULL for another vendor's root. */
const char *snp_product(enum root_vendor product);
/* Fills the five components of t->raw as product lays them out. */
void snp_tcb_split(struct snp_tcb *t, enum root_vendor product);
/* Fields in the names of the specification, byte strings as lower-case hex,
 * 64-bit masks as "0x…". NULL: no memory. */
json_t *snp_print(const struct snp_report *r);
/*
 * Signature, chain, chip binding, TCB of the certificate, well-formedness: is
 * this a genuine report? Appends rows. CL_ERR_EVIDENCE when any fails. own:
 * endorsements that came with the evidence, given: the owner's; either may be
 * NULL. n is what snp_unwrap gave: SNP_REPORT, or another length, refused.
 */
CL_MUST_CHECK int snp_verify(const uint8_t *p, size_t n,
    const struct endorse *own, const struct endorse *given,
    const struct roots *roots, int64_t time, const struct snp_policy *policy,
    struct snp_evidence *out, struct appraise_result *rows);
/* Policy bits, TCB rules and minimums, reference values; sets rows->tcb. The
 * caller compared report_data. CL_ERR_APPRAISAL. */
CL_MUST_CHECK int snp_appraise(const struct snp_evidence *e,
    const struct snp_policy *policy, struct appraise_result *rows);

/* SHA-384 of a P-384 public key (PEM) as id and author key digests are made:
 * over the structure of 0x404 bytes that holds it. */
CL_MUST_CHECK int snp_key_digest(const char *pem, size_t n, uint8_t out[48]);

#endif
