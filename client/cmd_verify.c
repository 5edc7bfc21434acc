#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/command.h"
#include "client/evidence_file.h"
#include "client/verify_html.h"
#include "client/why.h"

static const char help[] =
    "usage: cloister verify FILE [--nonce HEX] [--policy FILE]\n"
    "           [--tee KIND] [--endorsements PATH]... [--no-cache | --fetch]\n"
    "           [--report-data HEX] [--eventlog FILE] [--time T]\n"
    "           [--json | --html]\n"
    "\n"
    "Checks attestation evidence against a policy and prints what was\n"
    "claimed, expected and found. Needs no agent. FILE is an\n"
    "evidence envelope or, with --tee, a vendor's report as the hardware "
    "gives\n"
    "it, also as hex or base64, or as Trustee's attesters send it; - is "
    "standard\n"
    "input.\n"
    "\n"
    "  --nonce HEX    the 64 hex digits given to cloister report. Without\n"
    "                 them the nonce of the file is taken, and freshness is\n"
    "                 not proved. Only for envelopes: a vendor's report has\n"
    "                 --report-data\n"
    "  --policy FILE  instead of policy.json in the owner's directory; "
    "without\n"
    "                 such a directory one that accepts what is genuine,\n"
    "                 current and not open to debugging, and no envelope, "
    "whose\n"
    "                 claims need a measurement\n"
    "  --tee KIND     what kind of evidence FILE is: snp, tdx, csv, tpm, sim\n"
    "  --endorsements PATH\n"
    "                 certificates, revocation lists and collateral of the\n"
    "                 vendor: a file, or a folder of them; may be repeated.\n"
    "                 Without it those of the cache, endorsements/ in the\n"
    "                 owner's directory, help what comes with the evidence\n"
    "  --no-cache     only what comes with the evidence\n"
    "  --fetch        ask the vendor for what the cache lacks; the member\n"
    "                 fetch of fetch.json in the owner's directory says so "
    "for\n"
    "                 good. Nothing else here uses a network\n"
    "  --report-data HEX\n"
    "                 what the evidence must be about, 64 bytes; fewer are\n"
    "                 followed by zeros\n"
    "  --eventlog FILE\n"
    "                 event log of a raw TDX or CSV report (the data of the\n"
    "                 ACPI table CCEL): its replay must give the registers\n"
    "  --time T       verify as of then: unix seconds, 2026-07-01,\n"
    "                 2026-07-01T00:00Z\n"
    "  --json         print the result as JSON\n"
    "  --html         print it as a page to read and keep: the verdict, the\n"
    "                 chain of trust as a picture, every check, every field;\n"
    "                 one file that needs nothing else\n"
    "  --home DIR     the owner's directory\n"
    "\n"
    "exit code: 0 accepted, 1 refused, 2 wrong usage, or nothing could be\n"
    "judged: a file that cannot be read, a policy that is none\n"
    "\n"
    "examples:\n"
    "  cloister report | cloister verify -\n"
    "  cloister verify report.bin --tee snp --endorsements amd/\n"
    "  cloister verify report.json --html > report.html\n";

enum { OPT_JSON = 1, OPT_HTML };

static const struct option longs[] = {
    OPTIONS_BASE,
    EVIDENCE_FILE_OPTIONS,
    {"json", no_argument, NULL, OPT_JSON},
    {"html", no_argument, NULL, OPT_HTML},
    OPTIONS_LAST,
};

struct verify {
	struct evidence_file f;
	const char *file;
	int form; /* OPT_JSON, OPT_HTML; 0: a table */
};

/* 0: the command is over. */
static int
take(struct verify *c, int option)
{
	if (option != OPT_JSON && option != OPT_HTML)
		return evidence_file_take(&c->f, option);
	if (c->form && c->form != option) {
		c->f.o.status = command_usage(
		    c->f.o.name, "expected --json or --html, came both");
		return 0;
	}
	c->form = option;
	return 1;
}

static int
options(struct verify *c, int argc, char **argv)
{
	struct options *o = &c->f.o;
	int v;

	while ((v = options_next(o, argc, argv)) >= 0)
		if (!take(c, v))
			return 0;
	if (v == -1 && argc - optind == 1) {
		c->file = argv[optind];
		return 1;
	}
	if (v == -1)
		o->status = command_usage(
		    o->name, "expected one FILE, came %d", argc - optind);
	return 0;
}

/* Nothing, when the input was no evidence at all. */
static int
print(const struct verify *c, const struct appraisal *a, json_t *fields)
{
	const struct verify_html page = {.result = &a->result,
	    .fields = fields,
	    .claims = a->claims.tee[0] ? &a->claims : NULL,
	    .tee = c->f.ask.tee,
	    .file = c->file,
	    .time = c->f.ask.time,
	    .fresh = c->f.ask.nonce || c->f.ask.report_data};

	if (!a->result.nrows)
		return CL_OK;
	if (c->form == OPT_JSON)
		return appraisal_print_json(stdout, &a->result, fields);
	if (c->form == OPT_HTML)
		verify_html_print(stdout, &page);
	else
		appraisal_print(stdout, &a->result);
	return CL_OK;
}

/* The exit code. What is refused has printed a list; without one nothing was
 * judged. */
static int
verify(struct verify *c)
{
	struct appraisal a = {0};
	json_t *fields = NULL;
	int r;

	/* Of these only evidence that is too much is evidence. */
	r = evidence_file_open(&c->f, c->file);
	if (r == 0)
		r = evidence_file_judge(&c->f, &a, &fields);
	else if (r == CL_ERR_EVIDENCE)
		r = appraisal_no_evidence(
		    &a, "evidence", "more than evidence has");
	if (print(c, &a, fields) != 0)
		r = CL_ERR_MEMORY;
	json_decref(fields);
	if (r == 0)
		return EXIT_DONE;
	(void)command_failed();
	return a.result.nrows ? EXIT_FAILED : EXIT_USAGE;
}

static void
warn_of_replay(const struct verify *c)
{
	if (c->f.ask.tee && !c->f.ask.nonce && !c->f.ask.report_data)
		command_warn("note: neither --report-data nor --nonce was "
			     "given, so this evidence may be about anything");
	else if (!c->f.ask.nonce && !c->f.ask.report_data)
		command_warn("note: no --nonce was given, so this evidence may "
			     "be a replay of older one");
}

int
cmd_verify(int argc, char **argv)
{
	struct verify c = {.f = {.ask = {.time = (int64_t)time(NULL)}}};
	int status;

	c.f.home.dirfd = -1;
	c.f.o = (struct options){
	    .name = "verify", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.f.o.status;
	status = verify(&c);
	evidence_file_close(&c.f);
	if (status == EXIT_DONE)
		warn_of_replay(&c);
	return command_end(status);
}
