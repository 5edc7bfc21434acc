#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/command.h"
#include "client/evidence_file.h"
#include "client/policy_init.h"
#include "client/why.h"
#include "lib/file.h"

static const char help[] =
    "usage: cloister policy init --from EVIDENCE [--out FILE]\n"
    "           [--tee KIND] [--endorsements PATH]... [--no-cache | --fetch]\n"
    "           [--report-data HEX] [--eventlog FILE] [--nonce HEX]\n"
    "           [--time T] [--policy FILE]\n"
    "\n"
    "Writes a policy that accepts guests like the one that this evidence is\n"
    "of, and no others: its measurement, registers or PCRs, host data, keys "
    "of\n"
    "its identity, the TCB that came as the least, and what its claims say of\n"
    "binary and configuration. The evidence must be genuine. Whether what it\n"
    "measures is the software that you want, nobody can tell but you: take it\n"
    "from a guest that you built and started.\n"
    "\n"
    "  --from EVIDENCE  an envelope or, with --tee, a vendor's report; - is\n"
    "                   standard input\n"
    "  --out FILE       by default policy.json in the working directory; - is\n"
    "                   standard output. A file is never overwritten\n"
    "  --policy FILE    a policy to begin with: roots and permissions that it\n"
    "                   has are kept, reference values replaced; by default\n"
    "                   policy.json in the owner's directory, if there is one\n"
    "  --tee, --endorsements, --no-cache, --fetch, --report-data,\n"
    "  --eventlog, --nonce, --time, --home\n"
    "                   as in cloister verify\n"
    "\n"
    "A guest that may be debugged, or whose firmware is provisional, is\n"
    "refused unless the policy to begin with allows it: no permission is ever\n"
    "added. A TCB status of Intel's other than UpToDate is, with a warning.\n"
    "\n"
    "exit code: 0 written, 1 refused, 2 wrong usage\n"
    "\n"
    "example:\n"
    "  cloister report > guest.json\n"
    "  cloister policy init --from guest.json --endorsements amd/\n"
    "  cloister verify guest.json --policy policy.json\n";

enum { OPT_FROM = 1, OPT_OUT };

static const struct option longs[] = {
    OPTIONS_BASE,
    EVIDENCE_FILE_OPTIONS,
    {"from", required_argument, NULL, OPT_FROM},
    {"out", required_argument, NULL, OPT_OUT},
    OPTIONS_LAST,
};

struct init {
	struct evidence_file f;
	const char *from, *out;
};

/* 0: the command is over. */
static int
take(struct init *c, int option)
{
	if (option == OPT_FROM)
		c->from = optarg;
	else if (option == OPT_OUT)
		c->out = optarg;
	else
		return evidence_file_take(&c->f, option);
	return 1;
}

static int
options(struct init *c, int argc, char **argv)
{
	struct options *o = &c->f.o;
	int v;

	while ((v = options_next(o, argc, argv)) >= 0)
		if (!take(c, v))
			return 0;
	if (v != -1)
		return 0;
	if (optind < argc)
		o->status = command_usage(
		    o->name, "unexpected argument \"%s\"", argv[optind]);
	else if (!c->from)
		o->status = command_usage(o->name, "expected --from EVIDENCE");
	else
		return 1;
	return 0;
}

static int
write_out(const char *path, const struct text *policy)
{
	int r;

	if (strcmp(path, "-") == 0) {
		fwrite(policy->p, 1, policy->n, stdout);
		return CL_OK;
	}
	r = file_write_new(AT_FDCWD, path, policy->p, policy->n, 0600);
	if (r == CL_ERR_EXISTS)
		return why_set(r,
		    "%s is there already and is not overwritten; name another "
		    "file with --out",
		    path);
	return r ? why_set(r, "cannot write %s: %s", path, err_text(r)) : CL_OK;
}

static int
init(struct init *c, struct text *policy)
{
	int r;

	if ((r = evidence_file_open(&c->f, c->from)) != 0)
		return r;
	r = policy_init_make(
	    &c->f.ask, c->f.input.p ? c->f.input.p : "", c->f.input.n, policy);
	return r ? r : write_out(c->out, policy);
}

static void
say(const struct init *c, const struct text *policy)
{
	if (strstr(policy->p, "\"tcb_status\""))
		command_warn("note: the policy accepts TCB statuses other than "
			     "the default; see its member tcb_status");
	if (strcmp(c->out, "-") != 0)
		printf("%s: a policy for guests like the one of %s\n", c->out,
		    c->from);
}

static int
cmd_policy_init(int argc, char **argv)
{
	struct init c = {
	    .f = {.ask = {.time = (int64_t)time(NULL)}}, .out = "policy.json"};
	struct text policy = {0};
	int r;

	c.f.home.dirfd = -1;
	c.f.o = (struct options){.name = "policy init",
	    .help = help,
	    .shorts = ":h",
	    .longs = longs};
	if (!options(&c, argc, argv))
		return c.f.o.status;
	if ((r = init(&c, &policy)) == 0)
		say(&c, &policy);
	text_clear(&policy);
	evidence_file_close(&c.f);
	return r ? command_failed() : command_end(EXIT_DONE);
}

int
cmd_policy(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "init") == 0)
		return cmd_policy_init(argc - 1, argv + 1);
	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(help, stdout);
		return command_end(EXIT_DONE);
	}
	return command_usage("policy", "expected init");
}
