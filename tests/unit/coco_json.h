/* Evidence and certificates as the attesters of the Confidential Containers
 * print them: the members of the structures, byte strings as numbers. Include
 * after cmocka.h. */
#ifndef CLOISTER_TESTS_COCO_JSON_H
#define CLOISTER_TESTS_COCO_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/buf.h"

static inline json_t *
coco_bytes(const uint8_t *p, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(a, json_integer(p[i]));
	return a;
}

static inline json_t *
coco_root(const uint8_t *p)
{
	return json_pack("{s:{s:{s:i,s:{s:o,s:o,s:i,s:o}},s:{s:i,s:o,s:o},s:i,"
			 "s:o,s:o},s:{s:o,s:o},s:o}",
	    "body", "preamble", "ver", le32_get(p), "data", "kid",
	    coco_bytes(p + 4, 16), "sid", coco_bytes(p + 20, 16), "usage",
	    le32_get(p + 36), "reserved", coco_bytes(p + 40, 24), "pubkey", "g",
	    le32_get(p + 64), "x", coco_bytes(p + 68, 72), "y",
	    coco_bytes(p + 140, 72), "uid_size", le16_get(p + 212), "user_id",
	    coco_bytes(p + 214, 254), "reserved", coco_bytes(p + 468, 108),
	    "signature", "r", coco_bytes(p + 576, 72), "s",
	    coco_bytes(p + 648, 72), "_reserved", coco_bytes(p + 720, 112));
}

static inline json_t *
coco_signature(const uint8_t *p)
{
	return json_pack("{s:I,s:I,s:{s:o,s:o},s:o}", "usage",
	    (json_int_t)le32_get(p), "algo", (json_int_t)le32_get(p + 4),
	    "signature", "r", coco_bytes(p + 8, 72), "s",
	    coco_bytes(p + 80, 72), "_reserved", coco_bytes(p + 152, 368));
}

static inline json_t *
coco_cert(const uint8_t *p)
{
	return json_pack(
	    "{s:{s:i,s:{s:{s:i,s:i},s:i,s:{s:i,s:i,s:{s:i,s:o,s:o}},s:i,s:o,"
	    "s:o,s:o}},s:[o,o]}",
	    "body", "ver", le32_get(p), "data", "firmware", "major", p[4],
	    "minor", p[5], "reserved1", le16_get(p + 6), "pubkey", "usage",
	    le32_get(p + 8), "algo", le32_get(p + 12), "key", "g",
	    le32_get(p + 16), "x", coco_bytes(p + 20, 72), "y",
	    coco_bytes(p + 92, 72), "uid_size", le16_get(p + 164), "user_id",
	    coco_bytes(p + 166, 254), "sid", coco_bytes(p + 420, 16),
	    "reserved2", coco_bytes(p + 436, 608), "sigs",
	    coco_signature(p + 0x414), coco_signature(p + 0x61c));
}

static inline json_t *
coco_tcb(const uint8_t *p, bool turin)
{
	if (turin)
		return json_pack("{s:i,s:i,s:i,s:i,s:i}", "fmc", p[0],
		    "bootloader", p[1], "tee", p[2], "snp", p[3], "microcode",
		    p[7]);
	return json_pack("{s:n,s:i,s:i,s:i,s:i}", "fmc", "bootloader", p[0],
	    "tee", p[1], "snp", p[6], "microcode", p[7]);
}

static inline json_t *
coco_version(const uint8_t *p)
{
	return json_pack(
	    "{s:i,s:i,s:i}", "major", p[2], "minor", p[1], "build", p[0]);
}

static inline void
coco_strings(json_t *o, const uint8_t *p)
{
	static const struct {
		const char *key;
		unsigned at, n;
	} all[] = {{"family_id", 0x10, 16}, {"image_id", 0x20, 16},
	    {"report_data", 0x50, 64}, {"measurement", 0x90, 48},
	    {"host_data", 0xc0, 32}, {"id_key_digest", 0xe0, 48},
	    {"author_key_digest", 0x110, 48}, {"report_id", 0x140, 32},
	    {"report_id_ma", 0x160, 32}, {"chip_id", 0x1a0, 64}};
	unsigned i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		json_object_set_new(
		    o, all[i].key, coco_bytes(p + all[i].at, all[i].n));
}

/* {"attestation_report":{…},"cert_chain":null} */
static inline json_t *
coco_snp(const uint8_t *p)
{
	bool turin = p[0] > 2 && p[0x188] == 0x1a;
	json_t *o = json_pack("{s:i,s:I,s:I,s:i,s:i,s:I,s:i,s:o,s:o,s:o,s:o}",
	    "version", p[0], "guest_svn", (json_int_t)le32_get(p + 4), "policy",
	    (json_int_t)le64_get(p + 8), "vmpl", le32_get(p + 0x30), "sig_algo",
	    le32_get(p + 0x34), "plat_info", (json_int_t)le64_get(p + 0x40),
	    "key_info", le32_get(p + 0x48), "current_tcb",
	    coco_tcb(p + 0x38, turin), "reported_tcb",
	    coco_tcb(p + 0x180, turin), "committed_tcb",
	    coco_tcb(p + 0x1e0, turin), "launch_tcb",
	    coco_tcb(p + 0x1f0, turin));

	coco_strings(o, p);
	if (p[0] > 2) {
		json_object_set_new(o, "cpuid_fam_id", json_integer(p[0x188]));
		json_object_set_new(o, "cpuid_mod_id", json_integer(p[0x189]));
		json_object_set_new(o, "cpuid_step", json_integer(p[0x18a]));
	} else
		json_object_set_new(o, "cpuid_fam_id", json_null());
	if (p[0] > 4) {
		json_object_set_new(o, "launch_mit_vector",
		    json_integer((json_int_t)le64_get(p + 0x1f8)));
		json_object_set_new(o, "current_mit_vector",
		    json_integer((json_int_t)le64_get(p + 0x200)));
	}
	json_object_set_new(o, "current", coco_version(p + 0x1e8));
	json_object_set_new(o, "committed", coco_version(p + 0x1ec));
	json_object_set_new(o, "signature",
	    json_pack("{s:o,s:o}", "r", coco_bytes(p + 0x2a0, 72), "s",
		coco_bytes(p + 0x2e8, 72)));
	return json_pack("{s:o,s:n}", "attestation_report", o, "cert_chain");
}

/* {"attestation_report":{"magic","flags","data"},…} */
static inline json_t *
coco_csv(const uint8_t *p, size_t n, unsigned flags)
{
	static const uint8_t none[16];

	return json_pack("{s:{s:o,s:i,s:o},s:n,s:n}", "attestation_report",
	    "magic",
	    coco_bytes(flags ? (const uint8_t *)"ATTESTATION_EXT" : none, 16),
	    "flags", (int)flags, "data", coco_bytes(p, n), "cert_chain",
	    "cc_eventlog");
}

/* The older form of a version 1 report whose PEK is plain. */
static inline json_t *
coco_csv_parts(const uint8_t *p)
{
	return json_pack("{s:{s:I,s:{s:o,s:o,s:I,s:o,s:o,s:o,s:o},s:{s:o,s:o},"
			 "s:I,s:I},s:{s:o},s:o}",
	    "attestation_report", "anonce", (json_int_t)le32_get(p + 0xbc),
	    "body", "measure", coco_bytes(p + 0x90, 32), "mnonce",
	    coco_bytes(p + 0x80, 16), "policy", (json_int_t)le32_get(p + 0xb0),
	    "report_data", coco_bytes(p + 0x40, 64), "user_pubkey_digest",
	    coco_bytes(p, 32), "vm_id", coco_bytes(p + 0x20, 16), "vm_version",
	    coco_bytes(p + 0x30, 16), "sig", "r", coco_bytes(p + 0xc0, 72), "s",
	    coco_bytes(p + 0x108, 72), "sig_algo",
	    (json_int_t)le32_get(p + 0xb8), "sig_usage",
	    (json_int_t)le32_get(p + 0xb4), "cert_chain", "pek",
	    coco_cert(p + 0x150), "serial_number", coco_bytes(p + 0x974, 64));
}

#endif
