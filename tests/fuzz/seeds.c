/*
 * Writes seeds for the fuzz targets, files in FOLDER/TARGET/, such as it takes
 * our own code and keys to make: seeds.bin FOLDER. Vendors' formats are made
 * with the unit tests' stand-ins for the vendors.
 */
#include <errno.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "tests/unit/programs.h"

#include "lib/frame.h"
#include "lib/secmem.h"
#include "policy/eventlog.h"
#include "policy/evidence.h"
#include "policy/group_def.h"
#include "policy/message.h"
#include "sealing/state.h"
/* Both stand-ins have a struct of that name. */
#define fake_cert amd_cert
#include "tests/unit/coco_json.h"
#include "tests/unit/fake_amd.h"
#undef fake_cert
#include "tests/unit/fake_hygon.h"
#include "tests/unit/fake_log.h"
#include "tests/unit/fake_pcs.h"

static const char *folder;

static void
seed(const char *target, const char *name, const void *p, size_t n)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, target);
	if (mkdir(path, 0777) != 0)
		assert_int_equal(errno, EEXIST);
	snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
texts(const char *target, const char *const *text, size_t n)
{
	char name[16];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "t%zu", i);
		seed(target, name, text[i], strlen(text[i]));
	}
}

#define TEXTS(target, list) texts(target, list, sizeof(list) / sizeof(*(list)))

/* ---- cells and programs ---------------------------------------------------
 */

static void
frames(void)
{
	static const struct frame two[] = {
	    {OP_HELLO, 0, 0, 1, 0}, {OP_EVAL, FRAME_REPLY, 7, 2, 3}};
	uint8_t p[2 * FRAME_HEADER + 3] = {0};

	frame_put(p, &two[0]);
	frame_put(p + FRAME_HEADER, &two[1]);
	seed("frame", "two", p, sizeof(p));
}

static void
program(const char *name, struct maker *m, const void *values, size_t n)
{
	uint8_t p[8192];
	struct wr w = wr_make(p, sizeof(p));

	maker_encode(m);
	assert_true(!wr_u16(&w, (uint16_t)m->n) &&
		    !wr_bytes(&w, m->bytes, m->n) && !wr_u8(&w, 2) &&
		    !wr_bytes(&w, values, n));
	seed("program", name, p, w.len);
}

/* Every type as a column with one instruction each behind it. */
static void
programs(void)
{
	static const uint8_t values[] = "\x08\x10\0\0\0\0\0\0\0\x03"
					"a_%\x04\1\0\0\0\x04\2\0\0\0\x02"
					"ab\x04"
					"cd\\%";
	static const uint8_t ops[] = {EV_LT, EV_EQ, EV_ADD, EV_DIV, EV_MOD,
	    EV_NEG, EV_CMP3, EV_HASH, EV_SUM, EV_MIN, EV_AVG, EV_CONCAT};
	struct maker m;
	char name[32];
	uint8_t type;
	unsigned i;

	maker_sample(&m);
	program("sample", &m, values, sizeof(values) - 1);
	for (type = 1; type < 16; type++)
		for (i = 0; i < sizeof(ops); i++) {
			memset(&m, 0, sizeof(m));
			maker_groups(&m, 1);
			maker_column(&m, type, 0);
			maker_scalar(&m, type, 0);
			maker_add(&m, COL(0));
			if (ops[i] != EV_NEG && ops[i] != EV_HASH &&
			    ops[i] != EV_SUM && ops[i] != EV_MIN &&
			    ops[i] != EV_AVG)
				maker_add(&m, SCA(0));
			maker_add(&m, OP(ops[i]));
			if (ops[i] != EV_LT && ops[i] != EV_EQ &&
			    ops[i] != EV_CMP3 && ops[i] != EV_HASH)
				maker_add(&m, REENC(0));
			snprintf(name, sizeof(name), "%u-%u", type, ops[i]);
			program(name, &m, values, sizeof(values) - 1);
		}
}

static const char *const value_texts[] = {"t", "-32768", "2147483647",
    "-9223372036854775808", "NaN", "1e308", "-1.5e-45", "a\xc3\xa9%", "\\x00ff",
    "a\\\\b\\001", "infinity", "294276-12-31 23:59:59.999999",
    "2000-02-29T12:00:00+05:30", "4714-11-24 BC", "January 8, 1999",
    "00000000-0000-0000-0000-000000000001",
    "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}"};

static void
cells(void)
{
	static const uint8_t types[] = {
	    TYPE_INT4, TYPE_TEXT, TYPE_FLOAT8, TYPE_TIMESTAMP};
	static const char *const text[] = {"-7", "some", "1.5", "2000-01-01"};
	struct bench b;
	char name[16];
	uint8_t list[2048] = {0};
	unsigned i, g;

	bench_new(&b, 1u << 20);
	for (i = 0; i < 4; i++)
		for (g = 0; g < 3; g++) {
			bench_reset(&b);
			bench_cell(&b, types[i], g, text[i]);
			snprintf(name, sizeof(name), "%u-%u", types[i], g);
			seed("cell", name, b.data + 4, b.in.len - 4);
			bench_cell(&b, types[i], g, text[i]);
			list[0] = types[i];
			list[1] = 0x82;
			memcpy(list + 2, b.data, b.in.len);
			seed("sort", name, list, 2 + b.in.len);
		}
	memcpy(list, "\x04\x03\x04\1\0\0\0\x04\2\0\0\0\x04\1\0\0\0", 17);
	seed("sort", "values", list, 17);
	bench_free(&b);
}

static void
simple(void)
{
	static const char *const like[] = {
	    "\3a%babcb", "\x84%_\\%XYZ%", "\5%a%a%aaaaaaaaaaaaaaaa"};
	static const char *const b64[] = {"", "Zg==", "Zm9v", "Zm8", "_-8",
	    "00000000-0000-4000-8000-000000000001"};
	static const char *const json[] = {
	    "{\"v\":1,\"op\":\"hello\",\"x\":[1.5e3,null,true,\"\\u00e9\"]}",
	    "[]", "{\"a\":{\"b\":{\"c\":\"AAAA\"}}}"};
	static const char *const csv[] = {
	    "\1a,\"b\"\"c\",\r\n,\"\"\n", "\7x,y\n\"1\n2\",\\.\n", "\3,,,"};

	TEXTS("value", value_texts);
	TEXTS("like", like);
	TEXTS("b64", b64);
	TEXTS("json", json);
	TEXTS("csv_text", csv);
}

#define TOKEN "cl1_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"

static void
filters(void)
{
	static const char text[] = "a," TOKEN "\n\"" TOKEN "B\",cl1_notes\n";
	char p[sizeof(text) + 2];
	char form;

	for (form = 0; form < 4; form++) {
		p[0] = form;
		p[1] = 5;
		memcpy(p + 2, text, sizeof(text));
		seed("filter", (char[]){(char)('0' + form), 0}, p,
		    sizeof(text) + 1);
	}
}

/* ---- what owners send, what is sealed -------------------------------------
 */

static void
messages(void)
{
	static const char payload[] = "{\"op\":\"status\",\"v\":1}";
	uint8_t sk[32], pk[32], hash[32] = {1}, *p;
	struct hpke_exporter ex;
	struct identity *who;
	EVP_PKEY *key;
	size_t n = 32;
	int kind;
	char name[8];

	memset(sk, 7, 32);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, sk, 32);
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, pk, &n), 1);
	EVP_PKEY_free(key);
	for (kind = IDENTITY_ED25519; kind <= IDENTITY_SM2; kind++) {
		assert_int_equal(
		    identity_generate((enum identity_kind)kind, &who), 0);
		assert_int_equal(message_seal(who, pk, hash, payload,
				     strlen(payload), &p, &n, &ex),
		    0);
		snprintf(name, sizeof(name), "seal%d", kind);
		seed("message", name, p, n);
		secmem_free(p);
		assert_int_equal(
		    message_sign(who, payload, strlen(payload), &p, &n), 0);
		snprintf(name, sizeof(name), "sign%d", kind);
		seed("message", name, p, n);
		secmem_free(p);
		identity_free(who);
	}
}

static void
group_defs(void)
{
	struct group_def def = {.name = "payroll",
	    .suite = SUITE_AES256_GCM,
	    .epoch = 3,
	    .version = 7,
	    .pad = 16,
	    .ops = GROUP_EQ | GROUP_CMP,
	    .nflows = 2};
	static const char *const ops[] = {"eq,cmp,arith", "all", "default"};
	char *text;
	size_t n;

	def.flows[1][0] = 1;
	assert_int_equal(group_def_print(&def, &text, &n), 0);
	seed("group_def", "def", text, n);
	secmem_free(text);
	TEXTS("group_def", ops);
}

static void
states(void)
{
	static const char text[] = "{\"v\":1}";
	uint8_t root[32], blob[sizeof(text) + STATE_OVERHEAD];

	memset(root, 7, 32);
	assert_int_equal(state_seal(root, "tenant", 3, (const uint8_t *)text,
			     sizeof(text), blob),
	    0);
	seed("state", "good", blob, sizeof(blob));
}

/* ---- evidence -------------------------------------------------------------
 */

static void
envelopes(void)
{
	struct evidence_claims c = {.tee = "snp",
	    .expires = 1900000000,
	    .version = "0.1.0",
	    .memory = "memfd_secret"};
	struct evidence e = {.tee = "snp"};
	uint8_t kinded[8192] = {0}, raw[64] = {2}, hrk[832] = {0};
	char *text;
	size_t n;

	memset(c.binary, 'a', 64);
	memset(c.config, '0', 64);
	assert_int_equal(evidence_claims_print(&c, &text, &n), 0);
	seed("evidence", "claims", text, n);
	e.claims = text;
	e.claims_n = n;
	e.raw = secmem_alloc(sizeof(raw));
	assert_non_null(e.raw);
	memcpy(e.raw, raw, sizeof(raw));
	e.raw_n = sizeof(raw);
	assert_int_equal(evidence_add_blob(&e, hrk, sizeof(hrk)), 0);
	assert_non_null(e.log = secmem_alloc(32));
	e.log_n = 32;
	assert_int_equal(evidence_print(&e, &text, &n), 0);
	seed("evidence", "envelope", text, n);
	assert_true(n < sizeof(kinded));
	memcpy(kinded + 1, text, n);
	seed("appraise", "envelope", kinded, n + 1);
	secmem_free(text);
	evidence_clear(&e);
}

#define H96                                                                    \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"     \
	"00112233445566778899aabbccddeeff"
#define H64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
policies(void)
{
	static const char *const text[] = {
	    "{\"v\":1,\"accept_sim\":true,\"max_age\":300,\"binary\":[\"" H64
	    "\"],\"memory\":[\"mlock\"],\"allow_unknown_software\":true,"
	    "\"test_roots\":{\"amd-milan\":[\"" H64 "\"],\"intel\":[],"
	    "\"hygon\":[]}}",
	    "{\"v\":1,\"snp\":{\"measurement\":[\"" H96 "\"],\"max_vmpl\":3,"
	    "\"min_abi\":\"1.55\",\"min_tcb\":{\"milan\":{\"bl\":1,\"tee\":0,"
	    "\"snp\":1,\"ucode\":1},\"turin\":{\"fmc\":1,\"bl\":1,\"tee\":0,"
	    "\"snp\":1,\"ucode\":1}},\"required_policy\":\"0x20000\","
	    "\"allow_debug\":false,\"csp_id\":[\"x\"]}}",
	    "{\"v\":1,\"tdx\":{\"mr_td\":[\"" H96 "\"],\"rtmr0\":[\"" H96
	    "\"],\"tcb_status\":[\"UpToDate\"],\"min_tcb_evaluation\":17,"
	    "\"require_sept_ve_disable\":true}}",
	    "{\"v\":1,\"csv\":{\"measure\":[\"" H64 "\"],\"min_api\":\"1.2\","
	    "\"min_build\":1,\"allow_debug\":true}}",
	    "{\"v\":1,\"tpm\":{\"ak\":[\"" H64 "\"],\"pcrs\":{\"0\":[\"" H64
	    "\"]},\"required_pcrs\":[0,7],\"max_reset_count\":1}}"};

	TEXTS("policy", text);
}

/* Evidence as others wrap it, behind the byte that says whose; the endorsement
 * that is inside of it, too. */
static void
coco(const char *name, uint8_t tee, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	size_t n = strlen(text);
	uint8_t *p = malloc(n + 1);

	assert_non_null(p);
	p[0] = tee;
	memcpy(p + 1, text, n);
	seed("coco", name, p, n + 1);
	seed("endorse", name, text, n);
	free(p);
	free(text);
	json_decref(o);
}

static void
amd(void)
{
	static const enum root_vendor products[] = {
	    ROOT_AMD_MILAN, ROOT_AMD_GENOA, ROOT_AMD_TURIN};
	uint8_t p[SNP_REPORT + 8192];
	char name[16];
	unsigned i;
	int k;

	for (i = 0; i < 3; i++) {
		struct fake_amd f = {.product = products[i], .vlek = i == 1};
		uint8_t *at = p + SNP_REPORT;

		fake_amd_make(&f);
		memcpy(p, f.report, SNP_REPORT);
		for (k = 0; k < (int)f.bag->ncerts; k++) {
			uint8_t *der = NULL;
			int n = i2d_X509(f.bag->certs[k], &der);

			assert_true(n > 0 && n < 8192);
			memcpy(at, der, (size_t)n);
			snprintf(name, sizeof(name), "fake%u-%d", i, k);
			seed("snp", name, p, SNP_REPORT + (size_t)n);
			seed("endorse", name, der, (size_t)n);
			OPENSSL_free(der);
		}
		snprintf(name, sizeof(name), "snp%u", i);
		coco(name, 0, coco_snp(f.report));
		fake_amd_free(&f);
	}
}

static void
intel(void)
{
	static uint8_t quote[TDX_QUOTE_MAX], kinded[TDX_QUOTE_MAX + 1];
	static char doc[FAKE_DOC];
	struct fake_platform p = fake_good_platform();
	struct fake_collateral c = {0};
	struct fake_intel *f = fake_intel_new(&p);
	uint8_t *der = NULL, ext[1024];
	size_t n;
	int der_n = i2d_X509(f->pck, &der);

	assert_true(der_n > 0);
	seed("pck", "cert", der, (size_t)der_n);
	OPENSSL_free(der);
	seed("pck", "extension", ext, fake_sgx_extension(&p, ext));
	n = fake_quote(f, &p, quote, sizeof(quote));
	seed("tdx", "fake5", quote, n);
	kinded[0] = 2;
	memcpy(kinded + 1, quote, n);
	seed("appraise", "tdx", kinded, n + 1);
	p.version = 4;
	seed("tdx", "fake4", quote, fake_quote(f, &p, quote, sizeof(quote)));
	n = fake_tcb_info(f, &c, doc);
	seed("pcs", "tcb", doc, n);
	seed("endorse", "tcb", doc, n);
	n = fake_qe_identity(f, &c, doc);
	seed("pcs", "qe", doc, n);
	seed("pcs", "time", "2026-02-18T10:58:51Z", 20);
	fake_intel_free(f);
}

static void
hygon(void)
{
	struct fake_hygon *h = fake_hygon_new();
	uint8_t p[HYGON_BUFFER + 1];
	char name[8];
	unsigned v;

	for (v = 1; v <= 3; v++) {
		struct fake_csv r = {.version = v,
		    .user_data = "nonce",
		    .serial = "serial",
		    .policy = 5,
		    .anonce = {1, 2, 3, 4}};

		fake_csv_report(h, &r, p + 1);
		snprintf(name, sizeof(name), "v%u", v);
		seed("csv_report", name, p + 1, v == 1 ? 2548 : HYGON_BUFFER);
		coco(name, 2,
		    json_pack("{s:{s:o,s:i,s:o},s:{s:{s:o,s:o}}}",
			"attestation_report", "magic",
			coco_bytes((const uint8_t *)"ATTESTATION_EXT", 16),
			"flags", v == 1 ? 0 : (int)(2 * v - 3), "data",
			coco_bytes(p + 1, HYGON_BUFFER), "cert_chain",
			"hsk_cek", "hsk", coco_root(h->hsk), "cek",
			coco_cert(h->cek)));
		p[0] = 3;
		seed("appraise", name, p, v == 1 ? 2549 : HYGON_BUFFER + 1);
	}
	seed("csv_cert", "hrk", h->hrk, HYGON_ROOT);
	seed("csv_cert", "hsk", h->hsk, HYGON_ROOT);
	seed("csv_cert", "cek", h->cek, HYGON_CERT);
	seed("csv_cert", "pek", h->pek, HYGON_CERT);
	seed("endorse", "hsk", h->hsk, HYGON_ROOT);
	seed("endorse", "cek", h->cek, HYGON_CERT);
	fake_hygon_free(h);
}

static void
log_of(const char *name, uint16_t alg, uint16_t size)
{
	uint8_t p[512], zeros[64] = {0};
	struct wr w = wr_make(p, sizeof(p));

	assert_true(!wr_u32(&w, 0) && !wr_u32(&w, EVENTLOG_NO_ACTION) &&
		    !wr_bytes(&w, zeros, 20) && !wr_u32(&w, 33) &&
		    !wr_bytes(&w, "Spec ID Event03", 16) && !wr_u32(&w, 0) &&
		    !wr_u32(&w, 0x02000200) && !wr_u32(&w, 1) &&
		    !wr_u16(&w, alg) && !wr_u16(&w, size) && !wr_u8(&w, 0));
	assert_true(!wr_u32(&w, 1) && !wr_u32(&w, 4) && !wr_u32(&w, 1) &&
		    !wr_u16(&w, alg) && !wr_bytes(&w, zeros, size) &&
		    !wr_blob(&w, "abc", 4));
	seed("eventlog", name, p, w.len);
	seed("runtime_log", name, p, w.len);
}

/* The agent's own record among the firmware's. */
static void
log_of_start(void)
{
	static struct fake_log l;

	fake_log_new(&l, FAKE_LOG_SHA384);
	fake_log_add(&l, 2, 4, NULL, "\0\0\0", 4);
	fake_log_text(
	    &l, 2, 0x80000007, "Calling EFI Application from Boot Option");
	fake_log_start(&l, 4, 'a', 'b');
	fake_log_end(&l);
	seed("eventlog", "start", l.p, l.w.len);
}

static void
tpm(void)
{
	static const char *const docs[] = {
	    "{\"attest\":\"_1RDR4AY\",\"signature\":\"ABQACw\",\"pcrs\":{"
	    "\"0\":\"" H64 "\"},\"ak\":\"MAA\"}"};
	static const uint8_t attest[] = {0xff, 'T', 'C', 'G', 0x80, 0x18, 0, 2,
	    0, 1, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
	    0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0x0b, 3, 1, 0, 0, 0,
	    2, 9, 9};
	static const uint8_t rsa[] = {0, 0x14, 0, 0x0b, 0, 4, 1, 2, 3, 4};
	static const uint8_t ec[] = {0, 0x18, 0, 0x0b, 0, 1, 5, 0, 1, 6};
	/* An endorsement key; the manifest of one service that is a TPM. */
	static const uint8_t ek[] = {0, 1, 0, 0x0b, 0, 3, 0, 0xb2, 0, 0, 0, 6,
	    0, 128, 0, 0x43, 0, 0x10, 8, 0, 0, 0, 0, 0, 1, 0, 0xc5};
	static const uint8_t services[] = {0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d,
	    0x70, 0x46, 0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb, 52, 0,
	    0, 0, 1, 0, 0, 0, 0xeb, 0xf1, 0x76, 0xc4, 0x23, 0x01, 0xa5, 0x45,
	    0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3, 48, 0, 0, 0, 4, 0,
	    0, 0, 0, 1, 0, 0x0b};

	seed("tpm", "ek", ek, sizeof(ek));
	seed("tpm", "services", services, sizeof(services));
	TEXTS("tpm_doc", docs);
	seed("tpm", "attest", attest, sizeof(attest));
	seed("tpm", "rsa", rsa, sizeof(rsa));
	seed("tpm", "ec", ec, sizeof(ec));
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds.bin FOLDER\n");
		return 2;
	}
	folder = argv[1];
	frames();
	programs();
	cells();
	simple();
	filters();
	messages();
	group_defs();
	states();
	envelopes();
	policies();
	amd();
	intel();
	hygon();
	log_of("sha384", EVENTLOG_SHA384, 48);
	log_of("sha256", EVENTLOG_SHA256, 32);
	log_of("sm3", EVENTLOG_SM3, 32);
	log_of_start();
	tpm();
	return 0;
}
