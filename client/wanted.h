/*
 * Whose word is needed on a machine: what evidence says of its own chip, as
 * keys to the vendors' documents. Nothing of it has been checked. That is why
 * only fields of fixed form come out, and why all that is found by them is
 * judged when the evidence is.
 */
#ifndef CLOISTER_CLIENT_WANTED_H
#define CLOISTER_CLIENT_WANTED_H

#include <stdbool.h>

#include "policy/verify_csv.h"
#include "policy/verify_snp.h"

struct wanted_amd {
	enum root_vendor product; /* 0: the report does not tell (version 2) */
	bool vlek;		  /* signed by a VLEK */
	uint8_t chip_id[64];	  /* all zero: masked */
	uint8_t tcb[8];		  /* reported_tcb */
};

struct wanted_intel {
	uint8_t fmspc[6];
	bool platform; /* PCK platform CA; else processor CA */
};

struct wanted_hygon {
	char serial[CSV_SERIAL + 1]; /* printable, no space */
	struct csv_evidence report;  /* pek is the key that CEKs sign */
};

struct wanted {
	bool amd, intel, hygon; /* which of the following are filled */
	struct wanted_amd snp;
	struct wanted_intel tdx;
	struct wanted_hygon csv;
};

/*
 * tee: name of the evidence's kind; own: endorsements that came with it, or
 * NULL. Evidence that no vendor speaks for wants nothing, and that is no
 * failure. raw must live as long as out. CL_ERR_FORMAT: not evidence of this
 * kind.
 */
CL_MUST_CHECK int wanted_find(const char *tee, const uint8_t *raw, size_t n,
    const struct endorse *own, struct wanted *out);
/* Could anything in this bag speak for the machine? */
bool wanted_suits(const struct wanted *w, const struct endorse *bag);
bool wanted_suits_cert(const struct wanted *w, X509 *cert);

#endif
