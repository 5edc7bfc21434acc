/*
 * TPM 2.0 quotes (TCG, "TPM 2.0 Library", parts 2 and 3) and what makes the
 * key that signs them (the AK) one to believe. Integers are big endian.
 *
 * TPMS_ATTEST, what is signed
 *	u32 magic: 0xff544347; u16 type: 0x8018, a quote
 *	u16 size, qualified name of the signer
 *	u16 size, extra data: what the verifier chose
 *	u64 clock, u32 reset count, u32 restart count, u8 safe
 *	u64 firmware version
 *	u32 number of selections {u16 hash, u8 size, bit map of PCRs}
 *	u16 size, digest of the selected PCRs' values
 * TPMT_SIGNATURE
 *	u16 scheme: 0x14 RSASSA, 0x16 RSAPSS, 0x18 ECDSA; u16 hash: 0x0b SHA-256
 *	RSA: u16 size, signature; ECDSA: u16 size, r, u16 size, s
 * TPMT_PUBLIC, the AK (verify_tpm_key.c)
 *
 * An AK is believed through one of
 *	the policy, which pins its SubjectPublicKeyInfo or its name
 *	Azure's paravisor (verify_tpm_hcl.c), whose key is in data that the
 *	report data of an SEV-SNP report or of a TDX quote is the hash of
 *	an SVSM (verify_tpm_svsm.c), which speaks for the EK of its TPM, and
 *	that TPM, which shows that it holds both keys
 *	a certificate (verify_tpm_cert.c) below a CA that the policy pins
 * Certificates of EKs are not looked at.
 */
#ifndef CLOISTER_POLICY_VERIFY_TPM_H
#define CLOISTER_POLICY_VERIFY_TPM_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/endorse.h"
#include "policy/eventlog_want.h"
#include "policy/roots.h"
#include "policy/rows.h"

#define TPM_PCRS	 24u
#define TPM_ATTEST_MAX	 1024u
#define TPM_SIG_MAX	 1024u
#define TPM_KEY_MAX	 1024u
#define TPM_HCL_MAX	 8192u
#define TPM_MANIFEST_MAX 8192u
#define TPM_EXTRA_MAX	 66u
#define TPM_NAME_MAX	 66u

#define TPM_MAGIC  0xff544347u
#define TPM_QUOTE  0x8018u
#define TPM_SHA256 0x000bu
#define TPM_RSASSA 0x0014u
#define TPM_RSAPSS 0x0016u
#define TPM_ECDSA  0x0018u

struct tpm_blob_view {
	const uint8_t *p;
	size_t n;
};

/* One piece of evidence, decoded: a JSON text of our form
 *   {"attest":b64url,"signature":b64url,"pcrs":{"0":hex,…}, and optionally
 *    "ak":b64url SPKI,"ak_public":b64url TPMT_PUBLIC,"hcl":b64url,
 *    "td_quote":b64url,"eventlog":b64url,"svsm_report":b64url,
 *    "svsm_manifest":b64url,"svsm_data":b64url}
 * or of Trustee's attesters "az-snp-vtpm", "az-tdx-vtpm" and "tpm". */
struct tpm_doc {
	struct tpm_blob_view attest, signature, ak, ak_public, hcl, td_quote,
	    eventlog, vek, svsm_report, svsm_manifest, svsm_data;
	uint32_t given; /* bits of PCRs */
	uint8_t pcr[TPM_PCRS][32];
	uint8_t *memory; /* what the views are of; secmem */
};

struct tpm_attest {
	uint32_t magic;
	uint16_t type;
	uint8_t signer[TPM_NAME_MAX], extra[TPM_EXTRA_MAX];
	size_t signer_n, extra_n;
	uint64_t clock, firmware;
	uint32_t resets, restarts;
	uint8_t safe;
	uint32_t selected; /* bits of SHA-256 PCRs */
	bool other_banks;  /* PCRs of another bank are selected, too */
	uint8_t digest[32];
	size_t digest_n;
};

struct tpm_signature {
	uint16_t scheme, hash;
	struct tpm_blob_view rsa;
	uint8_t rs[64]; /* ECDSA */
};

/* TPMA_OBJECT */
#define TPM_FIXED_TPM	 (1u << 1)
#define TPM_FIXED_PARENT (1u << 4)
#define TPM_ORIGIN	 (1u << 5) /* sensitiveDataOrigin */
#define TPM_RESTRICTED	 (1u << 16)
#define TPM_DECRYPT	 (1u << 17)
#define TPM_SIGN	 (1u << 18)

struct tpm_ak {
	EVP_PKEY *key;
	uint8_t spki[32]; /* SHA-256 of its DER */
	bool has_public;  /* attributes and name are known */
	uint32_t attributes;
	uint8_t name[34];
};

/* Azure's report, layout in verify_tpm_hcl.c. */
struct tpm_hcl {
	bool tdx; /* else SEV-SNP */
	struct tpm_blob_view report, data;
	uint8_t hash[32]; /* SHA-256 of data */
};

/* What an SVSM says of its TPM; layout in verify_tpm_svsm.c. */
struct tpm_svsm {
	struct tpm_ak ek; /* decrypts; its name is that of the TPM */
	uint8_t hash[64]; /* SHA-512(data ‖ manifest) */
};

enum tpm_log { TPM_LOG_NONE, TPM_LOG_MATCHES, TPM_LOG_DIFFERS, TPM_LOG_BAD };

/* What verifying gives. */
struct tpm_evidence {
	struct tpm_doc doc;
	struct tpm_attest attest;
	struct tpm_signature signature;
	struct tpm_ak ak;
	bool has_hcl;
	struct tpm_hcl hcl;
	bool has_svsm;
	struct tpm_svsm svsm;
	enum tpm_log log;
	uint32_t logged; /* PCRs that the log extends */
	uint32_t differs;
};

/* What a verifier sent to the TPM that has this EK, to learn whether this AK is
 * in it, too (policy/tpm_credential.h). */
struct tpm_challenge {
	uint8_t ek_name[34], ak_name[34];
	uint8_t nonce[32]; /* of the evidence that proves it */
};

/* What an owner wants; from the policy's "tpm" object, whose strings the lists
 * borrow. All zero: the defaults, which trust no AK but an endorsed one. */
struct tpm_policy {
	struct rows_list ak, ak_name, pcr[TPM_PCRS], firmware;
	bool has_ak_roots;
	struct roots ak_roots; /* CAs of AK certificates, of ROOT_AK */
	uint32_t required;     /* bits: PCRs that must be in the quote */
	bool has_max_resets, has_max_restarts;
	uint32_t max_resets, max_restarts;
	bool require_eventlog, allow_unsafe_clock, no_hcl, require_fresh_hcl;
	struct eventlog_want eventlog;
};

/* Strict; o NULL: the defaults. json_why() names the member. o must live as
 * long as the policy. */
CL_MUST_CHECK int tpm_policy_parse(const json_t *o, struct tpm_policy *p);

/* Decodes; *doc is to be cleared also after a failure. CL_ERR_FORMAT. */
CL_MUST_CHECK int tpm_doc_parse(
    const uint8_t *p, size_t n, struct tpm_doc *doc);
void tpm_doc_clear(struct tpm_doc *doc);

/* Layout only: magic and type are read, not judged. CL_ERR_FORMAT and the
 * errors of lib/buf. */
CL_MUST_CHECK int tpm_attest_parse(
    const uint8_t *p, size_t n, struct tpm_attest *a);
CL_MUST_CHECK int tpm_signature_parse(
    const uint8_t *p, size_t n, struct tpm_signature *s);
/* CL_ERR_SIGNATURE; CL_ERR_UNSUPPORTED for another hash, scheme or key than
 * those above. */
CL_MUST_CHECK int tpm_signature_check(
    const struct tpm_signature *s, EVP_PKEY *key, const uint8_t *p, size_t n);

/* DER SubjectPublicKeyInfo, no byte more. RSA of 2048 to 4096 bits or P-256.
 * tpm_ak_clear() them. CL_ERR_FORMAT, CL_ERR_UNSUPPORTED. */
CL_MUST_CHECK int tpm_ak_spki(const uint8_t *p, size_t n, struct tpm_ak *ak);
/* TPMT_PUBLIC of a signing key, with its attributes and its name. */
CL_MUST_CHECK int tpm_ak_public(const uint8_t *p, size_t n, struct tpm_ak *ak);
/* TPMT_PUBLIC of a storage key, such as an EK. */
CL_MUST_CHECK int tpm_ek_public(const uint8_t *p, size_t n, struct tpm_ak *ek);
/* JWK of kty RSA. */
CL_MUST_CHECK int tpm_ak_jwk(const json_t *jwk, struct tpm_ak *ak);
void tpm_ak_clear(struct tpm_ak *ak);

CL_MUST_CHECK int tpm_hcl_parse(
    const uint8_t *p, size_t n, struct tpm_hcl *hcl);
/* The one key "HCLAkPub" of the data. */
CL_MUST_CHECK int tpm_hcl_ak(const struct tpm_hcl *hcl, struct tpm_ak *ak);

/* The quote holds under the AK that came, and the values are what it is of.
 * Appends rows; does not say that the AK is to be believed. CL_ERR_EVIDENCE.
 * tpm_evidence_clear() it in every case. */
CL_MUST_CHECK int tpm_verify(const uint8_t *p, size_t n, struct tpm_evidence *e,
    struct appraise_result *rows);
/* Is the AK pinned? Appends a row when it is, or when must be is set. */
bool tpm_ak_pinned(const struct tpm_evidence *e,
    const struct tpm_policy *policy, bool must_be,
    struct appraise_result *rows);
/* Is there, in bag a or b (NULL: empty), a certificate of the AK that leads to
 * a CA of the policy's ak_roots and may be one? Appends rows. */
bool tpm_ak_certified(const struct tpm_evidence *e, const struct endorse *a,
    const struct endorse *b, const struct tpm_policy *policy, int64_t time,
    struct appraise_result *rows);
/* Are these 64 bytes of report data the hash of the paravisor's data? */
bool tpm_hcl_bound(const struct tpm_evidence *e, const uint8_t report_data[64],
    struct appraise_result *rows);
/* The TPMT_PUBLIC in the manifest of an SVSM: of the TPM's service alone, or
 * that of all services. CL_ERR_FORMAT, CL_ERR_NOT_FOUND: none of a TPM. */
CL_MUST_CHECK int tpm_svsm_manifest(
    const uint8_t *p, size_t n, struct tpm_blob_view *public);
/* Reads report, manifest and data of the document; appends rows. */
bool tpm_svsm_read(struct tpm_evidence *e, struct appraise_result *rows);
/* Is this verified report one of VMPL 0 about that manifest and data? */
bool tpm_svsm_bound(const struct tpm_evidence *e, uint32_t vmpl,
    const uint8_t report_data[64], struct appraise_result *rows);
/* Did the SVSM speak for this request? */
bool tpm_svsm_fresh(const struct tpm_evidence *e, const uint8_t want[64],
    struct appraise_result *rows);
/* Has the TPM of that EK shown that the AK is its own? Never without a
 * challenge, which may be NULL. nonce: of the evidence's envelope, or NULL. */
bool tpm_svsm_activated(const struct tpm_evidence *e,
    const struct tpm_challenge *challenge, const uint8_t *nonce,
    struct appraise_result *rows);
/* Did the paravisor make its report for this request? */
bool tpm_hcl_fresh(const struct tpm_evidence *e, const uint8_t want[64],
    struct appraise_result *rows);
/* Is the quote about these bytes: are they, with zeros after, its extra data,
 * or is that their SHA-256? only_hash: the latter. */
bool tpm_bound(const struct tpm_evidence *e, const uint8_t want[64],
    bool only_hash, struct appraise_result *rows);
/* Reference values. CL_ERR_APPRAISAL. */
CL_MUST_CHECK int tpm_appraise(const struct tpm_evidence *e,
    const struct tpm_policy *policy, struct appraise_result *rows);
/* Does the policy name PCRs down to the kernel and its command line? */
bool tpm_policy_measures(const struct tpm_policy *p);
/* NULL: no memory. */
json_t *tpm_print(const struct tpm_evidence *e);
void tpm_evidence_clear(struct tpm_evidence *e);

#endif
