/* Parts of a restore that are plain text: arguments and tables of contents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/restore.h"
#include "client/why.h"

int
restore_args_add(struct restore_args *a, const char *option, const char *value)
{
	char *s = NULL;
	int n;

	if (a->n + 1 >= RESTORE_MAX_ARGS)
		return why_set(CL_ERR_LIMIT, "too many options");
	n = value ? asprintf(&s, "%s%s", option, value)
		  : asprintf(&s, "%s", option);
	if (n < 0)
		return why_memory();
	a->v[a->n++] = s;
	a->v[a->n] = NULL;
	return CL_OK;
}

static void
clear(struct restore_args *a)
{
	while (a->n)
		free(a->v[--a->n]);
}

void
restore_plan_clear(struct restore_plan *p)
{
	clear(&p->select);
	clear(&p->create);
	clear(&p->connect);
}

/* "3346; 0 16392 TABLE DATA cloister groups owner" */
static int
is_catalog(const char *line, size_t n)
{
	static const char want[] = "TABLE DATA cloister ";
	const char *end = line + n, *at = memchr(line, ';', n);
	unsigned blanks = 0;

	for (; at && at < end && blanks < 3; at++)
		blanks += *at == ' ';
	return at && (size_t)(end - at) >= sizeof(want) - 1 &&
	       memcmp(at, want, sizeof(want) - 1) == 0;
}

int
restore_split_list(
    const struct text *list, struct text *catalog, struct text *rest)
{
	const char *line = list->p, *end;
	size_t left = list->n, n;
	int r;

	for (; left; line += n, left -= n) {
		end = memchr(line, '\n', left);
		n = end ? (size_t)(end - line) + 1 : left;
		if (*line == ';')
			continue;
		r = text_add(is_catalog(line, n) ? catalog : rest, line, n);
		if (r)
			return r;
	}
	return CL_OK;
}
