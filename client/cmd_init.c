#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/options.h"
#include "client/passphrase.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"

static const char help[] =
    "usage: cloister init [--home DIR] [--identity KIND] [--sim-root FILE]\n"
    "                     [--passphrase | --passphrase-file FILE]\n"
    "\n"
    "Makes a new owner: the master key (mek), a signing identity, the\n"
    "tenant's keys, and the policy that says which evidence to accept.\n"
    "Everything is in one directory, which must not exist yet. Keep a backup\n"
    "of it off line: without mek and tenant.json nobody can ever read the\n"
    "data again.\n"
    "\n"
    "  --home DIR          the owner's directory; else $CLOISTER_HOME, else\n"
    "                      ~/.cloister\n"
    "  --identity KIND     ed25519 (default), p256, rsa3072 or sm2\n"
    "  --sim-root FILE     accept evidence of the simulated TEE that holds\n"
    "                      this public key. For development: it proves\n"
    "                      nothing\n"
    "  --passphrase        encrypt the signing key; asks on the terminal\n"
    "  --passphrase-file FILE\n"
    "                      the same, passphrase in the file's first line\n"
    "\n"
    "example:\n"
    "  cloister init --passphrase\n"
    "  cloister provision 'host=db.example.org dbname=hr'\n"
    "  cloister group create payroll --ops eq,cmp\n";

enum { OPT_IDENTITY = 1, OPT_SIM_ROOT, OPT_PASSPHRASE };

static const struct option longs[] = {
    OPTIONS_BASE,
    OPTIONS_SIGNER,
    {"identity", required_argument, NULL, OPT_IDENTITY},
    {"sim-root", required_argument, NULL, OPT_SIM_ROOT},
    {"passphrase", no_argument, NULL, OPT_PASSPHRASE},
    OPTIONS_LAST,
};

struct init {
	struct options o;
	enum identity_kind kind;
	const char *sim_root;
	int ask;
};

static int
set_kind(struct init *c, const char *name)
{
	static const char *const names[] = {
	    NULL, "ed25519", "p256", "rsa3072", "sm2"};
	unsigned i;

	for (i = IDENTITY_ED25519; i <= IDENTITY_SM2; i++)
		if (strcmp(name, names[i]) == 0) {
			c->kind = (enum identity_kind)i;
			return 1;
		}
	c->o.status = command_usage(c->o.name,
	    "--identity: expected ed25519, p256, rsa3072 or sm2, came \"%s\"",
	    name);
	return 0;
}

static int
options(struct init *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0) {
		if (v == OPT_IDENTITY && !set_kind(c, optarg))
			return 0;
		if (v == OPT_SIM_ROOT)
			c->sim_root = optarg;
		if (v == OPT_PASSPHRASE)
			c->ask = 1;
	}
	if (v == -1 && optind < argc) {
		c->o.status = command_usage(
		    c->o.name, "unexpected argument \"%s\"", argv[optind]);
		return 0;
	}
	return v == -1;
}

static int
read_sim_root(const char *path, uint8_t **pem)
{
	struct identity *id = NULL;
	size_t n;
	int r;

	if ((r = file_read(AT_FDCWD, path, IDENTITY_PEM_MAX, pem, &n)) != 0)
		return why_set(
		    r, "cannot read --sim-root %s: %s", path, err_text(r));
	if ((r = identity_load_public((char *)*pem, n, &id)) != 0)
		r = why_set(r,
		    "--sim-root %s: expected a public key in PEM form: %s",
		    path, err_text(r));
	identity_free(id);
	return r;
}

static int
read_passphrase(const struct init *c, char **passphrase)
{
	if (c->o.passphrase_file)
		return passphrase_file(c->o.passphrase_file, passphrase);
	if (c->ask)
		return passphrase_ask(
		    "New passphrase of the owner's identity: ", 1, passphrase);
	return CL_OK;
}

static int
show(const char *path)
{
	char pukid[IDENTITY_PUKID_LEN], tenant[UUID_TEXT];
	struct owner *o = NULL;
	int r;

	if ((r = owner_open(path, &o)) == 0 &&
	    (r = owner_pukid(o, pukid)) == 0) {
		uuid_text(o->tenant, tenant);
		printf("owner's directory  %s\ntenant             %s\n"
		       "pukid              %s\n",
		    path, tenant, pukid);
	}
	owner_close(o);
	return r;
}

static int
make(const struct init *c)
{
	struct owner_new n = {.home = c->o.home, .kind = c->kind};
	char *passphrase = NULL, *path = NULL;
	uint8_t *pem = NULL;
	int r;

	if ((c->sim_root && (r = read_sim_root(c->sim_root, &pem)) != 0) ||
	    (r = read_passphrase(c, &passphrase)) != 0)
		goto out;
	n.passphrase = passphrase;
	n.sim_root = (char *)pem;
	if ((r = owner_create(&n, &path)) == 0)
		r = show(path);
out:
	secmem_free(pem);
	secmem_free(passphrase);
	free(path);
	return r;
}

int
cmd_init(int argc, char **argv)
{
	struct init c = {.kind = IDENTITY_ED25519};

	c.o = (struct options){
	    .name = "init", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	if (make(&c) != 0)
		return command_failed();
	if (c.sim_root)
		command_warn("warning: this owner accepts the simulated TEE, "
			     "which protects nothing; use it for development "
			     "only");
	return command_end(EXIT_DONE);
}
