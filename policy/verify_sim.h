/*
 * Evidence of the simulated TEE, for development: "CLSIM1\0\0" ‖
 * report_data[64] ‖ measurement[32] ‖ u64 time ‖ Ed25519 signature[64] over
 * domain "cloister sim evidence v1" and all that precedes. The signing root is
 * made at install and is no more trustworthy than the machine it is on.
 */
#ifndef CLOISTER_POLICY_VERIFY_SIM_H
#define CLOISTER_POLICY_VERIFY_SIM_H

#include "policy/identity.h"

#define SIM_BODY     (8u + 64u + 32u + 8u)
#define SIM_EVIDENCE (SIM_BODY + 64u)

struct sim_report {
	uint8_t report_data[64];
	uint8_t measurement[32];
	int64_t time;
};

CL_MUST_CHECK int sim_parse(
    const uint8_t *raw, size_t n, struct sim_report *report);
/* CL_ERR_EVIDENCE when the signature does not hold under root. */
CL_MUST_CHECK int sim_verify(const struct identity *root, const uint8_t *raw,
    size_t n, struct sim_report *report);
/* The provider's side. */
CL_MUST_CHECK int sim_make(const struct identity *root,
    const struct sim_report *report, uint8_t out[SIM_EVIDENCE]);

#endif
