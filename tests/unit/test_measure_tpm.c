/* agent/measure_tpm and what becomes of it: a real swtpm that is started
 * here, judged as an owner judges it, and a living agent on it. Skipped where
 * there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "agent/measure.h"
#include "policy/appraise.h"
#include "policy/verify_tpm.h"
#include "tests/unit/agent.h"
#include "tests/unit/swtpm.h"

#define NOW 1800000000

struct fixture {
	struct scratch *s;
	pid_t swtpm;
	char tcti[128], path[96], log[96];
	struct evidence_config c;
	uint8_t binary[32], config[32], nonce[32];
	char reason[EVIDENCE_REASON];
};

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *s;

	assert_non_null(f);
	scratch_make(&s);
	f->s = s;
	snprintf(f->tcti, sizeof(f->tcti), "swtpm:path=%s/t", f->s->path);
	snprintf(f->path, sizeof(f->path), "%s/eventlog", f->s->path);
	snprintf(f->log, sizeof(f->log), "%s/bios", f->s->path);
	if (swtpm_have("swtpm"))
		f->swtpm = swtpm_start(f->s->path);
	f->c = (struct evidence_config){.tpm_tcti = f->tcti,
	    .tpm_ak = "primary",
	    .tpm_ak_certificate = "none",
	    .tpm_pcrs = 1u << 7 | 1u << 15,
	    .measure_pcr = 15,
	    .runtime_log = f->path};
	memset(f->binary, 0xb1, 32);
	memset(f->config, 0xc1, 32);
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;
	void *s = f->s;

	swtpm_stop(f->swtpm);
	scratch_remove(&s);
	free(f);
	return 0;
}

static struct fixture *
fixture(void **state)
{
	struct fixture *f = *state;

	if (!f->swtpm)
		skip();
	return f;
}

/* ---- by hand ---- */

static void
read_pcr(const char *tcti, unsigned pcr, uint8_t value[32])
{
	struct tpm_pcrs pcrs = {.mask = 1u << pcr};
	struct tpm t;

	swtpm_open(&t, tcti);
	assert_int_equal(tpm_read_pcrs(&t, &pcrs), CL_OK);
	tpm_close(&t);
	memcpy(value, pcrs.pcr[pcr], 32);
}

static void
grow(uint8_t value[32], const uint8_t digest[32])
{
	uint8_t both[64];

	memcpy(both, value, 32);
	memcpy(both + 32, digest, 32);
	assert_int_equal(
	    EVP_Digest(both, 64, value, NULL, EVP_sha256(), NULL), 1);
}

/* value after a start. */
static void
started(uint8_t value[32], const uint8_t *binary, const uint8_t *config)
{
	char text[256] = "\x4c\x45\x41\x41";
	uint8_t digest[32];
	int n = 8, i, k;

	n += sprintf(text + n, "cloister start {\"binary\":\"");
	for (k = 0; k < 2; k++) {
		for (i = 0; i < 32; i++)
			n += sprintf(
			    text + n, "%02x", k ? config[i] : binary[i]);
		n += sprintf(text + n, k ? "\"}" : "\",\"config\":\"");
	}
	text[4] = (char)(n - 8);
	assert_int_equal(
	    EVP_Digest(text, (size_t)n, digest, NULL, EVP_sha256(), NULL), 1);
	grow(value, digest);
}

static void
pcr_must_be(const char *tcti, unsigned pcr, const uint8_t expected[32])
{
	uint8_t value[32];

	read_pcr(tcti, pcr, value);
	assert_memory_equal(value, expected, 32);
}

/* Somebody else, with a digest that is all one byte. */
static void
extend_pcr(const char *tcti, unsigned pcr, uint8_t fill)
{
	TPML_DIGEST_VALUES d = {.count = 1};
	struct tpm t;

	d.digests[0].hashAlg = TPM2_ALG_SHA256;
	memset(d.digests[0].digest.sha256, fill, 32);
	swtpm_open(&t, tcti);
	assert_int_equal(Esys_PCR_Extend(t.esys, ESYS_TR_PCR0 + pcr,
			     ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &d),
	    0);
	tpm_close(&t);
}

/* ---- evidence ---- */

/* A firmware's log with one event of PCR 7, which is extended with it. */
static void
boot(struct fixture *f)
{
	uint8_t p[512], digest[32];
	struct wr w = wr_make(p, sizeof(p));
	static const uint8_t zeros[20];

	memset(digest, 0x77, 32);
	assert_true(!wr_u32(&w, 0) && !wr_u32(&w, 3) &&
		    !wr_bytes(&w, zeros, 20) && !wr_u32(&w, 33) &&
		    !wr_bytes(&w, "Spec ID Event03", 16) && !wr_u32(&w, 0) &&
		    !wr_u32(&w, 0x02000200) && !wr_u32(&w, 1) &&
		    !wr_u16(&w, 0x0b) && !wr_u16(&w, 32) && !wr_u8(&w, 0));
	assert_true(!wr_u32(&w, 7) && !wr_u32(&w, 4) && !wr_u32(&w, 1) &&
		    !wr_u16(&w, 0x0b) && !wr_bytes(&w, digest, 32) &&
		    !wr_blob(&w, "boot", 4));
	assert_int_equal(
	    file_write_new(AT_FDCWD, f->log, p, w.len, 0600), CL_OK);
	f->c.tpm_eventlog = f->log;
	extend_pcr(f->tcti, 7, 0x77);
}

/* Makes the log longer, by records that extend nothing, to at least n bytes. */
static void
lengthen(struct fixture *f, size_t n)
{
	static const uint8_t record[46] = {
	    0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0x0b};
	FILE *file = fopen(f->log, "ab");

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	while ((size_t)ftell(file) < n) {
		assert_int_equal(fwrite(record, 1, 46, file), 46);
		assert_int_equal(fwrite("\0\0\0\0", 1, 4, file), 4);
	}
	fclose(file);
}

static int
start(struct fixture *f)
{
	struct measure_register r = measure_tpm(&f->c);

	return measure_register(&r, f->path, f->binary, f->config, f->reason);
}

static void
make_claims(struct fixture *f, struct evidence *e)
{
	struct evidence_claims c = {
	    .tee = "tpm", .version = "0.1.0", .memory = "memfd_secret"};
	int i;

	for (i = 0; i < 32; i++) {
		sprintf(c.binary + 2 * i, "%02x", f->binary[i]);
		sprintf(c.config + 2 * i, "%02x", f->config[i]);
	}
	c.expires = NOW + 300;
	strcpy(e->tee, "tpm");
	memcpy(e->nonce, f->nonce, sizeof(f->nonce));
	assert_int_equal(
	    evidence_claims_print(&c, &e->claims, &e->claims_n), 0);
}

static int
verdict(const struct evidence *e, const char *policy, json_t **fields)
{
	struct appraise_input in = {
	    .evidence = e, .nonce = e->nonce, .time = NOW};
	struct appraise_result result;
	struct appraise_policy *p;
	int r;

	assert_int_equal(appraise_policy_parse(policy, strlen(policy), &p), 0);
	in.policy = p;
	r = appraise_input(&in, NULL, &result, fields);
	appraise_policy_free(p);
	return r;
}

/* Events of the log in it; 0: there is none. */
static unsigned
count_events(const struct evidence *e)
{
	struct eventlog_event event;
	struct eventlog cursor;
	struct tpm_doc doc;
	unsigned n = 0;

	assert_int_equal(tpm_doc_parse(e->raw, e->raw_n, &doc), CL_OK);
	if (doc.eventlog.n) {
		assert_int_equal(
		    eventlog_open(&cursor, doc.eventlog.p, doc.eventlog.n),
		    CL_OK);
		while (eventlog_next(&cursor, &event) == 0)
			n++;
		assert_int_equal(cursor.left, 0);
	}
	tpm_doc_clear(&doc);
	return n;
}

/* An owner who enrolled the TPM and insists on a log; events: that must be in
 * it, 0: the log is missing, which he refuses. */
static void
judge(struct fixture *f, unsigned events)
{
	uint8_t data[EVIDENCE_REPORT_DATA];
	struct evidence e = {0};
	json_t *fields = NULL;
	char policy[512];
	const char *name;

	make_claims(f, &e);
	assert_int_equal(
	    evidence_report_data(e.nonce, e.claims, e.claims_n, data), CL_OK);
	if (evidence_tpm()->produce(&f->c, data, &e, f->reason) != 0)
		fail_msg("%s", f->reason);
	assert_int_equal(count_events(&e), events);
	(void)verdict(&e, "{\"v\":1}", &fields);
	name = json_string_value(
	    json_object_get(json_object_get(fields, "quote"), "ak_name"));
	assert_non_null(name);
	snprintf(policy, sizeof(policy),
	    "{\"v\":1,\"allow_unknown_software\":true,\"tpm\":{\"ak_name\":"
	    "[\"%s\"],\"required_pcrs\":[15],\"require_eventlog\":true,"
	    "\"allow_unsafe_clock\":true}}",
	    name);
	assert_int_equal(
	    verdict(&e, policy, NULL), events ? CL_OK : CL_ERR_APPRAISAL);
	json_decref(fields);
	evidence_clear(&e);
}

/* ---- tests ---- */

static void
failures_have_reasons(void **state)
{
	struct fixture *f = fixture(state);
	struct measure_register r = measure_tpm(&f->c);

	f->c.tpm_tcti = "swtpm:path=/nonexistent/t";
	assert_int_equal(r.probe(&r, f->reason), CL_ERR_TPM);
	assert_non_null(strstr(f->reason, "/nonexistent/t"));
	assert_int_equal(start(f), CL_ERR_TPM);
	assert_int_equal(access(f->path, F_OK), -1);
	f->c.tpm_tcti = f->tcti;
	assert_int_equal(r.probe(&r, f->reason), CL_OK);
	/* An event that is longer than a TPM takes would be our own bug; one
	 * with another digest would be the TPM's. */
	assert_int_equal(
	    r.extend(&r, f->binary, 32, f->config, f->reason), CL_ERR_TPM);
	assert_non_null(strstr(f->reason, "another SHA-256 digest"));
}

static void
a_start_is_in_the_pcr_and_in_the_log(void **state)
{
	struct fixture *f = fixture(state);
	uint8_t expected[32] = {0}, zeros[32] = {0};

	boot(f);
	judge(f, 1);
	started(expected, f->binary, f->config);
	assert_int_equal(start(f), CL_OK);
	assert_int_equal(start(f), CL_OK);
	pcr_must_be(f->tcti, 15, expected);
	judge(f, 2);
	f->config[0] ^= 1;
	started(expected, f->binary, f->config);
	assert_int_equal(start(f), CL_OK);
	pcr_must_be(f->tcti, 15, expected);
	pcr_must_be(f->tcti, 14, zeros);
	judge(f, 3);
}

/* Other banks than that of the quote have it as well. */
static void
each_bank_is_extended(void **state)
{
	static const struct {
		TPM2_ALG_ID alg;
		const char *name;
	} banks[] = {{TPM2_ALG_SHA384, "SHA384"}, {TPM2_ALG_SHA512, "SHA512"}};
	struct fixture *f = fixture(state);
	uint8_t both[128] = {0}, event[RUNTIME_EVENT_MAX], value[64];
	struct runtime_record e = {.kind = EVENTLOG_TPM, .reg = 15};
	TPML_PCR_SELECTION want = {.count = 1}, *got;
	TPML_DIGEST *values;
	size_t n, i, size;
	struct tpm t;

	memcpy(e.binary, f->binary, 32);
	memcpy(e.config, f->config, 32);
	n = runtime_event(&e, event);
	assert_int_equal(start(f), CL_OK);
	swtpm_open(&t, f->tcti);
	for (i = 0; i < 2; i++) {
		want.pcrSelections[0].hash = banks[i].alg;
		want.pcrSelections[0].sizeofSelect = 3;
		want.pcrSelections[0].pcrSelect[1] = 0x80;
		assert_int_equal(
		    Esys_PCR_Read(t.esys, ESYS_TR_NONE, ESYS_TR_NONE,
			ESYS_TR_NONE, &want, NULL, &got, &values),
		    0);
		/* A bank that this TPM does not have switched on is empty. */
		if (values->count) {
			size = values->digests[0].size;
			memset(both, 0, sizeof(both));
			assert_true(EVP_Q_digest(NULL, banks[i].name, NULL,
			    event, n, both + size, NULL));
			assert_true(EVP_Q_digest(NULL, banks[i].name, NULL,
			    both, 2 * size, value, NULL));
			assert_memory_equal(
			    values->digests[0].buffer, value, size);
		}
		Esys_Free(got);
		Esys_Free(values);
	}
	tpm_close(&t);
}

static void
a_stranger_costs_our_part_of_the_log(void **state)
{
	struct fixture *f = fixture(state);

	boot(f);
	assert_int_equal(start(f), CL_OK);
	extend_pcr(f->tcti, 15, 0x99);
	judge(f, 1);
	assert_int_equal(start(f), CL_OK);
	judge(f, 1);
	/* Without a log of the firmware nothing is left. */
	f->c.tpm_eventlog = "";
	judge(f, 0);
}

/* The largest log that fits beside the quote goes; one more record does not,
 * and takes nothing else along. */
static void
a_long_log_goes_as_long_as_it_fits(void **state)
{
	struct fixture *f = fixture(state);
	size_t n = 96000, last = 0;
	struct evidence e;
	uint8_t data[64] = {0};

	boot(f);
	assert_int_equal(start(f), CL_OK);
	for (;; n += 50) {
		lengthen(f, n);
		memset(&e, 0, sizeof(e));
		if (evidence_tpm()->produce(&f->c, data, &e, f->reason) != 0)
			fail_msg("%s", f->reason);
		if (count_events(&e) < 3)
			break;
		last = e.raw_n;
		evidence_clear(&e);
		assert_true(n < EVIDENCE_RAW_MAX);
	}
	/* Of a log that is too long, ours is left. */
	assert_int_equal(count_events(&e), 1);
	evidence_clear(&e);
	assert_in_range(last, EVIDENCE_RAW_MAX - 256, EVIDENCE_RAW_MAX);
}

static void
a_tpm_that_was_reset_begins_anew(void **state)
{
	struct fixture *f = fixture(state);
	uint8_t expected[32] = {0};

	assert_int_equal(start(f), CL_OK);
	swtpm_stop(f->swtpm);
	f->swtpm = swtpm_start(f->s->path);
	judge(f, 0);
	assert_int_equal(start(f), CL_OK);
	started(expected, f->binary, f->config);
	pcr_must_be(f->tcti, 15, expected);
	judge(f, 1);
}

/* ---- a living agent ---- */

static void
digests_of(const struct agent *a, uint8_t binary[32], uint8_t config[32])
{
	struct config c;
	char error[CONFIG_ERROR];
	uint8_t *p = NULL;
	size_t n = 0;

	assert_int_equal(config_load(a->config, &c, error), CL_OK);
	memcpy(config, c.digest, 32);
	assert_int_equal(
	    file_read(AT_FDCWD, "/proc/self/exe", 64 << 20, &p, &n), CL_OK);
	assert_int_equal(EVP_Digest(p, n, binary, NULL, EVP_sha256(), NULL), 1);
	secmem_free(p);
}

/* Serving, so past its measuring. */
static void
pcr_of_served(struct agent *a, const char *tcti, const uint8_t expected[32])
{
	assert_int_equal(agent_hello(a), CL_OK);
	pcr_must_be(tcti, 15, expected);
}

static void
an_agent_measures_itself_once(void **state)
{
	struct fixture *f = fixture(state);
	uint8_t expected[32] = {0}, binary[32], config[32];
	char more[512];
	struct agent *a;
	int n;

	n = snprintf(more, sizeof(more),
	    "[tpm]\ntcti = %s\nak = primary\neventlog =\n[devices]\n"
	    "runtime_log = %s\n[memory]\nallow_mlock = yes\n",
	    f->tcti, f->path);
	a = agent_make_on("tpm", more);
	digests_of(a, binary, config);
	started(expected, binary, config);
	pcr_of_served(a, f->tcti, expected);
	agent_stop(a);
	agent_launch(a);
	pcr_of_served(a, f->tcti, expected);
	agent_stop(a);
	/* A remark is another configuration: its digest is in the claims. */
	snprintf(more + n, sizeof(more) - (size_t)n, "# changed\n");
	agent_configure(a, more);
	agent_launch(a);
	digests_of(a, binary, config);
	started(expected, binary, config);
	pcr_of_served(a, f->tcti, expected);
	agent_free(a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

static const struct CMUnitTest tests[] = {
    TEST(failures_have_reasons),
    TEST(a_start_is_in_the_pcr_and_in_the_log),
    TEST(each_bank_is_extended),
    TEST(a_stranger_costs_our_part_of_the_log),
    TEST(a_long_log_goes_as_long_as_it_fits),
    TEST(a_tpm_that_was_reset_begins_anew),
    TEST(an_agent_measures_itself_once),
};

AGENT_MAIN(tests)
