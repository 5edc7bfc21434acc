/*
 * Providers of attestation evidence, one per TEE kind; they run in the broker.
 */
#ifndef CLOISTER_AGENT_EVIDENCE_PROVIDER_H
#define CLOISTER_AGENT_EVIDENCE_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/device.h"
#include "lib/err.h"
#include "policy/evidence.h"

#define EVIDENCE_REASON	  512u
#define EVIDENCE_SEV_VMPL "/sys/devices/system/cpu/sev/vmpl"

struct evidence_config {
	const char *sim_key;  /* path of the sim provider's private key PEM */
	const char *tsm_root; /* configfs-tsm's folder of requests */
	const char *sev_guest, *tdx_guest, *csv_guest; /* devices */
	const char *tdx_attest; /* file that names the quote service's port */
	const char *tdx_quotes; /* where the service is: device.h's dial */
	const char *sev_vmpl;	/* file with the privilege level of the guest */
	const struct device *device;
	const char *tpm_tcti;	  /* how the TPM is reached */
	const char *tpm_eventlog; /* "": none */
	uint32_t tpm_pcrs;	  /* bits of PCRs to quote */
	const char *tpm_ak;	  /* which key signs: agent/tpm_signer.h */
	/* NV index of its certificate, "auto" or "none" */
	const char *tpm_ak_certificate;
	const char *tpm_td_quote; /* file beside Azure's report; "": none */
	bool tpm_hcl_fresh;	  /* have the paravisor make a new report */
	/* CLOCK_MONOTONIC milliseconds: when a process last was done with this
	 * kind; 0: never. */
	int64_t asked_ms;
	bool tpm_svsm; /* have an SVSM speak for it, where there is one */
	/* Logs of the firmware, and of another agent that copies it. "": none
	 */
	const char *ccel, *aael;
	const char *tdx_measurements; /* the kernel's folder of RTMRs */
	const char *runtime_log;      /* agent/runtime_log.h */
	uint32_t measure_pcr;	      /* that a start extends; 0: none */
};

struct evidence_provider {
	const char *tee; /* "sim"; the name in claims and envelope */
	/* Between two requests to the device, which hosts may throttle. */
	unsigned interval_ms;
	/* Is this kind of TEE here and configured? CL_OK or not, reason says
	 * why. Asks the device for nothing. */
	CL_MUST_CHECK int (*probe)(
	    const struct evidence_config *c, char reason[EVIDENCE_REASON]);
	/* Sets out->raw and adds endorsement blobs, if the platform has them;
	 * on failure, which has a reason, evidence_clear() frees what there
	 * is. */
	CL_MUST_CHECK int (*produce)(const struct evidence_config *c,
	    const uint8_t report_data[EVIDENCE_REPORT_DATA],
	    struct evidence *out, char reason[EVIDENCE_REASON]);
};

/* NULL when unknown. */
const struct evidence_provider *evidence_provider_by_name(const char *tee);
/* "auto" or a provider's name. Auto takes what the guest has, never sim, and
 * never tpm, which may be the host's.
 * reason: why this one, or why none. */
CL_MUST_CHECK int evidence_provider_choose(const char *tee,
    const struct evidence_config *c, const struct evidence_provider **out,
    char reason[EVIDENCE_REASON]);

/* For providers: gives out a copy of raw evidence. */
CL_MUST_CHECK int evidence_provider_give(
    struct evidence *out, const void *p, size_t n);
/* Does configfs-tsm have this provider, or else can the device be opened? */
CL_MUST_CHECK int evidence_provider_find(const struct evidence_config *c,
    const char *tsm, const char *path, char reason[EVIDENCE_REASON]);

/* agent/evidence_snp.c, _tdx.c, _csv.c */
const struct evidence_provider *evidence_snp(void);
const struct evidence_provider *evidence_tdx(void);
const struct evidence_provider *evidence_csv(void);
/* agent/evidence_tpm.c: the form of policy/verify_tpm.h, whose extra data is
 * SHA-256 of report_data; agent/tpm_signer.h says which key signs. */
const struct evidence_provider *evidence_tpm(void);
/* TPM2_ActivateCredential by the TPM that quotes, with the key that signs:
 * agent/tpm_svsm.h. */
CL_MUST_CHECK int evidence_tpm_activate(const struct evidence_config *c,
    const uint8_t *credential, size_t n, uint8_t secret[32],
    char reason[EVIDENCE_REASON]);
/* agent/evidence_sim.c */
const struct evidence_provider *evidence_sim(void);
/* Makes a sim root: the private key at path (PKCS#8 PEM, mode 0600) and the
 * public one at path.pub, which owners put into their policy. Never overwrites
 * (CL_ERR_EXISTS). */
CL_MUST_CHECK int evidence_sim_make_key(const char *path);

#endif
