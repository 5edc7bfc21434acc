/* policy/evidence's envelope and its records: what does not fit is refused by
 * name, what fits comes back as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/endorse.h"
#include "policy/evidence.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define B32	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define T	 "\"application/vnd.cloister."

enum { V, TEE, NONCE, CLAIMS, EVIDENCE, LOG, ENDORSEMENTS, MEMBERS };

static const char *const members[MEMBERS] = {"\"v\":1", "\"tee\":\"sim\"",
    "\"nonce\":\"" B32 "\"", "\"claims\":\"{}\"",
    "\"evidence\":[" T "sim-report\",\"AAAA\",4]",
    "\"eventlog\":[" T "tcg-eventlog\",\"AAAA\",4]",
    "\"endorsements\":[[\"application/json\",\"e30\",2]]"};

/* An envelope with the member at replaced; "" leaves it out. */
static const char *
with(int at, const char *instead)
{
	static char text[4096];
	int i;

	strcpy(text, "{");
	for (i = 0; i < MEMBERS; i++) {
		const char *m = i == at ? instead : members[i];

		if (*m && text[1])
			strcat(text, ",");
		strcat(text, m);
	}
	return strcat(text, "}");
}

static int
parse(const char *text)
{
	struct evidence e;
	int r = evidence_parse(text, strlen(text), &e);

	evidence_clear(&e);
	return r;
}

struct bad {
	int at;
	const char *text;
	const char *why; /* a piece of it */
};

static void
refuse_all(const struct bad *bad, size_t n, int want)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = parse(with(bad[i].at, bad[i].text));
		if (r != want || !strstr(json_why(), bad[i].why))
			fail_msg(
			    "%s: %s, %s", bad[i].text, err_name(r), json_why());
	}
}

static void
every_member_has_its_form(void **state)
{
	static const struct bad bad[] = {
	    {V, "\"v\":1,\"x\":1", "x"},
	    {TEE, "\"tee\":{}", "tee"},
	    {NONCE, "\"nonce\":\"AAAA\"", "nonce"},
	    {CLAIMS, "\"claims\":{}", "claims"},
	    {ENDORSEMENTS, "\"endorsements\":{}", "endorsements"},
	    {ENDORSEMENTS, "\"endorsements\":[\"e30\"]", "endorsements"},
	    {ENDORSEMENTS, "\"endorsements\":[4]", "endorsements"},
	    {ENDORSEMENTS, "\"endorsements\":[[]]", "endorsements"},
	};
	int i;

	(void)state;
	assert_int_equal(parse(with(-1, "")), CL_OK);
	for (i = 0; i < MEMBERS; i++)
		assert_int_equal(
		    parse(with(i, "")), i == LOG ? CL_OK : CL_ERR_FORMAT);
	refuse_all(bad, COUNT(bad), CL_ERR_FORMAT);
	assert_int_equal(parse(with(V, "\"v\":2")), CL_ERR_VERSION);
}

/* Of type, content and indicator; the same for each member. */
static void
records_are_read_strictly(void **state)
{
	static const struct bad bad[] = {
	    {EVIDENCE, "\"evidence\":\"AAAA\"", "evidence: expected ["},
	    {EVIDENCE, "\"evidence\":{}", "evidence: expected ["},
	    {EVIDENCE, "\"evidence\":[]", "evidence: expected ["},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AAAA\"]",
		"evidence: expected ["},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AAAA\",4,4]",
		"evidence: expected ["},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AAAA\",2]",
		"indicator 4"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AAAA\",6]",
		"indicator 4"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AAAA\",\"4\"]",
		"indicator 4"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AAAA\",4.0]",
		"indicator 4"},
	    {EVIDENCE, "\"evidence\":[30001,\"AAAA\",4]", "a media type"},
	    {EVIDENCE, "\"evidence\":[\"\",\"AAAA\",4]", "a media type"},
	    {EVIDENCE, "\"evidence\":[\"a\\u001b[31m/b\",\"AAAA\",4]",
		"a media type"},
	    {EVIDENCE, "\"evidence\":[" T "SIM-report\",\"AAAA\",4]",
		"a media type"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\\u0000\",\"AAAA\",4]",
		"FORMAT"}, /* jansson has it */
	    {EVIDENCE, "\"evidence\":[" T B32 "\",\"AAAA\",4]", "a media type"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"\",4]", "base64url"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",1,4]", "base64url"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"A\",4]", "base64url"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AAA=\",4]",
		"base64url"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AA\\n\",4]",
		"base64url"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report\",\"AA+/\",4]",
		"base64url"},
	    {LOG, "\"eventlog\":null", "eventlog: expected ["},
	    {LOG, "\"eventlog\":[" T "tcg-eventlog\",\"\",4]",
		"eventlog: expected base64url"},
	    {LOG, "\"eventlog\":[" T "tcg-eventlog\",\"AAAA\",2]",
		"eventlog: expected indicator 4"},
	    {ENDORSEMENTS, "\"endorsements\":[[\"application/json\",\"e30\"]]",
		"endorsements: expected ["},
	    {ENDORSEMENTS,
		"\"endorsements\":[[\"application/json\",\"e30\",4]]",
		"endorsements: expected indicator 2"},
	    {ENDORSEMENTS, "\"endorsements\":[[\"application/json\",\"\",2]]",
		"endorsements: expected base64url"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (strcmp(bad[i].why, "FORMAT") != 0)
			refuse_all(bad + i, 1, CL_ERR_FORMAT);
		else
			assert_int_equal(
			    parse(with(bad[i].at, bad[i].text)), CL_ERR_FORMAT);
}

static void
types_fit_the_tee_and_the_content(void **state)
{
	static const struct bad bad[] = {
	    {EVIDENCE, "\"evidence\":[" T "snp-report\",\"AAAA\",4]",
		"evidence: expected application/vnd.cloister.sim-report, came "
		"application/vnd.cloister.snp-report"},
	    {EVIDENCE, "\"evidence\":[" T "sim-report+json\",\"AAAA\",4]",
		"evidence: expected application/vnd.cloister.sim-report, "},
	    {TEE, "\"tee\":\"snp\"",
		"evidence: expected application/vnd.cloister.snp-report, "},
	    {LOG, "\"eventlog\":[" T "sim-report\",\"AAAA\",4]",
		"eventlog: expected application/vnd.cloister.tcg-eventlog, "},
	    {ENDORSEMENTS,
		"\"endorsements\":[[\"application/pkix-cert\",\"e30\",2]]",
		"endorsements: expected application/json, came "
		"application/pkix-cert"},
	    {ENDORSEMENTS,
		"\"endorsements\":[[\"application/json\",\"AAAA\",2]]",
		"endorsements: unknown content"},
	};

	(void)state;
	refuse_all(bad, COUNT(bad), CL_ERR_FORMAT);
	assert_int_equal(
	    parse(with(TEE, "\"tee\":\"sgx\"")), CL_ERR_UNSUPPORTED);
	assert_non_null(strstr(json_why(), "snp, tdx, csv, tpm or sim"));
}

/* What no library had to parse. */
static void
glances_tell_media_types(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		const char *type;
	} cases[] = {
	    {"\x30\12\x30\10\x30\0\x30\0\x17\0\x30\0", 12,
		"application/pkix-crl"}, /* version 1 */
	    {"\x30\12\x30\10\x30\0\x30\0\x18\0\x30\0", 12,
		"application/pkix-crl"},
	    {"\x30\13\x30\11\2\1\1\x30\0\x30\0\x30\0", 13,
		"application/pkix-cert"}, /* version 1 */
	    {"\x30\12\x30\10\x30\0\x30\0\4\0\x30\0", 12, NULL},
	    {"\x30\x80\x30\x80\xa0\0\0\0", 8, NULL}, /* no length */
	    {"\x30\x84\xff\xff\xff\xff", 6, NULL},
	    {"\x30\x88\0\0\0\0\0\0\0\0", 10, NULL},
	    {" \n{", 3, "application/json"},
	    {"[", 1, NULL},
	    {"", 0, NULL},
	};
	static const char hygon[] = "application/vnd.cloister.hygon-cert";
	uint8_t p[2916] = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const char *type =
		    endorse_type((const uint8_t *)cases[i].p, cases[i].n);

		if (type != cases[i].type &&
		    (!type || !cases[i].type || strcmp(type, cases[i].type)))
			fail_msg("case %zu: %s", i, type ? type : "none");
	}
	assert_string_equal(endorse_type(p, 832), hygon);
	assert_null(endorse_type(p, 2916));
	p[36] = 0x13;
	p[832 + 8] = 4;
	p[832 + 9] = 0x10;
	assert_string_equal(endorse_type(p, 2916), hygon);
}

/* A JSON object of n bytes as an endorsement. */
static void
add_json(struct evidence *e, char *room, size_t n)
{
	memset(room, ' ', n);
	room[0] = '{';
	assert_int_equal(evidence_add_blob(e, room, n), CL_OK);
}

/* Every kind, with as much of everything as it may have. */
static void
full_envelopes_come_back(void **state)
{
	static const char *const tees[] = {"snp", "tdx", "csv", "tpm", "sim"};
	static uint8_t raw[EVIDENCE_RAW_MAX], log[EVIDENCE_LOG_MAX];
	static char exact[] =
	    "{ \"a\":\t\"\\u00e4\xc3\xa4\\\\\",\n\"b\" : 1.0 }";
	struct evidence e = {.claims = exact,
	    .claims_n = sizeof(exact) - 1,
	    .raw = raw,
	    .raw_n = sizeof(raw),
	    .log = log,
	    .log_n = sizeof(log)};
	struct evidence back;
	char *text, *room = malloc(32768);
	size_t i, n;

	(void)state;
	assert_non_null(room);
	for (i = 0; i < sizeof(log); i++)
		log[i] = (uint8_t)(i * 7 + (i >> 9));
	for (i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 5 + (i >> 8));
	memset(e.nonce, 9, sizeof(e.nonce));
	add_json(&e, room, 32768);
	add_json(&e, room, 2);
	for (i = 0; i < COUNT(tees); i++) {
		strcpy(e.tee, tees[i]);
		assert_int_equal(evidence_print(&e, &text, &n), CL_OK);
		assert_non_null(strstr(text, evidence_type(e.tee)));
		assert_int_equal(evidence_parse(text, n, &back), CL_OK);
		secmem_free(text);
		assert_string_equal(back.tee, tees[i]);
		assert_memory_equal(back.nonce, e.nonce, sizeof(e.nonce));
		assert_int_equal(back.claims_n, e.claims_n);
		assert_memory_equal(back.claims, exact, e.claims_n);
		assert_int_equal(back.raw_n, sizeof(raw));
		assert_memory_equal(back.raw, raw, sizeof(raw));
		assert_int_equal(back.log_n, sizeof(log));
		assert_memory_equal(back.log, log, sizeof(log));
		assert_int_equal(back.nblobs, 2);
		assert_int_equal(back.blobs[0].n, 32768);
		assert_int_equal(back.blobs[1].n, 2);
		assert_memory_equal(back.blobs[1].p, "{ ", 2);
		evidence_clear(&back);
		evidence_clear(&back); /* twice is fine */
	}
	e.claims = NULL;
	e.raw = e.log = NULL;
	evidence_clear(&e);
	free(room);
}

/* Printed, and read: members one byte too large are refused by the reader. */
static void
one_past_the_limits(void **state)
{
	static const struct {
		size_t claims, raw, log;
		int want;
	} cases[] = {
	    {EVIDENCE_CLAIMS_MAX, EVIDENCE_RAW_MAX, EVIDENCE_LOG_MAX, CL_OK},
	    {EVIDENCE_CLAIMS_MAX + 1, 1, 0, CL_ERR_FORMAT},
	    {1, EVIDENCE_RAW_MAX + 1, 0, CL_ERR_TOO_LARGE},
	    {1, EVIDENCE_RAW_MAX + 2, 0, CL_ERR_TOO_LARGE},
	    {1, 1, EVIDENCE_LOG_MAX + 1, CL_ERR_TOO_LARGE},
	    {1, 1, EVIDENCE_LOG_MAX + 2, CL_ERR_TOO_LARGE},
	    {1, 1, EVIDENCE_LOG_MAX + 3, CL_ERR_TOO_LARGE},
	};
	struct evidence e = {.tee = "tdx"};
	char *big = malloc(EVIDENCE_TEXT_MAX + 1), *text;
	size_t i, n;

	(void)state;
	assert_non_null(big);
	memset(big, ' ', EVIDENCE_TEXT_MAX + 1);
	e.claims = big;
	e.raw = e.log = (uint8_t *)big;
	for (i = 0; i < COUNT(cases); i++) {
		e.claims_n = cases[i].claims;
		e.raw_n = cases[i].raw;
		e.log_n = cases[i].log;
		assert_int_equal(evidence_print(&e, &text, &n), CL_OK);
		assert_int_equal(parse(text), cases[i].want);
		secmem_free(text);
	}
	free(big);
}

static void
the_whole_is_bounded(void **state)
{
	size_t n = strlen(with(-1, ""));
	char *big = malloc(EVIDENCE_TEXT_MAX + 2), *text;
	struct evidence e = {.tee = "snp"};

	(void)state;
	assert_non_null(big);
	memset(big, ' ', EVIDENCE_TEXT_MAX + 1);
	memcpy(big, with(-1, ""), n);
	big[EVIDENCE_TEXT_MAX] = '\0';
	assert_int_equal(parse(big), CL_OK);
	big[EVIDENCE_TEXT_MAX] = ' ';
	big[EVIDENCE_TEXT_MAX + 1] = '\0';
	assert_int_equal(parse(big), CL_ERR_TOO_LARGE);
	assert_non_null(strstr(json_why(), "2 MiB"));
	/* The printer does not make what no reader takes. */
	e.claims = big;
	e.raw = (uint8_t *)big;
	e.claims_n = e.raw_n = 1;
	add_json(&e, big, EVIDENCE_BLOB_MAX);
	add_json(&e, big, EVIDENCE_BLOB_MAX / 2);
	assert_int_equal(evidence_print(&e, &text, &n), CL_ERR_TOO_LARGE);
	assert_null(text);
	e.claims = NULL;
	e.raw = NULL;
	evidence_clear(&e);
	free(big);
}

static void
nothing_without_a_type_is_printed(void **state)
{
	static uint8_t raw[] = {1};
	static char claims[] = "{}";
	struct evidence e = {.tee = "sgx",
	    .claims = claims,
	    .claims_n = 2,
	    .raw = raw,
	    .raw_n = 1};
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(evidence_print(&e, &text, &n), CL_ERR_UNSUPPORTED);
	strcpy(e.tee, "snp");
	assert_int_equal(evidence_add_blob(&e, "junk", 4), CL_OK);
	assert_int_equal(evidence_print(&e, &text, &n), CL_ERR_FORMAT);
	e.claims = NULL;
	e.raw = NULL;
	evidence_clear(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_member_has_its_form),
	    cmocka_unit_test(records_are_read_strictly),
	    cmocka_unit_test(types_fit_the_tee_and_the_content),
	    cmocka_unit_test(glances_tell_media_types),
	    cmocka_unit_test(one_past_the_limits),
	    cmocka_unit_test(the_whole_is_bounded),
	    cmocka_unit_test(nothing_without_a_type_is_printed),
	    cmocka_unit_test(full_envelopes_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
