/*
 * Event logs: what a firmware, a boot loader and a kernel measured, and into
 * which register. One format, TCG's crypto-agile log (PC Client Platform
 * Firmware Profile), in three places: the CCEL table of TDX, that of CSV, and
 * a TPM's binary_bios_measurements. Integers are little endian.
 *
 * header record, in the old form
 *	u32 register, u32 type 3, 20 zeros, u32 size, then
 *	"Spec ID Event03\0", u32 platform class, u8 minor, u8 major, u8 errata,
 *	u8 size of UINTN, u32 number of algorithms {u16 id, u16 digest size},
 *	u8 size of vendor information, vendor information
 * records
 *	u32 register, u32 type, u32 number of digests {u16 algorithm, digest},
 *	u32 size, event
 * end: the end of the bytes, a register of 0xffffffff, or zeros
 *
 * register	TDX				CSV	TPM
 *	n	0: MRTD, n: RTMR n-1		n	PCR n
 *
 * A register begins as zeros and becomes H(register ‖ digest) with every
 * record but those of type 3. A log proves nothing by itself: only registers
 * that a verified report or quote carries, and that the replay reproduces,
 * say that its digests are true; and the text of an event is true only where
 * its digest is the hash of it.
 */
#ifndef CLOISTER_POLICY_EVENTLOG_H
#define CLOISTER_POLICY_EVENTLOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define EVENTLOG_MAX	    (16u << 20)
#define EVENTLOG_EVENTS_MAX 65536u
#define EVENTLOG_DIGESTS    8u
#define EVENTLOG_DIGEST_MAX 64u
#define EVENTLOG_REGISTERS  24u
#define EVENTLOG_NO_ACTION  3u

/* TPM_ALG_ID */
enum eventlog_alg {
	EVENTLOG_SHA1 = 0x04,
	EVENTLOG_SHA256 = 0x0b,
	EVENTLOG_SHA384 = 0x0c,
	EVENTLOG_SHA512 = 0x0d,
	EVENTLOG_SM3 = 0x12,
};

enum eventlog_kind { EVENTLOG_TDX = 1, EVENTLOG_CSV, EVENTLOG_TPM };

struct eventlog_digest {
	uint16_t alg;
	uint16_t n;
	const uint8_t *p; /* lent */
};

struct eventlog_event {
	uint32_t reg, type;
	unsigned ndigests;
	struct eventlog_digest digest[EVENTLOG_DIGESTS];
	const uint8_t *data; /* lent */
	size_t n;
};

/* Cursor over a log that the caller keeps. */
struct eventlog {
	const uint8_t *p;
	size_t left;
	unsigned nalgs, nevents;
	struct {
		uint16_t id, size;
	} alg[EVENTLOG_DIGESTS];
};

/* Reads the header. CL_ERR_FORMAT, _TRUNCATED, _LIMIT; CL_ERR_UNSUPPORTED for
 * a log of the old form (SHA-1 only). */
CL_MUST_CHECK int eventlog_open(
    struct eventlog *log, const uint8_t *p, size_t n);
/* CL_ERR_NOT_FOUND at the end; any other error: the log is malformed. */
CL_MUST_CHECK int eventlog_next(
    struct eventlog *log, struct eventlog_event *event);
/* NULL when the event has no digest of that algorithm. */
const struct eventlog_digest *eventlog_digest(
    const struct eventlog_event *event, uint16_t alg);
/* Is this digest the hash of the event's bytes? For many types it is that of
 * something else, which the log does not hold. */
bool eventlog_digest_is_of_data(
    const struct eventlog_event *event, const struct eventlog_digest *digest);

/* Of bytes, under the algorithm; *size of it. CL_ERR_UNSUPPORTED when it is
 * unknown here or to the cryptographic library. */
CL_MUST_CHECK int eventlog_hash(uint16_t alg, const void *p, size_t n,
    uint8_t out[EVENTLOG_DIGEST_MAX], size_t *size);

struct eventlog_registers {
	unsigned n;  /* TDX: 4, RTMR0 first; CSV: 5; TPM: 24 */
	size_t size; /* of a value */
	uint16_t alg;
	uint8_t value[EVENTLOG_REGISTERS][EVENTLOG_DIGEST_MAX];
	bool extended[EVENTLOG_REGISTERS];
};

/* alg 0: what the kind uses (SHA-384, SM3; SHA-256 for a TPM). Every record
 * must have a digest of it. CL_ERR_FORMAT also for a register that does not
 * exist. */
CL_MUST_CHECK int eventlog_replay(const uint8_t *p, size_t n,
    enum eventlog_kind kind, uint16_t alg, struct eventlog_registers *out);

/* The same with a first register that begins as start (size bytes; NULL:
 * zeros): register 0 of CSV is said to begin with the launch measurement. */
CL_MUST_CHECK int eventlog_replay_from(const uint8_t *p, size_t n,
    enum eventlog_kind kind, uint16_t alg, const uint8_t *start,
    struct eventlog_registers *out);
/* Which register (index into eventlog_registers) a record extends; false: none,
 * so no evidence speaks for what the record says. */
bool eventlog_extends(
    enum eventlog_kind kind, const struct eventlog_event *e, unsigned *at);
/* Number of a kind's registers, its usual algorithm, bytes of a value. */
unsigned eventlog_registers_of(enum eventlog_kind kind);
uint16_t eventlog_alg_of(enum eventlog_kind kind);
size_t eventlog_size_of(enum eventlog_kind kind);

/* "RTMR0", "PCR7", "MRTD", …; "?" for none. */
void eventlog_register_name(
    enum eventlog_kind kind, uint32_t reg, char out[16]);
/* "EV_SEPARATOR", …; "0x8000000f" for what has no name. */
void eventlog_type_name(uint32_t type, char out[48]);
/* The other way; any type as eight digits after 0x. */
bool eventlog_type_parse(const char *name, uint32_t *type);

/* {"algorithms":[…],"events":[{register, name, type, type_name, digests {alg:
 * hex}, digest_is_of_event, size, event (hex), text, digest_is_of_text}],
 * "registers":{name:hex}}. Events longer than EVENTLOG_SHOWN are cut, their
 * size tells. What a digest is not of is only what somebody wrote. */
#define EVENTLOG_SHOWN 1024u
CL_MUST_CHECK int eventlog_print(
    const uint8_t *p, size_t n, enum eventlog_kind kind, json_t **out);

#endif
