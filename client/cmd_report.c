#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/options.h"
#include "client/why.h"
#include "lib/file.h"
#include "policy/evidence.h"

static const char help[] =
    "usage: cloister report [CONNINFO | --socket PATH] [--nonce HEX]\n"
    "                       [-o FILE]\n"
    "\n"
    "Fetches the agent's attestation evidence and prints the envelope (JSON).\n"
    "Nothing is judged: that is what cloister verify does, anywhere.\n"
    "\n"
    "  CONNINFO       reach the agent through this database; without it, PG*\n"
    "                 variables decide\n"
    "  --socket PATH  reach it over its socket on this machine\n"
    "  --nonce HEX    64 hex digits that prove freshness to whoever drew\n"
    "                 them; without it a random one\n"
    "  -o FILE        write there instead of standard output\n"
    "\n"
    "example:\n"
    "  nonce=$(openssl rand -hex 32)\n"
    "  cloister report --nonce $nonce -o evidence.json\n"
    "  cloister verify --nonce $nonce evidence.json\n";

enum { OPT_NONCE = 1 };

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_REMOTE,
    {"nonce", required_argument, NULL, OPT_NONCE},
    {"output", required_argument, NULL, 'o'},
    OPTIONS_LAST,
};

struct report {
	struct options o;
	const char *conninfo;
	const char *file;
	uint8_t nonce[EVIDENCE_NONCE];
	int given;
};

static int
options(struct report *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0) {
		if (v == 'o')
			c->file = optarg;
		if (v == OPT_NONCE &&
		    !(c->given = options_nonce(&c->o, optarg, c->nonce)))
			return 0;
	}
	return v == -1 && options_conninfo(&c->o, argc, argv, &c->conninfo);
}

static int
put(const struct report *c, const struct text *envelope)
{
	int r;

	if (!c->file) {
		printf("%s\n", envelope->p);
		return CL_OK;
	}
	r = file_write_atomic(
	    AT_FDCWD, c->file, envelope->p, envelope->n, 0644);
	return r ? why_set(r, "cannot write %s: %s", c->file, err_text(r))
		 : CL_OK;
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
	    (r = remote_evidence(agent, c->nonce, &envelope)) == 0)
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
