#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/sm2.h"
#include "policy/verify_csv.h"

/*
 * Integers are little endian.
 *
 *	0x000 user public key digest[32]
 *	0x020 vm id[16]
 *	0x030 vm version[16]
 *	0x040 user_data[64]
 *	0x080 mnonce[16]
 *	0x090 measure[32], SM3
 *	0x0b0 u32 policy
 *	0x0b4 u32 usage of the signer, 0x1002
 *	0x0b8 u32 algorithm, 4
 *
 * version 1				versions 2 and 3
 *	0x0bc anonce[4]			0x0bc u32 firmware build
 *	0x0c0 R[72]			0x0c0 u16 RTMR version
 *	0x108 S[72]			0x0c2 reserved[14]
 *	0x150 PEK[2084]			0x0d0 5 RTMRs[32]
 *	0x974 serial[64]		0x170 reserved[592]
 *	0x9b4 sealing key[32]		0x3c0 host_data[64] (version 3)
 *	0x9d4 MAC[32]			0x400 R[72]
 *					0x448 S[72]
 *					0x490 PEK[2084]
 *					0xcb4 serial[64]
 *					0xcf4 sealing key[32]
 *					0xd14 MAC[32]
 *
 * Version 1 masks 0x000 to 0x0bb, PEK and serial: byte i of each is XORed with
 * byte i mod 4 of anonce. Exporters may have unmasked PEK and serial. The
 * signature, by the PEK, covers the masked bytes 0x000 to 0x0b3; version 2
 * masks nothing, and its signature covers 0x000 to 0x3ff.
 *
 * MAC: HMAC-SM3, keyed with mnonce, from PEK to sealing key as they were
 * first. Its key is in the report: it proves nothing, but finds damage.
 *
 * Serial and sealing key are not signed, nor is what follows the MAC.
 */
#define HEAD	     0xbcu
#define ANONCE	     0xbcu
#define V1_SIGNED    0xb4u
#define V2_SIGNED    0x400u
#define V2_HOST_DATA 0x3c0u
#define USER_DATA    0x40u
#define MNONCE	     0x80u
#define SIGNER	     (CSV_CERT + CSV_SERIAL + CSV_SEALING_KEY)
#define PEK_USAGE    8u
#define V2_END	     0xd34u

/* Where the layouts differ. */
struct layout {
	size_t signed_n, sig, pek, end;
};

static const struct layout layouts[] = {
    [1] = {V1_SIGNED, 0xc0, 0x150, CSV_REPORT_MIN},
    [2] = {V2_SIGNED, 0x400, 0x490, V2_END},
};

static const struct layout *
layout_of(const struct csv_evidence *e)
{
	return &layouts[e->version == 1 ? 1 : 2];
}

/* Takes the mask off, or puts it on. Every field starts at a multiple of 4. */
static void
unmask(const struct csv_evidence *e, const uint8_t *p, size_t n, uint8_t *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = e->version == 1 ? p[i] ^ e->raw[ANONCE + i % 4] : p[i];
}

static bool
is_pek(const uint8_t *p)
{
	return le32_get(p + PEK_USAGE) == CSV_USAGE_PEK;
}

/* The PEK, plain as its usage word tells. */
static bool
take_pek(struct csv_evidence *e)
{
	const uint8_t *p = e->raw + layout_of(e)->pek;

	e->pek_plain = is_pek(p);
	if (e->pek_plain)
		memcpy(e->pek_raw, p, CSV_CERT);
	else
		unmask(e, p, CSV_CERT, e->pek_raw);
	return is_pek(e->pek_raw);
}

/* Printable text, then zeros. */
static bool
is_serial(const uint8_t *p)
{
	size_t n = 0;

	while (n < CSV_SERIAL && p[n] >= '!' && p[n] <= '~')
		n++;
	if (!n)
		return false;
	while (n < CSV_SERIAL && !p[n])
		n++;
	return n == CSV_SERIAL;
}

/* Where both readings make sense it is as the PEK is: they are unmasked
 * together. */
static bool
take_serial(struct csv_evidence *e)
{
	const uint8_t *p = e->raw + layout_of(e)->pek + CSV_CERT;
	uint8_t open[CSV_SERIAL];
	bool plain = is_serial(p), masked;

	unmask(e, p, CSV_SERIAL, open);
	masked = is_serial(open);
	e->serial_plain = plain && (e->pek_plain || !masked);
	if (plain || masked)
		memcpy(e->serial, e->serial_plain ? p : open, CSV_SERIAL);
	return plain || masked;
}

static int
check_signature(const struct csv_evidence *e)
{
	const struct layout *l = layout_of(e);
	struct rd in = rd_make(e->raw + l->sig, 2 * 72);
	const uint8_t *r, *s;
	uint8_t sig[64];

	if (rd_view(&in, &r, 72) || rd_view(&in, &s, 72) ||
	    csv_number_pair(r, s, sig) != 0)
		return CL_ERR_SIGNATURE;
	return csv_cert_verify(&e->pek, e->raw, l->signed_n, sig);
}

/* Could the report be of this version? CL_OK: its signature says so. */
static int
try_version(struct csv_evidence *e, unsigned version, const char **why)
{
	int r;

	e->version = version;
	*why = "no PEK where one should be";
	if (e->raw_n < layout_of(e)->end || !take_pek(e))
		return CL_ERR_VERSION;
	if ((r = csv_cert_parse(CSV_PEK, e->pek_raw, CSV_CERT, &e->pek, why)) !=
	    0)
		return r;
	r = check_signature(e);
	if (r == CL_ERR_FORMAT)
		*why = "a key that is no point of the curve";
	else if (r != 0)
		*why = r == CL_ERR_SIGNATURE ? "a signature that does not hold"
					     : err_text(r);
	return r;
}

/* The report does not say its version; only the signature can. */
static bool
find_version(struct csv_evidence *e, struct appraise_result *rows)
{
	static const char expected[] = "a report that the PEK in it signed";
	static const uint8_t none[64];
	const char *first, *why;
	int r = try_version(e, 1, &first);

	why = first;
	if (r != 0 && try_version(e, 2, &why) != 0) {
		/* Which of the two it was meant to be, the PEK tells. */
		e->version = 0;
		return rows_say(rows, "report.signature", false, expected,
		    r == CL_ERR_VERSION ? why : first);
	}
	if (e->version == 2 && memcmp(e->raw + V2_HOST_DATA, none, 64) != 0)
		e->version = 3;
	(void)rows_sayf(
	    rows, "report.version", true, "1, 2 or 3", "%u", e->version);
	return rows_say(rows, "report.signature", true, expected, "the same");
}

/* Words that tell what signed it; version 1's signature does not cover them. */
static bool
check_words(const struct csv_evidence *e, struct appraise_result *rows)
{
	uint8_t head[HEAD];
	uint32_t usage, algorithm;
	bool ok;

	unmask(e, e->raw, HEAD, head);
	usage = le32_get(head + 0xb4);
	algorithm = le32_get(head + 0xb8);
	ok = rows_sayf(rows, "report.signing_key", usage == CSV_USAGE_PEK,
	    "0x1002 (PEK)", "0x%" PRIx32, usage);
	return rows_sayf(rows, "report.signature_algorithm",
		   algorithm == CSV_SM2_SIGN, "4 (SM2 with SM3)", "%" PRIu32,
		   algorithm) &&
	       ok;
}

static int
make_mac(const struct csv_evidence *e, uint8_t out[32])
{
	const uint8_t *p = e->raw + layout_of(e)->pek;
	uint8_t part[SIGNER], head[HEAD];
	int r;

	memcpy(part, p, SIGNER);
	if (e->pek_plain)
		unmask(e, p, CSV_CERT, part);
	if (e->serial_plain)
		unmask(e, p + CSV_CERT, CSV_SERIAL, part + CSV_CERT);
	unmask(e, e->raw, HEAD, head);
	r = sm2_hmac(head + MNONCE, 16, part, SIGNER, out);
	secmem_wipe(part, sizeof(part));
	return r;
}

/* Without the sealing key it cannot be computed, and is not missed. */
static bool
check_mac(struct csv_evidence *e, struct appraise_result *rows)
{
	static const uint8_t none[CSV_SEALING_KEY];
	const uint8_t *signer = e->raw + layout_of(e)->pek;
	const uint8_t *key = signer + CSV_CERT + CSV_SERIAL;
	uint8_t mac[32];

	e->sealing_key = !secmem_equal(key, none, sizeof(none));
	(void)rows_say(rows, "report.sealing_key", true,
	    "none in the report; a leaked one is a warning",
	    e->sealing_key ? "sealing key leaked by the attester" : "none");
	if (!e->sealing_key)
		return rows_say(rows, "report.mac", true,
		    "one that holds, if the sealing key is there",
		    "not checked: the sealing key was taken out");
	e->mac = make_mac(e, mac) == 0 &&
			 secmem_equal(mac, signer + SIGNER, sizeof(mac))
		     ? CSV_MAC_GOOD
		     : CSV_MAC_BAD;
	return rows_say(rows, "report.mac", e->mac == CSV_MAC_GOOD,
	    "one that holds, if the sealing key is there",
	    e->mac == CSV_MAC_GOOD ? "one that holds"
				   : "one that does not hold");
}

static bool
check_signer(struct csv_evidence *e, struct appraise_result *rows)
{
	bool ok = take_serial(e);

	(void)rows_say(rows, "report.pek", true, "a PEK, masked or plain",
	    e->pek_plain ? "a plain one" : "a masked one");
	return rows_say(rows, "report.serial", ok, "printable text, then zeros",
	    e->serial[0] ? e->serial : "something else");
}

int
csv_verify(const uint8_t *p, size_t n, const struct endorse *own,
    const struct endorse *given, const struct roots *roots,
    struct csv_evidence *out, struct appraise_result *rows)
{
	uint8_t head[HEAD];
	bool ok;

	memset(out, 0, sizeof(*out));
	if (!rows_sayf(rows, "report.form",
		n >= CSV_REPORT_MIN && n <= CSV_REPORT_MAX,
		"a report of 2548 to 4096 bytes", "%zu bytes", n))
		return CL_ERR_EVIDENCE;
	out->raw = p;
	out->raw_n = n;
	if (!find_version(out, rows))
		return CL_ERR_EVIDENCE;
	unmask(out, p, HEAD, head);
	memcpy(out->user_data, head + USER_DATA, CSV_USER_DATA);
	ok = check_words(out, rows);
	ok &= check_signer(out, rows);
	ok &= csv_chain_build(&out->pek, own, given, roots, &out->chain, rows);
	ok &= check_mac(out, rows);
	out->genuine = ok;
	return ok ? CL_OK : CL_ERR_EVIDENCE;
}

static int
read_head(struct rd *in, struct csv_report *r)
{
	int e;

	if ((e = rd_bytes(in, r->user_pubkey_digest, 32)) ||
	    (e = rd_bytes(in, r->vm_id, 16)) ||
	    (e = rd_bytes(in, r->vm_version, 16)) ||
	    (e = rd_bytes(in, r->user_data, CSV_USER_DATA)) ||
	    (e = rd_bytes(in, r->mnonce, 16)) ||
	    (e = rd_bytes(in, r->measure, 32)) ||
	    (e = rd_u32(in, &r->policy)) || (e = rd_u32(in, &r->sig_usage)))
		return e;
	return rd_u32(in, &r->sig_algo);
}

static int
read_registers(struct rd *in, struct csv_report *r)
{
	const uint8_t *reserved;
	unsigned i;
	int e;

	if ((e = rd_u32(in, &r->build)) || (e = rd_u16(in, &r->rtmr_version)) ||
	    (e = rd_view(in, &reserved, 14)))
		return e;
	for (i = 0; i < CSV_RTMRS; i++)
		if ((e = rd_bytes(in, r->rtmr[i], 32)) != 0)
			return e;
	r->has_rtmr = true;
	if ((e = rd_view(in, &reserved, 592)))
		return e;
	return rd_bytes(in, r->host_data, sizeof(r->host_data));
}

int
csv_open(const struct csv_evidence *e, const uint8_t user_data[CSV_USER_DATA],
    const uint8_t *mnonce, struct csv_report *out)
{
	uint8_t head[HEAD];
	struct rd in;
	int r = CL_ERR_EVIDENCE;

	memset(out, 0, sizeof(*out));
	if (!e->genuine)
		return r;
	unmask(e, e->raw, HEAD, head);
	in = rd_make(head, sizeof(head));
	if (!secmem_equal(head + USER_DATA, user_data, CSV_USER_DATA) ||
	    (mnonce && !secmem_equal(head + MNONCE, mnonce, 16)))
		return r;
	if ((r = read_head(&in, out)) != 0)
		goto out;
	if (e->version == 1) {
		memcpy(out->anonce, e->raw + ANONCE, 4);
		return CL_OK;
	}
	in = rd_make(e->raw + HEAD, V2_SIGNED - HEAD);
	r = read_registers(&in, out);
	out->has_host_data = e->version == 3;
out:
	if (r != 0)
		memset(out, 0, sizeof(*out));
	return r;
}

/* Sets a hex member. */
static int
put_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	char text[2 * 64 + 1];

	rows_hex(p, n, text);
	return json_object_set_new(o, key, json_string(text));
}

static int
put_word(json_t *o, const char *key, uint32_t v)
{
	return json_object_set_new(o, key, json_sprintf("0x%" PRIx32, v));
}

static int
put_digest(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	const struct crypto_part part = {p, n};
	uint8_t digest[32];

	return crypto_sha256(&part, 1, digest) || put_hex(o, key, digest, 32);
}

static int
print_registers(json_t *o, const struct csv_report *r)
{
	char key[8];
	unsigned i;

	if (json_object_set_new(o, "build", json_integer(r->build)) ||
	    json_object_set_new(
		o, "rtmr_version", json_integer(r->rtmr_version)) ||
	    (r->has_host_data && put_hex(o, "host_data", r->host_data, 64)))
		return -1;
	for (i = 0; i < CSV_RTMRS; i++) {
		(void)snprintf(key, sizeof(key), "rtmr%u", i);
		if (put_hex(o, key, r->rtmr[i], 32))
			return -1;
	}
	return 0;
}

static int
print_report(json_t *o, const struct csv_report *r)
{
	return put_hex(o, "anonce", r->anonce, 4) ||
	       put_hex(o, "user_pubkey_digest", r->user_pubkey_digest, 32) ||
	       put_hex(o, "vm_id", r->vm_id, 16) ||
	       put_hex(o, "vm_version", r->vm_version, 16) ||
	       put_hex(o, "mnonce", r->mnonce, 16) ||
	       put_hex(o, "measure", r->measure, 32) ||
	       put_word(o, "policy", r->policy) ||
	       put_word(o, "sig_usage", r->sig_usage) ||
	       json_object_set_new(o, "sig_algo", json_integer(r->sig_algo)) ||
	       (r->has_rtmr && print_registers(o, r));
}

static int
print_chain(json_t *o, const struct csv_evidence *e)
{
	const struct csv_chain *c = &e->chain;
	uint8_t cek[32];
	char key_id[33];

	if (!c->there)
		return 0;
	rows_hex(c->hsk.key_id, 16, key_id);
	return csv_cert_digest(&c->cek, cek) || put_hex(o, "cek", cek, 32) ||
	       json_object_set_new(o, "hsk_key_id", json_string(key_id)) ||
	       put_digest(o, "cek_sha256", c->cek.raw, CSV_CERT) ||
	       put_digest(o, "hsk_sha256", c->hsk.raw, CSV_ROOT_CERT);
}

json_t *
csv_print(const struct csv_evidence *e, const struct csv_report *report)
{
	json_t *o =
	    json_pack("{s:i, s:s, s:b, s:b, s:b}", "version", (int)e->version,
		"serial", e->serial, "user_data_compared", report != NULL,
		"pek_and_sn_already_plain", e->pek_plain && e->serial_plain,
		"sealing_key_field_nonzero", e->sealing_key);

	if (put_hex(o, "user_data", e->user_data, CSV_USER_DATA) ||
	    put_digest(o, "pek_sha256", e->pek_raw, CSV_CERT) ||
	    json_object_set_new(o, "pek_api",
		json_sprintf("%u.%u", e->pek.api_major, e->pek.api_minor)) ||
	    print_chain(o, e) || (report && print_report(o, report))) {
		json_decref(o);
		return NULL;
	}
	return o;
}
