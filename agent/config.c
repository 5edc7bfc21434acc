#include "agent/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tpm_signer.h"
#include "agent/tpm_speaker.h"
#include "agent/tsm.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/frame.h"
#include "lib/secmem.h"

#define CONFIG_MAX  (64u << 10)
#define MEASURE_PCR 15u

enum kind { TEXT, NUMBER, YESNO, MEGABYTES, UIDS, PCRS };

struct key {
	const char *section;
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size;	   /* of a text, with NUL */
	uint32_t min, max; /* of a number */
	const char *fallback;
	const char *help;
};

#define FIELD(f)     offsetof(struct config, f), sizeof(((struct config *)0)->f)
#define MAX_FRAME_MB (FRAME_MAX_BODY >> 20)

static const struct key keys[] = {
    {"agent", "socket", TEXT, FIELD(socket), 0, 0, "/run/cloister/db.sock",
	"where the database connects"},
    {"agent", "engine_socket", TEXT, FIELD(engine_socket), 0, 0,
	"/run/cloister-engine/broker.sock",
	"where the broker finds the engine under systemd"},
    {"agent", "state_dir", TEXT, FIELD(state_dir), 0, 0, "/var/lib/cloister",
	"sealed keys and the audit log; readable by the broker alone"},
    {"agent", "tee", TEXT, FIELD(tee), 0, 0, "auto",
	"kind of evidence: auto (what this guest has), snp, tdx, csv, tpm, or "
	"sim (development only)"},
    {"agent", "user", TEXT, FIELD(user), 0, 0, "nobody",
	"user that the engine becomes when started by root"},
    {"access", "allow_uids", UIDS, FIELD(setup.uids), 0, 0, NULL,
	"users or numbers that may connect, such as postgres"},
    {"sealing", "provider", TEXT, FIELD(provider), 0, 0, "tpm",
	"tpm, or file (development only)"},
    {"sealing", "tcti", TEXT, FIELD(tcti), 0, 0, "device:/dev/tpmrm0",
	"how the TPM is reached"},
    {"sealing", "pcrs", PCRS, FIELD(pcrs), 0, 0, "0,2,4,7,11",
	"PCRs that must not change for an unattended start"},
    {"sim", "key", TEXT, FIELD(sim_key), 0, 0, "",
	"private key of the simulated TEE"},
    {"tpm", "tcti", TEXT, FIELD(tpm_tcti), 0, 0, "device:/dev/tpmrm0",
	"how the TPM that quotes is reached"},
    {"tpm", "pcrs", PCRS, FIELD(tpm_pcrs), 0, 0, "0,1,2,3,4,5,6,7,8,9,11",
	"PCRs in its quotes"},
    {"tpm", "eventlog", TEXT, FIELD(tpm_eventlog), 0, 0,
	"/sys/kernel/security/tpm0/binary_bios_measurements",
	"log that goes with them"},
    {"tpm", "ak", TEXT, FIELD(tpm_ak), 0, 0, "auto",
	"key that signs them: auto (the cloud's where there is one, else "
	"primary), primary, a handle 0x81......, or the NV index 0x01...... of "
	"a template"},
    {"tpm", "ak_certificate", TEXT, FIELD(tpm_ak_certificate), 0, 0, "auto",
	"NV index of its certificate; auto: where the cloud puts it, or none"},
    {"tpm", "svsm", YESNO, FIELD(tpm_svsm), 0, 0, "yes",
	"have an SVSM speak for the TPM, where the kernel reaches one"},
    {"tpm", "hcl_fresh", YESNO, FIELD(tpm_hcl_fresh), 0, 0, "no",
	"have Azure's paravisor make a new report for each request"},
    {"tpm", "td_quote", TEXT, FIELD(tpm_td_quote), 0, 0, "",
	"file with the quote of the TDREPORT in the paravisor's report; the "
	"agent has no network to fetch it"},
    {"tpm", "measure_pcr", TEXT, FIELD(tpm_measure_pcr), 0, 0, "auto",
	"PCR that a start with a new binary or configuration extends: 8 to 15, "
	"none, auto (15 with tee = tpm, else none). 16 and 23 can be reset, so "
	"they prove nothing"},
    {"tsm", "root", TEXT, FIELD(tsm_root), 0, 0, TSM_ROOT,
	"where the kernel takes requests for reports"},
    {"devices", "sev_guest", TEXT, FIELD(sev_guest), 0, 0, "/dev/sev-guest",
	"device of SNP guests, when the kernel has no tsm"},
    {"devices", "tdx_guest", TEXT, FIELD(tdx_guest), 0, 0, "/dev/tdx_guest",
	"device of TDX guests, when the kernel has no tsm"},
    {"devices", "tdx_attest", TEXT, FIELD(tdx_attest), 0, 0,
	"/etc/tdx-attest.conf",
	"file with the port of the host's quote service"},
    {"devices", "tdx_quotes", TEXT, FIELD(tdx_quotes), 0, 0, "vsock",
	"that service: vsock, or the path of a UNIX socket"},
    {"devices", "csv_guest", TEXT, FIELD(csv_guest), 0, 0, "/dev/csv-guest",
	"device of CSV guests"},
    {"devices", "tdx_measurements", TEXT, FIELD(tdx_measurements), 0, 0,
	"/sys/devices/virtual/misc/tdx_guest/measurements",
	"where the kernel of TDX guests shows RTMRs; each start with another "
	"binary or configuration extends RTMR3"},
    {"devices", "ccel", TEXT, FIELD(ccel), 0, 0,
	"/sys/firmware/acpi/tables/data/CCEL",
	"event log of TDX and CSV firmware, which goes with evidence; empty: "
	"none"},
    {"devices", "aael", TEXT, FIELD(aael), 0, 0, "",
	"copy of it to which another agent adds what it extends, such as "
	"/run/attestation-agent/eventlog; used instead when it is there"},
    {"devices", "runtime_log", TEXT, FIELD(runtime_log), 0, 0,
	"/run/cloister/eventlog",
	"what this agent has extended since boot; on a file system that a "
	"boot empties"},
    {"limits", "workers", NUMBER, FIELD(setup.workers), 2, 512, "64",
	"connections at once; the last is kept for the owner"},
    {"limits", "arena_mb", NUMBER, FIELD(setup.arena_mb), 4, 65536, "64",
	"memory for keys and plaintext"},
    {"limits", "max_frame_mb", MEGABYTES, FIELD(setup.max_frame), 1,
	MAX_FRAME_MB, "8", "largest request or reply"},
    {"limits", "io_timeout", NUMBER, FIELD(setup.io_timeout), 1, 3600, "30",
	"seconds that half a message may take"},
    {"limits", "sort_memory_mb", NUMBER, FIELD(setup.sort_memory_mb), 1, 65536,
	"64", "memory of one sort"},
    {"limits", "max_programs", NUMBER, FIELD(setup.max_programs), 1, 65536,
	"256", "prepared programs of a connection"},
    {"limits", "max_sorts", NUMBER, FIELD(setup.max_sorts), 1, 64, "16",
	"open sorts of a connection"},
    {"limits", "max_tenants", NUMBER, FIELD(setup.max_tenants), 1, 4096, "64",
	"owners whose keys the agent holds"},
    {"limits", "max_channels", NUMBER, FIELD(setup.max_channels), 1, 4096, "64",
	"evidence waiting for its owner's message"},
    {"memory", "allow_mlock", YESNO, FIELD(setup.allow_mlock), 0, 0, "no",
	"run without memfd_secret; root can then read keys"},
    {"log", "debug", YESNO, FIELD(setup.debug), 0, 0, "no",
	"log debug lines as well"},
};

#define NKEYS (sizeof(keys) / sizeof(keys[0]))

struct parse {
	const char *path;
	struct config *c;
	char *error;
	bool seen[NKEYS];
};

static void set_error(struct parse *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first error is the one that counts. */
static void
set_error(struct parse *p, const char *format, ...)
{
	va_list ap;

	if (p->error[0])
		return;
	va_start(ap, format);
	vsnprintf(p->error, CONFIG_ERROR, format, ap);
	va_end(ap);
}

static bool
parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *v)
{
	unsigned long n;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return false;
	*v = (uint32_t)n;
	return true;
}

static bool
next_word(const char **text, char *word, size_t cap)
{
	const char *separators = ", \t";
	size_t n;

	*text += strspn(*text, separators);
	n = strcspn(*text, separators);
	if (n == 0 || n >= cap)
		return false;
	memcpy(word, *text, n);
	word[n] = '\0';
	*text += n;
	*text += strspn(*text, separators);
	return true;
}

static bool
parse_uids(struct parse *p, const char *name, const char *text)
{
	struct setup *s = &p->c->setup;
	struct passwd *pw;
	char word[64];

	s->nuids = 0;
	while (*text) {
		if (s->nuids == SETUP_MAX_UIDS) {
			set_error(
			    p, "%s: more than %u users", name, SETUP_MAX_UIDS);
			return false;
		}
		if (!next_word(&text, word, sizeof(word))) {
			set_error(p, "%s: expected users or numbers", name);
			return false;
		}
		if (parse_number(
			word, 0, SETUP_NO_UID - 1, &s->uids[s->nuids])) {
			s->nuids++;
			continue;
		}
		if (!(pw = getpwnam(word))) {
			set_error(p, "%s: there is no user '%s'", name, word);
			return false;
		}
		s->uids[s->nuids++] = pw->pw_uid;
	}
	return true;
}

static bool
parse_pcrs(struct parse *p, const char *name, const char *text, uint32_t *mask)
{
	char word[8];
	uint32_t i;

	*mask = 0;
	while (*text) {
		if (!next_word(&text, word, sizeof(word)) ||
		    !parse_number(word, 0, 23, &i)) {
			set_error(p,
			    "%s: expected PCR numbers 0 to 23, such "
			    "as 0,2,4,7,11",
			    name);
			return false;
		}
		*mask |= 1u << i;
	}
	return true;
}

static bool
parse_limited(struct parse *p, const struct key *k, const char *text)
{
	uint32_t *v = (uint32_t *)((char *)p->c + k->offset);

	if (!parse_number(text, k->min, k->max, v)) {
		set_error(p, "%s: expected a number from %u to %u, got '%s'",
		    k->name, k->min, k->max, text);
		return false;
	}
	if (k->kind == MEGABYTES)
		*v <<= 20;
	return true;
}

static bool
parse_yesno(struct parse *p, const struct key *k, const char *text)
{
	uint32_t *v = (uint32_t *)((char *)p->c + k->offset);

	if (strcmp(text, "yes") && strcmp(text, "no")) {
		set_error(p, "%s: expected yes or no, got '%s'", k->name, text);
		return false;
	}
	*v = !strcmp(text, "yes");
	return true;
}

static bool
parse_text(struct parse *p, const struct key *k, const char *text)
{
	if (strlen(text) >= k->size) {
		set_error(
		    p, "%s: longer than %zu characters", k->name, k->size - 1);
		return false;
	}
	memcpy((char *)p->c + k->offset, text, strlen(text) + 1);
	return true;
}

static bool
parse_value(struct parse *p, const struct key *k, const char *text)
{
	switch (k->kind) {
	case TEXT:
		return parse_text(p, k, text);
	case NUMBER:
	case MEGABYTES:
		return parse_limited(p, k, text);
	case YESNO:
		return parse_yesno(p, k, text);
	case UIDS:
		return parse_uids(p, k->name, text);
	case PCRS:
		return parse_pcrs(
		    p, k->name, text, (uint32_t *)((char *)p->c + k->offset));
	}
	return false;
}

/* "socket, state_dir, ..." of a section; of all sections: "[agent], ...". */
static void
list_known(const char *section, char *out, size_t cap)
{
	size_t i, n = 0;
	bool known = false;

	out[0] = '\0';
	for (i = 0; i < NKEYS; i++)
		known |= !strcmp(keys[i].section, section);
	for (i = 0; i < NKEYS && n < cap; i++) {
		if (known && strcmp(keys[i].section, section))
			continue;
		if (!known && i &&
		    !strcmp(keys[i].section, keys[i - 1].section))
			continue;
		n += snprintf(out + n, cap - n, known ? "%s%s" : "%s[%s]",
		    n ? ", " : "", known ? keys[i].name : keys[i].section);
	}
}

/* inih's callback: 0 makes ini_parse_string() return the line. */
static int
on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct parse *p = arg;
	char known[256];
	size_t i;

	for (i = 0; i < NKEYS; i++)
		if (!strcmp(keys[i].section, section) &&
		    !strcmp(keys[i].name, name))
			break;
	if (i == NKEYS) {
		list_known(section, known, sizeof(known));
		set_error(p, "unknown key '%s' in section [%s]; known are %s",
		    name, section, known);
		return 0;
	}
	if (p->seen[i]) {
		set_error(p, "%s is given twice", name);
		return 0;
	}
	p->seen[i] = true;
	return parse_value(p, &keys[i], value);
}

static int
defaults(struct parse *p)
{
	size_t i;

	memset(p->c, 0, sizeof(*p->c));
	for (i = 0; i < NKEYS; i++)
		if (keys[i].fallback &&
		    !parse_value(p, &keys[i], keys[i].fallback))
			return CL_ERR_INTERNAL;
	return CL_OK;
}

/* 0: none. False: not one that may be extended. 0 to 7 are the firmware's, 16
 * and 23 can be reset, 17 to 22 belong to a dynamic launch. */
static bool
parse_measure_pcr(const char *text, bool tee_is_tpm, uint32_t *pcr)
{
	*pcr = 0;
	if (!strcmp(text, "none"))
		return true;
	if (!strcmp(text, "auto")) {
		*pcr = tee_is_tpm ? MEASURE_PCR : 0;
		return true;
	}
	return parse_number(text, 8, 15, pcr);
}

/* What the platform measures, and what we do. */
static void
check_measuring(struct parse *p)
{
	const struct config *c = p->c;
	uint32_t pcr;

	if (!parse_measure_pcr(c->tpm_measure_pcr, false, &pcr))
		set_error(p,
		    "%s: [tpm] measure_pcr: expected auto, none or 8 to 15, "
		    "got '%s'",
		    p->path, c->tpm_measure_pcr);
	if (c->tdx_measurements[0] != '/' || c->runtime_log[0] != '/' ||
	    (c->ccel[0] && c->ccel[0] != '/') ||
	    (c->aael[0] && c->aael[0] != '/'))
		set_error(p, "%s: [devices] must be absolute paths", p->path);
}

static void
check_tee(struct parse *p)
{
	const struct config *c = p->c;

	if (strcmp(c->tee, "auto") && !evidence_provider_by_name(c->tee))
		set_error(p,
		    "%s: [agent] tee: expected auto, snp, tdx, csv, tpm or "
		    "sim, "
		    "got '%s'",
		    p->path, c->tee);
	if (!strcmp(c->tee, "sim") && !c->sim_key[0])
		set_error(p,
		    "%s: tee is sim, so [sim] key= must name its "
		    "private key",
		    p->path);
	if (c->tsm_root[0] != '/' || c->sev_guest[0] != '/' ||
	    c->tdx_guest[0] != '/' || c->tdx_attest[0] != '/' ||
	    c->csv_guest[0] != '/')
		set_error(p, "%s: [tsm] and [devices] must be absolute paths",
		    p->path);
	if (c->tdx_quotes[0] != '/' && strcmp(c->tdx_quotes, "vsock"))
		set_error(p,
		    "%s: [devices] tdx_quotes: expected vsock or an absolute "
		    "path, got '%s'",
		    p->path, c->tdx_quotes);
}

static void
check_tpm(struct parse *p)
{
	const struct config *c = p->c;

	if (!tpm_signer_is_known(c->tpm_ak))
		set_error(p,
		    "%s: [tpm] ak: expected auto, primary, 0x81...... or "
		    "0x01......, got '%s'",
		    p->path, c->tpm_ak);
	if (!tpm_speaker_is_index(c->tpm_ak_certificate))
		set_error(p,
		    "%s: [tpm] ak_certificate: expected auto, none or an NV "
		    "index 0x01......, got '%s'",
		    p->path, c->tpm_ak_certificate);
}

/* What single keys cannot say. */
static int
check_whole(struct parse *p)
{
	struct config *c = p->c;
	size_t i;

	for (i = 0; i < NKEYS; i++)
		if (!keys[i].fallback && !p->seen[i])
			set_error(p, "%s: [%s] %s= is missing: %s", p->path,
			    keys[i].section, keys[i].name, keys[i].help);
	if (c->setup.nuids == 0)
		set_error(p,
		    "%s: [access] allow_uids= is empty: nobody could "
		    "connect",
		    p->path);
	if (c->socket[0] != '/' || c->engine_socket[0] != '/' ||
	    c->state_dir[0] != '/')
		set_error(p,
		    "%s: socket, engine_socket and state_dir must be "
		    "absolute paths",
		    p->path);
	if (strcmp(c->provider, "tpm") && strcmp(c->provider, "file"))
		set_error(p,
		    "%s: [sealing] provider: expected tpm or file, "
		    "got '%s'",
		    p->path, c->provider);
	check_tee(p);
	check_tpm(p);
	check_measuring(p);
	/* Half of the arena must be left when every worker has its part. */
	if (c->setup.workers > 4 * c->setup.arena_mb)
		set_error(p, "%s: %u workers need an arena of at least %u MB",
		    p->path, c->setup.workers, (c->setup.workers + 3) / 4);
	return p->error[0] ? CL_ERR_CONFIG : CL_OK;
}

int
config_parse(const char *path, const char *text, struct config *c,
    char error[CONFIG_ERROR])
{
	struct parse p = {.path = path, .c = c, .error = error};
	char what[CONFIG_ERROR];
	int line, r;

	error[0] = '\0';
	if ((r = defaults(&p)) != 0)
		return r;
	line = ini_parse_string(text, on_key, &p);
	if (line < 0) {
		set_error(&p, "%s: out of memory", path);
		return CL_ERR_MEMORY;
	}
	if (line > 0) {
		snprintf(what, sizeof(what), "%.380s",
		    error[0] ? error : "expected [section] or key = value");
		snprintf(
		    error, CONFIG_ERROR, "%.100s:%d: %.380s", path, line, what);
		return CL_ERR_CONFIG;
	}
	snprintf(c->setup.tee, sizeof(c->setup.tee), "%s", c->tee);
	snprintf(c->setup.sealing, sizeof(c->setup.sealing), "%s", c->provider);
	c->setup.uid = c->setup.gid = SETUP_NO_UID;
	return check_whole(&p);
}

int
config_load(const char *path, struct config *c, char error[CONFIG_ERROR])
{
	struct crypto_part part;
	uint8_t *text = NULL;
	size_t n = 0;
	int r;

	r = file_read(AT_FDCWD, path, CONFIG_MAX, &text, &n);
	if (r) {
		snprintf(error, CONFIG_ERROR, "%.200s: %s", path, err_text(r));
		return CL_ERR_CONFIG;
	}
	if (memchr(text, 0, n)) {
		snprintf(error, CONFIG_ERROR, "%.200s: contains a NUL", path);
		r = CL_ERR_CONFIG;
		goto out;
	}
	if ((r = config_parse(path, (char *)text, c, error)) != 0)
		goto out;
	part.p = text;
	part.n = n;
	r = crypto_sha256(&part, 1, c->digest);
out:
	secmem_free(text);
	return r;
}

void
config_evidence(const struct config *c, struct evidence_config *out)
{
	memset(out, 0, sizeof(*out));
	out->sim_key = c->sim_key;
	out->tsm_root = c->tsm_root;
	out->sev_guest = c->sev_guest;
	out->tdx_guest = c->tdx_guest;
	out->tdx_attest = c->tdx_attest;
	out->tdx_quotes = c->tdx_quotes;
	out->csv_guest = c->csv_guest;
	out->sev_vmpl = EVIDENCE_SEV_VMPL;
	out->device = device_kernel();
	out->tpm_tcti = c->tpm_tcti;
	out->tpm_eventlog = c->tpm_eventlog;
	out->tpm_pcrs = c->tpm_pcrs;
	out->tpm_ak = c->tpm_ak;
	out->tpm_ak_certificate = c->tpm_ak_certificate;
	out->tpm_td_quote = c->tpm_td_quote;
	out->tpm_hcl_fresh = c->tpm_hcl_fresh;
	out->tpm_svsm = c->tpm_svsm;
	out->ccel = c->ccel;
	out->aael = c->aael;
	out->tdx_measurements = c->tdx_measurements;
	out->runtime_log = c->runtime_log;
	(void)parse_measure_pcr(
	    c->tpm_measure_pcr, !strcmp(c->tee, "tpm"), &out->measure_pcr);
	/* A register that is not quoted says nothing. */
	if (out->measure_pcr)
		out->tpm_pcrs |= 1u << out->measure_pcr;
}

void
config_help(FILE *out)
{
	size_t i;

	for (i = 0; i < NKEYS; i++) {
		if (!i || strcmp(keys[i].section, keys[i - 1].section))
			fprintf(
			    out, "%s[%s]\n", i ? "\n" : "", keys[i].section);
		fprintf(out, "# %s\n%s%s = %s\n", keys[i].help,
		    keys[i].fallback ? "#" : "", keys[i].name,
		    keys[i].fallback ? keys[i].fallback : "");
	}
}
