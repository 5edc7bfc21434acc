/* The owner's policy as policy/appraise reads it; parsed from JSON. */
#ifndef CLOISTER_POLICY_APPRAISE_POLICY_H
#define CLOISTER_POLICY_APPRAISE_POLICY_H

#include "policy/appraise.h"
#include "policy/identity.h"
#include "policy/roots.h"
#include "policy/verify_csv.h"
#include "policy/verify_snp.h"
#include "policy/verify_tdx.h"
#include "policy/verify_tpm.h"

#define APPRAISE_LIST_MAX 32u

/* Accepted values of one claim. */
struct appraise_list {
	bool given; /* absent lists accept anything, empty ones nothing */
	unsigned n;
	char value[APPRAISE_LIST_MAX][65];
};

/* Words that the claims' posture may have for one of its members. */
#define APPRAISE_POSTURE_MAX 16u
struct appraise_posture {
	const char *name; /* borrowed from text */
	struct rows_list words;
};

struct appraise_policy {
	bool accept_sim;
	struct identity *sim_root;	  /* NULL: none */
	int64_t max_age;		  /* seconds, 0: not checked */
	struct appraise_list measurement; /* hex, as the rest of them */
	struct appraise_list binary;
	struct appraise_list config;
	struct appraise_list memory; /* words */
	unsigned nposture;
	struct appraise_posture posture[APPRAISE_POSTURE_MAX];
	bool allow_unknown_software;
	struct roots roots;    /* further ones, for tests */
	struct snp_policy snp; /* borrows from text */
	struct tdx_policy tdx; /* likewise */
	struct csv_policy csv; /* likewise */
	struct tpm_policy tpm; /* likewise */
	json_t *text;
};

#endif
