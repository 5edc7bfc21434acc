#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/options.h"
#include "client/restore.h"
#include "client/why.h"

static const char help[] =
    "usage: cloister restore [PG_RESTORE OPTIONS] -d CONNINFO DUMP\n"
    "                        [--home DIR] [--passphrase-file FILE]\n"
    "\n"
    "pg_restore for a database with encrypted columns. Building an index and\n"
    "checking a constraint compare values, which needs the owner's session:\n"
    "this restores everything through one psql connection and opens the\n"
    "session in it. The agent must have been provisioned. DUMP is an archive\n"
    "or directory of pg_dump -Fc, -Ft or -Fd. The first error stops it.\n"
    "\n"
    "Options of pg_restore mean the same here, except: --jobs (there is one\n"
    "connection), --clean without --create (restore into an empty database),\n"
    "--section, --list and --file.\n"
    "\n"
    "example:\n"
    "  pg_dump -Fc hr > hr.dump\n"
    "  createdb hr2\n"
    "  cloister restore -d hr2 hr.dump\n";

enum restore_kind {
	TO_SELECT, /* passed to every pg_restore */
	TO_CREATE, /* to the first */
	TO_PSQL,
	OURS,
	REFUSED,
};

enum { OPT_FIRST = 2000, OPT_LIST = 'L', OPT_SINGLE = '1' };

struct row {
	const char *name;
	int has_arg;
	int letter; /* 0: none */
	enum restore_kind kind;
};

/* pg_restore's, versions 15 to 18. */
static const struct row rows[] = {
    {"dbname", 1, 'd', TO_PSQL},
    {"host", 1, 'h', TO_PSQL},
    {"port", 1, 'p', TO_PSQL},
    {"username", 1, 'U', TO_PSQL},
    {"no-password", 0, 'w', TO_PSQL},
    {"password", 0, 'W', TO_PSQL},
    {"create", 0, 'C', TO_CREATE},
    {"clean", 0, 'c', TO_CREATE},
    {"if-exists", 0, 0, TO_CREATE},
    {"use-list", 1, OPT_LIST, OURS},
    {"single-transaction", 0, OPT_SINGLE, OURS},
    {"exit-on-error", 0, 'e', OURS},
    {"file", 1, 'f', REFUSED},
    {"list", 0, 'l', REFUSED},
    {"jobs", 1, 'j', REFUSED},
    {"section", 1, 0, REFUSED},
    {"transaction-size", 1, 0, REFUSED},
    {"format", 1, 'F', TO_SELECT},
    {"verbose", 0, 'v', TO_SELECT},
    {"data-only", 0, 'a', TO_SELECT},
    {"schema-only", 0, 's', TO_SELECT},
    {"index", 1, 'I', TO_SELECT},
    {"schema", 1, 'n', TO_SELECT},
    {"exclude-schema", 1, 'N', TO_SELECT},
    {"no-owner", 0, 'O', TO_SELECT},
    {"function", 1, 'P', TO_SELECT},
    {"superuser", 1, 'S', TO_SELECT},
    {"table", 1, 't', TO_SELECT},
    {"trigger", 1, 'T', TO_SELECT},
    {"no-privileges", 0, 'x', TO_SELECT},
    {"no-acl", 0, 0, TO_SELECT},
    {"role", 1, 0, TO_SELECT},
    {"filter", 1, 0, TO_SELECT},
    {"disable-triggers", 0, 0, TO_SELECT},
    {"enable-row-security", 0, 0, TO_SELECT},
    {"no-comments", 0, 0, TO_SELECT},
    {"no-data", 0, 0, TO_SELECT},
    {"no-data-for-failed-tables", 0, 0, TO_SELECT},
    {"no-policies", 0, 0, TO_SELECT},
    {"no-publications", 0, 0, TO_SELECT},
    {"no-schema", 0, 0, TO_SELECT},
    {"no-security-labels", 0, 0, TO_SELECT},
    {"no-statistics", 0, 0, TO_SELECT},
    {"no-subscriptions", 0, 0, TO_SELECT},
    {"no-table-access-method", 0, 0, TO_SELECT},
    {"no-tablespaces", 0, 0, TO_SELECT},
    {"strict-names", 0, 0, TO_SELECT},
    {"use-set-session-authorization", 0, 0, TO_SELECT},
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

struct restore_call {
	struct options o;
	struct restore_plan plan;
	struct option longs[NROWS + 4];
	char shorts[2 * NROWS + 3];
	int clean, create, database;
};

/* getopt's tables out of ours; --help has no letter, -h is the host. */
static void
make_tables(struct restore_call *c)
{
	static const struct option base[] = {OPTIONS_BASE, OPTIONS_SIGNER};
	char *s = c->shorts;
	size_t i;

	*s++ = ':';
	for (i = 0; i < NROWS; i++) {
		c->longs[i] = (struct option){rows[i].name,
		    rows[i].has_arg ? required_argument : no_argument, NULL,
		    OPT_FIRST + (int)i};
		if (!rows[i].letter)
			continue;
		*s++ = (char)rows[i].letter;
		if (rows[i].has_arg)
			*s++ = ':';
	}
	*s = '\0';
	memcpy(c->longs + NROWS, base, sizeof(base));
	c->longs[NROWS + 3] = (struct option)OPTIONS_LAST;
}

static const struct row *
find(int v)
{
	size_t i;

	if (v >= OPT_FIRST)
		return &rows[v - OPT_FIRST];
	for (i = 0; i < NROWS; i++)
		if (rows[i].letter == v)
			return &rows[i];
	return NULL;
}

static int
ours(struct restore_call *c, const struct row *row)
{
	if (row->letter == OPT_LIST)
		c->plan.list = optarg;
	if (row->letter == OPT_SINGLE)
		c->plan.single = 1;
	return 1;
}

static int
take(struct restore_call *c, const struct row *row)
{
	struct restore_args *to = &c->plan.select;
	char option[64];

	if (row->kind == OURS)
		return ours(c, row);
	if (row->kind == REFUSED) {
		c->o.status = command_usage(c->o.name,
		    "--%s does not go with a restore in one session",
		    row->name);
		return 0;
	}
	if (row->kind == TO_CREATE)
		to = &c->plan.create;
	if (row->kind == TO_PSQL)
		to = &c->plan.connect;
	c->clean |= row->letter == 'c';
	c->create |= row->letter == 'C';
	c->database |= row->letter == 'd';
	snprintf(option, sizeof(option), "--%s%s", row->name,
	    row->has_arg ? "=" : "");
	if (restore_args_add(to, option, row->has_arg ? optarg : NULL) == 0)
		return 1;
	c->o.status = command_failed();
	return 0;
}

static const char *
missing(const struct restore_call *c, int operands)
{
	if (!c->database)
		return "expected -d CONNINFO: the database to restore into";
	if (operands != 1)
		return "expected one DUMP (standard input cannot be read "
		       "twice)";
	if (c->clean && !c->create)
		return "--clean needs --create here; or restore into an empty "
		       "database";
	if (c->plan.single && c->create)
		return "--create and --single-transaction exclude each other";
	return NULL;
}

static int
options(struct restore_call *c, int argc, char **argv)
{
	const char *wrong;
	int v;

	make_tables(c);
	while ((v = options_next(&c->o, argc, argv)) >= 0)
		if (!take(c, find(v)))
			return 0;
	if (v != -1)
		return 0;
	if ((wrong = missing(c, argc - optind)) != NULL) {
		c->o.status = command_usage(c->o.name, "%s", wrong);
		return 0;
	}
	c->plan.dump = argv[optind];
	return 1;
}

int
cmd_restore(int argc, char **argv)
{
	struct restore_call c = {.clean = 0};
	struct owner *o = NULL;
	int r;

	c.o = (struct options){.name = "restore",
	    .help = help,
	    .shorts = c.shorts,
	    .longs = c.longs};
	if (!options(&c, argc, argv)) {
		restore_plan_clear(&c.plan);
		return c.o.status;
	}
	if ((r = options_owner(&c.o, 1, &o)) == 0)
		r = restore_run(&c.plan, o);
	owner_close(o);
	restore_plan_clear(&c.plan);
	return r ? command_failed() : command_end(EXIT_DONE);
}
