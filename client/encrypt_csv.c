#include <stdlib.h>
#include <string.h>

#include "client/csv.h"
#include "client/encrypt.h"
#include "client/why.h"

struct column {
	char *name;  /* of the header, or NULL */
	unsigned at; /* from 1; 0: its name was not seen yet */
	struct encrypt_as as;
};

struct encrypt_csv {
	const struct groups *groups;
	struct column *columns;
	size_t ncolumns;
	bool header; /* the next record is the header */
	struct csv *csv;
	struct cells cells;
	struct text record;
	struct out *out;
	unsigned highest;
};

/* ---- the specification ---- */

static int
bad_spec(const char *spec)
{
	return why_set(CL_ERR_ARGUMENT,
	    "--columns: expected COLUMN:TYPE:GROUP, where COLUMN is a number "
	    "from 1 or a name in the header, came \"%.80s\"",
	    spec);
}

static int
set_place(struct encrypt_csv *e, struct column *c, const char *place)
{
	char *end;
	unsigned long at = strtoul(place, &end, 10);

	if (!*end && at >= 1 && at <= ENCRYPT_MAX_COLUMNS && *place != '+') {
		c->at = (unsigned)at;
		return CL_OK;
	}
	if (!*end || !e->header)
		return why_set(CL_ERR_ARGUMENT,
		    "--columns: expected a column number from 1 to %u%s, came "
		    "\"%.80s\"",
		    ENCRYPT_MAX_COLUMNS,
		    e->header ? "" : " (names need --header)", place);
	c->name = strdup(place);
	return c->name ? CL_OK : why_memory();
}

static int
set_column(struct encrypt_csv *e, struct column *c, char *spec)
{
	char *type = strchr(spec, ':'), *group;
	int r;

	if (!type || type == spec || !(group = strchr(type + 1, ':')))
		return bad_spec(spec);
	*type++ = '\0';
	*group++ = '\0';
	if ((r = set_place(e, c, spec)) != 0 ||
	    (r = encrypt_type(type, &c->as.type)) != 0)
		return r;
	c->as.group = groups_by_name(e->groups, group);
	if (!c->as.group)
		return why_set(CL_ERR_NOT_FOUND,
		    "there is no group \"%.80s\"; see: cloister group list",
		    group);
	return CL_OK;
}

static struct column *
find(struct encrypt_csv *e, unsigned at)
{
	size_t i;

	for (i = 0; i < e->ncolumns; i++)
		if (e->columns[i].at == at)
			return &e->columns[i];
	return NULL;
}

static int
add_column(struct encrypt_csv *e, char *spec)
{
	struct column *grown, c = {0};
	int r;

	if ((r = set_column(e, &c, spec)) == 0 && c.at && find(e, c.at))
		r = why_set(CL_ERR_ARGUMENT,
		    "--columns: column %u is named twice", c.at);
	grown =
	    r ? NULL : realloc(e->columns, (e->ncolumns + 1) * sizeof(*grown));
	if (!grown) {
		free(c.name);
		return r ? r : why_memory();
	}
	e->columns = grown;
	e->columns[e->ncolumns++] = c;
	if (c.at > e->highest)
		e->highest = c.at;
	return CL_OK;
}

static int
parse_spec(struct encrypt_csv *e, const char *columns)
{
	char *copy = strdup(columns), *at = copy, *spec;
	int r = CL_OK;

	if (!copy)
		return why_memory();
	while (!r && (spec = strsep(&at, ",")) != NULL)
		r = add_column(e, spec);
	free(copy);
	return r;
}

/* ---- records ---- */

static int
header_field(struct encrypt_csv *e, const char *p, size_t n)
{
	unsigned at = csv_column(e->csv);
	struct column *c;
	size_t i;

	for (i = 0; i < e->ncolumns; i++) {
		c = &e->columns[i];
		if (!c->name || strlen(c->name) != n ||
		    memcmp(c->name, p, n) != 0)
			continue;
		if (c->at || find(e, at))
			return why_set(CL_ERR_FORMAT,
			    "header: column %u (\"%s\") is named twice", at,
			    c->name);
		c->at = at;
		if (at > e->highest)
			e->highest = at;
	}
	return CL_OK;
}

static int
check_header(const struct encrypt_csv *e)
{
	size_t i;

	for (i = 0; i < e->ncolumns; i++)
		if (!e->columns[i].at)
			return why_set(CL_ERR_NOT_FOUND,
			    "header: expected a column \"%s\", came none",
			    e->columns[i].name);
	return CL_OK;
}

/* An empty field without quotes is NULL and stays NULL. */
static int
put_field(struct encrypt_csv *e, const char *p, size_t n, bool quoted)
{
	struct column *c = find(e, csv_column(e->csv));
	int r;

	if (!c || e->header || (n == 0 && !quoted))
		return csv_put(&e->record, p, n, quoted);
	r = cells_encrypt(&e->cells, c->as.group, c->as.type, p, n, &e->record);
	return r ? why_in(r, "line %llu, column %u",
		       (unsigned long long)csv_line(e->csv), c->at)
		 : CL_OK;
}

static int
on_field(void *arg, const char *p, size_t n, bool quoted)
{
	struct encrypt_csv *e = arg;
	int r;

	if (csv_column(e->csv) > 1 && (r = text_str(&e->record, ",")) != 0)
		return r;
	if (e->header && (r = header_field(e, p, n)) != 0)
		return r;
	return put_field(e, p, n, quoted);
}

static int
on_record(void *arg, const char *eol)
{
	struct encrypt_csv *e = arg;
	unsigned fields = csv_column(e->csv) - 1;
	int r;

	if (e->header && (r = check_header(e)) != 0)
		return r;
	e->header = false;
	if (fields < e->highest)
		return why_set(CL_ERR_FORMAT,
		    "line %llu: expected at least %u columns, came %u",
		    (unsigned long long)csv_line(e->csv), e->highest, fields);
	if ((r = text_str(&e->record, eol)) != 0)
		return r;
	r = out_put(e->out, e->record.p, e->record.n);
	text_reset(&e->record);
	return r;
}

/* ---- */

int
encrypt_csv_new(const struct groups *groups, const char *columns, bool header,
    struct encrypt_csv **out)
{
	struct encrypt_csv *e = calloc(1, sizeof(*e));
	struct csv_hooks hooks = {on_field, on_record, e};
	int r;

	*out = NULL;
	if (!e)
		return why_memory();
	e->groups = groups;
	e->header = header;
	if ((r = parse_spec(e, columns)) != 0 ||
	    (r = csv_new(&hooks, &e->csv)) != 0) {
		encrypt_csv_free(e);
		return r;
	}
	*out = e;
	return CL_OK;
}

static int
feed(void *arg, const char *p, size_t n)
{
	struct encrypt_csv *e = arg;

	return csv_feed(e->csv, p, n);
}

int
encrypt_csv_run(struct encrypt_csv *e, int fd, struct out *out)
{
	int r;

	e->out = out;
	if ((r = out_each(fd, feed, e)) != 0)
		return r;
	return csv_end(e->csv);
}

void
encrypt_csv_free(struct encrypt_csv *e)
{
	size_t i;

	if (!e)
		return;
	for (i = 0; i < e->ncolumns; i++)
		free(e->columns[i].name);
	free(e->columns);
	csv_free(e->csv);
	cells_clear(&e->cells);
	text_clear(&e->record);
	free(e);
}
