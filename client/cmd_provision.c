#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/exchange.h"
#include "client/options.h"
#include "client/why.h"

static const char help[] =
    "usage: cloister provision [CONNINFO | --socket PATH] [--seal]\n"
    "                          [--lease SECONDS] [--home DIR]\n"
    "                          [--endorsements PATH]... [--no-cache | "
    "--fetch]\n"
    "                          [--passphrase-file FILE]\n"
    "\n"
    "Asks the agent for fresh attestation evidence, checks it against the\n"
    "owner's policy.json, prints the list, and only when every line is ok\n"
    "sends the tenant's keys, encrypted to the channel key that the evidence\n"
    "binds. A refusal sends nothing and ends with exit code 1.\n"
    "\n"
    "  CONNINFO         reach the agent through this database (libpq conninfo\n"
    "                   or URI); without it, PG* variables decide\n"
    "  --socket PATH    reach it over its socket on this machine\n"
    "  --seal           the agent may keep the keys sealed to this guest, and\n"
    "                   serve again after a restart without the owner\n"
    "  --lease SECONDS  how long the agent may hold the keys; 0: until it\n"
    "                   stops\n"
    "  --endorsements PATH\n"
    "                   certificates, revocation lists and collateral of the\n"
    "                   vendor: a file, or a folder of them; may be repeated.\n"
    "                   Without it those of the cache, endorsements/ in the\n"
    "                   owner's directory, help what comes with the evidence\n"
    "  --no-cache       only what comes with the evidence\n"
    "  --fetch          ask the vendor for what the cache lacks; the member\n"
    "                   fetch of fetch.json in the owner's directory says so\n"
    "                   for good\n"
    "\n"
    "example:\n"
    "  cloister provision --seal 'host=db.example.org dbname=hr'\n";

enum { OPT_SEAL = 1, OPT_LEASE };

#define LEASE_MAX (366LL * 86400)

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_SIGNER,
    OPTIONS_REMOTE,
    ENDORSEMENTS_OPTIONS,
    {"seal", no_argument, NULL, OPT_SEAL},
    {"lease", required_argument, NULL, OPT_LEASE},
    OPTIONS_LAST,
};

struct provision {
	struct options o;
	struct endorsements from;
	const char *conninfo;
	bool seal;
	int64_t lease;
};

static int
options(struct provision *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0) {
		if (v == OPT_SEAL)
			c->seal = true;
		else if (v == OPT_LEASE) {
			if (!options_number(&c->o, "--lease", optarg, 0,
				LEASE_MAX, &c->lease))
				return 0;
		} else if (!endorsements_take(&c->from, &c->o, v))
			return 0;
	}
	return v == -1 && options_conninfo(&c->o, argc, argv, &c->conninfo);
}

static int
provision(struct provision *c)
{
	struct exchange_lease lease = {.seal = c->seal, .seconds = c->lease};
	struct remote *agent = NULL;
	struct appraisal a;
	struct owner *o = NULL;
	int r;

	if ((r = options_owner(&c->o, 1, &o)) != 0 ||
	    (r = options_remote(&c->o, c->conninfo, &agent)) != 0)
		goto out;
	r = exchange_evidence(&o->home, agent, &c->from, &a);
	appraisal_print(stdout, &a.result);
	r = r ? why_in(r, "no key was sent")
	      : exchange_provision(o, agent, &a, &lease);
out:
	remote_close(agent);
	owner_close(o);
	return r;
}

int
cmd_provision(int argc, char **argv)
{
	struct provision c = {.lease = 0};

	c.o = (struct options){
	    .name = "provision", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	if (provision(&c) != 0)
		return command_failed();
	printf("provisioned: the agent holds the tenant's keys%s\n",
	    c.seal ? ", sealed to this guest" : "");
	return command_end(EXIT_DONE);
}
