#include <stdio.h>
#include <string.h>

#include "client/appraisal.h"
#include "client/command.h"
#include "client/options.h"
#include "client/pins.h"
#include "client/request.h"
#include "client/why.h"
#include "lib/secmem.h"

static const char help[] =
    "usage: cloister provision [CONNINFO | --socket PATH] [--seal]\n"
    "                          [--lease SECONDS] [--home DIR]\n"
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
    "\n"
    "example:\n"
    "  cloister provision --seal 'host=db.example.org dbname=hr'\n";

enum { OPT_SEAL = 1, OPT_LEASE };

#define LEASE_MAX (366LL * 86400)

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_SIGNER,
    OPTIONS_REMOTE,
    {"seal", no_argument, NULL, OPT_SEAL},
    {"lease", required_argument, NULL, OPT_LEASE},
    OPTIONS_LAST,
};

struct provision {
	struct options o;
	const char *conninfo;
	bool seal;
	int64_t lease;
	struct appraisal appraisal;
};

static int
options(struct provision *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0) {
		if (v == OPT_SEAL)
			c->seal = true;
		if (v == OPT_LEASE && !options_number(&c->o, "--lease", optarg,
					  0, LEASE_MAX, &c->lease))
			return 0;
	}
	return v == -1 && options_conninfo(&c->o, argc, argv, &c->conninfo);
}

static int
send_keys(const struct provision *c, const struct owner *o,
    struct remote *agent, json_t **answer)
{
	struct request_provision p = {
	    .claims = &c->appraisal.claims,
	    .claims_hash = c->appraisal.claims_hash,
	    .seal = c->seal,
	    .lease = c->lease,
	};
	struct hpke_exporter ex;
	struct text reply = {0};
	uint8_t *message = NULL;
	size_t n;
	int r;

	if ((r = request_provision(o, &p, &message, &n, &ex)) == 0 &&
	    (r = remote_message(agent, message, n, &reply)) == 0)
		r = request_reply(&ex, (uint8_t *)reply.p, reply.n, answer);
	secmem_wipe(&ex, sizeof(ex));
	secmem_free(message);
	text_clear(&reply);
	return r;
}

static int
exchange(const struct provision *c, const struct owner *o, struct remote *agent)
{
	json_t *before = NULL, *answer = NULL;
	int r;

	if ((r = pins_learn(&o->home, &c->appraisal.claims)) == 0 &&
	    (r = pins_load(&o->home, &before)) == 0 &&
	    (r = send_keys(c, o, agent, &answer)) == 0)
		r = pins_check(&o->home, before, answer);
	json_decref(before);
	json_decref(answer);
	return r;
}

static int
provision(struct provision *c)
{
	struct remote *agent = NULL;
	struct owner *o = NULL;
	int r;

	if ((r = options_owner(&c->o, 1, &o)) != 0 ||
	    (r = options_remote(&c->o, c->conninfo, &agent)) != 0)
		goto out;
	r = appraisal_fetch(&o->home, agent, &c->appraisal);
	appraisal_print(stdout, &c->appraisal.result);
	r = r ? why_in(r, "no key was sent") : exchange(c, o, agent);
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
