#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/home.h"
#include "client/why.h"
#include "lib/file.h"

int
home_path(const char *option, char **path)
{
	const char *base = option ? option : getenv("CLOISTER_HOME");
	int n;

	*path = NULL;
	if (base && *base) {
		*path = strdup(base);
		return *path ? CL_OK : why_memory();
	}
	base = getenv("HOME");
	if (!base || !*base)
		return why_set(CL_ERR_NOT_FOUND,
		    "the owner's directory is unknown: neither --home, nor "
		    "CLOISTER_HOME, nor HOME is set");
	n = asprintf(path, "%s/.cloister", base);
	if (n < 0)
		*path = NULL;
	return *path ? CL_OK : why_memory();
}

static int
check_dir(const char *path, const struct stat *st)
{
	if (st->st_uid != geteuid())
		return why_set(CL_ERR_PERMISSION,
		    "%s belongs to uid %u, expected the caller's %u", path,
		    (unsigned)st->st_uid, (unsigned)geteuid());
	if (st->st_mode & 077)
		return why_set(CL_ERR_PERMISSION,
		    "%s is open to others: expected mode 0700, came %04o; "
		    "run: chmod 700 %s",
		    path, (unsigned)(st->st_mode & 07777), path);
	return CL_OK;
}

static int
open_dir(const char *path, struct home *h)
{
	struct stat st;

	h->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->dirfd < 0 && errno == ENOENT)
		return why_set(CL_ERR_NOT_FOUND,
		    "no owner's directory at %s; make one with: cloister init",
		    path);
	if (h->dirfd < 0 || fstat(h->dirfd, &st) != 0)
		return why_set(CL_ERR_IO, "cannot open directory %s: %s", path,
		    strerror(errno));
	return check_dir(path, &st);
}

int
home_open(const char *option, struct home *h)
{
	int r;

	h->dirfd = -1;
	if ((r = home_path(option, &h->path)) != 0)
		return r;
	if ((r = open_dir(h->path, h)) != 0)
		home_close(h);
	return r;
}

void
home_close(struct home *h)
{
	if (h->dirfd >= 0)
		close(h->dirfd);
	h->dirfd = -1;
	free(h->path);
	h->path = NULL;
}

int
home_lock(const struct home *h)
{
	while (flock(h->dirfd, LOCK_EX) != 0)
		if (errno != EINTR)
			return why_set(CL_ERR_IO, "cannot lock %s: %s", h->path,
			    strerror(errno));
	return CL_OK;
}

void
home_unlock(const struct home *h)
{
	(void)flock(h->dirfd, LOCK_UN);
}

static int
read_error(const struct home *h, const char *name, int r)
{
	if (r == CL_ERR_NOT_FOUND)
		return why_set(r,
		    "%s/%s is missing; restore it from your backup of the "
		    "owner's directory",
		    h->path, name);
	if (r == CL_ERR_TOO_LARGE)
		return why_set(r,
		    "%s/%s is too large: expected at most %u "
		    "bytes",
		    h->path, name, HOME_FILE_MAX);
	return why_set(r, "cannot read %s/%s: %s", h->path, name, err_text(r));
}

int
home_read(const struct home *h, const char *name, uint8_t **p, size_t *n)
{
	int r = file_read(h->dirfd, name, HOME_FILE_MAX, p, n);

	return r ? read_error(h, name, r) : CL_OK;
}

int
home_read_secret(const struct home *h, const char *name, uint8_t **p, size_t *n)
{
	struct stat st;

	if (fstatat(h->dirfd, name, &st, 0) != 0)
		return read_error(
		    h, name, errno == ENOENT ? CL_ERR_NOT_FOUND : CL_ERR_IO);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return why_set(CL_ERR_PERMISSION,
		    "%s/%s is open to others: expected mode 0600 and owner "
		    "%u, came %04o and %u; run: chmod 600 %s/%s",
		    h->path, name, (unsigned)geteuid(),
		    (unsigned)(st.st_mode & 07777), (unsigned)st.st_uid,
		    h->path, name);
	return home_read(h, name, p, n);
}

static int
write_error(const struct home *h, const char *name, int r)
{
	if (r == CL_ERR_EXISTS)
		return why_set(r, "%s/%s exists already", h->path, name);
	return why_set(r, "cannot write %s/%s: %s", h->path, name, err_text(r));
}

int
home_write(const struct home *h, const char *name, const void *p, size_t n)
{
	int r = file_write_atomic(h->dirfd, name, p, n, 0600);

	return r ? write_error(h, name, r) : CL_OK;
}

int
home_write_new(const struct home *h, const char *name, const void *p, size_t n)
{
	int r = file_write_new(h->dirfd, name, p, n, 0600);

	return r ? write_error(h, name, r) : CL_OK;
}
