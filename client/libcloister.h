/*
 * libcloister: the data owner's side of Cloister, for programs. What the
 * command cloister does with files and databases, this does with memory; how
 * the bytes travel is the caller's affair.
 *
 * Calls return 0, or a negative code of Cloister's error list; cloister_why()
 * then says what was expected, what came, and what to do. A handle serves one
 * thread at a time; what a call lends lives until the next call on the same
 * handle, and is wiped then. Link with libcloister, libcrypto, libgcrypt,
 * jansson and IPSec_MB.
 */
#ifndef LIBCLOISTER_H
#define LIBCLOISTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLOISTER_MUST_CHECK __attribute__((warn_unused_result))

/* An owner's directory, opened: keys and groups as they were then. */
struct cloister;

/* home NULL: $CLOISTER_HOME, else ~/.cloister. The signing key stays closed. */
CLOISTER_MUST_CHECK int cloister_open(const char *home, struct cloister **out);
/* Opens the signing key, which sessions and provisioning need. The file holds
 * its passphrase; NULL: asks on the terminal when there is one to ask for. */
CLOISTER_MUST_CHECK int cloister_unlock(
    struct cloister *c, const char *passphrase_file);
/* Wipes all keys. NULL is fine. */
void cloister_close(struct cloister *c);
/* The last failure of this thread; never NULL. */
const char *cloister_why(void);

/*
 * One value in PostgreSQL's text form to one cell in text form, "cl1_…", which
 * goes into SQL as a parameter or literal of type enc_TYPE. type: "int4",
 * "text", … *cell is lent and NUL-terminated.
 */
CLOISTER_MUST_CHECK int cloister_encrypt(struct cloister *c, const char *group,
    const char *type, const char *value, size_t n, const char **cell,
    size_t *cell_n);
/* And back. *value is lent and NUL-terminated; text holds no NUL itself. */
CLOISTER_MUST_CHECK int cloister_decrypt(struct cloister *c, const char *cell,
    size_t n, const char **value, size_t *value_n);

/*
 * One message for SELECT cloister_open($1). boot: 16 bytes from SELECT
 * cloister_boot(). It works once, within half a minute. *message is lent.
 */
CLOISTER_MUST_CHECK int cloister_session(
    struct cloister *c, const uint8_t boot[16], const char **message);

struct cloister_lease {
	int seal;	 /* the agent may keep the keys sealed to its guest */
	int64_t seconds; /* 0: until the agent stops */
};

/*
 * Provisioning, first half. Draw nonce[32] at random, get the envelope from
 * SELECT cloister_evidence(nonce), and give both here: the evidence is judged
 * under the owner's policy.json, with the vendors' endorsements in the owner's
 * cache (nobody is asked for more), and only when it is accepted *message is
 * what SELECT cloister_message(message) is to carry. It is lent.
 */
CLOISTER_MUST_CHECK int cloister_provision(struct cloister *c,
    const char *envelope, size_t n, const uint8_t nonce[32],
    const struct cloister_lease *lease, const uint8_t **message,
    size_t *message_n);
/* Second half: what cloister_message() returned. */
CLOISTER_MUST_CHECK int cloister_provisioned(
    struct cloister *c, const uint8_t *reply, size_t n);

#ifdef __cplusplus
}
#endif

#endif
