/* The owner's command: a table of subcommands. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "client/command.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "lib/version.h"

static const struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"init", "make a new owner: keys, identity, policy", cmd_init},
    {"provision", "verify the agent, then hand it the tenant's keys",
	cmd_provision},
    {"group", "create, alter, push or list key groups", cmd_group},
    {"session", "print a message that opens a session in SQL", cmd_session},
    {"encrypt", "values or CSV columns to cells", cmd_encrypt},
    {"decrypt", "a filter: cells in, values out", cmd_decrypt},
    {"restore", "pg_restore with the owner's session", cmd_restore},
    {"report", "fetch attestation evidence", cmd_report},
    {"verify", "check attestation evidence", cmd_verify},
    {"fetch-endorsements", "get what vendors say of a machine", cmd_fetch},
    {"policy", "make a policy out of evidence", cmd_policy},
    {"status", "show the owner and what the agent holds", cmd_status},
    {"forget", "make the agent drop the tenant's keys", cmd_forget},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
print_help(FILE *f)
{
	size_t i;

	fputs("usage: cloister COMMAND [OPTIONS]\n"
	      "\n"
	      "The data owner's side of Cloister: encrypted columns that a "
	      "database computes on\n"
	      "and neither it nor its administrator can read.\n"
	      "\n",
	    f);
	for (i = 0; i < NCOMMANDS; i++)
		fprintf(
		    f, "  %-18s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
	      "cloister COMMAND --help teaches each with an example. The "
	      "owner's directory is\n"
	      "$CLOISTER_HOME, by default ~/.cloister; PG* variables name the "
	      "database.\n"
	      "Exit codes: 0 done, 1 failed or refused, 2 wrong usage.\n",
	    f);
}

static const struct command *
find(const char *name)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

static int
unknown(const char *name)
{
	fprintf(stderr,
	    "cloister: unknown command \"%s\"; see: cloister help\n", name);
	return EXIT_USAGE;
}

static int
help(int argc, char **argv)
{
	char option[] = "--help";
	const struct command *c;
	char *args[3];

	if (argc < 3) {
		print_help(stdout);
		return command_end(EXIT_DONE);
	}
	c = find(argv[2]);
	if (!c)
		return unknown(argv[2]);
	args[0] = argv[2];
	args[1] = option;
	args[2] = NULL;
	return c->run(2, args);
}

/* Keys and plaintext pass through here: no core, no tracer of the same uid,
 * and JSON texts are wiped like other secrets. */
static void
harden(void)
{
	struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	json_set_alloc_funcs(secmem_alloc, secmem_free);
}

int
main(int argc, char **argv)
{
	const struct command *c;

	harden();
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("cloister " CLOISTER_VERSION);
		return command_end(EXIT_DONE);
	}
	c = find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}
