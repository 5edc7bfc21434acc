#include <stdio.h>

#include "client/cells.h"
#include "client/command.h"
#include "client/filter.h"
#include "client/options.h"
#include "client/out.h"
#include "client/why.h"

static const char help[] =
    "usage: cloister decrypt [--csv | --json | --table] [--home DIR]\n"
    "\n"
    "A filter: replaces every cell (cl1_...) in standard input by its value\n"
    "and passes everything else unchanged. Fits behind psql in any output\n"
    "format.\n"
    "\n"
    "  --csv    input is CSV (psql --csv, COPY ... CSV): fields are quoted\n"
    "           again where the value needs it\n"
    "  --json   cells stand in JSON strings: values are escaped for them\n"
    "  --table  input is CSV with a header, output a table as psql draws it\n"
    "\n"
    "A cell that is damaged or of an unknown group stays as it is; standard\n"
    "error names its line, and the exit code is 1. Needs no database.\n"
    "\n"
    "example:\n"
    "  psql --csv -c 'SELECT name, salary FROM staff' |\n"
    "      cloister decrypt --table\n";

static const struct option longs[] = {
    OPTIONS_BASE,
    {"csv", no_argument, NULL, FILTER_CSV},
    {"json", no_argument, NULL, FILTER_JSON},
    {"table", no_argument, NULL, FILTER_TABLE},
    OPTIONS_LAST,
};

struct decrypt {
	struct options o;
	enum filter_form form;
	struct groups groups;
	struct cells cells;
	struct out out;
	struct filter *filter;
	int failed;
};

static int
options(struct decrypt *c, int argc, char **argv)
{
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0) {
		if (c->form != FILTER_PLAIN) {
			c->o.status = command_usage(c->o.name,
			    "expected one of --csv, --json, --table");
			return 0;
		}
		c->form = (enum filter_form)v;
	}
	if (v == -1 && optind < argc) {
		c->o.status = command_usage(c->o.name,
		    "unexpected argument \"%s\": input comes from standard "
		    "input",
		    argv[optind]);
		return 0;
	}
	return v == -1;
}

static int
put(void *arg, const char *p, size_t n)
{
	struct decrypt *c = arg;

	return out_put(&c->out, p, n);
}

static int
resolve(void *arg, const char *token, size_t n, struct text *out)
{
	struct decrypt *c = arg;

	return cells_decrypt(&c->cells, &c->groups, token, n, out);
}

static void
failed(void *arg, uint64_t line)
{
	struct decrypt *c = arg;

	c->failed = 1;
	command_warn("line %llu: %s", (unsigned long long)line, why_text());
}

/* After each piece, so that it serves a live pipe too. */
static int
feed(void *arg, const char *p, size_t n)
{
	struct decrypt *c = arg;
	int r;

	if ((r = filter_feed(c->filter, p, n)) != 0)
		return r;
	return out_flush(&c->out);
}

static void
bad_group(void)
{
	(void)command_failed();
}

static int
decrypt(struct decrypt *c)
{
	struct filter_hooks hooks = {put, resolve, failed, c};
	struct owner *o = NULL;
	int r, flushed;

	if ((r = options_owner(&c->o, 0, &o)) != 0 ||
	    (r = groups_load(o, bad_group, &c->groups)) != 0 ||
	    (r = filter_new(&hooks, c->form, &c->filter)) != 0)
		goto out;
	if ((r = out_each(0, feed, c)) == 0)
		r = filter_end(c->filter);
	flushed = out_flush(&c->out);
	r = r ? r : flushed;
out:
	filter_free(c->filter);
	cells_clear(&c->cells);
	groups_clear(&c->groups);
	out_clear(&c->out);
	owner_close(o);
	return r;
}

int
cmd_decrypt(int argc, char **argv)
{
	struct decrypt c = {.out = {.fd = 1}};

	c.o = (struct options){
	    .name = "decrypt", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	if (decrypt(&c) != 0)
		return command_failed();
	return c.failed ? EXIT_FAILED : EXIT_DONE;
}
