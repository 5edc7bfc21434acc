/* client/verify_html: an attacker's texts on a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/verify_html.h"

#define BAD "\xef\xbf\xbd"

static char *
escaped(const char *s)
{
	static char out[4096];
	FILE *f = fmemopen(out, sizeof(out), "w");

	assert_non_null(f);
	verify_html_escape(f, s);
	assert_int_equal(fclose(f), 0);
	return out;
}

static void
markup_is_escaped(void **state)
{
	(void)state;
	assert_string_equal(escaped(""), "");
	assert_string_equal(escaped("plain <= text"), "plain &#60;= text");
	assert_string_equal(escaped("<script>alert('x')</script>"),
	    "&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;");
	assert_string_equal(
	    escaped("\" onload=\"`x`"), "&#34; onload=&#34;&#96;x&#96;");
	assert_string_equal(escaped("&lt;&#60;"), "&#38;lt;&#38;#60;");
}

/* Whole characters stay; parts of them, forms that are too long, surrogates
 * and what is above the last character do not, nor do they swallow a '<'. */
static void
only_utf8_comes_out(void **state)
{
	static const struct {
		const char *in, *out;
	} all[] = {{"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x92",
		       "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x92"},
	    {"\xff", BAD}, {"\x80", BAD}, {"\xc3<", BAD "&#60;"},
	    {"\xe2\x82<", BAD BAD "&#60;"}, {"\xf0\x9f\x94", BAD BAD BAD},
	    {"\xc0\xbc", BAD BAD}, {"\xe0\x80\xbc", BAD BAD BAD},
	    {"\xed\xa0\x80", BAD BAD BAD},
	    {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, {"\xc3", BAD}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_string_equal(escaped(all[i].in), all[i].out);
}

static void
what_misleads_is_replaced(void **state)
{
	static const char *const all[] = {"\x01", "\x1b", "\n", "\x7f",
	    "\xc2\x85", "\xc2\xad", "\xe2\x80\xae", "\xe2\x80\x8b",
	    "\xe2\x81\xa6", "\xef\xbb\xbf", "\xf3\xa0\x80\xbc"};
	char in[16], out[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(in, sizeof(in), "a%sb", all[i]);
		snprintf(out, sizeof(out), "a%sb", BAD);
		assert_string_equal(escaped(in), out);
	}
}

/* Every byte alone and after a lead byte: never markup, never a raw byte. */
static void
no_byte_is_markup(void **state)
{
	static const unsigned char leads[] = {'a', 0xc3, 0xe2, 0xf0};
	char in[3] = {0}, *out;
	unsigned i, k;

	(void)state;
	for (k = 0; k < sizeof(leads); k++)
		for (i = 1; i < 256; i++) {
			in[0] = (char)leads[k];
			in[1] = (char)i;
			out = escaped(in);
			assert_null(strpbrk(out, "<>\"'`"));
			assert_true(strlen(out) >= 2);
		}
}

static char *
page_of(const struct verify_html *page)
{
	char *out = NULL;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	assert_non_null(f);
	verify_html_print(f, page);
	assert_int_equal(fclose(f), 0);
	return out;
}

static unsigned
count(const char *page, const char *what)
{
	unsigned n = 0;

	for (; (page = strstr(page, what)); page++)
		n++;
	return n;
}

#define EVIL "</td><script src=http://x>"

static struct appraise_result *
result_of(bool authentic, bool accepted)
{
	static struct appraise_result r;

	memset(&r, 0, sizeof(r));
	r.authentic = authentic;
	r.accepted = accepted;
	rows_say(&r, "vek", true, "a", "b");
	rows_say(&r, "chain", authentic, EVIL, EVIL);
	if (authentic) {
		rows_say(&r, "report.signature", true, "x", "x");
		rows_say(&r, "report_data", true, "x", "x");
		rows_say(&r, "measurement", accepted, "x", EVIL);
	}
	return &r;
}

/* Every place that takes a text of the evidence. */
static void
evidence_cannot_write_markup(void **state)
{
	struct evidence_claims claims = {.tee = "<script>", .version = EVIL};
	json_t *fields =
	    json_pack("{s:{s:[s]}, s:s}", EVIL, EVIL "'", EVIL, "n", EVIL);
	struct appraise_result *r = result_of(false, false);
	struct verify_html page = {.result = r,
	    .fields = fields,
	    .claims = &claims,
	    .file = EVIL,
	    .fresh = true};
	char *html;

	(void)state;
	strcpy(claims.binary, EVIL);
	strcpy(claims.config, EVIL);
	strcpy(r->tcb, "<script>");
	html = page_of(&page);
	assert_null(strstr(html, "<script"));
	assert_true(count(html, "&#60;script") >= 10);
	free(html);
	json_decref(fields);
}

/* Nothing is fetched, and nothing runs, whatever else goes wrong. */
static void
page_needs_nothing_else(void **state)
{
	struct appraise_result r = {.authentic = true, .accepted = true};
	struct verify_html page = {.result = &r, .tee = "snp", .file = "x"};
	char *html;

	(void)state;
	rows_say(&r, "chain", true, "x", "x");
	html = page_of(&page);
	assert_null(strstr(html, "://"));
	assert_null(strstr(html, "url("));
	assert_null(strstr(html, "@import"));
	assert_null(strstr(html, " src="));
	assert_null(strstr(html, " href="));
	assert_non_null(strstr(html, "default-src 'none'"));
	assert_non_null(strstr(html, "prefers-color-scheme:dark"));
	assert_int_equal(count(html, "<svg"), 1);
	assert_int_equal(count(html, "</html>"), 1);
	free(html);
}

/* The verdict first, then a picture that says the same. */
static void
verdict_is_on_top(void **state)
{
	struct verify_html page = {.tee = "snp", .file = "-"};
	char *html;

	(void)state;
	page.result = result_of(true, true);
	html = page_of(&page);
	assert_non_null(strstr(html, "<h1>Accepted</h1>"));
	assert_non_null(strstr(html, "may be a replay"));
	assert_int_equal(count(html, "<g class=\"good\">"), 5);
	free(html);

	page.result = result_of(true, false);
	html = page_of(&page);
	assert_non_null(strstr(html, "<h1>Refused</h1>"));
	assert_int_equal(count(html, "<g class=\"bad\">"), 1);
	assert_int_equal(count(html, "<tr class=\"bad\">"), 1);
	free(html);

	page.result = result_of(false, false);
	html = page_of(&page);
	assert_non_null(strstr(html, "<h1>Refused: not genuine</h1>"));
	assert_null(strstr(html, "Accepted"));
	/* Root and intermediate; what was not looked at is not green. */
	assert_int_equal(count(html, "<g class=\"bad\">"), 2);
	assert_int_equal(count(html, "<g class=\"good\">"), 1);
	assert_int_equal(count(html, "<g class=\"none\">"), 2);
	free(html);
}

static void
uncompared_data_is_not_green(void **state)
{
	struct appraise_result r = {.authentic = true, .accepted = true};
	struct verify_html page = {.result = &r, .tee = "tdx", .file = "-"};
	char *html;

	(void)state;
	rows_say(&r, "tdx.signature", true, "x", "x");
	rows_say(&r, "report_data", true, "anything", "not compared");
	html = page_of(&page);
	assert_int_equal(count(html, ">not compared</text>"), 1);
	assert_int_equal(count(html, "<g class=\"good\">"), 1);
	free(html);
}

static json_t *
record(const char *text, bool known)
{
	return json_pack("{s:s, s:s, s:{s:s}, s:s, s:b}", "name", EVIL,
	    "type_name", EVIL, "digests", EVIL, EVIL, "text", text,
	    "digest_is_of_text", known);
}

/* Registers and records have a table; what no digest is of is marked. */
static void
logs_are_shown(void **state)
{
	struct appraise_result r = {.authentic = true, .accepted = true};
	json_t *events =
	    json_pack("[o, o]", record(EVIL, true), record("a claim", false));
	json_t *fields = json_pack("{s:{s:{s:s}, s:O}}", "eventlog",
	    "registers", EVIL, EVIL, "events", events);
	struct verify_html page = {
	    .result = &r, .fields = fields, .tee = "tdx", .file = "-"};
	char *html;
	unsigned i;

	(void)state;
	rows_say(&r, "tdx.signature", true, "x", "x");
	rows_say(&r, "eventlog", true, "x", "x");
	rows_say(&r, "eventlog.rtmr0", true, "x", "x");
	html = page_of(&page);
	assert_null(strstr(html, "<script"));
	assert_int_equal(count(html, "<h2>Event log</h2>"), 1);
	assert_int_equal(count(html, ">Event log</text>"), 1);
	assert_int_equal(count(html, "(not measured)"), 1);
	assert_non_null(strstr(html, "a claim</code> (not measured)"));
	assert_int_equal(count(html, "<g class=\"good\">"), 2);
	free(html);
	/* A long one is cut, and the page says so. */
	for (i = 0; i < 2100; i++)
		json_array_append_new(events, record("a claim", false));
	html = page_of(&page);
	assert_int_equal(count(html, "a claim"), 1999);
	assert_non_null(strstr(html, "And 102 more"));
	free(html);
	json_decref(events);
	json_decref(fields);
}

/* In the picture: red when it does not replay, grey when it is not used, not
 * there when none came. */
static void
logs_are_links(void **state)
{
	static const struct {
		const char *claim, *came;
		bool ok;
		unsigned links, bad, none;
	} all[] = {{"eventlog", "none", true, 0, 0, 4},
	    {"eventlog", "none", false, 1, 1, 4},
	    {"eventlog", "not used: no registers", true, 1, 0, 5},
	    {"eventlog.rtmr1", "00", false, 1, 1, 4},
	    {"eventlog.agent", "x", true, 1, 0, 4}};
	struct appraise_result r;
	struct verify_html page = {.result = &r, .tee = "csv", .file = "-"};
	char *html;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		memset(&r, 0, sizeof(r));
		rows_say(&r, "report.signature", true, "x", "x");
		rows_say(&r, all[i].claim, all[i].ok, "x", all[i].came);
		html = page_of(&page);
		assert_int_equal(
		    count(html, ">Event log</text>"), all[i].links);
		assert_int_equal(count(html, "<g class=\"bad\">"), all[i].bad);
		assert_int_equal(
		    count(html, "<g class=\"none\">"), all[i].none);
		assert_int_equal(count(html, ">names</text>"), i == 4);
		free(html);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(markup_is_escaped),
	    cmocka_unit_test(only_utf8_comes_out),
	    cmocka_unit_test(what_misleads_is_replaced),
	    cmocka_unit_test(no_byte_is_markup),
	    cmocka_unit_test(evidence_cannot_write_markup),
	    cmocka_unit_test(page_needs_nothing_else),
	    cmocka_unit_test(verdict_is_on_top),
	    cmocka_unit_test(uncompared_data_is_not_green),
	    cmocka_unit_test(logs_are_shown),
	    cmocka_unit_test(logs_are_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
