#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/options.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/json.h"
#include "policy/evidence.h"

static const char help[] =
    "usage: cloister report [CONNINFO | --socket PATH] [--nonce HEX]\n"
    "                       [--tee KIND] [--format json|raw] [-o FILE]\n"
    "\n"
    "Fetches the agent's attestation evidence and prints the envelope (JSON).\n"
    "Nothing is judged: that is what cloister verify does, anywhere.\n"
    "\n"
    "  CONNINFO       reach the agent through this database; without it, PG*\n"
    "                 variables decide\n"
    "  --socket PATH  reach it over its socket on this machine\n"
    "  --nonce HEX    64 hex digits that prove freshness to whoever drew\n"
    "                 them; without it a random one\n"
    "  --tee KIND     snp, tdx, csv, tpm or sim, where the guest has several,\n"
    "                 such as tpm beside snp; without it, what the agent is\n"
    "                 configured for\n"
    "  --format json  the envelope; this is the default\n"
    "  --format raw   what the vendor's hardware made, alone: for the\n"
    "                 vendor's tools, or cloister verify --tee. Its user data\n"
    "                 goes to standard error, for --report-data\n"
    "  -o FILE        write there instead of standard output\n"
    "\n"
    "example:\n"
    "  nonce=$(openssl rand -hex 32)\n"
    "  cloister report --nonce $nonce -o evidence.json\n"
    "  cloister verify --nonce $nonce evidence.json\n";

enum { OPT_NONCE = 1, OPT_TEE, OPT_FORMAT };

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_REMOTE,
    {"nonce", required_argument, NULL, OPT_NONCE},
    {"tee", required_argument, NULL, OPT_TEE},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"output", required_argument, NULL, 'o'},
    OPTIONS_LAST,
};

struct report {
	struct options o;
	const char *conninfo;
	const char *file;
	const char *tee; /* NULL: the agent's own */
	int raw;
	uint8_t nonce[EVIDENCE_NONCE];
	int given;
};

static int
take_tee(struct report *c)
{
	c->tee = optarg;
	if (evidence_type(optarg))
		return 1;
	c->o.status = command_usage("report",
	    "--tee: expected snp, tdx, csv, tpm or sim, came \"%s\"", optarg);
	return 0;
}

static int
take_format(struct report *c)
{
	c->raw = strcmp(optarg, "raw") == 0;
	if (c->raw || strcmp(optarg, "json") == 0)
		return 1;
	c->o.status = command_usage(
	    "report", "--format: expected json or raw, came \"%s\"", optarg);
	return 0;
}

/* 0: the command is over. */
static int
take(struct report *c, int option)
{
	switch (option) {
	case 'o':
		c->file = optarg;
		return 1;
	case OPT_TEE:
		return take_tee(c);
	case OPT_FORMAT:
		return take_format(c);
	case OPT_NONCE:
		return c->given = options_nonce(&c->o, optarg, c->nonce);
	default:
		return 1;
	}
}

static int
options(struct report *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0)
		if (!take(c, v))
			return 0;
	return v == -1 && options_conninfo(&c->o, argc, argv, &c->conninfo);
}

static int
put_file(const struct report *c, const void *p, size_t n)
{
	int r = file_write_atomic(AT_FDCWD, c->file, p, n, 0644);

	return r ? why_set(r, "cannot write %s: %s", c->file, err_text(r))
		 : CL_OK;
}

static int
put_envelope(const struct report *c, const struct text *envelope)
{
	if (c->file)
		return put_file(c, envelope->p, envelope->n);
	printf("%s\n", envelope->p);
	return CL_OK;
}

static int
is_text(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((p[i] < ' ' && p[i] != '\n' && p[i] != '\t') || p[i] > '~')
			return 0;
	return 1;
}

/* To whom the raw evidence speaks; a terminal is spared. */
static int
put_raw(const struct report *c, const struct evidence *e)
{
	uint8_t data[EVIDENCE_REPORT_DATA];
	unsigned i;
	int r;

	if (!c->file && isatty(STDOUT_FILENO) && !is_text(e->raw, e->raw_n))
		return why_set(CL_ERR_ARGUMENT,
		    "raw evidence of %s is binary: expected -o FILE or a pipe, "
		    "came a terminal",
		    e->tee);
	if ((r = evidence_report_data(
		 e->nonce, e->claims, e->claims_n, data)) != 0)
		return why_set(r, "cannot hash the claims: %s", err_text(r));
	fprintf(stderr, "user data of this %s evidence: ", e->tee);
	for (i = 0; i < sizeof(data); i++)
		fprintf(stderr, "%02x", data[i]);
	fprintf(stderr, "\n");
	if (c->file)
		return put_file(c, e->raw, e->raw_n);
	return fwrite(e->raw, 1, e->raw_n, stdout) == e->raw_n
		   ? CL_OK
		   : why_set(CL_ERR_IO, "cannot write the output");
}

static int
put(const struct report *c, const struct text *envelope)
{
	struct evidence e;
	int r;

	if (!c->raw && !c->tee)
		return put_envelope(c, envelope);
	if ((r = evidence_parse(envelope->p, envelope->n, &e)) != 0)
		return why_set(r,
		    "expected an evidence envelope from the agent, came "
		    "something else: %s: %s",
		    err_text(r), json_why());
	if (c->tee && strcmp(c->tee, e.tee) != 0)
		r = why_set(CL_ERR_EVIDENCE, "expected evidence of %s, came %s",
		    c->tee, e.tee);
	else
		r = c->raw ? put_raw(c, &e) : put_envelope(c, envelope);
	evidence_clear(&e);
	return r;
}

static int
report(struct report *c)
{
	struct remote *agent = NULL;
	struct text envelope = {0};
	int r;

	if (!c->given && (r = crypto_random(c->nonce, sizeof(c->nonce))) != 0)
		return why_set(r, "cannot draw a nonce: %s", err_text(r));
	if ((r = options_remote(&c->o, c->conninfo, &agent)) == 0 &&
	    (r = remote_evidence(agent, c->nonce, c->tee, &envelope)) == 0)
		r = put(c, &envelope);
	text_clear(&envelope);
	remote_close(agent);
	return r;
}

int
cmd_report(int argc, char **argv)
{
	struct report c = {0};

	c.o = (struct options){
	    .name = "report", .help = help, .shorts = ":ho:", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	return report(&c) ? command_failed() : command_end(EXIT_DONE);
}
