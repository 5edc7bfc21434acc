#include <inttypes.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "policy/sig_alg.h"
#include "policy/verify_snp.h"
#include "policy/verify_snp_vek.h"

/*
 * ATTESTATION_REPORT, 0x4a0 bytes. Bytes 0 to 0x29f are signed.
 *
 *	0x000 u32 version		0x188 u8 CPUID family (v3)
 *	0x004 u32 guest_svn		0x189 u8 CPUID model (v3)
 *	0x008 u64 policy		0x18a u8 CPUID stepping (v3)
 *	0x010 family_id[16]		0x18b reserved[21]
 *	0x020 image_id[16]		0x1a0 chip_id[64]
 *	0x030 u32 vmpl			0x1e0 committed_tcb[8]
 *	0x034 u32 signature algorithm	0x1e8 build, minor, major (current)
 *	0x038 current_tcb[8]		0x1eb reserved
 *	0x040 u64 platform_info		0x1ec build, minor, major (committed)
 *	0x048 u32 key info		0x1ef reserved
 *	0x04c reserved[4]		0x1f0 launch_tcb[8]
 *	0x050 report_data[64]		0x1f8 u64 launch mitigations (v5)
 *	0x090 measurement[48]		0x200 u64 current mitigations (v5)
 *	0x0c0 host_data[32]		0x208 reserved[152]
 *	0x0e0 id_key_digest[48]		0x2a0 R[72] of the signature
 *	0x110 author_key_digest[48]	0x2e8 S[72]
 *	0x140 report_id[32]		0x330 zero[368]
 *	0x160 report_id_ma[32]
 *	0x180 reported_tcb[8]
 *
 * TCB_VERSION, byte by byte:
 *	Milan, Genoa	boot loader, TEE, 0, 0, 0, 0, SNP, microcode
 *	Turin		FMC, boot loader, TEE, SNP, 0, 0, 0, microcode
 *
 * The guest device's response: u32 status, u32 size, reserved[24], report.
 */
#define RESPONSE_HEAD 32u

int
snp_unwrap(const uint8_t *p, size_t n, const uint8_t **report)
{
	struct rd in = rd_make(p, n);
	uint32_t status, size;
	const uint8_t *skip;

	if (n == SNP_REPORT) {
		*report = p;
		return CL_OK;
	}
	if (n != SNP_RESPONSE || rd_u32(&in, &status) || rd_u32(&in, &size) ||
	    rd_view(&in, &skip, RESPONSE_HEAD - 8) || status != 0 ||
	    size != SNP_REPORT || rd_view(&in, report, SNP_REPORT))
		return CL_ERR_FORMAT;
	return CL_OK;
}

const char *
snp_product(enum root_vendor product)
{
	switch (product) {
	case ROOT_AMD_MILAN:
		return "milan";
	case ROOT_AMD_GENOA:
		return "genoa";
	case ROOT_AMD_TURIN:
		return "turin";
	default:
		return NULL;
	}
}

void
snp_tcb_split(struct snp_tcb *t, enum root_vendor product)
{
	const uint8_t *b = t->raw;

	t->ucode = b[7];
	if (product == ROOT_AMD_TURIN) {
		t->fmc = b[0], t->bl = b[1], t->tee = b[2], t->snp = b[3];
		t->reserved = b[4] || b[5] || b[6];
	} else {
		t->fmc = 0, t->bl = b[0], t->tee = b[1], t->snp = b[6];
		t->reserved = b[2] || b[3] || b[4] || b[5];
	}
}

/* Venice (1a, 50-57, 90-af, c0-c7) has no root that is known. */
static enum root_vendor
product_of(const struct snp_report *r)
{
	uint8_t model = r->cpuid_model;

	if (r->version < 3)
		return 0;
	if (r->cpuid_family == 0x19 && model <= 0x0f)
		return ROOT_AMD_MILAN;
	if (r->cpuid_family == 0x19 && ((model >= 0x10 && model <= 0x1f) ||
					   (model >= 0xa0 && model <= 0xaf)))
		return ROOT_AMD_GENOA;
	if (r->cpuid_family == 0x1a && model <= 0x11)
		return ROOT_AMD_TURIN;
	return 0;
}

static int
parse_head(struct rd *in, struct snp_report *r)
{
	uint32_t reserved;
	int e;

	if ((e = rd_u32(in, &r->version)) || (e = rd_u32(in, &r->guest_svn)) ||
	    (e = rd_u64(in, &r->policy)) ||
	    (e = rd_bytes(in, r->family_id, 16)) ||
	    (e = rd_bytes(in, r->image_id, 16)) || (e = rd_u32(in, &r->vmpl)) ||
	    (e = rd_u32(in, &r->sig_algo)) ||
	    (e = rd_bytes(in, r->current.raw, 8)) ||
	    (e = rd_u64(in, &r->platform_info)) ||
	    (e = rd_u32(in, &r->key_info)))
		return e;
	return rd_u32(in, &reserved);
}

static int
parse_identity(struct rd *in, struct snp_report *r)
{
	int e;

	if ((e = rd_bytes(in, r->report_data, 64)) ||
	    (e = rd_bytes(in, r->measurement, 48)) ||
	    (e = rd_bytes(in, r->host_data, 32)) ||
	    (e = rd_bytes(in, r->id_key_digest, 48)) ||
	    (e = rd_bytes(in, r->author_key_digest, 48)) ||
	    (e = rd_bytes(in, r->report_id, 32)) ||
	    (e = rd_bytes(in, r->report_id_ma, 32)))
		return e;
	return rd_bytes(in, r->reported.raw, 8);
}

static int
parse_platform(struct rd *in, struct snp_report *r)
{
	const uint8_t *reserved;
	int e;

	if ((e = rd_u8(in, &r->cpuid_family)) ||
	    (e = rd_u8(in, &r->cpuid_model)) ||
	    (e = rd_u8(in, &r->cpuid_stepping)) ||
	    (e = rd_view(in, &reserved, 21)) ||
	    (e = rd_bytes(in, r->chip_id, 64)) ||
	    (e = rd_bytes(in, r->committed.raw, 8)) ||
	    (e = rd_bytes(in, r->current_fw, 3)) ||
	    (e = rd_view(in, &reserved, 1)) ||
	    (e = rd_bytes(in, r->committed_fw, 3)) ||
	    (e = rd_view(in, &reserved, 1)) ||
	    (e = rd_bytes(in, r->launch.raw, 8)) ||
	    (e = rd_u64(in, &r->launch_mit)))
		return e;
	return rd_u64(in, &r->current_mit);
}

int
snp_parse(const uint8_t *p, size_t n, struct snp_report *r)
{
	struct rd in = rd_make(p, n);
	int e;

	memset(r, 0, sizeof(*r));
	if (n != SNP_REPORT)
		return CL_ERR_FORMAT;
	if ((e = parse_head(&in, r)) || (e = parse_identity(&in, r)) ||
	    (e = parse_platform(&in, r)))
		return e;
	r->product = product_of(r);
	snp_tcb_split(&r->current, r->product);
	snp_tcb_split(&r->reported, r->product);
	snp_tcb_split(&r->committed, r->product);
	snp_tcb_split(&r->launch, r->product);
	return r->version >= 2 && r->version <= 5 ? CL_OK : CL_ERR_VERSION;
}

/* Sets a hex member; o NULL passes through. */
static int
put_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	char text[2 * 64 + 1];

	rows_hex(p, n, text);
	return json_object_set_new(o, key, json_string(text));
}

static int
put_mask(json_t *o, const char *key, uint64_t v)
{
	return json_object_set_new(o, key, json_sprintf("0x%" PRIx64, v));
}

static int
put_tcb(json_t *o, const char *key, const struct snp_tcb *t, bool turin)
{
	json_t *tcb = json_pack("{s:i, s:i, s:i, s:i}", "bl", t->bl, "tee",
	    t->tee, "snp", t->snp, "ucode", t->ucode);

	if (put_hex(tcb, "raw", t->raw, 8) ||
	    (turin && json_object_set_new(tcb, "fmc", json_integer(t->fmc)))) {
		json_decref(tcb);
		return -1;
	}
	return json_object_set_new(o, key, tcb);
}

static int
put_fw(json_t *o, const char *key, const uint8_t fw[3])
{
	return json_object_set_new(
	    o, key, json_sprintf("%u.%u.%u", fw[2], fw[1], fw[0]));
}

static int
print_tcbs(json_t *o, const struct snp_report *r)
{
	const uint8_t fms[] = {
	    r->cpuid_family, r->cpuid_model, r->cpuid_stepping};
	bool turin = r->product == ROOT_AMD_TURIN;

	return put_tcb(o, "current_tcb", &r->current, turin) ||
	       put_tcb(o, "reported_tcb", &r->reported, turin) ||
	       put_tcb(o, "committed_tcb", &r->committed, turin) ||
	       put_tcb(o, "launch_tcb", &r->launch, turin) ||
	       put_hex(o, "cpuid_fms", fms, 3) ||
	       put_fw(o, "current_version", r->current_fw) ||
	       put_fw(o, "committed_version", r->committed_fw);
}

json_t *
snp_print(const struct snp_report *r)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I}", "version",
	    (json_int_t)r->version, "guest_svn", (json_int_t)r->guest_svn,
	    "vmpl", (json_int_t)r->vmpl, "sig_algo", (json_int_t)r->sig_algo);

	if (put_mask(o, "policy", r->policy) ||
	    put_mask(o, "platform_info", r->platform_info) ||
	    put_mask(o, "key_info", r->key_info) ||
	    put_mask(o, "launch_mit_vector", r->launch_mit) ||
	    put_mask(o, "current_mit_vector", r->current_mit) ||
	    put_hex(o, "family_id", r->family_id, 16) ||
	    put_hex(o, "image_id", r->image_id, 16) ||
	    put_hex(o, "report_data", r->report_data, 64) ||
	    put_hex(o, "measurement", r->measurement, 48) ||
	    put_hex(o, "host_data", r->host_data, 32) ||
	    put_hex(o, "id_key_digest", r->id_key_digest, 48) ||
	    put_hex(o, "author_key_digest", r->author_key_digest, 48) ||
	    put_hex(o, "report_id", r->report_id, 32) ||
	    put_hex(o, "report_id_ma", r->report_id_ma, 32) ||
	    put_hex(o, "chip_id", r->chip_id, 64) || print_tcbs(o, r)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* Of one report while it is verified. */
struct check {
	const uint8_t *p;
	const struct endorse *own, *given;
	const struct roots *roots;
	int64_t time;
	const struct snp_policy *policy;
	struct snp_evidence *e;
	struct appraise_result *rows;
};

/* First byte in from..to (exclusive) that is not zero; to: none. */
static unsigned
nonzero(const uint8_t *p, unsigned from, unsigned to)
{
	while (from < to && !p[from])
		from++;
	return from;
}

static bool
check_reserved(const struct check *c)
{
	uint32_t version = c->e->report.version;
	const struct {
		unsigned from, to;
	} zero[] = {{0x4c, 0x50}, {version < 3 ? 0x188 : 0x18b, 0x1a0},
	    {0x1eb, 0x1ec}, {0x1ef, 0x1f0},
	    {version < 5 ? 0x1f8 : 0x208, 0x2a0}, {0x2a0 + 48, 0x2e8},
	    {0x2e8 + 48, SNP_REPORT}};
	unsigned i, at;

	for (i = 0; i < sizeof(zero) / sizeof(zero[0]); i++) {
		at = nonzero(c->p, zero[i].from, zero[i].to);
		if (at < zero[i].to)
			return rows_sayf(c->rows, "report.reserved", false,
			    "zero bytes", "0x%02x at offset 0x%x", c->p[at],
			    at);
	}
	return rows_say(
	    c->rows, "report.reserved", true, "zero bytes", "zero bytes");
}

static bool
check_product(const struct check *c)
{
	const struct snp_report *r = &c->e->report;

	if (r->version < 3)
		return true; /* the certificate will say */
	return rows_sayf(c->rows, "report.product", r->product != 0,
	    "a processor with a known root",
	    "%s (family 0x%x, model 0x%x, stepping %u)",
	    r->product ? root_name(r->product) : "unknown", r->cpuid_family,
	    r->cpuid_model, r->cpuid_stepping);
}

static bool
check_form(const struct check *c, size_t n, int parsed)
{
	const struct snp_report *r = &c->e->report;
	uint32_t key;
	bool ok;

	if (parsed == CL_ERR_VERSION)
		return rows_sayf(c->rows, "report.version", false,
		    "2, 3, 4 or 5", "%" PRIu32, r->version);
	if (!rows_sayf(c->rows, "report.form", parsed == 0,
		"an attestation report of 1184 bytes", "%zu bytes", n))
		return false;
	key = SNP_KEY_SIGNING(r->key_info);
	ok = rows_sayf(c->rows, "report.version", true, "2, 3, 4 or 5",
	    "%" PRIu32, r->version);
	ok &= rows_sayf(c->rows, "report.signature_algorithm", r->sig_algo == 1,
	    "1 (ECDSA P-384 with SHA-384)", "%" PRIu32, r->sig_algo);
	ok &= rows_sayf(c->rows, "report.signing_key",
	    key == SNP_KEY_VCEK || key == SNP_KEY_VLEK, "0 (VCEK), 1 (VLEK)",
	    "%" PRIu32, key);
	ok &= check_reserved(c);
	return check_product(c) && ok;
}

/* The certificate, and the product where only it tells. */
static bool
check_vek(const struct check *c)
{
	struct snp_report *r = &c->e->report;
	bool vlek = SNP_KEY_SIGNING(r->key_info) == SNP_KEY_VLEK;
	const char *kind = vlek ? "SEV-VLEK" : "SEV-VCEK";
	X509 *cert = snp_vek_choose(c->own, c->given, vlek, c->p, r);
	enum root_vendor said = r->product;
	char why[SNP_WHY];

	if (!cert)
		return rows_sayf(c->rows, "vek", false,
		    "the certificate of the key that signed the report",
		    "no certificate named %s among the endorsements", kind);
	if (snp_vek_parse(cert, vlek, &c->e->vek, why) != 0)
		return rows_say(
		    c->rows, "vek", false, "the extensions of AMD's", why);
	(void)rows_say(c->rows, "vek", true, "the extensions of AMD's", kind);
	/* Turin never sends version 2. */
	if (r->version < 3)
		said =
		    c->e->vek.product == ROOT_AMD_TURIN ? 0 : c->e->vek.product;
	r->product = said;
	return rows_say(c->rows, "vek.product",
	    said && said == c->e->vek.product,
	    r->version < 3 ? "Milan or Genoa" : root_name(said),
	    c->e->vek.product_name);
}

/* "Milan" of "AMD Milan". */
static const char *
short_name(enum root_vendor product)
{
	return root_name(product) + strlen("AMD ");
}

static bool
check_names(const struct check *c, const struct chain *chain)
{
	const char *product = short_name(c->e->report.product);
	char want[96], came[160], leaf[32], between[32], root[32];

	chain_cn(chain->leaf, leaf, sizeof(leaf));
	chain_cn(chain->intermediate, between, sizeof(between));
	chain_cn(chain->root, root, sizeof(root));
	(void)snprintf(want, sizeof(want), "ARK-%s, SEV-%s%s, SEV-%s", product,
	    c->e->vek.vlek ? "VLEK-" : "", product,
	    c->e->vek.vlek ? "VLEK" : "VCEK");
	(void)snprintf(came, sizeof(came), "%s, %s, %s", root, between, leaf);
	return rows_say(
	    c->rows, "chain.names", strcmp(want, came) == 0, want, came);
}

static bool
check_algorithms(const struct check *c, const struct chain *chain)
{
	X509 *all[] = {chain->root, chain->intermediate, chain->leaf};
	char cn[32];
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (sig_alg_cert(all[i], c->e->report.product))
			continue;
		chain_cn(all[i], cn, sizeof(cn));
		return rows_sayf(c->rows, "chain.algorithm", false,
		    "RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48",
		    "%s is signed in another way", cn);
	}
	return rows_say(c->rows, "chain.algorithm", true,
	    "RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48", "the same");
}

/* AMD's list is the root's, and tells of its ASK and ASVK. Whether one that
 * is old or missing will do is the policy's, in snp_appraise. */
static bool
check_revoked(const struct check *c, const struct chain *chain)
{
	char cn[32];

	c->e->crl = chain_revoked(chain->intermediate, chain->root,
	    c->e->report.product, c->own, c->given, c->time);
	if (c->e->crl != CHAIN_CRL_REVOKED && c->e->crl != CHAIN_CRL_BAD)
		return true;
	chain_cn(chain->intermediate, cn, sizeof(cn));
	return rows_sayf(c->rows, "chain.crl", false,
	    "a revocation list that does not name it", "%s %s", cn,
	    c->e->crl == CHAIN_CRL_REVOKED
		? "is revoked"
		: "has a revocation list that does not verify");
}

static bool
check_chain(const struct check *c)
{
	enum root_vendor product = c->e->report.product;
	struct chain chain;
	char expected[64], why[SNP_WHY];
	bool ok;
	int r = chain_build(c->e->vek.cert, c->own, c->given, product, c->roots,
	    c->time, &chain, why);

	(void)snprintf(expected, sizeof(expected),
	    "signatures up to the root of %s", root_name(product));
	if (r != 0)
		return rows_say(c->rows, "chain", false, expected,
		    why[0] ? why : err_text(r));
	ok = rows_say(c->rows, "chain", true, expected,
	    chain.test_root ? "a test root that the policy names"
			    : "the vendor's root");
	ok &= check_names(c, &chain);
	ok &= check_algorithms(c, &chain);
	return check_revoked(c, &chain) && ok;
}

static bool
check_chip(const struct check *c)
{
	const struct snp_report *r = &c->e->report;
	const struct snp_vek *vek = &c->e->vek;
	bool masked, same;

	if (vek->vlek)
		return rows_say(c->rows, "vek.csp_id", vek->csp_id[0] != '\0',
		    "a cloud provider's name",
		    vek->csp_id[0] ? vek->csp_id : "none");
	masked =
	    (r->key_info & SNP_KEY_MASKED) && nonzero(r->chip_id, 0, 64) == 64;
	if (masked)
		return rows_say(c->rows, "vek.chip",
		    c->policy->allow_masked_chip,
		    c->policy->allow_masked_chip
			? "anything"
			: "the chip that the report names",
		    "a report that masks its chip");
	same = snp_vek_is_chip(vek, r->chip_id);
	return rows_say(c->rows, "vek.chip", same,
	    "the chip that the report names",
	    same ? "the same chip" : "another chip");
}

static void
tcb_text(const struct snp_tcb *t, bool turin, char out[64])
{
	int n = 0;

	if (turin)
		n = snprintf(out, 64, "fmc %u, ", t->fmc);
	(void)snprintf(out + n, 64 - (size_t)n,
	    "bl %u, tee %u, snp %u, ucode %u", t->bl, t->tee, t->snp, t->ucode);
}

static bool
check_tcb(const struct check *c)
{
	bool turin = c->e->report.product == ROOT_AMD_TURIN;
	char want[64], came[64];
	bool ok = snp_vek_is_tcb(&c->e->vek, &c->e->report.reported) &&
		  turin == c->e->vek.has_fmc;

	tcb_text(&c->e->report.reported, turin, want);
	tcb_text(&c->e->vek.tcb, c->e->vek.has_fmc, came);
	return rows_say(c->rows, "vek.tcb", ok, want, came);
}

static bool
check_all(const struct check *c)
{
	bool ok, signed_by;

	if (!check_vek(c))
		return false;
	ok = check_chain(c);
	signed_by = snp_vek_signed(c->e->vek.cert, c->p);
	ok &= rows_say(c->rows, "report.signature", signed_by,
	    "made by the certified key",
	    signed_by ? "it verifies" : "it does not verify");
	ok &= check_chip(c);
	return check_tcb(c) && ok;
}

int
snp_verify(const uint8_t *p, size_t n, const struct endorse *own,
    const struct endorse *given, const struct roots *roots, int64_t time,
    const struct snp_policy *policy, struct snp_evidence *out,
    struct appraise_result *rows)
{
	struct check c = {p, own, given, roots, time, policy, out, rows};
	int r;

	memset(out, 0, sizeof(*out));
	out->crl = CHAIN_CRL_NONE;
	if ((r = crypto_ready()) != 0)
		return r;
	r = snp_parse(p, n, &out->report);
	return check_form(&c, n, r) && check_all(&c) ? CL_OK : CL_ERR_EVIDENCE;
}
