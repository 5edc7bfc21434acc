#include <stdio.h>

#include "client/command.h"
#include "client/exchange.h"
#include "client/floor.h"
#include "client/groups.h"
#include "client/options.h"
#include "client/pins.h"
#include "lib/json.h"

static const char help[] =
    "usage: cloister status [CONNINFO | --socket PATH] [--local] [--home DIR]\n"
    "                       [--endorsements PATH]... [--no-cache | --fetch]\n"
    "                       [--passphrase-file FILE]\n"
    "\n"
    "Shows the owner, and what the agent answers about the owner's keys:\n"
    "whether it holds them, for how long (0: until it stops), and whether a\n"
    "sealed copy exists. The agent's evidence is verified first, and the\n"
    "question is signed: nobody else gets an answer. The answer itself\n"
    "travels in clear; only the audit head in it is signed.\n"
    "\n"
    "  CONNINFO       reach the agent through this database; without it, PG*\n"
    "                 variables decide\n"
    "  --socket PATH  reach it over its socket on this machine\n"
    "  --local        only the owner's directory, no agent\n"
    "  --endorsements PATH, --no-cache, --fetch\n"
    "                 as in cloister provision\n"
    "\n"
    "example:\n"
    "  cloister status 'host=db.example.org dbname=hr'\n";

enum { OPT_LOCAL = 1 };

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_SIGNER,
    OPTIONS_REMOTE,
    ENDORSEMENTS_OPTIONS,
    {"local", no_argument, NULL, OPT_LOCAL},
    OPTIONS_LAST,
};

static void
bad_group(void)
{
	(void)command_failed();
}

static int
show_owner(const struct owner *o)
{
	char pukid[IDENTITY_PUKID_LEN], tenant[UUID_TEXT];
	struct groups gs;
	int r;

	if ((r = owner_pukid(o, pukid)) != 0 ||
	    (r = groups_load(o, bad_group, &gs)) != 0)
		return r;
	uuid_text(o->tenant, tenant);
	printf("owner's directory  %s\ntenant             %s\n"
	       "pukid              %s\ngroups             %zu\n",
	    o->home.path, tenant, pukid, gs.n);
	groups_clear(&gs);
	return CL_OK;
}

/* "yes", "no", or that the member is missing. */
static const char *
yes_no(const json_t *answer, const char *key)
{
	const json_t *v = json_object_get(answer, key);

	return json_is_boolean(v) ? json_is_true(v) ? "yes" : "no" : "not said";
}

static void
show_lease(const json_t *answer)
{
	const json_t *v = json_object_get(answer, "lease");
	bool held = json_is_true(json_object_get(answer, "provisioned"));

	fputs("lease              ", stdout);
	if (!held)
		puts("none");
	else if (json_integer_value(v) > 0)
		printf("%lld seconds left\n", (long long)json_integer_value(v));
	else
		puts("none, until the agent stops");
}

/* Groups that have an older version, while the agent has not seen the newest:
 * a rewound database could bring the old one back. */
static size_t
count_behind(const json_t *answer, const json_t *floor)
{
	const json_t *theirs =
	    json_object_get(json_object_get(answer, "floor"), "groups");
	const char *key;
	const json_t *v;
	size_t n = 0;

	json_object_foreach(json_object_get(floor, "groups"), key, v) n +=
	    json_integer_value(json_object_get(theirs, key)) <
	    json_integer_value(v);
	return n;
}

static int
show_answer(const struct owner *o, const json_t *answer)
{
	json_t *floor;
	size_t behind;
	int r;

	if ((r = floor_load(&o->home, &floor)) != 0)
		return r;
	behind = count_behind(answer, floor);
	json_decref(floor);
	printf("keys in the agent  %s\n", yes_no(answer, "provisioned"));
	printf("sealed copy        %s\n", yes_no(answer, "sealed"));
	show_lease(answer);
	printf("audit log          %lld entries\n",
	    (long long)json_integer_value(
		json_object_get(answer, "audit_count")));
	if (behind)
		printf(
		    "policy floor       behind for %zu group%s: run cloister "
		    "provision\n",
		    behind, behind == 1 ? "" : "s");
	else
		puts("policy floor       up to date");
	return CL_OK;
}

/* Accepted evidence also tells the key that the answer's audit head must be
 * signed with. */
static int
show_evidence(
    const struct owner *o, struct remote *agent, struct endorsements *from)
{
	struct appraisal a;
	int r = exchange_evidence(&o->home, agent, from, &a);

	if (r == CL_ERR_EVIDENCE || r == CL_ERR_APPRAISAL)
		puts("evidence           REFUSED");
	if (r)
		return r;
	printf("evidence           accepted (%s)\n", a.claims.tee);
	return pins_learn(&o->home, &a.claims);
}

struct status {
	struct options o;
	struct endorsements from;
	const char *conninfo;
	bool local;
};

static int
status(struct status *c)
{
	struct remote *agent = NULL;
	struct owner *owner = NULL;
	json_t *answer = NULL;
	int r;

	if ((r = options_owner(&c->o, !c->local, &owner)) != 0 ||
	    (r = show_owner(owner)) != 0 || c->local)
		goto out;
	if ((r = options_remote(&c->o, c->conninfo, &agent)) == 0 &&
	    (r = show_evidence(owner, agent, &c->from)) == 0 &&
	    (r = exchange_ask(owner, agent, "status", &answer)) == 0)
		r = show_answer(owner, answer);
out:
	json_decref(answer);
	remote_close(agent);
	owner_close(owner);
	return r;
}

static int
options(struct status *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0) {
		if (v == OPT_LOCAL)
			c->local = true;
		else if (!endorsements_take(&c->from, &c->o, v))
			return 0;
	}
	return v == -1 && options_conninfo(&c->o, argc, argv, &c->conninfo);
}

int
cmd_status(int argc, char **argv)
{
	struct status c = {.local = false};

	c.o = (struct options){
	    .name = "status", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	if (status(&c) != 0)
		return command_failed();
	return command_end(EXIT_DONE);
}
