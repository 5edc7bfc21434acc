#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "client/verify_html.h"
#include "client/verify_html_chain.h"
#include "client/verify_html_log.h"
#include "lib/version.h"

/* Colours stand in variables, twice: for light and for dark. */
static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\"\n"
    " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>Attestation verdict</title>\n"
    "<style>\n"
    ":root{--page:#f6f7f9;--card:#fff;--text:#1a1d21;--dim:#5c6670;"
    "--line:#d9dee4;\n"
    "--good:#17703a;--good-bg:#e6f4ea;--bad:#b3261e;--bad-bg:#fce8e6;"
    "--none-bg:#eef0f3}\n"
    "@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1d2125;"
    "--text:#e6e9ec;\n"
    "--dim:#9aa5b1;--line:#363c43;--good:#6fd08c;--good-bg:#16301f;"
    "--bad:#ff8a80;--bad-bg:#3b1a18;--none-bg:#262b30}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--text);"
    "font:15px/1.5 system-ui,sans-serif}\n"
    "main{max-width:72rem;margin:0 auto;padding:1.5rem}\n"
    "section,header{background:var(--card);border:1px solid var(--line);"
    "border-radius:8px;padding:1.25rem 1.5rem;margin-bottom:1.25rem}\n"
    "header{border-left-width:8px}\n"
    "header.good{border-left-color:var(--good)}\n"
    "header.bad{border-left-color:var(--bad)}\n"
    "h1{font-size:1.75rem;line-height:1.2;margin:0 0 .4rem}\n"
    ".good h1,td.good{color:var(--good)}\n"
    ".bad h1,td.bad{color:var(--bad)}\n"
    "h2{font-size:1.1rem;margin:0 0 .75rem}\n"
    "p{margin:.4rem 0;max-width:65ch}\n"
    ".dim{color:var(--dim)}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:.5rem 2.5rem;margin:1rem 0 0}\n"
    ".facts dt{color:var(--dim);font-size:.8rem}\n"
    ".facts dd{margin:0;overflow-wrap:anywhere}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;min-width:42rem}\n"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem "
    "0;border-top:1px solid var(--line);overflow-wrap:anywhere}\n"
    "thead th{border-top:0;white-space:nowrap;color:var(--dim);font-weight:500;"
    "font-size:.8rem}\n"
    "tbody th{font-weight:500;min-width:14rem}\n"
    "td.good,td.bad{white-space:nowrap;font-weight:600}\n"
    "tr.bad{background:var(--bad-bg)}\n"
    "tr.bad th{padding-left:.5rem}\n"
    "code{font:13px/1.45 ui-monospace,monospace}\n"
    "svg{display:block;min-width:56rem;width:100%;height:auto;"
    "font-family:inherit}\n"
    "svg text{fill:var(--text);font-size:13px}\n"
    "svg .name{font-weight:600}\n"
    "svg .dim{fill:var(--dim);font-size:11.5px}\n"
    "svg rect{stroke-width:1.5;fill:var(--none-bg);stroke:var(--line)}\n"
    "svg .good rect{fill:var(--good-bg);stroke:var(--good)}\n"
    "svg .bad rect{fill:var(--bad-bg);stroke:var(--bad)}\n"
    "svg .good .state{fill:var(--good)}svg .bad .state{fill:var(--bad)}\n"
    "svg path{fill:none;stroke:var(--dim);stroke-width:1.5}\n"
    "footer{color:var(--dim);font-size:.85rem}\n"
    "@media print{section,header{break-inside:avoid-page}}\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n";

/* One character of UTF-8 at s: its length, 0 when there is none. */
static unsigned
character(const unsigned char *s, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned n = *s < 0x80	 ? 1
		     : *s < 0xc2 ? 0
		     : *s < 0xe0 ? 2
		     : *s < 0xf0 ? 3
		     : *s < 0xf5 ? 4
				 : 0;
	unsigned i;

	*out = n > 1 ? *s & (0x7fu >> n) : *s;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*out = *out << 6 | (s[i] & 0x3f);
	}
	if (n && (*out < least[n] || *out > 0x10ffff ||
		     (*out >= 0xd800 && *out < 0xe000)))
		return 0;
	return n;
}

/* Controls (tab and line feed, too: none of ours has them), and what reorders,
 * hides or joins text: a value shall look like what it is. */
static bool
is_misleading(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xffff && c != 0xfffd) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

void
verify_html_escape(FILE *f, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c;
	unsigned n;

	for (; *p; p += n) {
		n = character(p, &c);
		if (!n || is_misleading(c)) {
			fputs("\xef\xbf\xbd", f);
			n = n ? n : 1;
		} else if (strchr("&<>\"'`", (int)c) && c < 0x80)
			fprintf(f, "&#%u;", (unsigned)c);
		else
			(void)fwrite(p, 1, n, f);
	}
}

static void
element(FILE *f, const char *name, const char *text)
{
	fprintf(f, "<%s>", name);
	verify_html_escape(f, text);
	fprintf(f, "</%s>", name);
}

static void
fact(FILE *f, const char *name, const char *text)
{
	fputs("<div>", f);
	element(f, "dt", name);
	element(f, "dd", text);
	fputs("</div>\n", f);
}

static const char *
kind(const struct verify_html *page)
{
	if (page->claims)
		return page->claims->tee;
	return page->tee ? page->tee : "unknown";
}

static const char *
kind_name(const char *tee)
{
	static const char *const names[][2] = {{"snp", "AMD SEV-SNP"},
	    {"tdx", "Intel TDX"}, {"csv", "Hygon CSV"}, {"tpm", "TPM 2.0"},
	    {"sim", "simulated (no protection)"}};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], tee) == 0)
			return names[i][1];
	return tee;
}

static void
print_facts(FILE *f, const struct verify_html *page)
{
	const struct appraise_result *r = page->result;
	time_t t = (time_t)page->time;
	char text[64] = "?";
	struct tm tm;
	unsigned i, ok = 0;

	for (i = 0; i < r->nrows; i++)
		ok += r->rows[i].ok;
	fputs("<dl class=\"facts\">\n", f);
	fact(f, "Hardware", kind_name(kind(page)));
	fact(f, "Genuine", r->authentic ? "yes" : "no");
	if (r->tcb[0])
		fact(f, "Patch level (TCB)", r->tcb);
	(void)snprintf(text, sizeof(text), "%u of %u held", ok, r->nrows);
	fact(f, "Checks", text);
	if (gmtime_r(&t, &tm))
		(void)strftime(
		    text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fact(f, "Verified as of", text);
	fact(f, "Evidence",
	    strcmp(page->file, "-") == 0 ? "standard input" : page->file);
	fputs("</dl>\n", f);
}

/* In a sentence that needs no knowledge of attestation. */
static void
print_verdict(FILE *f, const struct verify_html *page)
{
	const struct appraise_result *r = page->result;
	char why[512];

	fprintf(f, "<header class=\"%s\">\n", r->accepted ? "good" : "bad");
	if (r->accepted)
		fputs("<h1>Accepted</h1>\n<p>The evidence is genuine, and what "
		      "it says is what the policy asks for.</p>\n",
		    f);
	else if (r->authentic)
		fputs("<h1>Refused</h1>\n<p>The evidence is genuine, but what "
		      "it says is not what the policy asks for.</p>\n",
		    f);
	else
		fputs("<h1>Refused: not genuine</h1>\n<p>Nothing shows that "
		      "the evidence comes from where it claims to come from. "
		      "Believe nothing of what it says.</p>\n",
		    f);
	appraise_first_refusal(r, why, sizeof(why));
	if (why[0]) {
		fputs("<p><strong>Reason:</strong> ", f);
		verify_html_escape(f, why);
		fputs("</p>\n", f);
	}
	if (r->authentic && !page->fresh)
		fputs("<p><strong>Note:</strong> neither a nonce nor report "
		      "data was given, so this may be a replay of older "
		      "evidence, or about something else.</p>\n",
		    f);
	print_facts(f, page);
	fputs("</header>\n", f);
}

static void
print_rows(FILE *f, const struct appraise_result *r)
{
	unsigned i;

	fputs("<section>\n<h2>Checks</h2>\n<div class=\"wide\">\n<table>\n"
	      "<thead><tr><th>claim</th><th>expected</th><th>came</th>"
	      "<th>verdict</th></tr></thead>\n<tbody>\n",
	    f);
	for (i = 0; i < r->nrows; i++) {
		fputs(r->rows[i].ok ? "<tr>" : "<tr class=\"bad\">", f);
		element(f, "th", r->rows[i].claim);
		element(f, "td", r->rows[i].expected);
		element(f, "td", r->rows[i].came);
		fputs(r->rows[i].ok
			  ? "<td class=\"good\">\xe2\x9c\x93 ok</td></tr>\n"
			  : "<td class=\"bad\">\xe2\x9c\x97 refused</td></tr>"
			    "\n",
		    f);
	}
	fputs("</tbody>\n</table>\n</div>\n</section>\n", f);
}

static void
print_value(FILE *f, const json_t *v)
{
	if (json_is_string(v))
		element(f, "code", json_string_value(v));
	else if (json_is_integer(v))
		fprintf(f, "<code>%" JSON_INTEGER_FORMAT "</code>",
		    json_integer_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "yes" : "no", f);
	else
		fputs("<span class=\"dim\">none</span>", f);
}

/* A row for each value; what is inside of what is in the name: a.b. */
static void
print_fields(FILE *f, const char *prefix, const json_t *v)
{
	char name[160];
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)v, key, item)
	{
		/* It has a section of its own. */
		if (!*prefix && strcmp(key, "eventlog") == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", prefix,
		    *prefix ? "." : "", key);
		print_fields(f, name, item);
	}
	json_array_foreach((json_t *)(uintptr_t)v, i, item)
	{
		(void)snprintf(name, sizeof(name), "%s[%zu]", prefix, i);
		print_fields(f, name, item);
	}
	if (json_is_object(v) || json_is_array(v))
		return;
	fputs("<tr>", f);
	element(f, "th", prefix);
	fputs("<td>", f);
	print_value(f, v);
	fputs("</td></tr>\n", f);
}

static void
claim(FILE *f, const char *name, const char *text)
{
	fputs("<tr>", f);
	element(f, "th", name);
	fputs("<td>", f);
	element(f, "code", text);
	fputs("</td></tr>\n", f);
}

static void
print_claims(FILE *f, const struct evidence_claims *c)
{
	char hex[65], when[32];

	fputs("<section>\n<h2>Claims of the software inside</h2>\n"
	      "<div class=\"wide\">\n<table><tbody>\n",
	    f);
	rows_hex(c->channel_key, 32, hex);
	claim(f, "channel_key", hex);
	rows_hex(c->audit_key, 32, hex);
	claim(f, "audit_key", hex);
	claim(f, "version", c->version);
	claim(f, "binary", c->binary);
	claim(f, "config", c->config);
	claim(f, "memory", c->memory);
	(void)snprintf(when, sizeof(when), "%" PRId64, c->issued);
	if (c->issued)
		claim(f, "issued", when);
	(void)snprintf(when, sizeof(when), "%" PRId64, c->expires);
	claim(f, "expires", when);
	fputs("</tbody></table>\n</div>\n</section>\n", f);
}

void
verify_html_print(FILE *f, const struct verify_html *page)
{
	bool believed = page->result->authentic;

	fputs(head, f);
	print_verdict(f, page);
	verify_html_chain(f, page->result, kind(page), page->claims != NULL);
	print_rows(f, page->result);
	if (page->claims)
		print_claims(f, page->claims);
	if (page->fields) {
		fputs("<section>\n<h2>Fields of the evidence</h2>\n", f);
		if (!believed)
			fputs("<p>Only what somebody sent: nothing shows that "
			      "it is true.</p>\n",
			    f);
		fputs("<div class=\"wide\">\n<table><tbody>\n", f);
		print_fields(f, "", page->fields);
		fputs("</tbody></table>\n</div>\n</section>\n", f);
		verify_html_log(
		    f, json_object_get(page->fields, "eventlog"), believed);
	}
	fputs("<footer>Written by cloister verify " CLOISTER_VERSION
	      ". The page shows a verdict and is none: run the command "
	      "again to check it.</footer>\n</main>\n</body>\n</html>\n",
	    f);
}
