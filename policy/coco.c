#include <stdbool.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/bytes_text.h"
#include "policy/coco.h"
#include "policy/csv_json.h"
#include "policy/endorse_blob.h"
#include "policy/verify_csv.h"
#include "policy/verify_snp.h"

#define TEXT_MIN 1000u /* no evidence is shorter in hex or base64 */

/* Where a member lies in the binary form, which is little endian. */
struct place {
	const char *key;
	unsigned at, n;
};

/* Byte strings; an absent one is an error. */
static int
put_bytes(const json_t *o, const struct place *places, unsigned n, uint8_t *out)
{
	unsigned i;
	int r;

	for (i = 0; i < n; i++)
		if ((r = bytes_member(o, places[i].key, out + places[i].at,
			 places[i].n)) != 0)
			return r == CL_ERR_NOT_FOUND ? CL_ERR_FORMAT : r;
	return CL_OK;
}

/* Numbers; absent and null are zero. */
static int
put_numbers(
    const json_t *o, const struct place *places, unsigned n, uint8_t *out)
{
	const json_t *member;
	uint8_t le[8];
	unsigned i;

	for (i = 0; i < n; i++) {
		member = json_object_get(o, places[i].key);
		if (!member || json_is_null(member))
			continue;
		if (!json_is_integer(member) ||
		    (places[i].n < 8 && (uint64_t)json_integer_value(member) >>
					    8 * places[i].n))
			return json_blame(places[i].key);
		le64_put(le, (uint64_t)json_integer_value(member));
		memcpy(out + places[i].at, le, places[i].n);
	}
	return CL_OK;
}

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

/* Only Turin's has "fmc", and another order. */
static int
put_tcb(const json_t *report, const char *key, uint8_t *out)
{
	static const struct place old[] = {{"bootloader", 0, 1}, {"tee", 1, 1},
	    {"snp", 6, 1}, {"microcode", 7, 1}};
	static const struct place turin[] = {{"fmc", 0, 1},
	    {"bootloader", 1, 1}, {"tee", 2, 1}, {"snp", 3, 1},
	    {"microcode", 7, 1}};
	const json_t *tcb = json_object_get(report, key);

	if (!json_is_object(tcb))
		return json_blame(key);
	return json_is_integer(json_object_get(tcb, "fmc"))
		   ? put_numbers(tcb, turin, COUNT(turin), out)
		   : put_numbers(tcb, old, COUNT(old), out);
}

static int
put_tcbs(const json_t *o, uint8_t *out)
{
	static const struct place tcbs[] = {{"current_tcb", 0x38, 8},
	    {"reported_tcb", 0x180, 8}, {"committed_tcb", 0x1e0, 8},
	    {"launch_tcb", 0x1f0, 8}};
	static const struct place version[] = {
	    {"build", 0, 1}, {"minor", 1, 1}, {"major", 2, 1}};
	static const struct place flat[] = {{"current_build", 0x1e8, 1},
	    {"current_minor", 0x1e9, 1}, {"current_major", 0x1ea, 1},
	    {"committed_build", 0x1ec, 1}, {"committed_minor", 0x1ed, 1},
	    {"committed_major", 0x1ee, 1}};
	unsigned i;
	int r;

	for (i = 0; i < COUNT(tcbs); i++)
		if ((r = put_tcb(o, tcbs[i].key, out + tcbs[i].at)) != 0)
			return r;
	if ((r = put_numbers(
		 json_object_get(o, "current"), version, 3, out + 0x1e8)) ||
	    (r = put_numbers(
		 json_object_get(o, "committed"), version, 3, out + 0x1ec)))
		return r;
	return put_numbers(o, flat, COUNT(flat), out);
}

static int
snp_report(const json_t *o, uint8_t *out)
{
	static const struct place numbers[] = {{"version", 0, 4},
	    {"guest_svn", 4, 4}, {"policy", 8, 8}, {"vmpl", 0x30, 4},
	    {"sig_algo", 0x34, 4}, {"plat_info", 0x40, 8},
	    {"key_info", 0x48, 4}, {"cpuid_fam_id", 0x188, 1},
	    {"cpuid_mod_id", 0x189, 1}, {"cpuid_step", 0x18a, 1},
	    {"launch_mit_vector", 0x1f8, 8}, {"current_mit_vector", 0x200, 8}};
	static const struct place bytes[] = {{"family_id", 0x10, 16},
	    {"image_id", 0x20, 16}, {"report_data", 0x50, 64},
	    {"measurement", 0x90, 48}, {"host_data", 0xc0, 32},
	    {"id_key_digest", 0xe0, 48}, {"author_key_digest", 0x110, 48},
	    {"report_id", 0x140, 32}, {"report_id_ma", 0x160, 32},
	    {"chip_id", 0x1a0, 64}};
	static const struct place signature[] = {
	    {"r", 0x2a0, 72}, {"s", 0x2e8, 72}};
	int r;

	if ((r = put_numbers(o, numbers, COUNT(numbers), out)) ||
	    (r = put_bytes(o, bytes, COUNT(bytes), out)) ||
	    (r = put_tcbs(o, out)))
		return r;
	return put_bytes(json_object_get(o, "signature"), signature, 2, out);
}

/* Certificates that are named by what they are for, and must be that. */
static int
snp_chain(const json_t *chain, struct endorse *own)
{
	const char *type;
	json_t *item;
	uint8_t *p;
	size_t i, n;
	int r;

	json_array_foreach((json_t *)(uintptr_t)chain, i, item)
	{
		if (json_get_str(item, "cert_type", &type) != 0 ||
		    bytes_json(json_object_get(item, "data"), &p, &n) != 0)
			return json_blame("cert_chain");
		r = endorse_add_named(own, type, p, n);
		secmem_free(p);
		if (r != 0)
			return r == CL_ERR_FORMAT ? json_blame("cert_chain")
						  : r;
	}
	return CL_OK;
}

static int
open_snp(const json_t *o, struct coco *out)
{
	const json_t *chain = json_object_get(o, "cert_chain");
	int r;

	if (!(out->raw = secmem_alloc(SNP_REPORT)))
		return CL_ERR_MEMORY;
	out->raw_n = SNP_REPORT;
	r = snp_report(json_object_get(o, "attestation_report"), out->raw);
	if (r != 0 || !chain || json_is_null(chain))
		return r;
	return json_is_array(chain) ? snp_chain(chain, out->own)
				    : json_blame("cert_chain");
}

/* Null where the guest has none. */
static int
open_log(const json_t *o, struct coco *out)
{
	const json_t *log = json_object_get(o, "cc_eventlog");
	int r;

	if (!log || json_is_null(log) || !json_string_length(log))
		return CL_OK;
	r = bytes_json(log, &out->log, &out->log_n);
	return r == CL_ERR_FORMAT ? json_blame("cc_eventlog") : r;
}

static int
open_tdx(const json_t *o, struct coco *out)
{
	int r = bytes_json(json_object_get(o, "quote"), &out->raw, &out->raw_n);

	if (r != 0)
		return r == CL_ERR_FORMAT ? json_blame("quote") : r;
	return open_log(o, out);
}

/* HSK and CEK, when they came. */
static int
csv_chain(const json_t *chain, struct endorse *own)
{
	static const char *const keys[] = {"hsk", "cek"};
	const json_t *pair = json_object_get(chain, "hsk_cek");
	uint8_t cert[CSV_CERT];
	unsigned i;
	size_t n;
	int r;

	if (!pair || json_is_null(pair))
		return CL_OK;
	for (i = 0; i < 2; i++) {
		r = csv_json_cert(json_object_get(pair, keys[i]), cert, &n);
		if (r == 0)
			r = endorse_add(own, cert, n);
		if (r != 0)
			return r == CL_ERR_FORMAT ? json_blame(keys[i]) : r;
	}
	return CL_OK;
}

/* No magic: version 1. Flags: 0 is version 1, too; 1 version 2, 3 version 3,
 * which the report's signature tells as well. */
static int
csv_data(const json_t *report, struct coco *out)
{
	static const uint8_t extended[16] = "ATTESTATION_EXT", none[16];
	uint8_t magic[16] = {0};
	int64_t flags = 0;
	int r;

	if ((r = bytes_member(report, "magic", magic, 16)) != 0 &&
	    r != CL_ERR_NOT_FOUND)
		return r;
	if (memcmp(magic, none, 16) != 0 && memcmp(magic, extended, 16) != 0)
		return json_blame("magic");
	if (json_object_get(report, "flags") &&
	    (json_get_int(report, "flags", 0, 3, &flags) != 0 || flags == 2))
		return json_blame("flags");
	r = bytes_json(json_object_get(report, "data"), &out->raw, &out->raw_n);
	return r == CL_ERR_FORMAT ? json_blame("data") : r;
}

/* Version 1 taken apart: PEK and serial number stand elsewhere, unmasked. */
static int
csv_parts(const json_t *o, const json_t *report, struct coco *out)
{
	static const struct place bytes[] = {{"user_pubkey_digest", 0, 32},
	    {"vm_id", 0x20, 16}, {"vm_version", 0x30, 16},
	    {"report_data", 0x40, 64}, {"mnonce", 0x80, 16},
	    {"measure", 0x90, 32}};
	static const struct place policy[] = {{"policy", 0xb0, 4}};
	static const struct place words[] = {
	    {"sig_usage", 0xb4, 4}, {"sig_algo", 0xb8, 4}, {"anonce", 0xbc, 4}};
	static const struct place sig[] = {{"r", 0xc0, 72}, {"s", 0x108, 72}};
	static const struct place serial[] = {{"serial_number", 0x974, 64}};
	const json_t *body = json_object_get(report, "body");
	size_t n;
	uint8_t *p;
	int r;

	if (!(p = out->raw = secmem_alloc(CSV_REPORT_MIN)))
		return CL_ERR_MEMORY;
	out->raw_n = CSV_REPORT_MIN;
	if ((r = put_bytes(body, bytes, COUNT(bytes), p)) ||
	    (r = put_numbers(body, policy, 1, p)) ||
	    (r = put_numbers(report, words, COUNT(words), p)) ||
	    (r = put_bytes(json_object_get(report, "sig"), sig, 2, p)) ||
	    (r = put_bytes(o, serial, 1, p)))
		return r;
	r = csv_json_cert(
	    json_object_get(json_object_get(o, "cert_chain"), "pek"), p + 0x150,
	    &n);
	return r == 0 && n != CSV_CERT ? json_blame("pek") : r;
}

static int
open_csv(const json_t *o, struct coco *out)
{
	const json_t *report = json_object_get(o, "attestation_report");
	int r;

	r = json_object_get(report, "body") ? csv_parts(o, report, out)
					    : csv_data(report, out);
	if (r == 0)
		r = csv_chain(json_object_get(o, "cert_chain"), out->own);
	return r ? r : open_log(o, out);
}

static int
open_json(const char *tee, const char *text, size_t n, struct coco *out)
{
	json_t *o;
	int r;

	if (!(o = json_parse(text, n, &r)))
		return r;
	if (json_object_get(o, "tee"))
		r = CL_ERR_NOT_FOUND; /* an envelope of ours */
	else if ((r = endorse_new(&out->own)) == 0)
		r = strcmp(tee, "snp") == 0   ? open_snp(o, out)
		    : strcmp(tee, "tdx") == 0 ? open_tdx(o, out)
					      : open_csv(o, out);
	json_decref(o);
	return r;
}

static bool
is_text(const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n' &&
		    text[i] != '\r' && text[i] != '\t')
			return false;
	return n != 0;
}

/* An extended report as tools save it: the certificate table follows. */
static int
open_extended(const uint8_t *p, size_t n, struct coco *out)
{
	const uint8_t *table = p + SNP_REPORT;
	int r;

	if (n <= SNP_REPORT || !endorse_is_table(table, n - SNP_REPORT))
		return CL_ERR_NOT_FOUND;
	if (!(out->raw = secmem_alloc(SNP_REPORT)))
		return CL_ERR_MEMORY;
	memcpy(out->raw, p, SNP_REPORT);
	out->raw_n = SNP_REPORT;
	if ((r = endorse_new(&out->own)) != 0)
		return r;
	r = endorse_add_table(out->own, table, n - SNP_REPORT);
	return r == CL_ERR_FORMAT ? json_blame("certificate table") : r;
}

int
coco_open(const char *tee, const char *text, size_t n, struct coco *out)
{
	int r = CL_ERR_NOT_FOUND;

	memset(out, 0, sizeof(*out));
	if (strcmp(tee, "snp") != 0 && strcmp(tee, "tdx") != 0 &&
	    strcmp(tee, "csv") != 0)
		return r;
	if (!is_text(text, n)) {
		if (strcmp(tee, "snp") == 0)
			r = open_extended((const uint8_t *)text, n, out);
		goto out;
	}
	while (n && (*text == ' ' || *text == '\t' || *text == '\r' ||
			*text == '\n'))
		text++, n--;
	if (n && *text == '{')
		r = open_json(tee, text, n, out);
	else if (n >= TEXT_MIN && (r = bytes_text(text, n, &out->raw,
				       &out->raw_n)) == CL_ERR_FORMAT)
		r = CL_ERR_NOT_FOUND;
out:
	if (r != 0)
		coco_clear(out);
	return r;
}

void
coco_clear(struct coco *c)
{
	secmem_free(c->raw);
	secmem_free(c->log);
	endorse_free(c->own);
	memset(c, 0, sizeof(*c));
}
