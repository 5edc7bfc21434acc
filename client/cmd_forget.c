#include <stdio.h>

#include "client/command.h"
#include "client/exchange.h"
#include "client/options.h"

static const char help[] =
    "usage: cloister forget [CONNINFO | --socket PATH] [--home DIR]\n"
    "                       [--passphrase-file FILE]\n"
    "\n"
    "Tells the agent to drop the tenant's keys from memory and sealed state;\n"
    "open sessions end. Encrypted data stays where it is and can be used\n"
    "again after cloister provision.\n"
    "\n"
    "  CONNINFO       reach the agent through this database; without it, PG*\n"
    "                 variables decide\n"
    "  --socket PATH  reach it over its socket on this machine\n"
    "\n"
    "example:\n"
    "  cloister forget && cloister status\n";

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_SIGNER,
    OPTIONS_REMOTE,
    OPTIONS_LAST,
};

static int
forget(const struct options *o, const char *conninfo)
{
	struct remote *agent = NULL;
	struct owner *owner = NULL;
	json_t *answer = NULL;
	int r;

	if ((r = options_owner(o, 1, &owner)) == 0 &&
	    (r = options_remote(o, conninfo, &agent)) == 0)
		r = exchange_ask(owner, agent, "forget", &answer);
	json_decref(answer);
	remote_close(agent);
	owner_close(owner);
	return r;
}

int
cmd_forget(int argc, char **argv)
{
	struct options o = {
	    .name = "forget", .help = help, .shorts = ":h", .longs = longs};
	const char *conninfo;

	if (options_next(&o, argc, argv) != -1 ||
	    !options_conninfo(&o, argc, argv, &conninfo))
		return o.status;
	if (forget(&o, conninfo) != 0)
		return command_failed();
	puts("forgotten: the agent holds no key of this tenant");
	return command_end(EXIT_DONE);
}
