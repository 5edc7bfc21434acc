#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/out.h"
#include "client/process.h"
#include "client/request.h"
#include "client/restore.h"
#include "client/why.h"
#include "lib/secmem.h"

/* psql, as both ends of its pipes. */
struct psql {
	pid_t pid;
	int in;
	int out;
	struct text got; /* its output that was not looked at yet */
};

/* ---- psql ---- */

static int
psql_argv(const struct restore_plan *plan, struct restore_args *a)
{
	static const char *const fixed[] = {"psql", "-X", "-q", "-A", "-t",
	    "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", "-"};
	size_t i;
	int r = CL_OK;

	for (i = 0; !r && i < sizeof(fixed) / sizeof(fixed[0]); i++)
		r = restore_args_add(a, fixed[i], NULL);
	for (i = 0; !r && i < plan->connect.n; i++)
		r = restore_args_add(a, plan->connect.v[i], NULL);
	return r;
}

static void
close_pair(int fds[2])
{
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

static int
psql_start(struct psql *p, const struct restore_plan *plan)
{
	struct restore_args a = {.n = 0};
	struct restore_plan own = {.dump = NULL};
	int in[2] = {-1, -1}, out[2] = {-1, -1}, r;

	if ((r = psql_argv(plan, &a)) != 0)
		goto out;
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
		r = why_set(
		    CL_ERR_IO, "cannot make a pipe: %s", strerror(errno));
		goto out;
	}
	if ((r = process_start(a.v, in[0], out[1], &p->pid)) == 0) {
		p->in = in[1];
		p->out = out[0];
		in[1] = out[0] = -1; /* transferred */
	}
out:
	own.connect = a;
	restore_plan_clear(&own);
	close_pair(in);
	close_pair(out);
	return r;
}

static int
psql_say(struct psql *p, const char *text)
{
	struct out o = {.fd = p->in};
	int r;

	if ((r = out_put(&o, text, strlen(text))) == 0)
		r = out_flush(&o);
	out_clear(&o);
	return r ? why_in(r, "psql") : CL_OK;
}

/* Closes its input and waits. */
static int
psql_end(struct psql *p)
{
	int r = CL_OK;

	if (p->in >= 0)
		close(p->in);
	if (p->pid > 0)
		r = process_wait(p->pid, "psql");
	if (p->out >= 0)
		close(p->out);
	text_clear(&p->got);
	p->in = p->out = -1;
	p->pid = 0;
	return r;
}

/* One line of psql's output, without its end. */
static int
psql_line(struct psql *p, char *line, size_t cap)
{
	char *at, *end;
	ssize_t n;
	int r;

	while (!p->got.n || !(end = memchr(p->got.p, '\n', p->got.n))) {
		if ((r = text_room(&p->got, 4096, &at)) != 0)
			return r;
		n = read(p->out, at, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return why_set(CL_ERR_CLOSED, "psql stopped");
		p->got.n += (size_t)n;
	}
	n = end - p->got.p;
	if ((size_t)n >= cap)
		return why_set(CL_ERR_TOO_LARGE, "psql: a line is too long");
	memcpy(line, p->got.p, (size_t)n);
	line[n] = '\0';
	text_reset(&p->got);
	return CL_OK;
}

/* A query of one row and column: its value. */
static int
psql_ask(struct psql *p, const char *query, char *value, size_t cap)
{
	int r;

	if ((r = psql_say(p, "\\o\n")) != 0 || (r = psql_say(p, query)) != 0 ||
	    (r = psql_say(p, ";\n\\o /dev/null\n")) != 0)
		return r;
	return psql_line(p, value, cap);
}

/* ---- the session ---- */

static int
boot_of(const char *hex, uint8_t boot[16])
{
	unsigned v;
	size_t i;

	if (strlen(hex) != 32)
		return why_set(CL_ERR_FORMAT,
		    "boot id: expected 32 hex "
		    "digits, came %zu",
		    strlen(hex));
	for (i = 0; i < 16; i++) {
		if (sscanf(hex + 2 * i, "%2x", &v) != 1)
			return why_set(
			    CL_ERR_FORMAT, "boot id: expected hex digits");
		boot[i] = (uint8_t)v;
	}
	return CL_OK;
}

static int
say_open(struct psql *p, const char *schema, const char *message)
{
	struct text sql = {0};
	int r;

	if ((r = text_str(&sql, "SELECT ")) == 0 &&
	    (r = text_str(&sql, schema)) == 0 &&
	    (r = text_str(&sql, ".cloister_open('")) == 0 &&
	    (r = text_str(&sql, message)) == 0 &&
	    (r = text_str(&sql, "', 'session');\n")) == 0)
		r = psql_say(p, sql.p);
	text_clear(&sql);
	return r;
}

/* A database without the extension needs no session. */
static int
open_session(struct psql *p, const struct owner *o)
{
	char schema[300], query[400], hex[64];
	char *message = NULL;
	uint8_t boot[16];
	int r;

	r = psql_ask(p,
	    "SELECT coalesce((SELECT pg_catalog.quote_ident(n.nspname) "
	    "FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n "
	    "ON n.oid = e.extnamespace WHERE e.extname = 'cloister'), '')",
	    schema, sizeof(schema));
	if (r || !*schema)
		return r;
	snprintf(query, sizeof(query),
	    "SELECT pg_catalog.encode(%s.cloister_boot(), 'hex')", schema);
	if ((r = psql_ask(p, query, hex, sizeof(hex))) == 0 &&
	    (r = boot_of(hex, boot)) == 0 &&
	    (r = request_open(o, boot, &message)) == 0)
		r = say_open(p, schema, message);
	secmem_free(message);
	return r;
}

/* ---- pg_restore ---- */

static int
add_all(struct restore_args *a, const struct restore_args *more)
{
	size_t i;
	int r = CL_OK;

	for (i = 0; !r && i < more->n; i++)
		r = restore_args_add(a, more->v[i], NULL);
	return r;
}

static int
restore_argv(const struct restore_plan *plan, const char *section,
    const char *list, struct restore_args *a)
{
	int r;

	if ((r = restore_args_add(a, "pg_restore", NULL)) != 0 ||
	    (r = add_all(a, &plan->select)) != 0 ||
	    (r = restore_args_add(a, "--section=", section)) != 0)
		return r;
	if (list && (r = restore_args_add(a, "--use-list=", list)) != 0)
		return r;
	if (strcmp(section, "pre-data") == 0)
		return add_all(a, &plan->create);
	return CL_OK;
}

/* One section's script straight into psql. */
static int
pour(const struct restore_plan *plan, const char *section, const char *list,
    struct psql *p)
{
	struct restore_plan own = {.dump = NULL};
	struct restore_args *a = &own.select;
	pid_t pid;
	int r;

	if ((r = restore_argv(plan, section, list, a)) == 0 &&
	    (r = restore_args_add(a, "--file=-", NULL)) == 0 &&
	    (r = restore_args_add(a, plan->dump, NULL)) == 0 &&
	    (r = process_start(a->v, -1, p->in, &pid)) == 0)
		r = process_wait(pid, "pg_restore");
	restore_plan_clear(&own);
	return r;
}

static int
list_data(const struct restore_plan *plan, struct text *list)
{
	struct restore_plan own = {.dump = NULL};
	struct restore_args *a = &own.select;
	int r;

	if ((r = restore_argv(plan, "data", plan->list, a)) == 0 &&
	    (r = restore_args_add(a, "--list", NULL)) == 0 &&
	    (r = restore_args_add(a, plan->dump, NULL)) == 0)
		r = process_output(a->v, list);
	restore_plan_clear(&own);
	return r;
}

/* The entries of a list, as a file in memory that children can open. */
static int
pour_list(
    const struct restore_plan *plan, const struct text *list, struct psql *p)
{
	struct out o = {.fd = memfd_create("list", 0)};
	char path[40];
	int r;

	if (list->n == 0) {
		close(o.fd);
		return CL_OK;
	}
	if (o.fd < 0)
		return why_set(
		    CL_ERR_IO, "cannot make a list: %s", strerror(errno));
	snprintf(path, sizeof(path), "/dev/fd/%d", o.fd);
	if ((r = out_put(&o, list->p, list->n)) == 0 &&
	    (r = out_flush(&o)) == 0)
		r = pour(plan, "data", path, p);
	out_clear(&o);
	close(o.fd);
	return r;
}

static int
phases(const struct restore_plan *plan, const struct owner *o, struct psql *p,
    const struct text *catalog, const struct text *rest)
{
	int r;

	if (plan->single && (r = psql_say(p, "BEGIN;\n")) != 0)
		return r;
	if ((r = pour(plan, "pre-data", plan->list, p)) != 0 ||
	    (r = pour_list(plan, catalog, p)) != 0 ||
	    (r = open_session(p, o)) != 0 ||
	    (r = pour_list(plan, rest, p)) != 0 ||
	    (r = pour(plan, "post-data", plan->list, p)) != 0)
		return r;
	return plan->single ? psql_say(p, "COMMIT;\n") : CL_OK;
}

/* When psql stopped, what it was fed failed too: psql's own end says more. */
static int
verdict(struct psql *p, int r)
{
	char what[512];
	int ended;

	snprintf(what, sizeof(what), "%s", why_text());
	ended = psql_end(p);
	if (ended)
		return why_in(ended, "the restore stopped at the error above");
	return r ? why_set(r, "the restore is not complete: %s", what) : CL_OK;
}

int
restore_run(const struct restore_plan *plan, const struct owner *o)
{
	struct text list = {0}, catalog = {0}, rest = {0};
	struct psql p = {.in = -1, .out = -1};
	int r;

	signal(SIGPIPE, SIG_IGN);
	if ((r = list_data(plan, &list)) != 0 ||
	    (r = restore_split_list(&list, &catalog, &rest)) != 0 ||
	    (r = psql_start(&p, plan)) != 0)
		goto out;
	r = verdict(&p, phases(plan, o, &p, &catalog, &rest));
out:
	text_clear(&list);
	text_clear(&catalog);
	text_clear(&rest);
	return r;
}
