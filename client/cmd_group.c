#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/groups.h"
#include "client/options.h"
#include "client/request.h"
#include "client/why.h"
#include "lib/secmem.h"
#include "tde/suite.h"

static const char help[] =
    "usage: cloister group create NAME [OPTIONS] [CONNINFO]\n"
    "       cloister group alter NAME [OPTIONS] [--rotate] [CONNINFO]\n"
    "       cloister group push NAME [CONNINFO]\n"
    "       cloister group list\n"
    "\n"
    "A group is a key and what may be done with what it encrypts; a column\n"
    "names its group: salary enc_int4('payroll'). The owner signs the\n"
    "definition, so neither the database nor its administrator can change it.\n"
    "create and alter write it to the owner's directory and put it into the\n"
    "database; push puts an existing one into another database.\n"
    "\n"
    "  --ops LIST        eq, cmp, arith, agg, like, text, extract, cast; or\n"
    "                    default (eq,cmp); or all\n"
    "  --flows-to LIST   groups that values of this one may be re-encrypted\n"
    "                    into; '' for none\n"
    "  --suite SUITE     aes-256-gcm (default), or aes-256-siv: equal values\n"
    "                    give equal cells, which anybody can see (create\n"
    "                    only)\n"
    "  --pad N           lengths of text and bytea are hidden up to a\n"
    "                    multiple of N bytes (create only)\n"
    "  --rotate          new cells get a new key; old ones stay readable\n"
    "                    (alter only)\n"
    "  --local           the owner's directory only, no database\n"
    "  CONNINFO          which database; without it, PG* variables decide\n"
    "  --home DIR, --passphrase-file FILE   as in cloister init\n"
    "\n"
    "example:\n"
    "  cloister group create payroll --ops eq,cmp,arith,agg\n"
    "  cloister group create names --ops eq,cmp,like --pad 16\n"
    "  psql -c \"CREATE TABLE staff (name enc_text('names'),\n"
    "           salary enc_int4('payroll'))\"\n";

enum {
	OPT_SUITE = 1,
	OPT_OPS,
	OPT_FLOWS,
	OPT_PAD,
	OPT_ROTATE,
	OPT_LOCAL,
};

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_SIGNER,
    {"suite", required_argument, NULL, OPT_SUITE},
    {"ops", required_argument, NULL, OPT_OPS},
    {"flows-to", required_argument, NULL, OPT_FLOWS},
    {"pad", required_argument, NULL, OPT_PAD},
    {"rotate", no_argument, NULL, OPT_ROTATE},
    {"local", no_argument, NULL, OPT_LOCAL},
    OPTIONS_LAST,
};

struct group_call {
	struct options o;
	struct groups_wish wish;
	const char *conninfo;
	int local;
};

static int
take(struct group_call *c, int v)
{
	int64_t n;

	switch (v) {
	case OPT_SUITE:
		c->wish.suite = optarg;
		return 1;
	case OPT_OPS:
		c->wish.ops = optarg;
		return 1;
	case OPT_FLOWS:
		c->wish.flows_to = optarg;
		return 1;
	case OPT_PAD:
		if (!options_number(
			&c->o, "--pad", optarg, 0, GROUP_PAD_MAX, &n))
			return 0;
		c->wish.pad = (uint32_t)n;
		return 1;
	case OPT_ROTATE:
		c->wish.rotate = 1;
		return 1;
	default:
		c->local = 1;
		return 1;
	}
}

static int
options(struct group_call *c, int argc, char **argv, int names)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0)
		if (!take(c, v))
			return 0;
	if (v != -1)
		return 0;
	if (names) {
		if (optind == argc) {
			c->o.status = command_usage(
			    c->o.name, "expected the group's NAME");
			return 0;
		}
		c->wish.name = argv[optind++];
	}
	return options_conninfo(&c->o, argc, argv, &c->conninfo);
}

/* ---- create, alter, push ---- */

/* A session takes the definition on into the agent at once. Without one the
 * agent learns a new group when it is first used, but keeps the old version
 * of one that it has. */
static int
enter(const struct owner *o, struct remote *db)
{
	uint8_t boot[16];
	char *message = NULL;
	int r;

	if ((r = remote_boot(db, boot)) == 0 &&
	    (r = request_open(o, boot, &message)) == 0)
		r = remote_open(db, message);
	secmem_free(message);
	return r;
}

static int
put(const struct group_call *c, const struct owner *o, const struct group *g)
{
	struct remote_group rg = {
	    .text = g->text,
	    .sig = g->sig,
	    .sig_n = g->sig_n,
	    .wrapped = g->wrapped,
	    .wrapped_n = sizeof(g->wrapped),
	};
	struct remote *db = NULL;
	int r;

	if ((r = remote_sql(c->conninfo, &db)) != 0)
		return r;
	if (enter(o, db) != 0 && g->def.version > 1)
		command_warn("warning: an agent that knows this group keeps "
			     "its older version until cloister provision: %s",
		    why_text());
	r = remote_group_put(db, &rg);
	remote_close(db);
	return r;
}

static void
print_group(const struct group *g)
{
	char ops[64];
	const struct suite *s = suite_by_id(g->def.suite);

	group_ops_print(g->def.ops, ops);
	printf("%-20s %-10u %-12s %7u %5u %5u  %s\n", g->def.name, g->tag,
	    s ? s->name : "?", g->def.version, g->def.epoch, g->def.pad, ops);
}

static void
print_head(void)
{
	printf("%-20s %-10s %-12s %7s %5s %5s  %s\n", "name", "tag", "suite",
	    "version", "epoch", "pad", "operations");
}

typedef int (*change)(
    struct owner *o, const struct groups_wish *w, struct group **out);

static int
run_change(struct group_call *c, change make)
{
	struct owner *o = NULL;
	struct group *g = NULL;
	int r;

	if ((r = options_owner(&c->o, 1, &o)) != 0 ||
	    (r = make(o, &c->wish, &g)) != 0)
		goto out;
	if (!c->local && (r = put(c, o, g)) != 0) {
		r = why_in(r,
		    "group \"%s\" version %u is in %s but not in the database; "
		    "when it can be reached: cloister group push %s",
		    g->def.name, g->def.version, o->home.path, g->def.name);
		goto out;
	}
	print_head();
	print_group(g);
out:
	groups_close(g);
	owner_close(o);
	return r;
}

static int
open_existing(struct owner *o, const struct groups_wish *w, struct group **out)
{
	return groups_open(o, w->name, out);
}

static int
group_create(struct group_call *c, int argc, char **argv)
{
	c->o.name = "group create";
	if (!options(c, argc, argv, 1))
		return c->o.status;
	if (c->wish.rotate)
		return command_usage(c->o.name, "--rotate is for group alter");
	return run_change(c, groups_create) ? command_failed() : EXIT_DONE;
}

static int
group_alter(struct group_call *c, int argc, char **argv)
{
	c->o.name = "group alter";
	if (!options(c, argc, argv, 1))
		return c->o.status;
	if (c->wish.suite || c->wish.pad)
		return command_usage(c->o.name,
		    "suite and padding of a group never change; make a new "
		    "group");
	if (!c->wish.ops && !c->wish.flows_to && !c->wish.rotate)
		return command_usage(c->o.name,
		    "expected --ops, --flows-to or --rotate, came none");
	return run_change(c, groups_alter) ? command_failed() : EXIT_DONE;
}

static int
group_push(struct group_call *c, int argc, char **argv)
{
	c->o.name = "group push";
	if (!options(c, argc, argv, 1))
		return c->o.status;
	if (c->local)
		return command_usage(c->o.name, "--local makes no sense here");
	return run_change(c, open_existing) ? command_failed() : EXIT_DONE;
}

/* ---- list ---- */

static void
bad_file(void)
{
	(void)command_failed();
}

static int
group_list(struct group_call *c, int argc, char **argv)
{
	struct owner *o = NULL;
	struct groups gs;
	size_t i;
	int r;

	c->o.name = "group list";
	if (!options(c, argc, argv, 0))
		return c->o.status;
	if ((r = options_owner(&c->o, 0, &o)) == 0 &&
	    (r = groups_load(o, bad_file, &gs)) == 0) {
		print_head();
		for (i = 0; i < gs.n; i++)
			print_group(gs.v[i]);
		groups_clear(&gs);
	}
	owner_close(o);
	return r ? command_failed() : EXIT_DONE;
}

int
cmd_group(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct group_call *c, int argc, char **argv);
	} rows[] = {
	    {"create", group_create},
	    {"alter", group_alter},
	    {"push", group_push},
	    {"list", group_list},
	};
	struct group_call c = {
	    .o = {
		.name = "group", .help = help, .shorts = ":h", .longs = longs}};
	size_t i;

	if (argc > 1)
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (strcmp(argv[1], rows[i].name) == 0)
				return command_end(
				    rows[i].run(&c, argc - 1, argv + 1));
	if (options_next(&c.o, argc, argv) == -2)
		return c.o.status;
	return command_usage("group",
	    "expected create, alter, push or list, came %s",
	    argc > 1 ? argv[1] : "nothing");
}
