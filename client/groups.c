#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/floor.h"
#include "client/groups.h"
#include "client/groups_file.h"
#include "client/why.h"
#include "lib/secmem.h"

int
groups_check_name(const char *name)
{
	size_t i, digits = 0;

	for (i = 0; name[i]; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' &&
		    name[i] != '-')
			break;
		digits += isdigit((unsigned char)name[i]) != 0;
	}
	if (i == 0 || name[i] || i > GROUP_NAME_MAX || digits == i ||
	    name[0] == '-')
		return why_set(CL_ERR_ARGUMENT,
		    "group name: expected 1 to %u letters, digits, _ or -, "
		    "not only digits, came \"%.80s\"",
		    GROUP_NAME_MAX, name);
	return CL_OK;
}

void
groups_close(struct group *g)
{
	if (!g)
		return;
	groupkey_free(g->key);
	secmem_free(g->text);
	free(g);
}

static int
check_floor(const struct owner *o, const struct group *g)
{
	json_t *floor;
	uint32_t least;
	int r;

	if ((r = floor_load(&o->home, &floor)) != 0)
		return r;
	least = floor_version(floor, g->def.uuid);
	json_decref(floor);
	if (g->def.version >= least)
		return CL_OK;
	return why_set(CL_ERR_ROLLBACK,
	    "group \"%s\": the file holds version %u, but version %u was "
	    "signed already; restore the newer file",
	    g->def.name, g->def.version, least);
}

static int
open_file(const struct owner *o, const char *name, struct group **out)
{
	struct group *g = calloc(1, sizeof(*g));
	int r;

	*out = NULL;
	if (!g)
		return why_memory();
	if ((r = groups_file_read(o, name, g, NULL)) != 0 ||
	    (r = check_floor(o, g)) != 0) {
		groups_close(g);
		return r;
	}
	*out = g;
	return CL_OK;
}

int
groups_open(const struct owner *o, const char *name, struct group **out)
{
	int r;

	*out = NULL;
	if ((r = groups_check_name(name)) != 0)
		return r;
	r = open_file(o, name, out);
	if (r == CL_ERR_NOT_FOUND)
		r = why_set(r,
		    "there is no group \"%s\" in %s/groups; see: cloister "
		    "group list",
		    name, o->home.path);
	return r;
}

/* "payroll.json" to "payroll"; 0 for what is not a group's file. */
static int
name_of_file(const char *file, char name[GROUP_NAME_MAX + 1])
{
	size_t n = strlen(file);

	if (n <= 5 || n - 5 > GROUP_NAME_MAX || file[0] == '.' ||
	    strcmp(file + n - 5, ".json") != 0)
		return 0;
	memcpy(name, file, n - 5);
	name[n - 5] = '\0';
	return 1;
}

static int
add(const struct owner *o, const char *name, void (*bad)(void),
    struct groups *gs)
{
	struct group **v, *g;
	int r;

	r = open_file(o, name, &g);
	if (r && bad) {
		bad();
		return CL_OK;
	}
	if (r)
		return r;
	v = realloc(gs->v, (gs->n + 1) * sizeof(*v));
	if (!v) {
		groups_close(g);
		return why_memory();
	}
	gs->v = v;
	gs->v[gs->n++] = g;
	return CL_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct group *const *x = a, *const *y = b;

	return strcmp((*x)->def.name, (*y)->def.name);
}

static DIR *
open_groups_dir(const struct owner *o)
{
	int fd =
	    openat(o->home.dirfd, "groups", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

int
groups_load(const struct owner *o, void (*bad)(void), struct groups *out)
{
	char name[GROUP_NAME_MAX + 1];
	struct dirent *e;
	DIR *d = open_groups_dir(o);
	int r = CL_OK;

	out->v = NULL;
	out->n = 0;
	if (!d)
		return why_set(CL_ERR_IO, "cannot read %s/groups: %s",
		    o->home.path, strerror(errno));
	while (!r && (e = readdir(d)) != NULL)
		if (name_of_file(e->d_name, name))
			r = add(o, name, bad, out);
	closedir(d);
	if (r)
		groups_clear(out);
	else if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
	return r;
}

void
groups_clear(struct groups *gs)
{
	size_t i;

	for (i = 0; i < gs->n; i++)
		groups_close(gs->v[i]);
	free(gs->v);
	gs->v = NULL;
	gs->n = 0;
}

struct group *
groups_by_tag(const struct groups *gs, uint32_t tag)
{
	size_t i;

	for (i = 0; i < gs->n; i++)
		if (gs->v[i]->tag == tag)
			return gs->v[i];
	return NULL;
}

struct group *
groups_by_name(const struct groups *gs, const char *name)
{
	size_t i;

	for (i = 0; i < gs->n; i++)
		if (strcmp(gs->v[i]->def.name, name) == 0)
			return gs->v[i];
	return NULL;
}
