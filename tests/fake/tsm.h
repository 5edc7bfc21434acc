/*
 * The kernel's configfs-tsm as the operations of a file system, for tests of
 * its clients: mkdir makes a request with its attributes, inblob takes effect
 * when it is closed (and a bad one is only seen when outblob is read), each
 * write counts in generation, reports are made at the first read. It can also
 * be made to misbehave as real machines do. One for a process, one thread.
 */
#ifndef CLOISTER_TESTS_FAKE_TSM_H
#define CLOISTER_TESTS_FAKE_TSM_H

#define FUSE_USE_VERSION 35
#include <fuse.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#define TSM_FAKE_DATA 64

/* clang-format off */
/*	--provider NAME	sev_guest or tdx_guest
 *	--floor N	privlevel and privlevel_floor are there; N is the floor
 *	--aux FILE	content of auxblob (sev_guest only)
 *	--chunk N	reads give at most N bytes
 *	--busy N	the first N reads of a report are EBUSY
 *	--throttle MS	reports at most every MS milliseconds, else EAGAIN
 *	--race N	in the first N requests another process writes its own
 *			inblob before the report is made
 *	--late N	the same after it
 *	--lie		the report answers other data
 *	--fail ERRNO	a report is that error
 *	--pad N		N bytes follow a quote
 *	--gate FILE	while FILE is there no report comes; FILE.waits is a
 *			folder when one was wanted
 *	--svsm FILE	there is an SVSM, whose TPM has this manifest; it takes
 *			requests for that service only
 */
#define TSM_OPTIONS                                                            \
	{"provider", required_argument, NULL, 'p'},                            \
	{"floor", required_argument, NULL, 'f'},                               \
	{"aux", required_argument, NULL, 'a'},                                 \
	{"chunk", required_argument, NULL, 'c'},                               \
	{"busy", required_argument, NULL, 'b'},                                \
	{"throttle", required_argument, NULL, 't'},                            \
	{"race", required_argument, NULL, 'r'},                                \
	{"late", required_argument, NULL, 'l'},                                \
	{"lie", no_argument, NULL, 'x'},                                       \
	{"fail", required_argument, NULL, 'e'},                                \
	{"gate", required_argument, NULL, 'g'},                                \
	{"pad", required_argument, NULL, 'd'},                                 \
	{"svsm", required_argument, NULL, 's'}
/* clang-format on */

/* Makes reports; without one they are well formed and not signed. */
struct tsm_signer {
	/* Length; 0: the platform fails. */
	size_t (*report)(const unsigned char data[TSM_FAKE_DATA],
	    unsigned privlevel, unsigned char *out, size_t cap);
	/* The host's table, of SNP. */
	size_t (*certs)(unsigned char *out, size_t cap);
};

/* Paths begin below the mount point. */
const struct fuse_operations *tsm_operations(void);
/* One of TSM_OPTIONS; false: a bad value, or none of them. */
bool tsm_take(int option, const char *value);
/* Behaves again; who it is stays. */
void tsm_reset(void);
void tsm_sign(const struct tsm_signer *s);

#endif
