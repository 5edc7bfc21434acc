/* Endorsements from files and folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/secmem.h"
#include "policy/endorse.h"

/* Files that one folder may have; more is a mistake of the caller's. */
#define FILES_MAX 4096u

struct walk {
	struct endorse *e;
	unsigned files, skipped;
};

static int
add_file(struct endorse *e, int dirfd, const char *name)
{
	uint8_t *p;
	size_t n;
	int r = file_read(dirfd, name, ENDORSE_BLOB_MAX, &p, &n);

	if (r != 0)
		return r;
	r = endorse_add_text(e, p, n);
	secmem_free(p);
	return r;
}

/* A folder belongs to somebody: what else lies in it is passed over. */
static int
visit_file(struct walk *w, int dirfd, const char *name)
{
	int r;

	if (w->files++ == FILES_MAX)
		return CL_ERR_LIMIT;
	r = add_file(w->e, dirfd, name);
	if (r == 0 || r == CL_ERR_MEMORY || r == CL_ERR_LIMIT)
		return r;
	w->skipped++;
	return CL_OK;
}

static int walk(struct walk *w, int fd, unsigned depth);

static int
visit(struct walk *w, int dirfd, const char *name, unsigned depth)
{
	struct stat st, target;
	int fd;

	if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
		return CL_OK;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return CL_OK;
	if (S_ISDIR(st.st_mode)) {
		fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && depth < ENDORSE_DEPTH_MAX)
			return walk(w, fd, depth + 1);
		if (fd >= 0)
			close(fd);
		w->skipped++;
		return CL_OK;
	}
	/* Pipes and devices are nobody's endorsements. */
	if (fstatat(dirfd, name, &target, 0) == 0 && S_ISREG(target.st_mode))
		return visit_file(w, dirfd, name);
	return CL_OK;
}

/* Closes fd. */
static int
walk(struct walk *w, int fd, unsigned depth)
{
	struct dirent **names = NULL;
	int i, n, r = CL_OK;

	/* Sorted, so that the same folder always gives the same bag. */
	n = scandirat(fd, ".", &names, NULL, alphasort);
	if (n < 0)
		r = CL_ERR_IO;
	for (i = 0; i < n; i++) {
		if (r == 0)
			r = visit(w, fd, names[i]->d_name, depth);
		free(names[i]);
	}
	free(names);
	close(fd);
	return r;
}

int
endorse_add_path(struct endorse *e, const char *path, unsigned *skipped)
{
	struct walk w = {.e = e};
	struct stat st;
	int fd, r;

	*skipped = 0;
	if (stat(path, &st) != 0)
		return errno == ENOENT ? CL_ERR_NOT_FOUND : CL_ERR_IO;
	if (!S_ISDIR(st.st_mode))
		return add_file(e, AT_FDCWD, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? CL_ERR_PERMISSION : CL_ERR_IO;
	r = walk(&w, fd, 1);
	*skipped = w.skipped;
	return r;
}
