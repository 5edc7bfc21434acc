#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cache.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

#define FILES_MAX 4096

/* What is done with a document that speaks for the machine. */
struct visit {
	const struct wanted *w;
	struct endorse *bag; /* takes it, or */
	int to;		     /* a folder does */
};

/* What cannot be read as an endorsement is none. */
static int
visit_document(
    const struct visit *v, const char *name, const uint8_t *p, size_t n)
{
	struct endorse *one;
	int r;

	if (endorse_new(&one) != 0)
		return why_memory();
	r = endorse_add_text(one, p, n);
	if (r == CL_ERR_MEMORY)
		r = why_memory();
	else if (r != 0 || !wanted_suits(v->w, one))
		r = CL_OK;
	else if (!v->bag)
		r = cache_put(v->to, name, p, n);
	else if ((r = endorse_add_text(v->bag, p, n)) != 0)
		r = why_set(r, "%s: %s", name, err_text(r));
	endorse_free(one);
	return r;
}

static int
visit_file(const struct visit *v, int dirfd, const char *name)
{
	struct stat st;
	uint8_t *p;
	size_t n;
	int r;

	if (name[0] == '.' ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode) || st.st_size > (off_t)ENDORSE_BLOB_MAX)
		return CL_OK;
	r = file_read(dirfd, name, ENDORSE_BLOB_MAX, &p, &n);
	/* Another process may have removed it meanwhile. */
	if (r == CL_ERR_NOT_FOUND)
		return CL_OK;
	if (r != 0)
		return why_set(r, "%s: %s", name, err_text(r));
	r = visit_document(v, name, p, n);
	secmem_free(p);
	return r;
}

static int
visit_all(const struct visit *v, int dirfd)
{
	struct dirent **names = NULL;
	int i, n, r = CL_OK;

	n = scandirat(dirfd, ".", &names, NULL, alphasort);
	if (n < 0)
		r = why_set(CL_ERR_IO, "%s", strerror(errno));
	else if (n > FILES_MAX)
		r = why_set(CL_ERR_LIMIT, "more than %d files", FILES_MAX);
	for (i = 0; i < n; i++) {
		if (r == 0)
			r = visit_file(v, dirfd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return r;
}

int
cache_load_from(int dirfd, const struct wanted *w, struct endorse *bag)
{
	const struct visit v = {.w = w, .bag = bag};

	return visit_all(&v, dirfd);
}

int
cache_copy(int from, const struct wanted *w, int to)
{
	const struct visit v = {.w = w, .to = to};

	return visit_all(&v, from);
}

int
cache_put(int dirfd, const char *name, const void *p, size_t n)
{
	int r = file_write_atomic(dirfd, name, p, n, 0644);

	return r ? why_set(r, "cannot write %s: %s", name, err_text(r)) : CL_OK;
}

int
cache_open(const struct home *home, int *dirfd)
{
	if (mkdirat(home->dirfd, CACHE_DIR, 0700) != 0 && errno != EEXIST)
		return why_set(CL_ERR_IO, "cannot make %s/" CACHE_DIR ": %s",
		    home->path, strerror(errno));
	*dirfd =
	    openat(home->dirfd, CACHE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *dirfd < 0
		   ? why_set(CL_ERR_IO, "cannot open %s/" CACHE_DIR ": %s",
			 home->path, strerror(errno))
		   : CL_OK;
}

int
cache_load(const struct home *home, const struct wanted *w, struct endorse *bag)
{
	int fd, r;

	fd = openat(home->dirfd, CACHE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return CL_OK;
	r = fd < 0 ? why_set(CL_ERR_IO, "%s", strerror(errno))
		   : cache_load_from(fd, w, bag);
	if (fd >= 0)
		close(fd);
	return r ? why_in(r,
		       "cannot read the cache of endorsements %s/" CACHE_DIR,
		       home->path)
		 : CL_OK;
}
