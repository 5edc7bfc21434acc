/* Making a home: beside its place first, then renamed there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/home.h"
#include "client/why.h"

static int
taken(const char *path)
{
	return why_set(CL_ERR_EXISTS,
	    "%s exists already and is never overwritten: an owner whose keys "
	    "are lost has lost the data; choose another place with --home",
	    path);
}

/* An absent place and an empty directory are free. */
static int
check_free(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);
	unsigned n = 0;

	if (!d)
		return errno == ENOENT ? CL_OK : taken(path);
	while ((e = readdir(d)) != NULL)
		n +=
		    strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n ? taken(path) : CL_OK;
}

static void
strip_slashes(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
}

static int
make_beside(const char *path, struct home *h)
{
	if (asprintf(&h->path, "%s.new.XXXXXX", path) < 0) {
		h->path = NULL;
		return why_memory();
	}
	if (!mkdtemp(h->path))
		return why_set(CL_ERR_IO,
		    "cannot make a directory beside %s: "
		    "%s",
		    path, strerror(errno));
	h->dirfd = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->dirfd < 0 || mkdirat(h->dirfd, "groups", 0700) != 0)
		return why_set(CL_ERR_IO, "cannot make %s/groups: %s", h->path,
		    strerror(errno));
	return CL_OK;
}

int
home_begin(const char *option, struct home *h)
{
	char *path = NULL;
	int r;

	h->dirfd = -1;
	h->path = NULL;
	if ((r = home_path(option, &path)) != 0)
		return r;
	strip_slashes(path);
	if ((r = check_free(path)) == 0)
		r = make_beside(path, h);
	free(path);
	if (r)
		home_abandon(h);
	return r;
}

int
home_commit(struct home *h, const char *option)
{
	char *path = NULL;
	int r;

	if ((r = home_path(option, &path)) != 0)
		return r;
	strip_slashes(path);
	if (fsync(h->dirfd) != 0)
		r = why_set(
		    CL_ERR_IO, "cannot sync %s: %s", h->path, strerror(errno));
	else if (rename(h->path, path) == 0)
		r = CL_OK;
	else if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
		r = taken(path);
	else
		r = why_set(CL_ERR_IO, "cannot rename %s to %s: %s", h->path,
		    path, strerror(errno));
	if (r) {
		free(path);
		return r;
	}
	free(h->path);
	h->path = path; /* transferred */
	return CL_OK;
}

static void
empty_dir(int dirfd)
{
	struct dirent *e;
	int fd = dup(dirfd);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd, e->d_name, 0);
	closedir(d);
}

void
home_abandon(struct home *h)
{
	if (h->dirfd >= 0) {
		empty_dir(h->dirfd);
		(void)unlinkat(h->dirfd, "groups", AT_REMOVEDIR);
		(void)rmdir(h->path);
	}
	home_close(h);
}
