/* The agent behind a database: SQL functions of the extension carry. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/remote.h"
#include "client/why.h"

#define SCHEMA_MAX 256u

struct sql {
	PGconn *conn;
	char schema[SCHEMA_MAX]; /* quoted; where the extension lives */
};

/* One parameter or result; NULL p is SQL NULL. */
struct datum {
	const void *p;
	size_t n;
	int binary;
};

/* libpq ends its texts with a newline. */
static int
text_end(const char *s)
{
	size_t n = strlen(s);

	while (n && s[n - 1] == '\n')
		n--;
	return (int)n;
}

static int
sql_error(struct sql *s, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);

	if (!text) {
		text = PQerrorMessage(s->conn);
		return why_set(CL_ERR_IO,
		    "the database connection failed: "
		    "%.*s",
		    text_end(text), text);
	}
	return why_set(CL_ERR_REFUSED,
	    "the database answered: %s (SQLSTATE "
	    "%s)%s%s%s%s",
	    text, state ? state : "?", detail ? "; " : "", detail ? detail : "",
	    hint ? "; " : "", hint ? hint : "");
}

/* Runs "SELECT schema.call" and appends the one value that it gives. */
static int
call(struct sql *s, const char *function, const struct datum *in, int n,
    int binary, struct text *out)
{
	char query[SCHEMA_MAX + 128];
	const char *values[3];
	int lengths[3], formats[3], i, r;
	PGresult *res;

	for (i = 0; i < n; i++) {
		values[i] = in[i].p;
		lengths[i] = (int)in[i].n;
		formats[i] = in[i].binary;
	}
	snprintf(query, sizeof(query), "SELECT %s.%s", s->schema, function);
	res = PQexecParams(
	    s->conn, query, n, NULL, values, lengths, formats, binary);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		r = sql_error(s, res);
	else if (PQntuples(res) != 1 || PQnfields(res) != 1 ||
		 (out && PQgetisnull(res, 0, 0)))
		r = why_set(CL_ERR_FORMAT,
		    "%s: expected one value, came none; is the extension of "
		    "this version?",
		    function);
	else
		r = out ? text_add(out, PQgetvalue(res, 0, 0),
			      (size_t)PQgetlength(res, 0, 0))
			: CL_OK;
	PQclear(res);
	return r;
}

static int
sql_evidence(void *way, const struct remote_ask *ask, struct text *out)
{
	static const char *const functions[] = {"cloister_evidence($1::bytea)",
	    "cloister_evidence($1::bytea, $2::text)",
	    "cloister_evidence($1::bytea, $2::text, $3::bytea)"};
	struct datum in[3] = {{ask->nonce, 32, 1},
	    {ask->tee, ask->tee ? strlen(ask->tee) : 0, 0},
	    {ask->credential, ask->credential_n, 1}};
	int n = ask->credential ? 3 : ask->tee ? 2 : 1;

	return call(way, functions[n - 1], in, n, 0, out);
}

static int
sql_message(void *way, const uint8_t *p, size_t n, struct text *reply)
{
	struct datum in = {p, n, 1};

	return call(way, "cloister_message($1::bytea)", &in, 1, 1, reply);
}

static int
sql_boot(void *way, uint8_t boot[16])
{
	struct text out = {0};
	int r;

	if ((r = call(way, "cloister_boot()", NULL, 0, 1, &out)) == 0) {
		if (out.n == 16)
			memcpy(boot, out.p, 16);
		else
			r = why_set(CL_ERR_FORMAT,
			    "boot id: expected 16 bytes, came %zu", out.n);
	}
	text_clear(&out);
	return r;
}

static int
sql_open(void *way, const char *message)
{
	struct datum in = {message, strlen(message), 0};

	return call(way, "cloister_open($1::text, 'session')", &in, 1, 0, NULL);
}

static int
sql_group_put(void *way, const struct remote_group *g)
{
	struct datum in[3] = {
	    {g->text, strlen(g->text), 0},
	    {g->sig, g->sig_n, 1},
	    {g->wrapped, g->wrapped_n, 1},
	};

	return call(way, "cloister_group_put($1::text, $2::bytea, $3::bytea)",
	    in, 3, 0, NULL);
}

static void
sql_close(void *way)
{
	struct sql *s = way;

	PQfinish(s->conn);
	free(s);
}

static const struct remote_way sql_way = {
    .evidence = sql_evidence,
    .message = sql_message,
    .boot = sql_boot,
    .open = sql_open,
    .group_put = sql_group_put,
    .close = sql_close,
};

static int
find_schema(struct sql *s)
{
	PGresult *res = PQexec(s->conn,
	    "SELECT pg_catalog.quote_ident(n.nspname) "
	    "FROM pg_catalog.pg_extension e "
	    "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
	    "WHERE e.extname = 'cloister'");
	int r = CL_OK;

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		r = sql_error(s, res);
	else if (PQntuples(res) != 1)
		r = why_set(CL_ERR_NOT_FOUND,
		    "database \"%s\" has no extension cloister; run there: "
		    "CREATE EXTENSION cloister",
		    PQdb(s->conn));
	else
		snprintf(
		    s->schema, sizeof(s->schema), "%s", PQgetvalue(res, 0, 0));
	PQclear(res);
	return r;
}

static void
ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static int
connect_sql(struct sql *s, const char *conninfo)
{
	const char *keys[] = {"dbname", "fallback_application_name", NULL};
	const char *values[] = {conninfo, "cloister", NULL};

	/* As psql does: dbname may be a whole conninfo string or URI. */
	s->conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(s->conn) != CONNECTION_OK)
		return why_set(CL_ERR_IO, "cannot reach the database: %.*s",
		    text_end(PQerrorMessage(s->conn)), PQerrorMessage(s->conn));
	PQsetNoticeReceiver(s->conn, ignore_notice, NULL);
	return find_schema(s);
}

int
remote_sql(const char *conninfo, struct remote **out)
{
	struct sql *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (!s)
		return why_memory();
	if ((r = connect_sql(s, conninfo)) == 0)
		r = remote_new(&sql_way, s, out);
	if (r)
		sql_close(s);
	return r;
}
