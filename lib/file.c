#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/secmem.h"

static int
from_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return CL_ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return CL_ERR_PERMISSION;
	case EEXIST:
		return CL_ERR_EXISTS;
	case ENOMEM:
		return CL_ERR_MEMORY;
	default:
		return CL_ERR_IO;
	}
}

/* Reads until the end or cap bytes. */
static int
read_all(int fd, uint8_t *p, size_t cap, size_t *n)
{
	ssize_t got;

	*n = 0;
	while (*n < cap) {
		got = read(fd, p + *n, cap - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return from_errno();
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return CL_OK;
}

int
file_read(int dirfd, const char *path, size_t max, uint8_t **out, size_t *n)
{
	struct stat st;
	uint8_t *p = NULL;
	size_t cap, len;
	int fd, r;

	/* NONBLOCK: a FIFO in the place of a file must not hang us. */
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return from_errno();
	if (fstat(fd, &st) != 0) {
		r = from_errno();
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		r = CL_ERR_IO;
		goto out;
	}
	r = CL_ERR_TOO_LARGE;
	if ((uintmax_t)st.st_size > max)
		goto out;
	/* One more than its size, so that a file that grew shows. */
	cap = (size_t)st.st_size + 1;
	if (!(p = secmem_alloc(cap + 1))) {
		r = CL_ERR_MEMORY;
		goto out;
	}
	if ((r = read_all(fd, p, cap, &len)) != 0)
		goto out;
	if (len == cap) {
		r = CL_ERR_IO;
		goto out;
	}
	p[len] = '\0';
	*out = p;
	*n = len;
	p = NULL; /* transferred */
out:
	secmem_free(p);
	close(fd);
	return r;
}

static int
write_all(int fd, const uint8_t *p, size_t n)
{
	ssize_t put;

	while (n) {
		put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return from_errno();
		p += put;
		n -= (size_t)put;
	}
	return CL_OK;
}

/* The folder of path, opened; *base is the name in it. */
static int
open_folder(int dirfd, const char *path, int *folder, const char **base)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	size_t n = slash ? (size_t)(slash - path) : 0;

	*base = slash ? slash + 1 : path;
	if (!**base || n >= sizeof(dir))
		return CL_ERR_ARGUMENT;
	if (slash) {
		memcpy(dir, path, n ? n : 1);
		dir[n ? n : 1] = '\0';
	}
	*folder = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *folder < 0 ? from_errno() : CL_OK;
}

/*
 * The temporary file has one name, so that a killed writer leaves at most one
 * behind, and a lock, so that writers queue. Whoever gets the lock looks
 * whether the name still stands for the file that it locked: the writer before
 * it has renamed that one into place.
 */
static int
open_temp(int folder, const char *temp, int *out)
{
	struct stat mine, there;
	int fd, r;

	for (;;) {
		fd = openat(folder, temp,
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
		if (fd < 0)
			return from_errno();
		while ((r = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
			;
		if (r != 0 || fstat(fd, &mine) != 0)
			break;
		if (fstatat(folder, temp, &there, AT_SYMLINK_NOFOLLOW) == 0) {
			if (there.st_dev == mine.st_dev &&
			    there.st_ino == mine.st_ino) {
				*out = fd;
				return CL_OK;
			}
		} else if (errno != ENOENT) {
			break;
		}
		close(fd);
	}
	r = from_errno();
	close(fd);
	return r;
}

/* Content, mode and name; flags are renameat2's. */
static int
fill_and_rename(int folder, int fd, const char *temp, const char *base,
    const uint8_t *p, size_t n, mode_t mode, unsigned flags)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) != 0)
		return from_errno();
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return CL_ERR_IO;
	if (ftruncate(fd, 0) != 0 || fchmod(fd, mode) != 0)
		return from_errno();
	if ((r = write_all(fd, p, n)) != 0)
		return r;
	if (fsync(fd) != 0 || renameat2(folder, temp, folder, base, flags) != 0)
		return from_errno();
	return CL_OK;
}

static int
write_file(int dirfd, const char *path, const void *p, size_t n, mode_t mode,
    unsigned flags)
{
	char temp[NAME_MAX + 1];
	const char *base;
	int folder = -1, fd = -1, r;

	if ((r = open_folder(dirfd, path, &folder, &base)) != 0)
		return r;
	if ((size_t)snprintf(temp, sizeof(temp), ".%s.tmp", base) >=
	    sizeof(temp)) {
		r = CL_ERR_ARGUMENT;
		goto out;
	}
	if ((flags & RENAME_NOREPLACE) &&
	    faccessat(folder, base, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		r = CL_ERR_EXISTS;
		goto out;
	}
	if ((r = open_temp(folder, temp, &fd)) != 0)
		goto out;
	r = fill_and_rename(folder, fd, temp, base, p, n, mode, flags);
	/* Still locked: on failure the name is ours to take away. */
	if (r != 0)
		(void)unlinkat(folder, temp, 0);
	else if (fsync(folder) != 0)
		r = from_errno();
out:
	if (fd >= 0)
		close(fd);
	close(folder);
	return r;
}

int
file_write_atomic(
    int dirfd, const char *path, const void *p, size_t n, mode_t mode)
{
	return write_file(dirfd, path, p, n, mode, 0);
}

int
file_write_new(
    int dirfd, const char *path, const void *p, size_t n, mode_t mode)
{
	return write_file(dirfd, path, p, n, mode, RENAME_NOREPLACE);
}
