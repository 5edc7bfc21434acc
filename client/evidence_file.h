/*
 * Evidence from a file and what goes with it on the command line: options,
 * endorsements, the owner's directory. Of cloister verify and policy init.
 */
#ifndef CLOISTER_CLIENT_EVIDENCE_FILE_H
#define CLOISTER_CLIENT_EVIDENCE_FILE_H

#include "client/appraisal.h"
#include "client/endorsements.h"

/* Values of the options: no characters, none of options.h. */
enum evidence_file_option {
	EVIDENCE_FILE_NONCE = 2000,
	EVIDENCE_FILE_POLICY,
	EVIDENCE_FILE_TEE,
	EVIDENCE_FILE_REPORT_DATA,
	EVIDENCE_FILE_TIME,
	EVIDENCE_FILE_EVENTLOG,
};

/* Rows for a subcommand's table. */
/* clang-format off */
#define EVIDENCE_FILE_OPTIONS                                                  \
	{"nonce", required_argument, NULL, EVIDENCE_FILE_NONCE},               \
	{"policy", required_argument, NULL, EVIDENCE_FILE_POLICY},             \
	{"tee", required_argument, NULL, EVIDENCE_FILE_TEE},                   \
	ENDORSEMENTS_OPTIONS,                                                  \
	{"report-data", required_argument, NULL, EVIDENCE_FILE_REPORT_DATA},   \
	{"time", required_argument, NULL, EVIDENCE_FILE_TIME},                 \
	{"eventlog", required_argument, NULL, EVIDENCE_FILE_EVENTLOG}
/* clang-format on */

struct evidence_file {
	struct options o;
	struct appraisal_ask ask;
	struct endorsements places;
	uint8_t nonce[EVIDENCE_NONCE];
	uint8_t report_data[EVIDENCE_REPORT_DATA];
	const char *eventlog; /* path, or NULL */
	/* Opened: */
	struct home home;
	uint8_t *log; /* secmem */
	struct text input;
	struct endorse *given;
};

/* One of the options above, with optarg. 0: the command is over, o.status. */
int evidence_file_take(struct evidence_file *f, int option);
/* A whole file, - is standard input; at most EVIDENCE_TEXT_MAX bytes. */
CL_MUST_CHECK int evidence_file_read(const char *file, struct text *out);
/* Reads path (- is standard input), endorsements, event log, and finds the
 * owner's directory, without which a policy file or a TEE has to be named.
 * evidence_file_close() it in every case. */
CL_MUST_CHECK int evidence_file_open(struct evidence_file *f, const char *path);
void evidence_file_close(struct evidence_file *f);
/* appraisal_ask() on what was opened. */
CL_MUST_CHECK int evidence_file_judge(
    const struct evidence_file *f, struct appraisal *out, json_t **fields);

#endif
