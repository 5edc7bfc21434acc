/*
 * What the agent has extended registers with since the guest booted. It is
 * kept in a file, for a later start and for the log that goes with evidence:
 *
 *	{"v":1,"boot":uuid,"records":[{"kind":"tdx","register":4,
 *	  "before":b64url,"binary":b64url(32),"config":b64url(32),
 *	  "state":"extended"},…]}
 *
 * boot is the kernel's boot id: registers begin anew with the guest, so a file
 * of another boot counts as empty. before is the value of the register
 * that the extension found: it says where in the order of all extensions the
 * record belongs, whoever made the others. A record is written as "intended"
 * before the register is extended; who finds one so compares the register.
 *
 * As an event of a log, a record is EV_EVENT_TAG (6) in the form of the
 * Confidential Containers' agent: u32 0x4141454c, u32 length, and the text
 *	cloister start {"binary":"hex sha256","config":"hex sha256"}
 * The digest is the hash of the whole event.
 */
#ifndef CLOISTER_AGENT_RUNTIME_LOG_H
#define CLOISTER_AGENT_RUNTIME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "policy/eventlog.h"

#define RUNTIME_RECORDS_MAX 64u
#define RUNTIME_EVENT_MAX   256u
#define RUNTIME_BOOT_ID	    "/proc/sys/kernel/random/boot_id"

struct runtime_record {
	enum eventlog_kind kind;
	uint32_t reg; /* as logs of that kind number it */
	bool intended;
	uint8_t before[EVENTLOG_DIGEST_MAX];
	uint8_t binary[32], config[32]; /* SHA-256 */
};

struct runtime_log {
	unsigned n;
	struct runtime_record record[RUNTIME_RECORDS_MAX];
};

/* No file, or one of another boot: CL_OK, and an empty log. CL_ERR_FORMAT. */
CL_MUST_CHECK int runtime_log_load(const char *path, struct runtime_log *log);
/* Durable, mode 0600. */
CL_MUST_CHECK int runtime_log_store(
    const char *path, const struct runtime_log *log);

/* Bytes of a register of that kind, and of its digests: SHA-384 (TDX), SM3
 * (CSV), SHA-256 (TPM). */
size_t runtime_size(enum eventlog_kind kind);
/* The event's bytes; their number. */
size_t runtime_event(
    const struct runtime_record *record, uint8_t out[RUNTIME_EVENT_MAX]);
/* The event's digest, and the value of the register after the extension. */
CL_MUST_CHECK int runtime_digest(const struct runtime_record *record,
    uint8_t digest[EVENTLOG_DIGEST_MAX], uint8_t after[EVENTLOG_DIGEST_MAX]);

/*
 * The base log (NULL: none, then a header is made) without its end marker,
 * with the records of that kind in the places where the registers had the
 * values that the records found; with NULL as log it is only cut. *out: secmem.
 * CL_ERR_EVIDENCE: a record fits nowhere, so something else extended its
 * register. CL_ERR_FORMAT, _TRUNCATED, _LIMIT, _UNSUPPORTED: about the base.
 */
CL_MUST_CHECK int runtime_log_merge(const struct runtime_log *log,
    enum eventlog_kind kind, const uint8_t *base, size_t base_n, uint8_t **out,
    size_t *out_n);

#endif
