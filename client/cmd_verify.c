#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/appraisal.h"
#include "client/command.h"
#include "client/options.h"
#include "client/out.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

static const char help[] =
    "usage: cloister verify FILE [--nonce HEX] [--policy FILE] [--json]\n"
    "\n"
    "Checks an evidence envelope against a policy and prints what was\n"
    "claimed, expected and found. Needs no network and no agent. FILE - is\n"
    "standard input.\n"
    "\n"
    "  --nonce HEX    the 64 hex digits given to cloister report. Without\n"
    "                 them the nonce of the file is taken, and freshness is\n"
    "                 not proved\n"
    "  --policy FILE  instead of policy.json in the owner's directory\n"
    "  --json         print the list as JSON\n"
    "  --home DIR     the owner's directory\n"
    "\n"
    "exit code: 0 accepted, 1 refused, 2 wrong usage\n"
    "\n"
    "example:\n"
    "  cloister report | cloister verify -\n";

enum { OPT_NONCE = 1, OPT_POLICY, OPT_JSON };

static const struct option longs[] = {
    OPTIONS_BASE,
    {"nonce", required_argument, NULL, OPT_NONCE},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"json", no_argument, NULL, OPT_JSON},
    OPTIONS_LAST,
};

struct verify {
	struct options o;
	const char *file;
	const char *policy;
	uint8_t nonce[EVIDENCE_NONCE];
	int given;
	int json;
};

static int
options(struct verify *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0) {
		if (v == OPT_POLICY)
			c->policy = optarg;
		if (v == OPT_JSON)
			c->json = 1;
		if (v == OPT_NONCE &&
		    !(c->given = options_nonce(&c->o, optarg, c->nonce)))
			return 0;
	}
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
		    "expected an evidence envelope of at most %u bytes",
		    EVIDENCE_TEXT_MAX);
	return text_add(t, p, n);
}

static int
read_envelope(const char *file, struct text *out)
{
	int fd = 0, r;

	if (strcmp(file, "-") != 0)
		fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_set(CL_ERR_IO, "cannot open %s", file);
	r = out_each(fd, add_piece, out);
	if (fd > 0)
		close(fd);
	while (out->n && out->p[out->n - 1] == '\n')
		out->p[--out->n] = '\0';
	return r;
}

/* CL_ERR_EVIDENCE and CL_ERR_APPRAISAL have printed a list, too. */
static int
verify(struct verify *c, const struct home *home)
{
	struct appraisal a = {0};
	struct text envelope = {0};
	int r, printed = CL_OK;

	if ((r = read_envelope(c->file, &envelope)) == 0) {
		r = appraisal_run(home, c->policy, envelope.p ? envelope.p : "",
		    envelope.n, c->given ? c->nonce : NULL, &a);
		if (c->json && a.result.nrows)
			printed = appraisal_print_json(stdout, &a.result);
		else if (!c->json)
			appraisal_print(stdout, &a.result);
	}
	text_clear(&envelope);
	return r ? r : printed;
}

int
cmd_verify(int argc, char **argv)
{
	struct verify c = {0};
	struct home home = {.dirfd = -1};
	int r = CL_OK;

	c.o = (struct options){
	    .name = "verify", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	if (!c.policy)
		r = home_open(c.o.home, &home);
	if (r == 0)
		r = verify(&c, &home);
	home_close(&home);
	if (r)
		return command_failed();
	if (!c.given)
		command_warn("note: no --nonce was given, so this evidence may "
			     "be a replay of older one");
	return command_end(EXIT_DONE);
}
