/*
 * cloisterd: the agent. Read on in the order in which a request travels:
 * config, broker (broker_open, measure, broker_serve, broker_unseal), engine
 * (confine, warmup, boot), accept, conn, serve (ring_service), dispatch, op_*,
 * with letter, session, tenant, channel, programs and sorts behind them.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/broker.h"
#include "agent/config.h"
#include "agent/engine.h"
#include "agent/evidence_provider.h"
#include "agent/measure.h"
#include "lib/version.h"

struct options {
	const char *config;
	const char *make_sim_key;
	bool check;
	bool print;
	bool foreground;
};

static const char usage[] =
    "usage: cloisterd [-c FILE] [--foreground]\n"
    "       cloisterd [-c FILE] --check-config\n"
    "       cloisterd --print-config | --make-sim-key FILE\n"
    "       cloisterd --help | --version\n"
    "\n"
    "The agent of Cloister: it holds the keys of encrypted columns inside a\n"
    "confidential virtual machine and computes for a PostgreSQL that never\n"
    "sees them.\n"
    "\n"
    "  -c, --config FILE     configuration (" CONFIG_PATH ")\n"
    "      --foreground      start the engine as a child and log to standard\n"
    "                        error; without it, systemd has started the "
    "engine\n"
    "      --check-config    say whether the configuration is good, which kind "
    "of\n"
    "                        evidence this machine gives and which register a\n"
    "                        start is measured into, and leave\n"
    "      --print-config    print every key with its default and meaning\n"
    "      --make-sim-key FILE\n"
    "                        make the key pair of the simulated TEE (FILE,\n"
    "                        FILE.pub), for development only\n"
    "\n"
    "Exit status: 0 stopped as told, 1 failed, 2 usage or configuration.\n";

static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"foreground", no_argument, NULL, 'f'},
	    {"check-config", no_argument, NULL, 'k'},
	    {"print-config", no_argument, NULL, 'p'},
	    {"make-sim-key", required_argument, NULL, 's'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'f':
			o->foreground = true;
			break;
		case 'k':
			o->check = true;
			break;
		case 'p':
			o->print = true;
			break;
		case 's':
			o->make_sim_key = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("cloisterd " CLOISTER_VERSION);
			return 0;
		default:
			return 2;
		}
	if (optind < argc) {
		fprintf(stderr, "cloisterd: unexpected argument '%s'\n",
		    argv[optind]);
		return 2;
	}
	return -1;
}

static int
make_sim_key(const char *path)
{
	int r = evidence_sim_make_key(path);

	if (r)
		fprintf(stderr, "cloisterd: %s: %s\n", path, err_text(r));
	else
		printf("%s: private key of the simulated TEE, for [sim] key\n"
		       "%s.pub: give it to the owner (cloister init "
		       "--sim-root)\n",
		    path, path);
	return r ? 1 : 0;
}

/* The file was read; whether this machine can do what it says is another
 * question, and gets its own exit status. */
static int
check_config(const char *path, const struct config *c)
{
	const struct evidence_provider *tee;
	char reason[EVIDENCE_REASON];
	struct evidence_config e;
	int r;

	printf("%s: good\n", path);
	config_evidence(c, &e);
	r = evidence_provider_choose(c->tee, &e, &tee, reason);
	if (r)
		printf("tee = %s: not here: %s\n", c->tee, reason);
	else
		printf("tee = %s: %s: %s\n", c->tee, tee->tee, reason);
	if (!r)
		measure_explain(&e, tee->tee, stdout);
	return r ? 1 : 0;
}

static int
run(const struct options *o)
{
	char error[CONFIG_ERROR];
	struct config c;

	if (o->print) {
		config_help(stdout);
		return 0;
	}
	if (o->make_sim_key)
		return make_sim_key(o->make_sim_key);
	if (config_load(o->config, &c, error)) {
		fprintf(stderr, "cloisterd: %s\n", error);
		return 2;
	}
	if (o->check)
		return check_config(o->config, &c);
	return broker_main(&c, o->foreground);
}

int
main(int argc, char **argv)
{
	struct options o = {.config = CONFIG_PATH};
	int status;

	/* How the broker and systemd start the engine; not for people. */
	if (argc == 2 && !strcmp(argv[1], "--engine"))
		return engine_main();
	status = parse_options(argc, argv, &o);
	if (status == 2)
		fputs("try: cloisterd --help\n", stderr);
	return status >= 0 ? status : run(&o);
}
