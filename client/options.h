/* Options that subcommands share, and one manner of complaining. */
#ifndef CLOISTER_CLIENT_OPTIONS_H
#define CLOISTER_CLIENT_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

#include "client/owner.h"
#include "client/remote.h"

/* Values of common long options; a subcommand's own are characters. */
enum options_value {
	OPTIONS_HELP = 1000, /* also -h, unless the subcommand takes it */
	OPTIONS_HOME,
	OPTIONS_PASSPHRASE_FILE,
	OPTIONS_SOCKET,
};

/* Rows for a subcommand's table. */
#define OPTIONS_BASE                                                           \
	{"help", no_argument, NULL, OPTIONS_HELP},                             \
	{                                                                      \
		"home", required_argument, NULL, OPTIONS_HOME                  \
	}
#define OPTIONS_SIGNER                                                         \
	{                                                                      \
		"passphrase-file", required_argument, NULL,                    \
		    OPTIONS_PASSPHRASE_FILE                                    \
	}
#define OPTIONS_REMOTE                                                         \
	{                                                                      \
		"socket", required_argument, NULL, OPTIONS_SOCKET              \
	}
#define OPTIONS_LAST                                                           \
	{                                                                      \
		NULL, 0, NULL, 0                                               \
	}

struct options {
	const char *name; /* "group create" */
	const char *help; /* printed for --help */
	const char *shorts;
	const struct option *longs;
	/* Filled: */
	const char *home;
	const char *passphrase_file; /* or $CLOISTER_PASSPHRASE_FILE */
	const char *socket;
	int status; /* exit code, when options_next ended early */
};

/* The next of the subcommand's own options; -1 at the end of them; -2 when the
 * command is over (help was printed, or a complaint): return o->status. */
int options_next(struct options *o, int argc, char **argv);

/* At most one operand, the conninfo; *conninfo NULL without one. False: it is
 * over, o->status. */
int options_conninfo(
    struct options *o, int argc, char **argv, const char **conninfo);
/* Over the socket when one was named, else SQL. */
CL_MUST_CHECK int options_remote(
    const struct options *o, const char *conninfo, struct remote **out);
/* Opens the home; unlocks the signing key when sign is set. */
CL_MUST_CHECK int options_owner(
    const struct options *o, int sign, struct owner **out);

/* Whole text is a decimal number in min..max. False: complained, o->status. */
int options_number(struct options *o, const char *what, const char *text,
    int64_t min, int64_t max, int64_t *v);
/* Hex digits of at most cap bytes; *n of them. what: "--report-data". */
int options_hex(struct options *o, const char *what, const char *text,
    uint8_t *out, size_t cap, size_t *n);
/* Unix seconds, or UTC as 2026-07-01T00:00Z or 2026-07-01T00:00:00Z. */
int options_time(struct options *o, const char *text, int64_t *t);
/* 64 hex digits. */
int options_nonce(struct options *o, const char *text, uint8_t nonce[32]);

#endif
