/*
 * Makers of machines, for a guest that is not there: each makes a root of its
 * own when the program starts, one machine with keys under it, and signs what
 * that machine is asked for, in the vendor's formats (tests/unit/fake_*.h). In
 * a folder it leaves what a verifier needs: roots.json, the policy to begin
 * with that pins the test root; endorsements/; ccel, the firmware's log.
 */
#ifndef CLOISTER_TESTS_FAKE_VENDOR_H
#define CLOISTER_TESTS_FAKE_VENDOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/endorse.h"

#define VENDOR_DATA	64u
#define VENDOR_REPORT	1184u /* AMD's */
#define VENDOR_TDREPORT 1024u
#define VENDOR_PAGE	4096u

/* What the machine is like just now. */
struct how {
	unsigned product; /* AMD's: 0 Milan, 1 Genoa, 2 Turin */
	unsigned version; /* of TDX's quotes, of CSV's reports */
	bool other;	  /* other software was measured */
	bool debug;	  /* the host may read its memory */
	bool lie;	  /* it answers for other data */
	bool no_certs;	  /* the host has no certificates to give */
	bool silent;	  /* it says that it answered, and did not */
	bool positive;	  /* failures are positive results */
	bool no_quotes;	  /* the quote service hangs up */
	bool old_quotes;  /* it answers with its last quote */
	int slow_ms;	  /* until it answers */
	int fail;	  /* errno of every request */
};

void amd_begin(const char *dir, const struct how *how);
/* AMD's certificate table, with a hole, so that it needs three pages. */
size_t amd_certs(uint8_t *out, size_t cap);
void amd_report(const uint8_t data[VENDOR_DATA], unsigned vmpl,
    const struct how *how, uint8_t out[VENDOR_REPORT]);

void intel_begin(const char *dir);
void intel_tdreport(const uint8_t data[VENDOR_DATA], const struct how *how,
    uint8_t out[VENDOR_TDREPORT]);
/* Length; 0: this TDREPORT is not of this machine. */
size_t intel_quote(const uint8_t tdreport[VENDOR_TDREPORT],
    const struct how *how, uint8_t *out, size_t cap);
/* RTMR i: 48 bytes. */
uint8_t *intel_register(unsigned i);
void intel_extend(unsigned i, const uint8_t digest[48]);

void hygon_begin(const char *dir);
/* page: request, then report. False: a malformed request. */
bool hygon_report(uint8_t page[VENDOR_PAGE], const struct how *how);
/* Register i, 0 to 4: 32 bytes. */
uint8_t *hygon_register(unsigned i);
void hygon_extend(unsigned i, const uint8_t digest[32]);

/* ---- for them ---- */

/* Creates or replaces dir/name. */
void vendor_write(const char *dir, const char *name, const void *p, size_t n);
/* All of a bag into dir/endorsements. */
void vendor_save(const char *dir, const struct endorse *bag);
/* dir/roots.json. key: "amd-milan". */
void vendor_pin(const char *dir, const char *key, const uint8_t spki[32]);
/* dir/ccel: a log of what the firmware measured into three registers, the
 * first of which has index mr; extend is told of each. Digests are SHA-384 or
 * SM3. */
void vendor_log(const char *dir, bool sm3, unsigned mr,
    void (*extend)(unsigned i, const uint8_t *digest));

#endif
