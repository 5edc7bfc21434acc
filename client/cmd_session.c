#include <stdio.h>

#include "client/command.h"
#include "client/options.h"
#include "client/request.h"
#include "lib/secmem.h"

static const char help[] =
    "usage: cloister session [CONNINFO | --socket PATH] [--home DIR]\n"
    "                        [--passphrase-file FILE]\n"
    "\n"
    "Prints one message that opens a session of the owner, for the SQL\n"
    "function cloister_open. It is signed for this start of the agent, works\n"
    "once, and expires within half a minute, so it may stand in SQL text and\n"
    "logs.\n"
    "\n"
    "  CONNINFO       ask this database which agent it talks to; without it,\n"
    "                 PG* variables decide\n"
    "  --socket PATH  ask the agent itself on this machine\n"
    "\n"
    "example, in psql:\n"
    "  \\set m `cloister session`\n"
    "  SELECT cloister_open(:'m', 'session');\n"
    "  SELECT name FROM staff ORDER BY salary DESC LIMIT 3;\n"
    "Without 'session' it lasts until the transaction ends, as poolers need.\n";

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_SIGNER,
    OPTIONS_REMOTE,
    OPTIONS_LAST,
};

static int
session(const struct options *o, const char *conninfo)
{
	struct remote *agent = NULL;
	struct owner *owner = NULL;
	uint8_t boot[16];
	char *message = NULL;
	int r;

	if ((r = options_owner(o, 1, &owner)) == 0 &&
	    (r = options_remote(o, conninfo, &agent)) == 0 &&
	    (r = remote_boot(agent, boot)) == 0 &&
	    (r = request_open(owner, boot, &message)) == 0)
		puts(message);
	secmem_free(message);
	remote_close(agent);
	owner_close(owner);
	return r;
}

int
cmd_session(int argc, char **argv)
{
	struct options o = {
	    .name = "session", .help = help, .shorts = ":h", .longs = longs};
	const char *conninfo;

	if (options_next(&o, argc, argv) != -1 ||
	    !options_conninfo(&o, argc, argv, &conninfo))
		return o.status;
	if (session(&o, conninfo) != 0)
		return command_failed();
	return command_end(EXIT_DONE);
}
