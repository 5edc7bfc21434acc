/* policy/verify_tpm_svsm, policy/tpm_credential: an SVSM's word on its TPM, and
 * the TPM's proof that a key is its own. The TPM is a swtpm, its EK made by
 * tpm2-tools, the CPU's vendor our own. Skipped where one is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/evidence_provider.h"
#include "agent/tpm_signer.h"
#include "agent/tpm_svsm.h"
#include "fake_amd.h"
#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise.h"
#include "policy/tpm_credential.h"
#include "scratch.h"
#include "swtpm.h"

struct fixture {
	struct scratch *dir;
	pid_t swtpm;
	char tcti[128];
	struct evidence_config config;
	uint8_t ek[512];
	size_t ek_n;
	struct fake_amd amd;
	struct evidence e;
	uint8_t about[EVIDENCE_REPORT_DATA];
};

/* What the next SNP report says. */
static struct {
	uint8_t data[64];
	uint32_t vmpl;
} next;

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir;

	assert_non_null(f);
	assert_int_equal(crypto_ready(), 0);
	assert_int_equal(scratch_make(&dir), 0);
	f->dir = dir;
	memset(f->about, 'a', sizeof(f->about));
	memset(&next, 0, sizeof(next));
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	swtpm_stop(f->swtpm);
	evidence_clear(&f->e);
	if (f->amd.bag)
		fake_amd_free(&f->amd);
	scratch_remove(&dir);
	free(f);
	return 0;
}

/* The EK as others make it: TPM2B_PUBLIC, of which the public area is all but
 * the size. */
static void
make_ek(struct fixture *f)
{
	char command[512], path[160];
	uint8_t *p;
	size_t n;

	snprintf(path, sizeof(path), "%s/ek", f->dir->path);
	snprintf(command, sizeof(command),
	    "tpm2_createek -T '%s' -G rsa -c %s.ctx -u %s >/dev/null 2>&1",
	    f->tcti, path, path);
	assert_int_equal(system(command), 0);
	assert_int_equal(file_read(AT_FDCWD, path, 512, &p, &n), 0);
	f->ek_n = n - 2;
	memcpy(f->ek, p + 2, f->ek_n);
	secmem_free(p);
}

static void
begin(struct fixture *f)
{
	snprintf(f->tcti, sizeof(f->tcti), "swtpm:path=%s/t", f->dir->path);
	if (!swtpm_have("swtpm") || !swtpm_have("tpm2_createek"))
		skip();
	f->swtpm = swtpm_start(f->dir->path);
	make_ek(f);
	f->config = (struct evidence_config){.tpm_tcti = f->tcti,
	    .tpm_pcrs = 1u << 4 | 1u << 11,
	    .tpm_ak = "primary",
	    .tpm_ak_certificate = "none"};
}

static void
edit_report(uint8_t *report)
{
	memcpy(report + 0x50, next.data, 64);
	le32_put(report + 0x30, next.vmpl);
}

static void
about(struct fixture *f, const uint8_t nonce[32])
{
	struct evidence_claims c = {
	    .tee = "tpm", .version = "0.1.0", .memory = "memfd_secret"};

	memset(c.binary, 'b', 64);
	memset(c.config, 'c', 64);
	c.expires = FAKE_NOW + 300;
	evidence_clear(&f->e);
	memset(&f->e, 0, sizeof(f->e));
	memcpy(f->e.nonce, nonce, 32);
	strcpy(f->e.tee, "tpm");
	assert_int_equal(
	    evidence_claims_print(&c, &f->e.claims, &f->e.claims_n), 0);
	assert_int_equal(
	    evidence_report_data(nonce, f->e.claims, f->e.claims_n, f->about),
	    0);
}

/* The document, with what the SVSM would add. */
static void
add_svsm(struct fixture *f)
{
	struct crypto_part part[2] = {{f->about, 64}, {f->ek, f->ek_n}};
	json_t *o;
	char *text;
	size_t n;
	int r;

	assert_int_equal(crypto_sha512(part, 2, next.data), 0);
	if (f->amd.bag)
		fake_amd_free(&f->amd);
	f->amd =
	    (struct fake_amd){.product = ROOT_AMD_MILAN, .edit = edit_report};
	fake_amd_make(&f->amd);
	o = json_parse((char *)f->e.raw, f->e.raw_n, &r);
	assert_non_null(o);
	assert_int_equal(
	    json_set_blob(o, "svsm_report", f->amd.report, 1184), 0);
	assert_int_equal(json_set_blob(o, "svsm_manifest", f->ek, f->ek_n), 0);
	assert_int_equal(json_set_blob(o, "svsm_data", f->about, 64), 0);
	text = json_text(o, &n);
	json_decref(o);
	secmem_free(f->e.raw);
	f->e.raw = (uint8_t *)text;
	f->e.raw_n = n;
}

static void
evidence(struct fixture *f, const uint8_t nonce[32])
{
	char reason[EVIDENCE_REASON] = "";

	about(f, nonce);
	if (evidence_tpm()->produce(&f->config, f->about, &f->e, reason) != 0)
		fail_msg("%s", reason);
	add_svsm(f);
}

/* What the agent does with a credential. */
static int
activate(struct fixture *f, const struct tpm_credential *c, uint8_t secret[32])
{
	static char why[SEAL_REASON];
	struct tpm_signer key;
	struct tpm t;
	int r;

	why[0] = '\0';
	assert_int_equal(tpm_open(&t, f->tcti, why), 0);
	assert_int_equal(tpm_signer_load(&t, f->config.tpm_ak, &key), 0);
	r = tpm_svsm_activate(&t, &key, c->p, c->n, secret);
	if (r)
		assert_true(why[0] != '\0');
	tpm_signer_flush(&t, &key);
	tpm_close(&t);
	return r;
}

static const char *
verdict(struct fixture *f, const struct tpm_challenge *challenge,
    const char *policy)
{
	static struct appraise_result result;
	static char claim[48];
	struct appraise_policy *p;
	struct appraise_input in = {.evidence = &f->e,
	    .nonce = f->e.nonce,
	    .given = f->amd.bag,
	    .challenge = challenge,
	    .time = FAKE_NOW};
	char text[640], spki[65] = "";
	unsigned i;
	int r;

	rows_hex(f->amd.roots.extra[0].spki, 32, spki);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"allow_unknown_software\":true,\"test_roots\":"
	    "{\"amd-milan\":[\"%s\"]}%s}",
	    spki, policy);
	if (appraise_policy_parse(text, strlen(text), &p) != 0)
		fail_msg("%s: %s", text, json_why());
	in.policy = p;
	r = appraise_input(&in, NULL, &result, NULL);
	assert_true((r == CL_OK) == result.accepted);
	appraise_policy_free(p);
	for (i = 0; i < result.nrows && result.rows[i].ok; i++)
		;
	snprintf(claim, sizeof(claim), "%s",
	    i < result.nrows ? result.rows[i].claim : "");
	if (*claim && getenv("VERBOSE"))
		print_message("%s: %s\n", claim, result.rows[i].came);
	return claim;
}

#define is(claim, f, challenge)                                                \
	assert_string_equal(claim, verdict(f, challenge, ""))

static const uint8_t nonce[32] = "a relying party's nonce";

/* Evidence over the nonce that only the TPM could open. */
static void
proven(struct fixture *f, struct tpm_challenge *challenge)
{
	struct tpm_credential c;
	uint8_t secret[32], second[32];

	evidence(f, nonce);
	assert_int_equal(tpm_credential_challenge(
			     f->e.raw, f->e.raw_n, nonce, &c, challenge),
	    0);
	assert_int_equal(activate(f, &c, secret), 0);
	assert_int_equal(tpm_credential_nonce(nonce, secret, second), 0);
	assert_memory_equal(second, challenge->nonce, 32);
	evidence(f, second);
}

static void
an_ek_alone_proves_no_ak(void **state)
{
	struct fixture *f = *state;
	struct tpm_challenge c, other;
	uint8_t second[32];

	begin(f);
	evidence(f, nonce);
	is("svsm.ak", f, NULL);
	proven(f, &c);
	is("", f, &c);
	is("svsm.ak", f, NULL);
	other = c;
	other.ek_name[33] ^= 1;
	is("svsm.ak", f, &other);
	other = c;
	other.ak_name[33] ^= 1;
	is("svsm.ak", f, &other);
	other = c;
	other.nonce[0] ^= 1;
	is("svsm.ak", f, &other);
	/* Evidence over any other nonce does not meet the challenge. */
	memcpy(second, nonce, 32);
	evidence(f, second);
	is("svsm.ak", f, &c);
	/* Another key of the same TPM was not challenged. */
	evidence(f, c.nonce);
	is("", f, &c);
	swtpm_persist(
	    f->tcti, ESYS_TR_RH_OWNER, 0x81000003, &(TPM2B_PUBLIC){0});
	f->config.tpm_ak = "0x81000003";
	evidence(f, c.nonce);
	is("svsm.ak", f, &c);
}

static void
the_svsm_must_have_said_it(void **state)
{
	struct fixture *f = *state;
	struct tpm_challenge c;
	uint8_t attributes;

	begin(f);
	proven(f, &c);
	/* The guest's own report, about the same. */
	next.vmpl = 1;
	evidence(f, c.nonce);
	is("svsm.vmpl", f, &c);
	/* Even where a policy takes such guests. */
	assert_string_equal(
	    "svsm.vmpl", verdict(f, &c, ",\"snp\":{\"max_vmpl\":3}"));
	next.vmpl = 0;
	/* Another EK than the report is about. */
	f->ek[f->ek_n - 1] ^= 2;
	add_svsm(f);
	f->ek[f->ek_n - 1] ^= 2;
	is("svsm.ak", f, &c);
	/* A request of another day. */
	evidence(f, nonce);
	f->about[5] ^= 1;
	add_svsm(f);
	is("svsm.ak", f, &c);
	evidence(f, c.nonce);
	f->about[5] ^= 1;
	add_svsm(f);
	is("svsm.request", f, &c);
	/* An EK that signs, or that may leave its TPM. */
	for (attributes = 0; attributes < 2; attributes++) {
		evidence(f, c.nonce);
		f->ek[attributes ? 7 : 5] ^= attributes ? 2 : 4;
		add_svsm(f);
		is("svsm.ek", f, &c);
		f->ek[attributes ? 7 : 5] ^= attributes ? 2 : 4;
	}
	/* No EK at all. */
	f->ek_n--;
	add_svsm(f);
	is("svsm.manifest", f, &c);
}

/* Report, manifest and data hang together. */
static void
parts_are_not_exchanged(void **state)
{
	static const char *const members[] = {
	    "svsm_report", "svsm_manifest", "svsm_data"};
	struct fixture *f = *state;
	struct tpm_challenge c;
	uint8_t p[2048];
	json_t *o;
	size_t i, n, at;
	int r;

	begin(f);
	proven(f, &c);
	for (i = 0; i < 3; i++)
		for (at = 0x40; at <= 0x440; at += 0x100) {
			evidence(f, c.nonce);
			o = json_parse((char *)f->e.raw, f->e.raw_n, &r);
			assert_int_equal(
			    json_get_blob(o, members[i], p, sizeof(p), &n), 0);
			p[at < n ? at : n - 1] ^= 1;
			assert_int_equal(json_set_blob(o, members[i], p, n), 0);
			secmem_free(f->e.raw);
			f->e.raw = (uint8_t *)json_text(o, &f->e.raw_n);
			json_decref(o);
			assert_string_not_equal("", verdict(f, &c, ""));
		}
}

/* A TPM opens nothing that was touched, or meant for other keys. */
static void
damaged_credentials_stay_shut(void **state)
{
	struct fixture *f = *state;
	struct tpm_challenge challenge;
	struct tpm_credential c, bad;
	uint8_t secret[32];
	size_t i;

	begin(f);
	evidence(f, nonce);
	assert_int_equal(tpm_credential_challenge(
			     f->e.raw, f->e.raw_n, nonce, &c, &challenge),
	    0);
	assert_int_equal(activate(f, &c, secret), 0);
	for (i = 0; i < c.n; i += 23) {
		bad = c;
		bad.p[i] ^= 1;
		assert_int_not_equal(activate(f, &bad, secret), 0);
	}
	bad = c;
	bad.n--;
	assert_int_equal(activate(f, &bad, secret), CL_ERR_FORMAT);
	bad.n = c.n + 1;
	assert_int_equal(activate(f, &bad, secret), CL_ERR_FORMAT);
	bad.n = 0;
	assert_int_equal(activate(f, &bad, secret), CL_ERR_FORMAT);
	/* For this TPM, but another key in it. */
	swtpm_persist(
	    f->tcti, ESYS_TR_RH_OWNER, 0x81000003, &(TPM2B_PUBLIC){0});
	f->config.tpm_ak = "0x81000003";
	assert_int_equal(activate(f, &c, secret), CL_ERR_TPM);
}

static void
nothing_to_challenge_is_said(void **state)
{
	static const char none[] = "{\"attest\":\"AA\",\"signature\":\"AA\","
				   "\"pcrs\":{}}";
	struct tpm_challenge challenge;
	struct tpm_credential c;

	(void)state;
	assert_int_equal(tpm_credential_challenge((const uint8_t *)none,
			     sizeof(none) - 1, nonce, &c, &challenge),
	    CL_ERR_NOT_FOUND);
	assert_int_not_equal(tpm_credential_challenge((const uint8_t *)none, 20,
				 nonce, &c, &challenge),
	    0);
}

/* A paravisor's report, of which nothing but its key holds. */
static void
add_paravisor(struct fixture *f, const TPM2B_PUBLIC_KEY_RSA *ak, uint32_t type)
{
	static const uint8_t none[1184];
	char n[400] = "", text[600];
	uint8_t p[2048];
	struct wr out = wr_make(p, sizeof(p));
	uint32_t len;
	json_t *o;
	int r;

	b64url_encode(ak->buffer, ak->size, n);
	len = (uint32_t)snprintf(text, sizeof(text),
	    "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\","
	    "\"e\":\"AQAB\",\"n\":\"%s\"}]}",
	    n);
	assert_int_equal(
	    wr_bytes(&out, "HCLA", 4) | wr_u32(&out, 2) |
		wr_u32(&out, 32 + 1184 + 20 + len) | wr_u32(&out, 2) |
		wr_u32(&out, 0) | wr_bytes(&out, none, 12) |
		wr_bytes(&out, none, 1184) | wr_u32(&out, 20 + len) |
		wr_u32(&out, 1) | wr_u32(&out, type) | wr_u32(&out, 1) |
		wr_blob(&out, text, len),
	    0);
	o = json_parse((char *)f->e.raw, f->e.raw_n, &r);
	assert_non_null(o);
	assert_int_equal(json_set_blob(o, "hcl", p, out.len), 0);
	secmem_free(f->e.raw);
	f->e.raw = (uint8_t *)json_text(o, &f->e.raw_n);
	json_decref(o);
}

/* What the SNP report says is judged whatever else lies beside it. */
static void
no_other_report_hides_the_svsms(void **state)
{
	static const char other[] =
	    ",\"tpm\":{\"no_hcl\":true},\"snp\":{\"min_guest_svn\":4294967295}";
	static const char any[] = ",\"tpm\":{\"no_hcl\":true}";
	struct fixture *f = *state;
	struct tpm_challenge c;
	TPM2B_PUBLIC ak;
	uint32_t type;

	begin(f);
	swtpm_persist(f->tcti, ESYS_TR_RH_OWNER, 0x81000003, &ak);
	f->config.tpm_ak = "0x81000003";
	proven(f, &c);
	assert_string_equal("", verdict(f, &c, any));
	assert_string_equal("guest_svn", verdict(f, &c, other));
	for (type = 2; type <= 4; type += 2) {
		evidence(f, c.nonce);
		add_paravisor(f, &ak.publicArea.unique.rsa, type);
		assert_string_equal("", verdict(f, &c, any));
		assert_string_equal("guest_svn", verdict(f, &c, other));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_ek_alone_proves_no_ak),
	    TEST(the_svsm_must_have_said_it),
	    TEST(parts_are_not_exchanged),
	    TEST(no_other_report_hides_the_svsms),
	    TEST(damaged_credentials_stay_shut),
	    TEST(nothing_to_challenge_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
