#include "client/verify_html_log.h"
#include "client/verify_html.h"

static void
code(FILE *f, const char *element, const char *text)
{
	fprintf(f, "<%s><code>", element);
	verify_html_escape(f, text ? text : "");
	fprintf(f, "</code></%s>", element);
}

static const char *
text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void
print_registers(FILE *f, const json_t *log)
{
	const json_t *value;
	const char *name;

	fputs("<div class=\"wide\">\n<table><tbody>\n", f);
	json_object_foreach(json_object_get(log, "registers"), name, value)
	{
		fputs("<tr><th>", f);
		verify_html_escape(f, name);
		fputs("</th>", f);
		code(f, "td", json_string_value(value));
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table>\n</div>\n", f);
}

/* A digest of each algorithm, usually one. */
static void
print_digests(FILE *f, const json_t *event)
{
	const json_t *value;
	const char *alg;

	fputs("<td>", f);
	json_object_foreach(json_object_get(event, "digests"), alg, value)
	{
		code(f, "div", json_string_value(value));
	}
	fputs("</td>", f);
}

/* A text that no digest is of may say anything. */
static void
print_text(FILE *f, const json_t *event)
{
	const char *text = text_of(event, "text");
	bool known = json_is_true(json_object_get(event, "digest_is_of_text"));

	if (!text) {
		fputs("<td></td>", f);
		return;
	}
	fprintf(f, "<td%s><code>", known ? "" : " class=\"dim\"");
	verify_html_escape(f, text);
	fprintf(f, "</code>%s</td>", known ? "" : " (not measured)");
}

static void
print_events(FILE *f, const json_t *events)
{
	size_t n = json_array_size(events), i;
	const json_t *e;

	fputs("<div class=\"wide\">\n<table>\n<thead><tr><th>Register</th>"
	      "<th>Type</th><th>Digest</th><th>Text</th></tr></thead>\n"
	      "<tbody>\n",
	    f);
	for (i = 0; i < n && i < VERIFY_HTML_RECORDS; i++) {
		e = json_array_get(events, i);
		fputs("<tr>", f);
		code(f, "td", text_of(e, "name"));
		code(f, "td", text_of(e, "type_name"));
		print_digests(f, e);
		print_text(f, e);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table>\n</div>\n", f);
	if (i < n)
		fprintf(
		    f, "<p>And %zu more: cloister verify --json.</p>\n", n - i);
}

void
verify_html_log(FILE *f, const json_t *log, bool believed)
{
	if (!log)
		return;
	fputs("<section>\n<h2>Event log</h2>\n<p>", f);
	if (believed)
		fputs("Registers as the log's replay gives them, and what went "
		      "into them. A type, and a text marked as not measured, "
		      "is only what somebody wrote.",
		    f);
	else
		fputs("Only what somebody sent: nothing shows that it is true.",
		    f);
	fputs("</p>\n", f);
	print_registers(f, log);
	print_events(f, json_object_get(log, "events"));
	fputs("</section>\n", f);
}
