/*
 * Whom to ask for endorsements, and whether: fetch.json in the owner's
 * directory, all of it optional, and the command line over it.
 *
 *	{"v":1,"fetch":true,"amd":URL,"intel":URL,"intel-root":URL,"hygon":URL,
 *	 "allow_http":false,"ca_file":PATH}
 *
 * fetch: provision, status, verify and policy init may ask on their own; by
 * default only fetch-endorsements asks, and who says --fetch. A base URL takes
 * the place of the vendor's host, for a mirror; paths stay. Plain http is for
 * this machine only, unless allow_http says otherwise.
 */
#ifndef CLOISTER_CLIENT_FETCH_SETTINGS_H
#define CLOISTER_CLIENT_FETCH_SETTINGS_H

#include <stdbool.h>

#include "client/home.h"

enum fetch_host {
	FETCH_AMD,	  /* KDS: VCEKs, chains, revocation lists */
	FETCH_INTEL,	  /* PCS, or a PCCS: TCB info, QE identity, PCK CRLs */
	FETCH_INTEL_ROOT, /* the root's revocation list */
	FETCH_HYGON,	  /* HSK and CEK, HRK */
	FETCH_HOSTS
};

#define FETCH_BASE_MAX	  256u
#define FETCH_PATH_MAX	  1024u
#define FETCH_TIMEOUT_MAX 600

struct fetch_settings {
	bool fetch, allow_http;
	char base[FETCH_HOSTS][FETCH_BASE_MAX]; /* "": the vendor's own */
	char ca_file[FETCH_PATH_MAX];		/* "": the system's CAs */
	int timeout; /* seconds of one request; 0: the default, 30 */
};

/* home NULL, or without the file: nothing is set. */
CL_MUST_CHECK int fetch_settings_load(
    const struct home *home, struct fetch_settings *out);
/* "amd=https://mirror.example.org/kds". CL_ERR_ARGUMENT. */
CL_MUST_CHECK int fetch_settings_base(
    struct fetch_settings *s, const char *spec);
/* Where a host's documents are: its base, without a slash at the end. */
const char *fetch_settings_where(
    const struct fetch_settings *s, enum fetch_host host);
/* "AMD KDS", …; for people. */
const char *fetch_host_name(enum fetch_host host);
/* Does the URL lead to this machine? */
bool fetch_is_loopback(const char *url);

#endif
