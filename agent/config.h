/*
 * cloister.conf: strict ini. An unknown section or key, a key given twice, a
 * value that does not fit is an error that names file, line, what was
 * expected and what came. Defaults are in config.c's table and printed by
 * config_help().
 */
#ifndef CLOISTER_AGENT_CONFIG_H
#define CLOISTER_AGENT_CONFIG_H

#include <limits.h>
#include <stdio.h>

#include "agent/evidence_provider.h"
#include "agent/setup.h"

#define CONFIG_PATH  "/etc/cloister/cloister.conf"
#define CONFIG_ERROR 512u

struct config {
	/* [agent] */
	char socket[108];
	char engine_socket[108];
	char state_dir[PATH_MAX];
	char tee[SETUP_NAME_MAX + 1];
	char user[64];
	/* [sealing] */
	char provider[SETUP_NAME_MAX + 1];
	char tcti[256];
	uint32_t pcrs; /* bit i: PCR i */
	/* [sim] */
	char sim_key[PATH_MAX];
	/* [tpm] */
	char tpm_tcti[256];
	char tpm_eventlog[PATH_MAX];
	uint32_t tpm_pcrs;
	char tpm_ak[16];
	char tpm_ak_certificate[16];
	char tpm_td_quote[PATH_MAX];
	uint32_t tpm_svsm;	/* yes: 1 */
	uint32_t tpm_hcl_fresh; /* yes: 1 */
	char tpm_measure_pcr[8];
	/* [tsm], [devices] */
	char tsm_root[PATH_MAX];
	char sev_guest[PATH_MAX];
	char tdx_guest[PATH_MAX];
	char tdx_attest[PATH_MAX];
	char tdx_quotes[108];
	char csv_guest[PATH_MAX];
	char ccel[PATH_MAX];
	char aael[PATH_MAX];
	char tdx_measurements[PATH_MAX];
	char runtime_log[PATH_MAX];
	/* [access], [limits], [memory] */
	struct setup setup;
	/* SHA-256 of the file's bytes, for the claims. */
	uint8_t digest[32];
};

/* CL_ERR_CONFIG with one line in error. */
CL_MUST_CHECK int config_load(
    const char *path, struct config *c, char error[CONFIG_ERROR]);
/* The same over text, without the digest; path only names it. */
CL_MUST_CHECK int config_parse(const char *path, const char *text,
    struct config *c, char error[CONFIG_ERROR]);
/* What evidence providers are told; borrows from c. */
void config_evidence(const struct config *c, struct evidence_config *out);
/* Every key with its default and meaning. */
void config_help(FILE *out);

#endif
