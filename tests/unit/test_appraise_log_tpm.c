/* policy/appraise on a TPM's quote with an event log: reference events and the
 * agent's own records in PCRs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_log.h"
#include "fake_tpm.h"
#include "lib/secmem.h"
#include "policy/appraise.h"

#define HEX8(x)	    x x x x x x x x
#define HEX32(x)    HEX8(x) HEX8(x) HEX8(x) HEX8(x)
#define EVENT(r, x) "{\"register\":\"" r "\",\"digest\":\"" HEX32(x) "\"}"

/* Firmware and boot loader in PCR 4, files in 8 and 9, the agent in 11. */
static void
make_log(struct fake_log *l)
{
	fake_log_new(l, FAKE_LOG_SHA256);
	fake_log_text(
	    l, 4, 0x80000007, "Calling EFI Application from Boot Option");
	fake_log_add(l, 4, 4, NULL, "\0\0\0", 4);
	fake_log_image(l, 4, 0x80000003, 0xaa);
	fake_log_image(l, 8, 0xd, 0xbb);
	fake_log_image(l, 9, 0xd, 0xcc);
	fake_log_start(l, 11, 'b', 'c');
}

static uint32_t quoted; /* PCRs; 0: as fake_tpm_good() has it */

/* "": accepted, else the first refused claim. The quote's PCRs are those of
 * the log where it has any, but for odd, which something else extended. */
static const char *
judge(const struct fake_log *l, int odd, const char *tpm, const char *more)
{
	static struct appraise_result result;
	struct fake_tpm f = fake_tpm_good();
	struct appraise_input in = {.tee = "tpm",
	    .report_data = (const uint8_t *)HEX32("xx"),
	    .time = 1};
	struct appraise_policy *p;
	struct crypto_part part;
	char text[4096], pin[65];
	uint8_t *spki = NULL, digest[32];
	unsigned i;
	json_t *doc;
	size_t n;
	int len, r;

	for (i = 0; i < 24; i++)
		if (l->value[i][0])
			memcpy(f.pcr[i], l->value[i], 32);
	if (odd >= 0)
		f.pcr[odd][0] ^= 1;
	f.mask = quoted ? quoted : f.mask;
	f.extra_n = 32;
	part = (struct crypto_part){in.report_data, 64};
	assert_int_equal(crypto_sha256(&part, 1, f.extra), 0);
	doc = fake_tpm_doc(&f);
	assert_int_equal(json_set_blob(doc, "eventlog", l->p, l->w.len), 0);
	in.raw = (uint8_t *)json_text(doc, &n);
	in.raw_n = n;
	json_decref(doc);
	len = i2d_PUBKEY(f.key, &spki);
	part = (struct crypto_part){spki, (size_t)len};
	assert_int_equal(crypto_sha256(&part, 1, digest), 0);
	OPENSSL_free(spki);
	rows_hex(digest, 32, pin);
	snprintf(text, sizeof(text), "{\"v\":1,\"tpm\":{\"ak\":[\"%s\"]%s}%s}",
	    pin, tpm, more);
	if (appraise_policy_parse(text, strlen(text), &p) != 0)
		fail_msg("%s: %s", text, json_why());
	in.policy = p;
	r = appraise_input(&in, NULL, &result, NULL);
	appraise_policy_free(p);
	secmem_free((void *)(uintptr_t)in.raw);
	assert_true(result.authentic);
	assert_int_equal(r, result.accepted ? CL_OK : CL_ERR_APPRAISAL);
	for (i = 0; i < result.nrows && result.rows[i].ok; i++)
		;
	return i < result.nrows ? result.rows[i].claim : "";
}

static void
logs_are_as_good_as_their_pcrs(void **state)
{
	struct fake_log *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	make_log(l);
	assert_string_equal(
	    judge(l, -1, ",\"eventlog\":{\"require\":true}", ""), "");
	/* PCR 0 has a value and no record: others measure, too. */
	assert_string_equal(judge(l, 0, "", ""), "");
	assert_string_equal(judge(l, 9, "", ""), "eventlog");
	/* Nothing that PCR 9 does not vouch for is believed. */
	assert_string_equal(
	    judge(l, 9, ",\"eventlog\":{\"events\":[" EVENT("pcr8", "bb") "]}",
		""),
	    "eventlog");
	free(l);
}

static void
starts_are_judged(void **state)
{
	static const char other[] = ",\"binary\":[\"" HEX32("dd") "\"]";
	struct fake_log *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	make_log(l);
	assert_string_equal(
	    judge(l, -1, ",\"eventlog\":{\"agent\":true}", ""), "");
	/* A blob has no claims; who lists binaries wants them. */
	assert_string_equal(judge(l, -1, "", other), "eventlog.starts");
	assert_string_equal(
	    judge(l, -1, ",\"eventlog\":{\"agent\":false}", other), "binary");
	/* In a PCR that is not quoted nothing vouches for it. */
	fake_log_new(l, FAKE_LOG_SHA256);
	fake_log_start(l, 15, 'b', 'c');
	assert_string_equal(judge(l, -1, ",\"eventlog\":{\"agent\":true}", ""),
	    "eventlog.agent");
	assert_string_equal(judge(l, -1, "", ""), "");
	free(l);
}

/* PCR 16 and 23 are set back by whoever reaches the TPM, 17 to 22 by a late
 * launch: what they hold is no start since boot. */
static void
resettable_pcrs_tell_of_no_start(void **state)
{
	static const unsigned all[] = {16, 17, 22, 23};
	struct fake_log *l = calloc(1, sizeof(*l));
	unsigned i;

	(void)state;
	assert_non_null(l);
	quoted = 0xffffff;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fake_log_new(l, FAKE_LOG_SHA256);
		fake_log_start(l, all[i], 'b', 'c');
		assert_string_equal(
		    judge(l, -1, ",\"eventlog\":{\"agent\":true}", ""),
		    "eventlog.agent");
	}
	fake_log_start(l, 15, 'b', 'c');
	assert_string_equal(
	    judge(l, -1, ",\"eventlog\":{\"agent\":true}", ""), "");
	quoted = 0;
	free(l);
}

#define GRUB                                                                   \
	",\"eventlog\":{\"only\":[\"pcr4\",\"pcr8\",\"pcr9\"],\"events\":"     \
	"[" EVENT("pcr4", "aa") "," EVENT("pcr8", "bb") "," EVENT(             \
	    "pcr9", "cc") "]}"

static void
events_are_judged(void **state)
{
	struct fake_log *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	make_log(l);
	assert_string_equal(judge(l, -1, GRUB, ""), "");
	fake_log_image(l, 9, 0xd, 0xdd);
	assert_string_equal(judge(l, -1, GRUB, ""), "eventlog.only.pcr9");
	make_log(l);
	fake_log_image(l, 4, 0x80000007, 0xdd);
	assert_string_equal(judge(l, -1, GRUB, ""), "eventlog.only.pcr4");
	fake_log_new(l, FAKE_LOG_SHA256);
	fake_log_image(l, 4, 0x80000003, 0xaa);
	fake_log_image(l, 8, 0xd, 0xbb);
	assert_string_equal(judge(l, -1, GRUB, ""), "eventlog.events");
	free(l);
}

/* Named records are as good as values of PCRs, of all that are needed. */
static void
named_events_measure(void **state)
{
	static const struct {
		const char *tpm;
		bool measures;
	} all[] = {{"{}", false}, {"{\"pcrs\":{\"4\":[],\"11\":[]}}", true},
	    {"{\"pcrs\":{\"4\":[]},\"eventlog\":{\"only\":[\"pcr11\"],"
	     "\"events\":[" EVENT("pcr11", "aa") "]}}",
		true},
	    {"{\"pcrs\":{\"4\":[]},\"eventlog\":{\"only\":[\"pcr11\"]}}",
		false},
	    {"{\"pcrs\":{\"4\":[]},\"eventlog\":{\"events\":[" EVENT(
		 "pcr11", "aa") "]}}",
		false},
	    {"{\"eventlog\":{\"only\":[\"pcr4\",\"pcr8\",\"pcr9\"],\"events\":"
	     "[" EVENT("pcr4", "aa") "," EVENT("pcr8", "aa") "]}}",
		false},
	    {"{\"eventlog\":{\"only\":[\"pcr4\",\"pcr8\",\"pcr9\"],\"events\":"
	     "[" EVENT("pcr4", "aa") "," EVENT("pcr8", "aa") "," EVENT(
		 "pcr9", "aa") "]}}",
		true}};
	struct tpm_policy p;
	json_t *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		o = json_loads(all[i].tpm, 0, NULL);
		assert_non_null(o);
		assert_int_equal(tpm_policy_parse(o, &p), 0);
		assert_int_equal(tpm_policy_measures(&p), all[i].measures);
		json_decref(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(logs_are_as_good_as_their_pcrs),
	    cmocka_unit_test(starts_are_judged),
	    cmocka_unit_test(resettable_pcrs_tell_of_no_start),
	    cmocka_unit_test(events_are_judged),
	    cmocka_unit_test(named_events_measure),
	};

	return cmocka_run_group_tests(tests, fake_tpm_keys, fake_tpm_free_keys);
}
