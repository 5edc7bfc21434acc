#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/appraisal.h"
#include "client/command.h"
#include "client/options.h"
#include "client/out.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

static const char help[] =
    "usage: cloister verify FILE [--nonce HEX] [--policy FILE]\n"
    "           [--tee KIND] [--endorsements PATH]... [--report-data HEX]\n"
    "           [--time T] [--json]\n"
    "\n"
    "Checks attestation evidence against a policy and prints what was\n"
    "claimed, expected and found. Needs no network and no agent. FILE is an\n"
    "evidence envelope or, with --tee, a vendor's report as the hardware "
    "gives\n"
    "it; - is standard input.\n"
    "\n"
    "  --nonce HEX    the 64 hex digits given to cloister report. Without\n"
    "                 them the nonce of the file is taken, and freshness is\n"
    "                 not proved\n"
    "  --policy FILE  instead of policy.json in the owner's directory; "
    "without\n"
    "                 such a directory --tee implies a policy that accepts\n"
    "                 what is genuine, current and not open to debugging\n"
    "  --tee KIND     what kind of evidence FILE is: snp, tdx, csv, tpm, sim\n"
    "  --endorsements PATH\n"
    "                 certificates, revocation lists and collateral of the\n"
    "                 vendor: a file, or a folder of them; may be repeated\n"
    "  --report-data HEX\n"
    "                 what the evidence must be about, 64 bytes; fewer are\n"
    "                 followed by zeros\n"
    "  --time T       verify as of then: unix seconds, 2026-07-01T00:00Z\n"
    "  --json         print the result as JSON\n"
    "  --home DIR     the owner's directory\n"
    "\n"
    "exit code: 0 accepted, 1 refused, 2 wrong usage\n"
    "\n"
    "examples:\n"
    "  cloister report | cloister verify -\n"
    "  cloister verify report.bin --tee snp --endorsements amd/\n";

enum {
	OPT_NONCE = 1,
	OPT_POLICY,
	OPT_TEE,
	OPT_ENDORSEMENTS,
	OPT_REPORT_DATA,
	OPT_TIME,
	OPT_JSON
};

static const struct option longs[] = {
    OPTIONS_BASE,
    {"nonce", required_argument, NULL, OPT_NONCE},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"tee", required_argument, NULL, OPT_TEE},
    {"endorsements", required_argument, NULL, OPT_ENDORSEMENTS},
    {"report-data", required_argument, NULL, OPT_REPORT_DATA},
    {"time", required_argument, NULL, OPT_TIME},
    {"json", no_argument, NULL, OPT_JSON},
    OPTIONS_LAST,
};

#define PLACES_MAX 16

struct verify {
	struct options o;
	struct appraisal_ask ask;
	const char *file;
	const char *places[PLACES_MAX]; /* of endorsements */
	unsigned nplaces;
	uint8_t nonce[EVIDENCE_NONCE];
	uint8_t report_data[EVIDENCE_REPORT_DATA];
	int json;
};

static int
take_tee(struct verify *c, const char *tee)
{
	c->ask.tee = tee;
	if (appraise_knows(tee))
		return 1;
	c->o.status = command_usage(c->o.name,
	    "--tee: expected a kind that --help lists, came \"%s\"", tee);
	return 0;
}

static int
take_place(struct verify *c, const char *place)
{
	if (c->nplaces < PLACES_MAX) {
		c->places[c->nplaces++] = place;
		return 1;
	}
	c->o.status = command_usage(
	    c->o.name, "--endorsements: at most %d of them", PLACES_MAX);
	return 0;
}

static int
take_report_data(struct verify *c, const char *text)
{
	size_t n;

	c->ask.report_data = c->report_data;
	return options_hex(&c->o, "--report-data", text, c->report_data,
	    sizeof(c->report_data), &n);
}

/* 0: the command is over. */
static int
take(struct verify *c, int option)
{
	switch (option) {
	case OPT_NONCE:
		c->ask.nonce = c->nonce;
		return options_nonce(&c->o, optarg, c->nonce);
	case OPT_POLICY:
		c->ask.policy = optarg;
		return 1;
	case OPT_TEE:
		return take_tee(c, optarg);
	case OPT_ENDORSEMENTS:
		return take_place(c, optarg);
	case OPT_REPORT_DATA:
		return take_report_data(c, optarg);
	case OPT_TIME:
		return options_time(&c->o, optarg, &c->ask.time);
	default:
		c->json = 1;
		return 1;
	}
}

static int
options(struct verify *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0)
		if (!take(c, v))
			return 0;
	if (v == -1 && argc - optind == 1) {
		c->file = argv[optind];
		return 1;
	}
	if (v == -1)
		c->o.status = command_usage(
		    c->o.name, "expected one FILE, came %d", argc - optind);
	return 0;
}

static int
add_piece(void *arg, const char *p, size_t n)
{
	struct text *t = arg;

	if (n > EVIDENCE_TEXT_MAX - t->n)
		return why_set(CL_ERR_TOO_LARGE,
		    "expected evidence of at most %u bytes", EVIDENCE_TEXT_MAX);
	return text_add(t, p, n);
}

static int
read_evidence(const char *file, struct text *out)
{
	int fd = 0, r;

	if (strcmp(file, "-") != 0)
		fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_set(CL_ERR_IO, "cannot open %s", file);
	r = out_each(fd, add_piece, out);
	if (fd > 0)
		close(fd);
	return r;
}

/* A folder, or one file of it. */
static int
add_place(struct endorse *e, const char *place)
{
	unsigned skipped;
	struct stat st;
	uint8_t *p;
	size_t n;
	int r;

	if (stat(place, &st) == 0 && S_ISDIR(st.st_mode))
		r = endorse_add_dir(e, place, &skipped);
	else if ((r = file_read(AT_FDCWD, place, ENDORSE_BLOB_MAX, &p, &n)) ==
		 0) {
		r = endorse_add(e, p, n);
		secmem_free(p);
	}
	return r ? why_set(r, "cannot take endorsements from %s: %s", place,
		       err_text(r))
		 : CL_OK;
}

static int
add_places(const struct verify *c, struct endorse **out)
{
	unsigned i;
	int r = endorse_new(out);

	if (r != 0)
		return why_memory();
	for (i = 0; r == 0 && i < c->nplaces; i++)
		r = add_place(*out, c->places[i]);
	return r;
}

/* CL_ERR_EVIDENCE and CL_ERR_APPRAISAL have printed a list, too. */
static int
verify(struct verify *c)
{
	struct appraisal a = {0};
	struct text input = {0};
	struct endorse *given = NULL;
	json_t *fields = NULL;
	int r, printed = CL_OK;

	if ((r = add_places(c, &given)) != 0 ||
	    (r = read_evidence(c->file, &input)) != 0)
		goto out;
	c->ask.given = given;
	r = appraisal_ask(
	    &c->ask, input.p ? input.p : "", input.n, &a, &fields);
	if (c->json && a.result.nrows)
		printed = appraisal_print_json(stdout, &a.result, fields);
	else if (!c->json)
		appraisal_print(stdout, &a.result);
out:
	json_decref(fields);
	endorse_free(given);
	text_clear(&input);
	return r ? r : printed;
}

/* Evidence of a real TEE can be judged without being an owner. */
static int
find_home(struct verify *c, struct home *home)
{
	int r;

	if (c->ask.policy)
		return CL_OK;
	r = home_open(c->o.home, home);
	if (r == CL_ERR_NOT_FOUND && c->ask.tee && !c->o.home)
		return CL_OK;
	if (r == 0)
		c->ask.home = home;
	return r;
}

static void
warn_of_replay(const struct verify *c)
{
	if (c->ask.tee && !c->ask.nonce && !c->ask.report_data)
		command_warn("note: neither --report-data nor --nonce was "
			     "given, so this evidence may be about anything");
	else if (!c->ask.nonce && !c->ask.report_data)
		command_warn("note: no --nonce was given, so this evidence may "
			     "be a replay of older one");
}

int
cmd_verify(int argc, char **argv)
{
	struct verify c = {.ask = {.time = (int64_t)time(NULL)}};
	struct home home = {.dirfd = -1};
	int r;

	c.o = (struct options){
	    .name = "verify", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	if ((r = find_home(&c, &home)) == 0)
		r = verify(&c);
	home_close(&home);
	if (r)
		return command_failed();
	warn_of_replay(&c);
	return command_end(EXIT_DONE);
}
