#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/encrypt.h"
#include "client/options.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

static const char help[] =
    "usage: cloister encrypt --group NAME --type TYPE [--literal]\n"
    "                        [--value-file FILE] [--home DIR]\n"
    "       cloister encrypt --csv --columns COLUMN:TYPE:GROUP,... [--header]\n"
    "\n"
    "Encrypts on the owner's side; needs no database. Values come from\n"
    "standard input, one a line, and never from the command line, where\n"
    "everybody on the machine can read them. Cells come out, one a line.\n"
    "\n"
    "  --group NAME        the group whose key encrypts (a column's group)\n"
    "  --type TYPE         bool, int2, int4, int8, float4, float8, text,\n"
    "                      bytea, date, timestamp, timestamptz, uuid\n"
    "  --literal           print SQL literals: 'cl1_...'::enc_int4\n"
    "  --value-file FILE   the whole file is one value (text of several\n"
    "                      lines)\n"
    "  --csv               CSV in, CSV out, as COPY ... CSV has it: an empty\n"
    "                      field without quotes is NULL and stays NULL\n"
    "  --columns LIST      which columns to encrypt; COLUMN counts from 1, or\n"
    "                      is a name of the header. The others pass unchanged\n"
    "  --header            the first record is a header\n"
    "\n"
    "example:\n"
    "  cloister encrypt --csv --columns 2:int4:payroll < staff.csv |\n"
    "      psql -c 'COPY staff (name, salary) FROM STDIN CSV'\n"
    "  echo 60000 | cloister encrypt --group payroll --type int4 --literal\n";

enum {
	OPT_GROUP = 1,
	OPT_TYPE,
	OPT_LITERAL,
	OPT_FILE,
	OPT_CSV,
	OPT_COLUMNS,
	OPT_HEADER,
};

static const struct option longs[] = {
    OPTIONS_BASE,
    {"group", required_argument, NULL, OPT_GROUP},
    {"type", required_argument, NULL, OPT_TYPE},
    {"literal", no_argument, NULL, OPT_LITERAL},
    {"value-file", required_argument, NULL, OPT_FILE},
    {"csv", no_argument, NULL, OPT_CSV},
    {"columns", required_argument, NULL, OPT_COLUMNS},
    {"header", no_argument, NULL, OPT_HEADER},
    OPTIONS_LAST,
};

struct encrypt {
	struct options o;
	const char *group, *type, *file, *columns;
	bool literal, csv, header;
};

static void
take(struct encrypt *c, int v)
{
	switch (v) {
	case OPT_GROUP:
		c->group = optarg;
		break;
	case OPT_TYPE:
		c->type = optarg;
		break;
	case OPT_FILE:
		c->file = optarg;
		break;
	case OPT_COLUMNS:
		c->columns = optarg;
		break;
	case OPT_LITERAL:
		c->literal = true;
		break;
	case OPT_CSV:
		c->csv = true;
		break;
	default:
		c->header = true;
	}
}

static const char *
contradiction(const struct encrypt *c)
{
	if (c->csv && (c->group || c->type || c->literal || c->file))
		return "--csv takes --columns and --header only";
	if (c->csv && !c->columns)
		return "--csv needs --columns COLUMN:TYPE:GROUP,...";
	if (!c->csv && (c->columns || c->header))
		return "--columns and --header need --csv";
	if (!c->csv && (!c->group || !c->type))
		return "expected --group and --type, or --csv and --columns";
	return NULL;
}

static int
options(struct encrypt *c, int argc, char **argv)
{
	const char *wrong;
	int v;

	while ((v = options_next(&c->o, argc, argv)) >= 0)
		take(c, v);
	if (v != -1)
		return 0;
	if (optind < argc) {
		c->o.status = command_usage(c->o.name,
		    "values never stand on the command line, where others can "
		    "read them: expected them on standard input");
		return 0;
	}
	if ((wrong = contradiction(c)) != NULL) {
		c->o.status = command_usage(c->o.name, "%s", wrong);
		return 0;
	}
	return 1;
}

static int
whole_file(const struct encrypt_as *as, const char *path, struct out *out)
{
	struct cells cells = {0};
	struct text cell = {0};
	uint8_t *p = NULL;
	size_t n;
	int r;

	if ((r = file_read(AT_FDCWD, path, CELL_MAX_PLAIN * 4u, &p, &n)) != 0)
		return why_set(r, "cannot read %s: %s", path, err_text(r));
	if ((r = encrypt_value(&cells, as, (char *)p, n, &cell)) == 0)
		r = out_put(out, cell.p, cell.n);
	else
		r = why_in(r, "%s", path);
	cells_clear(&cells);
	text_clear(&cell);
	secmem_free(p);
	return r;
}

static int
values(const struct encrypt *c, const struct owner *o, struct out *out)
{
	struct encrypt_as as = {.literal = c->literal};
	int r;

	if ((r = encrypt_type(c->type, &as.type)) != 0 ||
	    (r = groups_open(o, c->group, &as.group)) != 0)
		return r;
	r = c->file ? whole_file(&as, c->file, out)
		    : encrypt_lines(&as, 0, out);
	groups_close(as.group);
	return r;
}

static int
csv(const struct encrypt *c, const struct owner *o, struct out *out)
{
	struct encrypt_csv *e = NULL;
	struct groups gs;
	int r;

	if ((r = groups_load(o, NULL, &gs)) != 0)
		return r;
	if ((r = encrypt_csv_new(&gs, c->columns, c->header, &e)) == 0)
		r = encrypt_csv_run(e, 0, out);
	encrypt_csv_free(e);
	groups_clear(&gs);
	return r;
}

int
cmd_encrypt(int argc, char **argv)
{
	struct encrypt c = {0};
	struct out out = {.fd = 1};
	struct owner *o = NULL;
	int r, flushed;

	c.o = (struct options){
	    .name = "encrypt", .help = help, .shorts = ":h", .longs = longs};
	if (!options(&c, argc, argv))
		return c.o.status;
	if ((r = options_owner(&c.o, 0, &o)) == 0) {
		r = c.csv ? csv(&c, o, &out) : values(&c, o, &out);
		if (r)
			(void)command_failed();
		if ((flushed = out_flush(&out)) != 0)
			(void)command_failed();
		out_clear(&out);
		owner_close(o);
		return r || flushed ? EXIT_FAILED : EXIT_DONE;
	}
	return command_failed();
}
