#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/appraisal.h"
#include "client/cache.h"
#include "client/command.h"
#include "client/evidence_file.h"
#include "client/fetch.h"
#include "client/fetch_check.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/appraise_policy.h"
#include "policy/coco.h"

static const char help[] =
    "usage: cloister fetch-endorsements EVIDENCE [--out DIR] [--tee KIND]\n"
    "           [--base-url VENDOR=URL]... [--ca-file FILE] [--no-cache]\n"
    "           [--timeout SECONDS] [--time T] [--policy FILE] [--home DIR]\n"
    "\n"
    "Asks the hardware's vendor for what it says of the machine that this\n"
    "evidence is of: AMD for the VCEK of its chip and patch level, the chain\n"
    "and the revocation list; Intel for TCB info, QE identity and revocation\n"
    "lists; Hygon for HSK and CEK. Nothing is kept that does not hold up to\n"
    "the vendor's pinned root. The vendor learns which chip is asked about,\n"
    "from where, and nothing else. A VLEK cannot be fetched: the cloud gives\n"
    "it to the guest.\n"
    "\n"
    "  EVIDENCE       an envelope or, with --tee, a vendor's report; - is\n"
    "                 standard input. It need not be accepted\n"
    "  --out DIR      where to put them; without it into the cache,\n"
    "                 endorsements/ in the owner's directory\n"
    "  --no-cache     with --out: neither take from the cache nor add to it\n"
    "  --base-url VENDOR=URL\n"
    "                 of a mirror, such as a PCCS: amd, intel, intel-root,\n"
    "                 hygon; https, or http on this machine\n"
    "  --ca-file FILE the mirror's CA (PEM), in place of the system's\n"
    "  --timeout SECONDS\n"
    "                 of one request, 30 by default\n"
    "  --time T       when they should be valid; now by default\n"
    "  --policy FILE  instead of policy.json in the owner's directory, for\n"
    "                 its test_roots\n"
    "\n"
    "What is at hand and current is not asked for again. fetch.json in the\n"
    "owner's directory has lasting settings; see cloister(1).\n"
    "\n"
    "exit code: 0 all is there and current, 1 something is not, 2 wrong "
    "usage\n"
    "\n"
    "examples:\n"
    "  cloister fetch-endorsements evidence.json\n"
    "  cloister fetch-endorsements report.bin --tee snp --out amd/\n"
    "  cloister verify report.bin --tee snp --endorsements amd/\n";

enum {
	OPT_OUT = 1,
	OPT_TEE,
	OPT_BASE,
	OPT_CA,
	OPT_NO_CACHE,
	OPT_TIMEOUT,
	OPT_TIME,
	OPT_POLICY,
};

static const struct option longs[] = {
    OPTIONS_BASE,
    {"out", required_argument, NULL, OPT_OUT},
    {"tee", required_argument, NULL, OPT_TEE},
    {"base-url", required_argument, NULL, OPT_BASE},
    {"ca-file", required_argument, NULL, OPT_CA},
    {"no-cache", no_argument, NULL, OPT_NO_CACHE},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"time", required_argument, NULL, OPT_TIME},
    {"policy", required_argument, NULL, OPT_POLICY},
    OPTIONS_LAST,
};

#define BASES_MAX 8u

struct fetch {
	struct options o;
	const char *file, *out, *tee, *policy, *ca_file, *base[BASES_MAX];
	unsigned nbases;
	bool no_cache;
	int64_t time, timeout;
	/* Opened: */
	struct home home; /* dirfd -1: there is none */
	struct fetch_settings settings;
	struct text input;
	struct evidence evidence; /* an envelope's, or */
	struct coco wrapped;	  /* evidence in others' wrappers */
	struct appraise_policy *rules;
	struct wanted w;
};

static int
take_base(struct fetch *c, const char *spec)
{
	if (c->nbases == BASES_MAX) {
		c->o.status = command_usage(
		    c->o.name, "--base-url: at most %u of them", BASES_MAX);
		return 0;
	}
	c->base[c->nbases++] = spec;
	return 1;
}

/* 0: the command is over. */
static int
take(struct fetch *c, int option)
{
	switch (option) {
	case OPT_OUT:
		c->out = optarg;
		return 1;
	case OPT_TEE:
		c->tee = optarg;
		if (appraise_knows(c->tee))
			return 1;
		c->o.status = command_usage(c->o.name,
		    "--tee: expected snp, tdx, csv or tpm, came \"%s\"",
		    c->tee);
		return 0;
	case OPT_BASE:
		return take_base(c, optarg);
	case OPT_CA:
		c->ca_file = optarg;
		return 1;
	case OPT_NO_CACHE:
		c->no_cache = true;
		return 1;
	case OPT_TIMEOUT:
		return options_number(&c->o, "--timeout", optarg, 1,
		    FETCH_TIMEOUT_MAX, &c->timeout);
	case OPT_TIME:
		return options_time(&c->o, optarg, &c->time);
	default:
		c->policy = optarg;
		return 1;
	}
}

static int
options(struct fetch *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0)
		if (!take(c, v))
			return 0;
	if (v != -1)
		return 0;
	if (argc - optind != 1)
		c->o.status = command_usage(
		    c->o.name, "expected one EVIDENCE, came %d", argc - optind);
	else if (c->no_cache && !c->out)
		c->o.status = command_usage(
		    c->o.name, "--no-cache: expected --out DIR, too");
	else {
		c->file = argv[optind];
		return 1;
	}
	return 0;
}

/* Without --out there must be one. */
static int
open_home(struct fetch *c)
{
	char why[512];
	int r = home_open(c->o.home, &c->home);

	if (r == CL_ERR_NOT_FOUND && c->out && !c->o.home)
		return CL_OK;
	if (r == CL_ERR_NOT_FOUND && !c->out) {
		(void)snprintf(why, sizeof(why), "%s", why_text());
		r = why_set(r, "%s, or name a folder with --out DIR", why);
	}
	return r;
}

static const struct home *
home_of(const struct fetch *c)
{
	return c->home.dirfd < 0 ? NULL : &c->home;
}

/* CL_ERR_ARGUMENT: a base URL of the command line is no good. */
static int
settle(struct fetch *c)
{
	unsigned i;
	int r = fetch_settings_load(home_of(c), &c->settings);

	if (r != 0)
		return r;
	for (i = 0; i < c->nbases; i++)
		if (fetch_settings_base(&c->settings, c->base[i]) != 0) {
			c->o.status = command_usage(
			    c->o.name, "--base-url: %s", why_text());
			return CL_ERR_ARGUMENT;
		}
	c->settings.timeout = (int)c->timeout;
	if (!c->ca_file)
		return CL_OK;
	if (strlen(c->ca_file) >= sizeof(c->settings.ca_file))
		return why_set(
		    CL_ERR_TOO_LARGE, "--ca-file: the path is too long");
	if (access(c->ca_file, R_OK) != 0)
		return why_set(CL_ERR_IO, "cannot read --ca-file %s: %s",
		    c->ca_file, strerror(errno));
	(void)snprintf(
	    c->settings.ca_file, sizeof(c->settings.ca_file), "%s", c->ca_file);
	return CL_OK;
}

static int
load_policy(struct fetch *c)
{
	uint8_t *text = NULL;
	size_t n;
	int r;

	if ((r = appraisal_policy(home_of(c), c->policy, &text, &n)) != 0)
		return r;
	r = appraisal_policy_parse(
	    home_of(c), c->policy, (char *)text, n, &c->rules);
	secmem_free(text);
	return r;
}

/* own: what came with it may tell the product of an old report. */
static int
find_in(struct fetch *c, const char *tee, const uint8_t *p, size_t n,
    const struct endorse *own)
{
	int r = wanted_find(tee, p, n, own, &c->w);

	return r ? why_set(r, "%s: no evidence of kind %s can be read in it",
		       c->file, tee)
		 : CL_OK;
}

static int
find_in_envelope(struct fetch *c)
{
	const struct evidence *e = &c->evidence;
	struct endorse *own;
	unsigned i;
	int r = CL_OK;

	if (endorse_new(&own) != 0)
		return why_memory();
	for (i = 0; r == 0 && i < e->nblobs; i++)
		r = endorse_add(own, e->blobs[i].p, e->blobs[i].n);
	r = find_in(c, e->tee, e->raw, e->raw_n, own);
	endorse_free(own);
	return r;
}

/* As it is, or in a wrapper of others. */
static int
find_in_blob(struct fetch *c, const char *p, size_t n)
{
	struct coco *x = &c->wrapped;
	int r = coco_open(c->tee, p, n, x);

	if (r == 0)
		return find_in(c, c->tee, x->raw, x->raw_n, x->own);
	if (r == CL_ERR_NOT_FOUND)
		return find_in(c, c->tee, (const uint8_t *)p, n, NULL);
	return why_set(
	    r, "%s: member \"%s\": %s", c->file, json_why(), err_text(r));
}

static int
find(struct fetch *c)
{
	const char *p = c->input.p ? c->input.p : "";
	size_t n = c->input.n, trimmed = n;

	while (trimmed && p[trimmed - 1] == '\n')
		trimmed--;
	if (evidence_parse(p, trimmed, &c->evidence) == 0)
		return find_in_envelope(c);
	if (c->tee)
		return find_in_blob(c, p, n);
	return why_set(CL_ERR_FORMAT,
	    "%s: expected an evidence envelope, or --tee KIND with a vendor's "
	    "report",
	    c->file);
}

/* "until 2027-01-16T08:00:00Z", "3 days ago, …" */
static void
say_until(const struct fetch *c, int64_t until, char *out, size_t cap)
{
	int64_t ago = c->time - until;
	time_t at = (time_t)until;
	char when[32] = "?";
	struct tm tm;

	out[0] = '\0';
	if (until == FETCH_FOREVER)
		(void)snprintf(out, cap, "has no end");
	if (!until || until == FETCH_FOREVER)
		return;
	if (gmtime_r(&at, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (ago < 0)
		(void)snprintf(out, cap, "until %s", when);
	else if (ago < 2 * 86400)
		(void)snprintf(out, cap, "ended %lld hours ago, %s",
		    (long long)(ago / 3600), when);
	else
		(void)snprintf(out, cap, "ended %lld days ago, %s",
		    (long long)(ago / 86400), when);
}

static void
show(void *arg, const struct fetch_note *note)
{
	static const char *const words[] = {
	    "current", "fetched", "stale", "missing"};
	char until[80];

	say_until(arg, note->until, until, sizeof(until));
	printf("%-28s %-8s %s\n", note->what, words[note->state], until);
	if (note->why[0])
		command_warn("%s: %s", note->what, note->why);
}

static int
open_out(const char *path, int *fd)
{
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return why_set(CL_ERR_IO, "cannot make the folder %s: %s", path,
		    strerror(errno));
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? why_set(CL_ERR_IO, "cannot open the folder %s: %s",
			     path, strerror(errno))
		       : CL_OK;
}

/* Into the cache where there is one, and from there to the folder. */
static int
fill(struct fetch *c)
{
	const struct fetch_job job = {.settings = &c->settings,
	    .roots = &c->rules->roots,
	    .time = c->time,
	    .told = show,
	    .arg = c};
	bool cache = home_of(c) && !c->no_cache;
	int fd = -1, out = -1, r, copied;

	if (c->out && (r = open_out(c->out, &out)) != 0)
		return r;
	if (cache && (r = cache_open(&c->home, &fd)) != 0)
		goto out;
	r = fetch_fill(&job, &c->w, cache ? fd : out);
	if (cache && c->out && (copied = cache_copy(fd, &c->w, out)) != 0 &&
	    r == 0)
		r = copied;
out:
	if (fd >= 0)
		close(fd);
	if (out >= 0)
		close(out);
	return r;
}

static int
fetch(struct fetch *c)
{
	int r;

	if ((r = open_home(c)) != 0 || (r = settle(c)) != 0 ||
	    (r = load_policy(c)) != 0 ||
	    (r = evidence_file_read(c->file, &c->input)) != 0 ||
	    (r = find(c)) != 0)
		return r;
	if (!c->w.amd && !c->w.intel && !c->w.hygon) {
		puts("nothing to fetch: no vendor speaks for this evidence");
		return CL_OK;
	}
	if (c->w.amd && c->w.snp.vlek)
		command_warn("note: the report is signed by a VLEK, which "
			     "cannot be fetched: the guest has it from its "
			     "cloud");
	return fill(c);
}

int
cmd_fetch(int argc, char **argv)
{
	struct fetch *c = secmem_alloc(sizeof(*c));
	int r, status;

	if (!c) {
		(void)why_memory();
		return command_failed();
	}
	c->home.dirfd = -1;
	c->time = (int64_t)time(NULL);
	c->o = (struct options){.name = "fetch-endorsements",
	    .help = help,
	    .shorts = ":h",
	    .longs = longs};
	if (!options(c, argc, argv)) {
		status = c->o.status;
		goto out;
	}
	r = fetch(c);
	status = r == 0		    ? command_end(EXIT_DONE)
		 : c->o.status != 0 ? c->o.status
				    : command_failed();
out:
	appraise_policy_free(c->rules);
	evidence_clear(&c->evidence);
	coco_clear(&c->wrapped);
	text_clear(&c->input);
	home_close(&c->home);
	secmem_free(c);
	return status;
}
